// RUN: quant-opt %S/Inputs/mlp.mlir --quant-train-step | FileCheck %s
// RUN: quant-opt %S/Inputs/mlp.mlir --quant-train-step=warm-up | FileCheck %s --check-prefix=WARMUP
// RUN: quant-opt %S/Inputs/mlp.mlir --quant-train-step="parameters=learned optimizer=sgd loss=mse" | FileCheck %s --check-prefix=LEARNED
// RUN: quant-opt %S/Inputs/mlp.mlir --quant-train-step="skip=.*" | FileCheck %s --check-prefix=FLOAT
// RUN: quant-opt %S/Inputs/mlp.mlir --quant-qat-forward | FileCheck %s --check-prefix=FORWARD
// RUN: quant-opt %S/Inputs/mlp.mlir --quant-train-step --quant-to-llvm -o /dev/null

// CHECK-LABEL: func @main
//  CHECK-SAME:     -> (tensor<f32> {quant.name = "loss"
//  CHECK-SAME:         quant.name = "fc1.input.range"
//  CHECK-SAME:         quant.name = "fc1.weight"
//  CHECK-SAME:         quant.name = "fc1.weight.mean"
//       CHECK:   quant.linear {{.*}} output(

// WARMUP-LABEL: func @main
//  WARMUP-SAME:     -> (tensor<f32> {quant.name = "loss"
//  WARMUP-SAME:         quant.name = "fc1.input.range"
//  WARMUP-SAME:         quant.name = "fc1.weight"
//   WARMUP-NOT:   quant.quantize

// LEARNED-LABEL: func @main
//  LEARNED-SAME:     -> (tensor<f32> {quant.name = "loss"
//   LEARNED-NOT:         input.range
//  LEARNED-SAME:         quant.name = "fc1.input.scale"
//  LEARNED-SAME:         quant.name = "fc1.weight.scale"

// FLOAT-LABEL: func @main
//  FLOAT-SAME:     -> (tensor<f32> {quant.name = "loss"
//   FLOAT-NOT:   quant.linear

// FORWARD-LABEL: func @main
//  FORWARD-SAME:     quant.name = "fc1.weight"
//       FORWARD:   quant.quantize %{{.+}} : tensor<8x16xf32> -> tensor<8x16xi8>
//       FORWARD:   quant.linear {{.*}} output(
