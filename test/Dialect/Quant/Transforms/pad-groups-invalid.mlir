// RUN: quant-opt %s --quant-pad-groups --split-input-file --verify-diagnostics

func.func @remainder(%x: tensor<3x20xf32>) -> tensor<3x1xf32> {
  %w = arith.constant dense<1.0> : tensor<20x1xf32>
  %zero = arith.constant dense<0.0> : tensor<3x1xf32>
  // expected-error@below {{groups of 16 leave 4 of K = 20; choose a group size that divides K or leaves a multiple of 8 (the nearest are 12 and 20), another granularity, or skip the layer}}
  %y = linalg.matmul {quant.config = {weight_bits = 8 : i64, mode = "dynamic", granularity = "per_group", group_size = 16 : i64}}
      ins(%x, %w : tensor<3x20xf32>, tensor<20x1xf32>) outs(%zero : tensor<3x1xf32>) -> tensor<3x1xf32>
  return %y : tensor<3x1xf32>
}

// -----

func.func @remainder_of_row(%ids: tensor<4xi64>, %init: tensor<4x20xf32>) -> tensor<4x20xf32> {
  %table = arith.constant dense<1.0> : tensor<3x20xf32>
  // expected-error@below {{groups of 16 leave 4 of K = 20}}
  %y = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      ins(%ids : tensor<4xi64>) outs(%init : tensor<4x20xf32>)
      attrs = {quant.config = {weight_bits = 4 : i64, mode = "weight_only", granularity = "per_group", group_size = 16 : i64, symmetric_weights}} {
  ^bb0(%id: i64, %out: f32):
    %row = arith.index_cast %id : i64 to index
    %col = linalg.index 1 : index
    %v = tensor.extract %table[%row, %col] : tensor<3x20xf32>
    linalg.yield %v : f32
  } -> tensor<4x20xf32>
  return %y : tensor<4x20xf32>
}
