// RUN: quant-opt %s --quant-insert-merged-lora="rank=2 scale=0.5" --split-input-file --verify-diagnostics --mlir-print-local-scope | FileCheck %s

// W + 0.5 * (A^T B^T) of a [K, N] weight; the layer reads the sum.
// CHECK-LABEL: func @merged
//  CHECK-SAME:     %[[X:[^:]+]]: tensor<3x16xf32>
//  CHECK-SAME:     %[[A:[^:]+]]: tensor<16x2xf32> {quant.name = "fc1.lora_down"{{[^}]*}}, quant.trainable}
//  CHECK-SAME:     %[[B:[^:]+]]: tensor<2x4xf32> {quant.name = "fc1.lora_up"{{[^}]*}}, quant.trainable}
//       CHECK:   %[[W:.+]] = arith.constant dense<5.000000e-01> : tensor<16x4xf32>
//       CHECK:   %[[P:.+]] = linalg.matmul ins(%[[A]], %[[B]] :
//       CHECK:   %[[M:.+]] = linalg.generic {{.*}} ins(%[[W]], %[[P]] : {{.*}} attrs = {quant.merged_weight}
//       CHECK:     %[[S:.+]] = arith.mulf
//       CHECK:     arith.addf %{{.+}}, %[[S]]
//       CHECK:   linalg.matmul {{.*}} ins(%[[X]], %[[M]] :
func.func @merged(%x: tensor<3x16xf32> {quant.name = "x", quant.shape = affine_map<() -> (3, 16)>}) -> tensor<3x4xf32> {
  %w = arith.constant dense<0.5> : tensor<16x4xf32>
  %zero = arith.constant dense<0.0> : tensor<3x4xf32>
  %y = linalg.matmul {quant.config = {granularity = "per_channel", mode = "dynamic", symmetric_weights, weight_bits = 8 : i64}}
      ins(%x, %w : tensor<3x16xf32>, tensor<16x4xf32>) outs(%zero : tensor<3x4xf32>) -> tensor<3x4xf32> loc("fc1")
  return %y : tensor<3x4xf32>
}

// -----

// expected-error @+1 {{has no layers that are to be quantized; adapters are trained inside of those}}
func.func @nothing_selected(%x: tensor<3x16xf32>) -> tensor<3x4xf32> {
  %w = arith.constant dense<0.5> : tensor<16x4xf32>
  %zero = arith.constant dense<0.0> : tensor<3x4xf32>
  %y = linalg.matmul {quant.skipped = "it is not wanted"} ins(%x, %w : tensor<3x16xf32>, tensor<16x4xf32>) outs(%zero : tensor<3x4xf32>) -> tensor<3x4xf32>
  return %y : tensor<3x4xf32>
}
