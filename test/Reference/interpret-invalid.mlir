// RUN: quant-translate --interpret --split-input-file --verify-diagnostics %s

// expected-error @+1 {{expects 1 inputs, got 0}}
func.func @inputs(%x: tensor<1xf32>) -> tensor<1xf32> {
  return %x : tensor<1xf32>
}

// -----

func.func @unknown() -> tensor<f32> {
  %x = arith.constant 1.0 : f32
  // expected-error @+1 {{the interpreter does not know operation 'math.cbrt'}}
  %y = math.cbrt %x : f32
  %t = tensor.from_elements %y : tensor<f32>
  return %t : tensor<f32>
}

// -----

func.func @unknown_type() -> tensor<bf16> {
  %x = arith.constant 1.0 : bf16
  // expected-error @+1 {{the interpreter does not know operation 'arith.addf' on bf16}}
  %y = arith.addf %x, %x : bf16
  %t = tensor.from_elements %y : tensor<bf16>
  return %t : tensor<bf16>
}

// -----

func.func @conversion() -> tensor<i8> {
  %x = arith.constant 128.0 : f32
  // expected-error @+1 {{converts 1.280000e+02 to i8, which cannot hold it}}
  %y = arith.fptosi %x : f32 to i8
  %t = tensor.from_elements %y : tensor<i8>
  return %t : tensor<i8>
}

// -----

func.func @division() -> tensor<i8> {
  %x = arith.constant 1 : i8
  %zero = arith.constant 0 : i8
  // expected-error @+1 {{divides by zero}}
  %y = arith.divsi %x, %zero : i8
  %t = tensor.from_elements %y : tensor<i8>
  return %t : tensor<i8>
}

// -----

func.func @shift() -> tensor<i8> {
  %x = arith.constant 8 : i8
  // expected-error @+1 {{shifts 8 bits by 8}}
  %y = arith.shli %x, %x : i8
  %t = tensor.from_elements %y : tensor<i8>
  return %t : tensor<i8>
}

// -----

func.func @outside() -> tensor<i8> {
  %x = arith.constant dense<[1, 2]> : tensor<2xi8>
  %i = arith.constant 2 : index
  // expected-error @+1 {{accesses [2] of a tensor of shape [2]}}
  %y = tensor.extract %x[%i] : tensor<2xi8>
  %t = tensor.from_elements %y : tensor<i8>
  return %t : tensor<i8>
}

// -----

func.func @slice() -> tensor<2xi8> {
  %x = arith.constant dense<[1, 2]> : tensor<2xi8>
  %i = arith.constant 1 : index
  // expected-error @+1 {{takes 2 elements from 1 in dimension 0, which has 2}}
  %y = tensor.extract_slice %x[%i] [2] [1] : tensor<2xi8> to tensor<2xi8>
  return %y : tensor<2xi8>
}

// -----

func.func @step() -> tensor<i8> {
  %x = arith.constant 1 : i8
  %i = arith.constant 0 : index
  // expected-error @+1 {{expects a positive step, got 0}}
  %y = scf.for %k = %i to %i step %i iter_args(%a = %x) -> (i8) {
    scf.yield %a : i8
  }
  %t = tensor.from_elements %y : tensor<i8>
  return %t : tensor<i8>
}

// -----

func.func @recursion() -> tensor<i8> {
  %x = func.call @forever() : () -> tensor<i8>
  return %x : tensor<i8>
}
func.func private @forever() -> tensor<i8> {
  // expected-error @+1 {{calls are nested deeper than 64}}
  %x = func.call @forever() : () -> tensor<i8>
  return %x : tensor<i8>
}

// -----

func.func @absurd() -> tensor<i8> {
  // expected-error @+1 {{expects tensors of at most 8589934592 bytes}}
  %x = tensor.empty() : tensor<1000000x1000000x1000000xf64>
  %y = arith.constant dense<0> : tensor<i8>
  return %y : tensor<i8>
}

// -----

#line = affine_map<(d0) -> (d0)>
func.func @sizes() -> tensor<3xf32> {
  %two = arith.constant dense<1.0> : tensor<2xf32>
  %three = arith.constant dense<1.0> : tensor<3xf32>
  %x = tensor.cast %two : tensor<2xf32> to tensor<?xf32>
  // expected-error @+1 {{expects operands that agree in dimension 0, got 2 and 3}}
  %y = linalg.generic {indexing_maps = [#line, #line], iterator_types = ["parallel"]}
      ins(%x : tensor<?xf32>) outs(%three : tensor<3xf32>) {
  ^bb0(%a: f32, %out: f32):
    linalg.yield %a : f32
  } -> tensor<3xf32>
  return %y : tensor<3xf32>
}

// -----

func.func @cast() -> tensor<3xf32> {
  %two = arith.constant dense<1.0> : tensor<2xf32>
  %x = tensor.cast %two : tensor<2xf32> to tensor<?xf32>
  // expected-error @+1 {{expects a shape that fits 'tensor<3xf32>', got [2]}}
  %y = tensor.cast %x : tensor<?xf32> to tensor<3xf32>
  return %y : tensor<3xf32>
}

// -----

// contraction_a2: an accumulator that does not fit is refused, not wrapped.
func.func @accumulator() -> tensor<1x1xf32> {
  %x = arith.constant dense<-128> : tensor<1x140000xi8>
  %w = arith.constant dense<-128> : tensor<1x140000xi8>
  %s = arith.constant dense<1.0> : tensor<f32>
  %z = arith.constant dense<0> : tensor<i8>
  // expected-error @+1 {{'quant.linear' op has an accumulator that does not fit 32 bits}}
  %y = quant.linear %x, %w scale(%s : tensor<f32>) input(%s, %z : tensor<f32>, tensor<i8>) : tensor<1x140000xi8>, tensor<1x140000xi8> -> tensor<1x1xf32>
  return %y : tensor<1x1xf32>
}
