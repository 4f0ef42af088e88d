// RUN: quant-opt %s --quant-insert-second-moments | FileCheck %s
// RUN: quant-opt %s --quant-insert-second-moments=layers=fc2 --canonicalize | FileCheck %s --check-prefix=CHOSEN

// CHECK-DAG: #[[MI:.+]] = affine_map<(d0, d1, d2) -> (d2, d0)>
// CHECK-DAG: #[[MJ:.+]] = affine_map<(d0, d1, d2) -> (d2, d1)>
// CHECK-DAG: #[[IJ:.+]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-LABEL: func @main
//  CHECK-SAME:   %[[X:[^:]+]]: tensor<?x8xf32>
//  CHECK-SAME:   -> (tensor<8x8xf32> {quant.name = "fc1.second_moments",
//  CHECK-SAME:       tensor<f32> {quant.name = "fc1.rows",
//  CHECK-SAME:       tensor<12x12xf32> {quant.name = "fc2.second_moments",
//  CHECK-SAME:       tensor<f32> {quant.name = "fc2.rows",
// A float layer.
//       CHECK:   %[[S1:.+]] = linalg.matmul indexing_maps = [#[[MI]], #[[MJ]], #[[IJ]]] ins(%[[X]], %[[X]] : tensor<?x8xf32>, tensor<?x8xf32>) outs(%{{.+}} : tensor<8x8xf32>) -> tensor<8x8xf32>
//       CHECK:   %[[M:.+]] = tensor.dim %[[X]]
//       CHECK:   %[[M64:.+]] = arith.index_cast %[[M]] : index to i64
//       CHECK:   %[[F:.+]] = arith.sitofp %[[M64]] : i64 to f32
//       CHECK:   %[[R1:.+]] = linalg.fill ins(%[[F]] : f32) outs(%{{.+}} : tensor<f32>)
// A quantized layer: what it quantizes, without the last group's zeros.
//       CHECK:   %[[H:.+]] = linalg.matmul ins(%[[X]]
//       CHECK:   %[[P:.+]] = tensor.pad %[[H]]
//       CHECK:   %[[Q:.+]] = quant.quantize %[[P]]
//       CHECK:   %[[H12:.+]] = tensor.extract_slice %[[P]][0, 0] [%{{.+}}, 12] [1, 1]
//       CHECK:   %[[S2:.+]] = linalg.matmul indexing_maps = [#[[MI]], #[[MJ]], #[[IJ]]] ins(%[[H12]], %[[H12]]
//       CHECK:   return %[[S1]], %[[R1]], %[[S2]], %{{.+}} :

// CHOSEN-LABEL: func @main
//   CHOSEN-NOT:   fc1.
//       CHOSEN:   quant.name = "fc2.second_moments"
//   CHOSEN-NOT:   quant.linear
func.func @main(%x: tensor<?x8xf32> {quant.name = "x", quant.shape = affine_map<(d0) -> (d0, 8)>})
    -> (tensor<?x2xf32> {quant.name = "y", quant.shape = affine_map<(d0) -> (d0, 2)>}) attributes {quant.dims = ["batch"]} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %batch = tensor.dim %x, %c0 : tensor<?x8xf32>
  %e1 = tensor.empty(%batch) : tensor<?x12xf32>
  %i1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<?x12xf32>) -> tensor<?x12xf32>
  %w1 = arith.constant dense<1.0> : tensor<8x12xf32>
  %h = linalg.matmul ins(%x, %w1 : tensor<?x8xf32>, tensor<8x12xf32>) outs(%i1 : tensor<?x12xf32>) -> tensor<?x12xf32> loc("fc1")
  %p = tensor.pad %h low[0, 0] high[0, 4] {
  ^bb0(%i: index, %j: index):
    tensor.yield %zero : f32
  } : tensor<?x12xf32> to tensor<?x16xf32>
  %s = arith.constant dense<0.5> : tensor<f32>
  %z = arith.constant dense<0> : tensor<i8>
  %q = quant.quantize %p scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) : tensor<?x16xf32> -> tensor<?x16xi8>
  %w2 = arith.constant dense<1> : tensor<2x16xi8>
  %y = quant.linear %q, %w2 scale(%s : tensor<f32>) input(%s, %z : tensor<f32>, tensor<i8>) {quant.depth = 12 : i64} : tensor<?x16xi8>, tensor<2x16xi8> -> tensor<?x2xf32> loc("fc2")
  return %y : tensor<?x2xf32>
}
