"""What a LoRA adapter of rank 8 costs beside its INT8 layer, on one core.

The same layer is run as it is, with adapters that are not used, with one adapter for all rows and
with several in turn. They take turns in short series, of which the first call finds the weights of
another program in the cache and is not counted; the shortest of the others counts. A single row is
bound by memory and depends on the pages that the weights lie in, so all is done with several copies.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from rich import box
from rich.console import Console
from rich.table import Table

import quantc
from quantc.timing import pin_to_one_core

SHAPES = ((1024, 4096), (4096, 4096))
"""K and N of the layers."""

ROWS = (1, 64)
RANK = 8


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dtype", choices=quantc.lora.ADAPTER_DTYPES, default="float32")
    parser.add_argument("--mode", choices=("static", "dynamic"), default="static")
    parser.add_argument("--rounds", type=int, default=50, help="series of each program")
    parser.add_argument("--copies", type=int, default=8, help="copies of each program")
    arguments = parser.parse_args()
    pin_to_one_core()
    title = f"INT8 {arguments.mode} layers with adapters of rank {RANK}, {arguments.dtype}"
    table = Table(box=box.SIMPLE_HEAD, title=title, title_style="bold")
    table.add_column("K x N")
    for column in ("rows", "alone, us", "no adapter", "one adapter", "one for each row"):
        table.add_column(column, justify="right")
    with tempfile.TemporaryDirectory() as folder:
        for inner, columns in SHAPES:
            path = write_layer(Path(folder) / "layer.onnx", inner, columns)
            add_layer(table, quantc.load(path), arguments)
    Console(highlight=False).print(table)


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


def add_layer(table: Table, model: quantc.Model, arguments: argparse.Namespace) -> None:
    """Measure one layer with every number of rows."""
    random = np.random.default_rng(0)
    inner = model.inputs[0].shape[1]
    columns = model.outputs[0].shape[1]
    batch = random.standard_normal((64, inner), dtype=np.float32)
    config = quantc.QuantizationConfig(mode=arguments.mode)
    quantized = quantc.quantize(model, config, calibration_data=[batch])
    alone = quantc.compile(quantized)
    program = quantc.compile(quantc.insert_lora(quantized, RANK, dtype=arguments.dtype))
    adapters = {
        name: (
            random.standard_normal((RANK, inner), dtype=np.float32),
            random.standard_normal((columns, RANK), dtype=np.float32),
            0.1,
        )
        for name in "ab"
    }
    for rows in ROWS:
        x = batch[:rows]
        choices = ([None] * rows, ["a"] * rows, ["a", "b"] * (rows // 2) or ["b"])
        times = []
        for _ in range(arguments.copies):
            copies = [copy(alone), copy(program)]
            for name, matrices in adapters.items():
                copies[1].load_adapter(name, {"layer": matrices})
            calls = [lambda x=x, program=copies[0]: program(x)]
            calls += [
                lambda x=x, program=copies[1], choice=choice: program(x, adapters=choice)
                for choice in choices
            ]
            times.append(measure(calls, arguments.rounds))
        base, *others = np.min(times, axis=0)
        percent = [f"{100 * (other / base - 1):+.1f} %" for other in others]
        table.add_row(f"{inner} x {columns}", str(rows), f"{base * 1e6:,.0f}", *percent)


def copy(program: quantc.Program) -> quantc.Program:
    """Return the same program in other memory."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "program.so"
        program.save(path)
        return quantc.load_program(path)


def measure(calls: Sequence[Callable[[], object]], rounds: int, series: int = 6) -> list[float]:
    """Return the seconds that each of ``calls`` takes: the shortest of all."""
    best = [float("inf")] * len(calls)
    for _ in range(rounds):
        for index, call in enumerate(calls):
            call()
            for _ in range(series):
                start = time.perf_counter()
                call()
                best[index] = min(best[index], time.perf_counter() - start)
    return best


if __name__ == "__main__":
    main()
