// RUN: quant-opt %s --quant-lower-contractions --canonicalize --cse | FileCheck %s

// An instruction for two rows and two columns: loops carry tiles of 2 x 2.

#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs = affine_map<(m, n, k) -> (n, k)>
#acc = affine_map<(m, n, k) -> (m, n)>
#matmul = {indexing_maps = [#lhs, #rhs, #acc], iterator_types = ["parallel", "parallel", "reduction"]}

module attributes {llvm.target = #llvm.target<triple = "aarch64-unknown-linux-gnu", chip = "generic", features = <["+i8mm", "+neon"]>>} {
// CHECK-LABEL: func @loop
//       CHECK:   scf.for {{.*}} iter_args(%[[T0:.+]] = {{.*}}, %[[T1:.+]] = {{.*}}) -> (vector<4xi32>, vector<4xi32>)
//       CHECK:     %[[A:.+]] = vector.insert_strided_slice {{.*}} {offsets = [8], strides = [1]} : vector<8xi8> into vector<16xi8>
//       CHECK:     %[[R0:.+]] = llvm.call_intrinsic "llvm.aarch64.neon.smmla"(%[[T0]], %[[A]], {{.*}})
//       CHECK:     %[[R1:.+]] = llvm.call_intrinsic "llvm.aarch64.neon.smmla"(%[[T1]], %[[A]], {{.*}})
//  CHECK-NEXT:     scf.yield %[[R0]], %[[R1]]
func.func @loop(%a: vector<2x8xi8>, %b: vector<4x8xi8>, %n: index) -> vector<2x4xi32> {
  %zeros = arith.constant dense<0> : vector<2x4xi32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %sum = scf.for %i = %c0 to %n step %c1 iter_args(%c = %zeros) -> (vector<2x4xi32>) {
    %ae = arith.extsi %a : vector<2x8xi8> to vector<2x8xi32>
    %be = arith.extsi %b : vector<4x8xi8> to vector<4x8xi32>
    %r = vector.contract #matmul %ae, %be, %c : vector<2x8xi32>, vector<4x8xi32> into vector<2x4xi32>
    scf.yield %r : vector<2x4xi32>
  }
  return %sum : vector<2x4xi32>
}

// So do the loops around the loop.
// CHECK-LABEL: func @nested
//       CHECK:   scf.for {{.*}} -> (vector<4xi32>)
//       CHECK:     scf.for {{.*}} -> (vector<4xi32>)
func.func @nested(%a: vector<2x8xi8>, %b: vector<2x8xi8>, %n: index) -> vector<2x2xi32> {
  %zeros = arith.constant dense<0> : vector<2x2xi32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %ae = arith.extsi %a : vector<2x8xi8> to vector<2x8xi32>
  %be = arith.extsi %b : vector<2x8xi8> to vector<2x8xi32>
  %sum = scf.for %i = %c0 to %n step %c1 iter_args(%c = %zeros) -> (vector<2x2xi32>) {
    %inner = scf.for %j = %c0 to %n step %c1 iter_args(%d = %c) -> (vector<2x2xi32>) {
      %r = vector.contract #matmul %ae, %be, %d : vector<2x8xi32>, vector<2x8xi32> into vector<2x2xi32>
      scf.yield %r : vector<2x2xi32>
    }
    scf.yield %inner : vector<2x2xi32>
  }
  return %sum : vector<2x2xi32>
}

// The second row of the tile is 0.
// CHECK-LABEL: func @odd_rows
//       CHECK:   %[[ZEROS:.+]] = arith.constant dense<0> : vector<16xi8>
//       CHECK:   %[[A:.+]] = vector.insert_strided_slice {{.*}}, %[[ZEROS]] {offsets = [0], strides = [1]} : vector<8xi8> into vector<16xi8>
//       CHECK:   llvm.call_intrinsic "llvm.aarch64.neon.smmla"(%{{.*}}, %[[A]], %{{.*}})
//   CHECK-NOT:   smmla
func.func @odd_rows(%a: vector<1x8xi8>, %b: vector<2x8xi8>, %c: vector<1x2xi32>) -> vector<1x2xi32> {
  %ae = arith.extsi %a : vector<1x8xi8> to vector<1x8xi32>
  %be = arith.extsi %b : vector<2x8xi8> to vector<2x8xi32>
  %r = vector.contract #matmul %ae, %be, %c : vector<1x8xi32>, vector<2x8xi32> into vector<1x2xi32>
  return %r : vector<1x2xi32>
}

// What reads the accumulator in between needs it as a vector.
// CHECK-LABEL: func @read_untouched
//       CHECK:   scf.for {{.*}} -> (vector<2x2xi32>)
func.func @read_untouched(%a: vector<2x8xi8>, %b: vector<2x8xi8>, %n: index) -> vector<2x2xi32> {
  %zeros = arith.constant dense<0> : vector<2x2xi32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %ae = arith.extsi %a : vector<2x8xi8> to vector<2x8xi32>
  %be = arith.extsi %b : vector<2x8xi8> to vector<2x8xi32>
  %sum = scf.for %i = %c0 to %n step %c1 iter_args(%c = %zeros) -> (vector<2x2xi32>) {
    %r = vector.contract #matmul %ae, %be, %c : vector<2x8xi32>, vector<2x8xi32> into vector<2x2xi32>
    %s = arith.muli %r, %c : vector<2x2xi32>
    scf.yield %s : vector<2x2xi32>
  }
  return %sum : vector<2x2xi32>
}
}
