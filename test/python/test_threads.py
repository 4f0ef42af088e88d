"""Programs of several threads and for several targets."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import quantc
from bench import isolation


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> quantc.Model:
    """Two layers that are worth several threads, quantized."""
    random = np.random.default_rng(0)
    weights = [
        numpy_helper.from_array(random.standard_normal(shape).astype(np.float32), name)
        for name, shape in (("w0", (300, 1100)), ("w1", (1100, 520)))
    ]
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "w0"], ["h"], name="fc1"),
            helper.make_node("Relu", ["h"], ["r"]),
            helper.make_node("MatMul", ["r", "w1"], ["y"], name="fc2"),
        ],
        "mlp",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 300])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 520])],
        weights,
    )
    path = tmp_path_factory.mktemp("model") / "mlp.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
    config = quantc.QuantizationConfig(mode="dynamic")
    return quantc.quantize(quantc.load(path), config)


def count_threads() -> int:
    """Return how many threads this process has."""
    return len(list(Path("/proc/self/task").iterdir()))


def test_any_number_gives_the_same_bytes(model: quantc.Model) -> None:
    x = np.random.default_rng(1).standard_normal((65, 300)).astype(np.float32)
    expected = quantc.interpret(model, x).tobytes()
    for threads in (1, 2, 3, 7):
        program = quantc.compile(model, threads=threads)
        before = count_threads()
        assert program.threads == threads
        assert program(x).tobytes() == expected
        assert program(x[:1]).tobytes() == expected[: 4 * 520]
        assert count_threads() - before <= threads - 1
        assert threads > 1 or count_threads() == before
        # Calls from several threads share those of the program.
        results: list[bytes] = []
        callers = [
            threading.Thread(target=lambda p=program, r=results: r.append(p(x).tobytes()))
            for _ in range(4)
        ]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        assert results == [expected] * 4


def test_loaded_with_fewer_threads(model: quantc.Model, tmp_path: Path) -> None:
    path = tmp_path / "mlp.so"
    quantc.compile(model, threads=3).save(path)
    x = np.ones((40, 300), np.float32)
    results = set()
    for threads in (None, 1, 2):
        program = quantc.load_program(path, threads)
        assert program.threads == (threads or 3)
        results.add(program(x).tobytes())
    assert len(results) == 1
    with pytest.raises(quantc.Error, match="was compiled for at most 3 threads, not for 4"):
        quantc.load_program(path, threads=4)


@pytest.mark.parametrize("threads", [0, -1, 1.5, "2"])
def test_wrong_number(model: quantc.Model, tmp_path: Path, threads: object) -> None:
    with pytest.raises(quantc.Error, match="it must be an integer of at least 1"):
        quantc.compile(model, threads=threads)
    with pytest.raises(quantc.Error, match="it must be an integer of at least 1"):
        quantc.emit(model, tmp_path / "mlp.o", threads=threads)


def test_one_object_for_several_targets(model: quantc.Model) -> None:
    x = np.random.default_rng(2).standard_normal((9, 300)).astype(np.float32)
    expected = quantc.interpret(model, x).tobytes()
    program = quantc.compile(model, target="multi", threads=2)
    assert len(program.variants) >= 2 and program.variant in program.variants
    assert program(x).tobytes() == expected
    # Without the variants before it, each one runs: x86 machines that run tests have all levels.
    for index, variant in enumerate(program.variants):
        if "without" in variant or "avxvnni" in variant or "v4" in variant:
            continue
        rest = quantc.compile(model, target=",".join(program.variants[index:]))
        assert rest.variants == program.variants[index:]
        assert rest.variant == variant and rest(x).tobytes() == expected


def test_single_target_has_one_variant(model: quantc.Model) -> None:
    program = quantc.compile(model, target="x86-64-v2")
    assert program.variants == ("x86-64-v2",)
    with pytest.raises(quantc.Error, match="an object is for one architecture"):
        quantc.compile(model, target="x86-64-v2,aarch64")


REFUSED = """
import sys
import numpy as np
import quantc
from bench import isolation

isolation.deny_amx()
program = quantc.load_program(sys.argv[1])
print(program.variants.index(program.variant))
np.save(sys.argv[3], program(np.load(sys.argv[2])))
"""


@pytest.mark.skipif(not isolation.has_amx(), reason="this machine has no AMX")
def test_fallback_where_amx_is_refused(model: quantc.Model, tmp_path: Path) -> None:
    x = np.random.default_rng(3).standard_normal((65, 300)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    program = quantc.compile(model, threads=2)
    assert len(program.variants) == 2 and program.variant == program.variants[0]
    expected = program(x).tobytes()
    program.save(tmp_path / "mlp.so")
    files = [tmp_path / name for name in ("mlp.so", "x.npy", "y.npy")]
    result = subprocess.run(
        [sys.executable, "-c", REFUSED, *files],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert result.stdout == "1\n"
    assert np.load(tmp_path / "y.npy").tobytes() == expected
    assert quantc.interpret(model, x).tobytes() == expected
