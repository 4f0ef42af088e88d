"""Loop and Scan that are unrolled, against onnxruntime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

import quantc

onnxruntime = pytest.importorskip("onnxruntime")


def value(name: str, shape: tuple[int, ...], dtype: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, dtype, shape)


def accumulate(*conditions: str) -> onnx.GraphProto:
    """Return a body: x is scaled by the outer "factor" and added to the state, which is a part."""
    inputs = [value("i", (), TensorProto.INT64), value("go", (), TensorProto.BOOL)]
    outputs = [value("more", (), TensorProto.BOOL)]
    nodes = [
        helper.make_node("Mul", ["x", "factor"], ["scaled"]),
        helper.make_node("Add", ["state", "scaled"], ["next"]),
        helper.make_node("Identity", ["next"], ["part"]),
    ]
    if not conditions:
        return helper.make_graph(
            nodes,
            "body",
            [value("state", (3,)), value("x", (3,))],
            [value("next", (3,)), value("part", (3,))],
        )
    nodes[0].input[0] = "slope"
    nodes.append(helper.make_node(conditions[0], [*conditions[1:]], ["more"]))
    return helper.make_graph(
        nodes,
        "body",
        [*inputs, value("state", (3,))],
        [*outputs, value("next", (3,)), value("part", (3,))],
    )


def save(node: onnx.NodeProto, inputs: dict[str, NDArray], path: Path, **constants: object) -> None:
    graph = helper.make_graph(
        [node],
        "loops",
        [value(name, array.shape) for name, array in inputs.items()],
        [onnx.ValueInfoProto(name=name) for name in node.output],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, ir_version=9, opset_imports=[helper.make_opsetid("", 17)])
    onnx.save(onnx.shape_inference.infer_shapes(model), path)


def check(path: Path, inputs: dict[str, NDArray]) -> None:
    expected = onnxruntime.InferenceSession(path).run(None, inputs)
    model = quantc.load(path)
    actual = list(quantc.interpret(model, inputs).values())
    for got, want in zip(actual, expected, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-6)
    for got, want in zip(quantc.compile(model)(inputs).values(), actual, strict=True):
        np.testing.assert_array_equal(got, want)


X = np.arange(1, 13, dtype=np.float32).reshape(4, 3)


def test_scan_agrees_with_onnxruntime(tmp_path: Path) -> None:
    path = tmp_path / "scan.onnx"
    inputs = {"start": X[0], "xs": X.T.copy(), "factor": X[3]}
    node = helper.make_node(
        "Scan",
        ["start", "xs"],
        ["end", "parts"],
        "node",
        body=accumulate(),
        num_scan_inputs=1,
        scan_input_axes=[-1],
        scan_input_directions=[1],
        scan_output_axes=[1],
        scan_output_directions=[1],
    )
    save(node, inputs, path)
    check(path, inputs)


def test_loop_agrees_with_onnxruntime(tmp_path: Path) -> None:
    path = tmp_path / "loop.onnx"
    inputs = {"start": X[0], "slope": X[1], "factor": X[3]}
    node = helper.make_node(
        "Loop",
        ["count", "", "start"],
        ["end", "parts"],
        "node",
        body=accumulate("Identity", "go"),
    )
    save(node, inputs, path, count=np.int64(3))
    check(path, inputs)


@pytest.mark.parametrize(
    ("count", "body", "message"),
    [
        (1000, ("Identity", "go"), "loop of 1000 iterations; expects 128 at most"),
        (3, ("Less", "state0", "factor0"),
         "loop with a condition that is computed; expects a constant one"),
    ],
)  # fmt: skip
def test_unsupported_is_one_line(
    count: int, body: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "loop.onnx"
    inputs = {
        "start": X[0],
        "slope": X[1],
        "factor": X[3],
        "state0": X[0, 0],
        "factor0": X[0, 1],
    }
    node = helper.make_node(
        "Loop", ["count", "", "start"], ["end", "parts"], "node", body=accumulate(*body)
    )
    save(node, inputs, path, count=np.int64(count))
    with pytest.raises(quantc.Error) as error:
        quantc.load(path)
    assert str(error.value) == f"{path}: node: {message}"
