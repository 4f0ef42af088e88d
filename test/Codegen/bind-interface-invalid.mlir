// RUN: quant-opt %s --quant-bind-interface --split-input-file --verify-diagnostics

// expected-error@+1 {{expects one public function with a body}}
module {
}

// -----

// expected-error@+1 {{'input0' has elements of type 'i4'; inputs and outputs hold i1, i8, i16, i32, i64, f16, bf16, f32 or f64}}
func.func @main(%x: tensor<4xi4>) {
  return
}

// -----

// expected-error@+1 {{'output0' has elements of type 'index'}}
func.func @main() -> tensor<1xindex> {
  %c = arith.constant dense<1> : tensor<1xindex>
  return %c : tensor<1xindex>
}

// -----

// expected-error@+1 {{'input0' has an encoding; inputs and outputs are dense}}
func.func @main(%x: tensor<4xf32, "encoding">) {
  return
}

// -----

// expected-error@+1 {{the quant.shape of 'input0' does not fit 'tensor<?x4xf32>' and 1 dynamic dimensions}}
func.func @main(%x: tensor<?x4xf32> {quant.shape = affine_map<(d0) -> (d0, 5)>})
    attributes {quant.dims = ["n"]} {
  return
}

// -----

// expected-error@+1 {{the quant.shape of 'input0' does not fit 'tensor<?xf32>' and 1 dynamic dimensions}}
func.func @main(%x: tensor<?xf32> {quant.shape = affine_map<(d0, d1) -> (d1)>})
    attributes {quant.dims = ["n"]} {
  return
}

// -----

// expected-error@+1 {{the public function must not be called}}
func.func @main(%x: tensor<4xf32>) {
  return
}
func.func private @caller(%x: tensor<4xf32>) {
  call @main(%x) : (tensor<4xf32>) -> ()
  return
}

// -----

// expected-error@+1 {{expects one block; control flow is structured}}
func.func @main(%x: tensor<4xf32>) {
  cf.br ^exit
^exit:
  return
}

// -----

// expected-error@+1 {{expects quant.dims to be an array of strings}}
func.func @main(%x: tensor<?xf32>) attributes {quant.dims = [1]} {
  return
}

// -----

// expected-error@+1 {{'input0' is too large; the constant sizes of 'tensor<?x9223372036854775807xf32>' make more than 2^40 bytes}}
func.func @main(%x: tensor<?x9223372036854775807xf32>) {
  return
}

// -----

// expected-error@+1 {{expects quant.type to be an integer type of as many bytes as 'i8', got ui16}}
func.func @main(%x: tensor<4xi8> {quant.type = ui16}) {
  return
}

// -----

// expected-error@+1 {{expects quant.type to be an integer type of as many bytes as 'f32', got ui32}}
func.func @main(%x: tensor<4xf32>) -> (tensor<4xf32> {quant.type = ui32}) {
  return %x : tensor<4xf32>
}
