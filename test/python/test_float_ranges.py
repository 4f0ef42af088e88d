"""Comparisons that ranges decide: random element-wise code gives the interpreter's bytes.

Compiling leaves out tests for NaN and clamps that the operands decide (``quant-fold-ranges``), and
the interpreter runs them. Operands are at the edges of what f32, i32 and i8 hold.
"""

from __future__ import annotations

import random

import numpy as np
import pytest
from numpy.typing import NDArray

import quantc

COUNT = 96
FLOATS = [
    0.0,
    -0.0,
    1e-45,
    -1e-45,
    1e-38,
    -1.5,
    127.0,
    -128.0,
    3e38,
    -3e38,
    np.inf,
    -np.inf,
    np.nan,
]
INTEGERS = [0, 1, -1, 2**24 + 1, -(2**31), 2**31 - 1, 123456789]
CONSTANTS = ["0.0", "-0.0", "0.25", "127.0", "-128.0", "3.0e38", "-3.0e38"]
PREDICATES = ["olt", "ole", "ogt", "oge", "uno", "ord"]
SHAPE = f"tensor<{COUNT}x"


class Body:
    """Random operations on one element of each input."""

    def __init__(self, choose: random.Random) -> None:
        self.lines: list[str] = []
        self.choose = choose
        self.values = [
            self._add("arith.sitofp %i : i32 to f32"),
            self._add("arith.sitofp %q : i8 to f32"),
        ]
        if choose.random() < 0.3:
            self.values.append("%f")
        if choose.random() < 0.3:
            huge = self._add("arith.constant 3.0e38 : f32")
            self.values.append(self._add(f"arith.mulf {self.values[0]}, {huge} : f32"))
        for _ in range(choose.randint(2, 12)):
            self.values.append(self._choose_operation())

    def _add(self, operation: str) -> str:
        name = f"%v{len(self.lines)}"
        self.lines.append(f"{name} = {operation}")
        return name

    def _pick(self) -> str:
        if self.choose.random() < 0.4:
            return self._add(f"arith.constant {self.choose.choice(CONSTANTS)} : f32")
        # The last ones more often, so that chains become long.
        return self.choose.choice([*self.values, *self.values[-2:]])

    def _select(self, predicate: str, lhs: str, rhs: str, true: str, false: str) -> str:
        condition = self._add(f"arith.cmpf {predicate}, {lhs}, {rhs} : f32")
        return self._add(f"arith.select {condition}, {true}, {false} : f32")

    def _choose_operation(self) -> str:
        kinds = ["addf", "subf", "mulf", "divf", "maximumf", "minimumf", "negf"]
        kind = self.choose.choice(
            [*kinds, "number", "number", "raise", "lower", "select", "select"]
        )
        x, y = self._pick(), self._pick()
        match kind:
            case "negf":
                return self._add(f"arith.negf {x} : f32")
            case "number":
                return self._select("uno", x, x, y, x)
            case "raise":
                return self._select("olt", y, x, x, y)
            case "lower":
                return self._select("olt", x, y, x, y)
            case "select":
                predicate = self.choose.choice(PREDICATES)
                return self._select(predicate, x, y, self._pick(), self._pick())
            case _:
                return self._add(f"arith.{kind} {x}, {y} : f32")


def make_model(bodies: list[Body]) -> quantc.Model:
    code = []
    for number, body in enumerate(bodies):
        lines = "\n    ".join(body.lines)
        code.append(f"""
  %y{number} = linalg.generic {{indexing_maps = [#id, #id, #id, #id], iterator_types = ["parallel"]}}
      ins(%a, %b, %c : {SHAPE}f32>, {SHAPE}i32>, {SHAPE}i8>) outs(%empty : {SHAPE}f32>) {{
  ^bb0(%f: f32, %i: i32, %q: i8, %out: f32):
    {lines}
    linalg.yield {body.values[-1]} : f32
  }} -> {SHAPE}f32>""")
    count = range(len(bodies))
    declared = ", ".join(f'{SHAPE}f32> {{quant.name = "y{i}"}}' for i in count)
    return quantc.Model.parse(
        f"""#id = affine_map<(d0) -> (d0)>
func.func @main(%a: {SHAPE}f32> {{quant.name = "a"}}, %b: {SHAPE}i32> {{quant.name = "b"}},
    %c: {SHAPE}i8> {{quant.name = "c"}}) -> ({declared}) {{
  %empty = tensor.empty() : {SHAPE}f32>{"".join(code)}
  return {", ".join(f"%y{i}" for i in count)} : {", ".join(f"{SHAPE}f32>" for _ in count)}
}}""",
        "ranges",
    )


def get_bits(x: NDArray[np.float32]) -> NDArray[np.uint32]:
    """The bits of numbers; which NaN an operation gives is not in the contract."""
    return np.where(np.isnan(x), np.float32(np.nan), x).view(np.uint32)


@pytest.mark.parametrize("seed", range(16))
def test_what_ranges_decide(seed: int) -> None:
    choose = random.Random(seed)
    bodies = [Body(choose) for _ in range(200)]
    model = make_model(bodies)
    inputs = {
        "a": np.array(choose.choices(FLOATS, k=COUNT), np.float32),
        "b": np.array(choose.choices(INTEGERS, k=COUNT), np.int32),
        "c": np.array(choose.choices([*range(-128, 128), 127, -128], k=COUNT), np.int8),
    }
    expected = quantc.interpret(model, inputs)
    results = quantc.compile(model)(inputs)
    for number, body in enumerate(bodies):
        result, value = results[f"y{number}"], expected[f"y{number}"]
        assert (get_bits(result) == get_bits(value)).all(), "\n".join(body.lines)
