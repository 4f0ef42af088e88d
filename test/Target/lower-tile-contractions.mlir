// RUN: quant-opt %s --quant-lower-tile-contractions --canonicalize --split-input-file | FileCheck %s

#lhs = affine_map<(m, nb, n, k, d) -> (m, k, d)>
#rhs = affine_map<(m, nb, n, k, d) -> (nb, k, n, d)>
#acc = affine_map<(m, nb, n, k, d) -> (m, nb, n)>
#out = affine_map<(m, nb, n) -> (m, nb, n)>
#col = affine_map<(m, nb, n) -> (nb, n)>
#contraction = ["parallel", "parallel", "parallel", "reduction", "reduction"]

// 40 rows are two blocks of 16 and one of 8. The start, the same for each row,
// is where the first tiles are loaded from: a distance of 0 between rows.
// CHECK-LABEL: func @static_rows
//   CHECK-DAG:   %[[ZERO:.+]] = arith.constant 0 : i64
//   CHECK-DAG:   %[[ROWS:.+]] = arith.constant 16 : i16
//   CHECK-DAG:   %[[REST:.+]] = arith.constant 8 : i16
//   CHECK-DAG:   %[[ONE:.+]] = arith.constant 1 : index
//   CHECK-DAG:   %[[TWO:.+]] = arith.constant 2 : index
//   CHECK-NOT:   linalg.generic
//       CHECK:   call @tile_contraction({{.+}}, %[[ZERO]], %{{.+}}, %[[ROWS]], %[[TWO]])
//       CHECK:   call @tile_contraction({{.+}}, %[[ZERO]], %{{.+}}, %[[REST]], %[[ONE]])
//   CHECK-NOT:   call
//       CHECK:   return
func.func @static_rows(%x: memref<40x32x4xi8>, %w: memref<1x32x32x4xi8>, %start: memref<1x32xi32>,
                       %acc: memref<40x1x32xi32>) {
  linalg.generic {indexing_maps = [#col, #out], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%start : memref<1x32xi32>) outs(%acc : memref<40x1x32xi32>) attrs = {quant.on_memory} {
  ^bb0(%a: i32, %o: i32):
    linalg.yield %a : i32
  }
  linalg.generic {indexing_maps = [#lhs, #rhs, #acc], iterator_types = #contraction}
      ins(%x, %w : memref<40x32x4xi8>, memref<1x32x32x4xi8>) outs(%acc : memref<40x1x32xi32>)
      attrs = {quant.on_memory, quant.tile_instruction = "amxint8_16x16x64_i32_s8_s8"} {
  ^bb0(%a: i8, %b: i8, %c: i32):
    %ae = arith.extsi %a : i8 to i32
    %be = arith.extsi %b : i8 to i32
    %p = arith.muli %ae, %be : i32
    %s = arith.addi %c, %p : i32
    linalg.yield %s : i32
  }
  return
}

// Two tiles of columns are carried by the loop over K. Two blocks of rows share
// the 2 KiB of a step of the next panel: 16 lines each.
// CHECK-LABEL: func private @tile_contraction
//  CHECK-SAME:   passthrough = ["noinline", "optsize"]
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.tileloadd64.internal"
//       CHECK:   scf.for {{.+}} -> (!llvm.x86_amx, !llvm.x86_amx)
//       CHECK:     "llvm.x86.tileloadd64.internal"
// CHECK-COUNT-16:  llvm.intr.prefetch
//   CHECK-NOT:     llvm.intr.prefetch
// CHECK-COUNT-2:   "llvm.x86.tdpbssd.internal"
//       CHECK:     scf.yield
// CHECK-COUNT-2: "llvm.x86.tilestored64.internal"
//       CHECK:   return

// -----

#lhs = affine_map<(m, nb, n, k, d) -> (m, k, d)>
#rhs = affine_map<(m, nb, n, k, d) -> (nb, k, n, d)>
#acc = affine_map<(m, nb, n, k, d) -> (m, nb, n)>

// Accumulators that nothing sets are added to.
// CHECK-LABEL: func @dynamic_rows
//   CHECK-DAG:   %[[STRIDE:.+]] = arith.constant 64 : i64
//       CHECK:   scf.if
//       CHECK:     call @tile_contraction({{.+}}, %[[STRIDE]], %{{.+}}, %{{.+}}, %{{.+}})
//       CHECK:   scf.if
//       CHECK:     call @tile_contraction({{.+}}, %[[STRIDE]], %{{.+}}, %{{.+}}, %{{.+}})
func.func @dynamic_rows(%x: memref<?x14x4xi8>, %w: memref<1x14x16x4xi8>, %acc: memref<?x1x16xi32>) {
  linalg.generic {indexing_maps = [#lhs, #rhs, #acc],
      iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%x, %w : memref<?x14x4xi8>, memref<1x14x16x4xi8>) outs(%acc : memref<?x1x16xi32>)
      attrs = {quant.tile_instruction = "amxint8_16x16x64_i32_s8_s8"} {
  ^bb0(%a: i8, %b: i8, %c: i32):
    %ae = arith.extsi %a : i8 to i32
    %be = arith.extsi %b : i8 to i32
    %p = arith.muli %ae, %be : i32
    %s = arith.addi %c, %p : i32
    linalg.yield %s : i32
  }
  return
}

// A full block of rows, 16 tiles: a part of a line.
// CHECK-LABEL: func private @tile_contraction
// CHECK-COUNT-1: llvm.intr.prefetch
//   CHECK-NOT:   llvm.intr.prefetch

// -----

#lhs = affine_map<(m, nb, n, k, d) -> (m, k, d)>
#rhs = affine_map<(m, nb, n, k, d) -> (nb, k, n, d)>
#acc = affine_map<(m, nb, n, k, d) -> (m, nb, n)>

// A single block of rows reads its panel in order: nothing is prefetched.
// CHECK-LABEL: func @one_tile
//       CHECK:   call @tile_contraction
// CHECK-LABEL: func private @tile_contraction
//   CHECK-NOT:   llvm.intr.prefetch
func.func @one_tile(%x: memref<16x16x4xi8>, %w: memref<1x16x16x4xi8>, %acc: memref<16x1x16xi32>) {
  linalg.generic {indexing_maps = [#lhs, #rhs, #acc],
      iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%x, %w : memref<16x16x4xi8>, memref<1x16x16x4xi8>) outs(%acc : memref<16x1x16xi32>)
      attrs = {quant.tile_instruction = "amxint8_16x16x64_i32_s8_s8"} {
  ^bb0(%a: i8, %b: i8, %c: i32):
    %ae = arith.extsi %a : i8 to i32
    %be = arith.extsi %b : i8 to i32
    %p = arith.muli %ae, %be : i32
    %s = arith.addi %c, %p : i32
    linalg.yield %s : i32
  }
  return
}

// -----

#id = affine_map<(m, k) -> (m, k)>
#row = affine_map<(m, k) -> (m)>

// A sum that names no tile instruction.
// CHECK-LABEL: func @sum_untouched
//       CHECK:   linalg.generic
//   CHECK-NOT: tile_contraction
func.func @sum_untouched(%x: memref<4x8xi32>, %y: memref<4xi32>) {
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<4x8xi32>) outs(%y : memref<4xi32>) {
  ^bb0(%a: i32, %o: i32):
    %s = arith.addi %a, %o : i32
    linalg.yield %s : i32
  }
  return
}
