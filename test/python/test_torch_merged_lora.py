"""Adapters of peft inside of weights that are fake-quantized, the base frozen."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
peft = pytest.importorskip("peft", reason="peft is not installed")

from torch import Tensor, nn

import quantc
import quantc.torch as qt
from quantc import QuantizationConfig
from quantc.quantization import quantize_trained

CONFIGS = {
    "int8 static": QuantizationConfig(),
    "int8 dynamic": QuantizationConfig(mode="dynamic", symmetric_weights=False),
    "int4 tensor": QuantizationConfig(weight_bits=4, granularity="per_tensor"),
    "int4 channel lsq": QuantizationConfig(weight_bits=4, learned_step_size=True),
    "int4 groups": QuantizationConfig(
        weight_bits=4, granularity="per_group", group_size=16, mode="dynamic"
    ),
    "int4 groups lsq": QuantizationConfig(
        weight_bits=4, granularity="per_group", group_size=16, learned_step_size=True
    ),
}


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(40, 24)
        self.fc2 = nn.Linear(24, 5, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(torch.relu(self.fc1(x)))


def adapt(module: nn.Module, **options: object) -> nn.Module:
    options = {"r": 4, "lora_alpha": 6, "target_modules": ["fc1", "fc2"]} | options
    return peft.get_peft_model(copy.deepcopy(module), peft.LoraConfig(**options))


def load(module: nn.Module, x: Tensor, path: Path) -> quantc.Model:
    """The float model of ``module``."""
    torch.onnx.export(module.eval(), (x,), path, dynamo=False, input_names=["x"],
                      dynamic_axes={"x": {0: "batch"}})  # fmt: skip
    return quantc.load(path)


def train(module: nn.Module, x: Tensor, target: Tensor) -> list[float]:
    optimizer = torch.optim.Adam([p for p in module.parameters() if p.requires_grad], lr=1e-2)
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = (module(x) - target).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("name", CONFIGS)
def test_training_and_merging(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = CONFIGS[name]
    base = Net()
    x = torch.randn(32, 40)
    target = torch.randn(32, 5)
    module = qt.prepare_qat(adapt(base), config).train()
    losses = train(module, x, target)
    assert losses[-1] < 0.95 * losses[0]
    for parameter_name, parameter in module.named_parameters():
        is_trained = "lora_" in parameter_name or parameter_name.endswith("_scale")
        assert (parameter.grad is not None) == is_trained, parameter_name
    for layer in ("fc1", "fc2"):
        trained = module.get_base_model().get_submodule(layer).base_layer.weight
        assert torch.equal(trained, base.get_submodule(layer).weight)

    # What is evaluated is what ships.
    module.eval()
    expected = module(x).detach().numpy()
    quantized = qt.convert(module, x)
    assert quantc.interpret(quantized, x.numpy()).tobytes() == expected.tobytes()
    assert quantc.compile(quantized)(x.numpy()).tobytes() == expected.tobytes()

    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert other(x).detach().numpy().tobytes() == expected.tobytes()
    with module.disable_adapter():
        assert module(x).detach().numpy().tobytes() != expected.tobytes()

    # Merging the adapter that peft saves gives the same integers.
    module.save_pretrained(tmp_path)
    merged, _ = quantc.merge_lora(load(base, x, tmp_path / "net.onnx"), tmp_path)
    layers = {layer.name: layer for layer in module.modules() if isinstance(layer, qt.QatLinear)}
    parameters = {
        node: layers[node.strip("/").split("/")[0]].layer_parameters() for node in merged.layers
    }
    again = quantize_trained(merged, config, parameters)
    for layer, other in zip(quantized.layers.values(), again.layers.values(), strict=True):
        for what in ("weight", "weight_scale", "group_multiplier"):
            expected_array, array = getattr(layer, what), getattr(other, what)
            assert (array is None) == (expected_array is None)
            if array is not None:
                # The two exporters of torch order weights in two ways.
                array = array if array.shape == expected_array.shape else array.T
                np.testing.assert_array_equal(array, expected_array, what)
    assert quantc.interpret(again, x.numpy()).tobytes() == expected.tobytes()


def test_the_trainer_computes_the_same(tmp_path: Path) -> None:
    torch.manual_seed(0)
    base = Net()
    x = torch.randn(64, 40)
    labels = x[:, :5].argmax(1).numpy()
    config = QuantizationConfig(weight_bits=4, mode="dynamic")
    model = load(base, x, tmp_path / "net.onnx")
    trainer = quantc.Trainer(
        model, config, adapter_rank=4, adapter_alpha=6, lr=1e-2, epochs=3, batch_size=16, warm_up=0
    )
    trainer.fit(x.numpy(), labels)
    trained = trainer.adapter().layers
    module = adapt(base)
    for name, layer in zip(("fc1", "fc2"), trained.values(), strict=True):
        lora = module.get_base_model().get_submodule(name)
        with torch.no_grad():
            lora.lora_A["default"].weight.copy_(torch.from_numpy(np.asarray(layer.a)))
            lora.lora_B["default"].weight.copy_(torch.from_numpy(np.asarray(layer.b)))
    prepared = qt.prepare_qat(module, config).eval()
    assert prepared(x).detach().numpy().tobytes() == trainer.predict(x.numpy()).tobytes()


def test_gradients_of_the_matrices() -> None:
    """Where rounding passes gradients, they are those of the product by autograd."""
    torch.manual_seed(0)
    module = adapt(Net())
    lora = module.get_base_model().fc1
    nn.init.normal_(lora.lora_B["default"].weight, std=0.1)
    config = QuantizationConfig(mode="weight_only")
    layer = qt.prepare_qat(module, config).get_base_model().fc1
    x, cotangent = torch.randn(8, 40), torch.randn(8, 24)
    layer(x).backward(cotangent)
    a, b = (getattr(lora, name)["default"].weight for name in ("lora_A", "lora_B"))
    a, b = a.detach().requires_grad_(), b.detach().requires_grad_()
    (x @ (lora.base_layer.weight.detach() + 1.5 * b @ a).T).backward(cotangent)
    torch.testing.assert_close(layer.lora_A["default"].weight.grad, a.grad)
    torch.testing.assert_close(layer.lora_B["default"].weight.grad, b.grad)


def test_layers_without_an_adapter_are_quantized_and_frozen() -> None:
    module = qt.prepare_qat(adapt(Net(), target_modules=["fc2"]), QuantizationConfig())
    base = module.get_base_model()
    assert isinstance(base.fc1, qt.QatLinear) and isinstance(base.fc2.base_layer, qt.QatLinear)
    assert {name for name, p in module.named_parameters() if p.requires_grad} == {
        "base_model.model.fc2.lora_A.default.weight",
        "base_model.model.fc2.lora_B.default.weight",
    }


def test_errors() -> None:
    with pytest.raises(quantc.Error, match="^fc1: the adapter has a dropout"):
        qt.prepare_qat(adapt(Net(), lora_dropout=0.1))
    with pytest.raises(quantc.Error, match="^fc1: the adapter is more than B A"):
        qt.prepare_qat(adapt(Net(), use_dora=True))
    with pytest.raises(quantc.Error, match="^fc2: is a copy that peft trains"):
        qt.prepare_qat(adapt(Net(), target_modules=["fc1"], modules_to_save=["fc2"]))
    merged = adapt(Net())
    merged.merge_adapter()
    with pytest.raises(quantc.Error, match="^fc1: its adapter is merged"):
        qt.prepare_qat(merged)
    with pytest.raises(quantc.Error, match="^fc1: its adapter is in the quantized weight already"):
        qt.prepare_qat(adapt(Net()), QuantizationConfig(mode="dynamic")).merge_adapter()
