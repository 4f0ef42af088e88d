"""What it takes to compile a large model: a stack of linear layers, from ONNX to a shared library.

Usage: ``PYTHONPATH=build/python python benchmark/compile_time.py [--millions 100]``

The model is written once, with external data; each row is a process of its own that loads,
quantizes, compiles and saves it. Its peak memory is compared with the size of the FP32 weights.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper
from onnx.external_data_helper import set_external_data
from rich import box
from rich.console import Console
from rich.table import Table

import quantc

WIDTH = 4096

CONFIGURATIONS = {
    "INT8 per channel": quantc.QuantizationConfig(mode="dynamic"),
    "INT4 group 32": quantc.QuantizationConfig(
        mode="dynamic", weight_bits=4, granularity="per_group", group_size=32
    ),
    "FP32": None,
}


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--millions", type=int, default=100, help="of parameters")
    parser.add_argument("--only", choices=list(CONFIGURATIONS), help="one row")
    parser.add_argument("--run", nargs=2, metavar=("MODEL", "ROW"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run:
        print(json.dumps(run(Path(arguments.run[0]), arguments.run[1])))
        return
    layers = max(1, round(arguments.millions * 1_000_000 / WIDTH**2))
    table = Table(
        box=box.SIMPLE_HEAD,
        title=f"{layers} layers of {WIDTH}x{WIDTH}, {layers * WIDTH**2 / 1e6:.0f} million parameters",
        title_style="bold",
    )
    table.add_column("weights")
    for column in (
        "load, s",
        "quantize, s",
        "compile, s",
        "save, s",
        "all, s",
        "peak, MB",
        "x FP32",
    ):
        table.add_column(column, justify="right")
    with tempfile.TemporaryDirectory() as folder:
        path = write_stack(Path(folder) / "stack.onnx", layers)
        for name in [arguments.only] if arguments.only else CONFIGURATIONS:
            command = [sys.executable, __file__, "--run", path, name]
            output = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
            found = json.loads(output)
            *times, peak = found
            cells = [f"{seconds:.1f}" for seconds in (*times, sum(times))]
            ratio = peak / (layers * WIDTH**2 * 4)
            table.add_row(name, *cells, f"{peak / 1e6:.0f}", f"{ratio:.2f}")
    Console(highlight=False).print(table)


def run(path: Path, name: str) -> list[float]:
    """Seconds of loading, quantizing, compiling and saving, and the peak of memory in bytes."""
    start = time.monotonic()
    marks = []
    model = quantc.load(path)
    marks.append(time.monotonic())
    if config := CONFIGURATIONS[name]:
        model = quantc.quantize(model, config)
    marks.append(time.monotonic())
    program = quantc.compile(model)
    marks.append(time.monotonic())
    program.save(path.with_suffix(".so"))
    marks.append(time.monotonic())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return [*np.diff([start, *marks]), peak]


def write_stack(path: Path, layers: int) -> Path:
    """Write a model of linear layers with random weights, which are never in memory together."""
    random = np.random.default_rng(0)
    data = path.with_suffix(".data")
    nodes, weights = [], []
    with data.open("wb") as file:
        for index in range(layers):
            tensor = TensorProto(
                name=f"w{index}", dims=[WIDTH, WIDTH], data_type=TensorProto.FLOAT, raw_data=b""
            )
            set_external_data(tensor, data.name, offset=file.tell(), length=WIDTH**2 * 4)
            tensor.ClearField("raw_data")
            tensor.data_location = TensorProto.EXTERNAL
            weights.append(tensor)
            values = random.standard_normal(WIDTH**2, dtype=np.float32) / np.float32(WIDTH**0.5)
            file.write(values.tobytes())
            source = f"y{index - 1}" if index else "x"
            nodes.append(
                helper.make_node("MatMul", [source, f"w{index}"], [f"y{index}"], name=f"fc{index}")
            )
    ports = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", WIDTH])
        for name in ("x", f"y{layers - 1}")
    ]
    graph = helper.make_graph(nodes, "stack", ports[:1], ports[1:], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, path)
    return path


if __name__ == "__main__":
    main()
