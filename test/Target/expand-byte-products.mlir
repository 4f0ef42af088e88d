// RUN: quant-opt %s --quant-set-target=target=x86-64-v4 --quant-expand-byte-products | FileCheck %s
// RUN: quant-opt %s --quant-set-target=target=aarch64 --quant-expand-byte-products | FileCheck %s --check-prefix=ARM

// CHECK-LABEL: func.func @pairs(
//       CHECK:   %[[A:.+]] = arith.andi %{{.+}} : vector<4xi8>
//       CHECK:   %[[M:.+]] = arith.andi %{{.+}} : vector<2xi8>
//       CHECK:   %[[WIDE:.+]] = arith.extui %[[M]] : vector<2xi8> to vector<2xi16>
//       CHECK:   %[[PAIRS:.+]] = vector.bitcast %[[A]] : vector<4xi8> to vector<2xi16>
//       CHECK:   %[[P:.+]] = arith.muli %[[PAIRS]], %[[WIDE]] : vector<2xi16>
//       CHECK:   vector.bitcast %[[P]] : vector<2xi16> to vector<4xi8>
//   ARM-LABEL: func.func @pairs(
//         ARM:   arith.muli %{{.+}}, %{{.+}} : vector<4xi8>
func.func @pairs(%x: vector<4xi8>, %y: vector<2xi8>) -> vector<4xi8> {
  %mask = arith.constant dense<15> : vector<4xi8>
  %short = arith.constant dense<15> : vector<2xi8>
  %a = arith.andi %x, %mask : vector<4xi8>
  %m = arith.andi %y, %short : vector<2xi8>
  %b = vector.shuffle %m, %m [0, 0, 1, 1] : vector<2xi8>, vector<2xi8>
  %p = arith.muli %a, %b : vector<4xi8>
  return %p : vector<4xi8>
}

// A product of larger factors may reach 256.
// CHECK-LABEL: func.func @large_factors_untouched(
//       CHECK:   arith.muli %{{.+}}, %{{.+}} : vector<4xi8>
func.func @large_factors_untouched(%x: vector<4xi8>, %m: vector<2xi8>) -> vector<4xi8> {
  %mask = arith.constant dense<15> : vector<4xi8>
  %a = arith.andi %x, %mask : vector<4xi8>
  %b = vector.shuffle %m, %m [0, 0, 1, 1] : vector<2xi8>, vector<2xi8>
  %p = arith.muli %a, %b : vector<4xi8>
  return %p : vector<4xi8>
}

// CHECK-LABEL: func.func @different_neighbours_untouched(
//       CHECK:   arith.muli %{{.+}}, %{{.+}} : vector<4xi8>
func.func @different_neighbours_untouched(%x: vector<4xi8>, %y: vector<2xi8>) -> vector<4xi8> {
  %mask = arith.constant dense<15> : vector<4xi8>
  %short = arith.constant dense<15> : vector<2xi8>
  %a = arith.andi %x, %mask : vector<4xi8>
  %m = arith.andi %y, %short : vector<2xi8>
  %b = vector.shuffle %m, %m [0, 1, 1, 0] : vector<2xi8>, vector<2xi8>
  %p = arith.muli %a, %b : vector<4xi8>
  return %p : vector<4xi8>
}
