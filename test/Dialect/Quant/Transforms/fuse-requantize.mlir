// RUN: quant-opt %s --quant-fuse-requantize --split-input-file | FileCheck %s

// Without a clip the whole range of i8 is there.
// CHECK-LABEL: func @plain
//   CHECK-DAG:   %[[S:.+]] = arith.constant dense<5.000000e-01> : tensor<f32>
//   CHECK-DAG:   %[[Z:.+]] = arith.constant dense<10> : tensor<i8>
//       CHECK:   %[[Q:.+]] = quant.linear {{.*}} output(%[[S]], %[[Z]] : tensor<f32>, tensor<i8>) {quant.weight_transposed} : tensor<?x4xi8>, tensor<2x4xi8> -> tensor<?x2xi8>
//       CHECK:   return %[[Q]]
func.func @plain(%a: tensor<?x4xi8>, %w: tensor<2x4xi8>, %sw: tensor<2x1xf32>, %sa: tensor<f32>, %za: tensor<i8>, %init: tensor<?x2xf32>) -> tensor<?x2xi8> {
  %s = arith.constant dense<0.5> : tensor<f32>
  %z = arith.constant dense<10> : tensor<i8>
  %l = quant.linear %a, %w scale(%sw : tensor<2x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>) {quant.weight_transposed} : tensor<?x4xi8>, tensor<2x4xi8> -> tensor<?x2xf32> loc("fc")
  %q = quant.quantize %l scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) : tensor<?x2xf32> -> tensor<?x2xi8>
  return %q : tensor<?x2xi8>
}

// -----

// quantize(0) is the zero point.
// CHECK-LABEL: func @relu
//   CHECK-NOT:   linalg.generic
//       CHECK:   quant.linear {{.*}} {clamp_min = 10 : si64, quant.weight_transposed}
func.func @relu(%a: tensor<?x4xi8>, %w: tensor<2x4xi8>, %sw: tensor<2x1xf32>, %sa: tensor<f32>, %za: tensor<i8>, %init: tensor<?x2xf32>) -> tensor<?x2xi8> {
  %s = arith.constant dense<0.5> : tensor<f32>
  %z = arith.constant dense<10> : tensor<i8>
  %zero = arith.constant 0.0 : f32
  %l = quant.linear %a, %w scale(%sw : tensor<2x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>) {quant.weight_transposed} : tensor<?x4xi8>, tensor<2x4xi8> -> tensor<?x2xf32> loc("fc")
  %r = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      ins(%l : tensor<?x2xf32>) outs(%init : tensor<?x2xf32>) {
  ^bb0(%e: f32, %out: f32):
    %t = arith.maximumf %e, %zero : f32
    linalg.yield %t : f32
  } -> tensor<?x2xf32>
  %q = quant.quantize %r scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) : tensor<?x2xf32> -> tensor<?x2xi8>
  return %q : tensor<?x2xi8>
}

// -----

// -1 / 0.5 + 10 = 8 and 6 / 0.5 + 10 = 22; one bound is a scalar, the other an
// operand, and the order of the operands of a maximum does not matter.
// CHECK-LABEL: func @clip
//   CHECK-NOT:   linalg.generic
//       CHECK:   quant.linear {{.*}} {clamp_max = 22 : si64, clamp_min = 8 : si64, quant.weight_transposed}
func.func @clip(%a: tensor<?x4xi8>, %w: tensor<2x4xi8>, %sw: tensor<2x1xf32>, %sa: tensor<f32>, %za: tensor<i8>, %init: tensor<?x2xf32>) -> tensor<?x2xi8> {
  %s = arith.constant dense<0.5> : tensor<f32>
  %z = arith.constant dense<10> : tensor<i8>
  %lo = arith.constant -1.0 : f32
  %hi = arith.constant dense<6.0> : tensor<f32>
  %l = quant.linear %a, %w scale(%sw : tensor<2x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>) {quant.weight_transposed} : tensor<?x4xi8>, tensor<2x4xi8> -> tensor<?x2xf32> loc("fc")
  %r = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> ()>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      ins(%l, %hi : tensor<?x2xf32>, tensor<f32>) outs(%init : tensor<?x2xf32>) {
  ^bb0(%e: f32, %h: f32, %out: f32):
    %u = arith.maximumf %lo, %e : f32
    %t = arith.minimumf %u, %h : f32
    linalg.yield %t : f32
  } -> tensor<?x2xf32>
  %q = quant.quantize %r scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) : tensor<?x2xf32> -> tensor<?x2xi8>
  return %q : tensor<?x2xi8>
}

// -----

// The minimum with -1, then the maximum with 0, is 0 everywhere.
// CHECK-LABEL: func @two_steps
//       CHECK:   quant.linear {{.*}} {clamp_max = 10 : si64, clamp_min = 10 : si64, quant.weight_transposed}
func.func @two_steps(%a: tensor<?x4xi8>, %w: tensor<2x4xi8>, %sw: tensor<2x1xf32>, %sa: tensor<f32>, %za: tensor<i8>, %init: tensor<?x2xf32>) -> tensor<?x2xi8> {
  %s = arith.constant dense<0.5> : tensor<f32>
  %z = arith.constant dense<10> : tensor<i8>
  %zero = arith.constant 0.0 : f32
  %lo = arith.constant -1.0 : f32
  %l = quant.linear %a, %w scale(%sw : tensor<2x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>) {quant.weight_transposed} : tensor<?x4xi8>, tensor<2x4xi8> -> tensor<?x2xf32> loc("fc")
  %m = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      ins(%l : tensor<?x2xf32>) outs(%init : tensor<?x2xf32>) {
  ^bb0(%e: f32, %out: f32):
    %t = arith.minimumf %e, %lo : f32
    linalg.yield %t : f32
  } -> tensor<?x2xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      ins(%m : tensor<?x2xf32>) outs(%init : tensor<?x2xf32>) {
  ^bb0(%e: f32, %out: f32):
    %t = arith.maximumf %e, %zero : f32
    linalg.yield %t : f32
  } -> tensor<?x2xf32>
  %q = quant.quantize %r scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) : tensor<?x2xf32> -> tensor<?x2xi8>
  return %q : tensor<?x2xi8>
}

// -----

// ReLU as other compilers write it.
// CHECK-LABEL: func @select
//       CHECK:   quant.linear {{.*}} {clamp_min = 10 : si64
func.func @select(%a: tensor<?x4xi8>, %w: tensor<2x4xi8>, %sw: tensor<2x1xf32>, %sa: tensor<f32>, %za: tensor<i8>, %init: tensor<?x2xf32>) -> tensor<?x2xi8> {
  %s = arith.constant dense<0.5> : tensor<f32>
  %z = arith.constant dense<10> : tensor<i8>
  %zero = arith.constant 0.0 : f32
  %l = quant.linear %a, %w scale(%sw : tensor<2x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>) {quant.weight_transposed} : tensor<?x4xi8>, tensor<2x4xi8> -> tensor<?x2xf32> loc("fc")
  %r = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      ins(%l : tensor<?x2xf32>) outs(%init : tensor<?x2xf32>) {
  ^bb0(%e: f32, %out: f32):
    %c = arith.cmpf ugt, %e, %zero : f32
    %t = arith.select %c, %e, %zero : f32
    linalg.yield %t : f32
  } -> tensor<?x2xf32>
  %q = quant.quantize %r scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) : tensor<?x2xf32> -> tensor<?x2xi8>
  return %q : tensor<?x2xi8>
}

// -----

// CHECK-LABEL: func @named
//       CHECK:   quant.linear {{.*}} {clamp_min = 10 : si64
func.func @named(%a: tensor<3x4xi8>, %w: tensor<2x4xi8>, %sw: tensor<2x1xf32>, %sa: tensor<f32>, %za: tensor<i8>, %init: tensor<3x2xf32>) -> tensor<3x2xi8> {
  %s = arith.constant dense<0.5> : tensor<f32>
  %z = arith.constant dense<10> : tensor<i8>
  %l = quant.linear %a, %w scale(%sw : tensor<2x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>) {quant.weight_transposed} : tensor<3x4xi8>, tensor<2x4xi8> -> tensor<3x2xf32> loc("fc")
  %zeros = arith.constant dense<0.0> : tensor<3x2xf32>
  %r = linalg.max ins(%l, %zeros : tensor<3x2xf32>, tensor<3x2xf32>) outs(%init : tensor<3x2xf32>) -> tensor<3x2xf32>
  %q = quant.quantize %r scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) : tensor<3x2xf32> -> tensor<3x2xi8>
  return %q : tensor<3x2xi8>
}

// -----

// A reshape moves behind the quantization.
// CHECK-LABEL: func @reshape
//       CHECK:   %[[L:.+]] = quant.linear {{.*}} {clamp_min = 10 : si64, quant.weight_transposed} : {{.*}} -> tensor<?x2xi8>
//       CHECK:   %[[R:.+]] = tensor.collapse_shape %[[L]] {{\[\[}}0, 1]] : tensor<?x2xi8> into tensor<?xi8>
//       CHECK:   return %[[R]]
func.func @reshape(%a: tensor<?x4xi8>, %w: tensor<2x4xi8>, %sw: tensor<2x1xf32>, %sa: tensor<f32>, %za: tensor<i8>, %init: tensor<?x2xf32>) -> tensor<?xi8> {
  %s = arith.constant dense<0.5> : tensor<f32>
  %z = arith.constant dense<10> : tensor<i8>
  %zero = arith.constant 0.0 : f32
  %l = quant.linear %a, %w scale(%sw : tensor<2x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>) {quant.weight_transposed} : tensor<?x4xi8>, tensor<2x4xi8> -> tensor<?x2xf32> loc("fc")
  %r = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      ins(%l : tensor<?x2xf32>) outs(%init : tensor<?x2xf32>) {
  ^bb0(%e: f32, %out: f32):
    %t = arith.maximumf %e, %zero : f32
    linalg.yield %t : f32
  } -> tensor<?x2xf32>
  %x = tensor.collapse_shape %r [[0, 1]] : tensor<?x2xf32> into tensor<?xf32>
  %q = quant.quantize %x scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) : tensor<?xf32> -> tensor<?xi8>
  return %q : tensor<?xi8>
}

// -----

// Zeros that pad the input of the next layer become zero points.
// CHECK-LABEL: func @padding
//  CHECK-SAME:     %[[A:[a-z0-9]+]]: tensor<?x4xi8>
//       CHECK:   %[[FILL:.+]] = linalg.fill ins(%c10_i8 : i8) outs(%{{.+}} : tensor<?x4xi8>) -> tensor<?x4xi8>
//       CHECK:   %[[L:.+]] = quant.linear %[[A]], {{.*}} -> tensor<?x2xi8>
//       CHECK:   %[[R:.+]] = tensor.insert_slice %[[L]] into %[[FILL]][0, 0] [%{{.+}}, 2] [1, 1] : tensor<?x2xi8> into tensor<?x4xi8>
//       CHECK:   return %[[R]]
func.func @padding(%a: tensor<?x4xi8>, %w: tensor<2x4xi8>, %sw: tensor<2x1xf32>, %sa: tensor<f32>, %za: tensor<i8>, %m: index) -> tensor<?x4xi8> {
  %s = arith.constant dense<0.5> : tensor<f32>
  %z = arith.constant dense<10> : tensor<i8>
  %zero = arith.constant 0.0 : f32
  %l = quant.linear %a, %w scale(%sw : tensor<2x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>) : tensor<?x4xi8>, tensor<2x4xi8> -> tensor<?x2xf32>
  %e = tensor.empty(%m) : tensor<?x4xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  %p = tensor.insert_slice %l into %f[0, 0] [%m, 2] [1, 1] : tensor<?x2xf32> into tensor<?x4xf32>
  %q = quant.quantize %p scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) : tensor<?x4xf32> -> tensor<?x4xi8>
  return %q : tensor<?x4xi8>
}

// -----

// Integers on both sides, a ReLU in between.
// CHECK-LABEL: func @requantize
//  CHECK-SAME:     %[[A:.+]]: tensor<?x2xi8>, %[[SA:.+]]: tensor<f32>, %[[ZA:.+]]: tensor<i8>, %{{.+}}: tensor
//   CHECK-DAG:   %[[S:.+]] = arith.constant dense<5.000000e-01> : tensor<f32>
//   CHECK-DAG:   %[[Z:.+]] = arith.constant dense<10> : tensor<i8>
//       CHECK:   %[[Q:.+]] = quant.requantize %[[A]] input(%[[SA]], %[[ZA]] : tensor<f32>, tensor<i8>) output(%[[S]], %[[Z]] : tensor<f32>, tensor<i8>) {clamp_min = 10 : si64} : tensor<?x2xi8>
//       CHECK:   return %[[Q]]
func.func @requantize(%a: tensor<?x2xi8>, %sa: tensor<f32>, %za: tensor<i8>, %init: tensor<?x2xf32>) -> tensor<?x2xi8> {
  %s = arith.constant dense<0.5> : tensor<f32>
  %z = arith.constant dense<10> : tensor<i8>
  %zero = arith.constant 0.0 : f32
  %l = quant.dequantize %a scale(%sa : tensor<f32>) zero_point(%za : tensor<i8>) : tensor<?x2xi8> -> tensor<?x2xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      ins(%l : tensor<?x2xf32>) outs(%init : tensor<?x2xf32>) {
  ^bb0(%e: f32, %out: f32):
    %t = arith.maximumf %e, %zero : f32
    linalg.yield %t : f32
  } -> tensor<?x2xf32>
  %q = quant.quantize %r scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) : tensor<?x2xf32> -> tensor<?x2xi8>
  return %q : tensor<?x2xi8>
}

// -----

// The float value of the ReLU is an output as well.
// CHECK-LABEL: func @relu_used_elsewhere_untouched
//       CHECK:   %[[L:.+]] = quant.linear {{.*}} -> tensor<?x2xf32>
//       CHECK:   %[[R:.+]] = linalg.generic {{.*}} ins(%[[L]] :
//       CHECK:   %[[Q:.+]] = quant.quantize %[[R]]
//       CHECK:   return %[[Q]], %[[R]]
func.func @relu_used_elsewhere_untouched(%a: tensor<?x4xi8>, %w: tensor<2x4xi8>, %sw: tensor<2x1xf32>, %sa: tensor<f32>, %za: tensor<i8>, %init: tensor<?x2xf32>) -> (tensor<?x2xi8>, tensor<?x2xf32>) {
  %s = arith.constant dense<0.5> : tensor<f32>
  %z = arith.constant dense<10> : tensor<i8>
  %zero = arith.constant 0.0 : f32
  %l = quant.linear %a, %w scale(%sw : tensor<2x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>) {quant.weight_transposed} : tensor<?x4xi8>, tensor<2x4xi8> -> tensor<?x2xf32> loc("fc")
  %r = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      ins(%l : tensor<?x2xf32>) outs(%init : tensor<?x2xf32>) {
  ^bb0(%e: f32, %out: f32):
    %t = arith.maximumf %e, %zero : f32
    linalg.yield %t : f32
  } -> tensor<?x2xf32>
  %q = quant.quantize %r scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) : tensor<?x2xf32> -> tensor<?x2xi8>
  return %q, %r : tensor<?x2xi8>, tensor<?x2xf32>
}

// -----

// CHECK-LABEL: func @linear_used_elsewhere_untouched
//       CHECK:   %[[L:.+]] = quant.linear {{.*}} -> tensor<?x2xf32>
//       CHECK:   linalg.generic
//       CHECK:   quant.quantize
func.func @linear_used_elsewhere_untouched(%a: tensor<?x4xi8>, %w: tensor<2x4xi8>, %sw: tensor<2x1xf32>, %sa: tensor<f32>, %za: tensor<i8>, %init: tensor<?x2xf32>) -> (tensor<?x2xi8>, tensor<?x2xf32>) {
  %s = arith.constant dense<0.5> : tensor<f32>
  %z = arith.constant dense<10> : tensor<i8>
  %zero = arith.constant 0.0 : f32
  %l = quant.linear %a, %w scale(%sw : tensor<2x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>) {quant.weight_transposed} : tensor<?x4xi8>, tensor<2x4xi8> -> tensor<?x2xf32> loc("fc")
  %r = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      ins(%l : tensor<?x2xf32>) outs(%init : tensor<?x2xf32>) {
  ^bb0(%e: f32, %out: f32):
    %t = arith.maximumf %e, %zero : f32
    linalg.yield %t : f32
  } -> tensor<?x2xf32>
  %q = quant.quantize %r scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) : tensor<?x2xf32> -> tensor<?x2xi8>
  return %q, %l : tensor<?x2xi8>, tensor<?x2xf32>
}

// -----

// A bound that is no constant is no clamp bound.
// CHECK-LABEL: func @variable_bound_untouched
//       CHECK:   quant.linear {{.*}} -> tensor<?x2xf32>
//       CHECK:   quant.quantize
func.func @variable_bound_untouched(%a: tensor<?x4xi8>, %w: tensor<2x4xi8>, %sw: tensor<2x1xf32>, %sa: tensor<f32>, %za: tensor<i8>, %init: tensor<?x2xf32>, %bound: f32) -> tensor<?x2xi8> {
  %s = arith.constant dense<0.5> : tensor<f32>
  %z = arith.constant dense<10> : tensor<i8>
  %l = quant.linear %a, %w scale(%sw : tensor<2x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>) {quant.weight_transposed} : tensor<?x4xi8>, tensor<2x4xi8> -> tensor<?x2xf32> loc("fc")
  %r = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      ins(%l : tensor<?x2xf32>) outs(%init : tensor<?x2xf32>) {
  ^bb0(%e: f32, %out: f32):
    %t = arith.maximumf %e, %bound : f32
    linalg.yield %t : f32
  } -> tensor<?x2xf32>
  %q = quant.quantize %r scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) : tensor<?x2xf32> -> tensor<?x2xi8>
  return %q : tensor<?x2xi8>
}

// -----

// A select that is no maximum.
// CHECK-LABEL: func @equality_untouched
//       CHECK:   quant.linear {{.*}} -> tensor<?x2xf32>
//       CHECK:   quant.quantize
func.func @equality_untouched(%a: tensor<?x4xi8>, %w: tensor<2x4xi8>, %sw: tensor<2x1xf32>, %sa: tensor<f32>, %za: tensor<i8>, %init: tensor<?x2xf32>) -> tensor<?x2xi8> {
  %s = arith.constant dense<0.5> : tensor<f32>
  %z = arith.constant dense<10> : tensor<i8>
  %zero = arith.constant 0.0 : f32
  %l = quant.linear %a, %w scale(%sw : tensor<2x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>) {quant.weight_transposed} : tensor<?x4xi8>, tensor<2x4xi8> -> tensor<?x2xf32> loc("fc")
  %r = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      ins(%l : tensor<?x2xf32>) outs(%init : tensor<?x2xf32>) {
  ^bb0(%e: f32, %out: f32):
    %c = arith.cmpf oeq, %e, %zero : f32
    %t = arith.select %c, %e, %zero : f32
    linalg.yield %t : f32
  } -> tensor<?x2xf32>
  %q = quant.quantize %r scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) : tensor<?x2xf32> -> tensor<?x2xi8>
  return %q : tensor<?x2xi8>
}

// -----

// With a scale for each row the result is defined in float.
// CHECK-LABEL: func @dynamic_untouched
//       CHECK:   quant.linear {{.*}} -> tensor<?x2xf32>
//       CHECK:   quant.quantize
func.func @dynamic_untouched(%a: tensor<?x4xi8>, %w: tensor<2x4xi8>, %sw: tensor<2x1xf32>, %sa: tensor<?x1xf32>, %za: tensor<?x1xi8>, %init: tensor<?x2xf32>) -> tensor<?x2xi8> {
  %s = arith.constant dense<0.5> : tensor<f32>
  %z = arith.constant dense<10> : tensor<i8>
  %l = quant.linear %a, %w scale(%sw : tensor<2x1xf32>) input(%sa, %za : tensor<?x1xf32>, tensor<?x1xi8>) : tensor<?x4xi8>, tensor<2x4xi8> -> tensor<?x2xf32>
  %q = quant.quantize %l scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) : tensor<?x2xf32> -> tensor<?x2xi8>
  return %q : tensor<?x2xi8>
}

// -----

// And so it is with float group scales.
// CHECK-LABEL: func @float_groups_untouched
//       CHECK:   quant.linear {{.*}} -> tensor<?x2xf32>
//       CHECK:   quant.quantize
func.func @float_groups_untouched(%a: tensor<?x4xi8>, %w: tensor<2x4xi8>, %sw: tensor<2x2xf32>, %sa: tensor<f32>, %za: tensor<i8>, %init: tensor<?x2xf32>) -> tensor<?x2xi8> {
  %s = arith.constant dense<0.5> : tensor<f32>
  %z = arith.constant dense<10> : tensor<i8>
  %l = quant.linear %a, %w scale(%sw : tensor<2x2xf32>) input(%sa, %za : tensor<f32>, tensor<i8>) {quant.weight_transposed} : tensor<?x4xi8>, tensor<2x4xi8> -> tensor<?x2xf32> loc("fc")
  %q = quant.quantize %l scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) : tensor<?x2xf32> -> tensor<?x2xi8>
  return %q : tensor<?x2xi8>
}

// -----

// CHECK-LABEL: func @weight_only_untouched
//       CHECK:   quant.linear {{.*}} -> tensor<?x2xf32>
//       CHECK:   quant.quantize
func.func @weight_only_untouched(%x: tensor<?x4xf32>, %w: tensor<2x4xi8>, %sw: tensor<2x1xf32>) -> tensor<?x2xi8> {
  %s = arith.constant dense<0.5> : tensor<f32>
  %z = arith.constant dense<10> : tensor<i8>
  %l = quant.linear %x, %w scale(%sw : tensor<2x1xf32>) : tensor<?x4xf32>, tensor<2x4xi8> -> tensor<?x2xf32>
  %q = quant.quantize %l scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) : tensor<?x2xf32> -> tensor<?x2xi8>
  return %q : tensor<?x2xi8>
}

// -----

// CHECK-LABEL: func @per_row_quantize_untouched
//       CHECK:   quant.linear {{.*}} -> tensor<?x2xf32>
//       CHECK:   quant.quantize
func.func @per_row_quantize_untouched(%a: tensor<?x4xi8>, %w: tensor<2x4xi8>, %sw: tensor<2x1xf32>, %sa: tensor<f32>, %za: tensor<i8>, %init: tensor<?x2xf32>, %s: tensor<?x1xf32>) -> tensor<?x2xi8> {
  %l = quant.linear %a, %w scale(%sw : tensor<2x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>) {quant.weight_transposed} : tensor<?x4xi8>, tensor<2x4xi8> -> tensor<?x2xf32> loc("fc")
  %q = quant.quantize %l scale(%s : tensor<?x1xf32>) : tensor<?x2xf32> -> tensor<?x2xi8>
  return %q : tensor<?x2xi8>
}

// -----

// Only 0 is known to become the zero point.
// CHECK-LABEL: func @padding_of_ones_untouched
//       CHECK:   %[[P:.+]] = tensor.insert_slice {{.*}} into tensor<3x4xf32>
//       CHECK:   quant.quantize %[[P]]
func.func @padding_of_ones_untouched(%x: tensor<3x2xf32>) -> tensor<3x4xi8> {
  %s = arith.constant dense<0.5> : tensor<f32>
  %c = arith.constant 1.0 : f32
  %e = tensor.empty() : tensor<3x4xf32>
  %f = linalg.fill ins(%c : f32) outs(%e : tensor<3x4xf32>) -> tensor<3x4xf32>
  %p = tensor.insert_slice %x into %f[0, 0] [3, 2] [1, 1] : tensor<3x2xf32> into tensor<3x4xf32>
  %q = quant.quantize %p scale(%s : tensor<f32>) : tensor<3x4xf32> -> tensor<3x4xi8>
  return %q : tensor<3x4xi8>
}

// -----

// The padded floats are wanted.
// CHECK-LABEL: func @padding_used_elsewhere_untouched
//       CHECK:   %[[P:.+]] = tensor.insert_slice {{.*}} into tensor<3x4xf32>
//       CHECK:   quant.quantize %[[P]]
func.func @padding_used_elsewhere_untouched(%x: tensor<3x2xf32>) -> (tensor<3x4xi8>, tensor<3x4xf32>) {
  %s = arith.constant dense<0.5> : tensor<f32>
  %c = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<3x4xf32>
  %f = linalg.fill ins(%c : f32) outs(%e : tensor<3x4xf32>) -> tensor<3x4xf32>
  %p = tensor.insert_slice %x into %f[0, 0] [3, 2] [1, 1] : tensor<3x2xf32> into tensor<3x4xf32>
  %q = quant.quantize %p scale(%s : tensor<f32>) : tensor<3x4xf32> -> tensor<3x4xi8>
  return %q, %p : tensor<3x4xi8>, tensor<3x4xf32>
}

// -----

// Training has seen the result in float.
// CHECK-LABEL: func @float_result_untouched
//       CHECK:   quant.linear {{.*}} -> tensor<?x2xf32>
//       CHECK:   quant.quantize
func.func @float_result_untouched(%a: tensor<?x4xi8>, %w: tensor<2x4xi8>, %sw: tensor<2x1xf32>, %sa: tensor<f32>, %za: tensor<i8>) -> tensor<?x2xi8> {
  %s = arith.constant dense<0.5> : tensor<f32>
  %l = quant.linear %a, %w scale(%sw : tensor<2x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>) {quant.float_result} : tensor<?x4xi8>, tensor<2x4xi8> -> tensor<?x2xf32>
  %q = quant.quantize %l scale(%s : tensor<f32>) : tensor<?x2xf32> -> tensor<?x2xi8>
  return %q : tensor<?x2xi8>
}

// -----

// In training the bounds of a clip are known when the program runs, and the
// float result is observed, also in another shape.
// CHECK-LABEL: func @run_time_bounds
//  CHECK-SAME:     %[[S:[^:]+]]: tensor<f32>, %[[Z:[^:]+]]: tensor<i8>)
//       CHECK:   %[[ZERO:.+]] = arith.constant dense<0.000000e+00> : tensor<f32>
//       CHECK:   %[[F:.+]] = quant.linear {{.*}} -> tensor<3x4xf32>
//       CHECK:   linalg.generic {{.*}} ins(%[[F]] :
//       CHECK:   quant.observe
//       CHECK:   %[[Q:.+]] = quant.linear {{.*}} output(%[[S]], %[[Z]] : tensor<f32>, tensor<i8>) : {{.*}} -> tensor<3x4xi8>
//       CHECK:   %[[B:.+]] = quant.quantize %[[ZERO]] scale(%[[S]] : tensor<f32>) zero_point(%[[Z]] : tensor<i8>) : tensor<f32> -> tensor<i8>
//       CHECK:   %[[C:.+]] = linalg.generic {{.*}} ins(%[[Q]], %[[B]] :
//       CHECK:     arith.maxsi
//       CHECK:   return %[[C]]
func.func @run_time_bounds(%a: tensor<3x8xi8>, %w: tensor<4x8xi8>, %sa: tensor<f32>, %za: tensor<i8>, %sw: tensor<f32>, %s: tensor<f32>, %z: tensor<i8>) -> (tensor<3x4xi8>, tensor<2xf32>) {
  %c = arith.constant 0.0 : f32
  %y = quant.linear %a, %w scale(%sw : tensor<f32>) input(%sa, %za : tensor<f32>, tensor<i8>) : tensor<3x8xi8>, tensor<4x8xi8> -> tensor<3x4xf32>
  %e = tensor.empty() : tensor<3x4xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%y : tensor<3x4xf32>) outs(%e : tensor<3x4xf32>) {
  ^bb0(%x: f32, %o: f32):
    %m = arith.maximumf %x, %c : f32
    linalg.yield %m : f32
  } -> tensor<3x4xf32>
  %flat = tensor.collapse_shape %r [[0, 1]] : tensor<3x4xf32> into tensor<12xf32>
  %range = quant.observe %flat : tensor<12xf32> -> tensor<2xf32>
  %q = quant.quantize %r scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) : tensor<3x4xf32> -> tensor<3x4xi8>
  return %q, %range : tensor<3x4xi8>, tensor<2xf32>
}

// -----

// CHECK-LABEL: func @run_time_padding
//  CHECK-SAME:     %[[X:[^:]+]]: tensor<3x2xf32>, %[[S:[^:]+]]: tensor<f32>, %[[Z:[^:]+]]: tensor<i8>)
//       CHECK:   %[[P:.+]] = tensor.extract %[[Z]][] : tensor<i8>
//       CHECK:   %[[F:.+]] = linalg.fill ins(%[[P]] : i8)
//       CHECK:   %[[Q:.+]] = quant.quantize %[[X]]
//       CHECK:   tensor.insert_slice %[[Q]] into %[[F]]
func.func @run_time_padding(%x: tensor<3x2xf32>, %s: tensor<f32>, %z: tensor<i8>) -> tensor<3x4xi8> {
  %c = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<3x4xf32>
  %f = linalg.fill ins(%c : f32) outs(%e : tensor<3x4xf32>) -> tensor<3x4xf32>
  %p = tensor.insert_slice %x into %f[0, 0] [3, 2] [1, 1] : tensor<3x2xf32> into tensor<3x4xf32>
  %q = quant.quantize %p scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) : tensor<3x4xf32> -> tensor<3x4xi8>
  return %q : tensor<3x4xi8>
}

// -----

#patch = affine_map<(h, i, c) -> (h + i, c)>
#id = affine_map<(h, i, c) -> (h, i, c)>

// What only moves elements moves bytes: a transposition, padding (0 becomes the zero point, another number what it is quantized to) and
// the patches of a convolution.
// CHECK-LABEL: func @moved
//  CHECK-SAME:     %[[X:.+]]: tensor<4x9xf32>
//       CHECK:   %[[Z:.+]] = arith.constant dense<3> : tensor<i8>
//       CHECK:   %[[Q:.+]] = quant.quantize %[[X]]
//       CHECK:   %[[T:.+]] = linalg.transpose ins(%[[Q]] : tensor<4x9xi8>) outs(%{{.+}} : tensor<9x4xi8>)
//       CHECK:   %[[P:.+]] = tensor.pad %[[T]] low[1, 0] high[2, 0]
//       CHECK:     tensor.yield %c3_i8
//       CHECK:   %[[R:.+]] = linalg.generic {{.*}} ins(%[[P]] : tensor<12x4xi8>) outs(%{{.+}} : tensor<10x3x4xi8>)
//       CHECK:   return %[[R]]
func.func @moved(%x: tensor<4x9xf32>) -> tensor<10x3x4xi8> {
  %cst = arith.constant 0.0 : f32
  %scale = arith.constant dense<0.5> : tensor<f32>
  %zp = arith.constant dense<3> : tensor<i8>
  %e = tensor.empty() : tensor<9x4xf32>
  %t = linalg.transpose ins(%x : tensor<4x9xf32>) outs(%e : tensor<9x4xf32>) permutation = [1, 0]
  %p = tensor.pad %t low[1, 0] high[2, 0] {
  ^bb0(%a: index, %b: index):
    tensor.yield %cst : f32
  } : tensor<9x4xf32> to tensor<12x4xf32>
  %f = tensor.empty() : tensor<10x3x4xf32>
  %g = linalg.generic {indexing_maps = [#patch, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%p : tensor<12x4xf32>) outs(%f : tensor<10x3x4xf32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %a : f32
  } -> tensor<10x3x4xf32>
  %q = quant.quantize %g scale(%scale : tensor<f32>) zero_point(%zp : tensor<i8>) : tensor<10x3x4xf32> -> tensor<10x3x4xi8>
  return %q : tensor<10x3x4xi8>
}

// -----

// CHECK-LABEL: func @padded_with_a_number
//       CHECK:   %[[V:.+]] = quant.quantize %{{.+}} : tensor<f32> -> tensor<i8>
//       CHECK:   %[[S:.+]] = tensor.extract %[[V]][]
//       CHECK:   tensor.pad
//       CHECK:     tensor.yield %[[S]]
func.func @padded_with_a_number(%x: tensor<4xf32>) -> tensor<6xi8> {
  %cst = arith.constant 0xFF800000 : f32
  %scale = arith.constant dense<0.5> : tensor<f32>
  %p = tensor.pad %x low[1] high[1] {
  ^bb0(%a: index):
    tensor.yield %cst : f32
  } : tensor<4xf32> to tensor<6xf32>
  %q = quant.quantize %p scale(%scale : tensor<f32>) : tensor<6xf32> -> tensor<6xi8>
  return %q : tensor<6xi8>
}

// -----

// CHECK-LABEL: func @computed_untouched
//       CHECK:   %[[N:.+]] = linalg.generic
//       CHECK:   quant.quantize %[[N]]
func.func @computed_untouched(%x: tensor<4xf32>, %e: tensor<4xf32>) -> tensor<4xi8> {
  %scale = arith.constant dense<0.5> : tensor<f32>
  %n = linalg.generic {indexing_maps = [affine_map<(a) -> (a)>, affine_map<(a) -> (a)>], iterator_types = ["parallel"]} ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%a: f32, %b: f32):
    %c = arith.negf %a : f32
    linalg.yield %c : f32
  } -> tensor<4xf32>
  %q = quant.quantize %n scale(%scale : tensor<f32>) : tensor<4xf32> -> tensor<4xi8>
  return %q : tensor<4xi8>
}

// -----

#in = affine_map<(h, c, i) -> (h * 2 + i, c)>
#window = affine_map<(h, c, i) -> (i)>
#out = affine_map<(h, c, i) -> (h, c)>

// The maximum of what is quantized is the maximum, quantized: of a layer whose result is never NaN.
// CHECK-LABEL: func @maxima
//       CHECK:   %[[Y:.+]] = quant.linear {{.*}} -> tensor<8x4xi8>
//       CHECK:   %[[S:.+]] = quant.quantize %{{.+}} : tensor<f32> -> tensor<i8>
//       CHECK:   %[[V:.+]] = tensor.extract %[[S]][]
//       CHECK:   linalg.fill ins(%[[V]] : i8)
//       CHECK:   %[[M:.+]] = linalg.generic {{.*}} ins(%[[Y]], %{{.+}} : tensor<8x4xi8>, tensor<2xf32>) outs(%{{.+}} : tensor<4x4xi8>)
//       CHECK:     arith.maxsi
//       CHECK:   return %[[M]]
func.func @maxima(%x: tensor<8x6xi8>) -> tensor<4x4xi8> {
  %cst = arith.constant 0xFF800000 : f32
  %scale = arith.constant dense<0.5> : tensor<f32>
  %zp = arith.constant dense<3> : tensor<i8>
  %w = arith.constant dense<1> : tensor<4x6xi8>
  %ws = arith.constant dense<0.25> : tensor<4x1xf32>
  %y = quant.linear %x, %w scale(%ws : tensor<4x1xf32>) input(%scale, %zp : tensor<f32>, tensor<i8>) : tensor<8x6xi8>, tensor<4x6xi8> -> tensor<8x4xf32>
  %window = tensor.empty() : tensor<2xf32>
  %e = tensor.empty() : tensor<4x4xf32>
  %i = linalg.fill ins(%cst : f32) outs(%e : tensor<4x4xf32>) -> tensor<4x4xf32>
  %m = linalg.generic {indexing_maps = [#in, #window, #out], iterator_types = ["parallel", "parallel", "reduction"]} ins(%y, %window : tensor<8x4xf32>, tensor<2xf32>) outs(%i : tensor<4x4xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %max = arith.maximumf %o, %a : f32
    linalg.yield %max : f32
  } -> tensor<4x4xf32>
  %q = quant.quantize %m scale(%scale : tensor<f32>) : tensor<4x4xf32> -> tensor<4x4xi8>
  return %q : tensor<4x4xi8>
}

// -----

#in = affine_map<(h, c, i) -> (h * 2 + i, c)>
#window = affine_map<(h, c, i) -> (i)>
#out = affine_map<(h, c, i) -> (h, c)>

// An input may be NaN, whose maximum is NaN and is quantized to the zero point.
// CHECK-LABEL: func @maxima_of_any_numbers_untouched
//       CHECK:   %[[M:.+]] = linalg.generic
//       CHECK:     arith.maximumf
//       CHECK:   quant.quantize %[[M]]
func.func @maxima_of_any_numbers_untouched(%y: tensor<8x4xf32>) -> tensor<4x4xi8> {
  %cst = arith.constant 0xFF800000 : f32
  %scale = arith.constant dense<0.5> : tensor<f32>
  %window = tensor.empty() : tensor<2xf32>
  %e = tensor.empty() : tensor<4x4xf32>
  %i = linalg.fill ins(%cst : f32) outs(%e : tensor<4x4xf32>) -> tensor<4x4xf32>
  %m = linalg.generic {indexing_maps = [#in, #window, #out], iterator_types = ["parallel", "parallel", "reduction"]} ins(%y, %window : tensor<8x4xf32>, tensor<2xf32>) outs(%i : tensor<4x4xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %max = arith.maximumf %o, %a : f32
    linalg.yield %max : f32
  } -> tensor<4x4xf32>
  %q = quant.quantize %m scale(%scale : tensor<f32>) : tensor<4x4xf32> -> tensor<4x4xi8>
  return %q : tensor<4x4xi8>
}

// -----

// Two layers read the result, one of them padded: one quantization, which the
// layer does.
// CHECK-LABEL: func @shared_quantization
//   CHECK-NOT:   quant.quantize
//       CHECK:   %[[Y:.+]] = quant.linear {{.*}} -> tensor<3x2xi8>
//   CHECK-NOT:   quant.quantize
//       CHECK:   %[[P:.+]] = tensor.pad %[[Y]]
//       CHECK:   return %[[Y]], %[[P]]
func.func @shared_quantization(%a: tensor<3x4xi8>, %w: tensor<2x4xi8>, %sw: tensor<2x1xf32>, %sa: tensor<f32>, %za: tensor<i8>) -> (tensor<3x2xi8>, tensor<4x2xi8>) {
  %s = arith.constant dense<0.5> : tensor<f32>
  %z = arith.constant dense<10> : tensor<i8>
  %zero = arith.constant 0.0 : f32
  %l = quant.linear %a, %w scale(%sw : tensor<2x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>) : tensor<3x4xi8>, tensor<2x4xi8> -> tensor<3x2xf32>
  %q = quant.quantize %l scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) : tensor<3x2xf32> -> tensor<3x2xi8>
  %p = tensor.pad %l low[0, 0] high[1, 0] {
  ^bb0(%i: index, %j: index):
    tensor.yield %zero : f32
  } : tensor<3x2xf32> to tensor<4x2xf32>
  %r = quant.quantize %p scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) : tensor<4x2xf32> -> tensor<4x2xi8>
  return %q, %r : tensor<3x2xi8>, tensor<4x2xi8>
}

// -----

// With other scales, or with a scale that is another value, there are two.
// CHECK-LABEL: func @other_scale_untouched
//       CHECK:   quant.linear {{.*}} -> tensor<3x2xf32>
// CHECK-COUNT-2: quant.quantize
func.func @other_scale_untouched(%a: tensor<3x4xi8>, %w: tensor<2x4xi8>, %sw: tensor<2x1xf32>, %sa: tensor<f32>, %za: tensor<i8>) -> (tensor<3x2xi8>, tensor<3x2xi8>) {
  %s = arith.constant dense<0.5> : tensor<f32>
  %t = arith.constant dense<0.25> : tensor<f32>
  %l = quant.linear %a, %w scale(%sw : tensor<2x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>) : tensor<3x4xi8>, tensor<2x4xi8> -> tensor<3x2xf32>
  %q = quant.quantize %l scale(%s : tensor<f32>) : tensor<3x2xf32> -> tensor<3x2xi8>
  %r = quant.quantize %l scale(%t : tensor<f32>) : tensor<3x2xf32> -> tensor<3x2xi8>
  return %q, %r : tensor<3x2xi8>, tensor<3x2xi8>
}

// -----

// Both layers give the integers that are concatenated.
// CHECK-LABEL: func @concatenation
//  CHECK-SAME:     %[[M:[a-z0-9]+]]: index
//       CHECK:   %[[E:.+]] = tensor.empty(%[[M]]) : tensor<?x4xi8>
//       CHECK:   %[[A:.+]] = quant.linear {{.*}} -> tensor<?x2xi8>
//       CHECK:   %[[P:.+]] = tensor.insert_slice %[[A]] into %[[E]][0, 0] [%[[M]], 2] [1, 1]
//       CHECK:   %[[B:.+]] = quant.linear {{.*}} -> tensor<?x2xi8>
//       CHECK:   %[[Q:.+]] = tensor.insert_slice %[[B]] into %[[P]][0, 2] [%[[M]], 2] [1, 1]
//       CHECK:   return %[[Q]] : tensor<?x4xi8>
func.func @concatenation(%a: tensor<?x4xi8>, %w: tensor<2x4xi8>, %sw: tensor<2x1xf32>, %sa: tensor<f32>, %za: tensor<i8>, %m: index) -> tensor<?x4xi8> {
  %s = arith.constant dense<0.5> : tensor<f32>
  %z = arith.constant dense<10> : tensor<i8>
  %x = quant.linear %a, %w scale(%sw : tensor<2x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>) : tensor<?x4xi8>, tensor<2x4xi8> -> tensor<?x2xf32> loc("a")
  %y = quant.linear %a, %w scale(%sw : tensor<2x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>) : tensor<?x4xi8>, tensor<2x4xi8> -> tensor<?x2xf32> loc("b")
  %e = tensor.empty(%m) : tensor<?x4xf32>
  %0 = tensor.insert_slice %x into %e[0, 0] [%m, 2] [1, 1] : tensor<?x2xf32> into tensor<?x4xf32>
  %1 = tensor.insert_slice %y into %0[0, 2] [%m, 2] [1, 1] : tensor<?x2xf32> into tensor<?x4xf32>
  %q = quant.quantize %1 scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) : tensor<?x4xf32> -> tensor<?x4xi8>
  return %q : tensor<?x4xi8>
}

// -----

// Others read the floats, or what is inserted into has values.
// CHECK-LABEL: func @concatenation_untouched
//       CHECK:   %[[X:.+]] = tensor.insert_slice
//       CHECK:   quant.quantize %[[X]]
//       CHECK:   %[[Y:.+]] = tensor.insert_slice
//       CHECK:   quant.quantize %[[Y]]
func.func @concatenation_untouched(%a: tensor<4x2xf32>, %b: tensor<4x4xf32>) -> (tensor<4x4xi8>, tensor<4x4xf32>, tensor<4x4xi8>) {
  %s = arith.constant dense<0.5> : tensor<f32>
  %e = tensor.empty() : tensor<4x4xf32>
  %x = tensor.insert_slice %a into %e[0, 0] [4, 2] [1, 1] : tensor<4x2xf32> into tensor<4x4xf32>
  %q = quant.quantize %x scale(%s : tensor<f32>) : tensor<4x4xf32> -> tensor<4x4xi8>
  %y = tensor.insert_slice %a into %b[0, 0] [4, 2] [1, 1] : tensor<4x2xf32> into tensor<4x4xf32>
  %r = quant.quantize %y scale(%s : tensor<f32>) : tensor<4x4xf32> -> tensor<4x4xi8>
  return %q, %x, %r : tensor<4x4xi8>, tensor<4x4xf32>, tensor<4x4xi8>
}

// -----

// After a sum, a ReLU changes nothing where 0 is the smallest integer; for
// another zero point it does.
// CHECK-LABEL: func @lower_bound_after_sum
//   CHECK-DAG:   %[[Z:.+]] = arith.constant dense<-128> : tensor<i8>
//       CHECK:   %[[SUM:.+]] = linalg.generic
//       CHECK:     arith.addf
//   CHECK-NOT:   arith.maximumf
//       CHECK:   quant.quantize %[[SUM]] scale(%{{.+}} : tensor<f32>) zero_point(%[[Z]]
//       CHECK:   %[[R:.+]] = linalg.generic
//       CHECK:     arith.maximumf
//       CHECK:   quant.quantize %[[R]]
func.func @lower_bound_after_sum(%a: tensor<4x2xf32>, %b: tensor<4x2xf32>, %init: tensor<4x2xf32>) -> (tensor<4x2xi8>, tensor<4x2xi8>) {
  %s = arith.constant dense<0.5> : tensor<f32>
  %z = arith.constant dense<-128> : tensor<i8>
  %other = arith.constant dense<-127> : tensor<i8>
  %zero = arith.constant 0.0 : f32
  %sum = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      ins(%a, %b : tensor<4x2xf32>, tensor<4x2xf32>) outs(%init : tensor<4x2xf32>) {
  ^bb0(%x: f32, %y: f32, %out: f32):
    %t = arith.addf %x, %y : f32
    linalg.yield %t : f32
  } -> tensor<4x2xf32>
  %relu = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      ins(%sum : tensor<4x2xf32>) outs(%init : tensor<4x2xf32>) {
  ^bb0(%x: f32, %out: f32):
    %t = arith.maximumf %x, %zero : f32
    linalg.yield %t : f32
  } -> tensor<4x2xf32>
  %q = quant.quantize %relu scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) : tensor<4x2xf32> -> tensor<4x2xi8>
  %relu2 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      ins(%a : tensor<4x2xf32>) outs(%init : tensor<4x2xf32>) {
  ^bb0(%x: f32, %out: f32):
    %t = arith.maximumf %x, %zero : f32
    linalg.yield %t : f32
  } -> tensor<4x2xf32>
  %r = quant.quantize %relu2 scale(%s : tensor<f32>) zero_point(%other : tensor<i8>) : tensor<4x2xf32> -> tensor<4x2xi8>
  return %q, %r : tensor<4x2xi8>, tensor<4x2xi8>
}

// -----

#at2 = affine_map<(b, h, w, i, j, c) -> (b, h + i, w + j, c)>
#id2 = affine_map<(b, h, w, i, j, c) -> (b, h, w, i, j, c)>

// Samples are quantized once, before windows move over them.
// CHECK-LABEL: func @samples
//  CHECK-SAME:     %[[X:.+]]: tensor<2x4x6x3xf32>, %[[S:.+]]: tensor<2x1xf32>, %[[Z:.+]]: tensor<2x1xi8>
//       CHECK:   %[[C:.+]] = tensor.collapse_shape %[[X]] {{\[\[}}0], [1, 2, 3]]
//       CHECK:   %[[Q:.+]] = quant.quantize %[[C]] scale(%[[S]] : tensor<2x1xf32>) zero_point(%[[Z]] : tensor<2x1xi8>) : tensor<2x72xf32> -> tensor<2x72xi8>
//       CHECK:   %[[E:.+]] = tensor.expand_shape %[[Q]] {{.*}} into tensor<2x4x6x3xi8>
//       CHECK:   %[[P:.+]] = linalg.generic {{.*}} ins(%[[E]] : tensor<2x4x6x3xi8>) outs(%{{.+}} : tensor<2x3x5x2x2x3xi8>)
//       CHECK:   %[[R:.+]] = tensor.collapse_shape %[[P]]
//       CHECK:   return %[[R]]
func.func @samples(%x: tensor<2x4x6x3xf32>, %s: tensor<2x1xf32>, %z: tensor<2x1xi8>) -> tensor<30x12xi8> {
  %e = tensor.empty() : tensor<2x3x5x2x2x3xf32>
  %p = linalg.generic {indexing_maps = [#at2, #id2], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel", "parallel"]}
      ins(%x : tensor<2x4x6x3xf32>) outs(%e : tensor<2x3x5x2x2x3xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  } -> tensor<2x3x5x2x2x3xf32>
  %r = tensor.collapse_shape %p [[0, 1, 2], [3, 4, 5]] : tensor<2x3x5x2x2x3xf32> into tensor<30x12xf32>
  %es = tensor.empty() : tensor<2x3x5x1xf32>
  %bs = linalg.broadcast ins(%s : tensor<2x1xf32>) outs(%es : tensor<2x3x5x1xf32>) dimensions = [1, 2]
  %cs = tensor.collapse_shape %bs [[0, 1, 2], [3]] : tensor<2x3x5x1xf32> into tensor<30x1xf32>
  %ez = tensor.empty() : tensor<2x3x5x1xi8>
  %bz = linalg.broadcast ins(%z : tensor<2x1xi8>) outs(%ez : tensor<2x3x5x1xi8>) dimensions = [1, 2]
  %cz = tensor.collapse_shape %bz [[0, 1, 2], [3]] : tensor<2x3x5x1xi8> into tensor<30x1xi8>
  %q = quant.quantize %r scale(%cs : tensor<30x1xf32>) zero_point(%cz : tensor<30x1xi8>) : tensor<30x12xf32> -> tensor<30x12xi8>
  return %q : tensor<30x12xi8>
}

// -----

#at2 = affine_map<(b, h, w, i, j, c) -> (b, h + i, w + j, c)>
#id2 = affine_map<(b, h, w, i, j, c) -> (b, h, w, i, j, c)>

// Each window has parameters of its own.
// CHECK-LABEL: func @windows_untouched
//       CHECK:   linalg.generic {{.*}} outs(%{{.+}} : tensor<2x3x5x2x2x3xf32>)
//       CHECK:   quant.quantize {{.*}} : tensor<30x12xf32> -> tensor<30x12xi8>
func.func @windows_untouched(%x: tensor<2x4x6x3xf32>, %s: tensor<30x1xf32>) -> tensor<30x12xi8> {
  %e = tensor.empty() : tensor<2x3x5x2x2x3xf32>
  %p = linalg.generic {indexing_maps = [#at2, #id2], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel", "parallel"]}
      ins(%x : tensor<2x4x6x3xf32>) outs(%e : tensor<2x3x5x2x2x3xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  } -> tensor<2x3x5x2x2x3xf32>
  %r = tensor.collapse_shape %p [[0, 1, 2], [3, 4, 5]] : tensor<2x3x5x2x2x3xf32> into tensor<30x12xf32>
  %q = quant.quantize %r scale(%s : tensor<30x1xf32>) : tensor<30x12xf32> -> tensor<30x12xi8>
  return %q : tensor<30x12xi8>
}
