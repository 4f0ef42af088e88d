"""LSTM, GRU and RNN, against onnxruntime, and with integer weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

import quantc
from networks import save
from oracle import open_onnxruntime
from test_import_ops import Case, case, check, floats

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
STEPS, BATCH, INPUTS, HIDDEN = 4, 2, 3, 5


def recurrent(
    op: str, directions: int = 1, *rest: Any, dims: Any = None, **attributes: Any
) -> Case:
    """Return a case with constant weights and biases; `rest` are the inputs after those."""
    rows = GATES[op] * HIDDEN
    inputs = [
        floats(STEPS, BATCH, INPUTS),
        floats(directions, rows, INPUTS) / 3,
        floats(directions, rows, HIDDEN) / 3,
        floats(directions, 2 * rows) / 3,
        *rest,
    ]
    return case(
        op,
        *inputs,
        constant=(1, 2, 3),
        dims=dims,
        outputs=3 if op == "LSTM" else 2,
        hidden_size=HIDDEN,
        **attributes,
    )


def state(directions: int = 1) -> NDArray[np.float32]:
    return floats(directions, BATCH, HIDDEN)


LENGTHS = np.array([4, 2], np.int32)
DYNAMIC = {0: ("length", "batch", INPUTS)}

CASES = [
    recurrent("LSTM", dims=DYNAMIC),
    recurrent("LSTM", 2, LENGTHS, state(2), state(2), floats(2, 3 * HIDDEN),
              direction="bidirectional"),
    recurrent("LSTM", 1, None, state(), state(), clip=0.5, input_forget=1, direction="reverse"),
    recurrent("LSTM", activations=["HardSigmoid", "Softsign", "ScaledTanh"],
              activation_alpha=[0.3, 1.5], activation_beta=[0.4, 0.7]),
    recurrent("GRU", 2, LENGTHS, state(2), direction="bidirectional", linear_before_reset=1),
    recurrent("GRU", dims=DYNAMIC, direction="reverse"),
    recurrent("GRU", activations=["Affine", "LeakyRelu"], activation_alpha=[0.3, 0.2],
              activation_beta=[0.1], linear_before_reset=1, clip=1.0),
    recurrent("RNN", 1, LENGTHS, state(), direction="reverse"),
    recurrent("RNN", 2, direction="bidirectional", activations=["Relu", "Softplus"]),
    recurrent("RNN", activations=["Elu"], activation_alpha=[0.5]),
    recurrent("RNN", activations=["ThresholdedRelu"], activation_alpha=[0.4]),
]  # fmt: skip


@pytest.mark.parametrize("sample", CASES, ids=str)
def test_operator_agrees_with_onnxruntime(sample: Case, tmp_path: Path) -> None:
    check(sample, tmp_path)


ERRORS = [
    ({"direction": "backward"},
     "recurrent layer of direction 'backward'; expects 'forward', 'reverse' or 'bidirectional'"),
    ({"activations": ["Tanh"]}, "recurrent layer with 1 activations; expects 3"),
    ({"activations": ["Tanh", "Cosine", "Tanh"]},
     "recurrent layer with activation 'Cosine'; expects a function that ONNX names"),
    ({"direction": "bidirectional"},
     "recurrent layer with input 1 of shape [1, 20, 3]; expects [2, 20, 3]"),
    ({"hidden_size": 6}, "recurrent layer with hidden_size 6; expects 5 as its weights have"),
]  # fmt: skip


@pytest.mark.parametrize(("attributes", "message"), ERRORS, ids=[error for _, error in ERRORS])
def test_unsupported_is_one_line(attributes: dict, message: str, tmp_path: Path) -> None:
    path = tmp_path / "case.onnx"
    shapes = [(STEPS, BATCH, INPUTS), (1, 4 * HIDDEN, INPUTS), (1, 4 * HIDDEN, HIDDEN)]
    node = helper.make_node("LSTM", ["x0", "x1", "x2"], ["y"], "node", **attributes)
    inputs = [
        helper.make_tensor_value_info(f"x{i}", TensorProto.FLOAT, shape)
        for i, shape in enumerate(shapes)
    ]
    graph = helper.make_graph([node], "case", inputs, [onnx.ValueInfoProto(name="y")])
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, ir_version=9, opset_imports=opset), path)
    with pytest.raises(quantc.Error) as error:
        quantc.load(path)
    assert str(error.value) == f"{path}: node: {message}"


def network() -> onnx.ModelProto:
    """Return an LSTM that goes both ways, a GRU of each kind and an RNN, one after the other."""
    layers = [
        ("LSTM", "lstm", 2, 12, {"direction": "bidirectional"}),
        ("GRU", "gru", 1, 32, {"linear_before_reset": 1}),
        ("GRU", "other", 1, 16, {"direction": "reverse"}),
        ("RNN", "rnn", 1, 16, {}),
    ]
    nodes, weights, name = [], [numpy_helper.from_array(np.array([0, 0, -1]), "shape")], "x"
    for op, layer, directions, width, attributes in layers:
        rows = GATES[op] * 16
        arrays = [
            floats(directions, rows, width) / 10,
            floats(directions, rows, 16) / 10,
            floats(directions, 2 * rows) / 10,
        ]
        names = [f"{layer}.{part}" for part in "wrb"]
        weights += [numpy_helper.from_array(a, n) for a, n in zip(arrays, names, strict=True)]
        nodes += [
            helper.make_node(
                op, [name, *names], [f"{layer}.y"], layer, hidden_size=16, **attributes
            ),
            helper.make_node("Transpose", [f"{layer}.y"], [f"{layer}.t"], perm=[0, 2, 1, 3]),
            helper.make_node("Reshape", [f"{layer}.t", "shape"], [f"{layer}.out"]),
        ]
        name = f"{layer}.out"
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (6, 2, 12))],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, (6, 2, 16))],
        weights,
    )
    return helper.make_model(graph, ir_version=9, opset_imports=[helper.make_opsetid("", 17)])


NAMES = [
    *(f"lstm{direction}{part}" for direction in ("", ".reverse") for part in ("", ".recurrence")),
    *("gru", "gru.recurrence"),
    *("other", "other.recurrence", "other.recurrence.hidden"),
    *("rnn", "rnn.recurrence"),
]


def test_integer_weights_are_compiled_to_the_bytes_of_the_interpreter(tmp_path: Path) -> None:
    path = tmp_path / "network.onnx"
    onnx.save(network(), path)
    model = quantc.load(path)
    assert list(model.layers) == NAMES
    x = floats(6, 2, 12)
    expected = quantc.interpret(model, x)
    np.testing.assert_array_equal(quantc.compile(model)(x), expected)
    for mode in ("static", "dynamic"):
        config = quantc.QuantizationConfig(mode=mode)
        data = [x] if mode == "static" else None
        quantized = quantc.quantize(model, config, calibration_data=data)
        assert all(layer.skipped_because is None for layer in quantized.layers.values())
        assert quantized.layers["gru.recurrence"].weight.shape == (48, 16)
        actual = quantc.interpret(quantized, x)
        np.testing.assert_array_equal(quantc.compile(quantized)(x), actual)
        noise = np.linalg.norm(actual - expected) / np.linalg.norm(expected)
        assert noise < 0.05, mode


GROUPS = {
    "weight_bits": 4,
    "granularity": "per_group",
    "group_size": 8,
    # K = 12 is no whole number of groups.
    "skip_layers": ["lstm", "lstm.reverse"],
}


@pytest.mark.parametrize("batch", [1, 2, "batch"])
@pytest.mark.parametrize(
    "options",
    [
        {"weight_bits": 8, "symmetric_weights": False},
        {"weight_bits": 4},
        {"weight_bits": 4, "symmetric_weights": False},
        GROUPS,
        {**GROUPS, "symmetric_weights": False},
    ],
    ids=["int8", "int4", "int4-asymmetric", "groups", "groups-asymmetric"],
)
def test_weight_only_is_compiled_to_the_bytes_of_the_interpreter(
    batch: int | str, options: dict[str, Any], tmp_path: Path
) -> None:
    """What a step reads is decoded before the steps."""
    model = network()
    model.graph.input[0].CopyFrom(helper.make_tensor_value_info("x", 1, (6, batch, 12)))
    model.graph.output[0].CopyFrom(
        helper.make_tensor_value_info(model.graph.output[0].name, 1, (6, batch, 16))
    )
    path = tmp_path / "network.onnx"
    onnx.save(model, path)
    config = quantc.QuantizationConfig(mode="weight_only", **options)
    quantized = quantc.quantize(quantc.load(path), config)
    x = floats(6, batch if isinstance(batch, int) else 3, 12)
    expected = quantc.interpret(quantized, x)
    for target in ("native", "x86-64-v3"):
        program = quantc.compile(quantized, target=target)
        np.testing.assert_array_equal(program(x), expected)


def quantized_lstm(path: Path, per_channel: bool) -> onnx.ModelProto:
    """Return what onnxruntime makes of an LSTM that goes both ways."""
    graph = helper.make_graph(
        [
            helper.make_node("LSTM", ["x", "w", "r", "b"], ["y", "", "c"], "lstm",
                             hidden_size=16, direction="bidirectional"),
        ],
        "lstm",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ("length", "batch", 12))],
        [
            helper.make_tensor_value_info("y", TensorProto.FLOAT, ("length", 2, "batch", 16)),
            helper.make_tensor_value_info("c", TensorProto.FLOAT, (2, "batch", 16)),
        ],
        [
            numpy_helper.from_array(floats(2, 64, 12) / 3, "w"),
            numpy_helper.from_array(floats(2, 64, 16) / 3, "r"),
            numpy_helper.from_array(floats(2, 128) / 3, "b"),
        ],
    )  # fmt: skip
    save(graph, path)
    quantize_dynamic(path, path, per_channel=per_channel, weight_type=QuantType.QInt8)
    model = onnx.load(path)
    assert [node.op_type for node in model.graph.node] == ["DynamicQuantizeLSTM"]
    return model


@pytest.mark.parametrize("per_channel", [False, True])
def test_dynamic_quantize_lstm_runs_in_integers(tmp_path: Path, per_channel: bool) -> None:
    """Within a step of the state of onnxruntime: 1/127 of the largest h, which is below 1."""
    path = tmp_path / "lstm.onnx"
    quantized_lstm(path, per_channel)
    model = quantc.quantize(quantc.load(path))
    names = ["", ".recurrence", ".reverse", ".reverse.recurrence"]
    assert list(model.layers) == [f"lstm_quant{name}" for name in names]
    for layer in model.layers.values():
        assert layer.mode == "dynamic"
        assert layer.granularity == ("per_channel" if per_channel else "per_tensor")
    x = floats(5, 3, 12)
    session = open_onnxruntime(path, optimized=True, integers=True)
    actual = quantc.interpret(model, x)
    compiled = quantc.compile(model, target="x86-64-v3")(x)
    for name, expected in zip("yc", session.run(["y", "c"], {"x": x}), strict=True):
        assert np.abs(actual[name] - expected).max() < 1 / 127
        assert compiled[name].tobytes() == actual[name].tobytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda node: node.input.__setitem__(8, ""),
         "DynamicQuantizeLSTM without input 8; expects a scale and a zero point of both weights"),
        (lambda node: node.input.__setitem__(1, "x"),
         "input 1 has element type FLOAT; expects INT8 or UINT8"),
        (lambda node: node.input.__setitem__(10, "number"),
         "input 10 is a scalar; expects a number for each direction, or for each of its columns"),
        (lambda node: node.input.__setitem__(2, "w_quantized"),
         "recurrent layer with input 1 of shape [2, 12, 64]; expects [2, 12, 48]"),
    ],
)  # fmt: skip
def test_dynamic_quantize_lstm_errors(change: Any, message: str, tmp_path: Path) -> None:
    path = tmp_path / "lstm.onnx"
    model = quantized_lstm(path, per_channel=False)
    model.graph.initializer.append(numpy_helper.from_array(np.float32(1), "number"))
    change(model.graph.node[0])
    onnx.save(model, path)
    with pytest.raises(quantc.Error) as error:
        quantc.load(path)
    assert str(error.value) == f"{path}: lstm_quant: {message}"
