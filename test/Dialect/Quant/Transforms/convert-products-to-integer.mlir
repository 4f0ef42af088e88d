// RUN: quant-opt %s --quant-convert-products-to-integer --split-input-file --mlir-print-debuginfo --mlir-print-local-scope | FileCheck %s

// Scores of attention: each pair of matrices is a layer whose weight is the
// transpose of the right one.
// CHECK-LABEL: func @batch
//  CHECK-SAME:     %[[Q:.+]]: tensor<?x8x4xi8> {{.+}}, %[[K:.+]]: tensor<?x4x6xi8>
//       CHECK:   %[[SQ:.+]] = arith.constant dense<5.000000e-01> : tensor<f32>
//       CHECK:   %[[ZQ:.+]] = arith.constant dense<3> : tensor<i8>
//       CHECK:   %[[SK:.+]] = arith.constant dense<2.500000e-01> : tensor<f32>
//       CHECK:   %[[EMPTY:.+]] = tensor.empty(%[[B:.+]]) : tensor<?x8x6xf32>
//       CHECK:   %[[Y:.+]] = scf.for %[[I:[a-z0-9]+]] = %{{.+}} to %[[B]] step %{{.+}} iter_args(%[[R:.+]] = %[[EMPTY]])
//       CHECK:     %[[X:.+]] = tensor.extract_slice %[[Q]][%[[I]], 0, 0] [1, 8, 4] [1, 1, 1] : tensor<?x8x4xi8> to tensor<8x4xi8>
//       CHECK:     %[[W:.+]] = tensor.extract_slice %[[K]][%[[I]], 0, 0] [1, 4, 6] [1, 1, 1] : tensor<?x4x6xi8> to tensor<4x6xi8>
//       CHECK:     %[[T:.+]] = linalg.transpose ins(%[[W]] : tensor<4x6xi8>) outs(%{{.+}} : tensor<6x4xi8>) permutation = [1, 0]
//       CHECK:     %[[L:.+]] = quant.linear %[[X]], %[[T]] scale(%[[SK]] : tensor<f32>) input(%[[SQ]], %[[ZQ]] : tensor<f32>, tensor<i8>)
//  CHECK-SAME:       {quant.config = {granularity = "per_tensor", mode = "static", symmetric_weights, weight_bits = 8 : i64}}
//  CHECK-SAME:       : tensor<8x4xi8>, tensor<6x4xi8> -> tensor<8x6xf32> loc("scores")
//       CHECK:     tensor.insert_slice %[[L]] into %[[R]][%[[I]], 0, 0] [1, 8, 6] [1, 1, 1] : tensor<8x6xf32> into tensor<?x8x6xf32>
//   CHECK-NOT:   linalg.batch_matmul
func.func @batch(%q: tensor<?x8x4xi8>, %k: tensor<?x4x6xi8>, %init: tensor<?x8x6xf32>) -> tensor<?x8x6xf32> {
  %sq = arith.constant dense<0.5> : tensor<f32>
  %zq = arith.constant dense<3> : tensor<i8>
  %sk = arith.constant dense<0.25> : tensor<f32>
  %x = quant.dequantize %q scale(%sq : tensor<f32>) zero_point(%zq : tensor<i8>) : tensor<?x8x4xi8> -> tensor<?x8x4xf32>
  %w = quant.dequantize %k scale(%sk : tensor<f32>) : tensor<?x4x6xi8> -> tensor<?x4x6xf32>
  %c = arith.constant 0.0 : f32
  %zero = linalg.fill ins(%c : f32) outs(%init : tensor<?x8x6xf32>) -> tensor<?x8x6xf32>
  %y = linalg.batch_matmul ins(%x, %w : tensor<?x8x4xf32>, tensor<?x4x6xf32>) outs(%zero : tensor<?x8x6xf32>) -> tensor<?x8x6xf32> loc("scores")
  return %y : tensor<?x8x6xf32>
}

// -----

// Two dimensions of a batch, the second one between rows and terms; the right
// operand has its terms last and a scale that is computed.
// CHECK-LABEL: func @heads
//       CHECK:   scf.for %[[I:[a-z0-9]+]] =
//       CHECK:     scf.for %[[J:[a-z0-9]+]] =
//       CHECK:       %[[X:.+]] = tensor.extract_slice %{{.+}}[%[[I]], 0, %[[J]], 0] [1, 8, 1, 4] [1, 1, 1, 1] : tensor<2x8x3x4xi8> to tensor<8x4xi8>
//       CHECK:       %[[W:.+]] = tensor.extract_slice %{{.+}}[%[[I]], 0, %[[J]], 0] [1, 6, 1, 4] [1, 1, 1, 1] : tensor<2x6x3x4xi8> to tensor<6x4xi8>
//   CHECK-NOT:       linalg.transpose
//       CHECK:       quant.linear %[[X]], %[[W]]
//  CHECK-SAME:         zero_point(%{{.+}} : tensor<i8>)
//  CHECK-SAME:         mode = "dynamic"
//       CHECK:       tensor.insert_slice %{{.+}}[%[[I]], %[[J]], 0, 0] [1, 1, 8, 6] [1, 1, 1, 1] : tensor<8x6xf32> into tensor<2x3x8x6xf32>
func.func @heads(%q: tensor<2x8x3x4xi8>, %k: tensor<2x6x3x4xi8>, %s: tensor<f32>, %z: tensor<i8>) -> tensor<2x3x8x6xf32> {
  %x = quant.dequantize %q scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) : tensor<2x8x3x4xi8> -> tensor<2x8x3x4xf32>
  %w = quant.dequantize %k scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) : tensor<2x6x3x4xi8> -> tensor<2x6x3x4xf32>
  %zero = arith.constant dense<0.0> : tensor<2x3x8x6xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(b, h, m, n, k) -> (b, m, h, k)>, affine_map<(b, h, m, n, k) -> (b, n, h, k)>, affine_map<(b, h, m, n, k) -> (b, h, m, n)>],
                       iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<2x8x3x4xf32>, tensor<2x6x3x4xf32>) outs(%zero : tensor<2x3x8x6xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %r = arith.addf %c, %p : f32
    linalg.yield %r : f32
  } -> tensor<2x3x8x6xf32>
  return %y : tensor<2x3x8x6xf32>
}

// -----

// One pair of matrices needs no loop.
// CHECK-LABEL: func @matrices
//   CHECK-NOT:   scf.for
//       CHECK:   %[[Y:.+]] = quant.linear
//       CHECK:   return %[[Y]]
func.func @matrices(%q: tensor<?x4xi8>, %k: tensor<4x6xi8>, %s: tensor<f32>, %init: tensor<?x6xf32>) -> tensor<?x6xf32> {
  %x = quant.dequantize %q scale(%s : tensor<f32>) : tensor<?x4xi8> -> tensor<?x4xf32>
  %w = quant.dequantize %k scale(%s : tensor<f32>) : tensor<4x6xi8> -> tensor<4x6xf32>
  %c = arith.constant 0.0 : f32
  %zero = linalg.fill ins(%c : f32) outs(%init : tensor<?x6xf32>) -> tensor<?x6xf32>
  %y = linalg.matmul ins(%x, %w : tensor<?x4xf32>, tensor<4x6xf32>) outs(%zero : tensor<?x6xf32>) -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// -----

// A float operand, a constant weight, scales per row, a right operand of unknown
// size, a sum that does not start from 0, and one that i32 may not hold.
// CHECK-LABEL: func @others_untouched
//       CHECK:   linalg.matmul
//       CHECK:   linalg.matmul
//       CHECK:   linalg.matmul
//       CHECK:   linalg.matmul
//       CHECK:   linalg.matmul
//       CHECK:   linalg.matmul
//   CHECK-NOT:   quant.linear
func.func @others_untouched(%f: tensor<4x4xf32>, %q: tensor<4x4xi8>, %s: tensor<f32>, %rows: tensor<4x1xf32>, %dynamic: tensor<4x?xi8>, %init: tensor<4x?xf32>,
                            %long: tensor<4x40000xi8>, %tall: tensor<40000x4xi8>)
    -> (tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x?xf32>, tensor<4x4xf32>, tensor<4x4xf32>) {
  %constant = arith.constant dense<1> : tensor<4x4xi8>
  %zero = arith.constant dense<0.0> : tensor<4x4xf32>
  %c = arith.constant 0.0 : f32
  %zeros = linalg.fill ins(%c : f32) outs(%init : tensor<4x?xf32>) -> tensor<4x?xf32>
  %x = quant.dequantize %q scale(%s : tensor<f32>) : tensor<4x4xi8> -> tensor<4x4xf32>
  %w = quant.dequantize %constant scale(%s : tensor<f32>) : tensor<4x4xi8> -> tensor<4x4xf32>
  %r = quant.dequantize %q scale(%rows : tensor<4x1xf32>) : tensor<4x4xi8> -> tensor<4x4xf32>
  %d = quant.dequantize %dynamic scale(%s : tensor<f32>) : tensor<4x?xi8> -> tensor<4x?xf32>
  %l = quant.dequantize %long scale(%s : tensor<f32>) : tensor<4x40000xi8> -> tensor<4x40000xf32>
  %t = quant.dequantize %tall scale(%s : tensor<f32>) : tensor<40000x4xi8> -> tensor<40000x4xf32>
  %0 = linalg.matmul ins(%x, %f : tensor<4x4xf32>, tensor<4x4xf32>) outs(%zero : tensor<4x4xf32>) -> tensor<4x4xf32>
  %1 = linalg.matmul ins(%x, %w : tensor<4x4xf32>, tensor<4x4xf32>) outs(%zero : tensor<4x4xf32>) -> tensor<4x4xf32>
  %2 = linalg.matmul ins(%r, %x : tensor<4x4xf32>, tensor<4x4xf32>) outs(%zero : tensor<4x4xf32>) -> tensor<4x4xf32>
  %3 = linalg.matmul ins(%x, %d : tensor<4x4xf32>, tensor<4x?xf32>) outs(%zeros : tensor<4x?xf32>) -> tensor<4x?xf32>
  %4 = linalg.matmul ins(%x, %x : tensor<4x4xf32>, tensor<4x4xf32>) outs(%f : tensor<4x4xf32>) -> tensor<4x4xf32>
  %5 = linalg.matmul ins(%l, %t : tensor<4x40000xf32>, tensor<40000x4xf32>) outs(%zero : tensor<4x4xf32>) -> tensor<4x4xf32>
  return %0, %1, %2, %3, %4, %5 : tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x?xf32>, tensor<4x4xf32>, tensor<4x4xf32>
}
