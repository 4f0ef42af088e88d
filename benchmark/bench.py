"""Speed of linear layers: our code and onnxruntime on the same work, in one run.

``./dev bench`` runs this. One thread on one core; every series of ours is timed beside one of the
peer's, so that a disturbance of the machine meets both.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from rich import box
from rich.console import Console
from rich.table import Table

import quantc
from quantc.timing import measure_interleaved, pin_to_one_core

SHAPES = ((1024, 1024), (1024, 4096), (4096, 4096))
"""K and N of the layers."""

ROWS = (1, 16, 256)

Config = quantc.QuantizationConfig
CONFIGS = {
    "INT8 dynamic": Config(weight_bits=8, mode="dynamic"),
    "INT4 groups of 32, dynamic": Config(4, mode="dynamic", granularity="per_group"),
}


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="only the smallest layer")
    arguments = parser.parse_args()
    pin_to_one_core()
    table = Table(box=box.SIMPLE_HEAD, title="Linear layers, one thread", title_style="bold")
    table.add_column("K x N")
    table.add_column("mode")
    for column in ("rows", "quantc, us", "GOPS", "onnxruntime, us", "speedup"):
        table.add_column(column, justify="right")
    with tempfile.TemporaryDirectory() as folder:
        for inner, columns in SHAPES[:1] if arguments.quick else SHAPES:
            add_layer(table, inner, columns, Path(folder))
    Console(highlight=False).print(table)


def add_layer(table: Table, inner: int, columns: int, folder: Path) -> None:
    """Measure one layer in every mode and with every number of rows."""
    path = write_layer(folder / "layer.onnx", inner, columns)
    dynamic = folder / "dynamic.onnx"
    quantize_dynamic(path, dynamic, weight_type=QuantType.QInt8)
    model = quantc.load(path)
    peers = {"FP32": path, "INT8 dynamic": dynamic}
    models = {"FP32": model}
    for mode, config in CONFIGS.items():
        models[mode] = quantc.quantize(model, config)

    for mode, quantized in models.items():
        program = quantc.compile(quantized)
        for rows in ROWS:
            x = np.random.default_rng(0).standard_normal((rows, inner), dtype=np.float32)
            calls: list[Callable[[], object]] = [lambda program=program, x=x: program(x)]
            if mode in peers:
                calls.append(make_peer_call(peers[mode], x))
            ours, *peer = measure_interleaved(calls)
            table.add_row(
                f"{inner} x {columns}",
                mode,
                str(rows),
                f"{ours * 1e6:,.0f}",
                f"{2e-9 * rows * inner * columns / ours:,.0f}",
                f"{peer[0] * 1e6:,.0f}" if peer else "-",
                f"{peer[0] / ours:.2f}" if peer else "-",
                end_section=rows == ROWS[-1],
            )


def write_layer(path: Path, inner: int, columns: int) -> Path:
    """Write a model of one linear layer with random weights."""
    weight = np.random.default_rng(1).standard_normal((inner, columns), dtype=np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "weight"], ["y"], name="layer")],
        "layer",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", inner])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", columns])],
        [numpy_helper.from_array(weight, "weight")],
    )
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return path


def make_peer_call(path: Path, x: NDArray) -> Callable[[], object]:
    """Return a call that runs ``path`` in onnxruntime by its fastest way from Python."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    binding.bind_ortvalue_input("x", onnxruntime.OrtValue.ortvalue_from_numpy(x))
    binding.bind_output("y")
    return lambda: session.run_with_iobinding(binding)


if __name__ == "__main__":
    main()
