// RUN: quant-opt %s --quant-insert-trained-lora="layers=fc.* rank=2 scale=0.5" --split-input-file --verify-diagnostics --mlir-print-local-scope | FileCheck %s
// RUN: quant-opt %s --quant-insert-trained-lora="layers=fc.* rank=2 scale=0.5" --quant-attach-loss="loss=mse" --quant-differentiate --split-input-file --verify-diagnostics --mlir-print-local-scope | FileCheck %s --check-prefix=GRADIENT

// The base stays as it is; A and B of the chosen layer are trained.
// CHECK-LABEL: func @chosen
//  CHECK-SAME:     %[[X:[^:]+]]: tensor<?x16xf32>
//  CHECK-SAME:     %[[A:[^:]+]]: tensor<16x2xf32> {quant.name = "fc1.lora_down"{{[^}]*}}, quant.trainable}
//  CHECK-SAME:     %[[B:[^:]+]]: tensor<2x4xf32> {quant.name = "fc1.lora_up"{{[^}]*}}, quant.trainable}
//   CHECK-DAG:   %[[DOWN:.+]] = tensor.expand_shape %[[A]] {{.*}} into tensor<1x16x2xf32>
//   CHECK-DAG:   %[[UP:.+]] = tensor.expand_shape %[[B]] {{.*}} into tensor<1x2x4xf32>
//   CHECK-DAG:   %[[HALF:.+]] = arith.constant dense<5.000000e-01> : tensor<1xf32>
//   CHECK-DAG:   %[[FIRST:.+]] = arith.constant dense<0> : tensor<1xi32>
//       CHECK:   %[[D:.+]] = quant.lora %[[X]], %[[DOWN]], %[[UP]] scale(%[[HALF]] : {{.*}}) slots(%[[FIRST]] :
//       CHECK:   quant.linear {{.*}} addend(%[[D]] : tensor<?x4xf32>)
//       CHECK:   quant.linear
//   CHECK-NOT:       addend

// Only the adapter has gradients.
// GRADIENT-LABEL: func @chosen
//  GRADIENT-SAME:     tensor<16x2xf32> {quant.name = "fc1.lora_down.gradient"
//  GRADIENT-SAME:     tensor<2x4xf32> {quant.name = "fc1.lora_up.gradient"
//   GRADIENT-NOT:     weight.gradient
func.func @chosen(%x: tensor<?x16xf32> {quant.name = "x", quant.shape = affine_map<(d0) -> (d0, 16)>})
    -> (tensor<?x3xf32> {quant.name = "y", quant.shape = affine_map<(d0) -> (d0, 3)>}) attributes {quant.dims = ["batch"]} {
  %w = arith.constant dense<3> : tensor<4x16xi8>
  %v = arith.constant dense<5> : tensor<3x4xi8>
  %s = arith.constant dense<0.25> : tensor<f32>
  %h = quant.linear %x, %w scale(%s : tensor<f32>) : tensor<?x16xf32>, tensor<4x16xi8> -> tensor<?x4xf32> loc("fc1")
  %y = quant.linear %h, %v scale(%s : tensor<f32>) : tensor<?x4xf32>, tensor<3x4xi8> -> tensor<?x3xf32> loc("out")
  return %y : tensor<?x3xf32>
}

// -----

// expected-error @+1 {{layer pattern 'fc.*' matches no quantized layer; they are 'out'}}
func.func @no_such_layer(%x: tensor<2x16xf32>) -> tensor<2x4xf32> {
  %w = arith.constant dense<3> : tensor<4x16xi8>
  %s = arith.constant dense<0.25> : tensor<f32>
  %y = quant.linear %x, %w scale(%s : tensor<f32>) : tensor<2x16xf32>, tensor<4x16xi8> -> tensor<2x4xf32> loc("out")
  return %y : tensor<2x4xf32>
}
