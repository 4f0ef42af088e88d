// RUN: quant-opt %s --quant-insert-second-moments=layers=fc2 --verify-diagnostics

// expected-error@below {{layer pattern 'fc2' matches no linear layer}}
func.func @main(%x: tensor<3x8xf32>) -> tensor<3x8xf32> {
  return %x : tensor<3x8xf32>
}
