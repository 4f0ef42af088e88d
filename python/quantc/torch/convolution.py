"""The convolution of quantization-aware training: a linear layer over patches of its input."""

from __future__ import annotations

import copy

from torch import Tensor, nn

from quantc.config import QuantizationConfig
from quantc.errors import Error
from quantc.torch.linear import QatLinear

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


def can_quantize(module: nn.Module) -> bool:
    """Whether ``module`` is a convolution of one group that is padded with zeros."""
    return type(module) in CONVOLUTIONS and module.groups == 1 and module.padding_mode == "zeros"


class QatConvolution(QatLinear):
    """A convolution whose forward has the bytes of the quantized layer.

    Each place of the window is a row of activations, in the order of convolution_a1 in
    docs/Numerics.md, which says what has parameters of its own in mode ``dynamic``. The weight
    keeps the shape that the convolution gives it.
    """

    def __init__(
        self,
        convolution: nn.Module,
        name: str,
        config: QuantizationConfig,
        warm_up_steps: int,
        range_momentum: float,
    ) -> None:
        """Take over the parameters of ``convolution``."""
        # In a tuple, so that it is no submodule; its parameters are those of this layer.
        shape = copy.copy(convolution)
        shape._parameters = {"weight": None, "bias": None}
        self._shape = (shape,)
        super().__init__(convolution, name, config, warm_up_steps, range_momentum)

    def make_float(self) -> nn.Module:
        """Return the plain convolution, for evaluation."""
        result = copy.copy(self._shape[0])
        result._parameters = {"weight": nn.Parameter(self.weight.detach()), "bias": self.bias}
        return result.eval()

    def get_float_weight(self) -> Tensor:
        """Return what is quantized, [N, K]: K runs through the window, then through channels."""
        return self.weight.movedim(1, -1).flatten(1)

    def _compute_float(self, x: Tensor) -> Tensor:
        return self._shape[0]._conv_forward(x, self.weight, self.bias)

    def _has_samples(self) -> bool:
        return sum(size > 1 for size in self._shape[0].kernel_size) > 1

    def _get_rows(self, x: Tensor) -> Tensor:
        convolution = self._shape[0]
        rank = len(convolution.kernel_size)
        if x.ndim != rank + 2:
            raise Error(
                f"{self.name}: the input has {x.ndim} dimensions; expects a batch, channels and "
                f"{rank} more"
            )
        x = nn.functional.pad(x, convolution._reversed_padding_repeated_twice)
        for dim, (size, stride, dilation) in enumerate(
            zip(convolution.kernel_size, convolution.stride, convolution.dilation, strict=True)
        ):
            # A window, [..., (size - 1) * dilation + 1] behind all dimensions, without its gaps.
            x = x.unfold(dim + 2, (size - 1) * dilation + 1, stride)[..., ::dilation]
        # [batch, channels, places..., window...] -> [batch, places..., window..., channels].
        return x.movedim(1, -1).flatten(rank + 1)

    def _get_result(self, y: Tensor, rows: Tensor) -> Tensor:
        return y.reshape(*rows.shape[:-1], self.out_features).movedim(-1, 1)
