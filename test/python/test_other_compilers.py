"""Programs that other compilers write, as MLIR text."""

from __future__ import annotations

import numpy as np
from quantc._quantc import run_pipeline

import quantc

TOSA = """
!q = !quant.uniform<i8:f32, 0.5:-3>
!v = !quant.uniform<i8:f32, 0.25>
func.func @main(%x: tensor<2x5x5x8xi8>) -> tensor<2x3xi8> {
  %w = "tosa.const"() <{values = dense_resource<w> : tensor<4x3x3x8xi8>}> : () -> tensor<4x3x3x8xi8>
  %v = "tosa.const"() <{values = dense_resource<v> : tensor<1x16x3xi8>}> : () -> tensor<1x16x3x!v>
  %b = "tosa.const"() <{values = dense<[100, -200, 300, -400]> : tensor<4xi32>}> : () -> tensor<4xi32>
  %xz = "tosa.const"() <{values = dense<7> : tensor<1xi8>}> : () -> tensor<1xi8>
  %z = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
  %yz = "tosa.const"() <{values = dense<-3> : tensor<1xi8>}> : () -> tensor<1xi8>
  %az = "tosa.const"() <{values = dense<0> : tensor<1xi32>}> : () -> tensor<1xi32>
  %m = "tosa.const"() <{values = dense<[1200000000, 1300000000, 1400000000, 1500000000]> : tensor<4xi32>}> : () -> tensor<4xi32>
  %s = "tosa.const"() <{values = dense<[39, 40, 39, 40]> : tensor<4xi8>}> : () -> tensor<4xi8>
  %n = "tosa.const"() <{values = dense<1600000000> : tensor<1xi32>}> : () -> tensor<1xi32>
  %r = "tosa.const"() <{values = dense<38> : tensor<1xi8>}> : () -> tensor<1xi8>
  %c = tosa.conv2d %x, %w, %b, %xz, %z {acc_type = i32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 2, 2>} : (tensor<2x5x5x8xi8>, tensor<4x3x3x8xi8>, tensor<4xi32>, tensor<1xi8>, tensor<1xi8>) -> tensor<2x2x2x4xi32>
  %h = tosa.rescale %c, %m, %s, %az, %yz {scale32 = true, rounding_mode = SINGLE_ROUND, per_channel = true, input_unsigned = false, output_unsigned = false} : (tensor<2x2x2x4xi32>, tensor<4xi32>, tensor<4xi8>, tensor<1xi32>, tensor<1xi8>) -> tensor<2x2x2x4x!q>
  %k = tosa.clamp %h {min_val = -3 : i8, max_val = 127 : i8} : (tensor<2x2x2x4x!q>) -> tensor<2x2x2x4x!q>
  %rows = tosa.const_shape {values = dense<[1, 2, 16]> : tensor<3xindex>} : () -> !tosa.shape<3>
  %f = tosa.reshape %k, %rows : (tensor<2x2x2x4x!q>, !tosa.shape<3>) -> tensor<1x2x16x!q>
  %p = tosa.matmul %f, %v, %yz, %z : (tensor<1x2x16x!q>, tensor<1x16x3x!v>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x2x3xi32>
  %o = tosa.rescale %p, %n, %r, %az, %z {scale32 = true, rounding_mode = SINGLE_ROUND, per_channel = false, input_unsigned = false, output_unsigned = false} : (tensor<1x2x3xi32>, tensor<1xi32>, tensor<1xi8>, tensor<1xi32>, tensor<1xi8>) -> tensor<1x2x3xi8>
  %flat = tosa.const_shape {values = dense<[2, 3]> : tensor<2xindex>} : () -> !tosa.shape<2>
  %y = tosa.reshape %o, %flat : (tensor<1x2x3xi8>, !tosa.shape<2>) -> tensor<2x3xi8>
  return %y : tensor<2x3xi8>
}
"""


def rescale(sums: np.ndarray, multiplier: np.ndarray, shift: np.ndarray, zero: int) -> np.ndarray:
    """``tosa.rescale`` with one rounding, half up."""
    scaled = (sums * multiplier + (np.int64(1) << (shift - 1))) >> shift
    return np.clip(scaled + zero, -128, 127)


def test_tosa() -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(-128, 128, (2, 5, 5, 8)).astype(np.int8)
    w = rng.integers(-128, 128, (4, 3, 3, 8)).astype(np.int8)
    v = rng.integers(-128, 128, (16, 3)).astype(np.int8)
    text = TOSA.replace("dense_resource<w>", f'dense<"0x{w.tobytes().hex()}">')
    text = text.replace("dense_resource<v>", f'dense<"0x{v.tobytes().hex()}">')
    model = run_pipeline(quantc.Model.parse(text, "tosa"), "builtin.module(quant-import-tosa)")
    assert "tosa." not in model.mlir() and "quant.uniform" not in model.mlir()

    centered = x.astype(np.int64) - 7
    windows = np.lib.stride_tricks.sliding_window_view(centered, (3, 3), (1, 2))[:, ::2, ::2]
    sums = np.einsum("nyxckl,fklc->nyxf", windows, w.astype(np.int64)) + [100, -200, 300, -400]
    multipliers = np.array([12, 13, 14, 15]) * 10**8
    hidden = rescale(sums, multipliers, np.array([39, 40, 39, 40]), -3)
    rows = np.maximum(hidden, -3).reshape(2, 16) + 3
    expected = rescale(rows @ v.astype(np.int64), np.int64(16 * 10**8), np.int64(38), 0)
    assert len(np.unique(expected)) > 3
    actual = quantc.interpret(model, x)
    np.testing.assert_array_equal(actual, expected)
    assert quantc.compile(model)(x).tobytes() == actual.tobytes()
