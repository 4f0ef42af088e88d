// RUN: quant-opt %s --allow-unregistered-dialect --quant-expand-loop-results --canonicalize | FileCheck %s

// Both loops, and the marks that they have.
// CHECK-LABEL: func @nest(
//       CHECK:   %[[ALL:.+]] = tensor.empty(%{{.+}}) : tensor<?x2x8xf32>
//       CHECK:   %[[OUTER:.+]] = scf.for {{.*}} iter_args(%[[A:.+]] = %[[ALL]]) -> (tensor<?x2x8xf32>)
//       CHECK:     %[[INNER:.+]] = scf.for {{.*}} iter_args(%[[B:.+]] = %[[A]]) -> (tensor<?x2x8xf32>)
//       CHECK:       %[[BLOCK:.+]] = "test.block"
//       CHECK:       %[[NEXT:.+]] = tensor.insert_slice %[[BLOCK]] into %[[B]][%{{.+}}, 0, 0] [4, 2, 8] [1, 1, 1]
//       CHECK:       scf.yield %[[NEXT]]
//       CHECK:     } {quant.parallel}
//       CHECK:     scf.yield %[[INNER]]
//       CHECK:   } {quant.parallel}
//       CHECK:   %[[Y:.+]] = tensor.collapse_shape %[[OUTER]] {{\[\[}}0], [1, 2]]
//       CHECK:   return %[[Y]]
func.func @nest(%m: index, %n: index) -> tensor<?x16xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %c28 = arith.constant 28 : index
  %empty = tensor.empty(%m) : tensor<?x16xf32>
  %y = scf.for %i = %c0 to %n step %c1 iter_args(%a = %empty) -> (tensor<?x16xf32>) {
    %z = scf.for %j = %c0 to %c28 step %c4 iter_args(%b = %a) -> (tensor<?x16xf32>) {
      %row = affine.apply affine_map<()[i, j] -> (i * 28 + j)>()[%i, %j]
      %block = "test.block"(%row) : (index) -> tensor<4x2x8xf32>
      %rows = tensor.collapse_shape %block [[0], [1, 2]] : tensor<4x2x8xf32> into tensor<4x16xf32>
      %next = tensor.insert_slice %rows into %b[%row, 0] [4, 16] [1, 1] : tensor<4x16xf32> into tensor<?x16xf32>
      scf.yield %next : tensor<?x16xf32>
    } {quant.parallel}
    scf.yield %z : tensor<?x16xf32>
  } {quant.parallel}
  return %y : tensor<?x16xf32>
}

// The part has only some of the columns.
// CHECK-LABEL: func @part_of_columns_untouched(
//       CHECK:   scf.for {{.*}} -> (tensor<28x32xf32>)
func.func @part_of_columns_untouched(%empty: tensor<28x32xf32>) -> tensor<28x32xf32> {
  %c0 = arith.constant 0 : index
  %c4 = arith.constant 4 : index
  %c28 = arith.constant 28 : index
  %z = scf.for %j = %c0 to %c28 step %c4 iter_args(%b = %empty) -> (tensor<28x32xf32>) {
    %block = "test.block"(%j) : (index) -> tensor<4x2x8xf32>
    %rows = tensor.collapse_shape %block [[0], [1, 2]] : tensor<4x2x8xf32> into tensor<4x16xf32>
    %next = tensor.insert_slice %rows into %b[%j, 0] [4, 16] [1, 1] : tensor<4x16xf32> into tensor<28x32xf32>
    scf.yield %next : tensor<28x32xf32>
  }
  return %z : tensor<28x32xf32>
}

// The iteration reads what is there.
// CHECK-LABEL: func @reads_result_untouched(
//       CHECK:   scf.for {{.*}} -> (tensor<28x16xf32>)
func.func @reads_result_untouched(%empty: tensor<28x16xf32>) -> tensor<28x16xf32> {
  %c0 = arith.constant 0 : index
  %c4 = arith.constant 4 : index
  %c28 = arith.constant 28 : index
  %z = scf.for %j = %c0 to %c28 step %c4 iter_args(%b = %empty) -> (tensor<28x16xf32>) {
    %block = "test.block"(%j, %b) : (index, tensor<28x16xf32>) -> tensor<4x2x8xf32>
    %rows = tensor.collapse_shape %block [[0], [1, 2]] : tensor<4x2x8xf32> into tensor<4x16xf32>
    %next = tensor.insert_slice %rows into %b[%j, 0] [4, 16] [1, 1] : tensor<4x16xf32> into tensor<28x16xf32>
    scf.yield %next : tensor<28x16xf32>
  }
  return %z : tensor<28x16xf32>
}
