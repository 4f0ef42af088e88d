// RUN: quant-opt %s --quant-select-layers="granularity=per-group skip=a.*z" --split-input-file --verify-diagnostics
// RUN: not quant-opt %s --quant-select-layers="weight-bits=5" 2>&1 | FileCheck %s --check-prefix=BITS
// RUN: not quant-opt %s --quant-select-layers="activation-bits=16" 2>&1 | FileCheck %s --check-prefix=ACTIVATION
// RUN: not quant-opt %s --quant-select-layers="activation-bits=32 mode=dynamic" 2>&1 | FileCheck %s --check-prefix=CONTRADICTION
// RUN: not quant-opt %s --quant-select-layers="granularity=per-group group-size=4" 2>&1 | FileCheck %s --check-prefix=GROUP
// RUN: not quant-opt %s --quant-select-layers="skip=(" 2>&1 | FileCheck %s --check-prefix=REGEX

//          BITS: error: there are no weights of 5 bits; weight-bits is 4 or 8
//    ACTIVATION: error: there are no activations of 16 bits; activation-bits is 8 or 32
// CONTRADICTION: error: activations of 32 bits are not quantized in mode dynamic; choose activation-bits=8 or mode=weight-only
//         GROUP: error: there are no groups of 4; group-size is 8 to 256
//         REGEX: error: skip pattern '(' is no regular expression: parentheses not balanced

// expected-warning@below {{skip pattern 'a.*z' matches no layer; the layers are 'linear_0', 'linear_1'}}
module {
func.func @group(%x: tensor<4x32xf32>) -> tensor<4x32xf32> {
  %w = arith.constant dense<0.5> : tensor<32x37xf32>
  %v = arith.constant dense<0.5> : tensor<37x32xf32>
  %zero = arith.constant dense<0.0> : tensor<4x37xf32>
  %zero2 = arith.constant dense<0.0> : tensor<4x32xf32>
  %0 = linalg.matmul ins(%x, %w : tensor<4x32xf32>, tensor<32x37xf32>) outs(%zero : tensor<4x37xf32>) -> tensor<4x37xf32>
  // expected-error@below {{groups of 32 leave 5 of K = 37; choose a group size that divides K or leaves a multiple of 8 (the nearest are 29 and 37), another granularity, or skip the layer}}
  %1 = linalg.matmul ins(%0, %v : tensor<4x37xf32>, tensor<37x32xf32>) outs(%zero2 : tensor<4x32xf32>) -> tensor<4x32xf32>
  return %1 : tensor<4x32xf32>
}
}

// -----

// expected-warning@below {{matches no layer}}
module {
func.func @nan(%x: tensor<4x32xf32>) -> tensor<4x1xf32> {
  %w = arith.constant dense<0x7FC00000> : tensor<32x1xf32>
  %zero = arith.constant dense<0.0> : tensor<4x1xf32>
  // expected-error@below {{the weight holds a NaN; only finite weights can be quantized}}
  %0 = linalg.matmul ins(%x, %w : tensor<4x32xf32>, tensor<32x1xf32>) outs(%zero : tensor<4x1xf32>) -> tensor<4x1xf32>
  return %0 : tensor<4x1xf32>
}
}

// -----

// expected-warning@below {{matches no layer}}
module {
func.func @infinity(%x: tensor<4x32xf32>) -> tensor<4x1xf32> {
  %w = arith.constant dense<0xFF800000> : tensor<32x1xf32>
  %zero = arith.constant dense<0.0> : tensor<4x1xf32>
  // expected-error@below {{the weight holds an infinity; only finite weights can be quantized}}
  %0 = linalg.matmul ins(%x, %w : tensor<4x32xf32>, tensor<32x1xf32>) outs(%zero : tensor<4x1xf32>) -> tensor<4x1xf32>
  return %0 : tensor<4x1xf32>
}
}

// -----

// expected-warning@below {{matches no layer}}
module {
func.func @missing(%x: tensor<4x32xf32>) -> tensor<4x1xf32> {
  %w = arith.constant dense_resource<nowhere> : tensor<32x1xf32>
  %zero = arith.constant dense<0.0> : tensor<4x1xf32>
  // expected-error@below {{the elements of the weight are missing; expects a dense constant or a resource that is there}}
  %0 = linalg.matmul ins(%x, %w : tensor<4x32xf32>, tensor<32x1xf32>) outs(%zero : tensor<4x1xf32>) -> tensor<4x1xf32>
  return %0 : tensor<4x1xf32>
}
}

// -----

// expected-warning@below {{matches no layer}}
module {
func.func @no_group_size(%x: tensor<4x5xf32>) -> tensor<4x1xf32> {
  %w = arith.constant dense<0.5> : tensor<5x1xf32>
  %zero = arith.constant dense<0.0> : tensor<4x1xf32>
  // expected-error@below {{groups of 32 leave 5 of K = 5; choose a group size that divides K or leaves a multiple of 8 (none does), another granularity, or skip the layer}}
  %0 = linalg.matmul ins(%x, %w : tensor<4x5xf32>, tensor<5x1xf32>) outs(%zero : tensor<4x1xf32>) -> tensor<4x1xf32>
  return %0 : tensor<4x1xf32>
}
}

// -----

// expected-warning@+1 {{nothing to quantize; expects products with a constant float weight}}
module {
func.func @no_layers(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
}
