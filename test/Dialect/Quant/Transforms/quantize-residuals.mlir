// RUN: quant-opt %s --quant-quantize-residuals --split-input-file | FileCheck %s
// RUN: quant-opt %s --quant-quantize-residuals --quant-fuse-requantize --split-input-file | FileCheck %s --check-prefix=FUSED

#id = affine_map<(m, n) -> (m, n)>
#kernel = {order = array<i64: 0, 2, 3, 1>, shape = array<i64: 4, 4, 1, 1>}

// The sum reads what the first convolution of the block reads, and what is
// quantized after it is moved is quantized before.
// CHECK-LABEL: func @block(
//       CHECK:   %[[X:.+]] = linalg.generic
//       CHECK:     arith.maximumf
//   CHECK-DAG:   %[[S:.+]] = arith.constant dense<5.000000e-01> : tensor<f32>
//   CHECK-DAG:   %[[Z:.+]] = arith.constant dense<-128> : tensor<i8>
//       CHECK:   %[[Q:.+]] = quant.quantize %[[X]] scale(%[[S]] : tensor<f32>) zero_point(%[[Z]] : tensor<i8>)
//       CHECK:   %[[D:.+]] = quant.dequantize %[[Q]] scale(%[[S]] : tensor<f32>) zero_point(%[[Z]] : tensor<i8>)
//       CHECK:   %[[Y:.+]] = quant.linear
//       CHECK:   linalg.generic {{.*}} ins(%[[D]], %[[Y]] :
// FUSED-LABEL: func @block(
//       FUSED:   %[[Q:.+]] = quant.quantize
//   FUSED-NOT:   quant.quantize
//       FUSED:   %[[D:.+]] = quant.dequantize %[[Q]]
//       FUSED:   quant.linear
//       FUSED:   linalg.generic {{.*}} ins(%[[D]],
func.func @block(%a: tensor<8x4xf32>, %w: tensor<4x4xi8>, %sw: tensor<4x1xf32>, %e: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %zero = arith.constant 0.0 : f32
  %s = arith.constant dense<0.5> : tensor<f32>
  %z = arith.constant dense<-128> : tensor<i8>
  %x = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%a : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.maximumf %in, %zero : f32
    linalg.yield %0 : f32
  } -> tensor<8x4xf32>
  %image = tensor.expand_shape %x [[0, 1], [2]] output_shape [2, 4, 4] : tensor<8x4xf32> into tensor<2x4x4xf32>
  %qi = quant.quantize %image scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) : tensor<2x4x4xf32> -> tensor<2x4x4xi8>
  %q = tensor.collapse_shape %qi [[0, 1], [2]] : tensor<2x4x4xi8> into tensor<8x4xi8>
  %y = quant.linear %q, %w scale(%sw : tensor<4x1xf32>) input(%s, %z : tensor<f32>, tensor<i8>) {quant.kernel = #kernel} : tensor<8x4xi8>, tensor<4x4xi8> -> tensor<8x4xf32>
  %sum = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]} ins(%x, %y : tensor<8x4xf32>, tensor<8x4xf32>) outs(%e : tensor<8x4xf32>) {
  ^bb0(%l: f32, %r: f32, %out: f32):
    %0 = arith.addf %l, %r : f32
    linalg.yield %0 : f32
  } -> tensor<8x4xf32>
  return %sum : tensor<8x4xf32>
}

// -----

#id = affine_map<(m, n) -> (m, n)>
#kernel = {order = array<i64: 0, 2, 3, 1>, shape = array<i64: 4, 4, 1, 1>}

// Others need the floats.
// CHECK-LABEL: func @needed_by_another_untouched(
//   CHECK-NOT:   quant.dequantize
func.func @needed_by_another_untouched(%x: tensor<8x4xf32>, %w: tensor<4x4xi8>, %sw: tensor<4x1xf32>, %e: tensor<8x4xf32>) -> (tensor<8x4xf32>, tensor<8x4xf32>) {
  %s = arith.constant dense<0.5> : tensor<f32>
  %z = arith.constant dense<-128> : tensor<i8>
  %q = quant.quantize %x scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) : tensor<8x4xf32> -> tensor<8x4xi8>
  %y = quant.linear %q, %w scale(%sw : tensor<4x1xf32>) input(%s, %z : tensor<f32>, tensor<i8>) {quant.kernel = #kernel} : tensor<8x4xi8>, tensor<4x4xi8> -> tensor<8x4xf32>
  %sum = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]} ins(%x, %y : tensor<8x4xf32>, tensor<8x4xf32>) outs(%e : tensor<8x4xf32>) {
  ^bb0(%l: f32, %r: f32, %out: f32):
    %0 = arith.addf %l, %r : f32
    linalg.yield %0 : f32
  } -> tensor<8x4xf32>
  return %sum, %x : tensor<8x4xf32>, tensor<8x4xf32>
}

// -----

#id = affine_map<(m, n) -> (m, n)>

// A layer that is no convolution.
// CHECK-LABEL: func @no_convolution_untouched(
//   CHECK-NOT:   quant.dequantize
func.func @no_convolution_untouched(%x: tensor<8x4xf32>, %w: tensor<4x4xi8>, %sw: tensor<4x1xf32>, %e: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %s = arith.constant dense<0.5> : tensor<f32>
  %z = arith.constant dense<-128> : tensor<i8>
  %q = quant.quantize %x scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) : tensor<8x4xf32> -> tensor<8x4xi8>
  %y = quant.linear %q, %w scale(%sw : tensor<4x1xf32>) input(%s, %z : tensor<f32>, tensor<i8>) : tensor<8x4xi8>, tensor<4x4xi8> -> tensor<8x4xf32>
  %sum = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]} ins(%x, %y : tensor<8x4xf32>, tensor<8x4xf32>) outs(%e : tensor<8x4xf32>) {
  ^bb0(%l: f32, %r: f32, %out: f32):
    %0 = arith.addf %l, %r : f32
    linalg.yield %0 : f32
  } -> tensor<8x4xf32>
  return %sum : tensor<8x4xf32>
}

// -----

#id = affine_map<(m, n) -> (m, n)>
#kernel = {order = array<i64: 0, 2, 3, 1>, shape = array<i64: 4, 4, 1, 1>}

// Both terms are results of convolutions, and a scale is known only when the
// program runs.
// CHECK-LABEL: func @two_convolutions_untouched(
//   CHECK-NOT:   quant.dequantize
// CHECK-LABEL: func @scale_at_run_time_untouched(
//   CHECK-NOT:   quant.dequantize
func.func @two_convolutions_untouched(%q: tensor<8x4xi8>, %w: tensor<4x4xi8>, %sw: tensor<4x1xf32>, %e: tensor<8x4xf32>) -> tensor<8x4xi8> {
  %s = arith.constant dense<0.5> : tensor<f32>
  %z = arith.constant dense<-128> : tensor<i8>
  %x = quant.linear %q, %w scale(%sw : tensor<4x1xf32>) input(%s, %z : tensor<f32>, tensor<i8>) {quant.kernel = #kernel} : tensor<8x4xi8>, tensor<4x4xi8> -> tensor<8x4xf32>
  %y = quant.linear %q, %w scale(%sw : tensor<4x1xf32>) input(%s, %z : tensor<f32>, tensor<i8>) {quant.kernel = #kernel} : tensor<8x4xi8>, tensor<4x4xi8> -> tensor<8x4xf32>
  %sum = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]} ins(%x, %y : tensor<8x4xf32>, tensor<8x4xf32>) outs(%e : tensor<8x4xf32>) {
  ^bb0(%l: f32, %r: f32, %out: f32):
    %0 = arith.addf %l, %r : f32
    linalg.yield %0 : f32
  } -> tensor<8x4xf32>
  %result = quant.quantize %sum scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) : tensor<8x4xf32> -> tensor<8x4xi8>
  return %result : tensor<8x4xi8>
}

func.func @scale_at_run_time_untouched(%x: tensor<8x4xf32>, %w: tensor<4x4xi8>, %sw: tensor<4x1xf32>, %s: tensor<f32>, %z: tensor<i8>, %e: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %q = quant.quantize %x scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) : tensor<8x4xf32> -> tensor<8x4xi8>
  %y = quant.linear %q, %w scale(%sw : tensor<4x1xf32>) input(%s, %z : tensor<f32>, tensor<i8>) {quant.kernel = #kernel} : tensor<8x4xi8>, tensor<4x4xi8> -> tensor<8x4xf32>
  %sum = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]} ins(%x, %y : tensor<8x4xf32>, tensor<8x4xf32>) outs(%e : tensor<8x4xf32>) {
  ^bb0(%l: f32, %r: f32, %out: f32):
    %0 = arith.addf %l, %r : f32
    linalg.yield %0 : f32
  } -> tensor<8x4xf32>
  return %sum : tensor<8x4xf32>
}
