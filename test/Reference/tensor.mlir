// RUN: quant-translate --interpret --split-input-file %s | FileCheck %s

// Slices, with a stride and a dimension left out, and back.
// CHECK: output0 = dense<[2, 4]> : tensor<2xi32>
// CHECK-NEXT: output1 = dense<{{\[}}[1, 9, 3], [4, 8, 6]]> : tensor<2x3xi32>
// CHECK-NEXT: output2 = dense<{{\[}}[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>
func.func @slices() -> (tensor<2xi32>, tensor<2x3xi32>, tensor<2x3xi32>) {
  %x = arith.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>
  %flat = tensor.collapse_shape %x [[0, 1]] : tensor<2x3xi32> into tensor<6xi32>
  %0 = tensor.extract_slice %flat[1] [2] [2] : tensor<6xi32> to tensor<2xi32>
  %new = arith.constant dense<[9, 8]> : tensor<2xi32>
  %1 = tensor.insert_slice %new into %x[0, 1] [2, 1] [1, 1] : tensor<2xi32> into tensor<2x3xi32>
  return %0, %1, %x : tensor<2xi32>, tensor<2x3xi32>, tensor<2x3xi32>
}

// -----

// CHECK: output0 = dense<{{\[}}[0, 0, 0, 0], [0, 1, 2, 0]]> : tensor<2x4xi32>
// CHECK-NEXT: output1 = dense<{{\[}}[1, 2, 1], [3, 4, 2]]> : tensor<2x3xi32>
// CHECK-NEXT: output2 = dense<{{\[}}[0, 1], [10, 11]]> : tensor<2x2xi64>
func.func @build() -> (tensor<2x4xi32>, tensor<2x3xi32>, tensor<2x2xindex>) {
  %row = arith.constant dense<[[1, 2]]> : tensor<1x2xi32>
  %zero = arith.constant 0 : i32
  %0 = tensor.pad %row low[1, 1] high[0, 1] {
  ^bb0(%i: index, %j: index):
    tensor.yield %zero : i32
  } : tensor<1x2xi32> to tensor<2x4xi32>
  %square = arith.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi32>
  %column = arith.constant dense<[[1], [2]]> : tensor<2x1xi32>
  %1 = tensor.concat dim(1) %square, %column : (tensor<2x2xi32>, tensor<2x1xi32>) -> tensor<2x3xi32>
  %ten = arith.constant 10 : index
  %2 = tensor.generate {
  ^bb0(%i: index, %j: index):
    %tens = arith.muli %i, %ten : index
    %sum = arith.addi %tens, %j : index
    tensor.yield %sum : index
  } : tensor<2x2xindex>
  return %0, %1, %2 : tensor<2x4xi32>, tensor<2x3xi32>, tensor<2x2xindex>
}

// -----

// An insertion changes its own copy only, also in a loop.
// CHECK: output0 = dense<[7, 7, 3]> : tensor<3xi32>
// CHECK-NEXT: output1 = dense<[1, 2, 3]> : tensor<3xi32>
func.func @insert() -> (tensor<3xi32>, tensor<3xi32>) {
  %x = arith.constant dense<[1, 2, 3]> : tensor<3xi32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %seven = arith.constant 7 : i32
  %y = scf.for %i = %c0 to %c2 step %c1 iter_args(%t = %x) -> (tensor<3xi32>) {
    %next = tensor.insert %seven into %t[%i] : tensor<3xi32>
    scf.yield %next : tensor<3xi32>
  }
  return %y, %x : tensor<3xi32>, tensor<3xi32>
}

// -----

// Sizes of reshaped tensors.
// CHECK: output0 = dense<[4, -3, 3]> : tensor<3xi64>
func.func @affine() -> tensor<3xindex> {
  %c7 = arith.constant 7 : index
  %c2 = arith.constant 2 : index
  %0 = affine.apply affine_map<()[s0, s1] -> (s0 ceildiv s1)>()[%c7, %c2]
  %1 = affine.apply affine_map<(d0)[s0] -> (d0 * 2 - s0)>(%c2)[%c7]
  %2 = affine.apply affine_map<(d0) -> (d0 floordiv 2)>(%c7)
  %3 = tensor.from_elements %0, %1, %2 : tensor<3xindex>
  return %3 : tensor<3xindex>
}
