// RUN: quant-opt %s --quant-insert-optimizer --split-input-file --verify-diagnostics

// expected-error@below {{has no gradients; run quant-differentiate first}}
func.func @no_gradients(%x: tensor<f32>) -> tensor<f32> {
  return %x : tensor<f32>
}

// -----

// expected-error@below {{output 'w.gradient' is no gradient; expects an input 'w' of the same static shape}}
func.func @no_input(%x: tensor<f32>) -> (tensor<f32> {quant.name = "w.gradient", quant.shape = affine_map<() -> ()>}) {
  return %x : tensor<f32>
}
