"""Adapters of a transformer block: ours on an INT8 base beside PEFT's on the float module."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import quantc

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
peft = pytest.importorskip("peft", reason="peft is not installed")
pytest.importorskip("onnxscript", reason="onnxscript is not installed")

WIDTH = 64


class Block(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v, self.o = (torch.nn.Linear(WIDTH, WIDTH) for _ in range(4))
        self.up = torch.nn.Linear(WIDTH, 2 * WIDTH)
        self.down = torch.nn.Linear(2 * WIDTH, WIDTH)
        self.norm1, self.norm2 = torch.nn.LayerNorm(WIDTH), torch.nn.LayerNorm(WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = self.norm1(x)
        scores = self.q(hidden) @ self.k(hidden).transpose(-1, -2) / WIDTH**0.5
        x = x + self.o(torch.softmax(scores, -1) @ self.v(hidden))
        return x + self.down(torch.nn.functional.gelu(self.up(self.norm2(x))))


def test_block_agrees_with_peft(tmp_path: Path) -> None:
    torch.manual_seed(0)
    module, x = Block().eval(), torch.randn(2, 9, WIDTH)
    axes = {"x": {0: "batch", 1: "tokens"}, "y": {0: "batch", 1: "tokens"}}
    torch.onnx.export(
        module,
        (x,),
        str(tmp_path / "block.onnx"),
        input_names=["x"],
        output_names=["y"],
        dynamic_axes=axes,
        dynamo=False,
    )
    config = quantc.QuantizationConfig(weight_bits=8, mode="dynamic")
    base = quantc.quantize(quantc.load(tmp_path / "block.onnx"), config)
    with_lora = quantc.insert_lora(base, max_rank=8)
    program = quantc.compile(with_lora)
    inputs = x.numpy()
    without = program(inputs)
    np.testing.assert_array_equal(without, quantc.compile(base)(inputs))

    adapted = peft.get_peft_model(
        module,
        peft.LoraConfig(
            r=8, lora_alpha=16, target_modules=["q", "v", "up", "down"], init_lora_weights=False
        ),
    ).eval()
    adapted.save_pretrained(tmp_path / "adapter")
    with torch.no_grad():
        expected = adapted(x).numpy()
        with adapted.disable_adapter():
            change = expected - adapted(x).numpy()
    program.load_adapter("a", tmp_path / "adapter")
    program.set_adapter("a")
    result = program(inputs)
    # The base is INT8: its rounding is far below what the adapter does.
    error = np.linalg.norm(result - expected)
    assert error < 0.01 * np.linalg.norm(expected)
    assert error < 0.02 * np.linalg.norm(change)
    adapter = quantc.load_adapter(tmp_path / "adapter")
    np.testing.assert_array_equal(quantc.interpret(with_lora, inputs, adapter=adapter), result)
    # Each sequence of the batch with an adapter of its own.
    mixed = program(inputs, adapters=["a", None])
    np.testing.assert_array_equal(mixed[0], result[0])
    np.testing.assert_array_equal(mixed[1], without[1])
