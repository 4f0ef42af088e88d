"""PyTorch in eager mode: its quantized operators with weights packed ahead, called from Python."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import torch

from bench.entry import Context, Entry, Peer, call_from_python
from bench.problem import EPSILON, Problem

_ENGINES = ("onednn", "fbgemm", "x86")
_ZERO = 128


class TorchPeer(Peer):
    """PyTorch's CPU operators."""

    name = "torch"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        warnings.simplefilter("ignore")
        torch.set_num_threads(context.threads)
        torch.set_grad_enabled(False)

    def list_entries(self, problem: Problem) -> dict[str, Callable[[], Entry]]:
        case = problem.case
        if case.workload == "W1":
            return {
                f"quantized linear {engine}": lambda engine=engine: _make_static(problem, engine)
                for engine in _ENGINES
            } | {"_int_mm, i32 out": lambda: _make_integer(problem)}
        if case.workload == "W2":
            return {
                f"dynamic linear {engine}": lambda engine=engine: _make_dynamic(problem, engine)
                for engine in _ENGINES
            }
        if case.workload == "W3":
            return {"int4pack bf16": lambda: _make_int4(problem)}
        if case.workload == "W4":
            return {"MKL": lambda: _make_float(problem), "oneDNN": lambda: _make_packed(problem)}
        if case.workload == "W6":
            return {"eager": lambda: _make_function(problem)}
        if case.interface == "C":
            return {}
        if case.is_float:
            return {"float": lambda: _make_float_mlp(problem)}
        return {
            f"{case.mode} {engine}": lambda engine=engine: _make_mlp(problem, engine)
            for engine in _ENGINES
        }


def _get(problem: Problem, name: str) -> torch.Tensor:
    return torch.from_numpy(problem[name])


def _make_entry(
    call: Callable[[], torch.Tensor],
    finish: Callable[[torch.Tensor], torch.Tensor] = lambda y: y,
    tolerance: float | None = None,
) -> Entry:
    """Return an entry that keeps the last result, as a user would."""
    last: list[torch.Tensor] = [call()]

    def call_and_keep() -> None:
        last[0] = call()

    return Entry(
        call_from_python(call_and_keep), lambda: finish(last[0]).numpy(), tolerance=tolerance
    )


def _pack(weight: torch.Tensor, scale: torch.Tensor, bias: torch.Tensor, engine: str) -> object:
    torch.backends.quantized.engine = engine
    zeros = torch.zeros(len(scale), dtype=torch.int64)
    quantized = torch._make_per_channel_quantized_tensor(weight, scale.double(), zeros, 0)
    return torch.ops.quantized.linear_prepack(quantized, bias)


def _pack_layer(problem: Problem, engine: str) -> object:
    scale = torch.full((problem.case.columns,), float(problem["weight_scale"]))
    return _pack(_get(problem, "quantized_weight"), scale, _get(problem, "bias"), engine)


def _make_static(problem: Problem, engine: str) -> Entry:
    packed = _pack_layer(problem, engine)
    shifted = (problem["quantized_input"].astype(np.int16) + _ZERO).astype(np.uint8)
    x = torch._make_per_tensor_quantized_tensor(
        torch.from_numpy(shifted), float(problem["input_scale"]), _ZERO
    )
    scale, linear = float(problem["output_scale"]), torch.ops.quantized.linear.default
    return _make_entry(lambda: linear(x, packed, scale, _ZERO), torch.dequantize)


def _make_integer(problem: Problem) -> Entry:
    x, weight = _get(problem, "quantized_input"), _get(problem, "quantized_weight").t()
    sums = torch.empty(problem["expected"].shape, dtype=torch.int32)
    scale = float(problem["input_scale"] * problem["weight_scale"])
    bias = _get(problem, "bias")
    return _make_entry(
        lambda: torch._int_mm(x, weight, out=sums), lambda y: y.double() * scale + bias
    )


def _make_dynamic(problem: Problem, engine: str) -> Entry:
    packed, x = _pack_layer(problem, engine), _get(problem, "input")
    linear = torch.ops.quantized.linear_dynamic.default
    return _make_entry(lambda: linear(x, packed, False))


def _make_int4(problem: Problem) -> Entry:
    """With activations in bf16: in f32 it is many times slower."""
    nibbles = (_get(problem, "quantized_weight") + 8).int()
    packed = torch.ops.aten._convert_weight_to_int4pack_for_cpu(nibbles, 1)
    scale = _get(problem, "weight_scale").t()
    scale_and_zero = torch.stack([scale, torch.zeros_like(scale)], -1).bfloat16().contiguous()
    x, bias = _get(problem, "input").bfloat16(), _get(problem, "bias")
    multiply, size = torch.ops.aten._weight_int4pack_mm_for_cpu.default, problem.case.group_size
    return _make_entry(
        lambda: multiply(x, packed, size, scale_and_zero),
        lambda y: y.float() + bias,
        tolerance=0.02,
    )


def _make_float(problem: Problem) -> Entry:
    x, weight, bias = (_get(problem, name) for name in ("input", "weight", "bias"))
    return _make_entry(lambda: torch.nn.functional.linear(x, weight, bias))


def _make_packed(problem: Problem) -> Entry:
    x, bias = _get(problem, "input"), _get(problem, "bias")
    packed = torch.ops.mkldnn._reorder_linear_weight(_get(problem, "weight"), problem.case.rows)
    linear = torch.ops.mkldnn._linear_pointwise.default
    return _make_entry(lambda: linear(x, packed, bias, "none", [], ""))


def _make_function(problem: Problem) -> Entry:
    x, gain, offset = (_get(problem, name) for name in ("input", "gain", "offset"))
    functions = torch.nn.functional
    if problem.case.mode == "softmax":
        return _make_entry(lambda: torch.softmax(x, -1))
    if problem.case.mode == "layer_norm":
        shape = (problem.case.depth,)
        return _make_entry(lambda: functions.layer_norm(x, shape, gain, offset, EPSILON))
    return _make_entry(lambda: functions.gelu(x))


def _make_float_mlp(problem: Problem) -> Entry:
    x, linear = _get(problem, "input"), torch.nn.functional.linear
    weights = [_get(problem, f"weight_{i}") for i in (1, 2)]
    biases = [_get(problem, f"bias_{i}") for i in (1, 2)]
    return _make_entry(
        lambda: linear(torch.relu(linear(x, weights[0], biases[0])), weights[1], biases[1])
    )


def _make_mlp(problem: Problem, engine: str) -> Entry:
    packed = []
    for index in (1, 2):
        weight, bias = _get(problem, f"weight_{index}"), _get(problem, f"bias_{index}")
        scale = weight.abs().amax(dim=1) / 127
        quantized = (weight / scale[:, None]).round().clamp(-127, 127).to(torch.int8)
        packed.append(_pack(quantized, scale, bias, engine))
    x, quantized_ops = _get(problem, "input"), torch.ops.quantized
    if problem.case.mode == "dynamic":
        first, second = quantized_ops.linear_relu_dynamic.default, quantized_ops.linear_dynamic
        return _make_entry(lambda: second.default(first(x, packed[0], False), packed[1], False))
    names = ("input", "hidden", "expected")
    ranges = [(min(problem[name].min(), 0), max(problem[name].max(), 0)) for name in names]
    scales = [float(high - low) / 255 for low, high in ranges]
    zeros = [round(float(-low) / scale) for (low, _), scale in zip(ranges, scales, strict=True)]

    def call() -> torch.Tensor:
        quantized = torch.quantize_per_tensor(x, scales[0], zeros[0], torch.quint8)
        hidden = quantized_ops.linear_relu(quantized, packed[0], scales[1], zeros[1])
        return quantized_ops.linear(hidden, packed[1], scales[2], zeros[2]).dequantize()

    return _make_entry(call)


PEER = TorchPeer
