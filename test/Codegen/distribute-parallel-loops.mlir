// RUN: quant-opt %s --quant-distribute-parallel-loops=max-threads=8 --split-input-file | FileCheck %s

// 64 panels of 2^20 multiply-accumulates: each thread has at least two.
// CHECK-LABEL: func.func @constant_work(
//  CHECK-SAME:     %[[Y:[a-z0-9]+]]: memref<64x16xf32>
//  CHECK-SAME:     %[[EXECUTOR:[a-z0-9]+]]: !llvm.ptr {quant.executor = 8 : i64}
//   CHECK-DAG:   %[[FIELD:.+]] = llvm.getelementptr %[[EXECUTOR]][0, 1]
//   CHECK-DAG:   %[[COUNT:.+]] = llvm.load %[[FIELD]] : !llvm.ptr -> i64
//   CHECK-DAG:   %[[INDEX:.+]] = arith.index_cast %[[COUNT]]
//   CHECK-DAG:   %[[USED:.+]] = arith.minsi %[[INDEX]], %c8
//       CHECK:   %[[MOST:.+]] = arith.minsi %[[USED]], %c32
//       CHECK:   %[[THREADS:.+]] = arith.maxsi %[[MOST]], %c1
//       CHECK:   scf.parallel (%[[T:.+]]) = (%c0{{.*}}) to (%[[THREADS]]) step (%c1{{.*}}) {
//       CHECK:     %[[PRODUCT:.+]] = arith.muli %[[T]], %c64
//       CHECK:     %[[FIRST:.+]] = arith.divsi %[[PRODUCT]], %[[THREADS]]
//       CHECK:     %[[NEXT:.+]] = arith.addi %[[T]], %c1
//       CHECK:     %[[NEXT_PRODUCT:.+]] = arith.muli %[[NEXT]], %c64
//       CHECK:     %[[END:.+]] = arith.divsi %[[NEXT_PRODUCT]], %[[THREADS]]
//       CHECK:     %[[LAST:.+]] = arith.minsi %[[END]], %c64
//       CHECK:     scf.for %{{.+}} = %[[FIRST]] to %[[LAST]] step %c1
//   CHECK-NOT:   quant.parallel
//   CHECK-NOT:   quant.work
func.func @constant_work(%y: memref<64x16xf32> {quant.output, quant.name = "y", quant.shape = affine_map<() -> (64, 16)>})
    attributes {quant.dims = []} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %c1024 = arith.constant 1024 : index
  %zero = arith.constant 0.0 : f32
  scf.for %j = %c0 to %c64 step %c1 {
    %sum = scf.for %k = %c0 to %c1024 step %c1 iter_args(%acc = %zero) -> (f32) {
      scf.yield %acc : f32
    } {quant.work = 1024}
    memref.store %sum, %y[%j, %c0] : memref<64x16xf32>
  } {quant.parallel}
  return
}

// -----

// The rows decide when the program runs; a buffer that only iterations use is
// allocated in each, so that threads do not share it.
// CHECK-LABEL: func.func @rows(
//   CHECK-NOT:   memref.alloc
//       CHECK:   arith.ceildivsi
//       CHECK:   arith.muli %{{.+}}, %c1048576
//       CHECK:   %[[WORK:.+]] = arith.muli %{{.+}}, %c16
//       CHECK:   arith.divsi %[[WORK]], %c2097152
//       CHECK:   scf.parallel
//       CHECK:     scf.for
//       CHECK:       memref.alloc() : memref<64xf32>
func.func @rows(%y: memref<?x16xf32> {quant.output, quant.name = "y", quant.shape = affine_map<(d0) -> (d0, 16)>})
    attributes {quant.dims = ["n"]} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %c16 = arith.constant 16 : index
  %c1024 = arith.constant 1024 : index
  %zero = arith.constant 0.0 : f32
  %rows = memref.dim %y, %c0 : memref<?x16xf32>
  %panel = memref.alloc() : memref<64xf32>
  scf.for %j = %c0 to %c16 step %c1 {
    memref.store %zero, %panel[%c0] : memref<64xf32>
    scf.for %i = %c0 to %rows step %c4 {
      %sum = scf.for %k = %c0 to %c1024 step %c1 iter_args(%acc = %zero) -> (f32) {
        scf.yield %acc : f32
      } {quant.work = 1024}
      memref.store %sum, %y[%i, %j] : memref<?x16xf32>
    } {quant.parallel}
  } {quant.parallel}
  return
}

// -----

// Nine panels keep eight threads busy for half of the time: their rows are
// divided.
// CHECK-LABEL: func.func @inner(
//       CHECK:   scf.for
//       CHECK:     scf.parallel
//       CHECK:       scf.for
func.func @inner(%y: memref<4096x9xf32> {quant.output, quant.name = "y", quant.shape = affine_map<() -> (4096, 9)>})
    attributes {quant.dims = []} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c9 = arith.constant 9 : index
  %c1024 = arith.constant 1024 : index
  %c4096 = arith.constant 4096 : index
  %zero = arith.constant 0.0 : f32
  scf.for %j = %c0 to %c9 step %c1 {
    scf.for %i = %c0 to %c4096 step %c1 {
      %sum = scf.for %k = %c0 to %c1024 step %c1 iter_args(%acc = %zero) -> (f32) {
        scf.yield %acc : f32
      } {quant.work = 1024}
      memref.store %sum, %y[%i, %j] : memref<4096x9xf32>
    } {quant.parallel}
  } {quant.parallel}
  return
}

// -----

// Blocks of K, the last one shorter, are as much work as the first: 3 blocks of 64
// terms on 64 lanes in each of 256 iterations are one and a half threads' worth.
// CHECK-LABEL: func.func @blocks(
//       CHECK:   scf.parallel
func.func @blocks(%y: memref<256xf32> {quant.output, quant.name = "y", quant.shape = affine_map<() -> (256)>})
    attributes {quant.dims = []} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %c150 = arith.constant 150 : index
  %c256 = arith.constant 256 : index
  %zero = arith.constant 0.0 : f32
  scf.for %i = %c0 to %c256 step %c1 {
    %total = scf.for %first = %c0 to %c150 step %c64 iter_args(%sum = %zero) -> (f32) {
      %length = affine.min affine_map<(d0) -> (64, 150 - d0)>(%first)
      %next = scf.for %k = %c0 to %length step %c1 iter_args(%acc = %sum) -> (f32) {
        scf.yield %acc : f32
      } {quant.work = 128}
      scf.yield %next : f32
    }
    memref.store %total, %y[%i] : memref<256xf32>
  } {quant.parallel}
  return
}

// -----

// Too little to do, known before it runs.
// CHECK-LABEL: func.func @small_untouched(
//   CHECK-NOT:   scf.parallel
func.func @small_untouched(%y: memref<64xf32> {quant.output, quant.name = "y", quant.shape = affine_map<() -> (64)>})
    attributes {quant.dims = []} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant 0.0 : f32
  scf.for %j = %c0 to %c64 step %c1 {
    %sum = scf.for %k = %c0 to %c64 step %c1 iter_args(%acc = %zero) -> (f32) {
      scf.yield %acc : f32
    } {quant.work = 64}
    memref.store %sum, %y[%j] : memref<64xf32>
  } {quant.parallel}
  return
}

// -----

// All iterations write one place; a loop without the mark; one that carries a
// value.
// CHECK-LABEL: func.func @shared_untouched(
//   CHECK-NOT:   scf.parallel
func.func @shared_untouched(%y: memref<64xf32> {quant.output, quant.name = "y", quant.shape = affine_map<() -> (64)>})
    attributes {quant.dims = []} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant 0.0 : f32
  scf.for %j = %c0 to %c64 step %c1 {
    %sum = scf.for %k = %c0 to %c64 step %c1 iter_args(%acc = %zero) -> (f32) {
      scf.yield %acc : f32
    } {quant.work = 1000000}
    memref.store %sum, %y[%c0] : memref<64xf32>
  } {quant.parallel}
  scf.for %j = %c0 to %c64 step %c1 {
    %sum = scf.for %k = %c0 to %c64 step %c1 iter_args(%acc = %zero) -> (f32) {
      scf.yield %acc : f32
    } {quant.work = 1000000}
    memref.store %sum, %y[%j] : memref<64xf32>
  }
  %last = scf.for %j = %c0 to %c64 step %c1 iter_args(%acc = %zero) -> (f32) {
    scf.yield %acc : f32
  } {quant.parallel, quant.work = 100000000}
  memref.store %last, %y[%c0] : memref<64xf32>
  return
}
