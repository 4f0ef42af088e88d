"""Training of adapters inside of weights that are fake-quantized, with the base frozen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import quantc
from networks import random_mlp

CONFIGS = {
    "int8 static": quantc.QuantizationConfig(weight_bits=8, mode="static"),
    "int8 dynamic": quantc.QuantizationConfig(weight_bits=8, mode="dynamic"),
    "int4 tensor": quantc.QuantizationConfig(weight_bits=4, granularity="per_tensor"),
    "int4 groups": quantc.QuantizationConfig(
        weight_bits=4, mode="weight_only", granularity="per_group", group_size=8
    ),
}


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("name", CONFIGS)
def test_prediction_is_what_ships(name: str, transposed: bool, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    x = random.standard_normal((256, 24)).astype(np.float32)
    labels = (x[:, :5].sum(axis=1) > 0).astype(np.int64)
    path = random_mlp(tmp_path / "mlp.onnx", (24, 32, 6), seed=1, transposed=transposed)
    model = quantc.load(path)
    trainer = quantc.Trainer(
        model, CONFIGS[name], adapter_rank=4, adapter_alpha=8, lr=1e-2, epochs=4, batch_size=32,
        warm_up=4,
    )  # fmt: skip
    before = trainer.evaluate(x, labels)["accuracy"] if "dynamic" in name else 0.0
    trainer.fit(x, labels)
    assert trainer.evaluate(x, labels)["accuracy"] > before
    assert set(trainer.parameters) == {
        f"{layer}.lora_{part}" for layer in model.layers for part in ("down", "up")
    }
    converted = trainer.convert()
    predicted = trainer.predict(x)
    np.testing.assert_array_equal(quantc.interpret(converted, x), predicted)
    np.testing.assert_array_equal(quantc.compile(converted)(x), predicted)

    # Merging what was trained into the float model is what was quantized.
    merged, _ = quantc.merge_lora(model, trainer.adapter())
    for layer, weights in merged.parameters.items():
        np.testing.assert_array_equal(weights, trainer.model().parameters[layer])


def test_no_adapter_without_a_rank(tmp_path: Path) -> None:
    model = quantc.load(random_mlp(tmp_path / "mlp.onnx"))
    trainer = quantc.Trainer(model, CONFIGS["int8 dynamic"])
    with pytest.raises(quantc.Error, match="no adapter was trained; give adapter_rank"):
        trainer.adapter()
    with pytest.raises(quantc.Error, match="has no layers that are to be quantized"):
        quantc.Trainer(model, None, adapter_rank=4)
