"""Prints an INT8 layer with random weights.

make_layer.py COLUMNS DEPTH [LOWEST [ROWS]]

LOWEST of the weights is -127, or -128, or another; the highest is as far from 0, at most 127.
ROWS are known if they are given.
"""

import random
import sys

columns, depth = map(int, sys.argv[1:3])
lowest = int(sys.argv[3]) if sys.argv[3:] else -127
random.seed(0)
highest = min(-lowest, 127)
weights = [random.randint(lowest, highest) for _ in range(columns * depth - 1)] + [lowest]
text = bytes(weight & 255 for weight in weights).hex().upper()
rows = sys.argv[4] if sys.argv[4:] else "?"


def get_shape(size):
    """Return what says how large a row of unknown number is."""
    return f" {{quant.shape = affine_map<(d0) -> (d0, {size})>}}" if rows == "?" else ""


dims = ' attributes {quant.dims = ["batch"]}' if rows == "?" else ""
print(f"""
func.func @main(%x: tensor<{rows}x{depth}xi8>{get_shape(depth)})
    -> (tensor<{rows}x{columns}xi8>{get_shape(columns)}){dims} {{
  %w = arith.constant dense<"0x{text}"> : tensor<{columns}x{depth}xi8>
  %sw = arith.constant dense<0.01> : tensor<{columns}x1xf32>
  %sx = arith.constant dense<0.05> : tensor<f32>
  %sy = arith.constant dense<{depth / 100}> : tensor<f32>
  %z = arith.constant dense<3> : tensor<i8>
  %y = quant.linear %x, %w scale(%sw : tensor<{columns}x1xf32>)
      input(%sx, %z : tensor<f32>, tensor<i8>) output(%sy, %z : tensor<f32>, tensor<i8>)
      : tensor<{rows}x{depth}xi8>, tensor<{columns}x{depth}xi8> -> tensor<{rows}x{columns}xi8>
  return %y : tensor<{rows}x{columns}xi8>
}}""")
