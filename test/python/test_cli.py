"""The command line: what every command does, and how each says what is wrong."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import quantc
from networks import random_inputs, random_mlp, save
from quantc.cli import main

Run = Callable[..., tuple[int, str, str]]

HAS_FP16 = "avx512_fp16" in Path("/proc/cpuinfo").read_text()


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command; gives its exit status, stdout and stderr."""

    def run(*arguments: object) -> tuple[int, str, str]:
        with monkeypatch.context() as patch:
            patch.setattr("warnings.showwarning", lambda *_: None)
            try:
                status = main([str(argument) for argument in arguments])
            except SystemExit as exit:
                status = int(exit.code or 0)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Calibration data, also with labels."""
    path = tmp_path / "calib.npz"
    np.savez(path, x=random_inputs((40, 37)), labels=np.arange(40) % 11)
    return path


@pytest.fixture
def quantized(run: Run, onnx_path: Path, data: Path, tmp_path: Path) -> Path:
    """The MLP in static INT8."""
    path = tmp_path / "model_int8.mlir"
    calibration = tmp_path / "only_x.npz"
    np.savez(calibration, x=np.load(data)["x"])
    status, out, err = run("quantize", onnx_path, "--data", calibration, "-o", path)
    assert (status, out, err) == (0, "", "")
    return path


def expect_error(result: tuple[int, str, str], *parts: str) -> None:
    """One line, status 1, nothing on stdout."""
    status, out, err = result
    assert status == 1 and out == ""
    assert err.startswith("error: ") and err.count("\n") == 1, err
    for part in parts:
        assert part in err


def test_module_and_version() -> None:
    command = [sys.executable, "-m", "quantc", "--version"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout == f"quantc {quantc.__version__}\n"


@pytest.mark.parametrize(
    "command",
    ["import", "quantize", "train", "compile", "run", "eval", "inspect", "report", "bench"],
)
def test_help_has_examples(run: Run, command: str) -> None:
    status, out, _ = run(command, "--help")
    assert status == 0 and f"examples:\n  quantc {command} " in out


def test_import(run: Run, onnx_path: Path, tmp_path: Path) -> None:
    status, out, _ = run("import", onnx_path)
    assert status == 0 and "linalg.matmul" in out
    assert run("import", onnx_path, "-o", tmp_path / "model.mlir") == (0, "", "")
    assert (tmp_path / "model.mlir").read_text() == out


def test_quantize_as_python_does(quantized: Path, onnx_path: Path, data: Path) -> None:
    expected = quantc.quantize(quantc.load(onnx_path), calibration_data=np.load(data)["x"])
    assert quantized.read_text() == expected.mlir()


def test_quantize_options(run: Run, tmp_path: Path) -> None:
    model, output = random_mlp(tmp_path / "mlp.onnx", (64, 32, 32, 8)), tmp_path / "out.mlirbc"
    options = ["--weight-bits", 4, "--group-size", 16, "--mode", "weight-only", "--skip", "fc2"]
    assert run("quantize", model, *options, "--skip-last", "-o", output) == (0, "", "")
    layers = quantc.load(output).layers
    assert [layer.weight_bits for layer in layers.values()] == [4, 32, 32]
    assert layers["fc1"].group_multiplier.shape == (32, 4)


def test_calibration_files(run: Run, onnx_path: Path, tmp_path: Path) -> None:
    x, paths = random_inputs((40, 37)), []
    for index, part in enumerate((x[:13], x[13:])):
        np.save(tmp_path / f"{index}.npy", part)
        paths += [tmp_path / f"{index}.json"]
        command = ["quantize", onnx_path, "--data", tmp_path / f"{index}.npy"]
        output = ["--save-calibration", paths[-1], "-o", tmp_path / "part.mlir"]
        assert run(*command, *output)[0] == 0
    files = [text for path in paths for text in ("--calibration-file", path)]
    assert run("quantize", onnx_path, *files, "-o", tmp_path / "merged.mlir") == (0, "", "")
    whole = quantc.quantize(quantc.load(onnx_path), calibration_data=x)
    assert (tmp_path / "merged.mlir").read_text() == whole.mlir()


@pytest.mark.parametrize(
    ("suffix", "start"),
    [("o", b"\x7fELF"), ("so", b"\x7fELF"), ("s", b"\t"), ("ll", b"; ModuleID")],
)
def test_compile(run: Run, quantized: Path, tmp_path: Path, suffix: str, start: bytes) -> None:
    output, header = tmp_path / f"net.{suffix}", tmp_path / "net.h"
    result = run("compile", quantized, "--target", "x86-64-v3", "-o", output, "--header", header)
    assert result == (0, "", "")
    assert output.read_bytes().startswith(start)
    assert "int net_run(const net_args *args);" in header.read_text()


def test_compile_name_and_kind(run: Run, quantized: Path, tmp_path: Path) -> None:
    output = tmp_path / "anything"
    result = run("compile", quantized, "--emit", "asm", "--name", "classify", "-o", output)
    assert result == (0, "", "") and "classify_run" in output.read_text()


def test_run(run: Run, quantized: Path, data: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.load(data)["x"])
    library = tmp_path / "model.so"
    run("compile", quantized, "-o", library)
    outputs = []
    for arguments in ([quantized], [quantized, "--interpret"], [library]):
        path = tmp_path / f"{len(outputs)}.npz"
        command = ["run", *arguments, "--data", tmp_path / "x.npy", "--batch-size", 7]
        assert run(*command, "-o", path) == (0, "", "")
        outputs.append(np.load(path)["y"])
    assert outputs[0].shape == (40, 11)
    assert all(output.tobytes() == outputs[0].tobytes() for output in outputs)
    status, out, _ = run("run", quantized, "--data", tmp_path / "x.npy")
    assert status == 0 and out.startswith("y: float32(40, 11)\n")


def test_eval(run: Run, quantized: Path, onnx_path: Path, data: Path) -> None:
    status, out, _ = run("eval", quantized, "--data", data, "--reference", onnx_path)
    assert status == 0
    lines = dict(line.split("  ", 1) for line in out.splitlines())
    assert lines["samples"].strip() == "40" and lines["accuracy"].strip().endswith("%")
    assert float(lines["y: signal to noise"].split()[0]) > 20


def test_inspect(run: Run, quantized: Path) -> None:
    status, out, _ = run("inspect", quantized)
    assert status == 0
    for text in ("(batch, 37)", "fc1", "37 x 53", "static", "per_channel"):
        assert text in out


def test_inspect_program(run: Run, quantized: Path, tmp_path: Path) -> None:
    library = tmp_path / "mlp.so"
    command = ["compile", quantized, "-o", library, "--threads", 2]
    assert run(*command, "--target", "x86-64-v3,x86-64-v2")[0] == 0
    status, out, _ = run("inspect", library)
    assert status == 0
    lines = [line.split() for line in out.splitlines()]
    assert ["x86-64-v3", "runs", "here"] in lines and ["x86-64-v2"] in lines
    assert "(batch, 37)" in out and "2 threads at most" in out


def test_threads(run: Run, quantized: Path, tmp_path: Path) -> None:
    library, results = tmp_path / "mlp.so", []
    data = tmp_path / "only_x.npz"
    assert run("compile", quantized, "-o", library, "--threads", 2)[0] == 0
    for model, threads in ((quantized, 1), (quantized, 3), (library, 1), (library, 2)):
        output = tmp_path / "out.npz"
        command = ["run", model, "--data", data, "-o", output, "--threads", threads]
        assert run(*command)[0] == 0
        results.append(output.read_bytes())
    assert len(set(results)) == 1
    status, _, err = run("run", library, "--data", data, "--threads", 3)
    assert status == 1 and "was compiled for at most 2 threads, not for 3" in err


def test_report(run: Run, quantized: Path, onnx_path: Path, tmp_path: Path) -> None:
    output = tmp_path / "report.html"
    assert run("report", onnx_path, quantized, "-o", output)[0] == 0
    text = output.read_text()
    assert text.startswith("<!DOCTYPE html>") and "<svg" in text and " dB</td>" in text
    assert "src=" not in text and 'href="http' not in text.replace("xlink:href", "")
    first = output.read_bytes()
    run("report", onnx_path, quantized, "-o", output)
    assert output.read_bytes() == first


def test_bench(run: Run, quantized: Path, onnx_path: Path) -> None:
    status, out, _ = run("bench", onnx_path, quantized, "--batch", 1)
    assert status == 0 and "batch 1" in out and "(1.00x)" in out


def test_skip_pattern_warns(run: Run, onnx_path: Path, tmp_path: Path) -> None:
    command = ["quantize", onnx_path, "--mode", "dynamic", "--skip", "head"]
    status, _, err = run(*command, "-o", tmp_path / "out.mlir")
    assert status == 0 and err.startswith("warning: ") and "'head'" in err
    assert err.count("\n") == 1


def test_quantized_twice_warns(run: Run, quantized: Path, tmp_path: Path) -> None:
    command = ["quantize", quantized, "--mode", "dynamic"]
    status, _, err = run(*command, "-o", tmp_path / "out.mlir")
    assert status == 0 and err.startswith("warning: ") and "nothing to quantize" in err
    assert err.count("\n") == 1


# What is wrong with the model.


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("missing.onnx", None, "missing.onnx: no such file"),
        ("empty.onnx", b"", "empty.onnx: "),
        ("text.onnx", b"this is no model", "text.onnx: "),
        ("model.txt", b"", "model.txt: not a model"),
    ],
)
def test_bad_model_files(
    run: Run, tmp_path: Path, name: str, content: bytes | None, reason: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    output = tmp_path / "out.mlir"
    expect_error(run("quantize", tmp_path / name, "--mode", "dynamic", "-o", output), reason)
    assert not output.exists()


IDENTITY = "func.func @{}(%x: tensor<1xf32>) -> tensor<1xf32> {{ {} %x : tensor<1xf32> }}\n"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (IDENTITY.format("f", "retrun"), "bad.mlir:1:52: custom op 'retrun' is unknown"),
        (IDENTITY.format("f", "return") + IDENTITY.format("g", "return"), "found 'f' and 'g'"),
        ("", "bad.mlir: expects one public function with a body"),
        ("func.func @f(%x: memref<1xf32>) { return }", "ranked tensors, got 'memref<1xf32>'"),
        ("func.func @f(%x: tensor<*xf32>) { return }", "ranked tensors, got 'tensor<*xf32>'"),
        ("func.func @f(%x: tensor<1xcomplex<f32>>) { return }", "NumPy has no such element type"),
    ],
)
def test_bad_programs(run: Run, tmp_path: Path, content: str, reason: str) -> None:
    (tmp_path / "bad.mlir").write_text(content)
    output = tmp_path / "out.o"
    expect_error(run("compile", tmp_path / "bad.mlir", "-o", output), "bad.mlir", reason)
    assert not output.exists()


def test_folders_instead_of_files(
    run: Run, onnx_path: Path, quantized: Path, tmp_path: Path
) -> None:
    for suffix in ("onnx", "mlir", "so", "npy", "json"):
        (tmp_path / f"folder.{suffix}").mkdir()
    output = ["-o", tmp_path / "out.mlir"]
    for command in (
        ["import", tmp_path / "folder.onnx", *output],
        ["import", tmp_path / "folder.mlir", *output],
        ["run", tmp_path / "folder.so", "--data", tmp_path / "folder.npy"],
        ["quantize", onnx_path, "--data", tmp_path / "folder.npy", *output],
        ["quantize", onnx_path, "--calibration-file", tmp_path / "folder.json", *output],
        ["compile", quantized, "-o", tmp_path / "folder.so"],
    ):
        status, out, err = run(*command)
        assert (status, out) == (1, "") and err.count("\n") == 1
        assert err.startswith("error: ") and "folder." in err and "is a directory" in err.lower()
    assert not (tmp_path / "out.mlir").exists()


@pytest.mark.parametrize("length", [1, 10, 500, 5000])
def test_truncated_model(run: Run, onnx_path: Path, length: int) -> None:
    onnx_path.write_bytes(onnx_path.read_bytes()[:length])
    expect_error(run("inspect", onnx_path), "mlp.onnx: ")


def test_unsupported_operators_are_listed_at_once(run: Run, tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Det", ["x"], ["d"], name="first"),
        helper.make_node("NonZero", ["d"], ["y"], name="second"),
    ]
    ports = [
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 2])],
        [helper.make_tensor_value_info("y", TensorProto.INT64, [0, None])],
    ]
    path = save(helper.make_graph(nodes, "odd", *ports), tmp_path / "odd.onnx")
    status, out, err = run("import", path)
    assert (status, out) == (1, "")
    assert all(line.startswith("error: ") for line in err.splitlines())
    for text in ("odd.onnx: first: ", "Det", "odd.onnx: second: ", "NonZero", "opset 17"):
        assert text in err


def test_names_that_are_not_utf8(run: Run, onnx_path: Path) -> None:
    onnx_path.write_bytes(onnx_path.read_bytes().replace(b"Gemm", b"Ge\xffm"))
    status, out, err = run("inspect", onnx_path)
    assert (status, out) == (1, "") and "mlp.onnx: " in err and "Ge\ufffdm" in err


def test_external_data_outside_the_folder(run: Run, onnx_path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    proto = onnx.load(onnx_path)
    onnx.save(proto, folder / "m.onnx", save_as_external_data=True, size_threshold=0, location="w")
    proto = onnx.load(folder / "m.onnx", load_external_data=False)
    (folder / "w").rename(tmp_path / "w")
    for tensor in proto.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = "../w"
    (folder / "m.onnx").write_bytes(proto.SerializeToString())
    expect_error(run("inspect", folder / "m.onnx"), "m.onnx: ", "../w")


def test_absurd_dimensions(run: Run, tmp_path: Path) -> None:
    shape = [1 << 40, 1 << 40]
    tensor = onnx.TensorProto(name="w", data_type=TensorProto.FLOAT, dims=shape, raw_data=b"1234")
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"], name="mm")],
        "absurd",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", shape[0]])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", shape[1]])],
    )
    graph.initializer.append(tensor)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    (tmp_path / "absurd.onnx").write_bytes(model.SerializeToString())
    expect_error(run("inspect", tmp_path / "absurd.onnx"), "absurd.onnx: ")


# What is wrong with the configuration.


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--weight-bits", 5], "weight_bits=5; it must be 4 or 8"),
        (["--weight-bits", "four"], "argument --weight-bits: invalid int value: 'four'"),
        (["--mode", "fast"], "mode='fast'; it must be 'static', 'dynamic' or 'weight_only'"),
        (["--mode", "dynamic", "--group-size", 16], "fc1: "),
        (["--mode", "dynamic", "--group-size", 4], "group_size=4; it must be"),
        ([], "mlp.onnx: static quantization needs the ranges of activations"),
        (["--nonsense"], "unrecognized arguments: --nonsense"),
    ],
)
def test_bad_configurations(
    run: Run, onnx_path: Path, tmp_path: Path, options: list[object], reason: str
) -> None:
    output = tmp_path / "out.mlir"
    expect_error(run("quantize", onnx_path, *options, "-o", output), reason)
    assert not output.exists()


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"image": np.zeros((4, 37), np.float32)}, 'there is no input "image"'),
        ({"x": np.zeros((4, 36), np.float32)}, 'input "x": expected [batch, 37] float32, got [4'),
        ({"x": np.zeros((4, 37))}, "got [4, 37] float64"),
        ({"x": np.zeros((0, 37), np.float32)}, "no samples"),
        ({"x": np.full((4, 37), np.nan, np.float32)}, 'input "x" has NaN or infinite elements'),
        ({}, 'input "x" is missing'),
    ],
)
def test_bad_calibration_data(
    run: Run, onnx_path: Path, tmp_path: Path, arrays: dict[str, np.ndarray], reason: str
) -> None:
    np.savez(tmp_path / "calib.npz", **arrays)
    output = tmp_path / "out.mlir"
    result = run("quantize", onnx_path, "--data", tmp_path / "calib.npz", "-o", output)
    expect_error(result, "calib.npz: ", reason)
    assert not output.exists()


@pytest.mark.parametrize("content", [None, b"no zip", b"PK\x03\x04 cut off"])
def test_unreadable_data(run: Run, onnx_path: Path, tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "calib.npz"
    if content is not None:
        path.write_bytes(content)
    result = run("quantize", onnx_path, "--data", path, "-o", tmp_path / "out.mlir")
    expect_error(result, "calib.npz: ")


@pytest.mark.parametrize("length", [0, 4, 64, 1000, -100, -1])
def test_truncated_programs(
    run: Run, quantized: Path, data: Path, tmp_path: Path, length: int
) -> None:
    library = tmp_path / "model.so"
    run("compile", quantized, "-o", library)
    library.write_bytes(library.read_bytes()[:length])
    expect_error(run("run", library, "--data", data), "model.so: not a program of quantc: ")


def test_damaged_programs(run: Run, quantized: Path, data: Path, tmp_path: Path) -> None:
    library = tmp_path / "model.so"
    run("compile", quantized, "-o", library)
    content = library.read_bytes()
    # Sixteen places all over the file: headers, weights, code, tables, seal.
    for position in range(8, len(content), len(content) // 16):
        library.write_bytes(
            content[:position] + bytes([content[position] ^ 0x55]) + content[position + 1 :]
        )
        with pytest.raises(quantc.Error, match=r"model\.so: .*"):
            quantc.load_program(library)


def test_files_that_are_no_programs(run: Run, quantized: Path, data: Path, tmp_path: Path) -> None:
    objects = tmp_path / "model.o"
    run("compile", quantized, "-o", objects)
    expect_error(run("run", objects, "--data", data), "model.o: not a model; quantc reads")
    objects.rename(tmp_path / "model.so")
    expect_error(run("run", tmp_path / "model.so", "--data", data), "no symbol *_metadata")


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("aarch64", "model.so: is for aarch64, this machine is"),
        pytest.param(
            "graniterapids",
            "model.so: needs a CPU with avx512",
            marks=pytest.mark.skipif(HAS_FP16, reason="this machine has AVX512-FP16"),
        ),
    ],
)
def test_programs_for_other_machines(
    run: Run, quantized: Path, data: Path, tmp_path: Path, target: str, reason: str
) -> None:
    library = tmp_path / "model.so"
    assert run("compile", quantized, "--target", target, "-o", library) == (0, "", "")
    expect_error(run("run", library, "--data", data), reason)


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.zeros(37, np.float32), "expected [batch, 37] float32, got [37] float32"),
        (np.float32(3), "expected [batch, 37] float32, got [] float32"),
        (np.zeros((2, 37)), "got [2, 37] float64"),
        (np.zeros((0, 37), np.float32), "no samples"),
        (np.array(["text"]), "expected an array of float32"),
        (np.array([{}]), "not a NumPy .npz or .npy file of numbers"),
    ],
)
def test_bad_inputs(
    run: Run, quantized: Path, tmp_path: Path, array: np.ndarray, reason: str
) -> None:
    np.save(tmp_path / "x.npy", array)
    result = run("run", quantized, "--data", tmp_path / "x.npy", "-o", tmp_path / "out.npz")
    expect_error(result, "x.npy: ", reason)
    assert not (tmp_path / "out.npz").exists()


# What is wrong with the output.


@pytest.mark.parametrize("command", ["import", "quantize", "train", "compile", "run", "report"])
def test_missing_output_folder(
    run: Run, onnx_path: Path, quantized: Path, data: Path, tmp_path: Path, command: str
) -> None:
    np.save(tmp_path / "x.npy", np.load(data)["x"])
    arguments = {
        "import": [onnx_path, "-o", "out.mlir"],
        "quantize": [onnx_path, "--mode", "dynamic", "-o", "out.mlir"],
        "train": [onnx_path, "--data", data, "-o", "out.mlir"],
        "compile": [quantized, "-o", "out.o"],
        "run": [quantized, "--data", tmp_path / "x.npy", "-o", "out.npz"],
        "report": [onnx_path, quantized, "-o", "out.html"],
    }[command]
    arguments[-1] = tmp_path / "missing" / str(arguments[-1])
    expect_error(run(command, *arguments), str(arguments[-1]), "No such file or directory")
    assert not (tmp_path / "missing").exists()


def test_no_header_without_its_program(run: Run, quantized: Path, tmp_path: Path) -> None:
    missing, header, output = tmp_path / "missing", tmp_path / "out.h", tmp_path / "out.o"
    for arguments in (
        ["-o", missing / "out.o", "--header", header],
        ["-o", output, "--header", missing / "out.h"],
    ):
        expect_error(run("compile", quantized, *arguments), "No such file or directory")
        assert not header.exists() and not output.exists()


@pytest.mark.parametrize("target", ["pentium9", "x86-64-v3+warp", "aarch64+avx2"])
def test_targets_that_do_not_exist(run: Run, quantized: Path, tmp_path: Path, target: str) -> None:
    output = tmp_path / "out.o"
    expect_error(run("compile", quantized, "--target", target, "-o", output))
    assert not output.exists()


def test_unknown_ending(run: Run, quantized: Path, tmp_path: Path) -> None:
    expect_error(
        run("compile", quantized, "-o", tmp_path / "out.exe"), "'.o', '.s', '.ll' or '.so'"
    )


def test_nothing_is_left_beside_the_output(quantized: Path, tmp_path: Path) -> None:
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["calib.npz", "mlp.onnx", "model_int8.mlir", "only_x.npz"]


def test_train_writes_what_ships(run: Run, onnx_path: Path, data: Path, tmp_path: Path) -> None:
    output, floats, log = (tmp_path / name for name in ("qat.mlir", "float.mlir", "log.csv"))
    options = ("--epochs", 2, "--batch-size", 16, "--warm-up", 2, "--seed", 3)
    status, out, err = run(
        *("train", onnx_path, "--data", data, "--validation", data, "-o", output),
        *("--save-model", floats, "--log", log, *options),
    )
    assert (status, err) == (0, "")
    assert "accuracy" in out and "%" in out
    assert len(log.read_text().splitlines()) == 3
    x = np.load(data)["x"]
    trainer = quantc.Trainer(
        quantc.load(onnx_path),
        quantc.QuantizationConfig(),
        epochs=2,
        batch_size=16,
        warm_up=2,
        seed=3,
    )
    trainer.fit(x, np.load(data)["labels"])
    np.testing.assert_array_equal(quantc.interpret(quantc.load(output), x), trainer.predict(x))
    trained = quantc.load(floats).parameters
    np.testing.assert_array_equal(trained["fc1.weight"], trainer.parameters["fc1.weight"])


def test_train_float_resumes(run: Run, onnx_path: Path, data: Path, tmp_path: Path) -> None:
    checkpoint, output = tmp_path / "run.npz", tmp_path / "float.mlir"
    command = ("train", onnx_path, "--data", data, "--float", "--checkpoint", checkpoint)
    assert run(*command, "-o", tmp_path / "first.mlir", "--epochs", 1)[0] == 0
    assert run(*command, "-o", output, "--epochs", 2, "--resume")[0] == 0
    assert run(*command, "-o", tmp_path / "whole.mlir", "--epochs", 2)[0] == 0
    assert output.read_bytes() == (tmp_path / "whole.mlir").read_bytes()


def test_train_errors(run: Run, onnx_path: Path, data: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.mlir"

    def train(*options: object) -> tuple[int, str, str]:
        return run("train", onnx_path, "-o", output, *options)

    only_x = tmp_path / "only_x.npz"
    np.savez(only_x, x=np.load(data)["x"])
    expect_error(train("--data", only_x), f"{only_x}: no array 'labels'; name the labels")
    wrong = tmp_path / "wrong.npz"
    np.savez(wrong, x=np.load(data)["x"], labels=np.arange(40))
    expect_error(train("--data", wrong), f"{wrong}: label 39 is no class; the output")
    expect_error(train("--data", data, "--loss", "hinge"), "loss='hinge'; it must be")
    expect_error(train("--data", data, "--resume"), "--resume continues from a checkpoint")
    assert not output.exists()
