"""Adapters of peft on a frozen quantized base."""

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

CONFIGS = {
    "int8-static": QuantizationConfig(),
    "int8-dynamic": QuantizationConfig(mode="dynamic", symmetric_weights=False),
    "int4-static": QuantizationConfig(weight_bits=4, granularity="per_tensor"),
    "int4-groups-dynamic": QuantizationConfig(
        weight_bits=4, granularity="per_group", group_size=16, mode="dynamic"
    ),
    "int4-weight-only": QuantizationConfig(weight_bits=4, mode="weight_only"),
    "int4-groups-weight-only": QuantizationConfig(
        weight_bits=4, granularity="per_group", group_size=16, mode="weight_only"
    ),
}
NF4 = QuantizationConfig(weight_format="nf4")


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(33, 24)
        self.fc2 = nn.Linear(24, 5, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(torch.relu(self.fc1(x)))


class GroupNet(Net):
    """For groups: 40 leaves 8 of 16."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(40, 24)


def make(config: QuantizationConfig) -> tuple[nn.Module, nn.Module, Tensor]:
    """A prepared module that has seen data, the same frozen, and inputs."""
    torch.manual_seed(0)
    module = qt.prepare_qat(GroupNet() if config.granularity == "per_group" else Net(), config)
    x = torch.randn(16, module.fc1.in_features)
    with torch.no_grad():
        module(x)
    return module.eval(), qt.freeze(module).eval(), x


@pytest.mark.parametrize("name", CONFIGS)
def test_frozen_module(name: str) -> None:
    config = CONFIGS[name]
    module, frozen, x = make(config)
    assert isinstance(frozen.fc1, nn.Linear) and frozen.fc1.weight.dtype == torch.int8
    rows, columns = frozen.fc1.weight.shape
    assert (rows, columns) == (24, -(-module.fc1.kind.inputs * config.weight_bits // 8))
    assert not any(parameter.requires_grad for parameter in frozen.parameters())
    # One layer gives the bytes of the one that was prepared.
    assert torch.equal(frozen.fc1(x), module.fc1.train()(x.clone()))
    model = qt.convert(frozen, x)
    expected = frozen(x).numpy()
    assert quantc.interpret(model, x.numpy()).tobytes() == expected.tobytes()
    assert quantc.compile(model)(x.numpy()).tobytes() == expected.tobytes()
    for other in (copy.deepcopy(frozen), pickle.loads(pickle.dumps(frozen))):
        assert torch.equal(other(x), frozen(x))
    state = frozen.state_dict()
    with torch.no_grad():
        frozen.fc1.weight.zero_()
    frozen.load_state_dict(state)


def test_gradients_pass_through() -> None:
    module, frozen, x = make(CONFIGS["int8-static"])
    qt.freeze_observers(module.train())
    gradients = []
    for net in (module, frozen):
        inputs = (1.2 * x).requires_grad_()
        net(inputs).square().sum().backward()
        gradients.append(inputs.grad)
    torch.testing.assert_close(*gradients)


def test_weights_cannot_be_trained() -> None:
    _, frozen, x = make(CONFIGS["int4-static"])
    message = (
        "^quantized layers are for inference; train with quantization-aware training, then convert$"
    )
    for ask in (frozen.requires_grad_, frozen.fc1.requires_grad_, frozen.fc1.weight.requires_grad_):
        with pytest.raises(quantc.Error, match=message):
            ask()
    frozen.requires_grad_(False)
    with pytest.raises(quantc.Error, match="Net: has no quantized layers"):
        qt.freeze(Net())
    with pytest.raises(quantc.Error, match="^fc1: has seen no data"):
        qt.freeze(qt.prepare_qat(Net()))
    with pytest.raises(quantc.Error, match="^conv: is a convolution, and only linear layers are"):
        qt.freeze(
            qt.prepare_qat(nn.ModuleDict({"conv": nn.Conv2d(2, 4, 3)}), CONFIGS["int8-dynamic"])
        )
    with pytest.raises(quantc.Error, match="^fc1: input is float16"):
        frozen(x.half())


class BlockNet(Net):
    """For nf4: 200 leaves 8 of 64, and fc1 has more blocks than a super-block."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(200, 72)
        self.fc2 = nn.Linear(72, 5, bias=False)


def make_nf4() -> tuple[nn.Module, nn.Module, Tensor]:
    """A float module, the same frozen in nf4, and inputs."""
    torch.manual_seed(0)
    module = BlockNet().eval()
    return module, qt.freeze(module, NF4).eval(), torch.randn(16, 200)


def test_frozen_nf4_module(tmp_path: Path) -> None:
    module, frozen, x = make_nf4()
    assert (frozen.fc1.weight.dtype, frozen.fc1.weight.shape) == (torch.int8, (72, 128))
    assert frozen.fc1.magnitude.shape == (2, 256)
    assert not any(parameter.requires_grad for parameter in frozen.parameters())
    # The integers and magnitudes that quantization after training makes.
    torch.onnx.export(module, (x,), tmp_path / "net.onnx", dynamo=False, input_names=["x"],
                      dynamic_axes={"x": {0: "batch"}})  # fmt: skip
    loaded = quantc.load(tmp_path / "net.onnx")
    quantized = quantc.quantize(loaded, NF4)
    for layer, name in zip((frozen.fc1, frozen.fc2), quantized.layers, strict=True):
        weight = quantized.layers[name].dequantized_weight
        shape = (layer.out_features, layer.in_features)
        expected = weight if weight.shape == shape else weight.T
        actual = layer.get_float_weight().numpy()[:, : layer.in_features]
        assert actual.tobytes() == np.ascontiguousarray(expected).tobytes()
    expected = frozen(x).numpy()
    model = qt.convert(frozen, x)
    assert {layer.weight_format for layer in model.layers.values()} == {"nf4"}
    for same in (model, quantized):
        assert quantc.interpret(same, x.numpy()).tobytes() == expected.tobytes()
        assert quantc.compile(same)(x.numpy()).tobytes() == expected.tobytes()
    for other in (copy.deepcopy(frozen), pickle.loads(pickle.dumps(frozen))):
        assert torch.equal(other(x), frozen(x))
    # Gradients are those of the weights that are stored.
    inputs = x.clone().requires_grad_()
    frozen(inputs).square().sum().backward()
    with torch.no_grad():
        module.fc1.weight.copy_(frozen.fc1.get_float_weight()[:, :200])
        module.fc2.weight.copy_(frozen.fc2.get_float_weight()[:, :72])
    same_inputs = x.clone().requires_grad_()
    module(same_inputs).square().sum().backward()
    torch.testing.assert_close(inputs.grad, same_inputs.grad)


def test_freeze_of_float_modules() -> None:
    torch.manual_seed(0)
    x = torch.randn(16, 33)
    config = QuantizationConfig(mode="dynamic", skip_layers=["fc2"])
    frozen = qt.freeze(Net(), config)
    assert isinstance(frozen.fc1, qt.FrozenLinear) and type(frozen.fc2) is nn.Linear
    model = qt.convert(frozen.eval(), x)
    # PyTorch adds up the products of the layer that is float in an order of its own.
    expected = frozen(x).detach().numpy()
    np.testing.assert_allclose(quantc.interpret(model, x.numpy()), expected, rtol=0, atol=1e-6)
    single = qt.freeze(nn.Linear(64, 3), NF4)
    assert isinstance(single, qt.FrozenLinear) and single.config == NF4
    with pytest.raises(quantc.Error, match="^mode='static' needs the ranges of activations"):
        qt.freeze(Net(), QuantizationConfig())
    with pytest.raises(quantc.Error, match="^weights in the format nf4 are frozen"):
        qt.prepare_qat(Net(), NF4)
    adapted = peft.get_peft_model(Net(), peft.LoraConfig(target_modules=["fc1"]))
    with pytest.raises(quantc.Error, match="^fc1: has an adapter already"):
        qt.freeze(adapted, config)


def test_adapters_of_nf4_are_those_of_the_trainer(tmp_path: Path) -> None:
    """The adapter that PEFT trains gives the compiled program the results of the module."""
    _, frozen, x = make_nf4()
    lora = peft.LoraConfig(r=4, lora_alpha=8, target_modules=["fc1", "fc2"])
    adapted = peft.get_peft_model(frozen, lora)
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(parameter, std=0.1)
    adapted.save_pretrained(tmp_path)
    with_lora = quantc.insert_lora(qt.convert(copy.deepcopy(adapted).unload(), x), max_rank=4)
    program = quantc.compile(with_lora)
    program.load_adapter("a", tmp_path)
    program.set_adapter("a")
    np.testing.assert_allclose(
        program(x.numpy()), adapted.eval()(x).detach().numpy(), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("name", ["int8-static", "int4-groups-weight-only", "nf4"])
def test_adapters_train(name: str, tmp_path: Path) -> None:
    def make_base() -> nn.Module:
        return make_nf4()[1] if name == "nf4" else make(CONFIGS[name])[1]

    frozen = make_base()
    x = torch.randn(16, frozen.fc1.in_features)
    base = frozen(x)
    target = base + torch.randn(16, 5)
    lora = peft.LoraConfig(r=4, lora_alpha=8, target_modules=["fc1", "fc2"])
    adapted = peft.get_peft_model(frozen, lora)
    assert torch.equal(adapted(x), base)  # B is 0.
    before = {n: p.clone() for n, p in adapted.named_parameters() if "lora_" not in n}
    optimizer = torch.optim.Adam([p for p in adapted.parameters() if p.requires_grad], lr=1e-2)
    losses = []
    for _ in range(40):
        optimizer.zero_grad()
        loss = (adapted(x) - target).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
    for parameter_name, parameter in adapted.named_parameters():
        assert (parameter.grad is not None) == ("lora_" in parameter_name), parameter_name
        if parameter_name in before:
            assert torch.equal(parameter, before[parameter_name])

    adapted.save_pretrained(tmp_path)
    assert (tmp_path / "adapter_model.safetensors").exists()
    adapted.eval()
    expected = adapted(x).detach()
    torch.manual_seed(0)
    fresh = make_base()
    loaded = peft.PeftModel.from_pretrained(fresh, tmp_path).eval()
    assert torch.equal(loaded(x), expected)
    # The base alone is what compiles; the adapter is beside it.
    with loaded.disable_adapter():
        assert torch.equal(loaded(x), base)
    model = qt.convert(loaded.unload(), x)
    np.testing.assert_array_equal(quantc.interpret(model, x.numpy()), base.numpy())
