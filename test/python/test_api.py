"""The Python interface as documented: quantize, layers, compile, interpret, programs."""

from __future__ import annotations

import dataclasses
import warnings
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

import quantc
from networks import random_inputs, random_mlp, save
from quantc import QuantizationConfig

Batches = list[NDArray[np.float32]]

CONFIGS = {
    "int8-static": QuantizationConfig(),
    "int8-static-per-tensor": QuantizationConfig(granularity="per_tensor"),
    "int8-static-symmetric": QuantizationConfig(symmetric_activations=True),
    "int8-dynamic": QuantizationConfig(mode="dynamic"),
    "int8-weight-only": QuantizationConfig(mode="weight_only"),
    "int8-asymmetric-weights": QuantizationConfig(symmetric_weights=False),
    "int4-static": QuantizationConfig(weight_bits=4),
    "int4-dynamic": QuantizationConfig(weight_bits=4, mode="dynamic"),
    "int4-weight-only": QuantizationConfig(weight_bits=4, activation_bits=32),
}
GROUPED = {
    f"int4-groups-{mode}": QuantizationConfig(
        weight_bits=4, mode=mode, granularity="per_group", group_size=8
    )
    for mode in ("static", "dynamic", "weight_only")
}


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("transposed", [False, True])
def test_layers(tmp_path: Path, batches: Batches, name: str, transposed: bool) -> None:
    config = CONFIGS[name]
    model = quantc.load(random_mlp(tmp_path / "mlp.onnx", transposed=transposed))
    quantized = quantc.quantize(model, config, calibration_data=batches)

    assert list(quantized.layers) == ["fc1", "fc2"]
    layer, original = quantized.layers["fc1"], model.layers["fc1"]
    assert layer.skipped_because is None
    assert layer.mode == config.mode and layer.weight_bits == config.weight_bits
    assert layer.granularity == config.granularity

    shape = (53, 37) if transposed else (37, 53)
    assert layer.weight.dtype == np.int8 and layer.weight.shape == shape
    limit = 7 if config.weight_bits == 4 else 127
    assert np.abs(layer.weight.astype(int)).max() <= limit + (not config.symmetric_weights)
    scales = () if config.granularity == "per_tensor" else (53,)
    assert layer.weight_scale.dtype == np.float32 and layer.weight_scale.shape == scales
    assert layer.weight_zero_point.dtype == np.int8 and layer.weight_zero_point.shape == scales
    assert layer.weight_zero_point.any() != config.symmetric_weights
    assert layer.group_multiplier is None
    assert np.array_equal(layer.integer_weight, layer.weight)

    by_channel = (slice(None), None) if transposed and scales else ...
    zero_point = layer.weight_zero_point.astype(np.int32)[by_channel]
    scale = layer.weight_scale[by_channel]
    dequantized = (layer.weight - zero_point).astype(np.float32) * scale
    assert np.array_equal(layer.dequantized_weight, dequantized)
    assert np.abs(dequantized - original.weight).max() <= 0.51 * scale.max()

    bias = np.random.default_rng(0)
    bias.standard_normal((37, 53), dtype=np.float32)
    assert np.array_equal(layer.bias, bias.standard_normal(53, dtype=np.float32))
    if config.mode == "static":
        assert layer.input_scale.dtype == np.float32 and layer.input_scale > 0
        assert layer.input_zero_point.dtype == np.int8
        assert (layer.input_zero_point == 0) == bool(config.symmetric_activations)
    else:
        assert layer.input_scale is None and layer.input_zero_point is None
        assert layer.output_scale is None and layer.output_zero_point is None


@pytest.mark.parametrize("name", GROUPED)
def test_layers_in_groups(tmp_path: Path, name: str) -> None:
    config = GROUPED[name]
    model = quantc.load(random_mlp(tmp_path / "mlp.onnx", (64, 24, 8)))
    quantized = quantc.quantize(model, config, calibration_data=[random_inputs((16, 64))])
    layer = quantized.layers["fc1"]
    assert layer.weight.shape == (64, 24) and np.abs(layer.weight.astype(int)).max() <= 8
    assert layer.weight_scale.shape == (24,)
    assert layer.group_multiplier.dtype == np.int8 and layer.group_multiplier.shape == (24, 8)
    assert layer.group_multiplier.min() >= 1 and layer.group_multiplier.max() <= 15
    multiplier = np.repeat(layer.group_multiplier, 8, axis=1).T.astype(int)
    assert np.array_equal(layer.integer_weight, layer.weight * multiplier)
    dequantized = layer.integer_weight.astype(np.float32) * layer.weight_scale
    assert np.array_equal(layer.dequantized_weight, dequantized)
    # The last 4 mantissa bits are 0, so that scale times multiplier is exact.
    assert not (layer.weight_scale.view(np.uint32) & 15).any()
    assert layer.weight_bytes == 64 * 24 // 2 + 24 * 4 + 24 * 8 // 2


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("mode", ["static", "dynamic", "weight_only"])
def test_shorter_last_group(tmp_path: Path, mode: str, bits: int, transposed: bool) -> None:
    path = random_mlp(tmp_path / "mlp.onnx", (40, 24, 8), transposed=transposed)
    model = quantc.load(path)
    config = QuantizationConfig(weight_bits=bits, mode=mode, granularity="per_group", group_size=16)
    quantized = quantc.quantize(model, config, calibration_data=[random_inputs((16, 40))])
    # The first layer still produces the integers that the second takes.
    is_fused = quantized.layers["fc1"].output_scale is not None
    assert is_fused == (mode == "static" and bits == 4)
    # 40 = 16 + 16 + 8 and 24 = 16 + 8.
    for (name, layer), groups in zip(quantized.layers.items(), (3, 2), strict=True):
        original = model.layers[name].weight
        assert layer.weight.shape == layer.integer_weight.shape == original.shape
        outputs = original.shape[0 if transposed else 1]
        scale = layer.weight_scale
        if bits == 4:
            assert layer.group_multiplier.shape == (outputs, groups)
            scale = scale[:, None] * layer.group_multiplier
        assert scale.shape == (outputs, groups)
        scale = np.repeat(scale, 16, axis=1)[:, : original.size // outputs]
        scale = scale if transposed else scale.T
        assert np.array_equal(layer.dequantized_weight, layer.weight * scale)
        assert (np.abs(layer.dequantized_weight - original) <= 1.01 * scale).all()
    x = random_inputs((5, 40), seed=7)
    y = quantc.compile(quantized)(x)
    assert y.tobytes() == quantc.interpret(quantized, x).tobytes()
    assert np.abs(y - quantc.interpret(model, x)).max() < (0.2 if bits == 8 else 1.0)


@pytest.mark.parametrize("mode", ["static", "dynamic", "weight_only"])
def test_shorter_last_group_changes_nothing(tmp_path: Path, mode: str) -> None:
    """A model whose weights end in zeros up to whole groups gives the same bytes."""
    import onnx

    path = random_mlp(tmp_path / "mlp.onnx", (40, 24))
    proto = onnx.load(path)
    weight = onnx.numpy_helper.to_array(proto.graph.initializer[0])
    padded = np.pad(weight, ((0, 8), (0, 0)))
    proto.graph.initializer[0].CopyFrom(onnx.numpy_helper.from_array(padded, "fc1.weight"))
    proto.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 48
    onnx.save(proto, tmp_path / "padded.onnx")

    config = QuantizationConfig(weight_bits=4, mode=mode, granularity="per_group", group_size=16)
    x = random_inputs((5, 40))
    expected, actual = (
        quantc.compile(quantc.quantize(quantc.load(model), config, [batch]))(batch)
        for model, batch in ((tmp_path / "padded.onnx", np.pad(x, ((0, 0), (0, 8)))), (path, x))
    )
    assert actual.tobytes() == expected.tobytes()


@pytest.mark.parametrize("name", [*CONFIGS, *GROUPED])
@pytest.mark.parametrize("rows", [1, 5])
def test_program_gives_the_bytes_of_the_interpreter(tmp_path: Path, name: str, rows: int) -> None:
    config = (CONFIGS | GROUPED)[name]
    model = quantc.load(random_mlp(tmp_path / "mlp.onnx", (64, 24, 8)))
    quantized = quantc.quantize(model, config, calibration_data=[random_inputs((16, 64))])
    x = random_inputs((rows, 64), seed=7)
    y = quantc.compile(quantized)(x)
    assert y.dtype == np.float32 and y.shape == (rows, 8)
    assert y.tobytes() == quantc.interpret(quantized, x).tobytes()
    error = np.abs(y - quantc.interpret(model, x)).max()
    assert error < (0.2 if config.weight_bits == 8 else 1.0)


def test_input_forms(model: quantc.Model, batches: Batches) -> None:
    program = quantc.compile(quantc.quantize(model, calibration_data=batches))
    x = batches[0]
    expected = program(x)
    assert np.array_equal(program({"x": x}), expected)
    assert np.array_equal(program([x]), expected)
    assert np.array_equal(program(np.asfortranarray(x)), expected)
    assert np.array_equal(program(np.repeat(x, 2, axis=0)[::2]), expected)

    class OnlyDLPack:
        def __dlpack__(self, **arguments: object) -> object:
            return x.__dlpack__(**arguments)

        def __dlpack_device__(self) -> tuple[int, int]:
            return x.__dlpack_device__()

    assert np.array_equal(program(OnlyDLPack()), expected)
    assert np.array_equal(np.from_dlpack(expected), expected)


def test_results_do_not_share_memory(model: quantc.Model, batches: Batches) -> None:
    program = quantc.compile(quantc.quantize(model, calibration_data=batches))
    first = program(batches[0])
    kept = first.copy()
    program(batches[1])
    assert np.array_equal(first, kept)


def test_empty_batch(model: quantc.Model, batches: Batches) -> None:
    quantized = quantc.quantize(model, calibration_data=batches)
    empty = np.zeros((0, 37), np.float32)
    assert quantc.compile(quantized)(empty).shape == (0, 11)
    assert quantc.interpret(quantized, empty).shape == (0, 11)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            np.zeros((2, 36), np.float32),
            'input "x": expected [batch, 37] float32, got [2, 36] float32',
        ),
        (
            np.zeros(37, np.float32),
            'input "x": expected [batch, 37] float32, got [37] float32',
        ),
        (np.zeros((2, 37)), 'input "x": expected [batch, 37] float32, got [2, 37] float64'),
        (
            {"z": np.zeros((2, 37), np.float32)},
            'there is no input "z"; the inputs are "x"',
        ),
        ({}, 'input "x" is missing; the inputs are "x"'),
        ([], "expected 1 inputs, got 0"),
        (
            "text",
            'input "x": expected an array of float32 (NumPy, or DLPack on the CPU), got str',
        ),
        (
            np.zeros((2, 37), np.complex64),
            'input "x": expected float32, got a type of 64 bits that is not supported',
        ),
    ],
)
def test_wrong_inputs(model: quantc.Model, value: object, message: str) -> None:
    program = quantc.compile(model)
    for call in (program, lambda x: quantc.interpret(model, x)):
        with pytest.raises(quantc.Error) as caught:
            call(value)
        assert str(caught.value) == message


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "calibration_data: no samples"),
        ([np.zeros((0, 37), np.float32)], "calibration_data: no samples"),
        (5, "calibration_data: a int; it must be an iterable of arrays"),
        (["x"], 'calibration_data: batch 0: input "x": expected an array of float32'),
        ([{"image": np.zeros((1, 37), np.float32)}], 'batch 0: there is no input "image"'),
        ([np.zeros((1, 36), np.float32)], 'batch 0: input "x": expected [batch, 37] float32'),
        ([np.zeros((1, 37), np.int8)], "float32, got [1, 37] int8"),
        (
            [np.zeros((1, 37), np.float32), np.full((1, 37), np.nan, np.float32)],
            'batch 1: input "x" has NaN or infinite elements',
        ),
        ([np.full((1, 37), np.inf, np.float32)], 'batch 0: input "x" has NaN or infinite elements'),
        (None, "static quantization needs the ranges of activations"),
    ],
)
def test_wrong_calibration_data(model: quantc.Model, data: object, message: str) -> None:
    with pytest.raises(quantc.Error) as caught:
        quantc.quantize(model, QuantizationConfig(), calibration_data=data)
    assert message in str(caught.value)
    assert len(caught.value.messages) == 1


def test_calibration_is_independent_of_batches(model: quantc.Model, tmp_path: Path) -> None:
    x = random_inputs((48, 37))
    whole = quantc.calibrate(model, x)
    parts = quantc.calibrate(model, iter([{"x": x[30:]}, {"x": x[:7]}, {"x": x[7:30]}]))
    merged = quantc.calibrate(model, [x[:20]]).merge(quantc.calibrate(model, [x[20:]]))
    texts = []
    for index, table in enumerate((whole, parts, merged)):
        path = tmp_path / f"{index}.json"
        table.save(path)
        assert quantc.CalibrationTable.load(path) == table
        texts.append(path.read_bytes())
    assert texts[0] == texts[1] == texts[2]


def test_statistics_of_another_model(model: quantc.Model, tmp_path: Path) -> None:
    other = quantc.load(random_mlp(tmp_path / "other.onnx", (37, 8)))
    statistics = quantc.calibrate(other, random_inputs((4, 37)))
    with pytest.raises(quantc.Error, match="^calibration_data: fc2: 'fc2.input' has no statistics"):
        quantc.quantize(model, calibration_data=statistics)


def test_percentile_without_a_histogram(model: quantc.Model) -> None:
    statistics = quantc.calibrate(model, random_inputs((4, 37)), histogram=False)
    config = QuantizationConfig(calibration="percentile")
    with pytest.raises(quantc.Error, match="^calibration_data: fc1: .*histogram"):
        quantc.quantize(model, config, statistics)


def test_percentile_narrows_the_range(model: quantc.Model) -> None:
    x = random_inputs((256, 37))
    x[0, 0] = 1000
    statistics = quantc.calibrate(model, x)
    scales = {
        method: quantc.quantize(
            model, QuantizationConfig(calibration=method, percentile=99), statistics
        )
        .layers["fc1"]
        .input_scale
        for method in ("minmax", "percentile")
    }
    assert scales["minmax"] > 1000 / 255 and scales["percentile"] < 0.1


@pytest.mark.parametrize(
    ("options", "skipped"),
    [
        ({"skip_layers": ["fc2"]}, ["fc2"]),
        ({"skip_layers": ["fc.*"]}, ["fc1", "fc2", "fc3"]),
        ({"skip_layers": ["fc"]}, []),
        ({"skip_layers": ["fc1", "fc3"]}, ["fc1", "fc3"]),
        ({"skip_first": True}, ["fc1"]),
        ({"skip_last": True}, ["fc3"]),
        ({"skip_output": True}, ["fc3"]),
    ],
)
def test_skipped_layers(tmp_path: Path, options: dict[str, object], skipped: list[str]) -> None:
    model = quantc.load(random_mlp(tmp_path / "mlp.onnx", (16, 16, 16, 8)))
    config = QuantizationConfig(mode="dynamic", **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", quantc.QuantizationWarning)
        quantized = quantc.quantize(model, config)
    reasons = {name: layer.skipped_because for name, layer in quantized.layers.items()}
    assert [name for name, reason in reasons.items() if reason] == skipped
    for name in skipped:
        layer = quantized.layers[name]
        assert layer.weight_bits == 32 and layer.weight.dtype == np.float32
        assert layer.mode is None and layer.weight_scale is None
    x = random_inputs((3, 16))
    assert quantc.compile(quantized)(x).tobytes() == quantc.interpret(quantized, x).tobytes()


def test_pattern_without_a_layer_warns(model: quantc.Model) -> None:
    config = QuantizationConfig(mode="dynamic", skip_layers=["head.*"])
    with pytest.warns(quantc.QuantizationWarning, match=r"head\.\*") as caught:
        quantc.quantize(model, config)
    assert caught[0].filename == __file__


def test_group_size_that_does_not_fit(model: quantc.Model) -> None:
    config = QuantizationConfig(weight_bits=4, granularity="per_group", mode="dynamic")
    with pytest.raises(quantc.Error, match="mlp.onnx: fc1: groups of 32 leave 5 of K = 37;"):
        quantc.quantize(model, config)


def test_nan_in_weights(tmp_path: Path) -> None:
    path = random_mlp(tmp_path / "mlp.onnx")
    import onnx

    proto = onnx.load(path)
    weight = onnx.numpy_helper.to_array(proto.graph.initializer[0]).copy()
    weight[3, 5] = np.nan
    proto.graph.initializer[0].CopyFrom(onnx.numpy_helper.from_array(weight, "fc1.weight"))
    onnx.save(proto, path)
    with pytest.raises(quantc.Error, match="mlp.onnx: fc1: .*NaN"):
        quantc.quantize(quantc.load(path), QuantizationConfig(mode="dynamic"))


def test_saved_program(model: quantc.Model, batches: Batches, tmp_path: Path) -> None:
    program = quantc.compile(quantc.quantize(model, calibration_data=batches))
    program.save(tmp_path / "model.so")
    loaded = quantc.load_program(tmp_path / "model.so")
    assert repr(loaded.inputs) == repr(model.inputs)
    assert repr(loaded.outputs) == repr(model.outputs)
    assert np.array_equal(loaded(batches[0]), program(batches[0]))
    loaded.save(tmp_path / "again.so")
    assert (tmp_path / "again.so").read_bytes() == (tmp_path / "model.so").read_bytes()


def test_results_in_arrays_of_the_caller(model: quantc.Model, batches: Batches) -> None:
    program, x = quantc.compile(model), batches[0]
    expected = program(x)
    out = np.full_like(expected, np.nan)
    assert program(x, out=out) is out
    assert np.array_equal(out, expected)
    (port,) = program.outputs
    by_name = {port.name: np.empty_like(expected)}
    assert program(x, out=by_name) is by_name
    assert np.array_equal(by_name[port.name], expected)

    fixed = np.empty_like(expected)
    fixed.flags.writeable = False
    wrong = [expected.astype(np.float64), expected[:, ::2], fixed, "y"]
    for array in wrong:
        with pytest.raises(quantc.Error, match="out: .* a contiguous array of float32"):
            program(x, out=array)
    with pytest.raises(quantc.Error, match=r"out: .*expected the shape \["):
        program(x, out=expected[:-1])
    with pytest.raises(quantc.Error, match="out: .* is missing"):
        program(x, out={})


def test_bound_arrays(model: quantc.Model, batches: Batches) -> None:
    """A bound call reads what the arrays hold when it is made."""
    program, x = quantc.compile(model), batches[0].copy()
    out = np.full_like(program(x), np.nan)
    call = program.bind(x, out)
    del program
    assert call() is out
    first = out.copy()
    x *= 2
    call()
    assert not np.array_equal(out, first)
    assert np.array_equal(out, quantc.compile(model)(x))

    program = quantc.compile(model)
    with pytest.raises(quantc.Error, match="input .*expected a contiguous array, which later"):
        program.bind(np.asfortranarray(x), out)
    with pytest.raises(quantc.Error, match=r"out: .*expected the shape \["):
        program.bind(x, out[:-1])
    with pytest.raises(quantc.Error, match="adapter"):
        program.bind(x, out, adapters="german")


def test_saved_quantized_model(model: quantc.Model, batches: Batches, tmp_path: Path) -> None:
    quantized = quantc.quantize(model, calibration_data=batches)
    for suffix in (".mlir", ".mlirbc"):
        quantized.save(tmp_path / f"model{suffix}")
        loaded = quantc.load(tmp_path / f"model{suffix}")
        assert list(loaded.layers) == ["fc1", "fc2"]
        assert np.array_equal(loaded.layers["fc1"].weight, quantized.layers["fc1"].weight)
        assert loaded.layers["fc1"].mode == "static"
        x = batches[0]
        assert np.array_equal(quantc.interpret(loaded, x), quantc.interpret(quantized, x))


@pytest.mark.parametrize(
    ("target", "message"),
    [("pentium9", "pentium9"), ("x86-64+warp", "warp"), ("", "target")],
)
def test_targets_that_do_not_exist(model: quantc.Model, target: str, message: str) -> None:
    with pytest.raises(quantc.Error, match=message):
        quantc.compile(model, target=target)


def test_program_for_another_machine_cannot_be_called(model: quantc.Model, tmp_path: Path) -> None:
    program = quantc.compile(model, target="aarch64")
    program.save(tmp_path / "model.so")
    with pytest.raises(quantc.Error, match="is for aarch64, this machine is"):
        program(np.zeros((1, 37), np.float32))
    quantc.emit(model, tmp_path / "model.o", target="aarch64", header=tmp_path / "model.h")
    assert (tmp_path / "model.o").read_bytes()[:4] == b"\x7fELF"
    assert "model_run" in (tmp_path / "model.h").read_text()


def test_files_that_are_no_programs(tmp_path: Path) -> None:
    (tmp_path / "text.so").write_text("no library")
    for name in ("missing.so", "text.so"):
        with pytest.raises(quantc.Error, match=name):
            quantc.load_program(tmp_path / name)


def test_everything_public_has_a_docstring() -> None:
    for name in quantc.__all__:
        item = getattr(quantc, name)
        assert name == "__version__" or item.__doc__, name
    for cls in (quantc.Model, quantc.Layer, quantc.Program, quantc.Port, quantc.CalibrationTable):
        for name in vars(cls):
            if not name.startswith("_"):
                assert getattr(cls, name).__doc__, f"{cls.__name__}.{name}"


def test_config_is_what_the_layers_say(model: quantc.Model, batches: Batches) -> None:
    quantized = quantc.quantize(model, QuantizationConfig(weight_bits=4), batches)
    again = dataclasses.replace(QuantizationConfig(weight_bits=4), mode="dynamic")
    assert quantized.layers["fc1"].mode == "static"
    assert quantc.quantize(model, again).layers["fc1"].mode == "dynamic"


@pytest.mark.parametrize("mode", [None, "static", "dynamic", "weight_only"])
def test_batches_of_sequences(mode: str | None, tmp_path: Path) -> None:
    weight = numpy_helper.from_array(random_inputs((24, 16)), "w")
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"], name="fc")],
        "tokens",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", "tokens", 24])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", "tokens", 16])],
        [weight],
    )
    model = quantc.load(save(graph, tmp_path / "tokens.onnx"))
    if mode:
        data = [random_inputs((2, 9, 24))] if mode == "static" else None
        model = quantc.quantize(model, QuantizationConfig(mode=mode), data)
    program = quantc.compile(model)
    for shape in ((2, 9, 24), (5, 1, 24), (1, 3, 24)):
        x = random_inputs(shape)
        np.testing.assert_array_equal(program(x), quantc.interpret(model, x))
