// RUN: not quant-opt %s --quant-insert-lora="layers=fc1,conv.*" 2>&1 | FileCheck %s --check-prefix=PATTERN
// RUN: not quant-opt %s --quant-insert-lora="layers=(" 2>&1 | FileCheck %s --check-prefix=REGEX
// RUN: not quant-opt %s --quant-insert-lora="max-rank=0" 2>&1 | FileCheck %s --check-prefix=RANK
// RUN: not quant-opt %s --quant-insert-lora --quant-insert-lora 2>&1 | FileCheck %s --check-prefix=TWICE
// RUN: not quant-opt %S/../../../Integration/Inputs/mlp.mlir --quant-insert-lora 2>&1 | FileCheck %s --check-prefix=FLOAT

// PATTERN: error: layer pattern 'conv.*' matches no quantized layer; they are 'fc1', 'fc2'
//   REGEX: error: layer pattern '(' is no regular expression: parentheses not balanced
//    RANK: error: there are no adapters of rank 0; max-rank is at least 1
//   TWICE: error: takes adapters already
//   FLOAT: error: has no quantized layers for adapters

func.func @main(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %s = arith.constant dense<0.5> : tensor<f32>
  %w = arith.constant dense<1> : tensor<4x4xi8>
  %h = quant.linear %x, %w scale(%s : tensor<f32>) : tensor<?x4xf32>, tensor<4x4xi8> -> tensor<?x4xf32> loc("fc1")
  %y = quant.linear %h, %w scale(%s : tensor<f32>) : tensor<?x4xf32>, tensor<4x4xi8> -> tensor<?x4xf32> loc("fc2")
  return %y : tensor<?x4xf32>
}
