// RUN: quant-opt %s --quant-unroll-short-loops --canonicalize | FileCheck %s

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

// The eight nibbles of a word; the loop around says what they have to do.
// CHECK-LABEL: func @eight
//       CHECK:   scf.for
//  CHECK-NOT:     scf.for
// CHECK-COUNT-8:   arith.muli
//       CHECK:   } {quant.work = 516 : i64}
func.func @eight(%x: i32, %n: index) -> i32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%outer = %x) -> i32 {
    %s = scf.for %j = %c0 to %c8 step %c1 iter_args(%acc = %outer) -> i32 {
      %next = arith.muli %acc, %x : i32
      scf.yield %next : i32
    } {quant.work = 64 : i64}
    scf.yield %s : i32
  } {quant.work = 4 : i64}
  return %r : i32
}

// CHECK-LABEL: func @parallel_untouched
//       CHECK:   scf.for
func.func @parallel_untouched(%m: memref<2xf32>, %x: f32) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  scf.for %i = %c0 to %c2 step %c1 {
    memref.store %x, %m[%i] : memref<2xf32>
  } {quant.parallel}
  return
}

// A pair around other loops stays.
// CHECK-LABEL: func @outer_pair_untouched
//       CHECK:   scf.for
//       CHECK:     scf.for
func.func @outer_pair_untouched(%m: memref<2x9xf32>, %x: f32) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c9 = arith.constant 9 : index
  scf.for %i = %c0 to %c2 step %c1 {
    scf.for %j = %c0 to %c9 step %c1 {
      memref.store %x, %m[%i, %j] : memref<2x9xf32>
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
