// RUN: quant-opt %s --quant-insert-moving-averages --split-input-file | FileCheck %s
// RUN: quant-opt %s --quant-insert-moving-averages --split-input-file --verify-diagnostics -o /dev/null

// CHECK-LABEL: func @static
//  CHECK-SAME:     %[[X:[^:]+]]: tensor<3x16xf32>
//  CHECK-SAME:     %[[M:[^:]+]]: tensor<f32> {quant.name = "range_momentum"
//  CHECK-SAME:     %[[R:[^:]+]]: tensor<2xf32> {quant.name = "fc1.input.range"
//  CHECK-SAME:     -> (tensor<3x1xf32> {{.*}}, tensor<2xf32> {quant.name = "fc1.input.range"
//       CHECK:   %[[B:.+]] = quant.observe %[[X]] : tensor<3x16xf32> -> tensor<2xf32>
//       CHECK:   %[[A:.+]] = linalg.generic {{.*}} ins(%[[R]], %[[B]], %[[M]] :
//       CHECK:     %[[KEPT:.+]] = arith.mulf %[[MOMENTUM:.+]], %{{.+}} : f32
//       CHECK:     %[[REST:.+]] = arith.subf %{{.+}}, %[[MOMENTUM]]
//       CHECK:     %[[NEW:.+]] = arith.mulf %[[REST]], %{{.+}}
//       CHECK:     arith.addf %[[KEPT]], %[[NEW]]
//       CHECK:   %[[Y:.+]] = linalg.matmul
//       CHECK:   return %[[Y]], %[[A]]
func.func @static(%x: tensor<3x16xf32>) -> tensor<3x1xf32> {
  %w = arith.constant dense<1.0> : tensor<16x1xf32>
  %zero = arith.constant dense<0.0> : tensor<3x1xf32>
  %y = linalg.matmul {quant.config = {weight_bits = 8 : i64, mode = "static", granularity = "per_channel"}} ins(%x, %w : tensor<3x16xf32>, tensor<16x1xf32>) outs(%zero : tensor<3x1xf32>) -> tensor<3x1xf32> loc("fc1")
  return %y : tensor<3x1xf32>
}

// -----

// CHECK-LABEL: func @dynamic_untouched
//   CHECK-NOT:   quant.observe
func.func @dynamic_untouched(%x: tensor<3x16xf32>) -> tensor<3x1xf32> {
  %w = arith.constant dense<1.0> : tensor<16x1xf32>
  %zero = arith.constant dense<0.0> : tensor<3x1xf32>
  %y = linalg.matmul {quant.config = {weight_bits = 8 : i64, mode = "dynamic", granularity = "per_channel"}} ins(%x, %w : tensor<3x16xf32>, tensor<16x1xf32>) outs(%zero : tensor<3x1xf32>) -> tensor<3x1xf32> loc("fc1")
  return %y : tensor<3x1xf32>
}
