"""Models that torchao has quantized, by way of ONNX."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("onnxscript", reason="onnxscript is not installed")
pt2e = pytest.importorskip(
    "torchao.quantization.pt2e.quantize_pt2e", reason="torchao is not installed"
)

from torch import nn
from torchao.quantization.pt2e.quantizer import x86_inductor_quantizer as x86

import quantc
import quantc.torch as qt


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("is_qat", [False, True])
def test_pt2e(tmp_path: Path, is_qat: bool) -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(24, 16), nn.ReLU(), nn.Linear(16, 5))
    x = torch.randn(33, 24)
    batch = {0: torch.export.Dim("batch")}
    exported = torch.export.export(module, (x,), dynamic_shapes=(batch,)).module()
    config = x86.get_default_x86_inductor_quantization_config(is_qat=is_qat)
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
    converted = pt2e.convert_pt2e(prepared)
    path = tmp_path / "pt2e.onnx"
    torch.onnx.export(
        converted, (x,), path, dynamo=True, dynamic_shapes=(batch,), verbose=False,
        external_data=False,
    )  # fmt: skip
    quantized = quantc.quantize(quantc.load(path))
    modes = [(layer.mode, layer.weight_bits) for layer in quantized.layers.values()]
    assert modes == [("static", 8), ("static", 8)]
    assert next(iter(quantized.layers.values())).output_scale is not None
    expected = converted(x).detach().numpy()
    actual = quantc.compile(quantized)(x.numpy())
    assert actual.tobytes() == quantc.interpret(quantized, x.numpy()).tobytes()
    step = np.abs(expected).max() / 127
    steps = np.abs(np.rint(actual / step) - np.rint(expected / step))
    assert steps.max() <= 1 and (steps > 0).mean() <= 0.02


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
