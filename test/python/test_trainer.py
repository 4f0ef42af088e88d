"""Training by compiled programs: the promise, determinism, checkpoints, errors."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

import networks
import quantc

FEATURES, CLASSES = 24, 4


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> quantc.Model:
    path = tmp_path_factory.mktemp("trainer") / "mlp.onnx"
    return quantc.load(networks.random_mlp(path, (FEATURES, 16, CLASSES)))


@pytest.fixture(scope="module")
def deep_model(tmp_path_factory: pytest.TempPathFactory) -> quantc.Model:
    path = tmp_path_factory.mktemp("trainer") / "deep.onnx"
    return quantc.load(networks.random_mlp(path, (FEATURES, 24, 16, CLASSES)))


@pytest.fixture(scope="module")
def data() -> tuple[NDArray, NDArray]:
    """Samples of classes that a small network can tell apart; the last batch is partial."""
    x = networks.random_inputs((330, FEATURES))
    return x, x[:, :CLASSES].argmax(axis=1)


def make_trainer(model: quantc.Model, mode: str | None = None, **options: Any) -> quantc.Trainer:
    config = quantc.QuantizationConfig(mode=mode) if mode else None
    return quantc.Trainer(model, config, **({"epochs": 3, "lr": 1e-2, "warm_up": 5} | options))


def assert_same_bytes(first: quantc.Trainer, second: quantc.Trainer) -> None:
    assert first.parameters.keys() == second.parameters.keys()
    for name, array in first.parameters.items():
        assert array.tobytes() == second.parameters[name].tobytes(), name


# The promise


def check_promise(trainer: quantc.Trainer, x: NDArray) -> None:
    predicted = trainer.predict(x)
    quantized = trainer.convert()
    assert predicted.tobytes() == quantc.interpret(quantized, x).tobytes()
    assert predicted.tobytes() == quantc.compile(quantized)(x).tobytes()


@pytest.mark.parametrize(
    ("bits", "mode", "granularity"),
    [
        (8, "static", "per_tensor"),
        (4, "static", "per_channel"),
        (4, "static", "per_group"),
        (8, "static", "per_group"),
        (8, "dynamic", "per_channel"),
        (4, "dynamic", "per_group"),
        (4, "weight_only", "per_tensor"),
        (8, "weight_only", "per_group"),
    ],
)
def test_prediction_is_what_ships(
    deep_model: quantc.Model, data: tuple[NDArray, NDArray], bits: int, mode: str, granularity: str
) -> None:
    config = quantc.QuantizationConfig(
        weight_bits=bits, mode=mode, granularity=granularity, group_size=16
    )
    trainer = quantc.Trainer(deep_model, config, epochs=1, lr=1e-2, warm_up=2, group_interval=2)
    trainer.fit(*data)
    check_promise(trainer, data[0])


@pytest.mark.parametrize(
    "options", [{}, {"weight_bits": 4, "granularity": "per_group", "group_size": 8}]
)
def test_prediction_is_what_ships_with_learned_scales(
    model: quantc.Model, data: tuple[NDArray, NDArray], options: dict[str, Any]
) -> None:
    config = quantc.QuantizationConfig(**options)
    trainer = quantc.Trainer(model, config, epochs=1, lr=1e-2, warm_up=2, learned_step_size=True)
    trainer.fit(*data)
    check_promise(trainer, data[0])
    chosen = quantc.quantize(trainer.model(), config, data[0]).layers["fc1"].weight_scale
    learned = trainer.convert().layers["fc1"].weight_scale
    assert not np.array_equal(chosen, learned)
    if "group_size" in options:
        # What ships has four zero bits at the end.
        assert not (learned.view(np.int32) & 15).any()


def test_multipliers_stay_where_scales_are_learned(
    model: quantc.Model, data: tuple[NDArray, NDArray]
) -> None:
    config = quantc.QuantizationConfig(
        weight_bits=4, granularity="per_group", group_size=8, learned_step_size=True
    )
    found = []
    for epochs in (1, 2):
        trainer = quantc.Trainer(
            model, config, epochs=epochs, lr=1e-2, warm_up=0, group_interval=1, seed=3,
            learned_step_size=True,
        )  # fmt: skip
        trainer.fit(*data)
        found.append(trainer.convert().layers["fc1"])
    np.testing.assert_array_equal(found[0].group_multiplier, found[1].group_multiplier)
    assert not np.array_equal(found[0].weight_scale, found[1].weight_scale)


def test_prediction_is_what_ships_with_asymmetric_weights(
    model: quantc.Model, data: tuple[NDArray, NDArray]
) -> None:
    config = quantc.QuantizationConfig(symmetric_weights=False)
    for learned in (False, True):
        trainer = quantc.Trainer(model, config, epochs=1, warm_up=2, learned_step_size=learned)
        trainer.fit(*data)
        check_promise(trainer, data[0])


def test_prediction_is_what_ships_beyond_exact_float_sums(tmp_path: Path) -> None:
    # Sums of more than 1040 products of bytes do not fit the 24 bits of a float.
    path = networks.random_mlp(tmp_path / "deep.onnx", (1100, 16, CLASSES))
    x = networks.random_inputs((70, 1100))
    config = quantc.QuantizationConfig(mode="qat")
    trainer = quantc.Trainer(quantc.load(path), config, epochs=1, warm_up=1)
    trainer.fit(x, x[:, :CLASSES].argmax(axis=1))
    check_promise(trainer, x)


def make_block(path: Path) -> quantc.Model:
    """Two layers of one input, a residual, a LayerNorm, a Clip, and three dimensions."""
    random = np.random.default_rng(0)
    weights = {
        "q.weight": random.standard_normal((FEATURES, FEATURES)) / 5,
        "k.weight": random.standard_normal((FEATURES, FEATURES)) / 5,
        "norm.weight": np.ones(FEATURES),
        "norm.bias": np.zeros(FEATURES),
        "up.weight": random.standard_normal((FEATURES, 16)) / 5,
        "up.bias": np.zeros(16),
        "head.weight": random.standard_normal((16, CLASSES)) / 4,
        "low": np.array(0),
        "high": np.array(2),
    }
    nodes = [
        helper.make_node("MatMul", ["x", "q.weight"], ["q"], name="q"),
        helper.make_node("MatMul", ["x", "k.weight"], ["k"], name="k"),
        helper.make_node("Add", ["q", "k"], ["qk"], name="sum"),
        helper.make_node("Add", ["qk", "x"], ["residual"], name="residual"),
        helper.make_node(
            "LayerNormalization", ["residual", "norm.weight", "norm.bias"], ["n"], name="norm"
        ),
        helper.make_node("MatMul", ["n", "up.weight"], ["up"], name="up"),
        helper.make_node("Add", ["up", "up.bias"], ["up_biased"], name="up_bias"),
        helper.make_node("Clip", ["up_biased", "low", "high"], ["clipped"], name="clip"),
        helper.make_node("MatMul", ["clipped", "head.weight"], ["scores"], name="head"),
        helper.make_node("ReduceMean", ["scores"], ["y"], name="mean", axes=[1], keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "block",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3, FEATURES])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", CLASSES])],
        [
            numpy_helper.from_array(value.astype(np.float32), name)
            for name, value in weights.items()
        ],
    )
    return quantc.load(networks.save(graph, path))


@pytest.mark.parametrize("options", [{}, {"weight_bits": 4, "granularity": "per_tensor"}])
def test_prediction_of_a_block_is_what_ships(tmp_path: Path, options: dict[str, Any]) -> None:
    block = make_block(tmp_path / "block.onnx")
    assert "up.bias" in block.parameters and "norm.weight" in block.parameters
    x = networks.random_inputs((130, 3, FEATURES))
    trainer = quantc.Trainer(block, quantc.QuantizationConfig(**options), epochs=2, warm_up=2)
    history = trainer.fit(x, x[:, 0, :CLASSES].argmax(axis=1))
    assert history[1]["loss"] < history[0]["loss"]
    check_promise(trainer, x)
    for name in ("norm.weight", "norm.bias", "up.bias"):
        assert not np.array_equal(trainer.parameters[name], block.parameters[name])


def test_prediction_of_branches_is_what_ships(tmp_path: Path) -> None:
    """Two convolutions read a normalized result, one of them with padding: it is integers."""
    constants = {
        **{name: networks.random_inputs((4,), seed) for seed, name in enumerate("sbm", 1)},
        "v": np.ones(4, np.float32),
        "w1": networks.random_inputs((4, 2, 1, 1), 4),
        "w2": networks.random_inputs((3, 4, 3, 3), 5),
        "w3": networks.random_inputs((3, 4, 1, 1), 6),
    }
    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["c1"], name="stem"),
        helper.make_node("BatchNormalization", ["c1", *"sbmv"], ["n"]),
        helper.make_node("Relu", ["n"], ["r"]),
        helper.make_node("Conv", ["r", "w2"], ["c2"], name="wide", pads=[1, 1, 1, 1]),
        helper.make_node("Conv", ["r", "w3"], ["c3"], name="narrow"),
        helper.make_node("Add", ["c2", "c3"], ["a"]),
        helper.make_node("GlobalAveragePool", ["a"], ["p"]),
        helper.make_node("Flatten", ["p"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "branches",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ("batch", 2, 5, 4))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ("batch", 3))],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = quantc.load(networks.save(graph, tmp_path / "branches.onnx"))
    assert "stem.bias" in model.parameters
    x = networks.random_inputs((64, 2, 5, 4))
    trainer = make_trainer(model, "static", epochs=1)
    trainer.fit(x, x[:, 0, 0, :3].argmax(axis=1))
    check_promise(trainer, x)
    assert trainer.convert().layers["stem"].output_scale is not None


@pytest.mark.parametrize("mode", [None, "static", "dynamic"])
def test_a_step_interpreted_is_a_step_compiled(model: quantc.Model, mode: str | None) -> None:
    config = quantc.QuantizationConfig(mode=mode) if mode else None
    step = quantc._quantc.create_step(
        *(model, config, False, False),
        *(quantc._quantc.Loss.cross_entropy, quantc._quantc.Optimizer.adam),
    )
    x = networks.random_inputs((9, FEATURES))
    inputs = {"x": x, "labels": np.arange(9) % CLASSES} | model.parameters
    for name, value in (
        *(("learning_rate", 1e-2), ("beta1", 0.9), ("beta2", 0.999), ("epsilon", 1e-8)),
        *(("step", 1.0), ("range_momentum", 0.5)),
    ):
        inputs[name] = np.asarray(value, np.float32)
    for port in step.inputs:
        if port.name.endswith(".range"):
            inputs[port.name] = np.array([-2, 3], np.float32)
        elif port.name not in inputs:
            inputs[port.name] = np.zeros(port.shape, port.dtype)
    inputs = {port.name: inputs[port.name] for port in step.inputs}
    interpreted, compiled = quantc.interpret(step, inputs), quantc.compile(step)(inputs)
    assert interpreted.keys() == compiled.keys()
    for name, array in interpreted.items():
        assert array.tobytes() == compiled[name].tobytes(), name


def test_layers_fuse_as_they_do_in_inference(deep_model: quantc.Model) -> None:
    forward = quantc._quantc.create_forward(deep_model, quantc.QuantizationConfig(), False).mlir()
    assert forward.count("quant.linear") == 3
    assert forward.count("output(") == 2


def test_prediction_before_training_is_quantization(
    model: quantc.Model, data: tuple[NDArray, NDArray]
) -> None:
    config = quantc.QuantizationConfig(
        weight_bits=4, mode="dynamic", granularity="per_group", group_size=8
    )
    trainer = quantc.Trainer(model, config)
    expected = quantc.interpret(quantc.quantize(model, config), data[0])
    np.testing.assert_array_equal(trainer.predict(data[0]), expected)


# Training


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam", "adamw"])
def test_float_training_converges(
    model: quantc.Model, data: tuple[NDArray, NDArray], optimizer: str
) -> None:
    rate = {"sgd": 0.3, "momentum": 0.05}.get(optimizer, 1e-2)
    trainer = make_trainer(model, optimizer=optimizer, lr=rate, epochs=20)
    history = trainer.fit(*data, validation=data)
    assert history[-1]["loss"] < 0.5 * history[0]["loss"]
    assert history[-1]["accuracy"] > 0.9
    np.testing.assert_array_equal(
        trainer.predict(data[0]), quantc.interpret(trainer.model(), data[0])
    )


def test_mse_converges(model: quantc.Model) -> None:
    x = networks.random_inputs((256, FEATURES))
    target = x[:, :CLASSES] * 2
    trainer = make_trainer(model, loss="mse", epochs=15)
    before = trainer.evaluate(x, target)["mse"]
    trainer.fit(x, target, validation=(x, target))
    assert trainer.history[-1]["mse"] < 0.2 * before


def test_losses_are_those_of_numpy(model: quantc.Model, data: tuple[NDArray, NDArray]) -> None:
    x, labels = data[0][:64], data[1][:64]
    scores = quantc.interpret(model, x).astype(np.float64)
    row_losses = np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(64), labels]
    history = make_trainer(model, epochs=1).fit(x, labels)
    assert history[0]["loss"] == pytest.approx(row_losses.mean(), rel=1e-5)
    target = np.zeros_like(scores, np.float32)
    history = make_trainer(model, epochs=1, loss="mse").fit(x, target)
    assert history[0]["loss"] == pytest.approx(np.square(scores).mean(), rel=1e-5)


@pytest.mark.parametrize("mode", [None, "static"])
def test_same_seed_gives_same_bytes(
    model: quantc.Model, data: tuple[NDArray, NDArray], mode: str | None
) -> None:
    trainers = [make_trainer(model, mode, epochs=2, seed=seed) for seed in (0, 0, 1)]
    for trainer in trainers:
        trainer.fit(*data)
    assert_same_bytes(trainers[0], trainers[1])
    assert trainers[0].parameters["fc1.weight"].tobytes() != (
        trainers[2].parameters["fc1.weight"].tobytes()
    )


def test_ranges_freeze(model: quantc.Model, data: tuple[NDArray, NDArray]) -> None:
    frozen = make_trainer(model, "static", epochs=1, warm_up=1, freeze=0.0)
    frozen.fit(*data)
    first = frozen.convert().layers["fc1"].input_scale
    # The first batch has set the range of the inputs, and nothing has changed it.
    order = np.random.default_rng([0, 0]).permutation(len(data[0]))
    batch = data[0][order[:64]]
    assert first == quantc.quantize(model, None, batch).layers["fc1"].input_scale
    moving = make_trainer(model, "static", epochs=1, warm_up=1, freeze=1.0)
    moving.fit(*data)
    assert moving.convert().layers["fc1"].input_scale != first


def test_training_without_warm_up(model: quantc.Model, data: tuple[NDArray, NDArray]) -> None:
    trainer = make_trainer(model, "static", epochs=1, warm_up=0)
    trainer.fit(*data)
    check_promise(trainer, data[0])


def test_schedules(model: quantc.Model, data: tuple[NDArray, NDArray]) -> None:
    rates = {}
    for schedule in (None, "cosine", "linear", lambda step, steps: 0.25):
        trainer = make_trainer(model, schedule=schedule, epochs=2, lr=1.0, optimizer="sgd")
        trainer.lr = 1e-3
        rates[schedule] = trainer.fit(*data)[-1]["lr"]
    constant, cosine, linear, function = rates.values()
    assert constant == 1e-3 and function == 0.25e-3
    assert 0 < cosine < linear < 1e-3


def test_early_stopping_returns_to_the_best(
    model: quantc.Model, data: tuple[NDArray, NDArray]
) -> None:
    # The labels of the validation are wrong, so that it gets worse.
    trainer = make_trainer(model, epochs=20, patience=2)
    trainer.fit(*data, validation=(data[0], (data[1] + 1) % CLASSES))
    accuracies = [row["accuracy"] for row in trainer.history]
    assert len(accuracies) < 20
    best = max(accuracies)
    assert accuracies.index(best) == len(accuracies) - 3
    assert trainer.evaluate(data[0], (data[1] + 1) % CLASSES)["accuracy"] == best


# Files


@pytest.mark.parametrize("options", [{"mode": None}, {"mode": "static"}, {"learned": True}])
def test_checkpoints_resume_to_the_same_bytes(
    model: quantc.Model, data: tuple[NDArray, NDArray], tmp_path: Path, options: dict[str, Any]
) -> None:
    def make(**others: Any) -> quantc.Trainer:
        learned = options.get("learned", False)
        mode = options.get("mode", "static")
        return make_trainer(model, mode, learned_step_size=learned, **others)

    whole = make()
    whole.fit(*data)
    steps = -(-len(data[0]) // whole.batch_size)

    def interrupt(step: int, steps_of_all: int) -> float:
        if step == steps + 1:
            raise KeyboardInterrupt
        return 1.0

    interrupted = make(schedule=interrupt)
    with pytest.raises(KeyboardInterrupt):
        interrupted.fit(*data, checkpoint=tmp_path / "run.npz")
    resumed = make()
    resumed.load(tmp_path / "run.npz")
    assert resumed.epoch == 1 and len(resumed.history) == 1
    resumed.fit(*data)
    assert_same_bytes(whole, resumed)
    np.testing.assert_array_equal(whole.predict(data[0]), resumed.predict(data[0]))


def test_checkpoint_errors(model: quantc.Model, tmp_path: Path) -> None:
    trainer = make_trainer(model)
    path = tmp_path / "run.npz"
    with pytest.raises(quantc.Error, match="no such file"):
        trainer.load(path)
    path.write_bytes(b"no archive")
    with pytest.raises(quantc.Error, match="not a checkpoint of a trainer"):
        trainer.load(path)
    np.savez(path, x=np.zeros(3))
    with pytest.raises(quantc.Error, match="not a checkpoint of a trainer"):
        trainer.load(path)
    make_trainer(model, optimizer="sgd").save(path)
    with pytest.raises(quantc.Error, match="was made with optimizer=sgd; this trainer has adam"):
        trainer.load(path)


def test_logs(model: quantc.Model, data: tuple[NDArray, NDArray], tmp_path: Path) -> None:
    trainer = make_trainer(model, epochs=2)
    trainer.fit(*data, validation=data, log=tmp_path / "log.csv")
    with open(tmp_path / "log.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert set(rows[0]) == {"epoch", "loss", "lr", "accuracy", "seconds"}
    trainer = make_trainer(model, epochs=1)
    trainer.fit(*data, log=tmp_path / "log.json")
    assert json.loads((tmp_path / "log.json").read_text()) == trainer.history


# Parameters


def test_parameters_of_models(model: quantc.Model) -> None:
    parameters = model.parameters
    assert list(parameters) == [f"fc{i}.{kind}" for i in (1, 2) for kind in ("weight", "bias")]
    assert parameters["fc1.weight"].shape == (FEATURES, 16)
    changed = model.with_parameters({"fc1.bias": np.ones(16, np.float32)})
    assert (changed.parameters["fc1.bias"] == 1).all()
    np.testing.assert_array_equal(changed.parameters["fc1.weight"], parameters["fc1.weight"])
    with pytest.raises(quantc.Error, match="there is no parameter 'fc9.bias'"):
        model.with_parameters({"fc9.bias": np.ones(3, np.float32)})
    with pytest.raises(quantc.Error, match=r"parameter 'fc1.bias': expected the shape \[16\]"):
        model.with_parameters({"fc1.bias": np.ones(3, np.float32)})


# Errors


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": "hinge"}, "loss='hinge'; it must be 'cross_entropy' or 'mse'"),
        ({"optimizer": "lion"}, "optimizer='lion'; it must be 'sgd'"),
        ({"schedule": "steps"}, "schedule='steps'; it must be 'constant', 'cosine' or 'linear'"),
        ({"batch_size": 0}, "batch_size=0; it must be a whole number, 1 or more"),
        ({"lr": -1.0}, "lr=-1.0; it must be a number 0 or more"),
        ({"freeze": 2.0}, "freeze=2.0; it must be a number from 0 to 1"),
    ],
)
def test_options_that_do_not_exist(
    model: quantc.Model, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(quantc.Error) as caught:
        quantc.Trainer(model, **options)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("x", "labels", "message"),
    [
        (np.zeros((3, 5), np.float32), [0, 1, 2], "x: input 'x' of shape"),
        (np.zeros((3, FEATURES)), [0, 1, 2], "x: input 'x' of shape"),
        (np.full((3, FEATURES), np.nan, np.float32), [0, 1, 2], "x: input 'x' has NaN"),
        (np.zeros((3, FEATURES), np.float32), [0, 1, 4], "x: label 4 is no class; the output 'y'"),
        (np.zeros((3, FEATURES), np.float32), [0, -1, 1], "x: label -1 is no class"),
        (np.zeros((3, FEATURES), np.float32), [0, 1], "x: labels of shape"),
        (np.zeros((3, FEATURES), np.float32), [0.0, 1.0, 2.0], "x: labels of shape"),
        (np.zeros((0, FEATURES), np.float32), [], "x: no samples"),
    ],
)
def test_data_that_does_not_fit(
    model: quantc.Model, x: NDArray, labels: list, message: str
) -> None:
    with pytest.raises(quantc.Error) as caught:
        make_trainer(model).fit(x, labels)
    assert str(caught.value).startswith(message)


def test_loss_that_is_no_number(model: quantc.Model, data: tuple[NDArray, NDArray]) -> None:
    trainer = make_trainer(model, optimizer="sgd", lr=1e30)
    with pytest.raises(quantc.Error, match=r"the loss is nan at step \d+ of epoch 1; lower lr"):
        trainer.fit(*data)


def test_quantized_models_are_not_trained(model: quantc.Model) -> None:
    quantized = quantc.quantize(model, quantc.QuantizationConfig(mode="dynamic"))
    with pytest.raises(quantc.Error, match="quantized layers are for inference; train with quant"):
        quantc.Trainer(quantized)


def test_static_prediction_needs_ranges(model: quantc.Model, data: tuple[NDArray, NDArray]) -> None:
    trainer = make_trainer(model, "static")
    with pytest.raises(quantc.Error, match="fc1: the range of its input is not known; call fit"):
        trainer.predict(data[0])


def test_patience_needs_validation(model: quantc.Model, data: tuple[NDArray, NDArray]) -> None:
    with pytest.raises(quantc.Error, match="patience without validation data"):
        make_trainer(model, patience=1).fit(*data)


def test_skipped_layers_stay_float(model: quantc.Model, data: tuple[NDArray, NDArray]) -> None:
    config = quantc.QuantizationConfig(skip_layers=["fc1"])
    trainer = quantc.Trainer(model, config, epochs=1, warm_up=2)
    trainer.fit(*data)
    check_promise(trainer, data[0])
    assert trainer.convert().layers["fc1"].weight_bits == 32
