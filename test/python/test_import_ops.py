"""Every ONNX operator that the importer knows, against onnxruntime.

Each case is a model of one node. It is imported and interpreted, and the result must have the type
and shape that onnxruntime gives and agree to a few units in the last place.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper, numpy_helper

import quantc
from oracle import open_onnxruntime

RNG = np.random.default_rng(0)


def floats(*shape: int) -> NDArray[np.float32]:
    """Return numbers of which some are negative, none is 0 and all are tame."""
    return (RNG.uniform(0.1, 3, shape) * RNG.choice([-1, 1], shape)).astype(np.float32)


def positive(*shape: int) -> NDArray[np.float32]:
    return np.abs(floats(*shape))


def ints(*values: Any) -> NDArray[np.int64]:
    return np.array(values if len(values) != 1 else values[0], np.int64)


def bytes_(*shape: int, dtype: type = np.int8) -> NDArray:
    return RNG.integers(0, 256, shape).astype(np.uint8).view(dtype)


def bools(*shape: int) -> NDArray[np.bool_]:
    return RNG.choice([False, True], shape)


@dataclass
class Case:
    """One node. Inputs in `constant` are initializers; `dims` names dynamic dimensions."""

    op: str
    inputs: list[Any]
    opset: int = 17
    constant: tuple[int, ...] = ()
    dims: dict[int, tuple[str | int, ...]] = field(default_factory=dict)
    outputs: int = 1
    attributes: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        shapes = ",".join("" if x is None else "x".join(map(str, x.shape)) for x in self.inputs)
        attributes = ",".join(
            f"{key}={value}"
            for key, value in self.attributes.items()
            if not isinstance(value, onnx.TensorProto)
        )
        dynamic = "-dynamic" if self.dims else ""
        return f"{self.op}-{self.opset}-{shapes}-{attributes}{dynamic}"

    def model(self) -> onnx.ModelProto:
        """Return the model of this node; the types of its outputs are left to onnxruntime."""
        names = ["" if x is None else f"x{i}" for i, x in enumerate(self.inputs)]
        outputs = [f"y{i}" for i in range(self.outputs)]
        node = helper.make_node(self.op, names, outputs, name="node", **self.attributes)
        values, initializers = [], []
        for i, x in enumerate(self.inputs):
            if x is None:
                continue
            if i in self.constant:
                initializers.append(numpy_helper.from_array(x, names[i]))
                continue
            dtype = helper.np_dtype_to_tensor_dtype(x.dtype)
            shape = self.dims.get(i, x.shape)
            values.append(helper.make_tensor_value_info(names[i], dtype, shape))
        graph = helper.make_graph(
            [node],
            "case",
            values,
            [onnx.ValueInfoProto(name=name) for name in outputs],
            initializers,
        )
        opset = [helper.make_opsetid("", self.opset)]
        model = helper.make_model(graph, ir_version=9, opset_imports=opset)
        return onnx.shape_inference.infer_shapes(model)

    def feeds(self) -> dict[str, Any]:
        return {
            f"x{i}": x
            for i, x in enumerate(self.inputs)
            if x is not None and i not in self.constant
        }


def case(op: str, *inputs: Any, opset: int = 17, constant: tuple[int, ...] = (), dims: Any = None,
         outputs: int = 1, **attributes: Any) -> Case:  # fmt: skip
    return Case(op, list(inputs), opset, constant, dims or {}, outputs, attributes)


BATCH = {0: ("batch", 3, 4)}

LINEAR = [
    case("DynamicQuantizeLinear", floats(5, 3), outputs=3),
    case("DynamicQuantizeLinear", positive(2, 3, 4), dims=BATCH, outputs=3),
    case("DynamicQuantizeLinear", -positive(7), outputs=3),
    case("MatMulInteger", bytes_(5, 3), bytes_(3, 4), np.array(7, np.int8), np.array(-3, np.int8)),
    case("MatMulInteger", bytes_(2, 5, 300), bytes_(300, 4, dtype=np.uint8), np.array(5, np.int8),
         bytes_(4, dtype=np.uint8), dims={0: ("batch", 5, 300)}, constant=(1, 2, 3)),
    case("MatMulInteger", bytes_(5, 3), bytes_(3, 4)),
    case("MatMul", floats(5, 3), floats(3, 4)),
    case("MatMul", floats(5, 3), floats(3, 4), dims={0: ("batch", 3)}, constant=(1,)),
    case("MatMul", floats(2, 3, 4), floats(4, 5), dims=BATCH, constant=(1,)),
    case("MatMul", floats(2, 3, 4), floats(2, 4, 5)),
    case("MatMul", floats(2, 1, 3, 4), floats(5, 4, 2)),
    case("MatMul", floats(3, 4), floats(2, 4, 5)),
    case("MatMul", floats(4), floats(4, 5)),
    case("MatMul", floats(2, 3, 4), floats(4)),
    case("MatMul", floats(4), floats(4)),
    case("MatMul", floats(4), floats(2, 4, 3)),
    case("Gemm", floats(5, 3), floats(3, 4), floats(4)),
    case("Gemm", floats(5, 3), floats(4, 3), floats(1, 4), constant=(1, 2), transB=1),
    case("Gemm", floats(3, 5), floats(3, 4), floats(5, 1), transA=1, alpha=0.5, beta=2.0),
    case("Gemm", floats(3, 5), floats(4, 3), floats(5, 4), constant=(1, 2), transA=1, transB=1,
         alpha=0.25, beta=0.5),
    case("Gemm", floats(5, 3), floats(3, 4), np.array(2.0, np.float32), dims={0: ("m", 3)}),
    case("Gemm", floats(5, 3), floats(3, 4), opset=11),
]  # fmt: skip

BINARY = [
    case(op, lhs, rhs)
    for op in ("Add", "Sub", "Mul", "Div")
    for lhs, rhs in (
        (floats(3, 4), floats(3, 4)),
        (floats(2, 3, 4), floats(3, 1)),
        (floats(4), floats(2, 1, 4)),
        (floats(2, 3), np.array(3, np.float32)),
    )
] + [
    case("Add", floats(2, 3, 4), floats(1, 1, 4), dims=BATCH, constant=(1,)),
    case("Div", ints([7, -7, 9]), ints([2, 2, -4])),
    case("Div", np.array([200, 7], np.uint8), np.array([3, 2], np.uint8), constant=(0, 1)),
    case("Pow", positive(2, 3), floats(3)),
    case("Pow", floats(2, 3), ints([2, 3, 0]), constant=(1,)),
    case("Max", floats(2, 3), floats(3), floats(1)),
    case("Min", floats(2, 3), floats(2, 3)),
    case("Max", np.array([200, 7], np.uint8), np.array([100, 100], np.uint8), constant=(0, 1)),
    case("Min", ints([-1, 5]), ints([2, 2])),
    case("Sum", floats(2, 3), floats(3)),
    case("Equal", ints([1, 2, 3]), ints([1, 5, 3])),
    case("Greater", floats(6), floats(6)),
    case("GreaterOrEqual", ints([1, 2, 3]), ints([2])),
    case("Less", np.array([200, 7], np.uint8), np.array([100, 100], np.uint8), constant=(0, 1)),
    case("LessOrEqual", floats(6), floats(6)),
    case("And", bools(6), bools(6)),
    case("Or", bools(6), bools(6)),
    case("Xor", bools(6), bools(6)),
    case("Not", bools(6)),
    case("Where", bools(2, 3), floats(3), floats(2, 1)),
    case("PRelu", floats(2, 3), floats(3)),
]

UNARY = [
    case(op, floats(2, 9))
    for op in ("Abs", "Ceil", "Erf", "Exp", "Floor", "Neg", "Reciprocal", "Relu", "Round",
               "Sigmoid", "Tanh", "LeakyRelu", "HardSigmoid", "HardSwish")
] + [
    case("Log", positive(9)),
    case("Sqrt", positive(9)),
    case("Abs", ints([-3, 4])),
    case("Neg", ints([-3, 4])),
    case("Relu", floats(3, 4), dims={0: ("batch", 4)}),
    case("LeakyRelu", floats(9), alpha=0.3),
    case("HardSigmoid", floats(9), alpha=0.4, beta=0.6),
    case("Gelu", floats(20), opset=20),
    case("Gelu", floats(20), opset=20, approximate="tanh"),
    case("Clip", floats(9), np.array(-1, np.float32), np.array(1, np.float32), constant=(1, 2)),
    case("Clip", floats(9), None, np.array(1, np.float32)),
    case("Clip", floats(9), np.array(-1, np.float32)),
    case("Clip", floats(9), opset=10, min=-0.5, max=0.5),
    case("Clip", floats(9), opset=7, max=0.5),
    case("Cast", floats(9), to=onnx.TensorProto.INT32),
    case("Cast", positive(9), to=onnx.TensorProto.UINT8),
    case("Cast", ints([-3, 4]), to=onnx.TensorProto.FLOAT),
    case("Cast", np.array([200, 7], np.uint8), constant=(0,), to=onnx.TensorProto.FLOAT),
    case("Cast", np.array([200, 7], np.uint8), constant=(0,), to=onnx.TensorProto.INT64),
    case("Cast", ints([-3, 300]), to=onnx.TensorProto.INT8),
    case("Cast", bools(6), to=onnx.TensorProto.FLOAT),
    case("Cast", np.array([0, 0.5, -0.0], np.float32), to=onnx.TensorProto.BOOL),
    case("Dropout", floats(9)),
    case("Identity", floats(9)),
]  # fmt: skip

SHAPES = [
    case("Reshape", floats(2, 3, 4), ints([6, 4]), constant=(1,)),
    case("Reshape", floats(2, 3, 4), ints([4, 6]), constant=(1,)),
    case("Reshape", floats(2, 3, 4), ints([0, -1]), constant=(1,), dims=BATCH),
    case("Reshape", floats(2, 3, 4), ints([-1, 4]), constant=(1,), dims=BATCH),
    case("Reshape", floats(2, 3, 4), ints([-1, 6]), constant=(1,), dims=BATCH),
    case("Reshape", floats(2, 3, 4), ints([-1, 8]), constant=(1,), dims=BATCH),
    case("Reshape", floats(2, 3, 4), ints([1, 0, 2, -1, 1]), constant=(1,)),
    case("Reshape", floats(1, 1), np.zeros(0, np.int64), constant=(1,)),
    case("Reshape", np.zeros((0, 3), np.float32), ints([3, 0]), constant=(1,), allowzero=1),
    case("Flatten", floats(2, 3, 4), dims=BATCH),
    case("Flatten", floats(2, 3, 4), axis=0),
    case("Flatten", floats(2, 3, 4), axis=-1),
    case("Flatten", floats(2, 3, 4), axis=3),
    case("Squeeze", floats(1, 3, 1)),
    case("Squeeze", floats(1, 3, 1), ints([-1]), constant=(1,)),
    case("Squeeze", floats(1, 3, 1), opset=11, axes=[0]),
    case("Unsqueeze", floats(3, 4), ints([0, -1]), constant=(1,)),
    case("Unsqueeze", floats(3, 4), opset=11, axes=[1]),
    case("Shape", floats(3, 4)),
    case("Shape", floats(3, 4), dims={0: ("batch", 4)}),
    case("Shape", floats(3, 4, 5), start=-2, end=2),
    case("Expand", floats(3, 1), ints([2, 1, 4]), constant=(1,)),
    case("Expand", floats(2, 3, 4), ints([1, 1, 1]), constant=(1,), dims=BATCH),
    case("Transpose", floats(2, 3, 4)),
    case("Transpose", floats(2, 3, 4), perm=[1, 0, 2], dims=BATCH),
    case("Concat", floats(2, 3), floats(2, 2), axis=1),
    case("Concat", floats(2, 3), np.zeros((2, 0), np.float32), axis=1),
    case("Concat", floats(2, 3), floats(1, 3), axis=-2, dims={0: ("a", 3), 1: ("b", 3)}),
    case("Split", floats(5, 2), ints([2, 3]), constant=(1,), outputs=2),
    case("Split", floats(2, 6), outputs=3, opset=11, axis=1),
    case("Split", floats(2, 5), outputs=3, opset=18, axis=1, num_outputs=3),
    case("Slice", floats(5, 6), ints([1, -3]), ints([4, 10]), constant=(1, 2)),
    case("Slice", floats(5, 6), ints([-2]), ints([-6]), ints([1]), ints([-1]), constant=(1, 2, 3, 4)),
    case("Slice", floats(5, 6), ints([10, 0]), ints([-100, 6]), ints([0, 1]), ints([-2, 4]),
         constant=(1, 2, 3, 4)),
    case("Slice", floats(5, 6), ints([3]), ints([1]), constant=(1, 2)),
    case("Slice", floats(2, 3, 4), ints([0, 1]), ints([2**63 - 1, 3]), ints([0, 2]),
         constant=(1, 2, 3), dims=BATCH),
    case("Slice", floats(5, 6), opset=9, starts=[1, 0], ends=[3, -1]),
    case("Gather", floats(7, 3), ints([[0, -1], [6, 2]])),
    case("Gather", floats(7, 3), ints([[0, -1], [6, 2]]), constant=(0,), dims={1: ("batch", 2)}),
    case("Gather", floats(2, 5, 3), ints([4, 0]), axis=1),
    case("Gather", floats(2, 5, 3), np.array(-1), axis=1, constant=(1,)),
    case("Gather", floats(2, 5, 3), np.array([1], np.int32), axis=-1, constant=(1,)),
]  # fmt: skip

CONSTANTS = [
    case("Constant", value=numpy_helper.from_array(floats(2, 3))),
    case("Constant", value_float=1.5),
    case("Constant", value_floats=[1.5, -2.0]),
    case("Constant", value_int=-3),
    case("Constant", value_ints=[1, -2, 3]),
]

NORMALIZATION = [
    case("Softmax", floats(2, 3, 4), dims=BATCH),
    case("Softmax", floats(2, 3, 4), axis=1),
    case("Softmax", floats(2, 3, 4), opset=11),
    case("Softmax", floats(2, 3, 4), opset=11, axis=2, dims=BATCH),
    case("Softmax", 100 * floats(2, 9)),
    case("LogSoftmax", floats(2, 9)),
    case("LogSoftmax", floats(2, 3, 4), opset=11),
    case("LayerNormalization", floats(2, 3, 4), floats(4), floats(4), dims=BATCH),
    case("LayerNormalization", floats(2, 3, 4), floats(3, 4), axis=1, epsilon=0.1),
    case("LayerNormalization", floats(2, 3, 4), floats(4), floats(4), outputs=3),
    case("BatchNormalization", floats(2, 3, 4), floats(3), floats(3), floats(3), positive(3),
         constant=(1, 2, 3, 4), dims=BATCH),
    case("BatchNormalization", floats(2, 3), floats(3), floats(3), floats(3), positive(3), opset=9),
    case("ReduceMean", floats(2, 3, 4), axes=[1], dims=BATCH),
    case("ReduceMean", floats(2, 3, 4), axes=[0, -1], dims=BATCH, keepdims=0),
    case("ReduceMean", floats(2, 3, 4), ints([1]), constant=(1,), opset=18),
    case("ReduceSum", floats(2, 3, 4), ints([-1]), constant=(1,), keepdims=0),
    case("ReduceSum", floats(2, 3, 4)),
    case("ReduceSum", floats(2, 3, 4), noop_with_empty_axes=1),
    case("ReduceSum", floats(2, 3, 4), opset=11, axes=[2]),
    case("ReduceMax", floats(2, 3, 4), axes=[2]),
    case("ReduceMin", floats(2, 3, 4), axes=[2], keepdims=0),
    case("ReduceMax", np.array([[3, -2]], np.int32), axes=[1]),
    case("ReduceProd", floats(2, 3), axes=[1]),
    case("GlobalAveragePool", floats(2, 3, 4, 5)),
    case("GlobalMaxPool", floats(2, 3, 4, 5)),
]  # fmt: skip

CONVOLUTION = [
    case("Conv", floats(2, 3, 8), floats(4, 3, 3), floats(4), dims={0: ("batch", 3, 8)}),
    case("Conv", floats(1, 2, 7, 6), floats(3, 2, 3, 2), pads=[1, 0, 2, 1], strides=[2, 1]),
    case("Conv", floats(1, 2, 7, 6), floats(3, 2, 2, 2), floats(3), dilations=[2, 3]),
    case("Conv", floats(1, 2, 7, 6), floats(3, 2, 2, 3), auto_pad="SAME_UPPER", strides=[2, 2]),
    case("Conv", floats(1, 2, 7, 6), floats(3, 2, 2, 2), auto_pad="SAME_LOWER"),
    case("Conv", floats(2, 4, 5, 6), floats(6, 2, 3, 2), floats(6), group=2, pads=[1, 0, 0, 1]),
    case("Conv", floats(1, 3, 5, 6), floats(3, 1, 3, 3), floats(3), group=3, strides=[2, 1]),
    case("Conv", floats(2, 2, 4, 5, 3), floats(3, 2, 2, 3, 1), floats(3), pads=[1, 0, 0, 0, 1, 0]),
]

QUANTIZATION = [
    case("QuantizeLinear", floats(3, 4), np.float32(0.02), np.uint8(100), constant=(1, 2)),
    case("QuantizeLinear", floats(3, 4), positive(4) / 99, np.zeros(4, np.int8), constant=(1, 2)),
    case("QuantizeLinear", floats(3, 4), positive(3) / 9, dims={0: (3, 4)}, constant=(1,), axis=0),
    case("QuantizeLinear", floats(3, 4), np.float32(0.02), opset=10, constant=(1,)),
    case("DequantizeLinear", np.array([[1, 200], [7, 0]], np.uint8), np.float32(0.3), np.uint8(9),
         constant=(0, 1, 2)),
    case("DequantizeLinear", np.array([[1, 200], [7, 0]], np.uint8), positive(2), constant=(0, 1),
         axis=0),
    case("DequantizeLinear", np.array([[1, -7]], np.int8), positive(2), np.array([3, -4], np.int8),
         constant=(1, 2)),
    case("DequantizeLinear", np.array([5, -70000], np.int32), positive(2), constant=(0, 1), axis=0),
]  # fmt: skip

CASES = LINEAR + BINARY + UNARY + SHAPES + CONSTANTS + NORMALIZATION + CONVOLUTION + QUANTIZATION


def check(sample: Case, tmp_path: Path, target: str | None = None) -> None:
    """Compare what the interpreter makes of `sample` with onnxruntime.

    With a `target`, code that is compiled for it must give the same bytes.
    """
    path = tmp_path / "case.onnx"
    model = sample.model()
    onnx.save(model, path)
    session = open_onnxruntime(model.SerializeToString(), optimized=True)
    names = [output.name for output in session.get_outputs()]
    expected = session.run(names, sample.feeds())
    imported = quantc.load(path)

    def by_name(results: Any) -> dict[str, Any]:
        return results if isinstance(results, dict) else {names[0]: results}

    actual = by_name(quantc.interpret(imported, sample.feeds()))
    compiled = actual
    if target:
        compiled = by_name(quantc.compile(imported, target)(sample.feeds()))
    for name, want in zip(names, expected, strict=True):
        got = actual[name]
        assert got.dtype == want.dtype
        assert got.shape == want.shape
        if want.dtype.kind == "f":
            np.testing.assert_allclose(got, want, rtol=2e-6, atol=2e-6)
        else:
            np.testing.assert_array_equal(got, want)
        assert compiled[name].tobytes() == got.tobytes()


@pytest.mark.parametrize("sample", CASES, ids=str)
def test_operator_agrees_with_onnxruntime(sample: Case, tmp_path: Path) -> None:
    check(sample, tmp_path)
