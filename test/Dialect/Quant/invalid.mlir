// RUN: quant-opt %s --split-input-file --verify-diagnostics

func.func @observe_c1_blocks_divide(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{expects dimension 1 of range to divide the tensor's}}
  %0 = quant.observe %x : tensor<4x8xf32> -> tensor<4x3x2xf32>
  return
}

// -----

func.func @observe_c2_min_and_max(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{expects a last dimension of 2, [min, max]}}
  %0 = quant.observe %x : tensor<4x8xf32> -> tensor<f32>
  return
}

// -----

func.func @histogram_c1_buckets(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{expects 65536 buckets}}
  %0 = quant.histogram %x : tensor<4x8xf32> -> tensor<2048xi64>
  return
}

// -----

func.func @choose_params_c1_bits(%r: tensor<2xf32>) {
  // expected-error @+1 {{expects 4 or 8 bits, got 5}}
  %s, %z = quant.choose_params %r {bits = 5 : i64} : tensor<2xf32> -> tensor<f32>, tensor<i8>
  return
}

// -----

func.func @choose_params_c2_range(%r: tensor<3xf32>) {
  // expected-error @+1 {{expects a last dimension of 2, [min, max]}}
  %s, %z = quant.choose_params %r {bits = 8 : i64} : tensor<3xf32> -> tensor<f32>, tensor<i8>
  return
}

// -----

func.func @choose_params_c3_shapes(%r: tensor<3x2xf32>) {
  // expected-error @+1 {{expects results of the shape of the range without its last dimension}}
  %s, %z = quant.choose_params %r {bits = 8 : i64} : tensor<3x2xf32> -> tensor<f32>, tensor<i8>
  return
}

// -----

func.func @quantize_c2_rank(%x: tensor<4x8xf32>, %s: tensor<4xf32>) {
  // expected-error @+1 {{expects scale of rank 0 or 2, got rank 1}}
  %0 = quant.quantize %x scale(%s : tensor<4xf32>) : tensor<4x8xf32> -> tensor<4x8xi8>
  return
}

// -----

func.func @quantize_c3_divides(%x: tensor<4x8xf32>, %s: tensor<4x3xf32>) {
  // expected-error @+1 {{expects dimension 1 of scale to divide the tensor's}}
  %0 = quant.quantize %x scale(%s : tensor<4x3xf32>) : tensor<4x8xf32> -> tensor<4x8xi8>
  return
}

// -----

func.func @quantize_c3_dynamic(%x: tensor<?x8xf32>, %s: tensor<2x1xf32>) {
  // expected-error @+1 {{expects dimension 0 of scale to divide the tensor's}}
  %0 = quant.quantize %x scale(%s : tensor<2x1xf32>) : tensor<?x8xf32> -> tensor<?x8xi8>
  return
}

// -----

func.func @quantize_c4_zero_point_shape(%x: tensor<4x8xf32>, %s: tensor<4x1xf32>, %z: tensor<i8>) {
  // expected-error @+1 {{expects a zero point of the shape of the scale}}
  %0 = quant.quantize %x scale(%s : tensor<4x1xf32>) zero_point(%z : tensor<i8>) : tensor<4x8xf32> -> tensor<4x8xi8>
  return
}

// -----

func.func @quantize_c5_result_shape(%x: tensor<4x8xf32>, %s: tensor<f32>) {
  // expected-error @+1 {{expects a result of the shape of the input}}
  %0 = quant.quantize %x scale(%s : tensor<f32>) : tensor<4x8xf32> -> tensor<4x4xi8>
  return
}

// -----

func.func @quantize_c5_storage(%x: tensor<4x8xf32>, %s: tensor<f32>) {
  // expected-error @+1 {{op result #0 must be ranked tensor of}}
  %0 = quant.quantize %x scale(%s : tensor<f32>) : tensor<4x8xf32> -> tensor<4x8xi5>
  return
}

// -----

func.func @quantize_c6_negative_scale(%x: tensor<4x8xf32>) {
  %s = arith.constant dense<-1.0> : tensor<f32>
  // expected-error @+1 {{expects a positive and finite scale}}
  %0 = quant.quantize %x scale(%s : tensor<f32>) : tensor<4x8xf32> -> tensor<4x8xi8>
  return
}

// -----

func.func @quantize_c6_infinite_scale(%x: tensor<4x8xf32>) {
  %s = arith.constant dense<0x7F800000> : tensor<f32>
  // expected-error @+1 {{expects a positive and finite scale}}
  %0 = quant.quantize %x scale(%s : tensor<f32>) : tensor<4x8xf32> -> tensor<4x8xi8>
  return
}

// -----

func.func @quantize_c7_zero_point_range(%x: tensor<4x8xf32>, %s: tensor<f32>) {
  %z = arith.constant dense<8> : tensor<i8>
  // expected-error @+1 {{expects zero point in [-8, 7], got 8}}
  %0 = quant.quantize %x scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) : tensor<4x8xf32> -> tensor<4x8xi4>
  return
}

// -----

func.func @quantize_c8_multiplier_blocks(%x: tensor<4x8xf32>, %s: tensor<4x1xf32>, %m: tensor<4x3xi8>) {
  // expected-error @+1 {{expects dimension 1 of multiplier to divide the tensor's}}
  %0 = quant.quantize %x scale(%s : tensor<4x1xf32>) multiplier(%m : tensor<4x3xi8>) : tensor<4x8xf32> -> tensor<4x8xi4>
  return
}

// -----

func.func @quantize_c9_multiplier_range(%x: tensor<4x8xf32>, %s: tensor<4x1xf32>) {
  %m = arith.constant dense<16> : tensor<4x2xi8>
  // expected-error @+1 {{expects multiplier in [1, 15], got 16}}
  %0 = quant.quantize %x scale(%s : tensor<4x1xf32>) multiplier(%m : tensor<4x2xi8>) : tensor<4x8xf32> -> tensor<4x8xi4>
  return
}

// -----

func.func @dequantize_c5_result_shape(%q: tensor<4x8xi8>, %s: tensor<f32>) {
  // expected-error @+1 {{expects a result of the shape of the input}}
  %0 = quant.dequantize %q scale(%s : tensor<f32>) : tensor<4x8xi8> -> tensor<8xf32>
  return
}

// -----

func.func @fake_quant_c1_bits(%x: tensor<4x8xf32>, %s: tensor<f32>) {
  // expected-error @+1 {{expects 4 or 8 bits, got 2}}
  %0 = quant.fake_quant %x scale(%s : tensor<f32>) {bits = 2 : i64} : tensor<4x8xf32>
  return
}

// -----

func.func @requantize_c1_scale(%x: tensor<4xi8>, %s: tensor<f32>, %z: tensor<i8>) {
  %zero = arith.constant dense<0.0> : tensor<f32>
  // expected-error @+1 {{expects a positive and finite output scale}}
  %0 = quant.requantize %x input(%s, %z : tensor<f32>, tensor<i8>) output(%zero, %z : tensor<f32>, tensor<i8>) : tensor<4xi8>
  return
}

// -----

func.func @requantize_c2_clamp(%x: tensor<4xi8>, %s: tensor<f32>, %z: tensor<i8>) {
  // expected-error @+1 {{expects clamp bounds in order within [-128, 127], got [4, 3]}}
  %0 = quant.requantize %x input(%s, %z : tensor<f32>, tensor<i8>) output(%s, %z : tensor<f32>, tensor<i8>) {clamp_min = 4 : si64, clamp_max = 3 : si64} : tensor<4xi8>
  return
}

// -----

func.func @rescale_c1_shape(%x: tensor<4x3xi32>, %s: tensor<f32>) {
  // expected-error @+1 {{expects a result of the shape of the input}}
  %0 = quant.rescale %x scale(%s : tensor<f32>) : tensor<4x3xi32> -> tensor<4x4xf32>
  return
}

// -----

func.func @rescale_c1_blocks(%x: tensor<4x3xi32>, %s: tensor<1x2xf32>) {
  // expected-error @+1 {{expects dimension 1 of scale to divide the tensor's}}
  %0 = quant.rescale %x scale(%s : tensor<1x2xf32>) : tensor<4x3xi32> -> tensor<4x3xf32>
  return
}

// -----

func.func @rescale_c2_scale(%x: tensor<4x3xi32>) {
  %s = arith.constant dense<0x7F800000> : tensor<f32>
  // expected-error @+1 {{expects a positive and finite scale}}
  %0 = quant.rescale %x scale(%s : tensor<f32>) : tensor<4x3xi32> -> tensor<4x3xf32>
  return
}

// -----

func.func @rescale_c3_zero_point(%x: tensor<4x3xi16>, %s: tensor<f32>) {
  // expected-error @+1 {{expects a zero point exactly when the result is i8}}
  %0 = quant.rescale %x scale(%s : tensor<f32>) : tensor<4x3xi16> -> tensor<4x3xi8>
  return
}

// -----

func.func @rescale_c4_clamp(%x: tensor<4x3xi16>, %s: tensor<f32>, %z: tensor<i8>) {
  // expected-error @+1 {{expects clamp bounds in order within [-128, 127], got [-128, 128]}}
  %0 = quant.rescale %x scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) {clamp_max = 128 : si64} : tensor<4x3xi16> -> tensor<4x3xi8>
  return
}

// -----

func.func @unpack_c1_half(%x: tensor<4x3xi8>) {
  // expected-error @+1 {{expects an input whose last dimension is half that of the result, rounded up}}
  %0 = quant.unpack %x : tensor<4x3xi8> -> tensor<4x8xi4>
  return
}

// -----

func.func @linear_c1_k(%x: tensor<?x8xf32>, %w: tensor<6x4xi8>, %s: tensor<f32>) {
  // expected-error @+1 {{expects K of the input (8) and of the weight (4) to be equal}}
  %0 = quant.linear %x, %w scale(%s : tensor<f32>) : tensor<?x8xf32>, tensor<6x4xi8> -> tensor<?x6xf32>
  return
}

// -----

func.func @linear_c2_integer_input(%x: tensor<?x8xi8>, %w: tensor<6x8xi8>, %s: tensor<f32>) {
  // expected-error @+1 {{expects an input scale and zero point exactly when the input is i8}}
  %0 = quant.linear %x, %w scale(%s : tensor<f32>) : tensor<?x8xi8>, tensor<6x8xi8> -> tensor<?x6xf32>
  return
}

// -----

func.func @linear_c3_weight(%x: tensor<?x8xf32>, %w: tensor<6x8xi16>, %s: tensor<f32>) {
  // expected-error @+1 {{op operand #1 must be ranked tensor of}}
  %0 = quant.linear %x, %w scale(%s : tensor<f32>) : tensor<?x8xf32>, tensor<6x8xi16> -> tensor<?x6xf32>
  return
}

// -----

func.func @linear_c4_weight_scale(%x: tensor<?x8xf32>, %w: tensor<6x8xi8>, %s: tensor<1x2xf32>) {
  // expected-error @+1 {{expects a weight scale of rank 0, [N, 1] or [N, G]}}
  %0 = quant.linear %x, %w scale(%s : tensor<1x2xf32>) : tensor<?x8xf32>, tensor<6x8xi8> -> tensor<?x6xf32>
  return
}

// -----

func.func @linear_c5_weight_zero_point(%x: tensor<?x8xf32>, %w: tensor<6x8xi8>, %s: tensor<6x1xf32>, %z: tensor<i8>) {
  // expected-error @+1 {{expects a weight zero point of the shape of the weight scale}}
  %0 = quant.linear %x, %w scale(%s : tensor<6x1xf32>) zero_point(%z : tensor<i8>) : tensor<?x8xf32>, tensor<6x8xi8> -> tensor<?x6xf32>
  return
}

// -----

func.func @linear_c6_group_multiplier(%x: tensor<?x8xf32>, %w: tensor<6x8xi8>, %s: tensor<6x1xf32>, %m: tensor<6x2xi8>) {
  // expected-error @+1 {{expects a group multiplier only on i4 weights}}
  %0 = quant.linear %x, %w scale(%s : tensor<6x1xf32>) multiplier(%m : tensor<6x2xi8>) : tensor<?x8xf32>, tensor<6x8xi8> -> tensor<?x6xf32>
  return
}

// -----

func.func @linear_c7_bias(%x: tensor<?x8xf32>, %w: tensor<6x8xi8>, %s: tensor<6x1xf32>, %b: tensor<5xf32>) {
  // expected-error @+1 {{expects a bias of N elements}}
  %0 = quant.linear %x, %w scale(%s : tensor<6x1xf32>) bias(%b : tensor<5xf32>) : tensor<?x8xf32>, tensor<6x8xi8> -> tensor<?x6xf32>
  return
}

// -----

func.func @linear_c8_integer_result(%x: tensor<?x8xi8>, %w: tensor<6x8xi8>, %s: tensor<f32>, %z: tensor<i8>) {
  // expected-error @+1 {{expects an output scale and zero point exactly when the result is i8}}
  %0 = quant.linear %x, %w scale(%s : tensor<f32>) input(%s, %z : tensor<f32>, tensor<i8>) : tensor<?x8xi8>, tensor<6x8xi8> -> tensor<?x6xi8>
  return
}

// -----

func.func @linear_c9_input_scale(%x: tensor<?x8xi8>, %w: tensor<6x8xi8>, %s: tensor<f32>, %sa: tensor<?x2xf32>, %z: tensor<?x2xi8>) {
  // expected-error @+1 {{expects an input scale of rank 0 or one for each row, [M, 1]}}
  %0 = quant.linear %x, %w scale(%s : tensor<f32>) input(%sa, %z : tensor<?x2xf32>, tensor<?x2xi8>) : tensor<?x8xi8>, tensor<6x8xi8> -> tensor<?x6xf32>
  return
}

// -----

func.func @linear_c10_clamp(%x: tensor<?x8xi8>, %w: tensor<6x8xi8>, %s: tensor<f32>, %z: tensor<i8>) {
  // expected-error @+1 {{expects clamp bounds in order within [-128, 127], got [-129, 127]}}
  %0 = quant.linear %x, %w scale(%s : tensor<f32>) input(%s, %z : tensor<f32>, tensor<i8>) output(%s, %z : tensor<f32>, tensor<i8>) {clamp_min = -129 : si64} : tensor<?x8xi8>, tensor<6x8xi8> -> tensor<?x6xi8>
  return
}

// -----

func.func @linear_c11_static_per_channel(%x: tensor<?x8xi8>, %w: tensor<6x8xi8>, %s: tensor<f32>, %z: tensor<i8>, %g: tensor<6x2xf32>) {
  // expected-error @+1 {{expects an i8 result only with a static i8 input and one weight scale per channel}}
  %0 = quant.linear %x, %w scale(%g : tensor<6x2xf32>) input(%s, %z : tensor<f32>, tensor<i8>) output(%s, %z : tensor<f32>, tensor<i8>) : tensor<?x8xi8>, tensor<6x8xi8> -> tensor<?x6xi8>
  return
}

// -----

func.func @linear_c12_addend(%x: tensor<?x8xi8>, %w: tensor<6x8xi8>, %s: tensor<f32>, %z: tensor<i8>, %d: tensor<?x8xf32>) {
  // expected-error @+1 {{expects an addend of the shape of the result}}
  %0 = quant.linear %x, %w scale(%s : tensor<f32>) input(%s, %z : tensor<f32>, tensor<i8>) addend(%d : tensor<?x8xf32>) : tensor<?x8xi8>, tensor<6x8xi8> -> tensor<?x6xf32>
  return
}

// -----

func.func @linear_c13_groups(%x: tensor<?x32xi8>, %w: tensor<6x8xi8>, %s: tensor<f32>, %z: tensor<i8>) {
  // expected-error @+1 {{expects groups of features that divide N, got 4 for N = 6}}
  %0 = quant.linear %x, %w scale(%s : tensor<f32>) input(%s, %z : tensor<f32>, tensor<i8>) {feature_groups = 4 : i64} : tensor<?x32xi8>, tensor<6x8xi8> -> tensor<?x6xf32>
  return
}

// -----

func.func @linear_c13_depth(%x: tensor<?x32xi8>, %w: tensor<6x8xi8>, %s: tensor<f32>, %z: tensor<i8>) {
  // expected-error @+1 {{expects K of the input (32) and of the weight (24) to be equal}}
  %0 = quant.linear %x, %w scale(%s : tensor<f32>) input(%s, %z : tensor<f32>, tensor<i8>) {feature_groups = 3 : i64} : tensor<?x32xi8>, tensor<6x8xi8> -> tensor<?x6xf32>
  return
}

// -----

func.func @lora_c1_depth(%x: tensor<?x8xf32>, %a: tensor<?x7x4xf32>, %b: tensor<?x4x6xf32>, %s: tensor<?xf32>, %i: tensor<?xi32>) {
  // expected-error @+1 {{expects input [M, K], down [S, K, R], up [S, R, N], scale [S] and result [M, N] with static K, R and N, R not 0}}
  %0 = quant.lora %x, %a, %b scale(%s : tensor<?xf32>) slots(%i : tensor<?xi32>) : tensor<?x8xf32>, tensor<?x7x4xf32>, tensor<?x4x6xf32> -> tensor<?x6xf32>
  return
}

// -----

func.func @lora_c1_rank(%x: tensor<?x8xf32>, %a: tensor<8x4xf32>, %b: tensor<?x4x6xf32>, %s: tensor<?xf32>, %i: tensor<?xi32>) {
  // expected-error @+1 {{expects input [M, K], down [S, K, R], up [S, R, N] and result [M, N]}}
  %0 = quant.lora %x, %a, %b scale(%s : tensor<?xf32>) slots(%i : tensor<?xi32>) : tensor<?x8xf32>, tensor<8x4xf32>, tensor<?x4x6xf32> -> tensor<?x6xf32>
  return
}

// -----

func.func @lora_c2_storage(%x: tensor<?x8xf32>, %a: tensor<?x8x4xf32>, %b: tensor<?x4x6xbf16>, %s: tensor<?xf32>, %i: tensor<?xi32>) {
  // expected-error @+1 {{expects down and up of the same element type}}
  %0 = quant.lora %x, %a, %b scale(%s : tensor<?xf32>) slots(%i : tensor<?xi32>) : tensor<?x8xf32>, tensor<?x8x4xf32>, tensor<?x4x6xbf16> -> tensor<?x6xf32>
  return
}

// -----

func.func @lora_c3_missing(%x: tensor<?x8xf32>, %a: tensor<?x8x4xi8>, %b: tensor<?x4x6xi8>, %s: tensor<?xf32>, %i: tensor<?xi32>) {
  // expected-error @+1 {{expects storage scales exactly when down and up are i8}}
  %0 = quant.lora %x, %a, %b scale(%s : tensor<?xf32>) slots(%i : tensor<?xi32>) : tensor<?x8xf32>, tensor<?x8x4xi8>, tensor<?x4x6xi8> -> tensor<?x6xf32>
  return
}

// -----

func.func @lora_c3_shape(%x: tensor<?x8xf32>, %a: tensor<?x8x4xi8>, %b: tensor<?x4x6xi8>, %s: tensor<?xf32>, %sa: tensor<?x4xf32>, %i: tensor<?xi32>) {
  // expected-error @+1 {{expects storage scales [S, R] and [S, N]}}
  %0 = quant.lora %x, %a, %b scale(%s : tensor<?xf32>) storage_scales(%sa, %sa : tensor<?x4xf32>, tensor<?x4xf32>) slots(%i : tensor<?xi32>) : tensor<?x8xf32>, tensor<?x8x4xi8>, tensor<?x4x6xi8> -> tensor<?x6xf32>
  return
}

// -----

func.func @dequantize_normal_float_c1_blocks(%q: tensor<4x96xi4>, %c: tensor<1x256xi8>, %s: tensor<1x1xf32>, %m: tensor<f32>) {
  // expected-error @+1 {{expects an [N, K] input, K a multiple of 64, and a result of its shape}}
  %0 = quant.dequantize_normal_float %q magnitude(%c, %s, %m : tensor<1x256xi8>, tensor<1x1xf32>, tensor<f32>) : tensor<4x96xi4> -> tensor<4x96xf32>
  return
}

// -----

func.func @dequantize_normal_float_c1_result(%q: tensor<4x64xi4>, %c: tensor<1x256xi8>, %s: tensor<1x1xf32>, %m: tensor<f32>) {
  // expected-error @+1 {{expects an [N, K] input, K a multiple of 64, and a result of its shape}}
  %0 = quant.dequantize_normal_float %q magnitude(%c, %s, %m : tensor<1x256xi8>, tensor<1x1xf32>, tensor<f32>) : tensor<4x64xi4> -> tensor<64x4xf32>
  return
}

// -----

func.func @dequantize_normal_float_c2_magnitudes(%q: tensor<4x64xi4>, %c: tensor<4x1xi8>, %s: tensor<1x1xf32>, %m: tensor<f32>) {
  // expected-error @+1 {{expects magnitudes of shape [1, 256] and their scales of shape [1, 1]}}
  %0 = quant.dequantize_normal_float %q magnitude(%c, %s, %m : tensor<4x1xi8>, tensor<1x1xf32>, tensor<f32>) : tensor<4x64xi4> -> tensor<4x64xf32>
  return
}

// -----

func.func @dequantize_normal_float_c2_scales(%q: tensor<257x64xi4>, %c: tensor<2x256xi8>, %s: tensor<1x1xf32>, %m: tensor<f32>) {
  // expected-error @+1 {{expects magnitudes of shape [2, 256] and their scales of shape [2, 1]}}
  %0 = quant.dequantize_normal_float %q magnitude(%c, %s, %m : tensor<2x256xi8>, tensor<1x1xf32>, tensor<f32>) : tensor<257x64xi4> -> tensor<257x64xf32>
  return
}

// -----

func.func @dequantize_normal_float_c3_scale(%q: tensor<4x64xi4>, %c: tensor<1x256xi8>, %m: tensor<f32>) {
  %s = arith.constant dense<0.0> : tensor<1x1xf32>
  // expected-error @+1 {{expects a positive and finite magnitude scale}}
  %0 = quant.dequantize_normal_float %q magnitude(%c, %s, %m : tensor<1x256xi8>, tensor<1x1xf32>, tensor<f32>) : tensor<4x64xi4> -> tensor<4x64xf32>
  return
}
