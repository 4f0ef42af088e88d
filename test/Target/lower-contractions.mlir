// RUN: quant-opt %s --quant-lower-contractions --canonicalize --split-input-file | FileCheck %s

#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs = affine_map<(m, n, k) -> (n, k)>
#acc = affine_map<(m, n, k) -> (m, n)>
#matmul = {indexing_maps = [#lhs, #rhs, #acc], iterator_types = ["parallel", "parallel", "reduction"]}

// Two rows by 32 columns: four instructions, one broadcast for each row.
module attributes {llvm.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64-v4", features = <["+avx512vnni"]>>} {
// CHECK-LABEL: func @vnni
// CHECK-COUNT-4: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
//   CHECK-NOT: vpdpbusd
func.func @vnni(%a: vector<2x4xi8>, %b: vector<32x4xi8>, %c: vector<2x32xi32>) -> vector<2x32xi32> {
  %ae = arith.extui %a : vector<2x4xi8> to vector<2x4xi32>
  %be = arith.extsi %b : vector<32x4xi8> to vector<32x4xi32>
  %r = vector.contract #matmul %ae, %be, %c : vector<2x4xi32>, vector<32x4xi32> into vector<2x32xi32>
  return %r : vector<2x32xi32>
}

// The side without sign may be the weights: nibbles are.
// CHECK-LABEL: func @vnni_unsigned_weights
//  CHECK-SAME:   (%{{.+}}: vector<1x4xi8>, %[[B:.+]]: vector<16x4xi8>
//       CHECK:   %[[W:.+]] = vector.shape_cast %[[B]] : vector<16x4xi8> to vector<64xi8>
//       CHECK:   llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"(%{{.+}}, %[[W]], %{{.+}})
func.func @vnni_unsigned_weights(%a: vector<1x4xi8>, %b: vector<16x4xi8>, %c: vector<1x16xi32>) -> vector<1x16xi32> {
  %ae = arith.extsi %a : vector<1x4xi8> to vector<1x4xi32>
  %be = arith.extui %b : vector<16x4xi8> to vector<16x4xi32>
  %r = vector.contract #matmul %ae, %be, %c : vector<1x4xi32>, vector<16x4xi32> into vector<1x16xi32>
  return %r : vector<1x16xi32>
}

// The instruction takes one side without sign: there has to be one.
// CHECK-LABEL: func @signed_untouched
//       CHECK:   vector.contract
func.func @signed_untouched(%a: vector<2x4xi8>, %b: vector<32x4xi8>, %c: vector<2x32xi32>) -> vector<2x32xi32> {
  %ae = arith.extsi %a : vector<2x4xi8> to vector<2x4xi32>
  %be = arith.extsi %b : vector<32x4xi8> to vector<32x4xi32>
  %r = vector.contract #matmul %ae, %be, %c : vector<2x4xi32>, vector<32x4xi32> into vector<2x32xi32>
  return %r : vector<2x32xi32>
}

// Packed for another instruction.
// CHECK-LABEL: func @named
//       CHECK:   arith.extsi %{{.*}} : vector<2xi8> to vector<2xi16>
//       CHECK:   llvm.call_intrinsic "llvm.x86.avx512.pmaddw.d.512"
func.func @named(%a: vector<1x2xi8>, %b: vector<16x2xi8>, %c: vector<1x16xi32>) -> vector<1x16xi32> {
  %ae = arith.extsi %a : vector<1x2xi8> to vector<1x2xi32>
  %be = arith.extsi %b : vector<16x2xi8> to vector<16x2xi32>
  %r = vector.contract #matmul %ae, %be, %c {quant.dot_instruction = "avx512bw_1x16x2_i32_s8_s8"} : vector<1x2xi32>, vector<16x2xi32> into vector<1x16xi32>
  return %r : vector<1x16xi32>
}

// CHECK-LABEL: func @unknown_name_untouched
//       CHECK:   vector.contract
func.func @unknown_name_untouched(%a: vector<1x4xi8>, %b: vector<16x4xi8>, %c: vector<1x16xi32>) -> vector<1x16xi32> {
  %ae = arith.extui %a : vector<1x4xi8> to vector<1x4xi32>
  %be = arith.extsi %b : vector<16x4xi8> to vector<16x4xi32>
  %r = vector.contract #matmul %ae, %be, %c {quant.dot_instruction = "no_1x1x1_i32_s8_s8"} : vector<1x4xi32>, vector<16x4xi32> into vector<1x16xi32>
  return %r : vector<1x16xi32>
}

// CHECK-LABEL: func @other_depth_untouched
//       CHECK:   vector.contract
func.func @other_depth_untouched(%a: vector<2x8xi8>, %b: vector<12x8xi8>, %c: vector<2x12xi32>) -> vector<2x12xi32> {
  %ae = arith.extui %a : vector<2x8xi8> to vector<2x8xi32>
  %be = arith.extsi %b : vector<12x8xi8> to vector<12x8xi32>
  %r = vector.contract #matmul %ae, %be, %c : vector<2x8xi32>, vector<12x8xi32> into vector<2x12xi32>
  return %r : vector<2x12xi32>
}
}

// -----

#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs = affine_map<(m, n, k) -> (n, k)>
#acc = affine_map<(m, n, k) -> (m, n)>
#matmul = {indexing_maps = [#lhs, #rhs, #acc], iterator_types = ["parallel", "parallel", "reduction"]}

// Products of i16 pairs are exact; nothing saturates.
module attributes {llvm.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64-v3", features = <["+avx2"]>>} {
// CHECK-LABEL: func @avx2
//       CHECK:   arith.extsi %{{.*}} : vector<2xi8> to vector<2xi16>
//       CHECK:   arith.extsi %{{.*}} : vector<16xi8> to vector<16xi16>
//       CHECK:   %[[P:.+]] = llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"
//       CHECK:   arith.addi %{{.*}}, %[[P]] : vector<8xi32>
func.func @avx2(%a: vector<1x2xi8>, %b: vector<8x2xi8>, %c: vector<1x8xi32>) -> vector<1x8xi32> {
  %ae = arith.extsi %a : vector<1x2xi8> to vector<1x2xi32>
  %be = arith.extsi %b : vector<8x2xi8> to vector<8x2xi32>
  %r = vector.contract #matmul %ae, %be, %c : vector<1x2xi32>, vector<8x2xi32> into vector<1x8xi32>
  return %r : vector<1x8xi32>
}
}

// -----

#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs = affine_map<(m, n, k) -> (n, k)>
#acc = affine_map<(m, n, k) -> (m, n)>
#matmul = {indexing_maps = [#lhs, #rhs, #acc], iterator_types = ["parallel", "parallel", "reduction"]}

module attributes {llvm.target = #llvm.target<triple = "aarch64-unknown-linux-gnu", chip = "generic", features = <["+dotprod", "+neon"]>>} {
// The activations of several steps are read at once. What is repeated comes last,
// where the instruction takes a part of a register.
// CHECK-LABEL: func @lanes
//  CHECK-SAME:   %[[T:[^:]+]]: tensor<1x2x4xi8>
//       CHECK:   %[[R:.+]] = vector.transfer_read %[[T]][%c0, %c0, %c0]{{.*}} vector<2x4xi8>
//   CHECK-NOT:   vector.transfer_read
//   CHECK-DAG:   %[[ALL:.+]] = vector.shape_cast %[[R]] : vector<2x4xi8> to vector<8xi8>
//       CHECK:   vector.extract_strided_slice %[[ALL]] {offsets = [0], sizes = [4]
//       CHECK:   %[[FIRST:.+]] = llvm.call_intrinsic "llvm.aarch64.neon.sdot"(%{{.+}}, %{{.+}}, %{{.+}})
//       CHECK:   vector.extract_strided_slice %[[ALL]] {offsets = [4], sizes = [4]
//       CHECK:   %[[LANE:.+]] = vector.bitcast %{{.+}} : vector<4xi32> to vector<16xi8>
//       CHECK:   llvm.call_intrinsic "llvm.aarch64.neon.sdot"(%[[FIRST]], %{{.+}}, %[[LANE]])
func.func @lanes(%t: tensor<1x2x4xi8>, %b: vector<2x4x4xi8>, %c: vector<1x4xi32>) -> vector<1x4xi32> {
  %zero = arith.constant 0 : i8
  %i = arith.constant 0 : index
  %a = vector.transfer_read %t[%i, %i, %i], %zero {in_bounds = [true, true, true]} : tensor<1x2x4xi8>, vector<1x2x4xi8>
  %ae = arith.extsi %a : vector<1x2x4xi8> to vector<1x2x4xi32>
  %be = arith.extsi %b : vector<2x4x4xi8> to vector<2x4x4xi32>
  %r = vector.contract {
      indexing_maps = [affine_map<(m, n, s, k) -> (m, s, k)>, affine_map<(m, n, s, k) -> (s, n, k)>, affine_map<(m, n, s, k) -> (m, n)>],
      iterator_types = ["parallel", "parallel", "reduction", "reduction"]} %ae, %be, %c : vector<1x2x4xi32>, vector<2x4x4xi32> into vector<1x4xi32>
  return %r : vector<1x4xi32>
}

// CHECK-LABEL: func @dotprod
//       CHECK:   llvm.call_intrinsic "llvm.aarch64.neon.sdot"
func.func @dotprod(%a: vector<1x4xi8>, %b: vector<4x4xi8>, %c: vector<1x4xi32>) -> vector<1x4xi32> {
  %ae = arith.extsi %a : vector<1x4xi8> to vector<1x4xi32>
  %be = arith.extsi %b : vector<4x4xi8> to vector<4x4xi32>
  %r = vector.contract #matmul %ae, %be, %c : vector<1x4xi32>, vector<4x4xi32> into vector<1x4xi32>
  return %r : vector<1x4xi32>
}
}

// -----

#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs = affine_map<(m, n, k) -> (n, k)>
#acc = affine_map<(m, n, k) -> (m, n)>
#matmul = {indexing_maps = [#lhs, #rhs, #acc], iterator_types = ["parallel", "parallel", "reduction"]}

// Vectors of 128 bits are the beginnings of registers of an unknown length.
module attributes {llvm.target = #llvm.target<triple = "aarch64-unknown-linux-gnu", chip = "generic", features = <["+neon", "+sve"]>>} {
// CHECK-LABEL: func @sve
//       CHECK:   vector.scalable.insert {{.+}} : vector<4xi32> into vector<[4]xi32>
//       CHECK:   vector.scalable.insert {{.+}} : vector<16xi8> into vector<[16]xi8>
//       CHECK:   vector.scalable.insert {{.+}} : vector<16xi8> into vector<[16]xi8>
//       CHECK:   llvm.call_intrinsic "llvm.aarch64.sve.sdot"
//       CHECK:   vector.scalable.extract {{.+}} : vector<4xi32> from vector<[4]xi32>
func.func @sve(%a: vector<1x4xi8>, %b: vector<4x4xi8>, %c: vector<1x4xi32>) -> vector<1x4xi32> {
  %ae = arith.extsi %a : vector<1x4xi8> to vector<1x4xi32>
  %be = arith.extsi %b : vector<4x4xi8> to vector<4x4xi32>
  %r = vector.contract #matmul %ae, %be, %c : vector<1x4xi32>, vector<4x4xi32> into vector<1x4xi32>
  return %r : vector<1x4xi32>
}
}
