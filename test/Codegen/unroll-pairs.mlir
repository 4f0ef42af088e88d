// RUN: quant-opt %s --quant-unroll-pairs --canonicalize | FileCheck %s

// CHECK-LABEL: func @pair
//  CHECK-SAME:   (%[[X:.+]]: i32)
//       CHECK:   %[[A:.+]] = arith.muli %[[X]], %c10_i32
//       CHECK:   %[[B:.+]] = arith.addi %[[A]], %c1_i32
//       CHECK:   %[[C:.+]] = arith.muli %[[B]], %c10_i32
//   CHECK-NOT:   scf.for
func.func @pair(%x: i32) -> i32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %ten = arith.constant 10 : i32
  %r = scf.for %i = %c0 to %c2 step %c1 iter_args(%acc = %x) -> i32 {
    %shifted = arith.muli %acc, %ten : i32
    %one = arith.constant 1 : i32
    %next = arith.addi %shifted, %one : i32
    scf.yield %next : i32
  }
  return %r : i32
}

// A pair around other loops stays.
// CHECK-LABEL: func @outer_pair_untouched
//       CHECK:   scf.for
//       CHECK:     scf.for
func.func @outer_pair_untouched(%m: memref<2x8xf32>, %x: f32) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c8 = arith.constant 8 : index
  scf.for %i = %c0 to %c2 step %c1 {
    scf.for %j = %c0 to %c8 step %c1 {
      memref.store %x, %m[%i, %j] : memref<2x8xf32>
    }
  }
  return
}

// CHECK-LABEL: func @unknown_count_untouched
//       CHECK:   scf.for
func.func @unknown_count_untouched(%m: memref<?xf32>, %n: index, %x: f32) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    memref.store %x, %m[%i] : memref<?xf32>
  }
  return
}
