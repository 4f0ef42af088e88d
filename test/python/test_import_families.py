"""More operators against onnxruntime, a family at a time.

The cases are of the kind of test_import_ops.py. All of a family are also compiled, as one program
of several nodes, which must give the bytes of the interpreter.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

import quantc
import test_import_ops
from test_import_ops import RNG, Case, bytes_, case, floats, positive

POOLING = [
    case("MaxPool", floats(2, 3, 9), kernel_shape=[3], strides=[2], pads=[1, 1]),
    case("MaxPool", floats(2, 3, 9, 8), dims={0: ("batch", 3, 9, 8)}, kernel_shape=[3, 3],
         strides=[2, 4], pads=[1, 1, 1, 0], ceil_mode=1),
    case("MaxPool", floats(1, 2, 7, 6), kernel_shape=[2, 2], dilations=[2, 3], outputs=2),
    case("MaxPool", floats(2, 2, 5, 4), dims={0: ("n", 2, 5, 4)}, kernel_shape=[2, 3],
         pads=[1, 1, 1, 1], outputs=2, storage_order=1),
    case("MaxPool", floats(1, 2, 4, 3, 5), kernel_shape=[2, 2, 3], auto_pad="SAME_UPPER"),
    case("MaxPool", bytes_(1, 2, 6, 5), kernel_shape=[3, 3], auto_pad="SAME_LOWER", strides=[2, 2]),
    case("AveragePool", floats(2, 3, 9), kernel_shape=[3], strides=[2], pads=[1, 1]),
    case("AveragePool", floats(1, 2, 8, 7), dims={0: ("m", 2, 8, 7)}, kernel_shape=[3, 2],
         strides=[3, 2], pads=[1, 1, 1, 1], count_include_pad=1),
    case("AveragePool", floats(1, 2, 8, 7), opset=19, kernel_shape=[3, 2], strides=[2, 3],
         pads=[1, 0, 1, 1], ceil_mode=1, count_include_pad=1),
    case("AveragePool", floats(1, 2, 8, 7), opset=19, kernel_shape=[3, 2], dilations=[2, 1]),
    case("AveragePool", floats(1, 2, 4, 3, 5), kernel_shape=[2, 2, 3], auto_pad="SAME_LOWER"),
    case("LpPool", floats(1, 2, 8, 7), kernel_shape=[3, 2], strides=[2, 2], pads=[1, 1, 1, 1]),
    case("LpPool", floats(2, 3, 9), kernel_shape=[3], p=3),
    case("LpPool", floats(1, 2, 7, 6), opset=18, kernel_shape=[2, 2], p=1, dilations=[2, 2],
         ceil_mode=1),
    case("GlobalLpPool", floats(2, 3, 4, 5)),
    case("GlobalLpPool", floats(2, 3, 4), p=3),
]  # fmt: skip

STEP = np.array(0.02, np.float32)
WIDE = RNG.integers(-9000, 9000, (3, 8)).astype(np.int16)

INTEGERS = [
    case("QuantizeLinear", 99 * floats(3, 4), STEP, np.array(-100, np.int16), opset=21),
    case("QuantizeLinear", 99 * floats(3, 4), STEP, np.uint16(300), opset=21, constant=(1, 2)),
    case("QuantizeLinear", floats(3, 4), positive(3) / 99, bytes_(3), opset=21, axis=0),
    case("QuantizeLinear", floats(3, 8), positive(3, 2) / 999, np.zeros((3, 2), np.int16),
         opset=21, axis=1, block_size=4),
    case("DequantizeLinear", WIDE, positive(8), np.arange(8).astype(np.int16), opset=21),
    case("DequantizeLinear", WIDE, positive(3, 2), opset=21, axis=1, block_size=4),
    case("DequantizeLinear", WIDE.view(np.uint16), STEP, np.array(500, np.uint16), opset=21,
         constant=(0, 2)),
    case("DequantizeLinear", bytes_(3, 4), positive(4), bytes_(4), opset=21),
    case("DequantizeLinear", np.array([[5, -70000]], np.int32), positive(2), opset=21),
    case("ConvInteger", bytes_(1, 2, 7, 6), bytes_(3, 2, 3, 2), np.array(5, np.int8),
         pads=[1, 0, 2, 1], strides=[2, 1]),
    case("ConvInteger", bytes_(2, 3, 8), bytes_(4, 3, 3), dilations=[2]),
    case("MatMulInteger", bytes_(2, 5, 3), bytes_(3, 4), np.array(3, np.int8), bytes_(4)),
]  # fmt: skip

FAMILIES = {"pooling": POOLING, "integers": INTEGERS}


@pytest.mark.parametrize("sample", [x for cases in FAMILIES.values() for x in cases], ids=str)
def test_agrees_with_onnxruntime(sample: Case, tmp_path: Path) -> None:
    test_import_ops.test_operator_agrees_with_onnxruntime(sample, tmp_path)


def merge(cases: Sequence[Case]) -> tuple[onnx.ModelProto, dict]:
    """Return a model of the nodes of all cases beside each other, and its inputs."""
    graphs, feeds = [], {}
    for index, sample in enumerate(cases):
        model = sample.model()
        prefix = f"case{index}_"
        graphs.append(onnx.compose.add_prefix_graph(model.graph, prefix))
        feeds |= {prefix + name: value for name, value in sample.feeds().items()}
    merged = onnx.GraphProto(name="cases")
    for graph in graphs:
        for part in ("node", "initializer", "input", "output"):
            getattr(merged, part).extend(getattr(graph, part))
    opset = max(sample.opset for sample in cases)
    return helper.make_model(merged, opset_imports=[helper.make_opsetid("", opset)]), feeds


@pytest.mark.parametrize("family", FAMILIES)
def test_compiled_code_gives_the_bytes_of_the_interpreter(family: str, tmp_path: Path) -> None:
    model, feeds = merge(FAMILIES[family])
    onnx.save(model, tmp_path / "cases.onnx")
    loaded = quantc.load(tmp_path / "cases.onnx")
    expected = quantc.interpret(loaded, feeds)
    actual = quantc.compile(loaded)(feeds)
    for name, want in expected.items():
        assert actual[name].tobytes() == want.tobytes(), name


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        (case("MaxPool", floats(3, 4), kernel_shape=[2, 2]), "MaxPool of .*; expects batch"),
        (case("MaxPool", floats(1, 2, 4)), "MaxPool without kernel_shape; expects one"),
        (case("MaxPool", floats(1, 2, 4), kernel_shape=[2, 2]), "unsupported kernel_shape; expects"),
        (case("MaxPool", floats(1, 2, 4), kernel_shape=[5]), "expects spatial sizes that are known"),
        (case("MaxPool", floats(1, 2, 4), dims={0: (1, 2, "w")}, kernel_shape=[2]),
         "expects spatial sizes that are known"),
        (case("MaxPool", floats(1, 2, 4), kernel_shape=[2], pads=[-1, 0]), "unsupported pads"),
        (case("MaxPool", floats(1, 2, 4), kernel_shape=[2], auto_pad="SAME"), "auto_pad 'SAME'"),
        (case("LpPool", floats(1, 2, 4), kernel_shape=[2], p=0), "LpPool with p of 0; expects"),
        (case("GlobalLpPool", floats(1, 2)), "GlobalLpPool of .*; expects batch, channels"),
        (case("AveragePool", bytes_(1, 2, 4), kernel_shape=[2]), "expects floating point"),
    ],
)  # fmt: skip
def test_errors(sample: Case, message: str, tmp_path: Path) -> None:
    onnx.save(sample.model(), tmp_path / "case.onnx")
    with pytest.raises(quantc.Error, match=f"node: .*{message}"):
        quantc.load(tmp_path / "case.onnx")
