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

// -----

func.func @range_and_parameters(%x: tensor<3x16xf32>) -> tensor<3x1xf32> {
  %w = arith.constant dense<1.0> : tensor<16x1xf32>
  %zero = arith.constant dense<0.0> : tensor<3x1xf32>
  // expected-error@below {{has both quant.input_range and quant.input_parameters; keep one of them}}
  %y = linalg.matmul {quant.config = {weight_bits = 8 : i64, mode = "static", granularity = "per_channel", symmetric_weights}, quant.input_range = array<f32: 0.0, 1.0>, quant.input_parameters = {scale = 1.0 : f32, zero_point = 0 : i64}} ins(%x, %w : tensor<3x16xf32>, tensor<16x1xf32>) outs(%zero : tensor<3x1xf32>) -> tensor<3x1xf32>
  return %y : tensor<3x1xf32>
}

// -----

func.func @input_scale(%x: tensor<3x16xf32>) -> tensor<3x1xf32> {
  %w = arith.constant dense<1.0> : tensor<16x1xf32>
  %zero = arith.constant dense<0.0> : tensor<3x1xf32>
  // expected-error@below {{malformed quant.input_parameters; expects a dictionary with 'scale', an f32 that is positive and finite, and 'zero_point', an i64 from -128 to 127}}
  %y = linalg.matmul {quant.config = {weight_bits = 8 : i64, mode = "static", granularity = "per_channel", symmetric_weights}, quant.input_parameters = {scale = -1.0 : f32, zero_point = 0 : i64}} ins(%x, %w : tensor<3x16xf32>, tensor<16x1xf32>) outs(%zero : tensor<3x1xf32>) -> tensor<3x1xf32>
  return %y : tensor<3x1xf32>
}

// -----

func.func @weight_scale_shape(%x: tensor<3x16xf32>) -> tensor<3x1xf32> {
  %w = arith.constant dense<1.0> : tensor<16x1xf32>
  %zero = arith.constant dense<0.0> : tensor<3x1xf32>
  // expected-error@below {{malformed quant.weight_scale; expects a 'tensor<1x1xf32>' of positive finite scales}}
  %y = linalg.matmul {quant.config = {weight_bits = 8 : i64, mode = "dynamic", granularity = "per_channel", symmetric_weights}, quant.weight_scale = dense<1.0> : tensor<2x1xf32>} ins(%x, %w : tensor<3x16xf32>, tensor<16x1xf32>) outs(%zero : tensor<3x1xf32>) -> tensor<3x1xf32>
  return %y : tensor<3x1xf32>
}

// -----

func.func @weight_scale_zero(%x: tensor<3x16xf32>) -> tensor<3x1xf32> {
  %w = arith.constant dense<1.0> : tensor<16x1xf32>
  %zero = arith.constant dense<0.0> : tensor<3x1xf32>
  // expected-error@below {{malformed quant.weight_scale; expects a 'tensor<f32>' of positive finite scales}}
  %y = linalg.matmul {quant.config = {weight_bits = 8 : i64, mode = "dynamic", granularity = "per_tensor", symmetric_weights}, quant.weight_scale = dense<0.0> : tensor<f32>} ins(%x, %w : tensor<3x16xf32>, tensor<16x1xf32>) outs(%zero : tensor<3x1xf32>) -> tensor<3x1xf32>
  return %y : tensor<3x1xf32>
}

// -----

// 0.1 has mantissa bits below those of a two-level scale (two_level_a2).
func.func @two_level_scale(%x: tensor<3x16xf32>) -> tensor<3x1xf32> {
  %w = arith.constant dense<1.0> : tensor<16x1xf32>
  %zero = arith.constant dense<0.0> : tensor<3x1xf32>
  // expected-error@below {{malformed quant.weight_scale; expects a 'tensor<1x1xf32>' of positive finite scales whose last 4 mantissa bits are zero}}
  %y = linalg.matmul {quant.config = {weight_bits = 4 : i64, mode = "dynamic", granularity = "per_group", group_size = 8 : i64, symmetric_weights}, quant.weight_scale = dense<0.1> : tensor<1x1xf32>, quant.weight_multiplier = dense<1> : tensor<1x2xi8>} ins(%x, %w : tensor<3x16xf32>, tensor<16x1xf32>) outs(%zero : tensor<3x1xf32>) -> tensor<3x1xf32>
  return %y : tensor<3x1xf32>
}

// -----

func.func @multiplier(%x: tensor<3x16xf32>) -> tensor<3x1xf32> {
  %w = arith.constant dense<1.0> : tensor<16x1xf32>
  %zero = arith.constant dense<0.0> : tensor<3x1xf32>
  // expected-error@below {{malformed quant.weight_multiplier; expects a 'tensor<1x2xi8>' of multipliers from 1 to 15}}
  %y = linalg.matmul {quant.config = {weight_bits = 4 : i64, mode = "dynamic", granularity = "per_group", group_size = 8 : i64, symmetric_weights}, quant.weight_scale = dense<0.125> : tensor<1x1xf32>, quant.weight_multiplier = dense<16> : tensor<1x2xi8>} ins(%x, %w : tensor<3x16xf32>, tensor<16x1xf32>) outs(%zero : tensor<3x1xf32>) -> tensor<3x1xf32>
  return %y : tensor<3x1xf32>
}

// -----

func.func @multiplier_without_groups(%x: tensor<3x16xf32>) -> tensor<3x1xf32> {
  %w = arith.constant dense<1.0> : tensor<16x1xf32>
  %zero = arith.constant dense<0.0> : tensor<3x1xf32>
  // expected-error@below {{quant.weight_multiplier on a layer without integer group scales; those are symmetric, of 4 bits, per group}}
  %y = linalg.matmul {quant.config = {weight_bits = 8 : i64, mode = "dynamic", granularity = "per_tensor", symmetric_weights}, quant.weight_scale = dense<1.0> : tensor<f32>, quant.weight_multiplier = dense<1> : tensor<1x2xi8>} ins(%x, %w : tensor<3x16xf32>, tensor<16x1xf32>) outs(%zero : tensor<3x1xf32>) -> tensor<3x1xf32>
  return %y : tensor<3x1xf32>
}

// -----

func.func @zero_point_range(%x: tensor<3x16xf32>) -> tensor<3x1xf32> {
  %w = arith.constant dense<1.0> : tensor<16x1xf32>
  %zero = arith.constant dense<0.0> : tensor<3x1xf32>
  // expected-error@below {{malformed quant.weight_zero_point; expects a 'tensor<i8>' of zero points in the storage range}}
  %y = linalg.matmul {quant.config = {weight_bits = 4 : i64, mode = "dynamic", granularity = "per_tensor"}, quant.weight_scale = dense<1.0> : tensor<f32>, quant.weight_zero_point = dense<8> : tensor<i8>} ins(%x, %w : tensor<3x16xf32>, tensor<16x1xf32>) outs(%zero : tensor<3x1xf32>) -> tensor<3x1xf32>
  return %y : tensor<3x1xf32>
}

// -----

func.func @magnitudes(%x: tensor<3x64xf32>) -> tensor<3x1xf32> {
  %w = arith.constant dense<1.0> : tensor<64x1xf32>
  %zero = arith.constant dense<0.0> : tensor<3x1xf32>
  // expected-error@below {{malformed quant.weight_magnitude; expects a 'tensor<1x256xi8>' of magnitudes from -127 to 127}}
  // expected-error@below {{malformed quant.weight_magnitude_scale; expects a 'tensor<1x1xf32>' of positive finite scales}}
  // expected-error@below {{malformed quant.weight_magnitude_mean; expects a 'tensor<f32>' of a finite mean}}
  %y = linalg.matmul {quant.config = {weight_format = "nf4"}, quant.weight_magnitude = dense<0> : tensor<1x64xi8>} ins(%x, %w : tensor<3x64xf32>, tensor<64x1xf32>) outs(%zero : tensor<3x1xf32>) -> tensor<3x1xf32>
  return %y : tensor<3x1xf32>
}

// -----

func.func @groups_of_row(%ids: tensor<4xi64>, %init: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %table = arith.constant dense<2.0> : tensor<1x8xf32>
  // expected-error@below {{groups of 10 do not divide K = 8; run quant-pad-groups first}}
  %y = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      ins(%ids : tensor<4xi64>) outs(%init : tensor<4x8xf32>)
      attrs = {quant.config = {weight_bits = 4 : i64, mode = "weight_only", granularity = "per_group", group_size = 10 : i64, symmetric_weights}} {
  ^bb0(%id: i64, %out: f32):
    %row = arith.index_cast %id : i64 to index
    %col = linalg.index 1 : index
    %v = tensor.extract %table[%row, %col] : tensor<1x8xf32>
    linalg.yield %v : f32
  } -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}
