// RUN: quant-opt %s --quant-convert-to-integer --split-input-file --mlir-print-debuginfo --mlir-print-local-scope | FileCheck %s

// The bias is an addition of its own; the layer keeps its name.
// CHECK-LABEL: func @static_with_bias
//  CHECK-SAME:     %[[A:[^ ]+]]: tensor<?x4xi8> {{.*}}, %[[W:[^ ]+]]: tensor<2x4xi8> {{.*}}, %[[B:[^ ]+]]: tensor<2xf32> {{.*}}, %[[SA:[^ ]+]]: tensor<f32> {{.*}}, %[[ZA:[^ ]+]]: tensor<i8> {{.*}}, %[[SW:[^ ]+]]: tensor<2x1xf32>
//   CHECK-NOT:   linalg.matmul
//       CHECK:   %[[Y:.+]] = quant.linear %[[A]], %[[W]] scale(%[[SW]] : tensor<2x1xf32>) input(%[[SA]], %[[ZA]] : tensor<f32>, tensor<i8>) bias(%[[B]] : tensor<2xf32>) {quant.config = {mode = "static"}, quant.weight_transposed} : tensor<?x4xi8>, tensor<2x4xi8> -> tensor<?x2xf32> loc("fc")
//       CHECK:   return %[[Y]]
func.func @static_with_bias(%a: tensor<?x4xi8>, %w: tensor<2x4xi8>, %b: tensor<2xf32>, %sa: tensor<f32>, %za: tensor<i8>, %sw: tensor<2x1xf32>, %init: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %c0 = arith.constant 0.0 : f32
  %zero = linalg.fill ins(%c0 : f32) outs(%init : tensor<?x2xf32>) -> tensor<?x2xf32>
  %x = quant.dequantize %a scale(%sa : tensor<f32>) zero_point(%za : tensor<i8>) : tensor<?x4xi8> -> tensor<?x4xf32>
  %v = quant.dequantize %w scale(%sw : tensor<2x1xf32>) : tensor<2x4xi8> -> tensor<2x4xf32>
  %m = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
      {quant.config = {mode = "static"}, quant.weight_transposed}
      ins(%x, %v : tensor<?x4xf32>, tensor<2x4xf32>) outs(%zero : tensor<?x2xf32>) -> tensor<?x2xf32> loc("fc")
  %y = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      ins(%b, %m : tensor<2xf32>, tensor<?x2xf32>) outs(%init : tensor<?x2xf32>) {
  ^bb0(%p: f32, %q: f32, %out: f32):
    %s = arith.addf %p, %q : f32
    linalg.yield %s : f32
  } -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// Row parameters and integer group scales; a bias that is broadcast first.
// CHECK-LABEL: func @dynamic_two_level
//  CHECK-SAME:     %[[A:[^ ]+]]: tensor<3x4xi8> {{.*}}, %[[W:[^ ]+]]: tensor<2x4xi4> {{.*}}, %[[B:[^ ]+]]: tensor<2xf32> {{.*}}, %[[SA:[^ ]+]]: tensor<3x1xf32> {{.*}}, %[[ZA:[^ ]+]]: tensor<3x1xi8> {{.*}}, %[[SW:[^ ]+]]: tensor<2x1xf32> {{.*}}, %[[M:[^ ]+]]: tensor<2x2xi8>
//       CHECK:   quant.linear %[[A]], %[[W]] scale(%[[SW]] : tensor<2x1xf32>) multiplier(%[[M]] : tensor<2x2xi8>) input(%[[SA]], %[[ZA]] : tensor<3x1xf32>, tensor<3x1xi8>) bias(%[[B]] : tensor<2xf32>) : tensor<3x4xi8>, tensor<2x4xi4> -> tensor<3x2xf32>
func.func @dynamic_two_level(%a: tensor<3x4xi8>, %w: tensor<2x4xi4>, %b: tensor<2xf32>, %sa: tensor<3x1xf32>, %za: tensor<3x1xi8>, %sw: tensor<2x1xf32>, %g: tensor<2x2xi8>, %init: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %zero = arith.constant dense<0.0> : tensor<3x2xf32>
  %x = quant.dequantize %a scale(%sa : tensor<3x1xf32>) zero_point(%za : tensor<3x1xi8>) : tensor<3x4xi8> -> tensor<3x4xf32>
  %v = quant.dequantize %w scale(%sw : tensor<2x1xf32>) multiplier(%g : tensor<2x2xi8>) : tensor<2x4xi4> -> tensor<2x4xf32>
  %m = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
      ins(%x, %v : tensor<3x4xf32>, tensor<2x4xf32>) outs(%zero : tensor<3x2xf32>) -> tensor<3x2xf32>
  %c = linalg.broadcast ins(%b : tensor<2xf32>) outs(%init : tensor<3x2xf32>) dimensions = [0]
  %y = linalg.add ins(%m, %c : tensor<3x2xf32>, tensor<3x2xf32>) outs(%init : tensor<3x2xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// Float activations. A constant [1, 2] is a bias, and so is a scalar.
// CHECK-LABEL: func @weight_only
//  CHECK-SAME:     %[[X:[^ ]+]]: tensor<?x4xf32> {{.*}}, %[[W:[^ ]+]]: tensor<2x4xi8> {{.*}}, %[[SW:[^ ]+]]: tensor<2x2xf32> {{.*}}, %[[ZW:[^ ]+]]: tensor<2x2xi8>
//   CHECK-DAG:   %[[B1:.+]] = arith.constant dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>
//   CHECK-DAG:   %[[B2:.+]] = arith.constant dense<3.000000e+00> : tensor<2xf32>
//       CHECK:   quant.linear %[[X]], %[[W]] scale(%[[SW]] : tensor<2x2xf32>) zero_point(%[[ZW]] : tensor<2x2xi8>) bias(%[[B1]] : tensor<2xf32>) : tensor<?x4xf32>, tensor<2x4xi8> -> tensor<?x2xf32>
//       CHECK:   quant.linear %[[X]], %[[W]] {{.*}} bias(%[[B2]] : tensor<2xf32>)
func.func @weight_only(%x: tensor<?x4xf32>, %w: tensor<2x4xi8>, %sw: tensor<2x2xf32>, %zw: tensor<2x2xi8>, %init: tensor<?x2xf32>) -> (tensor<?x2xf32>, tensor<?x2xf32>) {
  %c0 = arith.constant 0.0 : f32
  %c3 = arith.constant 3.0 : f32
  %b = arith.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  %zero = linalg.fill ins(%c0 : f32) outs(%init : tensor<?x2xf32>) -> tensor<?x2xf32>
  %v = quant.dequantize %w scale(%sw : tensor<2x2xf32>) zero_point(%zw : tensor<2x2xi8>) : tensor<2x4xi8> -> tensor<2x4xf32>
  %m = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
      ins(%x, %v : tensor<?x4xf32>, tensor<2x4xf32>) outs(%zero : tensor<?x2xf32>) -> tensor<?x2xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      ins(%m, %b : tensor<?x2xf32>, tensor<1x2xf32>) outs(%init : tensor<?x2xf32>) {
  ^bb0(%p: f32, %q: f32, %out: f32):
    %s = arith.addf %p, %q : f32
    linalg.yield %s : f32
  } -> tensor<?x2xf32>
  %n = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
      ins(%x, %v : tensor<?x4xf32>, tensor<2x4xf32>) outs(%zero : tensor<?x2xf32>) -> tensor<?x2xf32>
  %z = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      ins(%n : tensor<?x2xf32>) outs(%init : tensor<?x2xf32>) {
  ^bb0(%p: f32, %out: f32):
    %s = arith.addf %p, %c3 : f32
    linalg.yield %s : f32
  } -> tensor<?x2xf32>
  return %y, %z : tensor<?x2xf32>, tensor<?x2xf32>
}

// -----

// A sum of two layers is no bias, and a product that is used twice keeps its
// value without the bias.
// CHECK-LABEL: func @no_bias
//       CHECK:   %[[Y:.+]] = quant.linear
//   CHECK-NOT:   bias(
//       CHECK:   %[[Z:.+]] = linalg.generic {{.*}} ins(%[[Y]], %{{.*}} :
//       CHECK:   return %[[Y]], %[[Z]]
func.func @no_bias(%x: tensor<2x4xf32>, %w: tensor<2x4xi8>, %sw: tensor<2x1xf32>, %b: tensor<2xf32>) -> (tensor<2x2xf32>, tensor<2x2xf32>) {
  %zero = arith.constant dense<0.0> : tensor<2x2xf32>
  %v = quant.dequantize %w scale(%sw : tensor<2x1xf32>) : tensor<2x4xi8> -> tensor<2x4xf32>
  %m = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
      ins(%x, %v : tensor<2x4xf32>, tensor<2x4xf32>) outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      ins(%m, %b : tensor<2x2xf32>, tensor<2xf32>) outs(%zero : tensor<2x2xf32>) {
  ^bb0(%p: f32, %q: f32, %out: f32):
    %s = arith.addf %p, %q : f32
    linalg.yield %s : f32
  } -> tensor<2x2xf32>
  return %m, %y : tensor<2x2xf32>, tensor<2x2xf32>
}

// -----

// An addition along the rows is no bias either.
// CHECK-LABEL: func @row_addition
//       CHECK:   %[[Y:.+]] = quant.linear
//       CHECK:   linalg.generic {{.*}} ins(%[[Y]],
func.func @row_addition(%x: tensor<2x4xf32>, %w: tensor<2x4xi8>, %sw: tensor<2x1xf32>, %b: tensor<2xf32>) -> tensor<2x2xf32> {
  %zero = arith.constant dense<0.0> : tensor<2x2xf32>
  %v = quant.dequantize %w scale(%sw : tensor<2x1xf32>) : tensor<2x4xi8> -> tensor<2x4xf32>
  %m = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
      ins(%x, %v : tensor<2x4xf32>, tensor<2x4xf32>) outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      ins(%m, %b : tensor<2x2xf32>, tensor<2xf32>) outs(%zero : tensor<2x2xf32>) {
  ^bb0(%p: f32, %q: f32, %out: f32):
    %s = arith.addf %p, %q : f32
    linalg.yield %s : f32
  } -> tensor<2x2xf32>
  return %y : tensor<2x2xf32>
}

// -----

// CHECK-LABEL: func @float_weight_untouched
//       CHECK:   linalg.matmul
func.func @float_weight_untouched(%a: tensor<2x4xi8>, %w: tensor<2x4xf32>, %sa: tensor<f32>, %za: tensor<i8>) -> tensor<2x2xf32> {
  %zero = arith.constant dense<0.0> : tensor<2x2xf32>
  %x = quant.dequantize %a scale(%sa : tensor<f32>) zero_point(%za : tensor<i8>) : tensor<2x4xi8> -> tensor<2x4xf32>
  %m = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
      ins(%x, %w : tensor<2x4xf32>, tensor<2x4xf32>) outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32>
  return %m : tensor<2x2xf32>
}

// -----

// quant.linear has no scale for each column of the input.
// CHECK-LABEL: func @column_scales_untouched
//       CHECK:   linalg.matmul
func.func @column_scales_untouched(%a: tensor<2x4xi8>, %w: tensor<2x4xi8>, %sa: tensor<1x4xf32>, %za: tensor<1x4xi8>, %sw: tensor<f32>) -> tensor<2x2xf32> {
  %zero = arith.constant dense<0.0> : tensor<2x2xf32>
  %x = quant.dequantize %a scale(%sa : tensor<1x4xf32>) zero_point(%za : tensor<1x4xi8>) : tensor<2x4xi8> -> tensor<2x4xf32>
  %v = quant.dequantize %w scale(%sw : tensor<f32>) : tensor<2x4xi8> -> tensor<2x4xf32>
  %m = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
      ins(%x, %v : tensor<2x4xf32>, tensor<2x4xf32>) outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32>
  return %m : tensor<2x2xf32>
}

// -----

// Nor can it scale the weight in blocks of rows.
// CHECK-LABEL: func @row_blocks_untouched
//       CHECK:   linalg.matmul
func.func @row_blocks_untouched(%x: tensor<2x4xf32>, %w: tensor<2x4xi8>, %sw: tensor<1x4xf32>) -> tensor<2x2xf32> {
  %zero = arith.constant dense<0.0> : tensor<2x2xf32>
  %v = quant.dequantize %w scale(%sw : tensor<1x4xf32>) : tensor<2x4xi8> -> tensor<2x4xf32>
  %m = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
      ins(%x, %v : tensor<2x4xf32>, tensor<2x4xf32>) outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32>
  return %m : tensor<2x2xf32>
}

// -----

// An input without a zero point gets 0.
// CHECK-LABEL: func @no_input_zero_point
//       CHECK:   %[[Z:.+]] = arith.constant dense<0> : tensor<i8>
//       CHECK:   quant.linear %{{.+}}, %{{.+}} scale(%{{.+}} : tensor<2x1xf32>) input(%{{.+}}, %[[Z]] : tensor<f32>, tensor<i8>)
func.func @no_input_zero_point(%a: tensor<2x4xi8>, %w: tensor<2x4xi8>, %sa: tensor<f32>, %sw: tensor<2x1xf32>) -> tensor<2x2xf32> {
  %zero = arith.constant dense<0.0> : tensor<2x2xf32>
  %x = quant.dequantize %a scale(%sa : tensor<f32>) : tensor<2x4xi8> -> tensor<2x4xf32>
  %v = quant.dequantize %w scale(%sw : tensor<2x1xf32>) : tensor<2x4xi8> -> tensor<2x4xf32>
  %m = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
      ins(%x, %v : tensor<2x4xf32>, tensor<2x4xf32>) outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32>
  return %m : tensor<2x2xf32>
}

// -----

// CHECK-LABEL: func @feature_groups
//       CHECK:   quant.linear %{{.+}}, %{{.+}} scale(%{{.+}} : tensor<6x1xf32>) input(%{{.+}}, %{{.+}} : tensor<f32>, tensor<i8>) {feature_groups = 2 : i64} : tensor<4x18xi8>, tensor<6x9xi8> -> tensor<4x6xf32>
func.func @feature_groups(%a: tensor<4x18xi8>, %w: tensor<6x9xi8>, %sa: tensor<f32>, %za: tensor<i8>, %sw: tensor<6x1xf32>) -> tensor<4x6xf32> {
  %zero = arith.constant dense<0.0> : tensor<4x6xf32>
  %x = quant.dequantize %a scale(%sa : tensor<f32>) zero_point(%za : tensor<i8>) : tensor<4x18xi8> -> tensor<4x18xf32>
  %v = quant.dequantize %w scale(%sw : tensor<6x1xf32>) : tensor<6x9xi8> -> tensor<6x9xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, (n floordiv 3) * 9 + k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %v : tensor<4x18xf32>, tensor<6x9xf32>) outs(%zero : tensor<4x6xf32>) {
  ^bb0(%p: f32, %q: f32, %c: f32):
    %m = arith.mulf %p, %q : f32
    %s = arith.addf %c, %m : f32
    linalg.yield %s : f32
  } -> tensor<4x6xf32>
  return %y : tensor<4x6xf32>
}
