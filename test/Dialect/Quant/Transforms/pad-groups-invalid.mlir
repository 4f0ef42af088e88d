// RUN: quant-opt %s --quant-pad-groups --split-input-file --verify-diagnostics

func.func @remainder(%x: tensor<3x20xf32>) -> tensor<3x1xf32> {
  %w = arith.constant dense<1.0> : tensor<20x1xf32>
  %zero = arith.constant dense<0.0> : tensor<3x1xf32>
  // expected-error@below {{groups of 16 leave 4 of K = 20; choose a group size that divides K or leaves a multiple of 8 (the nearest are 12 and 20), another granularity, or skip the layer}}
  %y = linalg.matmul {quant.config = {weight_bits = 8 : i64, mode = "dynamic", granularity = "per_group", group_size = 16 : i64}}
      ins(%x, %w : tensor<3x20xf32>, tensor<20x1xf32>) outs(%zero : tensor<3x1xf32>) -> tensor<3x1xf32>
  return %y : tensor<3x1xf32>
}
