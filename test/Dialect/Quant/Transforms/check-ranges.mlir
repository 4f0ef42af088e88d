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

// -----

// A zero point that is chosen at run time may be at either end, but any
// a - za stays within 255.
func.func @dynamic_overflow(%a: tensor<1x66312xi8>, %r: tensor<1x1x2xf32>) -> tensor<1x1xf32> {
  %w = arith.constant dense<-127> : tensor<1x66312xi8>
  %sw = arith.constant dense<1.0> : tensor<f32>
  %sa, %za = quant.choose_params %r {bits = 8 : i64} : tensor<1x1x2xf32> -> tensor<1x1xf32>, tensor<1x1xi8>
  // expected-error@below {{sums of output channel 0 can reach 2147514120, beyond 32 bits}}
  %y = quant.linear %a, %w scale(%sw : tensor<f32>) input(%sa, %za : tensor<1x1xf32>, tensor<1x1xi8>) : tensor<1x66312xi8>, tensor<1x66312xi8> -> tensor<1x1xf32>
  return %y : tensor<1x1xf32>
}

// -----

// Symmetric parameters halve it, and so do two groups with a sum each.
func.func @symmetric(%a: tensor<1x66312xi8>, %r: tensor<1x1x2xf32>) -> tensor<1x1xf32> {
  %w = arith.constant dense<-127> : tensor<1x66312xi8>
  %sw = arith.constant dense<1.0> : tensor<f32>
  %sa, %za = quant.choose_params %r {bits = 8 : i64, symmetric} : tensor<1x1x2xf32> -> tensor<1x1xf32>, tensor<1x1xi8>
  %y = quant.linear %a, %w scale(%sw : tensor<f32>) input(%sa, %za : tensor<1x1xf32>, tensor<1x1xi8>) : tensor<1x66312xi8>, tensor<1x66312xi8> -> tensor<1x1xf32>
  return %y : tensor<1x1xf32>
}

func.func @groups(%a: tensor<1x66312xi8>, %sa: tensor<1x1xf32>, %za: tensor<1x1xi8>) -> tensor<1x1xf32> {
  %w = arith.constant dense<-127> : tensor<1x66312xi8>
  %sw = arith.constant dense<1.0> : tensor<1x2xf32>
  %y = quant.linear %a, %w scale(%sw : tensor<1x2xf32>) input(%sa, %za : tensor<1x1xf32>, tensor<1x1xi8>) : tensor<1x66312xi8>, tensor<1x66312xi8> -> tensor<1x1xf32>
  return %y : tensor<1x1xf32>
}

// -----

// The zero point of the second group makes its weights -255, so 33156 of them
// are too many; the name of the layer goes with the error.
func.func @group_zero_point(%a: tensor<1x66312xi8>, %sa: tensor<1x1xf32>, %za: tensor<1x1xi8>) -> tensor<1x1xf32> {
  %w = arith.constant dense<-128> : tensor<1x66312xi8>
  %sw = arith.constant dense<1.0> : tensor<1x2xf32>
  %zw = arith.constant dense<[[0, 127]]> : tensor<1x2xi8>
  // expected-error@below {{sums of output channel 0 can reach 2155968900, beyond 32 bits}}
  %y = quant.linear %a, %w scale(%sw : tensor<1x2xf32>) zero_point(%zw : tensor<1x2xi8>) input(%sa, %za : tensor<1x1xf32>, tensor<1x1xi8>) : tensor<1x66312xi8>, tensor<1x66312xi8> -> tensor<1x1xf32>
  return %y : tensor<1x1xf32>
}

// -----

// 15 * -8 * 255 in each of 70272 elements, in the second channel only.
func.func @multiplier(%a: tensor<1x70272xi8>, %sa: tensor<1x1xf32>, %za: tensor<1x1xi8>) -> tensor<1x2xf32> {
  %p = arith.constant dense<-120> : tensor<2x35136xi8>
  %w = quant.unpack %p : tensor<2x35136xi8> -> tensor<2x70272xi4>
  %sw = arith.constant dense<1.0> : tensor<2x1xf32>
  %g = arith.constant dense<[[14], [15]]> : tensor<2x1xi8>
  // expected-error@below {{sums of output channel 1 can reach 2150323200, beyond 32 bits}}
  %y = quant.linear %a, %w scale(%sw : tensor<2x1xf32>) multiplier(%g : tensor<2x1xi8>) input(%sa, %za : tensor<1x1xf32>, tensor<1x1xi8>) : tensor<1x70272xi8>, tensor<2x70272xi4> -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}

// -----

// Weights that are trained may be as large as their storage: 65794 * 255 * 128
// is just beyond 32 bits.
func.func @trained_weight(%a: tensor<1x65793xi8>, %w: tensor<1x65793xi8>, %sa: tensor<f32>, %za: tensor<i8>, %sw: tensor<f32>) -> tensor<1x1xf32> {
  %y = quant.linear %a, %w scale(%sw : tensor<f32>) input(%sa, %za : tensor<f32>, tensor<i8>) : tensor<1x65793xi8>, tensor<1x65793xi8> -> tensor<1x1xf32>
  return %y : tensor<1x1xf32>
}

// -----

func.func @large_trained_weight(%a: tensor<1x65794xi8>, %w: tensor<1x65794xi8>, %sa: tensor<f32>, %za: tensor<i8>, %sw: tensor<f32>) -> tensor<1x1xf32> {
  // expected-error@below {{sums of trained weights can reach 2147516160, beyond 32 bits; split K = 65794 or skip the layer}}
  %y = quant.linear %a, %w scale(%sw : tensor<f32>) input(%sa, %za : tensor<f32>, tensor<i8>) : tensor<1x65794xi8>, tensor<1x65794xi8> -> tensor<1x1xf32>
  return %y : tensor<1x1xf32>
}

// -----

// Float sums do not overflow.
func.func @weight_only(%a: tensor<1x8xf32>, %w: tensor<1x8xi8>, %sw: tensor<f32>) -> tensor<1x1xf32> {
  %y = quant.linear %a, %w scale(%sw : tensor<f32>) : tensor<1x8xf32>, tensor<1x8xi8> -> tensor<1x1xf32>
  return %y : tensor<1x1xf32>
}
