"""Our own code: compiled for this machine to a shared library, called through its C entry.

Arrays and workspace are allocated once; the calls come from a loop in machine code, as those of
peers with a C interface do. The rows of W5 whose interface is Python go through ``Program``.
"""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

import quantc
from bench.entry import Context, Entry, Peer, call_from_python
from bench.problem import Problem

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


class QuantcPeer(Peer):
    """This project."""

    name = "quantc"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        # The table of dot instructions has no row for AMX, so both kinds of rows time this.
        self._target = "native"
        self._numbers = itertools.count()

    def list_entries(self, problem: Problem) -> dict[str, Callable[[], Entry]]:
        case = problem.case
        if case.workload == "W1":
            return {"static": lambda: self._make_static_layer(problem)}
        if case.workload == "W2":
            config = quantc.QuantizationConfig(8, mode="dynamic")
            return {"dynamic": lambda: self._make_layer(problem, config)}
        if case.workload == "W3":
            config = quantc.QuantizationConfig(
                4, mode="dynamic", granularity="per_group", group_size=case.group_size
            )
            return {"dynamic": lambda: self._make_layer(problem, config)}
        if case.workload == "W4":
            return {"float": lambda: self._make_layer(problem, None)}
        return {case.mode: lambda: self._make_mlp(problem)}

    def _make_static_layer(self, problem: Problem) -> Entry:
        case = problem.case
        path = self.context.folder / "layer.mlir"
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
        model = quantc.load(path)
        output = np.zeros((case.rows, case.columns), np.int8)
        scale = float(problem["output_scale"])
        return self._call_entry_point(
            model, problem["quantized_input"], output, lambda: output * scale
        )

    def _make_layer(self, problem: Problem, config: quantc.QuantizationConfig | None) -> Entry:
        layer = [(problem["weight"], problem["bias"])]
        model = quantc.load(write_model(self.context.folder / "layer.onnx", problem, layer))
        if config is not None:
            model = quantc.quantize(model, config)
        output = np.zeros_like(problem["expected"])
        entry = self._call_entry_point(model, problem["input"], output, lambda: output)
        if problem.case.workload == "W3":
            # Scales of groups are products of integers and another f32, chosen by us.
            layer_weight = model.layers["layer_0"]
            weight = layer_weight.integer_weight * np.reshape(layer_weight.weight_scale, (-1, 1))
            entry.expected = problem["input"] @ weight.T + problem["bias"]
        return entry

    def _make_mlp(self, problem: Problem) -> Entry:
        layers = [(problem[f"weight_{i}"], problem[f"bias_{i}"]) for i in (1, 2)]
        model = quantc.load(write_model(self.context.folder / "mlp.onnx", problem, layers))
        mode = problem.case.mode
        if mode != "float":
            config = quantc.QuantizationConfig(8, mode=mode)
            model = quantc.quantize(model, config, problem["input"])
        output = np.zeros_like(problem["expected"])
        if problem.case.interface == "C":
            return self._call_entry_point(model, problem["input"], output, lambda: output)
        program = quantc.compile(model, self._target)
        x = problem["input"]
        return Entry(call_from_python(lambda: program(x)), lambda: program(x))

    def _call_entry_point(
        self, model: quantc.Model, x: NDArray, output: NDArray, get_output: Callable[[], NDArray]
    ) -> Entry:
        """Compile ``model`` and prepare a call from ``x`` to ``output``."""
        # The loader takes one path for one library, as long as the process lives.
        path = self.context.folder / f"{next(self._numbers)}.so"
        quantc.emit(model, path, target=self._target, name="program")
        program = ctypes.CDLL(str(path))
        path.unlink()
        program.program_workspace_size.restype = ctypes.c_size_t
        size = program.program_workspace_size(None)
        workspace = np.empty(size + 64, np.uint8)
        start = -workspace.ctypes.data % 64
        arguments = np.array(
            # The struct `program_args`: input, output, no dimensions, workspace, no executor.
            [x.ctypes.data, output.ctypes.data, 0, workspace.ctypes.data + start, 0],
            np.uintp,
        )
        return Entry(
            self.context.call_from_c(program.program_run, arguments.ctypes.data),
            get_output,
            keep=(x, output, workspace, arguments),
        )


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


PEER = QuantcPeer
