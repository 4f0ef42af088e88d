// RUN: quant-opt %s --quant-set-target=target=x86-64-v4 --quant-decode-nibbles | FileCheck %s
// RUN: quant-opt %s --quant-set-target=target=x86-64-v3 --quant-decode-nibbles | FileCheck %s --check-prefix=RAISE
// RUN: quant-opt %s --quant-set-target=target=x86-64-v2 --quant-decode-nibbles | FileCheck %s --check-prefix=NONE

// Two registers, the second nibble from below.
// CHECK-LABEL: func.func @nibble(
//  CHECK-SAME:     %[[X:.+]]: vector<1x32xi32>)
//   CHECK-DAG:   %[[TABLE:.+]] = arith.constant dense<[0.000000e+00, 1.000000e+00, 2.000000e+00, 3.000000e+00, 4.000000e+00, 5.000000e+00, 6.000000e+00, 7.000000e+00, -8.000000e+00, -7.000000e+00, -6.000000e+00, -5.000000e+00, -4.000000e+00, -3.000000e+00, -2.000000e+00, -1.000000e+00]> : vector<16xf32>
//   CHECK-DAG:   %[[FOUR:.+]] = arith.constant dense<4> : vector<1x32xi32>
//       CHECK:   %[[I:.+]] = arith.shrui %[[X]], %[[FOUR]]
//       CHECK:   %[[FLAT:.+]] = vector.shape_cast %[[I]] : vector<1x32xi32> to vector<32xi32>
//       CHECK:   %[[LOW:.+]] = vector.extract_strided_slice %[[FLAT]] {offsets = [0], sizes = [16], strides = [1]}
//       CHECK:   %[[A:.+]] = llvm.call_intrinsic "llvm.x86.avx512.permvar.sf.512"(%[[TABLE]], %[[LOW]])
//       CHECK:   vector.insert_strided_slice %[[A]], %{{.+}} {offsets = [0], strides = [1]}
//       CHECK:   %[[HIGH:.+]] = vector.extract_strided_slice %[[FLAT]] {offsets = [16], sizes = [16], strides = [1]}
//       CHECK:   llvm.call_intrinsic "llvm.x86.avx512.permvar.sf.512"(%[[TABLE]], %[[HIGH]])
// Without a lookup, the bits are those of 2^19 + 8 + q.
// RAISE-LABEL: func.func @nibble(
//  RAISE-SAME:     %[[W:.+]]: vector<1x32xi32>)
//   RAISE-DAG:   %[[MASK:.+]] = arith.constant dense<240> : vector<1x32xi32>
//   RAISE-DAG:   %[[BITS:.+]] = arith.constant dense<1224736896> : vector<1x32xi32>
//   RAISE-DAG:   %[[O:.+]] = arith.constant dense<5.242960e+05> : vector<1x32xf32>
//       RAISE:   %[[A:.+]] = arith.andi %[[W]], %[[MASK]]
//       RAISE:   %[[B:.+]] = arith.xori %[[A]], %[[BITS]]
//       RAISE:   %[[F:.+]] = arith.bitcast %[[B]] : vector<1x32xi32> to vector<1x32xf32>
//       RAISE:   arith.subf %[[F]], %[[O]]
//  NONE-LABEL: func.func @nibble(
//        NONE:   arith.shli
//        NONE:   arith.shrsi
//        NONE:   arith.sitofp
func.func @nibble(%x: vector<1x32xi32>) -> vector<1x32xf32> {
  %above = arith.constant dense<24> : vector<1x32xi32>
  %c28 = arith.constant dense<28> : vector<1x32xi32>
  %0 = arith.shli %x, %above : vector<1x32xi32>
  %1 = arith.shrsi %0, %c28 : vector<1x32xi32>
  %q = arith.sitofp %1 : vector<1x32xi32> to vector<1x32xf32>
  return %q : vector<1x32xf32>
}

// The lowest needs no shift.
// CHECK-LABEL: func.func @lowest(
//  CHECK-SAME:     %[[X:.+]]: vector<16xi32>)
//       CHECK:   llvm.call_intrinsic "llvm.x86.avx512.permvar.sf.512"(%{{.+}}, %[[X]])
func.func @lowest(%x: vector<16xi32>) -> vector<16xf32> {
  %c28 = arith.constant dense<28> : vector<16xi32>
  %0 = arith.shli %x, %c28 : vector<16xi32>
  %1 = arith.shrsi %0, %c28 : vector<16xi32>
  %q = arith.sitofp %1 : vector<16xi32> to vector<16xf32>
  return %q : vector<16xf32>
}

// CHECK-LABEL: func.func @highest(
//       CHECK:   arith.shrui
//       CHECK:   llvm.call_intrinsic
func.func @highest(%x: vector<16xi32>) -> vector<16xf32> {
  %c28 = arith.constant dense<28> : vector<16xi32>
  %0 = arith.shrsi %x, %c28 : vector<16xi32>
  %q = arith.sitofp %0 : vector<16xi32> to vector<16xf32>
  return %q : vector<16xf32>
}

// CHECK-LABEL: func.func @five_bits_untouched(
//       CHECK:   arith.sitofp
func.func @five_bits_untouched(%x: vector<16xi32>) -> vector<16xf32> {
  %c27 = arith.constant dense<27> : vector<16xi32>
  %0 = arith.shrsi %x, %c27 : vector<16xi32>
  %q = arith.sitofp %0 : vector<16xi32> to vector<16xf32>
  return %q : vector<16xf32>
}

// CHECK-LABEL: func.func @no_whole_register_untouched(
//       CHECK:   arith.sitofp
func.func @no_whole_register_untouched(%x: vector<8xi32>) -> vector<8xf32> {
  %c28 = arith.constant dense<28> : vector<8xi32>
  %0 = arith.shrsi %x, %c28 : vector<8xi32>
  %q = arith.sitofp %0 : vector<8xi32> to vector<8xf32>
  return %q : vector<8xf32>
}

// A multiplier of 4 bits: the nibble, 4 bits up, is the end of a mantissa in
// which it counts 1 to 8. Bits are 2^19 and the sign, which is flipped.
// CHECK-LABEL: func.func @multiplier(
//  CHECK-SAME:     %[[X:.+]]: vector<1x16xi32>,
//   CHECK-DAG:   %[[MASK:.+]] = arith.constant dense<240> : vector<1x16xi32>
//   CHECK-DAG:   %[[BITS:.+]] = arith.constant dense<1224736896> : vector<1x16xi32>
//   CHECK-DAG:   %[[DOWN:.+]] = arith.constant dense<24> : vector<1x16xi32>
//   CHECK-DAG:   %[[OFFSET:.+]] = arith.constant dense<-5.242960e+05> : vector<1x16xf32>
//       CHECK:   %[[M:.+]] = vector.broadcast
//       CHECK:   %[[BYTE:.+]] = arith.shrui %[[X]], %[[DOWN]]
//       CHECK:   %[[NIBBLE:.+]] = arith.andi %[[BYTE]], %[[MASK]]
//       CHECK:   %[[RAISED:.+]] = arith.xori %[[NIBBLE]], %[[BITS]]
//       CHECK:   %[[FLOAT:.+]] = arith.bitcast %[[RAISED]]
//       CHECK:   %[[PARAMETER:.+]] = arith.mulf %[[M]], %[[OFFSET]]
//       CHECK:   math.fma %[[FLOAT]], %[[M]], %[[PARAMETER]]
//  NONE-LABEL: func.func @multiplier(
//        NONE:   arith.mulf
func.func @multiplier(%x: vector<1x16xi32>, %pairs: vector<16xi8>) -> vector<1x16xf32> {
  %c28 = arith.constant dense<28> : vector<1x16xi32>
  %c15 = arith.constant dense<15> : vector<16xi8>
  %0 = arith.shrsi %x, %c28 : vector<1x16xi32>
  %q = arith.sitofp %0 : vector<1x16xi32> to vector<1x16xf32>
  %1 = arith.andi %pairs, %c15 : vector<16xi8>
  %2 = arith.extsi %1 : vector<16xi8> to vector<16xi32>
  %3 = arith.sitofp %2 : vector<16xi32> to vector<16xf32>
  %m = vector.broadcast %3 : vector<16xf32> to vector<1x16xf32>
  %w = arith.mulf %q, %m : vector<1x16xf32>
  return %w : vector<1x16xf32>
}

// A zero point, and the lowest nibble: no shift.
// CHECK-LABEL: func.func @zero_point(
//  CHECK-SAME:     %[[X:.+]]: vector<16xi32>,
//   CHECK-DAG:   %[[MASK:.+]] = arith.constant dense<15> : vector<16xi32>
//   CHECK-DAG:   %[[BITS:.+]] = arith.constant dense<1258291208> : vector<16xi32>
//   CHECK-DAG:   %[[OFFSET:.+]] = arith.constant dense<0x4B000008> : vector<16xf32>
//       CHECK:   %[[Z:.+]] = arith.sitofp
//       CHECK:   %[[NIBBLE:.+]] = arith.andi %[[X]], %[[MASK]]
//       CHECK:   %[[RAISED:.+]] = arith.xori %[[NIBBLE]], %[[BITS]]
//       CHECK:   %[[FLOAT:.+]] = arith.bitcast %[[RAISED]]
//       CHECK:   %[[PARAMETER:.+]] = arith.addf %[[Z]], %[[OFFSET]]
//       CHECK:   arith.subf %[[FLOAT]], %[[PARAMETER]]
func.func @zero_point(%x: vector<16xi32>, %zero_points: vector<16xi8>) -> vector<16xf32> {
  %c28 = arith.constant dense<28> : vector<16xi32>
  %0 = arith.shli %x, %c28 : vector<16xi32>
  %1 = arith.shrsi %0, %c28 : vector<16xi32>
  %q = arith.sitofp %1 : vector<16xi32> to vector<16xf32>
  %2 = arith.extsi %zero_points : vector<16xi8> to vector<16xi32>
  %z = arith.sitofp %2 : vector<16xi32> to vector<16xf32>
  %w = arith.subf %q, %z : vector<16xf32>
  return %w : vector<16xf32>
}

// What is not known to have 4 bits could lose some: the nibble is looked up.
// CHECK-LABEL: func.func @wide_multiplier_untouched(
//       CHECK:   llvm.call_intrinsic
//       CHECK:   arith.mulf
//       CHECK:   llvm.call_intrinsic
//       CHECK:   arith.subf
func.func @wide_multiplier_untouched(%x: vector<16xi32>, %m8: vector<16xi8>, %z: vector<16xf32>) -> vector<16xf32> {
  %c28 = arith.constant dense<28> : vector<16xi32>
  %0 = arith.shrsi %x, %c28 : vector<16xi32>
  %q = arith.sitofp %0 : vector<16xi32> to vector<16xf32>
  %1 = arith.extsi %m8 : vector<16xi8> to vector<16xi32>
  %m = arith.sitofp %1 : vector<16xi32> to vector<16xf32>
  %scaled = arith.mulf %q, %m : vector<16xf32>
  %2 = arith.shli %x, %c28 : vector<16xi32>
  %3 = arith.shrsi %2, %c28 : vector<16xi32>
  %q0 = arith.sitofp %3 : vector<16xi32> to vector<16xf32>
  %moved = arith.subf %q0, %z : vector<16xf32>
  %w = arith.addf %scaled, %moved : vector<16xf32>
  return %w : vector<16xf32>
}
