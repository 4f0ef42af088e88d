"""onnxruntime: io-binding with bound inputs and outputs; ``run`` for the Python rows of W5."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)

from bench.entry import Entry, Facts, Peer, call_from_python
from bench.memory import measure_rise
from bench.problem import Problem, RealProblem

_MICROSOFT = "com.microsoft"


class OnnxRuntimePeer(Peer):
    """onnxruntime's CPU provider."""

    name = "onnxruntime"

    def list_entries(self, problem: Problem) -> dict[str, Callable[[], Entry]]:
        workload = problem.case.workload
        if isinstance(problem, RealProblem):
            forms = {"FP32": "float", "INT8 static": "static", "INT8 dynamic": "dynamic"}
            return {
                name: lambda form=form: self._make_real(problem, problem.get_model(form))
                for name, form in forms.items()
            }
        if workload == "W1":
            return {"QGemm u8s8": lambda: self._make_static_layer(problem)}
        if workload == "W2":
            return {
                "DynamicQuantizeMatMul": lambda: self._make_dynamic_layer(problem),
                "MatMulInteger": lambda: self._make_dynamic_operators(problem),
            }
        if workload == "W3":
            return {
                "MatMulNBits int8": lambda: self._make_int4_layer(problem, 4),
                "MatMulNBits f32": lambda: self._make_int4_layer(problem, 0),
            }
        if workload == "W4":
            return {"Gemm": lambda: self._make_float_layer(problem)}
        if workload == "W5":
            return {problem.case.mode: lambda: self._make_mlp(problem)}
        return {}

    def _make_static_layer(self, problem: Problem) -> Entry:
        # With i8 activations it takes a way that is many times slower.
        zero, bias_scale = 128, problem["input_scale"] * problem["weight_scale"]
        constants = {
            "input_scale": problem["input_scale"],
            "zero": np.uint8(zero),
            "weight": np.ascontiguousarray(problem["quantized_weight"].T),
            "weight_scale": problem["weight_scale"],
            "weight_zero": np.int8(0),
            "bias": np.rint(problem["bias"] / bias_scale).astype(np.int32),
            "output_scale": problem["output_scale"],
        }
        names = ["x", "input_scale", "zero", "weight", "weight_scale", "weight_zero", "bias"]
        node = helper.make_node("QGemm", [*names, "output_scale", "zero"], ["y"], domain=_MICROSOFT)
        x = (problem["quantized_input"].astype(np.int16) + zero).astype(np.uint8)
        scale = float(problem["output_scale"])
        return self._bind([node], constants, x, lambda y: (y.astype(np.float64) - zero) * scale)

    def _make_dynamic_layer(self, problem: Problem) -> Entry:
        names = ["x", "weight", "weight_scale", "weight_zero", "bias"]
        node = helper.make_node("DynamicQuantizeMatMul", names, ["y"], domain=_MICROSOFT)
        return self._bind([node], _get_dynamic_constants(problem), problem["input"])

    def _make_dynamic_operators(self, problem: Problem) -> Entry:
        nodes = [
            helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "q_scale", "q_zero"]),
            helper.make_node("MatMulInteger", ["q", "weight", "q_zero", "weight_zero"], ["sums"]),
            helper.make_node("Cast", ["sums"], ["float"], to=TensorProto.FLOAT),
            helper.make_node("Mul", ["q_scale", "weight_scale"], ["scale"]),
            helper.make_node("Mul", ["float", "scale"], ["scaled"]),
            helper.make_node("Add", ["scaled", "bias"], ["y"]),
        ]
        return self._bind(nodes, _get_dynamic_constants(problem), problem["input"])

    def _make_int4_layer(self, problem: Problem, accuracy_level: int) -> Entry:
        case = problem.case
        nibbles = (problem["quantized_weight"] + 8).astype(np.uint8)
        shape = (case.columns, case.depth // case.group_size, case.group_size // 2)
        constants = {
            "weight": (nibbles[:, 0::2] | nibbles[:, 1::2] << 4).reshape(shape),
            "scale": problem["weight_scale"].reshape(-1),
            "bias": problem["bias"],
        }
        node = helper.make_node(
            "MatMulNBits",
            ["x", "weight", "scale", "", "", "bias"],
            ["y"],
            domain=_MICROSOFT,
            K=case.depth,
            N=case.columns,
            bits=4,
            block_size=case.group_size,
            accuracy_level=accuracy_level,
        )
        return self._bind([node], constants, problem["input"])

    def _make_float_layer(self, problem: Problem) -> Entry:
        node = helper.make_node("Gemm", ["x", "weight", "bias"], ["y"], transB=1)
        constants = {name: problem[name] for name in ("weight", "bias")}
        return self._bind([node], constants, problem["input"])

    def _make_mlp(self, problem: Problem) -> Entry:
        names = ("weight_1", "bias_1", "weight_2", "bias_2")
        nodes = [
            helper.make_node("Gemm", ["x", "weight_1", "bias_1"], ["hidden"], transB=1),
            helper.make_node("Relu", ["hidden"], ["hidden_relu"]),
            helper.make_node("Gemm", ["hidden_relu", "weight_2", "bias_2"], ["y"], transB=1),
        ]
        x = problem["input"]
        model = _make_model(nodes, {name: problem[name] for name in names}, x)
        session = self._open(_quantize(model, problem, self.context.folder))
        if problem.case.interface == "C":
            return _bind_session(session, x)
        return Entry(
            call_from_python(lambda: session.run(None, {"x": x})),
            lambda: session.run(None, {"x": x})[0],
        )

    def _bind(
        self,
        nodes: list[onnx.NodeProto],
        constants: dict[str, Any],
        x: NDArray,
        dequantize: Callable[[NDArray], NDArray] = lambda y: y,
    ) -> Entry:
        model = _make_model(nodes, constants, x).SerializeToString()
        session = self._open(model, is_precise=True)
        return _bind_session(session, x, dequantize)

    def _make_real(self, problem: RealProblem, path: Path) -> Entry:
        inputs = dict(zip(problem.inputs, problem.batches[0], strict=True))
        with measure_rise() as rise:
            start = time.perf_counter()
            session = self._open(path)
            seconds = time.perf_counter() - start
            binding = session.io_binding()
            bound = [onnxruntime.OrtValue.ortvalue_from_numpy(x) for x in inputs.values()]
            for name, value in zip(inputs, bound, strict=True):
                binding.bind_ortvalue_input(name, value)
            name = session.get_outputs()[0].name
            output = onnxruntime.OrtValue.ortvalue_from_numpy(session.run([name], inputs)[0])
            binding.bind_ortvalue_output(name, output)

        def set_inputs(values: Sequence[NDArray]) -> None:
            for value, array in zip(bound, values, strict=True):
                value.update_inplace(np.ascontiguousarray(array))

        run, options = session._sess.run_with_iobinding, onnxruntime.RunOptions()
        raw_binding = binding._iobinding
        return Entry(
            call_from_python(lambda: run(raw_binding, options)),
            output.numpy,
            set_inputs=set_inputs,
            facts=Facts(path.stat().st_size, seconds, rise.bytes),
            keep=(session, binding, bound, output),
        )

    def _open(self, model: bytes | Path, is_precise: bool = False) -> onnxruntime.InferenceSession:
        options = onnxruntime.SessionOptions()
        if is_precise:
            # Without VNNI its products of u8 and s8 saturate at 16 bits, far off the right result.
            options.add_session_config_entry("session.x64quantprecision", "1")
        options.intra_op_num_threads = self.context.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _get_dynamic_constants(problem: Problem) -> dict[str, Any]:
    return {
        "weight": np.ascontiguousarray(problem["quantized_weight"].T),
        "weight_scale": problem["weight_scale"],
        "weight_zero": np.int8(0),
        "bias": problem["bias"],
    }


def _make_model(
    nodes: list[onnx.NodeProto], constants: dict[str, Any], x: NDArray
) -> onnx.ModelProto:
    """Make a model from ``x`` to ``y``, which has the type of ``x``."""
    element_type = helper.np_dtype_to_tensor_dtype(x.dtype)
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", element_type, x.shape)],
        [helper.make_tensor_value_info("y", element_type, None)],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()],
    )
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid(_MICROSOFT, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


class _Reader(CalibrationDataReader):
    """One batch."""

    def __init__(self, x: NDArray) -> None:
        self._batches: Iterator[dict[str, NDArray]] = iter([{"x": x}])

    def get_next(self) -> dict[str, NDArray] | None:
        return next(self._batches, None)


def _quantize(model: onnx.ModelProto, problem: Problem, folder: Path) -> bytes:
    source, target = folder / "float.onnx", folder / "quantized.onnx"
    onnx.save(model, source)
    if problem.case.mode == "float":
        return source.read_bytes()
    # It recommends a preprocessing that does nothing here.
    logging.disable(logging.WARNING)
    if problem.case.mode == "dynamic":
        quantize_dynamic(source, target, weight_type=QuantType.QInt8)
    else:
        quantize_static(
            source,
            target,
            _Reader(problem["input"]),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
    return target.read_bytes()


def _bind_session(
    session: onnxruntime.InferenceSession,
    x: NDArray,
    dequantize: Callable[[NDArray], NDArray] = lambda y: y,
) -> Entry:
    """Prepare a call with arrays bound once; Python's wrappers are not called."""
    binding = session.io_binding()
    bound_input = onnxruntime.OrtValue.ortvalue_from_numpy(x)
    bound_output = onnxruntime.OrtValue.ortvalue_from_numpy(session.run(None, {"x": x})[0])
    binding.bind_ortvalue_input("x", bound_input)
    binding.bind_ortvalue_output("y", bound_output)
    run, options = session._sess.run_with_iobinding, onnxruntime.RunOptions()
    raw_binding = binding._iobinding
    return Entry(
        call_from_python(lambda: run(raw_binding, options)),
        lambda: dequantize(bound_output.numpy()),
        keep=(session, binding, bound_input, bound_output),
    )


PEER = OnnxRuntimePeer
