"""Reading, printing and writing programs."""

from __future__ import annotations

from pathlib import Path

import pytest

import quantc
from quantc import _quantc

PROGRAM = """
func.func @main(
    %x: tensor<?x4xf32> {quant.name = "image", quant.shape = affine_map<(d0) -> (d0, 4)>})
    -> (tensor<?x4xf32> {quant.name = "same", quant.shape = affine_map<(d0) -> (d0, 4)>})
    attributes {quant.dims = ["batch"]} {
  %y = arith.negf %x : tensor<?x4xf32> loc("negate"("model.onnx":0:0))
  return %y : tensor<?x4xf32>
}
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "model.mlir"
    path.write_text(PROGRAM)
    return path


def test_inputs_and_outputs(program: Path) -> None:
    model = quantc.load(program)
    (image,) = model.inputs
    assert (image.name, image.dtype, image.shape) == ("image", "float32", ("batch", 4))
    assert [output.name for output in model.outputs] == ["same"]
    assert repr(image) == "Port('image', float32(batch, 4))"


def test_onnx_model_keeps_its_names(model: quantc.Model) -> None:
    assert [(port.name, port.shape) for port in model.inputs] == [("x", ("batch", 37))]
    assert [(port.name, port.shape) for port in model.outputs] == [("y", ("batch", 11))]
    for name in ("fc1", "relu1", "fc2"):
        assert f'loc("{name}"' in model.mlir()


def test_constants_can_be_left_out(model: quantc.Model) -> None:
    assert len(model.mlir(elide_larger_than=16)) < 0.7 * len(model.mlir())


@pytest.mark.parametrize("suffix", [".mlir", ".mlirbc"])
def test_saved_program_loads_with_its_names(program: Path, tmp_path: Path, suffix: str) -> None:
    model = quantc.load(program)
    model.save(tmp_path / f"saved{suffix}")
    assert quantc.load(tmp_path / f"saved{suffix}").mlir() == model.mlir()
    assert 'loc("negate"' in model.mlir()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.mlir", None, "missing.mlir: no such file"),
        ("model.txt", "text", "model.txt: not a model; quantc reads"),
        ("broken.onnx", "not protobuf", "broken.onnx: "),
        ("broken.mlir", "func.func @main(", "broken.mlir:1:16: "),
        ("empty.mlir", "", "empty.mlir: expects one public function with a body"),
        ("scalar.mlir", "func.func @f(%x: f32) { return }", "expects inputs and outputs that are"),
    ],
)
def test_load_errors(tmp_path: Path, name: str, content: str | None, message: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_text(content)
    with pytest.raises(quantc.Error) as caught:
        quantc.load(path)
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert caught.value.messages == (str(caught.value),)


def test_save_into_missing_folder(program: Path, tmp_path: Path) -> None:
    with pytest.raises(quantc.Error, match="cannot be written: No such file or directory"):
        quantc.load(program).save(tmp_path / "missing" / "model.mlir")


def test_passes_run_on_a_copy(program: Path) -> None:
    model = quantc.load(program)
    empty = _quantc.run_pipeline(model, "builtin.module(func.func(cse),symbol-dce)")
    assert "arith.negf" in empty.mlir()
    assert empty is not model
    with pytest.raises(quantc.Error, match="does not refer to a registered pass"):
        _quantc.run_pipeline(model, "builtin.module(quant-invent)")
    with pytest.raises(
        quantc.Error, match="can't run 'func.func' pass manager on 'builtin.module'"
    ):
        _quantc.run_pipeline(model, "func.func(cse)")
