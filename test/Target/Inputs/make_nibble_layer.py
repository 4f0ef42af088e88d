"""Prints an INT4 layer of i8 activations with random weights.

make_nibble_layer.py COLUMNS DEPTH GROUP [ROWS]

GROUP weights share a multiplier, none do if it is 0. ROWS are known if they are given.
"""

import random
import sys

columns, depth, group = map(int, sys.argv[1:4])
rows = sys.argv[4] if sys.argv[4:] else "?"
random.seed(0)


def make_bytes(count, values):
    """Return ``count`` random bytes as MLIR prints them."""
    return bytes(random.choice(values) for _ in range(count)).hex().upper()


def get_shape(size):
    """Return what says how large a row of unknown number is."""
    return f" {{quant.shape = affine_map<(d0) -> (d0, {size})>}}" if rows == "?" else ""


dims = ' attributes {quant.dims = ["batch"]}' if rows == "?" else ""
multiplier, constant = "", ""
if group:
    group_type = f"tensor<{columns}x{depth // group}xi8>"
    text = make_bytes(columns * depth // group, range(1, 16))
    constant = f'%m = arith.constant dense<"0x{text}"> : {group_type}'
    multiplier = f"multiplier(%m : {group_type})"
byte_type = f"tensor<{columns}x{depth // 2}xi8>"
print(f"""
func.func @main(%x: tensor<{rows}x{depth}xi8>{get_shape(depth)})
    -> (tensor<{rows}x{columns}xi8>{get_shape(columns)}){dims} {{
  %bytes = arith.constant dense<"0x{make_bytes(columns * depth // 2, range(256))}"> : {byte_type}
  %w = quant.unpack %bytes : {byte_type} -> tensor<{columns}x{depth}xi4>
  {constant}
  %sw = arith.constant dense<0.01> : tensor<{columns}x1xf32>
  %sx = arith.constant dense<0.05> : tensor<f32>
  %sy = arith.constant dense<{depth / 100}> : tensor<f32>
  %z = arith.constant dense<3> : tensor<i8>
  %y = quant.linear %x, %w scale(%sw : tensor<{columns}x1xf32>) {multiplier}
      input(%sx, %z : tensor<f32>, tensor<i8>) output(%sy, %z : tensor<f32>, tensor<i8>)
      : tensor<{rows}x{depth}xi8>, tensor<{columns}x{depth}xi4> -> tensor<{rows}x{columns}xi8>
  return %y : tensor<{rows}x{columns}xi8>
}}""")
