// RUN: quant-opt %s --quant-insert-quantize --split-input-file --verify-diagnostics

func.func @no_range(%x: tensor<3x16xf32>) -> tensor<3x1xf32> {
  %w = arith.constant dense<1.0> : tensor<16x1xf32>
  %zero = arith.constant dense<0.0> : tensor<3x1xf32>
  // expected-error@below {{the range of the input is not known; mode static needs calibration=<file>}}
  %y = linalg.matmul {quant.config = {weight_bits = 8 : i64, mode = "static", granularity = "per_channel"}} ins(%x, %w : tensor<3x16xf32>, tensor<16x1xf32>) outs(%zero : tensor<3x1xf32>) -> tensor<3x1xf32>
  return %y : tensor<3x1xf32>
}

// -----

func.func @bad_range(%x: tensor<3x16xf32>) -> tensor<3x1xf32> {
  %w = arith.constant dense<1.0> : tensor<16x1xf32>
  %zero = arith.constant dense<0.0> : tensor<3x1xf32>
  // expected-error@below {{malformed quant.input_range; expects two finite numbers in ascending order}}
  %y = linalg.matmul {quant.config = {weight_bits = 8 : i64, mode = "static", granularity = "per_channel"}, quant.input_range = array<f32: 1.0, 0.0>} ins(%x, %w : tensor<3x16xf32>, tensor<16x1xf32>) outs(%zero : tensor<3x1xf32>) -> tensor<3x1xf32>
  return %y : tensor<3x1xf32>
}

// -----

func.func @config_no_dictionary(%x: tensor<3x16xf32>) -> tensor<3x1xf32> {
  %w = arith.constant dense<1.0> : tensor<16x1xf32>
  %zero = arith.constant dense<0.0> : tensor<3x1xf32>
  // expected-error@below {{expects a dictionary quant.config; run quant-select-layers first}}
  %y = linalg.matmul {quant.config = 8 : i64} ins(%x, %w : tensor<3x16xf32>, tensor<16x1xf32>) outs(%zero : tensor<3x1xf32>) -> tensor<3x1xf32>
  return %y : tensor<3x1xf32>
}

// -----

func.func @config_bits(%x: tensor<3x16xf32>) -> tensor<3x1xf32> {
  %w = arith.constant dense<1.0> : tensor<16x1xf32>
  %zero = arith.constant dense<0.0> : tensor<3x1xf32>
  // expected-error@below {{malformed quant.config; 'weight_bits' is 4 or 8}}
  %y = linalg.matmul {quant.config = {weight_bits = 6 : i64, mode = "static", granularity = "per_channel"}} ins(%x, %w : tensor<3x16xf32>, tensor<16x1xf32>) outs(%zero : tensor<3x1xf32>) -> tensor<3x1xf32>
  return %y : tensor<3x1xf32>
}

// -----

func.func @config_mode(%x: tensor<3x16xf32>) -> tensor<3x1xf32> {
  %w = arith.constant dense<1.0> : tensor<16x1xf32>
  %zero = arith.constant dense<0.0> : tensor<3x1xf32>
  // expected-error@below {{malformed quant.config; 'mode' is one of 'static', 'dynamic', 'weight_only'}}
  %y = linalg.matmul {quant.config = {weight_bits = 8 : i64, mode = "lucky", granularity = "per_channel"}} ins(%x, %w : tensor<3x16xf32>, tensor<16x1xf32>) outs(%zero : tensor<3x1xf32>) -> tensor<3x1xf32>
  return %y : tensor<3x1xf32>
}

// -----

func.func @config_group(%x: tensor<3x16xf32>) -> tensor<3x1xf32> {
  %w = arith.constant dense<1.0> : tensor<16x1xf32>
  %zero = arith.constant dense<0.0> : tensor<3x1xf32>
  // expected-error@below {{malformed quant.config; 'group_size' is an i64 from 8 to 256}}
  %y = linalg.matmul {quant.config = {weight_bits = 8 : i64, mode = "dynamic", granularity = "per_group", group_size = 0 : i64}} ins(%x, %w : tensor<3x16xf32>, tensor<16x1xf32>) outs(%zero : tensor<3x1xf32>) -> tensor<3x1xf32>
  return %y : tensor<3x1xf32>
}

// -----

func.func @no_layer(%x: tensor<3x16xf32>, %w: tensor<16x1xf32>) -> tensor<3x1xf32> {
  %zero = arith.constant dense<0.0> : tensor<3x1xf32>
  // expected-error@below {{quant.config on an operation that cannot be quantized: its weight is not a constant}}
  %y = linalg.matmul {quant.config = {weight_bits = 8 : i64, mode = "dynamic", granularity = "per_channel"}} ins(%x, %w : tensor<3x16xf32>, tensor<16x1xf32>) outs(%zero : tensor<3x1xf32>) -> tensor<3x1xf32>
  return %y : tensor<3x1xf32>
}

// -----

func.func @not_padded(%x: tensor<3x24xf32>) -> tensor<3x1xf32> {
  %w = arith.constant dense<1.0> : tensor<24x1xf32>
  %zero = arith.constant dense<0.0> : tensor<3x1xf32>
  // expected-error@below {{groups of 16 do not divide K = 24; run quant-pad-groups first}}
  %y = linalg.matmul {quant.config = {weight_bits = 8 : i64, mode = "dynamic", granularity = "per_group", group_size = 16 : i64}} ins(%x, %w : tensor<3x24xf32>, tensor<24x1xf32>) outs(%zero : tensor<3x1xf32>) -> tensor<3x1xf32>
  return %y : tensor<3x1xf32>
}
