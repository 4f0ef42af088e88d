// RUN: quant-opt %s --quant-plan-workspace --canonicalize --cse --split-input-file | FileCheck %s

// The third buffer takes the place of the first, which is dead by then.
// CHECK-LABEL: func.func private @share_workspace_size(
// CHECK-SAME:    %[[N:.*]]: index) -> index
// CHECK-DAG:     %[[C64:.*]] = arith.constant 64 : index
// CHECK-DAG:     %[[C63:.*]] = arith.constant 63 : index
// CHECK-DAG:     %[[MASK:.*]] = arith.constant -64 : index
// CHECK:         %[[BYTES:.*]] = arith.muli %[[N]], %[[C64]]
// CHECK:         %[[UP:.*]] = arith.addi %[[BYTES]], %[[C63]]
// CHECK:         %[[SLOT:.*]] = arith.andi %[[UP]], %[[MASK]]
// CHECK:         %[[TOTAL:.*]] = arith.addi %[[SLOT]], %[[SLOT]]
// CHECK:         return %[[TOTAL]]
// CHECK-LABEL: func.func @share(
// CHECK-SAME:    %[[X:.*]]: memref<?x16xf32> {quant.name = "x"
// CHECK-SAME:    %[[Y:.*]]: memref<?x16xf32> {quant.name = "y"
// CHECK-SAME:    %[[WORKSPACE:.*]]: memref<?xi8> {quant.workspace}
// CHECK-SAME:    quant.workspace_size = @share_workspace_size
// CHECK-DAG:     %[[C0:.*]] = arith.constant 0 : index
// CHECK:         %[[DIM:.*]] = memref.dim %[[X]], %[[C0]]
// CHECK:         %[[OFFSET:.*]] = arith.andi
// CHECK:         %[[A:.*]] = memref.view %[[WORKSPACE]][%[[C0]]][%[[DIM]]]
// CHECK:         %[[B:.*]] = memref.view %[[WORKSPACE]][%[[OFFSET]]][%[[DIM]]]
// CHECK:         memref.copy %[[B]], %[[A]]
// CHECK:         memref.copy %[[A]], %[[Y]]
func.func @share(
    %x: memref<?x16xf32> {quant.name = "x",
                          quant.shape = affine_map<(d0) -> (d0, 16)>},
    %y: memref<?x16xf32> {quant.output, quant.name = "y",
                          quant.shape = affine_map<(d0) -> (d0, 16)>})
    attributes {quant.dims = ["n"]} {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?x16xf32>
  %a = memref.alloc(%n) : memref<?x16xf32>
  memref.copy %x, %a : memref<?x16xf32> to memref<?x16xf32>
  %b = memref.alloc(%n) : memref<?x16xf32>
  memref.copy %a, %b : memref<?x16xf32> to memref<?x16xf32>
  %c = memref.alloc(%n) : memref<?x16xf32>
  memref.copy %b, %c : memref<?x16xf32> to memref<?x16xf32>
  memref.copy %c, %y : memref<?x16xf32> to memref<?x16xf32>
  return
}

// -----

// A view keeps its buffer alive; a constant slot takes what fits best.
// CHECK-LABEL: func.func private @views_workspace_size() -> index
// CHECK:         %[[TOTAL:.*]] = arith.constant 192 : index
// CHECK:         return %[[TOTAL]]
// CHECK-LABEL: func.func @views(
// CHECK-DAG:     %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG:     %[[C64:.*]] = arith.constant 64 : index
// CHECK-DAG:     %[[C128:.*]] = arith.constant 128 : index
// CHECK:         memref.view %{{.*}}[%[[C0]]][] : memref<?xi8> to memref<16xf32>
// CHECK:         memref.view %{{.*}}[%[[C64]]][] : memref<?xi8> to memref<4x4xf32>
// CHECK:         memref.view %{{.*}}[%[[C0]]][] : memref<?xi8> to memref<7xi8>
// CHECK:         memref.view %{{.*}}[%[[C128]]][] : memref<?xi8> to memref<i1>
func.func @views(
    %x: memref<16xf32> {quant.name = "x", quant.shape = affine_map<() -> (16)>},
    %y: memref<16xf32> {quant.output, quant.name = "y",
                        quant.shape = affine_map<() -> (16)>})
    attributes {quant.dims = []} {
  %a = memref.alloc() : memref<16xf32>
  memref.copy %x, %a : memref<16xf32> to memref<16xf32>
  %view = memref.expand_shape %a [[0, 1]] output_shape [4, 4]
      : memref<16xf32> into memref<4x4xf32>
  %b = memref.alloc() : memref<4x4xf32>
  memref.copy %view, %b : memref<4x4xf32> to memref<4x4xf32>
  %c = memref.alloc() : memref<7xi8>
  %d = memref.alloc() : memref<i1>
  %false = arith.constant false
  linalg.fill ins(%false : i1) outs(%d : memref<i1>)
  %zero = arith.constant 0 : i8
  linalg.fill ins(%zero : i8) outs(%c : memref<7xi8>)
  %flat = memref.collapse_shape %b [[0, 1]] : memref<4x4xf32> into memref<16xf32>
  memref.copy %flat, %y : memref<16xf32> to memref<16xf32>
  return
}

// -----

// The size changes from iteration to iteration: its bound is reserved. A buffer
// of a loop is free for others in the same iteration once nothing reads it.
// CHECK-LABEL: func.func private @loop_workspace_size(
// CHECK:         %[[TOTAL:.*]] = arith.constant 128 : index
// CHECK:         return %[[TOTAL]]
// CHECK-LABEL: func.func @loop(
// CHECK-DAG:     %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG:     %[[C64:.*]] = arith.constant 64 : index
// CHECK:         scf.for
// CHECK:           %[[SIZE:.*]] = affine.min
// CHECK:           memref.view %{{.*}}[%[[C0]]][%[[SIZE]]] : memref<?xi8> to memref<?xf32>
// CHECK:           memref.view %{{.*}}[%[[C64]]][] : memref<?xi8> to memref<2xf32>
// CHECK:           memref.view %{{.*}}[%[[C0]]][] : memref<?xi8> to memref<3xf32>
func.func @loop(
    %x: memref<?xf32> {quant.name = "x", quant.shape = affine_map<(d0) -> (d0 * 3)>},
    %y: memref<?xf32> {quant.output, quant.name = "y",
                        quant.shape = affine_map<(d0) -> (d0 * 3)>})
    attributes {quant.dims = ["n"]} {
  %c0 = arith.constant 0 : index
  %c8 = arith.constant 8 : index
  %zero = arith.constant 0.0 : f32
  %n = memref.dim %x, %c0 : memref<?xf32>
  scf.for %i = %c0 to %n step %c8 {
    %size = affine.min affine_map<(d0)[s0] -> (s0 - d0, 8)>(%i)[%n]
    %a = memref.alloc(%size) : memref<?xf32>
    linalg.fill ins(%zero : f32) outs(%a : memref<?xf32>)
    %b = memref.alloc() : memref<2xf32>
    linalg.fill ins(%zero : f32) outs(%b : memref<2xf32>)
    linalg.fill ins(%zero : f32) outs(%a : memref<?xf32>)
    %c = memref.alloc() : memref<3xf32>
    linalg.fill ins(%zero : f32) outs(%c : memref<3xf32>)
    linalg.fill ins(%zero : f32) outs(%b : memref<2xf32>)
  }
  return
}

// -----

// What a loop carries is alive in its next iteration.
// CHECK-LABEL: func.func private @carried_workspace_size(
// CHECK:         %[[TOTAL:.*]] = arith.constant 192 : index
// CHECK:         return %[[TOTAL]]
func.func @carried(
    %x: memref<8xf32> {quant.name = "x", quant.shape = affine_map<() -> (8)>},
    %y: memref<8xf32> {quant.output, quant.name = "y",
                       quant.shape = affine_map<() -> (8)>})
    attributes {quant.dims = []} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %first = memref.alloc() : memref<8xf32>
  memref.copy %x, %first : memref<8xf32> to memref<8xf32>
  %last = scf.for %i = %c0 to %c8 step %c1 iter_args(%old = %first) -> memref<8xf32> {
    %part = memref.alloc() : memref<8xf32>
    memref.copy %old, %part : memref<8xf32> to memref<8xf32>
    %new = memref.alloc() : memref<8xf32>
    memref.copy %part, %new : memref<8xf32> to memref<8xf32>
    scf.yield %new : memref<8xf32>
  }
  return
}

// -----

// Buffers of unknown size come behind all others, whose offsets are known.
// CHECK-LABEL: func.func @known(
// CHECK-DAG:     %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG:     %[[C64:.*]] = arith.constant 64 : index
// CHECK:         memref.view %{{.*}}[%[[C64]]][%{{.*}}] : memref<?xi8> to memref<?x16xf32>
// CHECK:         memref.view %{{.*}}[%[[C0]]][] : memref<?xi8> to memref<16xf32>
func.func @known(
    %x: memref<?x16xf32> {quant.name = "x",
                          quant.shape = affine_map<(d0) -> (d0, 16)>})
    attributes {quant.dims = ["n"]} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %n = memref.dim %x, %c0 : memref<?x16xf32>
  %a = memref.alloc(%n) : memref<?x16xf32>
  linalg.fill ins(%zero : f32) outs(%a : memref<?x16xf32>)
  %b = memref.alloc() : memref<16xf32>
  linalg.fill ins(%zero : f32) outs(%b : memref<16xf32>)
  memref.copy %a, %x : memref<?x16xf32> to memref<?x16xf32>
  return
}

// -----

// A buffer of a part of a loop is there once for each thread that there may be.
// A thread is at the second one while another still has the first: each has a
// part of the slot, of the size of the larger one.
// CHECK-LABEL: func.func private @parts_workspace_size() -> index
// CHECK:         %[[TOTAL:.*]] = arith.constant 512 : index
// CHECK:         return %[[TOTAL]]
// CHECK-LABEL: func.func @parts(
// CHECK:         scf.parallel (%[[T:.*]]) =
// CHECK:           %[[OFFSET:.*]] = arith.muli %[[T]], %c128
// CHECK:           memref.view %{{.*}}[%[[OFFSET]]][] : memref<?xi8> to memref<16xf32>
// CHECK:           memref.view %{{.*}}[%[[OFFSET]]][] : memref<?xi8> to memref<32xf32>
func.func @parts(
    %x: memref<16xf32> {quant.name = "x", quant.shape = affine_map<() -> (16)>},
    %executor: !llvm.ptr {quant.executor = 4 : i64})
    attributes {quant.dims = []} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %zero = arith.constant 0.0 : f32
  scf.parallel (%t) = (%c0) to (%c4) step (%c1) {
    %a = memref.alloc() : memref<16xf32>
    memref.copy %x, %a : memref<16xf32> to memref<16xf32>
    %b = memref.alloc() : memref<32xf32>
    linalg.fill ins(%zero : f32) outs(%b : memref<32xf32>)
  }
  return
}
