"""Convolutions between a picture's few channels and many: on the CPU, a product beside a fold of the picture's patches.

A CPU's kernels make 16 channels at least: for a grey picture and for its gradient they do 16 times the work.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import fold, linear, unfold

FEW = 4
"""Channels of a picture up to which a product and a fold are the quicker way."""


class FromPicture(nn.Conv2d):
    """A convolution of a picture with few channels: N C H W to N C' H' W', whose channels lie last in memory."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the convolution; where the picture's own gradient is wanted, its sums in another order."""
        if not x.requires_grad or x.device.type != "cpu" or self.in_channels > FEW:
            found: Tensor = super().forward(x)
            return found
        kernel, stride, padding = self.kernel_size, self.stride, self.padding
        assert not isinstance(padding, str)
        side = (x.shape[2] + 2 * padding[0] - kernel[0]) // stride[0] + 1
        patches = unfold(x, kernel, padding=padding, stride=stride).transpose(1, 2)
        found = linear(patches, self.weight.flatten(1), self.bias).transpose(1, 2)
        rows: Tensor = found.unflatten(2, (side, -1))
        return rows


class ToPicture(nn.ConvTranspose2d):
    """A transposed convolution to a picture with few channels: N C H W to N C' H' W'."""

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Return the transposed convolution, its sums in another order than that of `nn.ConvTranspose2d`."""
        if x.device.type != "cpu" or self.out_channels > FEW:
            return super().forward(x, output_size)
        kernel, stride, padding = self.kernel_size, self.stride, self.padding
        assert not isinstance(padding, str)
        high, wide = (
            (n - 1) * s - 2 * p + k
            for n, s, p, k in zip(x.shape[2:], stride, padding, kernel, strict=True)
        )
        patches = linear(x.flatten(2).transpose(1, 2), self.weight.flatten(1).t())
        found = fold(patches.transpose(1, 2), (high, wide), kernel, padding=padding, stride=stride)
        assert self.bias is not None
        return found + self.bias.to(found.dtype)[:, None, None]
