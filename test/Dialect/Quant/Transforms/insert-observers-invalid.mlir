// RUN: quant-opt %s --quant-insert-observers --split-input-file --verify-diagnostics

// expected-error @+1 {{expects one public function with a body}}
module {
}

// -----

func.func @no_name(%x: tensor<3x8xf32>) -> tensor<3x4xf32> {
  %zero = arith.constant dense<0.0> : tensor<3x4xf32>
  %w = arith.constant dense<1.0> : tensor<8x4xf32>
  // expected-error @+1 {{expects a layer with a name; run quant-select-layers first}}
  %0 = linalg.matmul {quant.config = {granularity = "per_channel", mode = "static", weight_bits = 8 : i64}}
      ins(%x, %w : tensor<3x8xf32>, tensor<8x4xf32>) outs(%zero : tensor<3x4xf32>) -> tensor<3x4xf32>
  return %0 : tensor<3x4xf32>
}

// -----

func.func @malformed_config(%x: tensor<3x8xf32>) -> tensor<3x8xf32> {
  // expected-error @+1 {{expects a dictionary quant.config; run quant-select-layers first}}
  %0 = arith.negf %x {quant.config} : tensor<3x8xf32>
  return %0 : tensor<3x8xf32>
}

// -----

func.func @not_linear(%x: tensor<3x8xf32>) -> tensor<3x8xf32> {
  // expected-error-re @unknown {{cannot be quantized: {{.+}}}}
  %0 = arith.negf %x {quant.config = {granularity = "per_channel", mode = "static", weight_bits = 8 : i64}} : tensor<3x8xf32> loc("neg")
  return %0 : tensor<3x8xf32>
}

// -----

func.func @main(%x: tensor<3x8xf32>) -> tensor<3x8xf32> {
  return %x : tensor<3x8xf32>
}
func.func private @elsewhere(%x: tensor<3x8xf32>) -> tensor<3x4xf32> {
  %zero = arith.constant dense<0.0> : tensor<3x4xf32>
  %w = arith.constant dense<1.0> : tensor<8x4xf32>
  // expected-error @unknown {{expects a layer in the body of 'main' or in loops there; inline functions first}}
  %0 = linalg.matmul {quant.config = {granularity = "per_channel", mode = "static", weight_bits = 8 : i64}}
      ins(%x, %w : tensor<3x8xf32>, tensor<8x4xf32>) outs(%zero : tensor<3x4xf32>) -> tensor<3x4xf32> loc("fc1")
  return %0 : tensor<3x4xf32>
}
