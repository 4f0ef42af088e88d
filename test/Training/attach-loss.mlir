// RUN: quant-opt %s --quant-attach-loss --mlir-print-local-scope | FileCheck %s
// RUN: quant-opt %s --quant-attach-loss=loss=mse --mlir-print-local-scope | FileCheck %s --check-prefix=MSE

// CHECK-LABEL: func @main
//  CHECK-SAME:     %[[Y:[^:]+]]: tensor<?x10xf32>
//  CHECK-SAME:     %[[L:[^:]+]]: tensor<?xi64> {quant.name = "labels", quant.shape = affine_map<(d0) -> (d0)>}
//  CHECK-SAME:     -> (tensor<f32> {quant.name = "loss", quant.shape = affine_map<(d0) -> ()>})
//       CHECK:     arith.maximumf
//       CHECK:     arith.subf
//       CHECK:     math.exp
//       CHECK:     arith.cmpi eq
//       CHECK:     arith.select
//       CHECK:     arith.addf
//       CHECK:     arith.addf
//       CHECK:     math.log
//       CHECK:     arith.subf
//       CHECK:     arith.addf
//       CHECK:     arith.divf
//       CHECK:   return %{{.+}} : tensor<f32>

//   MSE-LABEL: func @main
//    MSE-SAME:     %[[L:[^:]+]]: tensor<?x10xf32> {quant.name = "labels", quant.shape = affine_map<(d0) -> (d0, 10)>}
//         MSE:     %[[E:.+]] = arith.subf
//         MSE:     arith.mulf %[[E]], %[[E]]
//         MSE:     arith.addf
//         MSE:     arith.addf
//         MSE:     arith.divf
func.func @main(%y: tensor<?x10xf32> {quant.name = "y", quant.shape = affine_map<(d0) -> (d0, 10)>})
    -> (tensor<?x10xf32> {quant.name = "logits", quant.shape = affine_map<(d0) -> (d0, 10)>})
    attributes {quant.dims = ["batch"]} {
  return %y : tensor<?x10xf32>
}
