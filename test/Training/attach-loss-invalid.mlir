// RUN: quant-opt %s --quant-attach-loss --split-input-file --verify-diagnostics

// expected-error@below {{output 'output0' is a 'tensor<4xf32>'; cross-entropy needs [M, classes]}}
func.func @rank(%y: tensor<4xf32>) -> tensor<4xf32> {
  return %y : tensor<4xf32>
}

// -----

// expected-error@below {{has the outputs 'output0' and 'output1'; a loss needs a single one}}
func.func @two_outputs(%y: tensor<4x2xf32>) -> (tensor<4x2xf32>, tensor<4x2xf32>) {
  return %y, %y : tensor<4x2xf32>, tensor<4x2xf32>
}

// -----

// expected-error@below {{output 'output0' has elements of 'i8'; a loss needs f32}}
func.func @element_type(%y: tensor<4x2xi8>) -> tensor<4x2xi8> {
  return %y : tensor<4x2xi8>
}

// -----

// expected-error@below {{the program has an input 'labels' already; rename it}}
func.func @labels(%y: tensor<4x2xf32> {quant.name = "labels", quant.shape = affine_map<() -> (4, 2)>}) -> tensor<4x2xf32> {
  return %y : tensor<4x2xf32>
}
