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

// bf16 has no instructions that keep denormals, f16 has some; f64 goes through
// an f32 that is rounded to odd.
// OLD-LABEL: func.func @float16(
// OLD-NOT:     arith.{{extf|truncf}}
// OLD:         arith.bitcast %{{.*}} : f16 to i16
// OLD:         arith.bitcast %{{.*}} : i16 to f16
// OLD-NOT:     arith.{{extf|truncf}}
// NEW-LABEL: func.func @float16(
// NEW:         arith.extf %{{.*}} : f16 to f32
// NEW:         arith.truncf %{{.*}} : f32 to f16
func.func @float16(%x: f16, %y: f32) -> (f32, f16) {
  %0 = arith.extf %x : f16 to f32
  %1 = arith.truncf %y : f32 to f16
  return %0, %1 : f32, f16
}

// OLD-LABEL: func.func @bfloat16(
// NEW-LABEL: func.func @bfloat16(
// NEW:         %[[BITS:.*]] = arith.bitcast %{{.*}} : vector<4xbf16> to vector<4xi16>
// NEW:         %[[WIDE:.*]] = arith.extui %[[BITS]]
// NEW:         arith.shli %[[WIDE]], %{{.*}} : vector<4xi32>
// NEW-NOT:     arith.truncf
// NEW:         arith.bitcast %{{.*}} : vector<4xi16> to vector<4xbf16>
func.func @bfloat16(%x: vector<4xbf16>, %y: vector<4xf32>) -> (vector<4xf32>, vector<4xbf16>) {
  %0 = arith.extf %x : vector<4xbf16> to vector<4xf32>
  %1 = arith.truncf %y : vector<4xf32> to vector<4xbf16>
  return %0, %1 : vector<4xf32>, vector<4xbf16>
}

// NEW-LABEL: func.func @double(
// NEW:         %[[NEAREST:.*]] = arith.truncf %[[X:.*]] : f64 to f32
// NEW:         %[[BACK:.*]] = arith.extf %[[NEAREST]] : f32 to f64
// NEW:         arith.cmpf one, %[[BACK]], %[[X]] : f64
// NEW:         arith.truncf %{{.*}} : f32 to f16
func.func @double(%x: f64) -> f16 {
  %0 = arith.truncf %x : f64 to f16
  return %0 : f16
}

// OLD-LABEL: func.func @conversions_untouched(
// OLD:         arith.extf %{{.*}} : f32 to f64
// OLD:         arith.truncf %{{.*}} : f64 to f32
func.func @conversions_untouched(%x: f32, %y: f64) -> (f64, f32) {
  %0 = arith.extf %x : f32 to f64
  %1 = arith.truncf %y : f64 to f32
  return %0, %1 : f64, f32
}
