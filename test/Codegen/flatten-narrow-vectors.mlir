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

// Bytes that were extended are narrow as well.

// CHECK-LABEL: func @extended
//       CHECK:   %[[A:.+]] = vector.shape_cast %{{.+}} : vector<2x4xi8> to vector<8xi8>
//       CHECK:   arith.extsi %[[A]] : vector<8xi8> to vector<8xi16>
func.func @extended(%a: vector<2x4xi8>) -> vector<2x4xi16> {
  %r = arith.extsi %a : vector<2x4xi8> to vector<2x4xi16>
  return %r : vector<2x4xi16>
}

// CHECK-LABEL: func @extended_to_words_untouched
//       CHECK:   arith.extsi %{{.+}} : vector<2x4xi8> to vector<2x4xi32>
func.func @extended_to_words_untouched(%a: vector<2x4xi8>) -> vector<2x4xi32> {
  %r = arith.extsi %a : vector<2x4xi8> to vector<2x4xi32>
  return %r : vector<2x4xi32>
}

// CHECK-LABEL: func @transposed_runs
//       CHECK:   %[[A:.+]] = vector.shape_cast %{{.+}} : vector<3x2x2xi8> to vector<12xi8>
//       CHECK:   vector.shuffle %[[A]], %[[A]] [0, 1, 4, 5, 8, 9, 2, 3, 6, 7, 10, 11] : vector<12xi8>, vector<12xi8>
func.func @transposed_runs(%a: vector<3x2x2xi8>) -> vector<2x3x2xi8> {
  %t = vector.transpose %a, [1, 0, 2] : vector<3x2x2xi8> to vector<2x3x2xi8>
  return %t : vector<2x3x2xi8>
}

// CHECK-LABEL: func @transposed_bytes_untouched
//       CHECK:   vector.transpose %{{.+}}, [1, 0] : vector<4x4xi8> to vector<4x4xi8>
func.func @transposed_bytes_untouched(%a: vector<4x4xi8>) -> vector<4x4xi8> {
  %t = vector.transpose %a, [1, 0] : vector<4x4xi8> to vector<4x4xi8>
  return %t : vector<4x4xi8>
}
