"""LiteRT with XNNPACK: models of fully connected layers, made here, invoked from Python."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from bench.entry import Entry, Peer, call_from_python
from bench.problem import Problem

_TYPES = schema.TensorType
_OPERATORS = schema.BuiltinOperator
_RELU = schema.ActivationFunctionType.RELU


class LiteRtPeer(Peer):
    """ai-edge-litert."""

    name = "litert"

    def list_entries(self, problem: Problem) -> dict[str, Callable[[], Entry]]:
        workload, mode = problem.case.workload, problem.case.mode
        if workload == "W1":
            return {"static": lambda: self._make_static_layer(problem)}
        if workload == "W2":
            return {"dynamic": lambda: self._make_dynamic_layer(problem)}
        if workload == "W4":
            return {"float": lambda: self._make_float_layer(problem)}
        # It has no weights in groups.
        if workload == "W5" and mode == "static":
            return {mode: lambda: self._make_static_mlp(problem)}
        if workload == "W5":
            return {mode: lambda: self._make_mlp(problem)}
        return {}

    def _make_static_layer(self, problem: Problem) -> Entry:
        case, scale = problem.case, float(problem["output_scale"])
        columns = np.full(case.columns, problem["weight_scale"])
        bias_scale = columns * problem["input_scale"]
        model = _Model()
        x = model.add("x", [case.rows, case.depth], scale=problem["input_scale"])
        y = model.add("y", [case.rows, case.columns], scale=problem["output_scale"])
        weight = model.add_array("weight", problem["quantized_weight"], columns)
        bias = np.rint(problem["bias"] / bias_scale).astype(np.int32)
        model.add_layer(4, x, weight, model.add_array("bias", bias, bias_scale), y)
        x_data = problem["quantized_input"]
        return self._open(model.serialize(x, y), x_data, lambda y: y.astype(np.float64) * scale)

    def _make_dynamic_layer(self, problem: Problem) -> Entry:
        scale = np.full(problem.case.columns, problem["weight_scale"])
        layer = _Layer(problem["quantized_weight"], problem["bias"], scale)
        return self._make_float_model(problem, [layer])

    def _make_float_layer(self, problem: Problem) -> Entry:
        return self._make_float_model(problem, [_Layer(problem["weight"], problem["bias"])])

    def _make_mlp(self, problem: Problem) -> Entry:
        layers = [_Layer(problem[f"weight_{i}"], problem[f"bias_{i}"]) for i in (1, 2)]
        if problem.case.mode == "dynamic":
            layers = [layer.quantize() for layer in layers]
        return self._make_float_model(problem, layers)

    def _make_static_mlp(self, problem: Problem) -> Entry:
        """Quantize the input, run two layers on i8, dequantize the output."""
        model, rows = _Model(), problem.case.rows
        first = model.add("x", problem["input"].shape)
        scale, zero = _choose_parameters(problem["input"])
        value = model.add("x_quantized", problem["input"].shape, scale, zero)
        model.add_operator(_OPERATORS.QUANTIZE, 1, [first], [value])
        for index, name in ((1, "hidden"), (2, "expected")):
            layer = _Layer(problem[f"weight_{index}"], problem[f"bias_{index}"]).quantize()
            bias_scale = layer.scale * scale
            bias = np.rint(layer.bias / bias_scale).astype(np.int32)
            scale, zero = _choose_parameters(problem[name])
            result = model.add(name, [rows, len(bias)], scale, zero)
            weight = model.add_array(f"weight_{index}", layer.weight, layer.scale)
            bias_tensor = model.add_array(f"bias_{index}", bias, bias_scale)
            model.add_layer(4, value, weight, bias_tensor, result, relu=name == "hidden")
            value = result
        last = model.add("y", problem["expected"].shape)
        model.add_operator(_OPERATORS.DEQUANTIZE, 2, [value], [last])
        return self._open(model.serialize(first, last), problem["input"])

    def _make_float_model(self, problem: Problem, layers: Sequence[_Layer]) -> Entry:
        """Chain ``layers``, which take and give f32, with ReLU between them."""
        model, rows = _Model(), problem.case.rows
        version = 1 if layers[0].scale is None else 3
        first = value = model.add("x", problem["input"].shape)
        for index, layer in enumerate(layers):
            weight = model.add_array(f"weight_{index}", layer.weight, layer.scale)
            bias = model.add_array(f"bias_{index}", layer.bias)
            result = model.add(f"y_{index}", [rows, len(layer.bias)])
            relu = layer is not layers[-1]
            model.add_layer(version, value, weight, bias, result, relu=relu)
            value = result
        return self._open(model.serialize(first, value), problem["input"])

    def _open(
        self, model: bytes, x: NDArray, dequantize: Callable[[NDArray], NDArray] = lambda y: y
    ) -> Entry:
        interpreter = Interpreter(model_content=model, num_threads=self.context.threads)
        interpreter.allocate_tensors()
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
        output = interpreter.get_output_details()[0]["index"]
        # Without the wrapper, which only checks.
        return Entry(
            call_from_python(interpreter._interpreter.Invoke),
            lambda: dequantize(interpreter.get_tensor(output)),
            keep=interpreter,
        )


def _choose_parameters(values: NDArray) -> tuple[NDArray, int]:
    """Return scale and zero point for the range of ``values``, in i8."""
    low, high = min(float(values.min()), 0), max(float(values.max()), 0)
    scale = (high - low) / 255
    return np.float32(scale), round(-128 - low / scale)


@dataclass(frozen=True)
class _Layer:
    """A weight [columns, depth], with a scale for each column if it is i8, and a bias."""

    weight: NDArray
    bias: NDArray
    scale: NDArray | None = None

    def quantize(self) -> _Layer:
        scale = np.abs(self.weight).max(axis=1) / 127
        quantized = np.rint(self.weight / scale[:, None]).clip(-127, 127).astype(np.int8)
        return _Layer(quantized, self.bias, scale)


class _Model:
    """A flat buffer in the making; tensors are known by their numbers."""

    def __init__(self) -> None:
        self._model = schema.ModelT()
        self._model.version = 3
        self._model.buffers = [schema.BufferT()]
        self._model.operatorCodes = []
        self._graph = schema.SubGraphT()
        self._graph.tensors, self._graph.operators = [], []

    def add(
        self,
        name: str,
        shape: Sequence[int],
        scale: NDArray | None = None,
        zero: int = 0,
        kind: int | None = None,
    ) -> int:
        """Add a tensor: f32, or i8 if it has a scale, or of ``kind``."""
        tensor = schema.TensorT()
        tensor.name, tensor.shape = name, np.array(shape, np.int32)
        tensor.type = kind
        if kind is None:
            tensor.type = _TYPES.FLOAT32 if scale is None else _TYPES.INT8
        tensor.buffer = 0
        if scale is not None:
            quantization = schema.QuantizationParametersT()
            quantization.scale = np.atleast_1d(scale).astype(np.float32)
            quantization.zeroPoint = np.full(quantization.scale.size, zero, np.int64)
            quantization.quantizedDimension = 0
            tensor.quantization = quantization
        self._graph.tensors.append(tensor)
        return len(self._graph.tensors) - 1

    def add_array(self, name: str, array: NDArray, scale: NDArray | None = None) -> int:
        """Add a constant."""
        kinds = {"float32": _TYPES.FLOAT32, "int8": _TYPES.INT8, "int32": _TYPES.INT32}
        number = self.add(name, array.shape, scale, kind=kinds[array.dtype.name])
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(np.ascontiguousarray(array).tobytes(), np.uint8)
        self._model.buffers.append(buffer)
        self._graph.tensors[number].buffer = len(self._model.buffers) - 1
        return number

    def add_layer(
        self, version: int, x: int, weight: int, bias: int, y: int, relu: bool = False
    ) -> None:
        """Add a fully connected layer."""
        options = schema.FullyConnectedOptionsT()
        if relu:
            options.fusedActivationFunction = _RELU
        layer = self.add_operator(_OPERATORS.FULLY_CONNECTED, version, [x, weight, bias], [y])
        layer.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
        layer.builtinOptions = options

    def add_operator(
        self, builtin: int, version: int, inputs: list[int], outputs: list[int]
    ) -> schema.OperatorT:
        """Add an operator without options."""
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = builtin
        code.version = version
        self._model.operatorCodes.append(code)
        operator = schema.OperatorT()
        operator.opcodeIndex = len(self._model.operatorCodes) - 1
        operator.inputs, operator.outputs = inputs, outputs
        self._graph.operators.append(operator)
        return operator

    def serialize(self, x: int, y: int) -> bytes:
        """Return the model from ``x`` to ``y``."""
        self._graph.inputs, self._graph.outputs = [x], [y]
        self._model.subgraphs = [self._graph]
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(self._model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


PEER = LiteRtPeer
