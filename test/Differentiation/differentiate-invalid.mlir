// RUN: quant-opt %s --quant-differentiate --split-input-file --verify-diagnostics
// RUN: not quant-opt %s --quant-differentiate=loss=logits --split-input-file 2>&1 | FileCheck %s

// CHECK: error: there is no result 'logits'

func.func @no_rule(%x: tensor<f32> {quant.trainable}) -> tensor<f32> {
  // expected-error@below {{'math.sin' cannot be differentiated; docs/Training.md lists the operations that have a rule}}
  %0 = math.sin %x : tensor<f32>
  return %0 : tensor<f32>
}

// -----

func.func @no_rule_in_a_body(%x: tensor<f32> {quant.trainable}) -> tensor<f32> {
  %empty = tensor.empty() : tensor<f32>
  %0 = linalg.generic {indexing_maps = [affine_map<() -> ()>, affine_map<() -> ()>], iterator_types = []}
      ins(%x : tensor<f32>) outs(%empty : tensor<f32>) {
  ^bb0(%in: f32, %out: f32):
    // expected-error@below {{'math.sin' cannot be differentiated}}
    %sine = math.sin %in : f32
    linalg.yield %sine : f32
  } -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

func.func @no_rule_off_the_path(%x: tensor<f32> {quant.trainable}, %y: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
  %0 = math.sin %y : tensor<f32>
  %1 = math.sin %x : tensor<f32>
  %2 = arith.mulf %x, %0 : tensor<f32>
  return %2, %1 : tensor<f32>, tensor<f32>
}

// -----

func.func @product(%x: tensor<4xf32> {quant.trainable}) -> tensor<f32> {
  %init = arith.constant dense<1.0> : tensor<f32>
  // expected-error@below {{this use of a destination cannot be differentiated; expects a sum, a maximum or a minimum}}
  %0 = linalg.reduce { arith.mulf } ins(%x : tensor<4xf32>) outs(%init : tensor<f32>) dimensions = [0]
  return %0 : tensor<f32>
}

// -----

func.func @maximum_of_products(%x: tensor<4xf32> {quant.trainable}) -> tensor<f32> {
  %init = arith.constant dense<1.0> : tensor<f32>
  // expected-error@below {{this maximum or minimum cannot be differentiated; expects one of the elements of a tensor}}
  %0 = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> ()>], iterator_types = ["reduction"]}
      ins(%x : tensor<4xf32>) outs(%init : tensor<f32>) {
  ^bb0(%in: f32, %out: f32):
    %square = arith.mulf %in, %in : f32
    %max = arith.maximumf %square, %out : f32
    linalg.yield %max : f32
  } -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

func.func @several_results(%x: tensor<f32> {quant.trainable}) -> tensor<f32> {
  %empty = tensor.empty() : tensor<f32>
  // expected-error@below {{an operation with several results cannot be differentiated; split it}}
  %0:2 = linalg.generic {indexing_maps = [affine_map<() -> ()>, affine_map<() -> ()>, affine_map<() -> ()>], iterator_types = []}
      ins(%x : tensor<f32>) outs(%empty, %empty : tensor<f32>, tensor<f32>) {
  ^bb0(%in: f32, %out0: f32, %out1: f32):
    linalg.yield %in, %in : f32, f32
  } -> (tensor<f32>, tensor<f32>)
  return %0#1 : tensor<f32>
}

// -----

func.func @scalar_operand(%x: tensor<f32> {quant.trainable}) -> tensor<f32> {
  %scalar = tensor.extract %x[] : tensor<f32>
  %empty = tensor.empty() : tensor<f32>
  // expected-error@below {{a scalar operand cannot be differentiated; expects a tensor of rank 0}}
  %0 = linalg.fill ins(%scalar : f32) outs(%empty : tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

func.func @padding(%x: tensor<f32> {quant.trainable}) -> tensor<f32> {
  %y = arith.constant dense<1.0> : tensor<3xf32>
  %scalar = tensor.extract %x[] : tensor<f32>
  // expected-error@below {{padding by a computed value cannot be differentiated; pad with a constant}}
  %0 = tensor.pad %y low[1] high[1] {
  ^bb0(%i: index):
    tensor.yield %scalar : f32
  } : tensor<3xf32> to tensor<5xf32>
  %init = arith.constant dense<0.0> : tensor<f32>
  %1 = linalg.reduce { arith.addf } ins(%0 : tensor<5xf32>) outs(%init : tensor<f32>) dimensions = [0]
  return %1 : tensor<f32>
}

// -----

// expected-error@below {{the loss 'output0' is a 'tensor<4xf32>'; expects a tensor<f32>}}
func.func @no_scalar(%x: tensor<4xf32> {quant.trainable}) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}

// -----

// expected-error@below {{no argument is trained; mark those that are with quant.trainable}}
func.func @nothing_to_train(%x: tensor<f32>) -> tensor<f32> {
  return %x : tensor<f32>
}

// -----

func.func @no_influence(%x: tensor<f32> {quant.trainable}, %y: tensor<f32>) -> tensor<f32> {
  // expected-error@below {{the loss depends on no argument that is trained}}
  %0 = arith.negf %y : tensor<f32>
  return %0 : tensor<f32>
}

// -----

// expected-error@below {{quantized layers are for inference; train with quantization-aware training, then convert}}
func.func @integer_argument(%x: tensor<f32>, %w: tensor<4x8xi8> {quant.trainable}) -> tensor<f32> {
  return %x : tensor<f32>
}

// -----

func.func @integer_layer(%x: tensor<1x8xf32>) -> tensor<f32> {
  %s = arith.constant dense<0.5> : tensor<f32>
  %w = arith.constant dense<7> : tensor<1x8xi8>
  // expected-error@below {{quantized layers are for inference; train with quantization-aware training, then convert}}
  %0 = quant.linear %x, %w scale(%s : tensor<f32>) : tensor<1x8xf32>, tensor<1x8xi8> -> tensor<1x1xf32>
  %1 = tensor.collapse_shape %0 [] : tensor<1x1xf32> into tensor<f32>
  return %1 : tensor<f32>
}
