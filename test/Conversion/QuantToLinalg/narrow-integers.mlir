// Tensors of 2 and 4 bits are tensors of bytes; bodies take their lowest bits.
// RUN: quant-opt %s --quant-lower-to-linalg --split-input-file | FileCheck %s
// RUN: quant-opt %s --quant-lower-to-linalg --split-input-file | not grep "tensor<.*i[24]>"

#id = affine_map<(d0) -> (d0)>

// CHECK-LABEL: func.func @generic(
// CHECK-SAME:    %[[X:.*]]: tensor<4xi8>)
// CHECK:         %[[EMPTY:.*]] = tensor.empty() : tensor<4xi8>
// CHECK:         linalg.generic {{.*}} ins(%[[X]] : tensor<4xi8>) outs(%[[EMPTY]] : tensor<4xi8>)
// CHECK:         ^bb0(%[[BYTE:.*]]: i8, %{{.*}}: i8):
// CHECK:           %[[ELEMENT:.*]] = arith.trunci %[[BYTE]] : i8 to i4
// CHECK:           %[[SUM:.*]] = arith.addi %[[ELEMENT]], %[[ELEMENT]] : i4
// CHECK:           %[[EXTENDED:.*]] = arith.extsi %[[SUM]] : i4 to i8
// CHECK:           linalg.yield %[[EXTENDED]] : i8
func.func @generic(%x: tensor<4xi4>) -> tensor<4xi4> {
  %empty = tensor.empty() : tensor<4xi4>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<4xi4>) outs(%empty : tensor<4xi4>) {
  ^bb0(%e: i4, %o: i4):
    %0 = arith.addi %e, %e : i4
    linalg.yield %0 : i4
  } -> tensor<4xi4>
  return %y : tensor<4xi4>
}

// -----

// CHECK-LABEL: func.func @movement(
// CHECK:         linalg.generic {{.*}} outs(%{{.*}} : tensor<3x2xi8>)
// CHECK:         tensor.collapse_shape %{{.*}} : tensor<3x2xi8> into tensor<6xi8>
// CHECK:         tensor.extract_slice %{{.*}} : tensor<6xi8> to tensor<2xi8>
func.func @movement(%x: tensor<2x3xi2>) -> tensor<2xi2> {
  %empty = tensor.empty() : tensor<3x2xi2>
  %t = linalg.transpose ins(%x : tensor<2x3xi2>) outs(%empty : tensor<3x2xi2>) permutation = [1, 0]
  %c = tensor.collapse_shape %t [[0, 1]] : tensor<3x2xi2> into tensor<6xi2>
  %s = tensor.extract_slice %c[1] [2] [2] : tensor<6xi2> to tensor<2xi2>
  return %s : tensor<2xi2>
}

// -----

// CHECK-LABEL: func.func @elements(
// CHECK:         %[[BYTE:.*]] = tensor.extract %{{.*}} : tensor<4xi8>
// CHECK:         %[[E:.*]] = arith.trunci %[[BYTE]] : i8 to i4
// CHECK:         %[[Z:.*]] = arith.extsi %[[E]] : i4 to i8
// CHECK:         tensor.from_elements %[[Z]] : tensor<1xi8>
// CHECK:         arith.constant dense<[-8, 7]> : tensor<2xi8>
func.func @elements(%x: tensor<4xi4>, %i: index) -> (tensor<1xi4>, tensor<2xi4>) {
  %e = tensor.extract %x[%i] : tensor<4xi4>
  %y = tensor.from_elements %e : tensor<1xi4>
  %c = arith.constant dense<[-8, 7]> : tensor<2xi4>
  return %y, %c : tensor<1xi4>, tensor<2xi4>
}

// -----

// CHECK-LABEL: func.func @bytes_untouched(
// CHECK-NEXT:    tensor.empty() : tensor<4xi8>
// CHECK-NEXT:    linalg.fill
// CHECK-NEXT:    return
func.func @bytes_untouched(%x: i8) -> tensor<4xi8> {
  %empty = tensor.empty() : tensor<4xi8>
  %y = linalg.fill ins(%x : i8) outs(%empty : tensor<4xi8>) -> tensor<4xi8>
  return %y : tensor<4xi8>
}
