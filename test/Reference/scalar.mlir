// RUN: quant-translate --interpret --split-input-file %s | FileCheck %s

// Integers wrap; division rounds towards zero, down or up.
// CHECK: output0 = dense<[-128, 127, 1, 127, -128]> : tensor<5xi8>
// CHECK-NEXT: output1 = dense<[-3, -4, -3, -1, 4, 3]> : tensor<6xi32>
// CHECK-NEXT: output2 = dense<[127, 1, -64, 64, -2]> : tensor<5xi8>
func.func @integers() -> (tensor<5xi8>, tensor<6xi32>, tensor<5xi8>) {
  %a = arith.constant dense<[127, -128, -1, 126, -128]> : tensor<5xi8>
  %b = arith.constant dense<[1, -1, -1, 1, -1]> : tensor<5xi8>
  %zero = arith.constant dense<0> : tensor<5xi8>
  %mul = arith.muli %a, %b : tensor<5xi8>
  %sum = arith.addi %a, %b : tensor<5xi8>
  %which = arith.constant dense<[true, true, false, true, false]> : tensor<5xi1>
  %0 = arith.select %which, %sum, %mul : tensor<5xi1>, tensor<5xi8>
  %n7 = arith.constant -7 : i32
  %p7 = arith.constant 7 : i32
  %p2 = arith.constant 2 : i32
  %div = arith.divsi %n7, %p2 : i32
  %floor = arith.floordivsi %n7, %p2 : i32
  %ceil = arith.ceildivsi %n7, %p2 : i32
  %rem = arith.remsi %n7, %p2 : i32
  %ceil2 = arith.ceildivsi %p7, %p2 : i32
  %floor2 = arith.floordivsi %p7, %p2 : i32
  %1 = tensor.from_elements %div, %floor, %ceil, %rem, %ceil2, %floor2 : tensor<6xi32>
  %m1 = arith.constant -1 : i8
  %m128 = arith.constant -128 : i8
  %i1 = arith.constant 1 : i8
  %udiv = arith.divui %m1, %i1 : i8
  %max = arith.maxui %i1, %m1 : i8
  %min = arith.minui %i1, %m1 : i8
  %sra = arith.shrsi %m128, %i1 : i8
  %srl = arith.shrui %m128, %i1 : i8
  %shl = arith.shli %m1, %i1 : i8
  %srl1 = arith.shrui %m1, %i1 : i8
  %2 = tensor.from_elements %srl1, %min, %sra, %srl, %shl : tensor<5xi8>
  return %0, %1, %2 : tensor<5xi8>, tensor<6xi32>, tensor<5xi8>
}

// -----

// NaN and signed zeros: minimumf and maximumf give NaN, minnumf and maxnumf the
// number; -0 is below +0.
// CHECK: output0 = dense<[0x7FC00000, 0x7FC00000, 1.000000e+00, 1.000000e+00, -0.000000e+00, 0.000000e+00]> : tensor<6xf32>
// CHECK-NEXT: output1 = dense<[false, true, false, true]> : tensor<4xi1>
func.func @nan() -> (tensor<6xf32>, tensor<4xi1>) {
  %nan = arith.constant 0x7FC00000 : f32
  %one = arith.constant 1.0 : f32
  %p0 = arith.constant 0.0 : f32
  %n0 = arith.constant -0.0 : f32
  %0 = arith.minimumf %nan, %one : f32
  %1 = arith.maximumf %one, %nan : f32
  %2 = arith.minnumf %nan, %one : f32
  %3 = arith.maxnumf %one, %nan : f32
  %4 = arith.minimumf %p0, %n0 : f32
  %5 = arith.maximumf %n0, %p0 : f32
  %values = tensor.from_elements %0, %1, %2, %3, %4, %5 : tensor<6xf32>
  %oeq = arith.cmpf oeq, %nan, %nan : f32
  %uno = arith.cmpf uno, %nan, %one : f32
  %one_ = arith.cmpf one, %nan, %one : f32
  %une = arith.cmpf une, %nan, %one : f32
  %flags = tensor.from_elements %oeq, %uno, %one_, %une : tensor<4xi1>
  return %values, %flags : tensor<6xf32>, tensor<4xi1>
}

// -----

// Conversions round once: 2^24 + 1 to even, 1 + 2^-8 to bf16 down to even.
// CHECK: output0 = dense<[0x4B800000, 1.000000e+00, -1.000000e+00, 2.550000e+02]> : tensor<4xf32>
// CHECK-NEXT: output1 = dense<[-3, 1065353216, 255, -1]> : tensor<4xi32>
// CHECK-NEXT: output2 = dense<1.000000e+00> : tensor<bf16>
func.func @conversions() -> (tensor<4xf32>, tensor<4xi32>, tensor<bf16>) {
  %big = arith.constant 16777217 : i32
  %x = arith.constant 1.00390625 : f32
  %true = arith.constant true
  %m1 = arith.constant -1 : i8
  %frac = arith.constant -3.75 : f32
  %one = arith.constant 1.0 : f32
  %f0 = arith.sitofp %big : i32 to f32
  %half = arith.truncf %x : f32 to bf16
  %f1 = arith.extf %half : bf16 to f32
  %f2 = arith.sitofp %true : i1 to f32
  %f3 = arith.uitofp %m1 : i8 to f32
  %floats = tensor.from_elements %f0, %f1, %f2, %f3 : tensor<4xf32>
  %i0 = arith.fptosi %frac : f32 to i32
  %i1 = arith.bitcast %one : f32 to i32
  %i2 = arith.extui %m1 : i8 to i32
  %i3 = arith.extsi %m1 : i8 to i32
  %ints = tensor.from_elements %i0, %i1, %i2, %i3 : tensor<4xi32>
  %rounded = tensor.from_elements %half : tensor<bf16>
  return %floats, %ints, %rounded : tensor<4xf32>, tensor<4xi32>, tensor<bf16>
}

// -----

// Loops carry values, and conditions choose a region: 1 + 3 + 5, and the larger
// of two; a function is called; a loop runs while its value is below 9: 1, 3, 9.
// CHECK: output0 = dense<[9, 0, 3, 9]> : tensor<4xi32>
func.func @control_flow() -> tensor<4xi32> {
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c6 = arith.constant 6 : index
  %zero = arith.constant 0 : i32
  %three = arith.constant 3 : i32
  %sum, %last = scf.for %i = %c1 to %c6 step %c2 iter_args(%a = %zero, %b = %zero) -> (i32, i32) {
    %n = arith.index_cast %i : index to i32
    %next = arith.addi %a, %n : i32
    scf.yield %next, %a : i32, i32
  }
  %none = scf.for %i = %c6 to %c1 step %c2 iter_args(%a = %zero) -> (i32) {
    scf.yield %three : i32
  }
  %larger = func.call @max(%zero, %three) : (i32, i32) -> i32
  %one = arith.constant 1 : i32
  %nine = arith.constant 9 : i32
  %power = scf.while (%a = %one) : (i32) -> i32 {
    %more = arith.cmpi slt, %a, %nine : i32
    scf.condition(%more) %a : i32
  } do {
  ^bb0(%a: i32):
    %next = arith.muli %a, %three : i32
    scf.yield %next : i32
  }
  %all = tensor.from_elements %sum, %none, %larger, %power : tensor<4xi32>
  return %all : tensor<4xi32>
}
func.func private @max(%a: i32, %b: i32) -> i32 {
  %less = arith.cmpi slt, %a, %b : i32
  %max = scf.if %less -> (i32) {
    scf.yield %b : i32
  } else {
    scf.yield %a : i32
  }
  return %max : i32
}
