from __future__ import annotations

import pytest

from cellml.errors import CellmlError
from cellml.infer.context import warn_of_small_tiles
from cellml.infer.predict import SlidingWindow
from cellml.memory import free_memory_gb
from cellml.nets.field_of_view import measure_halo
from cellml.nets.unet import UNet
from cellml.plan.cost import Cost
from cellml.plan.machine import Machine
from cellml.plan.network import Network, choose_network, window_of


def machine(gpu: bool = False, memory: float = 16.0, gflops: float = 60.0) -> Machine:
    return Machine("a GPU" if gpu else "cpu", memory, 2, True, 8000.0 if gpu else gflops)


def plan(spacing=(10.0, 10.0, 10.0), room=(170, 250, 160), on=None, outputs=9, context=300.0, thinnest=100.0):
    return choose_network(spacing, room, on or machine(), channels=1, outputs=outputs, context_nm=context, thinnest_nm=thinnest)


def test_patches_fit_block_network_memory_and_time() -> None:
    network = plan()
    assert all(p % m == 0 and p <= n for p, m, n in zip(network.patch, network.multiple, (170, 250, 160), strict=True))
    assert network.cost.memory_gb <= 0.8 * 16 and network.seconds <= 2.5 and network.stem_stride == 2
    assert len(set(network.patch)) == 1 and network.patch[0] >= 48 and max(network.view_nm) >= 300


def test_serial_sections_get_flat_kernels_and_patches_that_are_cubes_in_nm() -> None:
    network = plan((45.0, 4.6, 4.6), (20, 704, 743), outputs=2)
    assert network.kernels[0] == (1, 3, 3) and network.strides[0][0] == 1 and network.kernels[-1] == (3, 3, 3)
    assert network.patch[1] == network.patch[2] > 4 * network.patch[0]


def test_more_memory_and_a_gpu_allow_larger_patches() -> None:
    small, large = plan(on=machine(gpu=True, memory=2.0)), plan(on=machine(gpu=True, memory=24.0))
    assert large.patch[0] * large.batch > small.patch[0] * small.batch and large.widths[0] >= small.widths[0] and large.stem_stride == 1
    assert "GB" in small.limit or "s a step" in small.limit


def test_slow_machines_get_slimmer_networks_and_hopeless_ones_are_told() -> None:
    assert plan(on=machine(gflops=0.5)).widths[0] < 24
    with pytest.raises(CellmlError, match=r"0\.0 GB of memory are too little.*segmentation/forest"):
        plan(on=machine(memory=0.001))


def test_thin_objects_keep_full_resolution() -> None:
    assert plan(thinnest=30.0).stem_stride == 1


def test_windows_are_multiples_and_no_larger_than_the_volume_needs() -> None:
    network = plan()
    window = window_of(network, (170, 250, 250))
    assert all(t % m == 0 for t, m in zip(window["tile"], network.multiple, strict=True))
    assert all(o <= h for o, h in zip(window["overlap"], window["halo"], strict=True))


def test_windows_show_larger_volumes_the_field_of_view(caplog: pytest.LogCaptureFixture) -> None:
    net = UNet(1, 2, [2, 2], (10.0, 10.0, 10.0), stem_stride=1)
    field = measure_halo(net, multiple=net.multiple)
    cost, view = Cost(0.1, 1e9, 100), (120.0, 120.0, 120.0)
    network = Network((2, 2), 1, tuple(net.strides), tuple(net.kernels), net.multiple, net.halo, (8, 8, 16), 1, cost, 0.1, view, "")
    window = window_of(network, (8, 40, 40))
    assert all(0 < h <= f for h, f in zip(window["halo"], field, strict=True))
    assert warn_of_small_tiles(SlidingWindow(**window), net, (100, 100, 100)) is None
    warn_of_small_tiles(SlidingWindow(**{**window, "halo": [0, 0, 0]}), net, (100, 100, 100))
    assert "field of view is" in caplog.text


def test_free_memory_is_a_plausible_number() -> None:
    assert 0.5 <= free_memory_gb() < 1e5
