"""The linear layer of quantization-aware training."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.distributed
from torch import Tensor, nn

from quantc import _quantc
from quantc.config import QuantizationConfig
from quantc.errors import Error
from quantc.quantization import LayerParameters
from quantc.torch.gradient import Parameters, QuantizedLinear, call, quantize_weight
from quantc.torch.programs import (
    LayerKind,
    get_observer,
    get_parameter_chooser,
    get_row_parameters,
    has_symmetric_activations,
    has_two_level_scales,
)

SMALLEST_SCALE = 1e-8
"""What a learned scale is taken for when it is smaller or negative."""

GROUP_INTERVAL = 100
"""Training steps from one choice of the integer scales of groups to the next."""


def check_tensors(name: str, **tensors: Tensor | None) -> None:
    """Raise ``quantc.Error`` unless the tensors are what the compiled programs take."""
    if torch.is_autocast_enabled("cpu"):
        raise Error(
            f"{name}: autocast is on; quantized layers compute in float32 and integers, leave "
            "torch.autocast off"
        )
    for what, tensor in tensors.items():
        if tensor is None:
            continue
        if tensor.device.type != "cpu":
            raise Error(f"{name}: {what} is on {tensor.device}; quantized layers run on the CPU")
        if tensor.dtype != torch.float32:
            raise Error(
                f"{name}: {what} is {str(tensor.dtype).removeprefix('torch.')}; quantized layers "
                "take float32"
            )


def pad(values: Tensor, depth: int) -> Tensor:
    """Append zeros to the rows of ``values`` up to ``depth``."""
    missing = depth - values.shape[-1]
    return nn.functional.pad(values, (0, missing)) if missing else values


def make_linear(weight: Tensor, bias: Tensor | None) -> nn.Linear:
    """Return a linear layer for evaluation with the values of ``weight`` [N, K]."""
    linear = nn.Linear(weight.shape[1], weight.shape[0], bias is not None, "meta")
    linear.weight = nn.Parameter(weight.detach().contiguous())
    linear.bias = bias
    return linear.eval()


def replace_modules(root: nn.Module, replaced: Mapping[nn.Module, nn.Module]) -> None:
    """Put the values of ``replaced`` in the places of its keys; one may have several."""
    for name, child in list(root.named_modules(remove_duplicate=False)):
        if child in replaced:
            root.set_submodule(name, replaced[child])


class QatLinear(nn.Linear):
    """A linear layer whose forward has the bytes of the quantized layer.

    So it has in evaluation mode and, once the warm-up is over, in training mode; with one
    exception: in training mode a layer passes on its sums in float even where the quantized program
    rounds them for the next layer at once, because that layer has to observe them.
    """

    def __init__(
        self,
        linear: nn.Linear,
        name: str,
        config: QuantizationConfig,
        warm_up_steps: int,
        range_momentum: float,
        adapted: nn.Module | None = None,
    ) -> None:
        """Take over the parameters of ``linear``; ``adapted`` is the MergedLora that holds this."""
        # Not nn.Linear.__init__, which makes new parameters.
        nn.Module.__init__(self)
        self.out_features, self.in_features = linear.weight.flatten(1).shape
        self.weight, self.bias = linear.weight, linear.bias
        # In a tuple, so that it is no submodule.
        self._adapted = () if adapted is None else (adapted,)
        self.training = linear.training
        self.name, self.config = name, config
        self.warm_up_steps, self.range_momentum = warm_up_steps, range_momentum
        check_tensors(name, weight=self.weight, bias=self.bias)
        self.kind = LayerKind.of(self, config, self._has_samples())
        # The layer that takes the result as integers; in a tuple, so that it is no submodule.
        self._next: tuple[QatLinear, ...] = ()

        self.register_buffer("training_steps", torch.zeros((), dtype=torch.int64))
        self.register_buffer("fake_quant_enabled", torch.ones((), dtype=torch.uint8))
        self.register_buffer("observer_enabled", torch.ones((), dtype=torch.uint8))
        if config.mode == "static":
            self.register_buffer("observed_batches", torch.zeros((), dtype=torch.int64))
            self.register_buffer("input_range", torch.zeros(2))
        if config.learned_step_size:
            self.weight_scale = nn.Parameter(torch.ones(self.kind.scale_shape))
            if not config.symmetric_weights:
                zeros = torch.zeros(self.kind.scale_shape, dtype=torch.int8)
                self.register_buffer("weight_zero_point", zeros)
        if has_two_level_scales(config):
            if not config.learned_step_size:
                self.register_buffer("weight_scale", None)
            self.register_buffer("group_multiplier", None)
            self._choose_groups()
        if config.learned_step_size:
            self.register_buffer("scales_chosen", torch.zeros((), dtype=torch.uint8))
            if config.mode == "static":
                self.input_scale = nn.Parameter(torch.ones(()))
                self.register_buffer("input_zero_point", torch.zeros((), dtype=torch.int8))

    @property
    def is_quantizing(self) -> bool:
        """Whether the next call quantizes."""
        is_warm = not self.training or int(self.training_steps) > self.warm_up_steps
        return bool(self.fake_quant_enabled) and is_warm

    @property
    def learns_scales(self) -> bool:
        """Whether scales are parameters already."""
        return self.config.learned_step_size and bool(self.scales_chosen)

    @property
    def place(self) -> nn.Module:
        """The module in the place of the layer that was prepared: this one, or its adapter's."""
        return self._adapted[0] if self._adapted else self

    @property
    def next_layer(self) -> QatLinear | None:
        """The layer that takes the result of this one as integers."""
        return self._next[0] if self._next else None

    def forward(self, x: Tensor) -> Tensor:
        check_tensors(self.name, input=x, weight=self.weight, bias=self.bias)
        if self.training:
            self._step(x)
        if not self.is_quantizing:
            y = self._compute_float(x)
            for scale in self._learned_scales().values():
                # DistributedDataParallel expects a gradient of every parameter.
                y = y + 0 * scale.sum()
            return y
        rows = self._get_rows(x)
        learned = self._learned_scales() if self.learns_scales else {}
        y = QuantizedLinear.apply(
            pad(rows.reshape(rows.shape[:-1].numel(), rows.shape[-1]), self.kind.inputs),
            self._padded_weight(),
            self.bias,
            learned.get("input_scale"),
            learned.get("weight_scale"),
            self._get_call_parameters(x, rows),
            self.kind,
        )
        return self._get_result(y, rows)

    def layer_parameters(self) -> LayerParameters:
        """Return what the quantized layer is made with."""
        if self.config.mode == "static" and not self.learns_scales:
            self._check_observed()
            input_ = {"input_range": tuple(self.input_range.tolist())}
        elif self.config.mode == "static":
            scale, zero_point = self.get_input_parameters()
            input_ = {"input_scale": scale.item(), "input_zero_point": zero_point.item()}
        else:
            input_ = {}
        parameters = self.get_parameters()
        return LayerParameters(
            **input_,
            weight_scale=parameters.weight_scale,
            weight_zero_point=parameters.weight_zero_point,
            weight_multiplier=parameters.group_multiplier,
            float_result=not self._next,
        )

    def get_float_weight(self) -> Tensor:
        """Return what is quantized, [N, K]: the weight, with its adapter if it has one."""
        return self._adapted[0].add_to(self.weight) if self._adapted else self.weight

    def make_float(self) -> nn.Module:
        """Return the plain layer, for evaluation."""
        return make_linear(self.get_float_weight(), self.bias)

    def extra_repr(self) -> str:
        config = self.config
        return (
            f"{super().extra_repr()}, weight_bits={config.weight_bits}, mode={config.mode}, "
            f"granularity={config.granularity}"
        )

    # What depends on the kind of layer

    def _compute_float(self, x: Tensor) -> Tensor:
        """Return the result before anything is quantized."""
        return nn.functional.linear(x, self.get_float_weight(), self.bias)

    def _has_samples(self) -> bool:
        """Whether rows are patches of samples that have parameters in mode ``dynamic``."""
        return False

    def _get_rows(self, x: Tensor) -> Tensor:
        """Return the activations as [..., K]."""
        return x

    def _get_result(self, y: Tensor, rows: Tensor) -> Tensor:
        """Return ``y`` [M, N] in the shape that the result for ``rows`` has."""
        return y.reshape(*rows.shape[:-1], self.out_features)

    def _padded_weight(self) -> Tensor:
        return pad(self.get_float_weight(), self.kind.inputs)

    def _learned_scales(self) -> dict[str, nn.Parameter]:
        """Return the scales that are parameters, by name."""
        return {
            name: parameter
            for name, parameter in self.named_parameters(recurse=False)
            if name.endswith("_scale")
        }

    # Before a training step

    def _step(self, x: Tensor) -> None:
        """Observe ``x``, and choose what is chosen in training only."""
        self.training_steps += 1
        if self.config.mode == "static" and self.observer_enabled and not self.learns_scales:
            self._observe(x)
        if not self.is_quantizing:
            return
        if self.config.learned_step_size and not self.scales_chosen:
            self._choose_scales()
        quantizing_steps = int(self.training_steps) - self.warm_up_steps - 1
        if (
            has_two_level_scales(self.config)
            and not self.config.learned_step_size
            and self.observer_enabled
            and quantizing_steps % GROUP_INTERVAL == 0
        ):
            self._choose_groups()

    def _observe(self, x: Tensor) -> None:
        """Take the range of ``x``, on all ranks, into the moving average."""
        range_ = call(get_observer(), {"values": x.reshape(-1)})["input_range"]
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            # The smallest minimum is the largest of the negated ones.
            range_ = range_ * torch.tensor([-1.0, 1.0])
            torch.distributed.all_reduce(range_, torch.distributed.ReduceOp.MAX)
            range_ = range_ * torch.tensor([-1.0, 1.0])
        if not range_.isfinite().all():
            return
        momentum = self.range_momentum if self.observed_batches else 0.0
        self.input_range.lerp_(range_, 1 - momentum)
        self.observed_batches += 1

    def _choose_groups(self) -> None:
        """Choose the integer scales of groups from the weight."""
        weight = self._padded_weight().detach().contiguous().numpy()
        chosen = _quantc.choose_group_scales(weight, self.config.group_size)
        scale, self.group_multiplier = map(torch.from_numpy, chosen)
        if self.config.learned_step_size:
            with torch.no_grad():
                self.weight_scale.copy_(scale)
        else:
            self.weight_scale = scale

    def _choose_scales(self) -> None:
        """Let learned scales start with those of the ranges, or of the search for groups."""
        if has_two_level_scales(self.config):
            self._choose_groups()
        parameters = self.get_parameters()
        quantize_weight(self.kind, self._padded_weight(), parameters)
        with torch.no_grad():
            for name, value in vars(parameters).items():
                if value is not None and name != "group_multiplier":
                    getattr(self, name).copy_(value)
            self.scales_chosen.fill_(1)

    # Parameters of a call

    def _check_observed(self) -> None:
        if not self.observed_batches:
            raise Error(
                f"{self.name}: has seen no data, and mode='static' needs the range of its input; "
                "call the module in training mode first, or choose mode='dynamic'"
            )

    def get_input_parameters(self) -> tuple[Tensor, Tensor]:
        """Return scale and zero point of the input in mode ``static``."""
        if self.learns_scales:
            return self.input_scale.detach().clamp_min(SMALLEST_SCALE), self.input_zero_point
        self._check_observed()
        program = get_parameter_chooser(has_symmetric_activations(self.config))
        chosen = call(program, {"input_range": self.input_range})
        return chosen["input_scale"], chosen["input_zero_point"]

    def _get_group_scale(self) -> Tensor:
        """Return the scales of channels with groups: one that is learned, as it can ship."""
        if not self.config.learned_step_size:
            return self.weight_scale
        scale = self.weight_scale.detach().clamp_min(SMALLEST_SCALE)
        return torch.from_numpy(_quantc.round_group_scales(scale.numpy()))

    def _get_call_parameters(self, x: Tensor, rows: Tensor) -> Parameters:
        """Return the parameters of a call for ``x``, whose activations are ``rows`` [..., K]."""
        parameters = self.get_parameters()
        if self.config.mode == "dynamic" and self.kind.has_samples:
            program = get_row_parameters(has_symmetric_activations(self.config))
            places = rows.shape[1:-1].numel()
            for name, values in call(program, {"rows": x.flatten(1)}).items():
                setattr(parameters, name, values.repeat_interleave(places, 0))
        return parameters

    def get_parameters(self) -> Parameters:
        """Return the parameters of a call; None for those that are found in it."""
        parameters = Parameters()
        if self.config.mode == "static":
            parameters.input_scale, parameters.input_zero_point = self.get_input_parameters()
        if has_two_level_scales(self.config):
            parameters.weight_scale = self._get_group_scale()
            parameters.group_multiplier = self.group_multiplier
        elif self.learns_scales:
            parameters.weight_scale = self.weight_scale.detach().clamp_min(SMALLEST_SCALE)
            parameters.weight_zero_point = getattr(self, "weight_zero_point", None)
        following = self.next_layer
        if following and not self.training and following.is_quantizing:
            scale, zero_point = following.get_input_parameters()
            parameters.output_scale, parameters.output_zero_point = scale, zero_point
        return parameters
