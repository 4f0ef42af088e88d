// RUN: quant-opt %s --quant-lower-transposes --split-input-file | FileCheck %s

// Two rounds of two interleavings of two rows.
// CHECK-LABEL: func @square(
//  CHECK-SAME:     %[[V:.+]]: vector<4x4xf32>
//   CHECK-DAG:   %[[R0:.+]] = vector.extract %[[V]][0]
//   CHECK-DAG:   %[[R1:.+]] = vector.extract %[[V]][1]
//   CHECK-DAG:   %[[R2:.+]] = vector.extract %[[V]][2]
//   CHECK-DAG:   %[[R3:.+]] = vector.extract %[[V]][3]
//       CHECK:   %[[A0:.+]] = vector.shuffle %[[R0]], %[[R2]] [0, 4, 1, 5]
//       CHECK:   %[[A1:.+]] = vector.shuffle %[[R0]], %[[R2]] [2, 6, 3, 7]
//       CHECK:   %[[A2:.+]] = vector.shuffle %[[R1]], %[[R3]] [0, 4, 1, 5]
//       CHECK:   %[[A3:.+]] = vector.shuffle %[[R1]], %[[R3]] [2, 6, 3, 7]
//       CHECK:   vector.shuffle %[[A0]], %[[A2]] [0, 4, 1, 5]
//       CHECK:   vector.shuffle %[[A0]], %[[A2]] [2, 6, 3, 7]
//       CHECK:   vector.shuffle %[[A1]], %[[A3]] [0, 4, 1, 5]
//       CHECK:   vector.shuffle %[[A1]], %[[A3]] [2, 6, 3, 7]
//   CHECK-NOT:   vector.transpose
func.func @square(%v: vector<4x4xf32>) -> vector<4x4xf32> {
  %t = vector.transpose %v, [1, 0] : vector<4x4xf32> to vector<4x4xf32>
  return %t : vector<4x4xf32>
}

// CHECK-LABEL: func @unit_dimensions(
//       CHECK:   vector.shuffle
//       CHECK:   vector.shape_cast {{.*}} to vector<2x1x2xf32>
//   CHECK-NOT:   vector.transpose
func.func @unit_dimensions(%v: vector<1x2x2xf32>) -> vector<2x1x2xf32> {
  %t = vector.transpose %v, [2, 0, 1] : vector<1x2x2xf32> to vector<2x1x2xf32>
  return %t : vector<2x1x2xf32>
}

// CHECK-LABEL: func @others_untouched(
// CHECK-COUNT-3: vector.transpose
func.func @others_untouched(%v: vector<4x8xf32>, %w: vector<3x3xf32>, %u: vector<1x4x4xf32>)
    -> (vector<8x4xf32>, vector<3x3xf32>, vector<4x1x4xf32>) {
  %0 = vector.transpose %v, [1, 0] : vector<4x8xf32> to vector<8x4xf32>
  %1 = vector.transpose %w, [1, 0] : vector<3x3xf32> to vector<3x3xf32>
  %2 = vector.transpose %u, [1, 0, 2] : vector<1x4x4xf32> to vector<4x1x4xf32>
  return %0, %1, %2 : vector<8x4xf32>, vector<3x3xf32>, vector<4x1x4xf32>
}
