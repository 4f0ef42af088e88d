// RUN: quant-opt %s --quant-flatten-narrow-vectors | FileCheck %s

// CHECK-LABEL: func @elementwise
//       CHECK:   %[[A:.+]] = vector.shape_cast %{{.+}} : vector<2x4xi8> to vector<8xi8>
//       CHECK:   arith.muli %[[A]], %{{.+}} : vector<8xi8>
func.func @elementwise(%a: vector<2x4xi8>, %b: vector<2x4xi8>) -> vector<2x4xi8> {
  %r = arith.muli %a, %b : vector<2x4xi8>
  return %r : vector<2x4xi8>
}

// CHECK-LABEL: func @repeated
//       CHECK:   vector.shuffle %{{.+}}, %{{.+}} [0, 0, 0, 0, 1, 1, 1, 1] : vector<2xi8>, vector<2xi8>
func.func @repeated(%m: vector<1x2x1xi8>) -> vector<1x2x4xi8> {
  %b = vector.broadcast %m : vector<1x2x1xi8> to vector<1x2x4xi8>
  return %b : vector<1x2x4xi8>
}

// CHECK-LABEL: func @repeated_rows_untouched
//       CHECK:   vector.broadcast %{{.+}} : vector<2x4xi8> to vector<6x2x4xi8>
func.func @repeated_rows_untouched(%w: vector<2x4xi8>) -> vector<6x2x4xi8> {
  %b = vector.broadcast %w : vector<2x4xi8> to vector<6x2x4xi8>
  return %b : vector<6x2x4xi8>
}

// CHECK-LABEL: func @wide_elements_untouched
//       CHECK:   arith.muli %{{.+}}, %{{.+}} : vector<6x64xi32>
func.func @wide_elements_untouched(%a: vector<6x64xi32>, %b: vector<6x64xi32>) -> vector<6x64xi32> {
  %r = arith.muli %a, %b : vector<6x64xi32>
  return %r : vector<6x64xi32>
}
