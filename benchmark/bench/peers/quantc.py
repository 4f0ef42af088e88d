"""Our own code: compiled for this machine to a shared library, called through its C entry.

Arrays and workspace are allocated once; the calls come from a loop in machine code, as those of
peers with a C interface do. The rows of W5 whose interface is Python go through ``Program``.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from quantc._quantc import ThreadPool

import quantc
from bench.entry import Context, Entry, Facts, Peer, call_from_python
from bench.memory import measure_rise
from bench.problem import EPSILON, Problem, RealProblem
from real_models.suite import MODELS

_STATIC_LAYER = """
func.func @main(%input: tensor<{rows}x{depth}xi8> {{quant.name = "x"}})
    -> (tensor<{rows}x{columns}xi8> {{quant.name = "y"}}) {{
  %weight = arith.constant dense<"0x{weight}"> : tensor<{columns}x{depth}xi8>
  %scale = arith.constant dense<{weight_scale}> : tensor<{columns}x1xf32>
  %bias = arith.constant dense<"0x{bias}"> : tensor<{columns}xf32>
  %input_scale = arith.constant dense<{input_scale}> : tensor<f32>
  %output_scale = arith.constant dense<{output_scale}> : tensor<f32>
  %zero = arith.constant dense<0> : tensor<i8>
  %output = quant.linear %input, %weight scale(%scale : tensor<{columns}x1xf32>)
      input(%input_scale, %zero : tensor<f32>, tensor<i8>)
      bias(%bias : tensor<{columns}xf32>)
      output(%output_scale, %zero : tensor<f32>, tensor<i8>)
      : tensor<{rows}x{depth}xi8>, tensor<{columns}x{depth}xi8>
      -> tensor<{rows}x{columns}xi8> loc("layer")
  return %output : tensor<{rows}x{columns}xi8>
}}
"""

_ARGUMENTS = 16
"""More fields than the struct of arguments has."""


class QuantcPeer(Peer):
    """This project."""

    name = "quantc"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        # The object asks the kernel for AMX and has a variant for when it refuses.
        self._target = "native"
        self._threads = ThreadPool(context.threads) if context.threads > 1 else None

    def list_entries(self, problem: Problem) -> dict[str, Callable[[], Entry]]:
        case = problem.case
        if isinstance(problem, RealProblem):
            return {
                name: lambda name=name: self._make_real(problem, name)
                for name in MODELS[case.mode].configs
            }
        kinds = {"W1": "static", "W4": "float", "W6": "float"}
        name = kinds.get(case.workload) or case.mode or "dynamic"
        return {name: lambda: self._make(problem)}

    def _make(self, problem: Problem) -> Entry:
        library = self._compile(problem)
        x, output = problem["input"], np.zeros_like(problem["expected"])
        if problem.case.interface == "Python":
            call = quantc.load_program(library).bind(x, output)
            return Entry(call_from_python(call), call)
        if problem.case.workload == "W1":
            output, scale = output.astype(np.int8), float(problem["output_scale"])
            return self._call_entry_point(
                library, [problem["quantized_input"]], output, lambda: output * scale
            )
        entry = self._call_entry_point(library, [x], output, lambda: output)
        if problem.case.workload == "W3":
            entry.expected = x @ np.load(library.with_suffix(".npy")).T + problem["bias"]
        return entry

    def _make_real(self, problem: RealProblem, name: str) -> Entry:
        case = problem.case
        library = problem.folder / f"{case.name}-{name}.so".replace(" ", "-")
        model = _quantize_real(problem, name)
        start = time.perf_counter()
        self._emit(model, library)
        seconds = time.perf_counter() - start
        inputs = [np.array(array) for array in problem.batches[0]]
        with measure_rise() as rise:
            output = np.zeros(model.outputs[0].shape, np.float32)
            entry = self._call_entry_point(library, inputs, output, lambda: output)
            entry.run(1)

        def set_inputs(values: Sequence[NDArray]) -> None:
            for array, value in zip(inputs, values, strict=True):
                array[...] = value

        entry.set_inputs = set_inputs
        entry.facts = Facts(library.stat().st_size, seconds, rise.bytes)
        return entry

    def _compile(self, problem: Problem) -> Path:
        """Compile what ``problem`` needs, unless another worker has, to a shared library.

        Every case has a path of its own: the loader takes one path for one library.
        """
        case, threads = problem.case, self.context.threads
        name = f"{case.workload}-{case.name}-{self._target}-{threads}".replace(" ", "-")
        library = problem.folder / f"{name}.so"
        if not library.is_file():
            model = _make_model(problem, self.context.folder)
            if problem.case.workload == "W3":
                # Scales of groups are products of integers and another f32, chosen by us.
                layer = model.layers["layer_0"]
                weight = layer.integer_weight * np.reshape(layer.weight_scale, (-1, 1))
                np.save(library.with_suffix(".npy"), weight)
            self._emit(model, library)
        return library

    def _emit(self, model: quantc.Model, library: Path) -> None:
        quantc.emit(
            model,
            library,
            target=self._target,
            threads=self.context.threads,
            name="program",
            # The loop passes no parameters.
            max_constant_bytes=1 << 40,
        )

    def _call_entry_point(
        self,
        library: Path,
        inputs: Sequence[NDArray],
        output: NDArray,
        get_output: Callable[[], NDArray],
    ) -> Entry:
        """Prepare a call from ``inputs`` to ``output``."""
        program = ctypes.CDLL(str(library))
        program.program_workspace_size.restype = ctypes.c_size_t
        size = program.program_workspace_size(None)
        workspace = np.empty(size + 64, np.uint8)
        start = -workspace.ctypes.data % 64
        # The struct `program_args`: inputs, output, no dimensions, workspace, executor, and fields
        # that are not set.
        executor = self._threads.address if self._threads else 0
        fields = [array.ctypes.data for array in (*inputs, output)]
        fields += [0, workspace.ctypes.data + start, executor]
        arguments = np.zeros(_ARGUMENTS, np.uintp)
        arguments[: len(fields)] = fields
        return Entry(
            self.context.call_from_c(program.program_run, arguments.ctypes.data),
            get_output,
            keep=(inputs, output, workspace, arguments),
        )


def _make_model(problem: Problem, folder: Path) -> quantc.Model:
    """Return the model of ``problem``, quantized; files are written to ``folder``."""
    case = problem.case
    if case.workload == "W1":
        return _make_static_layer(problem, folder)
    if case.workload == "W6":
        return quantc.load(_write_function(folder / "model.onnx", problem))
    suffixes = ("_1", "_2") if case.workload == "W5" else ("",)
    layers = [(problem[f"weight{suffix}"], problem[f"bias{suffix}"]) for suffix in suffixes]
    model = quantc.load(write_model(folder / "model.onnx", problem, layers))
    if case.is_float:
        return model
    if case.workload == "W3":
        config = quantc.QuantizationConfig(
            4, mode="dynamic", granularity="per_group", group_size=case.group_size
        )
    else:
        config = quantc.QuantizationConfig(8, mode=case.mode or "dynamic")
    return quantc.quantize(model, config, problem["input"])


def _quantize_real(problem: RealProblem, name: str) -> quantc.Model:
    """Return the model of W7, quantized in the way ``name``."""
    model = quantc.load(problem.get_model("float"))
    config = quantc.QuantizationConfig(**MODELS[problem.case.mode].configs[name])
    static = config.mode == "static"
    ranges = quantc.CalibrationTable.load(problem.folder / "ranges.json") if static else None
    return quantc.quantize(model, config, ranges)


def _make_static_layer(problem: Problem, folder: Path) -> quantc.Model:
    """Return a layer in integer form: what ``quantize`` makes takes and gives floats."""
    case, path = problem.case, folder / "layer.mlir"
    text = _STATIC_LAYER.format(
        rows=case.rows,
        depth=case.depth,
        columns=case.columns,
        weight=problem["quantized_weight"].tobytes().hex(),
        bias=problem["bias"].tobytes().hex(),
        weight_scale=problem["weight_scale"],
        input_scale=problem["input_scale"],
        output_scale=problem["output_scale"],
    )
    path.write_text(text, encoding="ascii")
    return quantc.load(path)


def write_model(path: Path, problem: Problem, layers: list[tuple[NDArray, NDArray]]) -> Path:
    """Write an ONNX model of linear ``layers`` (weight, bias) with ReLU between them."""
    nodes, constants = [], []
    value = "x"
    for index, (weight, bias) in enumerate(layers):
        if index:
            nodes.append(helper.make_node("Relu", [value], [f"{value}_relu"]))
            value = f"{value}_relu"
        names = [f"weight_{index}", f"bias_{index}"]
        constants += [numpy_helper.from_array(weight, names[0])]
        constants += [numpy_helper.from_array(bias, names[1])]
        name = f"layer_{index}"
        nodes.append(helper.make_node("Gemm", [value, *names], [name], name=name, transB=1))
        value = name
    rows, columns = problem["expected"].shape
    depth = problem["input"].shape[1]
    graph = helper.make_graph(
        nodes,
        "linear",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [rows, depth])],
        [helper.make_tensor_value_info(value, TensorProto.FLOAT, [rows, columns])],
        constants,
    )
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return path


def _write_function(path: Path, problem: Problem) -> Path:
    """Write an ONNX model of the function of W6."""
    operator, attributes = {
        "softmax": ("Softmax", {"axis": -1}),
        "layer_norm": ("LayerNormalization", {"axis": -1, "epsilon": EPSILON}),
        "gelu": ("Gelu", {}),
    }[problem.case.mode]
    names = ["gain", "offset"] if problem.case.mode == "layer_norm" else []
    shape = problem["input"].shape
    graph = helper.make_graph(
        [helper.make_node(operator, ["x", *names], ["y"], name="function", **attributes)],
        "function",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(problem[name], name) for name in names],
    )
    opsets = [helper.make_opsetid("", 20)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), path)
    return path


PEER = QuantcPeer
