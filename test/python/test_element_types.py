"""Element types of inputs and outputs: unsigned, of 2 and 4 bits, and floats of 16 bits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

import quantc
from quantc.cli import main

ml_dtypes = pytest.importorskip("ml_dtypes")

TARGET = "native"


def save(
    path: Path, nodes: list[onnx.NodeProto], inputs: dict[str, Any], outputs: dict[str, int]
) -> Path:
    """Write a model with inputs like these arrays, and outputs of these types and any shape."""
    values = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
        for name, x in inputs.items()
    ]
    results = [
        helper.make_tensor_value_info(name, elem_type, None) for name, elem_type in outputs.items()
    ]
    graph = helper.make_graph(nodes, "types", values, results)
    opsets = [helper.make_opsetid("", 24)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=11), path)
    return path


def run(path: Path, inputs: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Interpret a model; compiled code must give the same types and bytes."""
    model = quantc.load(path, **options)
    names = [port.name for port in model.outputs]
    results = quantc.interpret(model, inputs)
    results = results if isinstance(results, dict) else {names[0]: results}
    compiled = quantc.compile(model, target=TARGET)(inputs)
    compiled = compiled if isinstance(compiled, dict) else {names[0]: compiled}
    for port in model.outputs:
        assert results[port.name].dtype.name == port.dtype
        assert compiled[port.name].dtype == results[port.name].dtype
        assert compiled[port.name].tobytes() == results[port.name].tobytes()
    return results


UNSIGNED = (np.uint8, np.uint16, np.uint32, np.uint64)


def test_unsigned(tmp_path: Path) -> None:
    """Division, remainder, order, conversion and shifts take the highest bit as a value."""
    operators = {"Div": None, "Mod": None, "Max": None, "Greater": None}
    nodes, inputs, outputs, expected = [], {}, {}, {}
    for dtype in UNSIGNED:
        kind, elem_type = np.dtype(dtype).name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        top = np.iinfo(dtype).max
        x = inputs[f"x_{kind}"] = np.array([top, top - 1, 100, 7, 0], dtype)
        y = inputs[f"y_{kind}"] = np.array([3, top, 7, 9, top], dtype)
        for op in operators:
            nodes.append(helper.make_node(op, [f"x_{kind}", f"y_{kind}"], [f"{op}_{kind}"]))
            outputs[f"{op}_{kind}"] = onnx.TensorProto.BOOL if op == "Greater" else elem_type
        expected |= {
            f"Div_{kind}": x // y,
            f"Mod_{kind}": x % y,
            f"Max_{kind}": np.maximum(x, y),
            f"Greater_{kind}": x > y,
        }
        nodes.append(
            helper.make_node(
                "BitShift", [f"x_{kind}", f"four_{kind}"], [f"Shift_{kind}"], direction="RIGHT"
            )
        )
        inputs[f"four_{kind}"] = np.array([4], dtype)
        outputs[f"Shift_{kind}"] = elem_type
        expected[f"Shift_{kind}"] = x >> np.array([4], dtype)
        nodes.append(helper.make_node("Cast", [f"x_{kind}"], [f"f_{kind}"], to=1))
        outputs[f"f_{kind}"] = onnx.TensorProto.FLOAT
        expected[f"f_{kind}"] = x.astype(np.float32)
    results = run(save(tmp_path / "unsigned.onnx", nodes, inputs, outputs), inputs)
    for name, y in expected.items():
        np.testing.assert_array_equal(results[name], y, err_msg=name)
        assert results[name].dtype == y.dtype


def test_saved_program(tmp_path: Path) -> None:
    """A program in a file knows its types, and so does its header."""
    x = np.array([200, 3], np.uint8)
    node = helper.make_node("Add", ["x", "x"], ["y"])
    path = save(tmp_path / "add.onnx", [node], {"x": x}, {"y": onnx.TensorProto.UINT8})
    model = quantc.load(path)
    assert [port.dtype for port in (*model.inputs, *model.outputs)] == ["uint8", "uint8"]
    quantc.emit(model, tmp_path / "add.so", target=TARGET, header=tmp_path / "add.h")
    program = quantc.load_program(tmp_path / "add.so")
    np.testing.assert_array_equal(program(x), np.array([144, 6], np.uint8))
    assert program(x).dtype == np.uint8
    assert 'inputs[0]: "x", uint8_t [2]' in (tmp_path / "add.h").read_text()
    with pytest.raises(quantc.Error, match=r"expected \[2\] uint8, got \[2\] int8"):
        program(x.view(np.int8))


SMALL = {
    "int2": (onnx.TensorProto.INT2, [-2, -1, 0, 1]),
    "uint2": (onnx.TensorProto.UINT2, [0, 1, 2, 3]),
    "int4": (onnx.TensorProto.INT4, [-8, -1, 0, 7]),
    "uint4": (onnx.TensorProto.UINT4, [0, 1, 14, 15]),
}


def test_small_integers(tmp_path: Path) -> None:
    """Integers of 2 and 4 bits come and go as arrays of ml_dtypes, and come in bytes too."""
    nodes, inputs, outputs = [], {}, {}
    for name, (elem_type, values) in SMALL.items():
        inputs[name] = np.array(values, getattr(ml_dtypes, name))
        nodes += [
            helper.make_node("Cast", [name], [f"{name}_float"], to=1),
            helper.make_node("Cast", [f"{name}_float"], [f"{name}_back"], to=elem_type),
            helper.make_node("Identity", [name], [f"{name}_same"]),
        ]
        outputs |= {
            f"{name}_float": onnx.TensorProto.FLOAT,
            f"{name}_back": elem_type,
            f"{name}_same": elem_type,
        }
    path = save(tmp_path / "small.onnx", nodes, inputs, outputs)
    results = run(path, inputs)
    for name, (_, values) in SMALL.items():
        np.testing.assert_array_equal(results[f"{name}_float"], np.array(values, np.float32))
        np.testing.assert_array_equal(results[f"{name}_back"], inputs[name])
        np.testing.assert_array_equal(results[f"{name}_same"], inputs[name])
    as_bytes = {name: x.astype(name.rstrip("24") + "8") for name, x in inputs.items()}
    again = quantc.interpret(quantc.load(path), as_bytes)
    for name, y in results.items():
        np.testing.assert_array_equal(again[name], y)


def test_half_floats(tmp_path: Path) -> None:
    """Functions of floats of 16 bits are those of their values in FLOAT, rounded once."""
    values = np.array([0.1, -2.5, 3.25, 60000, -1e-7, 0, np.inf], np.float32)
    nodes, inputs, outputs = [], {}, {}
    for name, elem_type in {"float16": 10, "bfloat16": 16}.items():
        inputs[name] = values.astype(np.float16 if name == "float16" else ml_dtypes.bfloat16)
        nodes += [
            helper.make_node("Mul", [name, name], [f"{name}_square"]),
            helper.make_node("Exp", [name], [f"{name}_exp"]),
            helper.make_node("Cast", [name], [f"{name}_int"], to=onnx.TensorProto.INT32),
            helper.make_node("Neg", [name], [f"{name}_neg"]),
        ]
        outputs |= {f"{name}_{suffix}": elem_type for suffix in ("square", "exp", "neg")}
        outputs[f"{name}_int"] = onnx.TensorProto.INT32
    results = run(save(tmp_path / "half.onnx", nodes, inputs, outputs), inputs)
    for name, x in inputs.items():
        exact = x.astype(np.float32)
        with np.errstate(over="ignore"):
            np.testing.assert_array_equal(
                results[f"{name}_square"], (exact * exact).astype(x.dtype)
            )
            power = np.exp(exact).astype(x.dtype)
        np.testing.assert_array_equal(results[f"{name}_exp"], power)
        np.testing.assert_array_equal(results[f"{name}_neg"], -x)
        np.testing.assert_array_equal(results[f"{name}_int"][:5], exact[:5].astype(np.int32))


def test_double_to_half(tmp_path: Path) -> None:
    """One rounding, not two: halfway between floats of 16 bits, and a bit more."""
    x = np.array([1 + 2**-11, 1 + 2**-11 + 2**-40, 1 + 3 * 2**-11 - 2**-40, 65519.999999, 1e-8])
    node = helper.make_node("Cast", ["x"], ["y"], to=onnx.TensorProto.FLOAT16)
    path = save(tmp_path / "double.onnx", [node], {"x": x}, {"y": onnx.TensorProto.FLOAT16})
    np.testing.assert_array_equal(run(path, {"x": x})["y"], x.astype(np.float16))


def test_constants(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An input that a shape depends on is bound while importing."""
    monkeypatch.chdir(tmp_path)
    x, shape = np.arange(6, dtype=np.float32), np.array([2, -1], np.int64)
    node = helper.make_node("Reshape", ["x", "shape"], ["y"], name="reshape")
    inputs = {"x": x, "shape": shape}
    path = save(tmp_path / "reshape.onnx", [node], inputs, {"y": onnx.TensorProto.FLOAT})
    with pytest.raises(quantc.Error, match=r"reshape: shape is input 'shape' .* bind it"):
        quantc.load(path)
    model = quantc.load(path, constants={"shape": shape})
    assert [port.name for port in model.inputs] == ["x"]
    np.testing.assert_array_equal(quantc.interpret(model, x), x.reshape(2, 3))
    file = tmp_path / "shape.npy"
    np.save(file, shape)
    assert main(["import", str(path), "--constant", f"shape={file}", "-o", "m.mlir"]) == 0
    assert [port.name for port in quantc.load("m.mlir").inputs] == ["x"]
    for constants, message in (
        (
            {"none": shape},
            "none: there is no input to bind a value to; the inputs are 'x', 'shape'",
        ),
        ({"shape": shape.astype(np.int32)}, "has elements of type i32; expects INT64"),
        ({"shape": np.array([1, 2, 3])}, "shape that is not that of the input"),
        ({"shape": "2x3"}, 'constants: "shape": expected an array'),
    ):
        with pytest.raises(quantc.Error, match=message):
            quantc.load(path, constants=constants)
