// RUN: quant-opt %s --quant-differentiate=loss=error | FileCheck %s

// The loss is chosen by its name.

// CHECK-LABEL: func @main
//       CHECK:   %[[PRODUCT:.+]] = arith.mulf
//       CHECK:   %[[ERROR:.+]] = arith.negf
//       CHECK:   %[[ONE:.+]] = arith.constant dense<1.000000e+00> : tensor<f32>
//       CHECK:   %[[DX:.+]] = arith.negf %[[ONE]]
//       CHECK:   return %[[PRODUCT]], %[[ERROR]], %[[DX]]
func.func @main(%x: tensor<f32> {quant.trainable})
    -> (tensor<f32> {quant.name = "product"}, tensor<f32> {quant.name = "error"}) {
  %0 = arith.mulf %x, %x : tensor<f32>
  %1 = arith.negf %x : tensor<f32>
  return %0, %1 : tensor<f32>, tensor<f32>
}
