"""The node tests of the ``onnx`` wheel, as a score that only rises.

Every case passes or is refused by an error that names what is not supported: never a wrong result,
a crash or a hang. ``QUANTC_ONNX_NODES=1`` compiles every case instead of one in eight.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

import quantc
from onnx_nodes import PASS, UNSUPPORTED, load_cases, run
from quantc import onnx_backend

INPUTS = Path(__file__).parents[1] / "Inputs"
STRIDE = int(os.environ.get("QUANTC_ONNX_NODES", "8"))

# The lists and floors are of this version.
VERSION = "1.23"


def read_names(path: Path) -> list[str]:
    return [line for line in path.read_text().split("\n") if line and not line.startswith("#")]


@pytest.mark.skipif(not onnx.__version__.startswith(VERSION), reason=f"needs onnx {VERSION}")
def test_score() -> None:
    """As many pass as the floors say, and none is wrong."""
    floors = json.loads((INPUTS / "onnx-node-floors.json").read_text())
    results = {result.name: result for result in run(load_cases(), STRIDE)}
    bad = [r for r in results.values() if r.status not in (PASS, UNSUPPORTED)]
    assert not bad, "\n".join(f"{r.name}: {r.status}: {r.detail}" for r in bad)
    passed = {name for name, result in results.items() if result.status == PASS}
    lists = {
        "cpu": read_names(INPUTS / "onnx-node-cpu.txt"),
        "quant": read_names(INPUTS / "onnx-node-quant.txt"),
        "all": list(results),
    }
    for kind, names in lists.items():
        count = len(passed.intersection(names))
        print(f"{kind}: {count} of {len(names)}, floor {floors[kind]}")
        failed = [f"{name}: {results[name].detail}" for name in names if name not in passed]
        assert count >= floors[kind], "\n".join(failed[:50])


def test_interface() -> None:
    """A node, a model, shapes that change from call to call, and refusals."""
    x = np.arange(6, dtype=np.float32)
    add = helper.make_node("Add", ["x", "x"], ["y"])
    (y,) = onnx_backend.run_node(helper.make_node("Neg", ["x"], ["y"]), [x], target=None)
    np.testing.assert_array_equal(y, -x)
    values = [
        helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [6]),
        helper.make_tensor_value_info("shape", onnx.TensorProto.INT64, [2]),
    ]
    nodes = [add, helper.make_node("Reshape", ["y", "shape"], ["z"])]
    graph = helper.make_graph(nodes, "graph", values, [onnx.ValueInfoProto(name="z")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    backend = onnx_backend.prepare(model)
    for shape in ((2, 3), (2, 3), (6, 1)):
        (z,) = backend.run({"x": x, "shape": np.array(shape)})
        np.testing.assert_array_equal(z, (2 * x).reshape(shape))
    assert onnx_backend.supports_device("CPU:0") and not onnx_backend.supports_device("CUDA")
    assert not onnx_backend.is_compatible(model)
    with pytest.raises(quantc.Error, match="quantc runs on the CPU"):
        onnx_backend.prepare(model, "CUDA")
    with pytest.raises(quantc.Error, match="expected 2 inputs, got 1"):
        backend.run([x])
    with pytest.raises(quantc.Error, match="expected tensors, got list"):
        backend.run([x, [2, 3]])
