// RUN: quant-opt %s --quant-check-ranges --split-input-file --verify-diagnostics

// With a zero point of -128, a - za reaches 255: 255 * 127 * 66000 is
// 2,137,410,000, the next K that is too large is 66312.
func.func @fits(%a: tensor<1x66000xi8>, %sa: tensor<f32>) -> tensor<1x1xf32> {
  %w = arith.constant dense<127> : tensor<1x66000xi8>
  %sw = arith.constant dense<1.0> : tensor<1x1xf32>
  %za = arith.constant dense<-128> : tensor<i8>
  %y = quant.linear %a, %w scale(%sw : tensor<1x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>) : tensor<1x66000xi8>, tensor<1x66000xi8> -> tensor<1x1xf32>
  return %y : tensor<1x1xf32>
}

// -----

func.func @overflow(%a: tensor<1x66312xi8>, %sa: tensor<f32>) -> tensor<1x1xf32> {
  %w = arith.constant dense<127> : tensor<1x66312xi8>
  %sw = arith.constant dense<1.0> : tensor<1x1xf32>
  %za = arith.constant dense<-128> : tensor<i8>
  // expected-error@below {{sums of output channel 0 can reach 2147514120, beyond 32 bits}}
  %y = quant.linear %a, %w scale(%sw : tensor<1x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>) : tensor<1x66312xi8>, tensor<1x66312xi8> -> tensor<1x1xf32>
  return %y : tensor<1x1xf32>
}
