"""Adapters against PEFT: what it writes, and what it makes of what we write."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import quantc
from adapters import random_layer
from networks import random_inputs, random_mlp

torch = pytest.importorskip("torch", reason="needs python/requirements-torch.txt")
peft = pytest.importorskip("peft", reason="needs python/requirements-torch.txt")

VARIANTS = {
    "list": {"target_modules": ["fc1", "fc2"]},
    "pattern": {"target_modules": "fc.", "use_rslora": True},
    "all": {
        "target_modules": "all-linear",
        "rank_pattern": {"fc2": 3},
        "alpha_pattern": {"fc1": 5},
        "bias": "lora_only",
    },
    "saved": {"target_modules": ["fc1"], "modules_to_save": ["fc2"], "bias": "all"},
}


def make_module(model: quantc.Model) -> torch.nn.Module:
    """The MLP of ``networks.random_mlp`` in PyTorch."""
    module = torch.nn.Sequential()
    for name in ("fc1", "fc2"):
        inputs, outputs = model.layers[name].weight.shape
        module.add_module(name, torch.nn.Linear(inputs, outputs))
        if name == "fc1":
            module.add_module("relu", torch.nn.ReLU())
    with torch.no_grad():
        for name in ("fc1", "fc2"):
            layer = getattr(module, name)
            layer.weight.copy_(torch.from_numpy(model.layers[name].weight.T.copy()))
            layer.bias.zero_()
    return module


@pytest.fixture
def base(tmp_path: Path) -> quantc.Model:
    """An MLP whose biases are there, and 0."""
    import onnx
    from onnx import numpy_helper

    path = random_mlp(tmp_path / "mlp.onnx")
    model = onnx.load(path)
    for tensor in model.graph.initializer:
        if tensor.name.endswith(".bias"):
            zeros = np.zeros(tensor.dims, np.float32)
            tensor.CopyFrom(numpy_helper.from_array(zeros, tensor.name))
    onnx.save(model, path)
    return quantc.load(path)


@pytest.mark.parametrize("variant", VARIANTS)
def test_merged_float_model_is_the_peft_model(
    base: quantc.Model, tmp_path: Path, variant: str
) -> None:
    torch.manual_seed(0)
    config = peft.LoraConfig(r=4, lora_alpha=16, **VARIANTS[variant])
    model = peft.get_peft_model(make_module(base), config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter) * 0.1)
    model.save_pretrained(tmp_path / "adapter")

    x = random_inputs((8, 37))
    with torch.no_grad():
        expected = model(torch.from_numpy(x)).numpy()
    merged, survival = quantc.merge_lora(base, tmp_path / "adapter")
    assert set(survival.layers) == {"fc1", "fc2"}
    np.testing.assert_allclose(quantc.interpret(merged, x), expected, rtol=1e-4, atol=1e-4)
    assert np.abs(quantc.interpret(base, x) - expected).max() > 0.1


@pytest.mark.parametrize("rslora", [False, True])
def test_peft_reads_what_we_write(base: quantc.Model, tmp_path: Path, rslora: bool) -> None:
    adapter = quantc.Adapter(
        {"fc1": random_layer(53, 37, 4, size=0.2), "fc2": random_layer(11, 53, 2, scale=0.7)},
        biases={"fc1": np.linspace(-1, 1, 53, dtype=np.float32)},
        config={"use_rslora": rslora},
    )
    check_in_peft(base, adapter, tmp_path / "adapter")


def test_peft_reads_saved_modules(base: quantc.Model, tmp_path: Path) -> None:
    saved = quantc.SavedModule(random_inputs((11, 53)), random_inputs((11,)))
    adapter = quantc.Adapter({"fc1": random_layer(53, 37, 4)}, saved_modules={"fc2": saved})
    check_in_peft(base, adapter, tmp_path / "adapter")


def check_in_peft(base: quantc.Model, adapter: quantc.Adapter, folder: Path) -> None:
    """PEFT with the written adapter computes what the merged model does."""
    adapter.save(folder)
    model = peft.PeftModel.from_pretrained(make_module(base), folder)
    x = random_inputs((8, 37))
    with torch.no_grad():
        expected = model(torch.from_numpy(x)).numpy()
    merged, _ = quantc.merge_lora(base, adapter)
    np.testing.assert_allclose(quantc.interpret(merged, x), expected, rtol=1e-4, atol=1e-4)
