// The expanded functions have the bytes of the functions.
// RUN: quant-translate --interpret --split-input-file %s > %t.math
// RUN: quant-opt --split-input-file --quant-expand-math %s | quant-translate --interpret --split-input-file > %t.expanded
// RUN: diff %t.math %t.expanded
// RUN: FileCheck %s --input-file %t.math

#id = affine_map<(d0) -> (d0)>

// CHECK: output0 = dense<[1.000000e+00, 1.000000e+00, {{.*}}, 0x7F800000, 0.000000e+00]> : tensor<12xf32>
// CHECK: output5 = dense
func.func @functions() -> (tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>) {
  %x = arith.constant dense<[0.0, -0.0, 1.0, -1.0, 0.3, -0.7, 88.0, -100.0, 2.5e-3, 1.0e-45, 0x7F800000, 0xFF800000]> : tensor<12xf32>
  %empty = tensor.empty() : tensor<12xf32>
  %y:6 = linalg.generic {indexing_maps = [#id, #id, #id, #id, #id, #id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<12xf32>) outs(%empty, %empty, %empty, %empty, %empty, %empty : tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>) {
  ^bb0(%e: f32, %o0: f32, %o1: f32, %o2: f32, %o3: f32, %o4: f32, %o5: f32):
    %0 = math.exp %e : f32
    %1 = math.tanh %e : f32
    %2 = math.erf %e : f32
    %magnitude = math.absf %e : f32
    %3 = math.log %magnitude : f32
    %4 = math.powf %magnitude, %e : f32
    %5 = math.rsqrt %magnitude : f32
    linalg.yield %0, %1, %2, %3, %4, %5 : f32, f32, f32, f32, f32, f32
  } -> (tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>)
  return %y#0, %y#1, %y#2, %y#3, %y#4, %y#5 : tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>
}

// -----

#id = affine_map<(d0) -> (d0)>

// CHECK: output0 = dense<[0.000000e+00, -0.000000e+00, 0.000000e+00, -0.000000e+00, 2.000000e+00, -2.000000e+00, 1.000000e+00, -0.000000e+00, 0x4B000001, 0xCAFFFFFC, 0x7F800000, 0xFF800000]>
// CHECK: output4 = dense<[0.000000e+00, -0.000000e+00, 1.000000e+00, -1.000000e+00, 2.000000e+00, -3.000000e+00, 1.000000e+00, -0.000000e+00,
func.func @rounding() -> (tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>) {
  %x = arith.constant dense<[0.0, -0.0, 0.5, -0.5, 1.5, -2.5, 0.7, -0.3, 8388609.0, -8388606.5, 0x7F800000, 0xFF800000]> : tensor<12xf32>
  %empty = tensor.empty() : tensor<12xf32>
  %y:5 = linalg.generic {indexing_maps = [#id, #id, #id, #id, #id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<12xf32>) outs(%empty, %empty, %empty, %empty, %empty : tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>) {
  ^bb0(%e: f32, %o0: f32, %o1: f32, %o2: f32, %o3: f32, %o4: f32):
    %0 = math.roundeven %e : f32
    %1 = math.floor %e : f32
    %2 = math.ceil %e : f32
    %3 = math.trunc %e : f32
    %4 = math.round %e : f32
    linalg.yield %0, %1, %2, %3, %4 : f32, f32, f32, f32, f32
  } -> (tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>)
  return %y#0, %y#1, %y#2, %y#3, %y#4 : tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>
}

// -----

// The remainder is exact however large the quotient is: for powers of two of
// the smallest and the largest numbers, 0 and invalid operands.
// CHECK: output0 = dense<[1.000000e+00, -1.000000e+00, -0.000000e+00, 3.000000e+00, 0x7FC00000, 0x7FC00000,
// CHECK: output1 = dense<[1.000000e+00, -1.000000e+00, -0.000000e+00, 3.000000e+00, 0x7FF8000000000000, 0x7FF8000000000000,
#id = affine_map<(d0) -> (d0)>
func.func @remainder() -> (tensor<14xf32>, tensor<14xf64>) {
  %x = arith.constant dense<[7.0, -7.0, -6.0, 3.0, 1.0, 0x7F800000, 0x7FC00000, 3.0e38, -2.9e38, 1.0e-44, 1.0e30, 5.5, 0.0, 1.17549435e-38]> : tensor<14xf32>
  %y = arith.constant dense<[3.0, 3.0, 2.0, 0x7F800000, 0.0, 2.0, 2.0, 1.0e-45, 7.1e-39, 3.0e-45, 3.0, -2.0, -5.0, 7.0e-45]> : tensor<14xf32>
  %empty = tensor.empty() : tensor<14xf32>
  %wide = tensor.empty() : tensor<14xf64>
  %r:2 = linalg.generic {indexing_maps = [#id, #id, #id, #id], iterator_types = ["parallel"]}
      ins(%x, %y : tensor<14xf32>, tensor<14xf32>) outs(%empty, %wide : tensor<14xf32>, tensor<14xf64>) {
  ^bb0(%a: f32, %b: f32, %o0: f32, %o1: f64):
    %0 = arith.remf %a, %b : f32
    %c = arith.extf %a : f32 to f64
    %d = arith.extf %b : f32 to f64
    %third = arith.constant 0.3333333333333333 : f64
    %e = arith.mulf %d, %third : f64
    %three = arith.constant 3.0 : f64
    %f = arith.mulf %e, %three : f64
    %1 = arith.remf %c, %f : f64
    linalg.yield %0, %1 : f32, f64
  } -> (tensor<14xf32>, tensor<14xf64>)
  return %r#0, %r#1 : tensor<14xf32>, tensor<14xf64>
}

// -----

// Angles beyond 2^16 are reduced in another way.
// CHECK: output0 = dense<[0.000000e+00, -0.000000e+00, 0.841470957,
// CHECK: output10 = dense<[0.000000e+00, -0.000000e+00, 0x7F800000, -0.549306154,
#id = affine_map<(d0) -> (d0)>
func.func @trigonometry() -> (tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>) {
  %x = arith.constant dense<[0.0, -0.0, 1.0, -0.5, 0.9, 2.5, -12.25, 65536.0, -3.0e9, 2.5e38, 0x7F800000, 1.0e-42]> : tensor<12xf32>
  %empty = tensor.empty() : tensor<12xf32>
  %y:11 = linalg.generic {indexing_maps = [#id, #id, #id, #id, #id, #id, #id, #id, #id, #id, #id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<12xf32>) outs(%empty, %empty, %empty, %empty, %empty, %empty, %empty, %empty, %empty, %empty, %empty : tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>) {
  ^bb0(%e: f32, %o0: f32, %o1: f32, %o2: f32, %o3: f32, %o4: f32, %o5: f32, %o6: f32, %o7: f32, %o8: f32, %o9: f32, %o10: f32):
    %0 = math.sin %e : f32
    %1 = math.cos %e : f32
    %2 = math.tan %e : f32
    %3 = math.asin %e : f32
    %4 = math.acos %e : f32
    %5 = math.atan %e : f32
    %6 = math.sinh %e : f32
    %7 = math.cosh %e : f32
    %8 = math.asinh %e : f32
    %9 = math.acosh %e : f32
    %10 = math.atanh %e : f32
    linalg.yield %0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10 : f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32
  } -> (tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>)
  return %y#0, %y#1, %y#2, %y#3, %y#4, %y#5, %y#6, %y#7, %y#8, %y#9, %y#10 : tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>, tensor<12xf32>
}
