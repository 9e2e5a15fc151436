"""Batch norms that compute together give what one process with the whole batch does."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from cellml.shared_batch_norm import ProcessorSyncBatchNorm, batch_norms


def network(momentum: float | None) -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv3d(1, 3, 1), torch.nn.BatchNorm3d(3, momentum=momentum), torch.nn.ReLU(), torch.nn.BatchNorm3d(3, affine=False)
    ).double()


def images() -> torch.Tensor:
    return 5 + torch.randn(2, 1, 4, 5, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def trained(net: torch.nn.Module, batch: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Output of the second of two passes, and gradients of a sum over the batch."""
    net(batch)
    weights = torch.linspace(-1, 1, 3 * 4 * 5 * 6, dtype=torch.float64).reshape(3, 4, 5, 6)  # a loss that every value enters in its own way
    result = net(batch)
    (result * weights).square().sum().backward()
    return result.detach(), {name: value.grad for name, value in net.named_parameters() if value.grad is not None}


def _half(rank: int, folder: str, momentum: float | None) -> None:
    """One of two processes, with one image of two."""
    import torch.distributed as dist

    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    net = ProcessorSyncBatchNorm().apply(network(momentum))
    result, gradients = trained(net, images()[rank : rank + 1])
    for gradient in gradients.values():
        dist.all_reduce(gradient)
    torch.save({"result": result, "gradients": gradients, "state": net.state_dict()}, Path(folder) / f"{rank}.pt")
    dist.destroy_process_group()


@pytest.mark.slow
@pytest.mark.parametrize("momentum", [0.1, None])
def test_two_processes_with_one_image_are_one_with_two(momentum: float | None, tmp_path: Path) -> None:
    torch.multiprocessing.spawn(_half, args=(str(tmp_path), momentum), nprocs=2)
    whole = network(momentum)
    result, gradients = trained(whole, images())
    halves = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in (0, 1)]
    torch.testing.assert_close(torch.cat([half["result"] for half in halves]), result)
    for half in halves:
        for name, value in whole.state_dict().items():
            torch.testing.assert_close(half["state"][name], value)
        for name, gradient in gradients.items():
            torch.testing.assert_close(half["gradients"][name], gradient)


def test_layers_are_given_back_as_they_were_and_work_alone_in_one_process() -> None:
    plain, net, sync = network(0.1), network(0.1), ProcessorSyncBatchNorm()
    assert len(batch_norms(net)) == 2
    sync.apply(net)
    torch.testing.assert_close(net(images()), plain(images()), rtol=0, atol=0)
    sync.revert(net)
    assert all("forward" not in layer.__dict__ for layer in batch_norms(net))
    assert list(net.state_dict()) == list(plain.state_dict())
