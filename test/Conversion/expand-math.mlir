// RUN: quant-opt %s --quant-expand-math --split-input-file | FileCheck %s

// CHECK-LABEL: func @rsqrt(
//  CHECK-SAME:     %[[X:.+]]: f32
//   CHECK-DAG:   %[[ONE:.+]] = arith.constant 1.0{{.*}} : f32
//       CHECK:   %[[ROOT:.+]] = math.sqrt %[[X]]
//       CHECK:   arith.divf %[[ONE]], %[[ROOT]]
func.func @rsqrt(%x: f32) -> f32 {
  %y = math.rsqrt %x : f32
  return %y : f32
}

// -----

// Range reduction and a polynomial; constants are splats for vectors.
// CHECK-LABEL: func @exp_vector(
//   CHECK-NOT:   math.exp
//   CHECK-DAG:   arith.constant dense<1.44269502> : vector<4xf32>
//       CHECK:   math.fma %{{.+}} : vector<4xf32>
//       CHECK:   arith.shli %{{.+}} : vector<4xi32>
//   CHECK-NOT:   math.exp
func.func @exp_vector(%x: vector<4xf32>) -> vector<4xf32> {
  %y = math.exp %x : vector<4xf32>
  return %y : vector<4xf32>
}

// -----

// CHECK-LABEL: func @all(
//   CHECK-NOT:   math.{{tanh|erf|log|powf|round }}
func.func @all(%x: f32, %y: f32) -> (f32, f32, f32, f32, f32) {
  %0 = math.tanh %x : f32
  %1 = math.erf %x : f32
  %2 = math.log %x : f32
  %3 = math.powf %x, %y : f32
  %4 = math.round %x : f32
  return %0, %1, %2, %3, %4 : f32, f32, f32, f32, f32
}

// -----

// CHECK-LABEL: func @instructions_untouched(
//  CHECK-NEXT:   math.sqrt
//  CHECK-NEXT:   math.fma
//  CHECK-NEXT:   math.roundeven
//  CHECK-NEXT:   math.floor
//  CHECK-NEXT:   math.ceil
//  CHECK-NEXT:   math.trunc
//  CHECK-NEXT:   return
func.func @instructions_untouched(%x: f32) -> (f32, f32, f32, f32, f32) {
  %0 = math.sqrt %x : f32
  %1 = math.fma %x, %x, %0 : f32
  %2 = math.roundeven %x : f32
  %3 = math.floor %x : f32
  %4 = math.ceil %x : f32
  %5 = math.trunc %x : f32
  return %1, %2, %3, %4, %5 : f32, f32, f32, f32, f32
}

// -----

// Not folded by the libm of the host.
// CHECK-LABEL: func @constant(
//   CHECK-NOT:   math.exp
//       CHECK:   math.fma
func.func @constant() -> f32 {
  %x = arith.constant 1.0 : f32
  %y = math.exp %x : f32
  return %y : f32
}

// -----

// CHECK-LABEL: func @remainder(
//   CHECK-NOT:   arith.remf
//       CHECK:   arith.remui %{{.*}} : i64
//       CHECK:   scf.while
//       CHECK:     arith.shli
//       CHECK:     arith.remui %{{.*}} : i64
//       CHECK:   arith.uitofp %{{.*}} : i64 to f32
func.func @remainder(%x: f32, %y: f32) -> f32 {
  %r = arith.remf %x, %y : f32
  return %r : f32
}
