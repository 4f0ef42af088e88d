// RUN: quant-opt %s --quant-insert-fake-quant --verify-diagnostics --split-input-file

func.func @normal_float(%x: tensor<3x64xf32>) -> tensor<3x1xf32> {
  %w = arith.constant dense<1.0> : tensor<64x1xf32>
  %zero = arith.constant dense<0.0> : tensor<3x1xf32>
  // expected-error@below {{weights in the format nf4 are frozen; train an adapter beside them, or choose weight-format=integer}}
  %y = linalg.matmul {quant.config = {weight_format = "nf4"}}
      ins(%x, %w : tensor<3x64xf32>, tensor<64x1xf32>) outs(%zero : tensor<3x1xf32>) -> tensor<3x1xf32>
  return %y : tensor<3x1xf32>
}

// -----

func.func @malformed(%x: tensor<3x64xf32>) -> tensor<3x1xf32> {
  %w = arith.constant dense<1.0> : tensor<64x1xf32>
  %zero = arith.constant dense<0.0> : tensor<3x1xf32>
  // expected-error@below {{malformed quant.config; 'weight_format' is 'nf4', if it is there}}
  %y = linalg.matmul {quant.config = {weight_format = "fp4"}}
      ins(%x, %w : tensor<3x64xf32>, tensor<64x1xf32>) outs(%zero : tensor<3x1xf32>) -> tensor<3x1xf32>
  return %y : tensor<3x1xf32>
}
