// RUN: quant-opt %s --quant-resolve-uniform | quant-translate --interpret > %t.simulated
// RUN: quant-opt %s --quant-resolve-uniform --quant-simulated | quant-translate --interpret > %t.integer
// RUN: cmp %t.simulated %t.integer
// RUN: FileCheck %s --check-prefix=VALUE --input-file %t.integer
// RUN: quant-opt %s --quant-resolve-uniform --quant-simulated | FileCheck %s

// A layer as other compilers leave it on linalg: its quantized product is one of floats between casts, and
// all about its integers is in types. It becomes a layer of integers with an integer result.
// x / 0.5 is [2, 124, 0, -4], saturated at 127 - 3, and [1, 2, 0, -2], rounded half to even; the products
// with the rows of the weight are [234 / 4, 2 / 2] and [-3 / 4, 1 / 2].
// CHECK-LABEL: func @main
// CHECK-NOT:     linalg.matmul
// CHECK:         quant.linear {{.*}} -> tensor<2x2xi8>
// CHECK-NOT:     quant.qcast
// VALUE: output0 = dense<{{\[\[}}58, 1], [-1, 0]]> : tensor<2x2xi8>
!x = !quant.uniform<i8:f32, 0.5:3>
!w = !quant.uniform<i8<-127:127>:f32:0, {0.5, 1.0}>
!y = !quant.uniform<i8:f32, 1.0>
func.func @main() -> tensor<2x2xi8> {
  %x = arith.constant dense<[[1.0, 100.0, 0.0, -2.0], [0.5, 0.75, -0.25, -0.75]]> : tensor<2x4xf32>
  %w = arith.constant dense<[[1, 2, 3, 4], [1, 0, -1, 0]]> : tensor<2x4xi8>
  %xq = quant.qcast %x : tensor<2x4xf32> to tensor<2x4x!x>
  %xf = quant.dcast %xq : tensor<2x4x!x> to tensor<2x4xf32>
  %wq = quant.scast %w : tensor<2x4xi8> to tensor<2x4x!w>
  %wf = quant.dcast %wq : tensor<2x4x!w> to tensor<2x4xf32>
  %zero = arith.constant dense<0.0> : tensor<2x2xf32>
  %empty = tensor.empty() : tensor<4x2xf32>
  %t = linalg.transpose ins(%wf : tensor<2x4xf32>) outs(%empty : tensor<4x2xf32>) permutation = [1, 0]
  %p = linalg.matmul ins(%xf, %t : tensor<2x4xf32>, tensor<4x2xf32>) outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32>
  %yq = quant.qcast %p : tensor<2x2xf32> to tensor<2x2x!y>
  %y = quant.scast %yq : tensor<2x2x!y> to tensor<2x2xi8>
  return %y : tensor<2x2xi8>
}
