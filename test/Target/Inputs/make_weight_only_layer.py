"""Prints a layer of f32 activations by random integer weights.

make_weight_only_layer.py COLUMNS DEPTH BITS [GROUP]    BITS is 8 or 4; with 4, GROUP weights
                                                        share a multiplier
"""

import random
import sys

columns, depth, bits = map(int, sys.argv[1:4])
groups = depth // int(sys.argv[4]) if sys.argv[4:] else 0
random.seed(0)


def make_bytes(count: int, values: range) -> str:
    """Return ``count`` random bytes as MLIR prints them."""
    return bytes(random.choice(values) for _ in range(count)).hex().upper()


if bits == 8:
    weight_type = f"tensor<{columns}x{depth}xi8>"
    text = make_bytes(columns * depth, range(256))
    weight = f'%w = arith.constant dense<"0x{text}"> : {weight_type}'
else:
    weight_type = f"tensor<{columns}x{depth}xi4>"
    byte_type = f"tensor<{columns}x{depth // 2}xi8>"
    text = make_bytes(columns * depth // 2, range(256))
    weight = f"""%bytes = arith.constant dense<"0x{text}"> : {byte_type}
  %w = quant.unpack %bytes : {byte_type} -> {weight_type}"""
multiplier = ""
if groups:
    group_type = f"tensor<{columns}x{groups}xi8>"
    text = make_bytes(columns * groups, range(1, 16))
    weight += f"""
  %m = arith.constant dense<"0x{text}"> : {group_type}"""
    multiplier = f"multiplier(%m : {group_type})"
print(f"""
func.func @main(
    %x: tensor<?x{depth}xf32> {{quant.shape = affine_map<(d0) -> (d0, {depth})>}})
    -> (tensor<?x{columns}xf32> {{quant.shape = affine_map<(d0) -> (d0, {columns})>}})
    attributes {{quant.dims = ["batch"]}} {{
  {weight}
  %sw = arith.constant dense<0.01> : tensor<{columns}x1xf32>
  %y = quant.linear %x, %w scale(%sw : tensor<{columns}x1xf32>) {multiplier}
      : tensor<?x{depth}xf32>, {weight_type} -> tensor<?x{columns}xf32>
  return %y : tensor<?x{columns}xf32>
}}""")
