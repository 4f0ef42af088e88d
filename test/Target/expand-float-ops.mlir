// RUN: quant-opt %s --quant-set-target=target=x86-64 --quant-expand-float-ops | FileCheck %s --check-prefix=OLD
// RUN: quant-opt %s --quant-set-target=target=x86-64-v3 --quant-expand-float-ops | FileCheck %s --check-prefix=NEW
// RUN: quant-opt %s --quant-set-target=target=aarch64 --quant-expand-float-ops | FileCheck %s --check-prefix=NEW

// OLD-LABEL: func.func @fma(
// OLD-NOT:     math.fma
// OLD:         %[[PRODUCT:.*]] = arith.mulf %{{.*}}, %{{.*}} : f64
// OLD:         arith.addf %[[PRODUCT]], %{{.*}} : f64
// OLD:         arith.truncf %{{.*}} : f64 to f32
// NEW-LABEL: func.func @fma(
// NEW:         math.fma
func.func @fma(%a: f32, %b: f32, %c: f32) -> f32 {
  %y = math.fma %a, %b, %c : f32
  return %y : f32
}

// OLD-LABEL: func.func @fma_of_vectors(
// OLD-NOT:     math.fma
// OLD:         arith.truncf %{{.*}} : vector<4xf64> to vector<4xf32>
func.func @fma_of_vectors(%a: vector<4xf32>, %b: vector<4xf32>,
                          %c: vector<4xf32>) -> vector<4xf32> {
  %y = math.fma %a, %b, %c : vector<4xf32>
  return %y : vector<4xf32>
}

// OLD-LABEL: func.func @rounding(
// OLD-NOT:     math.{{roundeven|floor|ceil|trunc}}
// OLD:         return
// NEW-LABEL: func.func @rounding(
// NEW:         math.roundeven
// NEW:         math.floor
// NEW:         math.ceil
// NEW:         math.trunc
func.func @rounding(%a: f32) -> (f32, f32, f32, f32) {
  %0 = math.roundeven %a : f32
  %1 = math.floor %a : f32
  %2 = math.ceil %a : f32
  %3 = math.trunc %a : f32
  return %0, %1, %2, %3 : f32, f32, f32, f32
}

// f64 has no wider type to be computed in.
// OLD-LABEL: func.func @fma_of_doubles_untouched(
// OLD:         math.fma
func.func @fma_of_doubles_untouched(%a: f64) -> f64 {
  %y = math.fma %a, %a, %a : f64
  return %y : f64
}
