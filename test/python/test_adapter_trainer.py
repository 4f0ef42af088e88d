"""Training of adapters on a frozen, quantized base."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import quantc
from networks import random_mlp

CONFIGS = {
    "int8 static": quantc.QuantizationConfig(weight_bits=8, mode="static"),
    "int8 dynamic": quantc.QuantizationConfig(weight_bits=8, mode="dynamic"),
    "int4 groups": quantc.QuantizationConfig(
        weight_bits=4, mode="static", granularity="per_group", group_size=8
    ),
    "nf4": quantc.QuantizationConfig(weight_format="nf4"),
    "int4 weight-only": quantc.QuantizationConfig(weight_bits=4, mode="weight_only"),
}


@pytest.fixture(scope="module")
def samples() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    x = random.standard_normal((256, 24)).astype(np.float32)
    return x, (x[:, :5] @ np.ones(5) > 0).astype(np.int64)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> quantc.Model:
    path = tmp_path_factory.mktemp("model") / "mlp.onnx"
    return quantc.load(random_mlp(path, (24, 32, 6), seed=1))


def quantize(model: quantc.Model, config: quantc.QuantizationConfig, x: np.ndarray) -> quantc.Model:
    return quantc.quantize(model, config, [x] if config.mode == "static" else None)


@pytest.mark.parametrize("name", CONFIGS)
def test_prediction_is_what_the_program_gives(
    model: quantc.Model, samples: tuple[np.ndarray, np.ndarray], name: str, tmp_path: Path
) -> None:
    x, labels = samples
    base = quantize(model, CONFIGS[name], x)
    trainer = quantc.AdapterTrainer(base, rank=4, alpha=8, lr=1e-2, epochs=6, batch_size=32)
    before = trainer.evaluate(x, labels)["accuracy"]
    history = trainer.fit(x, labels)
    assert history[-1]["loss"] < history[0]["loss"]
    assert trainer.evaluate(x, labels)["accuracy"] > before

    trainer.adapter().save(tmp_path)
    program = quantc.compile(quantc.insert_lora(base, max_rank=4))
    program.load_adapter("trained", tmp_path)
    program.set_adapter("trained")
    np.testing.assert_array_equal(program(x), trainer.predict(x))
    # The base is untouched.
    program.set_adapter(None)
    np.testing.assert_array_equal(program(x), quantc.compile(base)(x))


def test_only_chosen_layers_are_trained(
    model: quantc.Model, samples: tuple[np.ndarray, np.ndarray]
) -> None:
    x, labels = samples
    base = quantize(model, CONFIGS["int8 static"], x)
    first = next(iter(base.layers))
    trainer = quantc.AdapterTrainer(base, rank=2, layers=[first], epochs=1)
    assert set(trainer.parameters) == {f"{first}.lora_down", f"{first}.lora_up"}
    trainer.fit(x, labels)
    assert list(trainer.adapter().layers) == [first]


def test_training_is_deterministic_and_resumes(
    model: quantc.Model, samples: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    x, labels = samples
    base = quantize(model, CONFIGS["int8 dynamic"], x)

    def train(epochs: int) -> quantc.AdapterTrainer:
        trainer = quantc.AdapterTrainer(base, rank=2, epochs=epochs, seed=3)
        trainer.fit(x, labels, checkpoint=tmp_path / f"{epochs}.npz")
        return trainer

    whole = train(2)
    train(1)
    resumed = quantc.AdapterTrainer(base, rank=2, epochs=2, seed=3)
    resumed.load(tmp_path / "1.npz")
    resumed.fit(x, labels)
    for name, matrix in whole.parameters.items():
        np.testing.assert_array_equal(matrix, resumed.parameters[name])


def test_what_is_wrong_is_said(model: quantc.Model, samples: tuple[np.ndarray, np.ndarray]) -> None:
    base = quantize(model, CONFIGS["int8 static"], samples[0])
    with pytest.raises(quantc.Error, match="has no quantized layers for adapters"):
        quantc.AdapterTrainer(model)
    with pytest.raises(quantc.Error, match="'nothing' matches no quantized layer; they are"):
        quantc.AdapterTrainer(base, layers=["nothing"])
    with pytest.raises(quantc.Error, match="rank=0; it must be a whole number, 1 or more"):
        quantc.AdapterTrainer(base, rank=0)


def test_peft_loads_what_was_trained(
    model: quantc.Model, samples: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    peft = pytest.importorskip("peft", reason="peft is not installed")
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    x, labels = samples
    base = quantize(model, CONFIGS["int8 static"], x)
    trainer = quantc.AdapterTrainer(base, rank=4, alpha=8, epochs=1)
    trainer.fit(x, labels)
    trainer.adapter().save(tmp_path)
    module = torch.nn.ModuleDict(
        {
            name: torch.nn.Linear(layer.a.shape[1], layer.b.shape[0])
            for name, layer in trainer.adapter().layers.items()
        }
    )
    loaded = peft.PeftModel.from_pretrained(module, str(tmp_path))
    state = peft.get_peft_model_state_dict(loaded)
    for name, layer in trainer.adapter().layers.items():
        key = f"base_model.model.{name}.lora_A.weight"
        np.testing.assert_array_equal(state[key].numpy(), layer.a)
