// RUN: quant-opt %s --quant-lower-contractions --canonicalize | FileCheck %s

// |a| * sign(w, a) = a * w. The sums of two products fit i16 only if no weight
// is -128, which the contraction's name says.

#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs = affine_map<(m, n, k) -> (n, k)>
#acc = affine_map<(m, n, k) -> (m, n)>
#matmul = {indexing_maps = [#lhs, #rhs, #acc], iterator_types = ["parallel", "parallel", "reduction"]}

module attributes {llvm.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64-v3", features = <["+avx2"]>>} {
// CHECK-LABEL: func @proved
//   CHECK-DAG:   %[[ONES:.+]] = arith.constant dense<1> : vector<16xi16>
//   CHECK-DAG:   %[[W:.+]] = vector.shape_cast %arg1
//       CHECK:   %[[A:.+]] = vector.bitcast {{.*}} : vector<8xi32> to vector<32xi8>
//       CHECK:   %[[S:.+]] = llvm.call_intrinsic "llvm.x86.avx2.psign.b"(%[[W]], %[[A]])
//       CHECK:   %[[ABS:.+]] = math.absi %[[A]]
//       CHECK:   %[[P:.+]] = llvm.call_intrinsic "llvm.x86.avx2.pmadd.ub.sw"(%[[ABS]], %[[S]])
//       CHECK:   llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"(%[[P]], %[[ONES]])
func.func @proved(%a: vector<1x4xi8>, %b: vector<8x4xi8>, %c: vector<1x8xi32>) -> vector<1x8xi32> {
  %ae = arith.extsi %a : vector<1x4xi8> to vector<1x4xi32>
  %be = arith.extsi %b : vector<8x4xi8> to vector<8x4xi32>
  %r = vector.contract #matmul %ae, %be, %c {quant.dot_instruction = "avx2_1x8x4_i32_s8_s8"} : vector<1x4xi32>, vector<8x4xi32> into vector<1x8xi32>
  return %r : vector<1x8xi32>
}

// Weights within [-64, 64] meet activations without sign.
// CHECK-LABEL: func @half
//   CHECK-NOT:   psign
//       CHECK:   %[[P:.+]] = llvm.call_intrinsic "llvm.x86.avx2.pmadd.ub.sw"(%{{.+}}, %{{.+}}) : (vector<32xi8>, vector<32xi8>)
//       CHECK:   llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"(%[[P]], %{{.+}})
func.func @half(%a: vector<1x4xi8>, %b: vector<8x4xi8>, %c: vector<1x8xi32>) -> vector<1x8xi32> {
  %ae = arith.extui %a : vector<1x4xi8> to vector<1x4xi32>
  %be = arith.extsi %b : vector<8x4xi8> to vector<8x4xi32>
  %r = vector.contract #matmul %ae, %be, %c {quant.dot_instruction = "avx2_1x8x4_i32_u8_s8"} : vector<1x4xi32>, vector<8x4xi32> into vector<1x8xi32>
  return %r : vector<1x8xi32>
}

// Nibbles are the side without sign.
// CHECK-LABEL: func @nibbles
//       CHECK:   %[[W:.+]] = vector.shape_cast %arg1
//       CHECK:   llvm.call_intrinsic "llvm.x86.avx2.pmadd.ub.sw"(%[[W]], %{{.+}})
func.func @nibbles(%a: vector<1x4xi8>, %b: vector<8x4xi8>, %c: vector<1x8xi32>) -> vector<1x8xi32> {
  %ae = arith.extsi %a : vector<1x4xi8> to vector<1x4xi32>
  %be = arith.extui %b : vector<8x4xi8> to vector<8x4xi32>
  %r = vector.contract #matmul %ae, %be, %c {quant.dot_instruction = "avx2_1x8x4_i32_u8_s8"} : vector<1x4xi32>, vector<8x4xi32> into vector<1x8xi32>
  return %r : vector<1x8xi32>
}

// The products of several steps are added up before they become i32, and what is
// read of a tensor is read step by step.
// CHECK-LABEL: func @steps
//  CHECK-SAME:   %[[T:[^:]+]]: tensor<2x2x8x4xi8>
//   CHECK-NOT:   vector.transfer_read {{.*}} vector<2x2x8x4xi8>
//       CHECK:   %[[R0:.+]] = vector.transfer_read %[[T]][%c0, %c0, %c0, %c0]{{.*}} vector<8x4xi8>
//       CHECK:   %[[W0:.+]] = vector.shape_cast %[[R0]]
//       CHECK:   %[[P0:.+]] = llvm.call_intrinsic "llvm.x86.avx2.pmadd.ub.sw"(%{{.+}}, %[[W0]])
//       CHECK:   %[[R1:.+]] = vector.transfer_read %[[T]][%c0, %c1, %c0, %c0]{{.*}} vector<8x4xi8>
//       CHECK:   %[[W1:.+]] = vector.shape_cast %[[R1]]
//       CHECK:   %[[P1:.+]] = llvm.call_intrinsic "llvm.x86.avx2.pmadd.ub.sw"(%{{.+}}, %[[W1]])
//       CHECK:   %[[S1:.+]] = arith.addi %[[P0]], %[[P1]] : vector<16xi16>
//       CHECK:   vector.transfer_read %[[T]][%c1, %c0, %c0, %c0]
//       CHECK:   %[[S2:.+]] = arith.addi %[[S1]], %{{.+}} : vector<16xi16>
//       CHECK:   vector.transfer_read %[[T]][%c1, %c1, %c0, %c0]
//       CHECK:   %[[S3:.+]] = arith.addi %[[S2]], %{{.+}} : vector<16xi16>
//       CHECK:   %[[D:.+]] = llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"(%[[S3]], %{{.+}})
//   CHECK-NOT:   pmadd
//       CHECK:   arith.addi %{{.+}}, %[[D]] : vector<8xi32>
func.func @steps(%a: vector<1x2x2x4xi8>, %t: tensor<2x2x8x4xi8>, %c: vector<1x8xi32>) -> vector<1x8xi32> {
  %zero = arith.constant 0 : i8
  %i = arith.constant 0 : index
  %b = vector.transfer_read %t[%i, %i, %i, %i], %zero {in_bounds = [true, true, true, true]} : tensor<2x2x8x4xi8>, vector<2x2x8x4xi8>
  %ae = arith.extui %a : vector<1x2x2x4xi8> to vector<1x2x2x4xi32>
  %be = arith.extsi %b : vector<2x2x8x4xi8> to vector<2x2x8x4xi32>
  %r = vector.contract {
      indexing_maps = [affine_map<(m, n, s, h, k) -> (m, s, h, k)>, affine_map<(m, n, s, h, k) -> (s, h, n, k)>, affine_map<(m, n, s, h, k) -> (m, n)>],
      iterator_types = ["parallel", "parallel", "reduction", "reduction", "reduction"],
      quant.dot_instruction = "avx2_1x8x4_i32_u8_s8", quant.summed_steps = 4 : i64} %ae, %be, %c : vector<1x2x2x4xi32>, vector<2x2x8x4xi32> into vector<1x8xi32>
  return %r : vector<1x8xi32>
}

// An instruction that adds to i32 takes one step.
// CHECK-LABEL: func @steps_untouched
//       CHECK:   vector.contract
func.func @steps_untouched(%a: vector<1x2x4xi8>, %b: vector<2x8x4xi8>, %c: vector<1x8xi32>) -> vector<1x8xi32> {
  %ae = arith.extsi %a : vector<1x2x4xi8> to vector<1x2x4xi32>
  %be = arith.extsi %b : vector<2x8x4xi8> to vector<2x8x4xi32>
  %r = vector.contract {
      indexing_maps = [affine_map<(m, n, s, k) -> (m, s, k)>, affine_map<(m, n, s, k) -> (s, n, k)>, affine_map<(m, n, s, k) -> (m, n)>],
      iterator_types = ["parallel", "parallel", "reduction", "reduction"],
      quant.dot_instruction = "avx2_1x8x4_i32_s8_s8"} %ae, %be, %c : vector<1x2x4xi32>, vector<2x8x4xi32> into vector<1x8xi32>
  return %r : vector<1x8xi32>
}

// Sums that no step fills.
// CHECK-LABEL: func @no_steps_untouched
//       CHECK:   vector.contract
func.func @no_steps_untouched(%a: vector<1x2x4xi8>, %b: vector<2x8x4xi8>, %c: vector<1x8xi32>) -> vector<1x8xi32> {
  %ae = arith.extui %a : vector<1x2x4xi8> to vector<1x2x4xi32>
  %be = arith.extsi %b : vector<2x8x4xi8> to vector<2x8x4xi32>
  %r = vector.contract {
      indexing_maps = [affine_map<(m, n, s, k) -> (m, s, k)>, affine_map<(m, n, s, k) -> (s, n, k)>, affine_map<(m, n, s, k) -> (m, n)>],
      iterator_types = ["parallel", "parallel", "reduction", "reduction"],
      quant.dot_instruction = "avx2_1x8x4_i32_u8_s8", quant.summed_steps = 0 : i64} %ae, %be, %c : vector<1x2x4xi32>, vector<2x8x4xi32> into vector<1x8xi32>
  return %r : vector<1x8xi32>
}

// CHECK-LABEL: func @not_proved_untouched
//       CHECK:   vector.contract
func.func @not_proved_untouched(%a: vector<1x4xi8>, %b: vector<8x4xi8>, %c: vector<1x8xi32>) -> vector<1x8xi32> {
  %ae = arith.extsi %a : vector<1x4xi8> to vector<1x4xi32>
  %be = arith.extsi %b : vector<8x4xi8> to vector<8x4xi32>
  %r = vector.contract #matmul %ae, %be, %c : vector<1x4xi32>, vector<8x4xi32> into vector<1x8xi32>
  return %r : vector<1x8xi32>
}
}
