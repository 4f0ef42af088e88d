"""Run the node tests of the ``onnx`` wheel through ``quantc.onnx_backend``.

Usage: ``python onnx_nodes.py [--stride N] [--only TEXT]``. Prints what each operator comes to and
why cases fail. One case in N is compiled too, and its bytes compared with the interpreter's.

Cases run in a process of their own, so that a crash or a hang is a result.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.test.loader import load_model_tests

import quantc
from quantc import onnx_backend

# Two levels of vectors would compile everything twice.
TARGET = "x86-64-v3"
SECONDS = 120
# Two units in the last place, which the runner of onnx allows bfloat16 at least.
BFLOAT16_RTOL = 2**-6
PASS, UNSUPPORTED = "pass", "unsupported"


@dataclass
class Result:
    """What a case comes to: ``pass``, ``unsupported``, or what is wrong."""

    name: str
    operators: str
    status: str
    detail: str = ""
    compiled: bool = False


def load_cases() -> list[Any]:
    """Return all cases, in an order that is always the same."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return sorted(load_model_tests(kind="node"), key=lambda case: case.name)


def _differs(y: Any, expected: Any, case: Any) -> str:
    """Say how an output differs from what it should be, as the runner of ``onnx`` would."""
    if isinstance(expected, onnx.TensorProto):
        expected = numpy_helper.to_array(expected)
    if not isinstance(expected, np.ndarray | np.generic):
        return f"got a tensor, expected {type(expected).__name__}"
    if y.dtype != expected.dtype or y.shape != expected.shape:
        return f"{y.dtype}{y.shape}, expected {expected.dtype}{expected.shape}"
    if y.dtype.kind in "iub" or "int" in y.dtype.name:
        equal = np.array_equal(y, expected)
    else:
        rtol = max(case.rtol, BFLOAT16_RTOL) if y.dtype.name == "bfloat16" else case.rtol
        equal = np.allclose(
            y.astype(np.float64),
            expected.astype(np.float64),
            rtol=rtol,
            atol=case.atol,
            equal_nan=True,
        )
    return "" if equal else f"{y.ravel()[:6]}, expected {expected.ravel()[:6]}"


def _run(case: Any, compiles: bool) -> Result:
    operators = "+".join(sorted({node.op_type for node in case.model.graph.node}))
    result = Result(case.name, operators, PASS, compiled=compiles)
    try:
        for inputs, outputs in case.data_sets:
            results = onnx_backend.prepare(case.model, target=None).run(inputs)
            for y, expected in zip(results, outputs, strict=True):
                if detail := _differs(y, expected, case):
                    return Result(case.name, operators, "wrong", detail)
            if not compiles:
                continue
            compiled = onnx_backend.prepare(case.model, target=TARGET).run(inputs)
            for y, expected in zip(compiled, results, strict=True):
                if y.dtype != expected.dtype or y.tobytes() != expected.tobytes():
                    detail = f"compiled {y.ravel()[:6]}, interpreted {expected.ravel()[:6]}"
                    return Result(case.name, operators, "other bytes", detail)
    except quantc.Error as error:
        return Result(case.name, operators, UNSUPPORTED, str(error).splitlines()[0])
    return result


def _work(connection: Any, cases: list[Any], begin: int, stride: int) -> None:
    """Send the result of each case from ``begin`` on."""
    warnings.simplefilter("ignore")
    for index in range(begin, len(cases)):
        connection.send(_run(cases[index], index % stride == 0))


def run(cases: list[Any], stride: int = 1) -> Iterator[Result]:
    """Yield the result of each case; one in ``stride`` is compiled."""
    context = multiprocessing.get_context("fork")
    done = 0
    while done < len(cases):
        receiver, sender = context.Pipe(duplex=False)
        worker = context.Process(target=_work, args=(sender, cases, done, stride), daemon=True)
        worker.start()
        sender.close()
        while done < len(cases):
            status = "hang"
            try:
                if receiver.poll(SECONDS):
                    status = "crash"
                    result = receiver.recv()
                    done += 1
                    yield result
                    continue
            except EOFError:
                pass
            worker.kill()
            yield Result(cases[done].name, "", status, f"worker ended with {worker.exitcode}")
            done += 1
            break
        worker.join()


def main() -> None:
    """Print the score."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stride", type=int, default=1)
    parser.add_argument("--only", default="", help="run the cases that have this in their name")
    arguments = parser.parse_args()
    cases = [case for case in load_cases() if arguments.only in case.name]
    counts: Counter[str] = Counter()
    by_operator: dict[str, Counter[str]] = defaultdict(Counter)
    for result in run(cases, arguments.stride):
        counts[result.status] += 1
        by_operator[result.operators][result.status] += 1
        if result.status != PASS:
            print(f"{result.name}: {result.status}: {result.detail}")
    for operator, statuses in sorted(by_operator.items()):
        if set(statuses) != {PASS}:
            print(f"{operator}: {json.dumps(statuses)}")
    print(json.dumps(counts))


if __name__ == "__main__":
    main()
