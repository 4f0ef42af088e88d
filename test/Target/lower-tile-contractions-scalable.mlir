// RUN: quant-opt %s --quant-lower-tile-contractions --canonicalize --cse --split-input-file | FileCheck %s

#lhs = affine_map<(m, nb, n, k, d) -> (m, k, d)>
#rhs = affine_map<(m, nb, n, k, d) -> (nb, k, n, d)>
#acc = affine_map<(m, nb, n, k, d) -> (m, nb, n)>

// 21 rows are five blocks of 4 and one of 1, each size in a function of its own.
// CHECK-LABEL: func @static_rows
//   CHECK-DAG:   %[[ONE:.+]] = arith.constant 1 : index
//   CHECK-DAG:   %[[FIVE:.+]] = arith.constant 5 : index
//       CHECK:   call @[[FOUR:tile_contraction]]({{.+}}, %[[FIVE]])
//       CHECK:   call @[[SINGLE:tile_contraction_[0-9]+]]({{.+}}, %[[ONE]])
//   CHECK-NOT:   call
//       CHECK:   return
func.func @static_rows(%x: memref<21x8x4xi8>, %w: memref<1x8x16x4xi8>, %acc: memref<21x1x16xi32>) {
  linalg.generic {indexing_maps = [#lhs, #rhs, #acc],
      iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%x, %w : memref<21x8x4xi8>, memref<1x8x16x4xi8>) outs(%acc : memref<21x1x16xi32>)
      attrs = {quant.on_memory, quant.tile_instruction = "sve_4x4x16_i32_s8_s8"} {
  ^bb0(%a: i8, %b: i8, %c: i32):
    %ae = arith.extsi %a : i8 to i32
    %be = arith.extsi %b : i8 to i32
    %p = arith.muli %ae, %be : i32
    %s = arith.addi %c, %p : i32
    linalg.yield %s : i32
  }
  return
}

// The same functions serve all contractions of a shape; of an unknown number of
// rows, any block may be left over.
// CHECK-LABEL: func @dynamic_rows
//       CHECK:   scf.if
//       CHECK:     call @[[FOUR]](
//       CHECK:   scf.if
//       CHECK:     call @[[PAIR:tile_contraction_[0-9]+]](
//       CHECK:   scf.if
//       CHECK:     call @[[SINGLE]](
func.func @dynamic_rows(%x: memref<?x8x4xi8>, %w: memref<1x8x16x4xi8>, %acc: memref<?x1x16xi32>) {
  linalg.generic {indexing_maps = [#lhs, #rhs, #acc],
      iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%x, %w : memref<?x8x4xi8>, memref<1x8x16x4xi8>) outs(%acc : memref<?x1x16xi32>)
      attrs = {quant.on_memory, quant.tile_instruction = "sve_4x4x16_i32_s8_s8"} {
  ^bb0(%a: i8, %b: i8, %c: i32):
    %ae = arith.extsi %a : i8 to i32
    %be = arith.extsi %b : i8 to i32
    %p = arith.muli %ae, %be : i32
    %s = arith.addi %c, %p : i32
    linalg.yield %s : i32
  }
  return
}

// Four rows have four registers across, then two, then one, which is masked: 16
// k, four steps, are one load of activations for a row.
//       CHECK: func private @[[FOUR]](
//   CHECK-DAG:   vector.vscale
// CHECK-COUNT-16: llvm.load {{.*}} -> vector<[4]xi32>
//       CHECK:   scf.for {{.+}} -> (vector<[4]xi32>
// CHECK-COUNT-4:   "llvm.aarch64.sve.ld1rq"
//       CHECK:     vector.bitcast {{.+}} : vector<[4]xi32> to vector<[16]xi8>
// CHECK-COUNT-64:  "llvm.aarch64.sve.sdot.lane"
//   CHECK-NOT:     sdot
//       CHECK:     scf.yield
// CHECK-COUNT-16: llvm.store
// CHECK-COUNT-32:  "llvm.aarch64.sve.sdot.lane"
//   CHECK-NOT:     sdot
//       CHECK:     scf.yield
//       CHECK:   llvm.intr.get.active.lane.mask {{.+}} to vector<[4]xi1>
// CHECK-COUNT-4: llvm.intr.masked.load
//       CHECK:   scf.for {{.+}} -> (vector<[4]xi32>
// CHECK-COUNT-16:  "llvm.aarch64.sve.sdot.lane"
//   CHECK-NOT:     sdot
//       CHECK:     scf.yield
// CHECK-COUNT-4: llvm.intr.masked.store
//       CHECK:   return

// One row adds the four steps to parts of its sums.
//       CHECK: func private @[[SINGLE]](
//       CHECK:   %[[ZEROS:.+]] = arith.constant dense<0> : vector<[4]xi32>
// CHECK-COUNT-4: llvm.load {{.*}} -> vector<[4]xi32>
//       CHECK:   scf.for {{.+}} iter_args({{.+}} = %{{.+}}, {{.+}} = %[[ZEROS]], {{.+}} = %[[ZEROS]], {{.+}} = %[[ZEROS]], {{.+}} = %{{.+}},
//       CHECK:     scf.yield
//       CHECK:   arith.addi {{.+}} : vector<[4]xi32>

//       CHECK: func private @[[PAIR]](

// -----

#lhs = affine_map<(m, nb, n, k, d) -> (m, k, d)>
#rhs = affine_map<(m, nb, n, k, d) -> (nb, k, n, d)>
#acc = affine_map<(m, nb, n, k, d) -> (m, nb, n)>

// Tiles of two rows: sums of rows are interleaved where they are loaded, taken
// apart where they are stored, and 16 k of two rows are what two steps take.
// CHECK-LABEL: func @tiles_of_rows
//       CHECK: func private @tile_contraction(
// CHECK-COUNT-4: llvm.load {{.*}} -> vector<[4]xi32>
//       CHECK:   "llvm.aarch64.sve.zip1"({{.+}}) : (vector<[2]xi64>, vector<[2]xi64>) -> vector<[2]xi64>
//       CHECK:   "llvm.aarch64.sve.zip2"
//       CHECK:   scf.for {{.+}} -> (vector<[4]xi32>,
// CHECK-COUNT-2:   "llvm.aarch64.sve.ld1rq"
//       CHECK:     "llvm.aarch64.sve.trn1"
//       CHECK:     "llvm.aarch64.sve.trn2"
//       CHECK:     llvm.load {{.*}} -> vector<[2]xi64>
// CHECK-COUNT-8:   "llvm.aarch64.sve.smmla"
//   CHECK-NOT:     smmla
//       CHECK:     scf.yield
//       CHECK:   arith.addi {{.+}} : vector<[4]xi32>
//       CHECK:   "llvm.aarch64.sve.uzp1"
//       CHECK:   "llvm.aarch64.sve.uzp2"
func.func @tiles_of_rows(%x: memref<2x4x8xi8>, %w: memref<1x4x8x8xi8>, %acc: memref<2x1x8xi32>) {
  linalg.generic {indexing_maps = [#lhs, #rhs, #acc],
      iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%x, %w : memref<2x4x8xi8>, memref<1x4x8x8xi8>) outs(%acc : memref<2x1x8xi32>)
      attrs = {quant.on_memory, quant.tile_instruction = "svei8mm_4x2x16_i32_s8_s8"} {
  ^bb0(%a: i8, %b: i8, %c: i32):
    %ae = arith.extsi %a : i8 to i32
    %be = arith.extsi %b : i8 to i32
    %p = arith.muli %ae, %be : i32
    %s = arith.addi %c, %p : i32
    linalg.yield %s : i32
  }
  return
}
