// RUN: quant-opt %s --quant-set-target=target=x86-64-v4 --quant-look-up-nibbles | FileCheck %s
// RUN: quant-opt %s --quant-set-target=target=x86-64-v3 --quant-look-up-nibbles | FileCheck %s --check-prefix=NONE

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
