"""Models that torchao has quantized, by way of torch.export and of ONNX."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("onnx", reason="onnx is not installed")
pt2e = pytest.importorskip(
    "torchao.quantization.pt2e.quantize_pt2e", reason="torchao is not installed"
)

from torch import nn
from torchao.quantization.pt2e.quantizer import x86_inductor_quantizer as x86

import quantc
import quantc.torch as qt

BATCH = {0: torch.export.Dim("batch")}


def make_pt2e(module: nn.Module, x: torch.Tensor, mode: str) -> nn.Module:
    """Quantize ``module`` as the mode says."""
    exported = torch.export.export(module, (x,), dynamic_shapes=(BATCH,)).module()
    is_qat = mode == "qat"
    config = x86.get_default_x86_inductor_quantization_config(
        is_qat=is_qat, is_dynamic=mode == "dynamic"
    )
    quantizer = x86.X86InductorQuantizer().set_global(config)
    if is_qat:
        prepared = pt2e.prepare_qat_pt2e(exported, quantizer)
        optimizer = torch.optim.SGD(prepared.parameters(), lr=1e-2)
        for _ in range(3):
            optimizer.zero_grad()
            prepared(x).square().mean().backward()
            optimizer.step()
    else:
        prepared = pt2e.prepare_pt2e(exported, quantizer)
        prepared(x)
    return pt2e.convert_pt2e(prepared)


def check_quantized(quantized: quantc.Model, converted: nn.Module, x: torch.Tensor) -> None:
    """Compare with torch in steps of INT8, and the program with the interpreter in bytes."""
    expected = converted(x).detach().numpy()
    actual = quantc.compile(quantized)(x.numpy())
    assert actual.tobytes() == quantc.interpret(quantized, x.numpy()).tobytes()
    step = np.abs(expected).max() / 127
    steps = np.abs(np.rint(actual / step) - np.rint(expected / step))
    assert steps.max() <= 1 and (steps > 0).mean() <= 0.02


class Net(nn.Module):
    """Layers on rows, on images and on the channels of an image."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.channels = nn.Linear(6, 6)
        self.fc1 = nn.Linear(144, 16)
        self.fc2 = nn.Linear(16, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.norm(self.conv(self.channels(x)))).flatten(1)
        return self.fc2(torch.relu(self.fc1(x)))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("mode", ["static", "dynamic"])
def test_pt2e(mode: str) -> None:
    torch.manual_seed(0)
    x = torch.randn(9, 2, 6, 6)
    converted = make_pt2e(Net().eval(), x, mode)
    quantized = quantc.quantize(qt.load(converted, x))
    assert {name: (layer.mode, layer.weight_bits) for name, layer in quantized.layers.items()} == {
        name: (mode, 8) for name in ("channels", "conv", "fc1", "fc2")
    }
    if mode == "static":
        assert quantized.layers["fc1"].output_scale is not None
    check_quantized(quantized, converted, x)


@pytest.mark.filterwarnings("ignore")
def test_pt2e_qat() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(24, 16), nn.ReLU(), nn.Linear(16, 5))
    x = torch.randn(33, 24)
    converted = make_pt2e(module, x, "qat")
    quantized = quantc.quantize(qt.load(converted, x))
    assert list(quantized.layers) == ["0", "2"]
    assert quantized.layers["0"].output_scale is not None
    check_quantized(quantized, converted, x)


@pytest.mark.filterwarnings("ignore")
def test_pt2e_in_onnx(tmp_path: Path) -> None:
    pytest.importorskip("onnxscript", reason="onnxscript is not installed")
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(24, 16), nn.ReLU(), nn.Linear(16, 5))
    x = torch.randn(33, 24)
    converted = make_pt2e(module, x, "static")
    path = tmp_path / "pt2e.onnx"
    torch.onnx.export(
        converted, (x,), path, dynamo=True, dynamic_shapes=(BATCH,), verbose=False,
        external_data=False,
    )  # fmt: skip
    quantized = quantc.quantize(quantc.load(path))
    modes = [(layer.mode, layer.weight_bits) for layer in quantized.layers.values()]
    assert modes == [("static", 8), ("static", 8)]
    assert next(iter(quantized.layers.values())).output_scale is not None
    check_quantized(quantized, converted, x)


class Decomposed(nn.Module):
    """A layer with weights of 4 bits, written with the operators of PT2E."""

    def __init__(self, low: int = -128) -> None:
        super().__init__()
        self.low = low
        self.register_buffer("weight", torch.randint(-8, 8, (6, 8), dtype=torch.int8))
        self.register_buffer("scales", torch.rand(6) / 8)
        self.register_buffer("points", torch.zeros(6, dtype=torch.int64))

    def forward(self, x: torch.Tensor, mode: str = "dynamic") -> torch.Tensor:
        ops, int8 = torch.ops.quantized_decomposed, torch.int8
        weight = ops.dequantize_per_channel(self.weight, self.scales, self.points, 0, -8, 7, int8)
        if mode == "dynamic":
            scale, point = ops.choose_qparams.tensor(x, self.low, 127, 1e-7, int8)
        elif mode == "static":
            scale, point = 0.05, 3
        else:
            scale, point = 0.05, 300
        integers = ops.quantize_per_tensor(x, scale, point, self.low, 127, int8)
        x = ops.dequantize_per_tensor(integers, scale, point, self.low, 127, int8)
        return nn.functional.linear(x, weight)


@pytest.mark.parametrize("mode", ["dynamic", "static"])
def test_weights_of_4_bits(mode: str) -> None:
    torch.manual_seed(0)
    module, x = Decomposed(), torch.randn(5, 8)
    model = qt.load(module, (x, mode))
    quantized = quantc.quantize(model)
    (layer,) = quantized.layers.values()
    assert (layer.mode, layer.weight_bits) == (mode, 4)
    expected = module(x, mode).numpy()
    np.testing.assert_allclose(quantc.interpret(model, x.numpy()), expected, 1e-5, 1e-5)
    np.testing.assert_allclose(quantc.interpret(quantized, x.numpy()), expected, 1e-5, 1e-5)


def test_narrow_range() -> None:
    """Activations that do not use all integers are clipped before."""
    torch.manual_seed(0)
    module, x = Decomposed(low=-20), torch.randn(5, 8) * 4
    expected = module(x, "static").numpy()
    actual = quantc.interpret(qt.load(module, (x, "static")), x.numpy())
    np.testing.assert_allclose(actual, expected, 1e-5, 1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-20, "dynamic"), "the range -20 to 127 of torch.int8; expects all of int8 or uint8"),
        ((-128, "wrong"), "a zero point outside of torch.int8; expects one within"),
    ],
)
def test_refused(arguments: tuple[int, str], message: str) -> None:
    low, mode = arguments
    with pytest.raises(quantc.Error, match=message):
        qt.load(Decomposed(low), (torch.randn(5, 8), mode))


def test_integer_weights_are_refused() -> None:
    from torchao.quantization import IntxWeightOnlyConfig, quantize_

    module = nn.Sequential(nn.Linear(8, 4))
    quantize_(module, IntxWeightOnlyConfig(weight_dtype=torch.int8))
    with pytest.raises(quantc.Error, match="0: has integer weights of torchao; .*from_torchao"):
        qt.load(module, torch.randn(5, 8))


@pytest.mark.parametrize("name", ["int4-groups-dynamic", "int8-channels", "int4-channels-dynamic"])
def test_qat_config(name: str) -> None:
    from torchao.quantization import (
        Int8DynamicActivationIntxWeightConfig,
        IntxWeightOnlyConfig,
        quantize_,
    )
    from torchao.quantization.granularity import PerAxis, PerGroup
    from torchao.quantization.qat import QATConfig

    base = {
        "int4-groups-dynamic": Int8DynamicActivationIntxWeightConfig(
            weight_dtype=torch.int4, weight_granularity=PerGroup(32)
        ),
        "int8-channels": IntxWeightOnlyConfig(weight_dtype=torch.int8, granularity=PerAxis(0)),
        "int4-channels-dynamic": Int8DynamicActivationIntxWeightConfig(
            weight_dtype=torch.int4, weight_granularity=PerAxis(0)
        ),
    }[name]
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 5))
    quantize_(module, QATConfig(base, step="prepare"))
    x = torch.randn(16, 64)
    optimizer = torch.optim.SGD(module.parameters(), lr=1e-2)
    for _ in range(3):
        optimizer.zero_grad()
        module(x).square().mean().backward()
        optimizer.step()
    quantize_(module, QATConfig(base, step="convert"))
    expected = module.eval()(x).detach().numpy()

    frozen = qt.from_torchao(module)
    assert torch.equal(frozen[0].get_float_weight(), module[0].weight.dequantize())
    model = qt.convert(frozen, x)
    layer = model.layers["0"]
    assert layer.mode == ("dynamic" if "dynamic" in name else "weight_only")
    assert layer.weight_bits == int(name[3])
    actual = quantc.compile(model)(x.numpy())
    assert actual.tobytes() == frozen(x).numpy().tobytes()
    # torchao multiplies by the reciprocal of the scale where we divide.
    np.testing.assert_allclose(actual, expected, atol=np.abs(expected).max() / 64)


def test_module_that_torchao_has_not_quantized() -> None:
    with pytest.raises(quantc.Error, match="^Linear: has no linear layer with a weight of torchao"):
        qt.from_torchao(nn.Linear(4, 4))
