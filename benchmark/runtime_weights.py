"""Measure products of matrices that are known only at run time, and a training step made of them.

Each row is one core, the least of many series, beside PyTorch eager on the same work. Our times
include what a call from Python costs: checks, and new arrays for the results.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich import box
from rich.console import Console
from rich.table import Table

import quantc
from quantc.timing import measure_interleaved, pin_to_one_core

MAPS = """#mk = affine_map<(m, n, k) -> (m, k)>
#km = affine_map<(m, n, k) -> (k, m)>
#kn = affine_map<(m, n, k) -> (k, n)>
#nk = affine_map<(m, n, k) -> (n, k)>
#mn = affine_map<(m, n, k) -> (m, n)>
#all = affine_map<(m, n) -> (m, n)>
#row = affine_map<(m, n) -> (m)>
#column = affine_map<(m, n) -> (n)>
"""

SHAPES = ((64, 784, 128), (64, 1024, 4096))
"""Rows, inputs and outputs of the layers."""

NETWORKS = ((784, 128, 10), (1024, 4096, 1024))
BATCHES = (64, 256)
"""What is trained: inputs, hidden units and classes; rows of a step."""

Multiply = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
FORMS: dict[str, tuple[str, Multiply]] = {
    "y = x wᵀ": ("#mk, #nk", lambda x, w: x @ w.T),
    "dx = dy w": ("#mk, #kn", lambda dy, w: dy @ w),
    "dw = dyᵀ x": ("#km, #kn", lambda dy, x: dy.T @ x),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.parse_args()
    pin_to_one_core()
    torch.set_num_threads(1)
    table = Table(box=box.SIMPLE, title="one core, microseconds a call")
    for name in ("work", "quantc", "PyTorch", "GFLOPS of quantc"):
        table.add_column(name, justify="left" if name == "work" else "right")
    with tempfile.TemporaryDirectory() as folder:
        for shape in SHAPES:
            for form in FORMS:
                add_product(table, form, shape, Path(folder))
        for sizes in NETWORKS:
            for rows in BATCHES:
                add_training_step(table, rows, sizes, Path(folder))
    Console().print(table)


def add_product(table: Table, form: str, shape: tuple[int, int, int], folder: Path) -> None:
    rows, inputs, outputs = shape
    x, w, dy = (rows, inputs), (outputs, inputs), (rows, outputs)
    lhs, rhs, result = {"y": (x, w, dy), "dx": (dy, w, x), "dw": (dy, x, w)}[form.split()[0]]
    maps, multiply = FORMS[form]
    body = emit_product("y", "%a", lhs, "%b", rhs, result, maps)
    text = (
        f"{MAPS}func.func @main(%a: {type_of(lhs)}, %b: {type_of(rhs)}) -> {type_of(result)} {{\n"
        f"{body}  return %y : {type_of(result)}\n}}\n"
    )
    arrays = [make_array(size) for size in (lhs, rhs)]
    tensors = [torch.from_numpy(array) for array in arrays]
    program = compile_text(text, folder)
    expected = multiply(*tensors).numpy()
    np.testing.assert_allclose(call(program, arrays)[0], expected, rtol=1e-3, atol=1e-3)
    ours, theirs = measure_interleaved(
        [lambda: call(program, arrays), lambda: multiply(*tensors)], seconds=1.0
    )
    add_row(table, f"{form}, {rows} x {inputs} x {outputs}", ours, theirs, rows * inputs * outputs)


def add_training_step(table: Table, rows: int, network: tuple[int, int, int], folder: Path) -> None:
    """Forward, backward and SGD of a network with one hidden layer on a batch of ``rows``."""
    inputs, hidden, classes = network
    sizes = ((hidden, inputs), (hidden,), (classes, hidden), (classes,))
    x = make_array((rows, inputs))
    labels = np.eye(classes, dtype=np.float32)[np.arange(rows) % classes]
    parameters = [make_array(size) * 0.05 for size in sizes]
    program = compile_text(write_step(rows, inputs, hidden, classes), folder)

    weights = [torch.from_numpy(parameter.copy()).requires_grad_() for parameter in parameters]
    x_torch, labels_torch = torch.from_numpy(x), torch.arange(rows) % classes

    def step() -> None:
        activations = torch.relu(torch.nn.functional.linear(x_torch, weights[0], weights[1]))
        logits = torch.nn.functional.linear(activations, weights[2], weights[3])
        loss = torch.nn.functional.cross_entropy(logits, labels_torch)
        gradients = torch.autograd.grad(loss, weights)
        with torch.no_grad():
            for weight, gradient in zip(weights, gradients, strict=True):
                weight.sub_(gradient, alpha=0.1)

    arrays = [x, labels, *parameters]
    results = call(program, arrays)
    step()
    for result, weight in zip(results, weights, strict=True):
        np.testing.assert_allclose(result, weight.detach().numpy(), rtol=1e-3, atol=1e-5)
    ours, theirs = measure_interleaved([lambda: call(program, arrays), step], seconds=1.0)
    # Three products with the first weight but for the gradient of the input.
    products = rows * hidden * (2 * inputs + 3 * classes)
    add_row(
        table, f"training step {inputs}-{hidden}-{classes}, batch {rows}", ours, theirs, products
    )


def write_step(rows: int, inputs: int, hidden: int, classes: int) -> str:
    x, h, y = (rows, inputs), (rows, hidden), (rows, classes)
    w1, b1, w2, b2 = (hidden, inputs), (hidden,), (classes, hidden), (classes,)
    row = (rows,)
    lines = [
        emit_product("z1", "%x", x, "%w1", w1, h, "#mk, #nk"),
        emit_map(
            "h",
            [("%z1", h, "#all"), ("%b1", b1, "#column")],
            h,
            [
                "%s = arith.addf %a0, %a1 : f32",
                "%zero = arith.constant 0.0 : f32",
                "%y = arith.maximumf %s, %zero : f32",
            ],
        ),
        emit_product("z2", "%h", h, "%w2", w2, y, "#mk, #nk"),
        emit_map(
            "logits",
            [("%z2", y, "#all"), ("%b2", b2, "#column")],
            y,
            [
                "%y = arith.addf %a0, %a1 : f32",
            ],
        ),
        emit_sum("max", "%logits", y, row, "#row", "0xFF800000", "arith.maximumf"),
        emit_map(
            "exp",
            [("%logits", y, "#all"), ("%max", row, "#row")],
            y,
            [
                "%d = arith.subf %a0, %a1 : f32",
                "%y = math.exp %d : f32",
            ],
        ),
        emit_sum("sum", "%exp", y, row, "#row", "0.0", "arith.addf"),
        emit_map(
            "dlogits",
            [("%exp", y, "#all"), ("%sum", row, "#row"), ("%t", y, "#all")],
            y,
            [
                "%p = arith.divf %a0, %a1 : f32",
                "%d = arith.subf %p, %a2 : f32",
                f"%n = arith.constant {1 / rows} : f32",
                "%y = arith.mulf %d, %n : f32",
            ],
        ),
        emit_product("dw2", "%dlogits", y, "%h", h, w2, "#km, #kn"),
        emit_sum("db2", "%dlogits", y, b2, "#column", "0.0", "arith.addf"),
        emit_product("dh", "%dlogits", y, "%w2", w2, h, "#mk, #kn"),
        emit_map(
            "dz1",
            [("%dh", h, "#all"), ("%h", h, "#all")],
            h,
            [
                "%zero = arith.constant 0.0 : f32",
                "%c = arith.cmpf ogt, %a1, %zero : f32",
                "%y = arith.select %c, %a0, %zero : f32",
            ],
        ),
        emit_product("dw1", "%dz1", h, "%x", x, w1, "#km, #kn"),
        emit_sum("db1", "%dz1", h, b1, "#column", "0.0", "arith.addf"),
    ]
    parameters = {"w1": w1, "b1": b1, "w2": w2, "b2": b2}
    for name, size in parameters.items():
        identity = "#all" if len(size) == 2 else "affine_map<(n) -> (n)>"
        operands = [(f"%{name}", size, identity), (f"%d{name}", size, identity)]
        lines.append(
            emit_map(
                f"new_{name}",
                operands,
                size,
                [
                    "%rate = arith.constant 0.1 : f32",
                    "%d = arith.mulf %a1, %rate : f32",
                    "%y = arith.subf %a0, %d : f32",
                ],
            )
        )
    arguments = ", ".join(f"%{name}: {type_of(size)}" for name, size in parameters.items())
    types = ", ".join(type_of(size) for size in parameters.values())
    names = ", ".join(f"%new_{name}" for name in parameters)
    return (
        f"{MAPS}func.func @main(%x: {type_of(x)}, %t: {type_of(y)}, {arguments}) -> ({types}) {{\n"
        f"{''.join(lines)}  return {names} : {types}\n}}\n"
    )


def type_of(size: tuple[int, ...]) -> str:
    return f"tensor<{''.join(f'{dim}x' for dim in size)}f32>"


def emit_start(name: str, size: tuple[int, ...], value: str) -> str:
    return (
        f"  %{name}_c = arith.constant {value} : f32\n"
        f"  %{name}_e = tensor.empty() : {type_of(size)}\n"
        f"  %{name}_s = linalg.fill ins(%{name}_c : f32) outs(%{name}_e : {type_of(size)}) "
        f"-> {type_of(size)}\n"
    )


def emit_product(
    name: str,
    lhs: str,
    lhs_size: tuple[int, ...],
    rhs: str,
    rhs_size: tuple[int, ...],
    size: tuple[int, ...],
    maps: str,
) -> str:
    return emit_start(name, size, "0.0") + (
        f"  %{name} = linalg.matmul indexing_maps = [{maps}, #mn] ins({lhs}, {rhs} : "
        f"{type_of(lhs_size)}, {type_of(rhs_size)}) outs(%{name}_s : {type_of(size)}) "
        f"-> {type_of(size)}\n"
    )


def emit_map(
    name: str,
    operands: list[tuple[str, tuple[int, ...], str]],
    size: tuple[int, ...],
    body: list[str],
) -> str:
    maps = ", ".join(operand[2] for operand in operands)
    identity = "#all" if len(size) == 2 else "affine_map<(n) -> (n)>"
    iterators = ", ".join(['"parallel"'] * len(size))
    values = ", ".join(operand[0] for operand in operands)
    types = ", ".join(type_of(operand[1]) for operand in operands)
    arguments = ", ".join(f"%a{index}: f32" for index in range(len(operands)))
    lines = "".join(f"    {line}\n" for line in body)
    return (
        f"  %{name}_e = tensor.empty() : {type_of(size)}\n"
        f"  %{name} = linalg.generic {{indexing_maps = [{maps}, {identity}], iterator_types = "
        f"[{iterators}]}} ins({values} : {types}) outs(%{name}_e : {type_of(size)}) {{\n"
        f"  ^bb0({arguments}, %out: f32):\n{lines}    linalg.yield %y : f32\n"
        f"  }} -> {type_of(size)}\n"
    )


def emit_sum(
    name: str,
    operand: str,
    operand_size: tuple[int, ...],
    size: tuple[int, ...],
    result_map: str,
    start: str,
    operation: str,
) -> str:
    kept = result_map == "#row"
    iterators = '"parallel", "reduction"' if kept else '"reduction", "parallel"'
    return emit_start(name, size, start) + (
        f"  %{name} = linalg.generic {{indexing_maps = [#all, {result_map}], iterator_types = "
        f"[{iterators}]}} ins({operand} : {type_of(operand_size)}) outs(%{name}_s : "
        f"{type_of(size)}) {{\n"
        f"  ^bb0(%a: f32, %out: f32):\n    %y = {operation} %out, %a : f32\n"
        f"    linalg.yield %y : f32\n  }} -> {type_of(size)}\n"
    )


def make_array(size: tuple[int, ...]) -> NDArray[np.float32]:
    return np.random.default_rng(sum(size)).standard_normal(size, dtype=np.float32)


def compile_text(text: str, folder: Path) -> quantc.Program:
    path = folder / "program.mlir"
    path.write_text(text)
    return quantc.compile(quantc.load(path))


def call(program: quantc.Program, arrays: list[NDArray]) -> list[NDArray]:
    results = program({f"input{index}": array for index, array in enumerate(arrays)})
    return list(results.values()) if isinstance(results, dict) else [results]


def add_row(table: Table, work: str, ours: float, theirs: float, products: int) -> None:
    table.add_row(
        work, f"{ours * 1e6:.1f}", f"{theirs * 1e6:.1f}", f"{2 * products / ours / 1e9:.0f}"
    )


if __name__ == "__main__":
    main()
