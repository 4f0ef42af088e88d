// RUN: quant-opt %s --quant-lower-contractions --canonicalize | FileCheck %s

// What was extended to 16 bits is multiplied as it is.

#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs = affine_map<(m, n, k) -> (n, k)>
#acc = affine_map<(m, n, k) -> (m, n)>
#matmul = {indexing_maps = [#lhs, #rhs, #acc], iterator_types = ["parallel", "parallel", "reduction"]}

module attributes {llvm.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64-v3", features = <["+avx2"]>>} {
// CHECK-LABEL: func @wide
//   CHECK-NOT:   arith.extsi
//       CHECK:   %[[W:.+]] = vector.shape_cast %arg1 : vector<8x2xi16> to vector<16xi16>
//       CHECK:   %[[A:.+]] = vector.bitcast {{.*}} : vector<8xi32> to vector<16xi16>
//       CHECK:   %[[P:.+]] = llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"(%[[A]], %[[W]])
//       CHECK:   arith.addi %{{.+}}, %[[P]] : vector<8xi32>
func.func @wide(%a: vector<1x2xi16>, %b: vector<8x2xi16>, %c: vector<1x8xi32>) -> vector<1x8xi32> {
  %ae = arith.extsi %a : vector<1x2xi16> to vector<1x2xi32>
  %be = arith.extsi %b : vector<8x2xi16> to vector<8x2xi32>
  %r = vector.contract #matmul %ae, %be, %c {quant.dot_instruction = "avx2_1x8x2_i32_s16_s16"} : vector<1x2xi32>, vector<8x2xi32> into vector<1x8xi32>
  return %r : vector<1x8xi32>
}

// CHECK-LABEL: func @bytes_untouched
//       CHECK:   vector.contract
func.func @bytes_untouched(%a: vector<1x2xi8>, %b: vector<8x2xi8>, %c: vector<1x8xi32>) -> vector<1x8xi32> {
  %ae = arith.extsi %a : vector<1x2xi8> to vector<1x2xi32>
  %be = arith.extsi %b : vector<8x2xi8> to vector<8x2xi32>
  %r = vector.contract #matmul %ae, %be, %c {quant.dot_instruction = "avx2_1x8x2_i32_s16_s16"} : vector<1x2xi32>, vector<8x2xi32> into vector<1x8xi32>
  return %r : vector<1x8xi32>
}
}
