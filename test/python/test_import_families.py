"""More operators against onnxruntime, a family at a time.

The cases are of the kind of test_import_ops.py. All of a family are also compiled, as one program
of several nodes, which must give the bytes of the interpreter.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

import quantc
import test_import_ops
from test_import_ops import RNG, Case, bytes_, case, floats, ints, positive

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


def resize(sizes: Any, *shape: int, roi: Any = None, scales: Any = None, **attributes: Any) -> Case:
    """Return a case with constant sizes or scales."""
    roi = None if roi is None else np.array(roi, np.float32)
    scales = None if scales is None else np.array(scales, np.float32)
    sizes = None if sizes is None else ints(sizes)
    inputs = [roi, scales, sizes] if sizes is not None else [roi, scales]
    return case("Resize", floats(*shape), *inputs, opset=19, constant=(1, 2, 3), **attributes)


RESIZE = [
    resize(None, 2, 3, 4, 5, scales=[1, 1, 2, 3], coordinate_transformation_mode="asymmetric",
           nearest_mode="floor"),
    *(resize([1, 2, 7, 3], 1, 2, 4, 5, coordinate_transformation_mode=mode, nearest_mode=rounding)
      for mode, rounding in (("half_pixel", "round_prefer_floor"), ("align_corners", "ceil"),
                             ("asymmetric", "round_prefer_ceil"), ("pytorch_half_pixel", "floor"))),
    resize([1, 2, 7, 3], 1, 2, 4, 5, mode="linear"),
    resize(None, 1, 2, 4, 5, scales=[1, 1, 0.75, 1.6], mode="linear",
           coordinate_transformation_mode="align_corners"),
    resize([1, 1, 7, 4], 1, 1, 4, 9, mode="cubic", coordinate_transformation_mode="asymmetric"),
    resize([3, 7], 1, 2, 4, 5, mode="cubic", axes=[2, 3], exclude_outside=1, cubic_coeff_a=-0.5),
    resize([1, 2, 3, 4], 1, 2, 7, 9, mode="linear", antialias=1),
    resize([1, 2, 5, 6], 1, 2, 7, 9, mode="linear", roi=[0, 0, -0.2, 0.1, 1, 1, 1.1, 0.8],
           coordinate_transformation_mode="tf_crop_and_resize", extrapolation_value=7.0),
    resize([10, 6], 1, 2, 4, 5, axes=[3, 2], keep_aspect_ratio_policy="not_larger"),
    resize([10, 6], 1, 2, 4, 5, axes=[3, 2], keep_aspect_ratio_policy="not_smaller"),
]  # fmt: skip

UPSAMPLING = [
    case("Upsample", floats(1, 2, 4, 5), opset=8, scales=[1.0, 1.0, 2.0, 1.5]),
    case("Upsample", floats(1, 2, 4, 5), np.array([1, 1, 2, 1.5], np.float32), opset=9,
         constant=(1,)),
    case("Resize", floats(1, 2, 4, 5), np.array([1, 1, 2, 0.7], np.float32), opset=10,
         constant=(1,), mode="linear"),
]  # fmt: skip

TRANSPOSED = [
    case("ConvTranspose", floats(2, 4, 5), floats(4, 3, 3), floats(3), dims={0: ("o", 4, 5)},
         strides=[2]),
    case("ConvTranspose", floats(1, 4, 5, 3), floats(4, 3, 3, 2), constant=(1,), group=2,
         strides=[2, 3], pads=[1, 0, 0, 2], output_padding=[1, 2]),
    case("ConvTranspose", floats(1, 2, 4, 3), floats(2, 3, 2, 3), dilations=[2, 1], pads=[3, 0, 0, 1]),
    case("ConvTranspose", floats(1, 2, 4, 3), floats(2, 3, 2, 3), strides=[2, 2],
         auto_pad="SAME_LOWER"),
    case("ConvTranspose", floats(1, 2, 4), floats(2, 3, 3), strides=[2], output_shape=[8]),
    case("ConvTranspose", floats(1, 2, 3, 2, 4), floats(2, 2, 2, 1, 3), strides=[1, 2, 1]),
]  # fmt: skip

CHANNELS = [
    case("InstanceNormalization", floats(2, 3, 4, 5), floats(3), floats(3),
         dims={0: ("p", 3, 4, 5)}),
    case("GroupNormalization", floats(2, 6, 5), floats(6), floats(6), opset=21, num_groups=3),
    case("LRN", floats(2, 7, 3, 2), size=3, alpha=0.5, bias=2.0),
    case("LpNormalization", floats(2, 3, 4), axis=1),
    case("LpNormalization", floats(2, 3, 4), p=1),
    case("MeanVarianceNormalization", floats(2, 3, 4, 5)),
    case("BatchNormalization", floats(2, 3, 4), floats(3), floats(3), floats(3), positive(3),
         outputs=3, training_mode=1, momentum=0.7),
]  # fmt: skip

GRID = [
    case("GridSample", floats(2, 3, 4, 5), floats(2, 3, 2, 2) / 2, opset=20, mode=mode,
         padding_mode=padding, align_corners=align)
    for mode, padding, align in (("linear", "zeros", 0), ("linear", "border", 1),
                                 ("nearest", "reflection", 0), ("nearest", "zeros", 1),
                                 ("cubic", "reflection", 1), ("cubic", "border", 0))
] + [
    case("GridSample", floats(1, 2, 3, 4, 5), floats(1, 2, 3, 2, 3) / 2, opset=20),
    case("GridSample", floats(1, 2, 4, 5), floats(1, 3, 2, 2) / 2, mode="bicubic"),
]  # fmt: skip

FAMILIES = {
    "pooling": POOLING,
    "integers": INTEGERS,
    "resize": RESIZE,
    "spatial": TRANSPOSED + CHANNELS + GRID[:-1],
}


@pytest.mark.parametrize(
    "sample", [*itertools.chain(*FAMILIES.values()), *UPSAMPLING, GRID[-1]], ids=str
)
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
        (resize([1, 2], 3, 4, mode="area"), "Resize in mode 'area'; expects nearest"),
        (resize([1, 2], 3, 4, nearest_mode="up"), "Resize with nearest_mode 'up'; expects"),
        (resize([1, 2], 3, 4, coordinate_transformation_mode="x"), "transformation_mode 'x'"),
        (resize([1, 2], 3, 4, keep_aspect_ratio_policy="x"), "keep_aspect_ratio_policy 'x'"),
        (resize([1], 3, 4), "as many as the axes; expects 2"),
        (resize([0, 1], 3, 4), "to a size of 0; expects 1 to"),
        (resize(None, 3, 4, scales=[-1, 1]), "a scale of -1.0.*; expects positive"),
        (resize(None, 3, 4), "without scales or sizes; expects"),
        (case("Resize", floats(3, 4), None, np.ones(2, np.float32)), "scales is input 'x2'"),
        (resize([1, 2], 3, 4, coordinate_transformation_mode="tf_crop_and_resize"),
         "a roi of 0 numbers; expects"),
        (case("Resize", bytes_(3, 4), None, np.array([2, 2], np.float32), constant=(2,),
              mode="linear"), "Resize of INT8 by interpolation; expects"),
        (case("Resize", floats(3, 4), None, np.array([2, 2], np.float32), constant=(2,),
              dims={0: ("n", 4)}), "expects known sizes from 1"),
        (case("ConvTranspose", floats(1, 4, 5), floats(3, 2, 3)), "ConvTranspose of .* by .* in 1"),
        (case("ConvTranspose", floats(1, 4, 5), floats(4, 2, 3), pads=[9, 9]), "less padding"),
        (case("ConvTranspose", floats(1, 4, 5), floats(4, 2, 3), auto_pad="x"), "auto_pad 'x'"),
        (case("ConvTranspose", floats(1, 4, 5), floats(4, 2, 3), output_shape=[1, 2]),
         "output_shape of 2 sizes; expects 1"),
        (case("ConvTranspose", floats(1, 4, 5), floats(4, 2, 3), floats(3)), "with a bias of shape"),
        (case("GroupNormalization", floats(2, 6, 5), floats(6), floats(6), opset=21, num_groups=4),
         "in 4 groups; expects groups of equal size"),
        (case("InstanceNormalization", floats(2, 6, 5), floats(6), floats(5)), "a parameter of shape"),
        (case("GridSample", floats(1, 2, 4), floats(1, 3, 1), mode="x"), "GridSample in mode 'x'"),
        (case("GridSample", floats(1, 2, 4), floats(1, 3, 1), padding_mode="x"), "padding_mode 'x'"),
        (case("GridSample", floats(1, 2, 4), floats(1, 3, 2)), "as many coordinates for each"),
        (case("LRN", floats(2, 7, 3), size=0), "LRN of 0 channels; expects at least 1"),
        (case("LpNormalization", floats(2, 7), p=3), "p of 3; expects 1 or 2"),
    ],
)  # fmt: skip
def test_errors(sample: Case, message: str, tmp_path: Path) -> None:
    onnx.save(sample.model(), tmp_path / "case.onnx")
    with pytest.raises(quantc.Error, match=f"node: .*{message}"):
        quantc.load(tmp_path / "case.onnx")
