// RUN: quant-opt %s --quant-expand-math --split-input-file --verify-diagnostics

func.func @no_formula(%x: f32) -> f32 {
  // expected-error @below {{there is no formula for 'math.cbrt' on 'f32'; erf, exp, log, powf, round, rsqrt, tanh, the trigonometric and the hyperbolic functions have one, on f32 and vectors of it}}
  %y = math.cbrt %x : f32
  return %y : f32
}

// -----

func.func @wide(%x: f64) -> f64 {
  // expected-error @below {{there is no formula for 'math.exp' on 'f64'}}
  %y = math.exp %x : f64
  return %y : f64
}

// -----

func.func @tensor(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{there is no formula for 'math.exp' on 'tensor<4xf32>'}}
  %y = math.exp %x : tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

func.func @remainder_of_vectors(%x: vector<4xf32>) -> vector<4xf32> {
  // expected-error @below {{there is no formula for 'arith.remf' on 'vector<4xf32>'; f32 and f64 scalars have one}}
  %y = arith.remf %x, %x : vector<4xf32>
  return %y : vector<4xf32>
}
