"""The encoder of ResNet-18 and ResNet-34 under the names of the published weights (He et al. 2016)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from cellml.errors import CellmlError


class ResNetEncoder(nn.Module):
    """(N, C, Y, X) images → feature maps at strides 2, 4, 8 … one for the stem and one for each layer.

    Its state dictionary has the keys of torchvision's `resnet18` and `resnet34`, so that their published files fit (without the classifier
    `fc`): `training.initialise_from=resnet34-b627a593.pth`. blocks: residual blocks of each layer, [2, 2, 2, 2] or [3, 4, 6, 3]; a shorter
    list leaves the deepest layers out; width: channels of the first layer, 64 in the published networks.
    """

    def __init__(self, in_channels: int = 1, blocks: Sequence[int] = (3, 4, 6, 3), width: int = 64) -> None:
        super().__init__()
        if not 1 <= len(blocks) <= 4 or min(blocks) < 1:
            raise CellmlError(
                f"task.net.blocks is {list(blocks)}; a ResNet has one to four layers of at least one block, such as [3, 4, 6, 3]."
            )
        self.blocks = [int(n) for n in blocks]
        self.widths = [width, *(width * 2**level for level in range(len(blocks)))]
        self.conv1 = nn.Conv2d(in_channels, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        before = width
        for level, number in enumerate(self.blocks):
            after, stride = width * 2**level, 1 if level == 0 else 2
            layer = [BasicBlock(before, after, stride), *(BasicBlock(after, after, 1) for _ in range(number - 1))]
            self.add_module(f"layer{level + 1}", nn.Sequential(*layer))
            before = after

    @property
    def strides(self) -> list[int]:
        """Of each feature map."""
        return [2, *(4 * 2**level for level in range(len(self.blocks)))]

    @property
    def radii(self) -> list[int]:
        """Field of view of each feature map along y and x: how many pixels beyond its own it looks at, to each side."""
        radii, radius = [3], 3 + 2
        for level, (number, stride) in enumerate(zip(self.blocks, self.strides[1:], strict=True)):
            first = stride if level == 0 else stride // 2
            radius += first + stride + 2 * stride * (number - 1)
            radii.append(radius)
        return radii

    def forward(self, image: Tensor) -> list[Tensor]:
        """image: (N, C, Y, X)."""
        x = self.relu(self.bn1(self.conv1(image)))
        features = [x]
        x = self.maxpool(x)
        for level in range(len(self.blocks)):
            x = self.get_submodule(f"layer{level + 1}")(x)
            features.append(x)
        return features


class BasicBlock(nn.Module):
    """relu(x + bn(conv(relu(bn(conv(x)))))), the shortcut a strided 1 × 1 convolution where size or width change."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.downsample: nn.Module | None = None
        if stride != 1 or before != after:
            self.downsample = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, W, Y, X)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        return self.relu(self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x))))) + shortcut)  # type: ignore[no-any-return]
