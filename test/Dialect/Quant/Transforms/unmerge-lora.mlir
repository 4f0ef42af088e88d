// RUN: quant-opt %s --quant-unmerge-lora --split-input-file --verify-diagnostics | FileCheck %s
// What is merged is restored: see merge-lora.mlir.

// CHECK-LABEL: func @unmerge
//   CHECK-DAG:   %[[W:.+]] = arith.constant dense<1> : tensor<2x2xi8>
//   CHECK-DAG:   %[[S:.+]] = arith.constant dense<2.000000e+00> : tensor<2x1xf32>
//       CHECK:   quant.linear %{{.+}}, %[[W]] scale(%[[S]] : tensor<2x1xf32>) {quant.config = {{{[^}]*}}}} :
func.func @unmerge(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<3> : tensor<2x2xi8>
  %s = arith.constant dense<1.0> : tensor<2x1xf32>
  %y = quant.linear %x, %w scale(%s : tensor<2x1xf32>) {
    quant.config = {granularity = "per_channel", mode = "weight_only", symmetric_weights, weight_bits = 8 : i64},
    quant.base = {weight = dense<1> : tensor<2x2xi8>, weight_scale = dense<2.0> : tensor<2x1xf32>}, quant.survival = {}}
    : tensor<?x2xf32>, tensor<2x2xi8> -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

func.func @without_base(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<3> : tensor<2x2xi8>
  %s = arith.constant dense<1.0> : tensor<2x1xf32>
  // expected-error@below {{was merged without its base, and rounding cannot be undone; merge with keep-base}}
  %y = quant.linear %x, %w scale(%s : tensor<2x1xf32>) {quant.survival = {}} : tensor<?x2xf32>, tensor<2x2xi8> -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

func.func @base_without_weight(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<3> : tensor<2x2xi8>
  %s = arith.constant dense<1.0> : tensor<2x1xf32>
  // expected-error@below {{its base has no weight of its shape}}
  %y = quant.linear %x, %w scale(%s : tensor<2x1xf32>) {
    quant.config = {granularity = "per_channel", mode = "weight_only", symmetric_weights, weight_bits = 8 : i64}, quant.base = {}}
    : tensor<?x2xf32>, tensor<2x2xi8> -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

func.func @base_of_another_shape(%x: tensor<3x4xf32>) -> tensor<3x1xf32> {
  %w = arith.constant dense<1.0> : tensor<4x1xf32>
  %zero = arith.constant dense<0.0> : tensor<3x1xf32>
  // expected-error@below {{its base has no weight of its shape}}
  %y = linalg.matmul {quant.base = {weight = dense<1.0> : tensor<4x4xf32>}}
      ins(%x, %w : tensor<3x4xf32>, tensor<4x1xf32>) outs(%zero : tensor<3x1xf32>) -> tensor<3x1xf32>
  return %y : tensor<3x1xf32>
}
