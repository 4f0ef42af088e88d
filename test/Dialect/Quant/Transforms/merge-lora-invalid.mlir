// RUN: quant-opt %s --quant-merge-lora --split-input-file --verify-diagnostics

func.func @inputs(%x: tensor<?x4xf32>, %zero: tensor<?x1xf32>) -> tensor<?x1xf32> {
  %w = arith.constant dense<1.0> : tensor<4x1xf32>
  %c = arith.constant 0.0 : f32
  %init = linalg.fill ins(%c : f32) outs(%zero : tensor<?x1xf32>) -> tensor<?x1xf32>
  // expected-error@below {{'a' of the adapter is 2 x 5, this layer takes rank x 4; the adapter is for another base}}
  %y = linalg.matmul {quant.adapter = {a = dense<1.0> : tensor<2x5xf32>, b = dense<1.0> : tensor<1x2xf32>, scale = 1.0 : f32}}
      ins(%x, %w : tensor<?x4xf32>, tensor<4x1xf32>) outs(%init : tensor<?x1xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

func.func @outputs(%x: tensor<3x4xf32>) -> tensor<3x1xf32> {
  %w = arith.constant dense<1.0> : tensor<4x1xf32>
  %zero = arith.constant dense<0.0> : tensor<3x1xf32>
  // expected-error@below {{'b' of the adapter is 3 x 2, this layer takes 1 x 2; the adapter is for another base}}
  %y = linalg.matmul {quant.adapter = {a = dense<1.0> : tensor<2x4xf32>, b = dense<1.0> : tensor<3x2xf32>, scale = 1.0 : f32}}
      ins(%x, %w : tensor<3x4xf32>, tensor<4x1xf32>) outs(%zero : tensor<3x1xf32>) -> tensor<3x1xf32>
  return %y : tensor<3x1xf32>
}

// -----

func.func @half(%x: tensor<3x4xf32>) -> tensor<3x1xf32> {
  %w = arith.constant dense<1.0> : tensor<4x1xf32>
  %zero = arith.constant dense<0.0> : tensor<3x1xf32>
  // expected-error@below {{malformed quant.adapter; 'a' and 'b' go together}}
  %y = linalg.matmul {quant.adapter = {a = dense<1.0> : tensor<2x4xf32>, scale = 1.0 : f32}}
      ins(%x, %w : tensor<3x4xf32>, tensor<4x1xf32>) outs(%zero : tensor<3x1xf32>) -> tensor<3x1xf32>
  return %y : tensor<3x1xf32>
}

// -----

func.func @scale(%x: tensor<3x4xf32>) -> tensor<3x1xf32> {
  %w = arith.constant dense<1.0> : tensor<4x1xf32>
  %zero = arith.constant dense<0.0> : tensor<3x1xf32>
  // expected-error@below {{malformed quant.adapter; 'scale' is a finite f32}}
  %y = linalg.matmul {quant.adapter = {a = dense<1.0> : tensor<2x4xf32>, b = dense<1.0> : tensor<1x2xf32>, scale = 0x7F800000 : f32}}
      ins(%x, %w : tensor<3x4xf32>, tensor<4x1xf32>) outs(%zero : tensor<3x1xf32>) -> tensor<3x1xf32>
  return %y : tensor<3x1xf32>
}

// -----

func.func @type(%x: tensor<3x4xf32>) -> tensor<3x1xf32> {
  %w = arith.constant dense<1.0> : tensor<4x1xf32>
  %zero = arith.constant dense<0.0> : tensor<3x1xf32>
  // expected-error@below {{malformed quant.adapter; 'weight' is a constant tensor of f32}}
  %y = linalg.matmul {quant.adapter = {weight = dense<1> : tensor<1x4xi32>}}
      ins(%x, %w : tensor<3x4xf32>, tensor<4x1xf32>) outs(%zero : tensor<3x1xf32>) -> tensor<3x1xf32>
  return %y : tensor<3x1xf32>
}

// -----

func.func @no_dictionary(%x: tensor<3x4xf32>) -> tensor<3x1xf32> {
  %w = arith.constant dense<1.0> : tensor<4x1xf32>
  %zero = arith.constant dense<0.0> : tensor<3x1xf32>
  // expected-error@below {{malformed quant.adapter; expects a dictionary}}
  %y = linalg.matmul {quant.adapter} ins(%x, %w : tensor<3x4xf32>, tensor<4x1xf32>) outs(%zero : tensor<3x1xf32>) -> tensor<3x1xf32>
  return %y : tensor<3x1xf32>
}

// -----

func.func @no_bias(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<3> : tensor<2x2xi8>
  %s = arith.constant dense<1.0> : tensor<2x1xf32>
  // expected-error@below {{has no bias that could change; the adapter is for another base}}
  %y = quant.linear %x, %w scale(%s : tensor<2x1xf32>) {
    quant.config = {granularity = "per_channel", mode = "weight_only", symmetric_weights, weight_bits = 8 : i64},
    quant.adapter = {bias = dense<1.0> : tensor<2xf32>}} : tensor<?x2xf32>, tensor<2x2xi8> -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

func.func @overflow(%x: tensor<3x1xf32>) -> tensor<3x1xf32> {
  %w = arith.constant dense<1.0> : tensor<1x1xf32>
  %zero = arith.constant dense<0.0> : tensor<3x1xf32>
  // expected-error@below {{the merged weight overflows}}
  %y = linalg.matmul {quant.adapter = {a = dense<1.0e30> : tensor<1x1xf32>, b = dense<1.0e30> : tensor<1x1xf32>, scale = 1.0 : f32}}
      ins(%x, %w : tensor<3x1xf32>, tensor<1x1xf32>) outs(%zero : tensor<3x1xf32>) -> tensor<3x1xf32>
  return %y : tensor<3x1xf32>
}

// -----

func.func @not_constant(%x: tensor<?x2xf32>, %w: tensor<2x2xi8>) -> tensor<?x2xf32> {
  %s = arith.constant dense<1.0> : tensor<2x1xf32>
  // expected-error@below {{its weight is not a constant of the program}}
  %y = quant.linear %x, %w scale(%s : tensor<2x1xf32>) {quant.adapter = {}} : tensor<?x2xf32>, tensor<2x2xi8> -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

func.func @no_config(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<3> : tensor<2x2xi8>
  %s = arith.constant dense<1.0> : tensor<2x1xf32>
  // expected-error@below {{expects a dictionary quant.config; run quant-select-layers first}}
  %y = quant.linear %x, %w scale(%s : tensor<2x1xf32>) {quant.adapter = {}} : tensor<?x2xf32>, tensor<2x2xi8> -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

func.func @no_layer(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@below {{is no linear layer: it has no weight}}
  %y = arith.addf %x, %x {quant.adapter = {}} : tensor<4xf32>
  return %y : tensor<4xf32>
}
