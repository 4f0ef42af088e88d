"""Prints an FP32 layer with random weights: make_float_layer.py COLUMNS DEPTH"""

import random
import struct
import sys

columns, depth = map(int, sys.argv[1:3])
random.seed(0)
weights = [random.uniform(-1, 1) for _ in range(columns * depth)]
text = struct.pack(f"<{len(weights)}f", *weights).hex().upper()
print(f"""
func.func @main(
    %x: tensor<?x{depth}xf32> {{quant.shape = affine_map<(d0) -> (d0, {depth})>}})
    -> (tensor<?x{columns}xf32> {{quant.shape = affine_map<(d0) -> (d0, {columns})>}})
    attributes {{quant.dims = ["batch"]}} {{
  %w = arith.constant dense<"0x{text}"> : tensor<{depth}x{columns}xf32>
  %c0 = arith.constant 0 : index
  %rows = tensor.dim %x, %c0 : tensor<?x{depth}xf32>
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty(%rows) : tensor<?x{columns}xf32>
  %start = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x{columns}xf32>)
      -> tensor<?x{columns}xf32>
  %y = linalg.matmul ins(%x, %w : tensor<?x{depth}xf32>, tensor<{depth}x{columns}xf32>)
      outs(%start : tensor<?x{columns}xf32>) -> tensor<?x{columns}xf32>
  return %y : tensor<?x{columns}xf32>
}}""")
