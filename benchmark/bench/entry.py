"""What a peer offers for a case: something that can be called, checked and timed."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bench.problem import Problem, RealProblem
from bench.workloads import Case

Run = Callable[[int], None]
"""Makes a number of calls."""


@dataclass(frozen=True)
class Facts:
    """What a real model costs beside time, and how good its results are."""

    file_bytes: int
    """Of what is deployed."""
    compile_seconds: float
    """From a model, quantized where it is, to something that can be called."""
    memory_bytes: int
    """How far the memory of the process rises while the model is loaded and runs."""
    score: float = float("nan")
    """What ``real_models.model.score`` makes of the outputs for all samples."""


@dataclass
class Entry:
    """A prepared call."""

    run: Run
    get_output: Callable[[], NDArray]
    """The result of the last call, dequantized."""
    expected: NDArray | None = None
    """What should come out, where that is not the problem's: a library's own quantized weights."""
    tolerance: float | None = None
    """How far it may be off, as a fraction of the largest output; default: by the workload."""
    set_inputs: Callable[[Sequence[NDArray]], None] | None = None
    """Gives the next calls other inputs, of the same shapes; for W7."""
    facts: Facts | None = None
    """What else is measured of an entry of W7."""
    keep: object = None
    """What must live as long as this."""
    release: Callable[[], None] = field(default=lambda: None)

    def time(self, calls: int) -> float:
        """Return the seconds that one of ``calls`` takes."""
        start = time.perf_counter()
        self.run(calls)
        return (time.perf_counter() - start) / calls

    def get_error(self, problem: Problem) -> float:
        """Return how far the output is off, as a fraction of the largest expected one."""
        expected = problem["expected"] if self.expected is None else self.expected
        output = np.asarray(self.get_output(), dtype=np.float64).reshape(expected.shape)
        return float(np.abs(output - expected).max() / np.abs(expected).max())

    def evaluate(self, problem: RealProblem) -> NDArray:
        """Return the outputs for all samples of ``problem``."""
        assert self.set_inputs
        outputs = []
        for inputs in problem.batches:
            self.set_inputs(inputs)
            self.run(1)
            outputs.append(np.array(self.get_output()).reshape(problem.case.rows, -1))
        return np.concatenate(outputs)

    def get_tolerance(self, case: Case) -> float:
        """Return the largest error that is right."""
        if self.tolerance is not None:
            return self.tolerance
        if case.is_float:
            return 3e-6
        # W1: half a step of the output, and what f32 loses.
        return {"W1": 0.5 / 127 + 1e-4, "W2": 0.013, "W3": 0.013, "W5": 0.03}[case.workload]


def call_from_python(call: Callable[[], object]) -> Run:
    """Return a loop in Python around ``call``."""

    def run(calls: int) -> None:
        for _ in range(calls):
            call()

    return run


@dataclass(frozen=True)
class Context:
    """What a worker knows."""

    threads: int
    amx: bool
    """Whether libraries may use AMX, on a machine that has it."""
    folder: Path
    """For files that live as long as a case."""
    loops: Path
    """The library made of loops/*.ll."""

    def call_from_c(
        self,
        function: ctypes._CFuncPtr,
        first: object,
        second: object = None,
        third: int = 0,
        fourth: object = None,
    ) -> Run:
        """Return a loop, compiled by LLVM, around a call of ``function``, which returns 0."""
        repeat = ctypes.CDLL(str(self.loops)).repeat
        pointer, number = ctypes.c_void_p, ctypes.c_int64
        repeat.argtypes = [pointer, pointer, pointer, number, pointer, number]
        address = ctypes.cast(function, ctypes.c_void_p)

        def run(calls: int) -> None:
            if repeat(address, first, second, third, fourth, calls):
                raise RuntimeError("a call returned an error")

        return run


class Peer:
    """A library, in a worker of its own. Nothing of it is imported before ``list_entries``."""

    name: ClassVar[str]

    def __init__(self, context: Context) -> None:
        self.context = context

    def list_entries(self, problem: Problem) -> dict[str, Callable[[], Entry]]:
        """Return, by name, what makes the entries for ``problem``; some may fail."""
        raise NotImplementedError
