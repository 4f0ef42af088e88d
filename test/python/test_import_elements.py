"""Operators on elements, their order and their places, against onnxruntime.

As in ``test_import_ops.py``; compiled code must give the bytes of the interpreter too.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

import quantc
from test_import_ops import BATCH, Case, bools, case, check, floats, ints, positive

TARGET = "x86-64-v3"


def scalar(value: float, dtype: type = np.float32) -> np.ndarray:
    return np.array(value, dtype)


ACTIVATIONS = [
    case(op, 3 * floats(2, 9), opset=18)
    for op in ("Celu", "Elu", "Mish", "Selu", "Softplus", "Softsign", "ThresholdedRelu")
] + [
    case("Celu", floats(9), alpha=0.7),
    case("Elu", floats(9), alpha=0.7, dims={0: ("n",)}),
    case("Selu", floats(9), alpha=1.5, gamma=0.7),
    case("Shrink", floats(9), lambd=1.0, bias=0.25),
    case("ThresholdedRelu", floats(9), alpha=0.5),
]

FORMULAS = (
    [case(op, 9 * floats(2, 9), opset=9) for op in ("Atan", "Asinh", "Cos", "Sin", "Tan")]
    + [case(op, 2 * floats(9), opset=9) for op in ("Cosh", "Sinh")]
    + [case(op, floats(9) / 4, opset=9) for op in ("Acos", "Asin", "Atanh")]
    + [
        case("Acosh", 1 + positive(9), opset=9),
    ]
)

BINARY = [
    case("Div", np.array([7, -7, 9, -128, 0], np.int32), np.array([2, -2, -4, -1, 3], np.int32)),
    case("Mod", ints([7, -7, 9, -9, 0]), ints([3, 3, -4, -4, 5])),
    case("Mod", ints([7, -7, 9, -9, 0]), ints([3, 3, -4, -4, 5]), fmod=1),
    case("Mod", 9 * floats(4, 5), floats(5), fmod=1),
    case("Mean", floats(2, 3), floats(3), floats(1)),
    case("Pow", np.array([-3, 2, 5, 0], np.int32), np.array([3, 10, 0, 2], np.int32)),
    case("Pow", np.array([1, 2, 9], np.int32), np.array([4, 5, 6], np.float32)),
    case("Sign", np.array([1.5, -2, 0], np.float32)),
    case("Sign", ints([5, -3, 0])),
    case("BitShift", np.array([200, 7], np.uint8), np.array([3, 1], np.uint8), direction="LEFT"),
    case("BitShift", np.array([200, 7], np.uint8), np.array([3, 1], np.uint8), direction="RIGHT"),
    case("BitwiseAnd", ints([12, -7]), ints([10]), opset=18),
    case("BitwiseOr", ints([12, -7]), ints([10]), opset=18),
    case("BitwiseXor", ints([12, -7]), ints([10]), opset=18),
    case("BitwiseNot", ints([12, -7]), opset=18),
    case("IsNaN", np.array([np.nan, 1, np.inf], np.float32)),
    case("IsInf", np.array([np.nan, -np.inf, np.inf], np.float32)),
    case("IsInf", np.array([np.nan, -np.inf, np.inf], np.float32), detect_negative=0),
]

REDUCTIONS = [
    case(op, floats(2, 3, 4), axes=[1], dims=BATCH)
    for op in ("ReduceL1", "ReduceL2", "ReduceLogSumExp", "ReduceSumSquare")
] + [
    case("ReduceLogSum", positive(2, 3), axes=[-1], keepdims=0),
    case("ReduceL1", ints([[3, -4], [1, 2]]), axes=[0]),
    case("ReduceMax", bools(3, 4), ints([1]), constant=(1,), opset=20),
    case("ReduceMin", np.array([[200, 7]], np.uint8), axes=[1], opset=13),
    case("ReduceSum", np.zeros((2, 0, 3), np.float32), ints([1]), constant=(1,)),
]

EXTREMES = [
    case(op, np.array([[3, 1, 3], [-2, -2, -5]], np.float32), **attributes)
    for op in ("ArgMax", "ArgMin")
    for attributes in ({}, {"axis": -1, "keepdims": 0}, {"axis": 1, "select_last_index": 1})
] + [
    case("ArgMax", floats(2, 3, 4), axis=1, dims=BATCH),
    case("Hardmax", np.array([[3, 1, 3], [-2, -2, -5]], np.float32)),
    case("Hardmax", floats(2, 3, 4), axis=1, dims=BATCH),
    case("TopK", floats(3, 7), ints([3]), constant=(1,), outputs=2),
    case("TopK", floats(2, 5, 4), ints([2]), constant=(1,), outputs=2, axis=1, largest=0),
    case("TopK", ints([[3, 1, 3, 2, 3]]), ints([4]), constant=(1,), outputs=2, dims={0: ("n", 5)}),
]

PLACES = [
    case("Tile", floats(2, 3), ints([2, 3]), constant=(1,)),
    case("Tile", floats(2, 3, 4), ints([1, 2, 1]), constant=(1,), dims=BATCH),
    case("DepthToSpace", floats(1, 8, 2, 3), blocksize=2),
    case("DepthToSpace", floats(2, 8, 2, 3), blocksize=2, mode="CRD", dims={0: ("n", 8, 2, 3)}),
    case("SpaceToDepth", floats(1, 2, 4, 6), blocksize=2),
    case("Pad", floats(2, 3), ints([1, 0, 2, 1]), scalar(1.5), constant=(1, 2)),
    case("Pad", floats(3, 4), ints([-1, 1, 0, -2]), constant=(1,)),
    case("Pad", floats(2, 3, 4), ints([0, 1, 0, 0, 0, 2]), constant=(1,), dims=BATCH),
    case("Pad", floats(3, 4), ints([2, 1, 1, 3]), constant=(1,), mode="edge"),
    case("Pad", floats(3, 4), ints([2, 1, 1, 3]), constant=(1,), mode="reflect"),
    case("Pad", floats(3, 4), ints([2, 3]), None, ints([-1]), constant=(1, 3), opset=19, mode="wrap"),
    case("Pad", floats(3, 4), opset=10, pads=[1, 0, 0, 1], value=2.0),
    case("ReverseSequence", floats(4, 3, 2), ints([1, 4, 2])),
    case("ReverseSequence", floats(3, 4), ints([1, 4, 2]), batch_axis=0, time_axis=1),
    case("GatherElements", floats(3, 4), ints([[0, -1, 2, 1]]), axis=0),
    case("GatherElements", floats(3, 4), ints([[0, -1], [1, 3], [2, 2]]), axis=1),
    case("GatherND", floats(3, 4, 2), ints([[0, 1], [-1, 3]])),
    case("GatherND", floats(2, 3, 4), ints([[1], [2]]), batch_dims=1),
    case("ScatterElements", floats(3, 4), ints([[1, 0, 2, -1], [0, 1, 1, 0]]), floats(2, 4)),
    case("ScatterElements", floats(3, 4), ints([[1, 3], [0, -1]]), floats(2, 2), axis=1),
    case("ScatterElements", floats(3, 4), ints([[1, 1, 3], [0, 0, 0], [2, 1, 2]]), floats(3, 3),
         axis=1, opset=18, reduction="add"),
    case("ScatterND", floats(4, 3), ints([[1], [-1], [1]]), floats(3, 3)),
    case("ScatterND", floats(4, 3), ints([[1, 2], [0, 0], [1, 2]]), floats(3), opset=18,
         reduction="max"),
]  # fmt: skip

RULES = [
    case("ConstantOfShape", ints([2, 3]), constant=(0,)),
    case("ConstantOfShape", ints([2]), constant=(0,),
         value=numpy_helper.from_array(np.array([7], np.int64))),
    case("CumSum", floats(3, 4), scalar(1, np.int32), constant=(1,)),
    case("CumSum", floats(3, 4), scalar(0, np.int64), constant=(1,), exclusive=1, reverse=1),
    case("EyeLike", floats(3, 4), k=1),
    case("EyeLike", floats(3, 4), dtype=onnx.TensorProto.INT64),
    case("OneHot", ints([0, 2, -1, 5]), ints([3]), floats(2), constant=(1,)),
    case("OneHot", ints([[0, 2]]), scalar(3, np.int64), ints([4, 9]), constant=(1,), axis=0),
    case("Range", scalar(1), scalar(3.2), scalar(0.5), constant=(0, 1, 2)),
    case("Range", scalar(9, np.int64), scalar(2, np.int64), scalar(-3, np.int64),
         constant=(0, 1, 2)),
    case("Size", floats(3, 4)),
    case("Trilu", floats(2, 3, 4), dims=BATCH),
    case("Trilu", floats(4, 3), scalar(-1, np.int64), constant=(1,), upper=0),
    case("Dropout", floats(9), outputs=2),
]  # fmt: skip

CASES = ACTIVATIONS + FORMULAS + BINARY + REDUCTIONS + EXTREMES + PLACES + RULES


@pytest.mark.parametrize("sample", CASES, ids=str)
def test_operator_agrees_with_onnxruntime(sample: Case, tmp_path: Path) -> None:
    check(sample, tmp_path, TARGET)


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        (case("ArgMax", floats(2, 3), axis=2), "axis 2 is outside of a tensor of rank 2"),
        (case("ArgMax", bools(3)), "order of BOOL; expects numbers"),
        (case("TopK", floats(3), ints([4]), constant=(1,), outputs=2), "expects at most as many"),
        (case("TopK", floats(3), ints([2]), outputs=2), "k is input 'x1' of the model"),
        (case("BitShift", ints([1]), ints([1]), direction="UP"), "expects 'LEFT' or 'RIGHT'"),
        (case("BitwiseAnd", floats(2), floats(2), opset=18), "bits of FLOAT; expects equal integers"),
        (case("Exp", floats(2).astype(np.float64)), "no formula of this function for DOUBLE"),
        (case("Pow", bools(2), bools(2)), "Pow of BOOL and BOOL; expects integers or floats"),
        (case("ReduceL2", ints([1, 2]), axes=[0]), "reduction of INT64; expects numbers"),
        (case("Tile", floats(2), ints([2, 2]), constant=(1,)), "Tile has 2 repeats; expects one"),
        (case("Tile", floats(2), ints([2])), "repeats is input 'x1' of the model"),
        (case("DepthToSpace", floats(1, 6, 2, 2), blocksize=2), "not a multiple of 4"),
        (case("SpaceToDepth", floats(1, 2, 2), blocksize=2), "expects blocks of at least 1 and rank 4"),
        (case("Pad", floats(2), ints([1, 1, 1]), constant=(1,)), "Pad has 3 pads; expects two"),
        (case("Pad", floats(2), ints([1, 1]), constant=(1,), mode="far"), "Pad with mode 'far'"),
        (case("Pad", floats(2), ints([-2, -1]), constant=(1,)), "cannot take 3 elements"),
        (case("GatherElements", floats(2, 3), ints([0])), "indices have rank 1; expects that"),
        (case("GatherND", floats(2, 3), ints([[0, 1, 2]])), "expects the last size to be constant"),
        (case("ScatterElements", floats(2, 3), ints([[0]]), floats(1, 2)), "expects equal ones"),
        (case("ScatterND", floats(2), ints([[0]]), floats(2)), "updates have shape"),
        (case("ScatterND", floats(2), ints([[0]]), floats(1), opset=18, reduction="or"), "'or'"),
        (case("ConstantOfShape", ints([2])), "shape is input 'x0' of the model"),
        (case("CumSum", floats(3), ints([0])), "axis is input 'x1' of the model"),
        (case("EyeLike", floats(3)), "EyeLike of rank 1; expects a matrix"),
        (case("OneHot", ints([0]), scalar(3), floats(2), constant=(1,)), "depth is FLOAT"),
        (case("Range", scalar(0), scalar(1), scalar(1)), "start is input 'x0' of the model"),
        (case("Range", scalar(0), scalar(1), scalar(0), constant=(0, 1, 2)), "has an absurd size"),
        (case("Range", *map(np.asarray, ints([0, 1, 0])), constant=(0, 1, 2)), "Range with delta 0"),
        (case("Trilu", floats(3)), "Trilu of rank 1; expects matrices"),
    ],
    ids=lambda value: str(value) if isinstance(value, Case) else "",
)  # fmt: skip
def test_refusal(sample: Case, message: str, tmp_path: Path) -> None:
    """What is wrong with the node, in one line."""
    names = ["" if x is None else f"x{i}" for i, x in enumerate(sample.inputs)]
    outputs = [f"y{i}" for i in range(sample.outputs)]
    node = helper.make_node(sample.op, names, outputs, name="node", **sample.attributes)
    values = [
        helper.make_tensor_value_info(names[i], helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
        for i, x in enumerate(sample.inputs)
        if i not in sample.constant
    ]
    constants = [numpy_helper.from_array(sample.inputs[i], names[i]) for i in sample.constant]
    results = [onnx.ValueInfoProto(name=name) for name in outputs]
    graph = helper.make_graph([node], "refusal", values, results, constants)
    opsets = [helper.make_opsetid("", sample.opset)]
    onnx.save(helper.make_model(graph, opset_imports=opsets), tmp_path / "refusal.onnx")
    with pytest.raises(quantc.Error) as raised:
        quantc.load(tmp_path / "refusal.onnx")
    assert message in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


def branch(name: str, op: str) -> onnx.GraphProto:
    """A body without inputs, whose tensors have the same names in each."""
    inner = helper.make_node(op, ["x", "x"], ["inner"])
    outer = helper.make_node("Neg", ["inner"], ["result"])
    return helper.make_graph([inner, outer], name, [], [onnx.ValueInfoProto(name="result")])


def save_if(path: Path, condition: list[onnx.NodeProto], inputs: dict[str, tuple]) -> Path:
    """Two nodes with the same bodies, one after the other."""
    branches = {"then_branch": branch("then", "Add"), "else_branch": branch("else", "Mul")}
    nodes = [
        *condition,
        helper.make_node("If", ["condition"], ["y"], name="first", **branches),
        helper.make_node("If", ["condition"], ["z"], name="second", **branches),
    ]
    values = [
        helper.make_tensor_value_info(name, elem_type, shape)
        for name, (elem_type, shape) in inputs.items()
    ]
    outputs = [onnx.ValueInfoProto(name=name) for name in ("y", "z")]
    graph = helper.make_graph(nodes, "if", values, outputs)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
    return path


def test_if(tmp_path: Path) -> None:
    """A condition on a shape is constant; one that is an input is bound."""
    x = floats(3, 4)
    float_type = onnx.TensorProto.FLOAT
    one = numpy_helper.from_array(np.array(1, np.int64))
    three = numpy_helper.from_array(np.array(3, np.int64))
    condition = [
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Constant", [], ["one"], value=one),
        helper.make_node("Constant", [], ["three"], value=three),
        helper.make_node("Gather", ["shape", "one"], ["size"]),
        helper.make_node("Greater", ["size", "three"], ["condition"]),
    ]
    path = save_if(tmp_path / "shape.onnx", condition, {"x": (float_type, [None, 4])})
    results = quantc.interpret(quantc.load(path), x)
    np.testing.assert_array_equal(results["y"], -(x + x))
    np.testing.assert_array_equal(results["z"], -(x + x))

    inputs = {"x": (float_type, [3, 4]), "condition": (onnx.TensorProto.BOOL, [])}
    path = save_if(tmp_path / "input.onnx", [], inputs)
    model = quantc.load(path, constants={"condition": np.array(False)})
    np.testing.assert_array_equal(quantc.interpret(model, x)["y"], -(x * x))
    with pytest.raises(quantc.Error, match="first: condition is input 'condition' of the model"):
        quantc.load(path)
