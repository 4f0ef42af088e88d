// RUN: quant-translate --interpret --split-input-file %s | FileCheck %s

// float_linear_a1: acc = fma(x, w, acc). 1 + 2^-12 squared less 1 + 2^-11 is
// 2^-24 when fused and 0 when the product rounds; named and generic alike.
// CHECK: output0 = dense<5.96046448E-8> : tensor<1x1xf32>
// CHECK-NEXT: output1 = dense<5.96046448E-8> : tensor<1xf32>
// CHECK-NEXT: output2 = dense<0.000000e+00> : tensor<1xf32>
#row = affine_map<(d0, d1) -> (d1)>
#out = affine_map<(d0, d1) -> (d0)>
func.func @float_linear_a1() -> (tensor<1x1xf32>, tensor<1xf32>, tensor<1xf32>) {
  %x = arith.constant dense<[[1.0, 1.000244140625]]> : tensor<1x2xf32>
  %w = arith.constant dense<[[-1.00048828125], [1.000244140625]]> : tensor<2x1xf32>
  %x1 = arith.constant dense<[1.0, 1.000244140625]> : tensor<2xf32>
  %w1 = arith.constant dense<[-1.00048828125, 1.000244140625]> : tensor<2xf32>
  %zero = arith.constant dense<0.0> : tensor<1x1xf32>
  %zero1 = arith.constant dense<0.0> : tensor<1xf32>
  %0 = linalg.matmul ins(%x, %w : tensor<1x2xf32>, tensor<2x1xf32>) outs(%zero : tensor<1x1xf32>) -> tensor<1x1xf32>
  %1 = linalg.generic {indexing_maps = [#row, #row, #out], iterator_types = ["parallel", "reduction"]}
      ins(%x1, %w1 : tensor<2xf32>, tensor<2xf32>) outs(%zero1 : tensor<1xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %mul = arith.mulf %a, %b : f32
    %add = arith.addf %acc, %mul : f32
    linalg.yield %add : f32
  } -> tensor<1xf32>
  // Any other body rounds each operation by itself.
  %2 = linalg.generic {indexing_maps = [#row, #row, #out], iterator_types = ["parallel", "reduction"]}
      ins(%x1, %w1 : tensor<2xf32>, tensor<2xf32>) outs(%zero1 : tensor<1xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %mul = arith.mulf %a, %b : f32
    %sub = arith.negf %mul : f32
    %add = arith.subf %acc, %sub : f32
    linalg.yield %add : f32
  } -> tensor<1xf32>
  return %0, %1, %2 : tensor<1x1xf32>, tensor<1xf32>, tensor<1xf32>
}

// -----

// Named operations and broadcasting maps.
// CHECK: output0 = dense<{{\[}}[1.100000e+01, 1.300000e+01], [2.200000e+01, 2.400000e+01]]> : tensor<2x2xf32>
// CHECK-NEXT: output1 = dense<[4.000000e+00, 6.000000e+00]> : tensor<2xf32>
// CHECK-NEXT: output2 = dense<7.000000e+00> : tensor<1x2xf32>
// CHECK-NEXT: output3 = dense<{{\[}}{{\[}}[7.000000e+00, 1.000000e+01], [1.500000e+01, 2.200000e+01]]]> : tensor<1x2x2xf32>
#id = affine_map<(d0, d1) -> (d0, d1)>
#bias = affine_map<(d0, d1) -> (d0)>
func.func @named() -> (tensor<2x2xf32>, tensor<2xf32>, tensor<1x2xf32>, tensor<1x2x2xf32>) {
  %x = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %b = arith.constant dense<[10.0, 20.0]> : tensor<2xf32>
  %empty = tensor.empty() : tensor<2x2xf32>
  %t = linalg.transpose ins(%x : tensor<2x2xf32>) outs(%empty : tensor<2x2xf32>) permutation = [1, 0]
  %0 = linalg.generic {indexing_maps = [#id, #bias, #id], iterator_types = ["parallel", "parallel"]}
      ins(%t, %b : tensor<2x2xf32>, tensor<2xf32>) outs(%empty : tensor<2x2xf32>) {
  ^bb0(%a: f32, %c: f32, %out: f32):
    %sum = arith.addf %a, %c : f32
    linalg.yield %sum : f32
  } -> tensor<2x2xf32>
  %zero = arith.constant dense<0.0> : tensor<2xf32>
  %1 = linalg.reduce { arith.addf } ins(%x : tensor<2x2xf32>) outs(%zero : tensor<2xf32>) dimensions = [0]
  %seven = arith.constant 7.0 : f32
  %row = tensor.empty() : tensor<1x2xf32>
  %2 = linalg.fill ins(%seven : f32) outs(%row : tensor<1x2xf32>) -> tensor<1x2xf32>
  %batch = tensor.expand_shape %x [[0, 1], [2]] output_shape [1, 2, 2] : tensor<2x2xf32> into tensor<1x2x2xf32>
  %zero3 = arith.constant dense<0.0> : tensor<1x2x2xf32>
  %3 = linalg.batch_matmul ins(%batch, %batch : tensor<1x2x2xf32>, tensor<1x2x2xf32>) outs(%zero3 : tensor<1x2x2xf32>) -> tensor<1x2x2xf32>
  return %0, %1, %2, %3 : tensor<2x2xf32>, tensor<2xf32>, tensor<1x2xf32>, tensor<1x2x2xf32>
}

// -----

// A gather by linalg.index and tensor.extract, a map that divides, a convolution.
// CHECK: output0 = dense<{{\[}}[5.000000e+00, 6.000000e+00], [1.000000e+00, 2.000000e+00]]> : tensor<2x2xf32>
// CHECK-NEXT: output1 = dense<[1, 1, 2, 2]> : tensor<4xi32>
// CHECK-NEXT: output2 = dense<[3, 5]> : tensor<2xi32>
#outer = affine_map<(d0, d1) -> (d0)>
#all = affine_map<(d0, d1) -> (d0, d1)>
#half = affine_map<(d0) -> (d0 floordiv 2)>
#line = affine_map<(d0) -> (d0)>
func.func @index() -> (tensor<2x2xf32>, tensor<4xi32>, tensor<2xi32>) {
  %table = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
  %rows = arith.constant dense<[2, 0]> : tensor<2xi64>
  %empty = tensor.empty() : tensor<2x2xf32>
  %0 = linalg.generic {indexing_maps = [#outer, #all], iterator_types = ["parallel", "parallel"]}
      ins(%rows : tensor<2xi64>) outs(%empty : tensor<2x2xf32>) {
  ^bb0(%row: i64, %out: f32):
    %i = arith.index_cast %row : i64 to index
    %j = linalg.index 1 : index
    %value = tensor.extract %table[%i, %j] : tensor<3x2xf32>
    linalg.yield %value : f32
  } -> tensor<2x2xf32>
  %pair = arith.constant dense<[1, 2]> : tensor<2xi32>
  %four = tensor.empty() : tensor<4xi32>
  %1 = linalg.generic {indexing_maps = [#half, #line], iterator_types = ["parallel"]}
      ins(%pair : tensor<2xi32>) outs(%four : tensor<4xi32>) {
  ^bb0(%a: i32, %out: i32):
    linalg.yield %a : i32
  } -> tensor<4xi32>
  %signal = arith.constant dense<[1, 2, 3]> : tensor<3xi32>
  %ones = arith.constant dense<1> : tensor<2xi32>
  %zero = arith.constant dense<0> : tensor<2xi32>
  %2 = linalg.conv_1d ins(%signal, %ones : tensor<3xi32>, tensor<2xi32>) outs(%zero : tensor<2xi32>) -> tensor<2xi32>
  return %0, %1, %2 : tensor<2x2xf32>, tensor<4xi32>, tensor<2xi32>
}

// -----

// The elementary functions are those of the contract.
// CHECK: output0 = dense<[2.71828175, 0.693147182, 0.761594176, 0.842700779, 8.000000e+00, 5.000000e-01]> : tensor<6xf32>
func.func @elementary() -> tensor<6xf32> {
  %one = arith.constant 1.0 : f32
  %two = arith.constant 2.0 : f32
  %three = arith.constant 3.0 : f32
  %four = arith.constant 4.0 : f32
  %exp = math.exp %one : f32
  %log = math.log %two : f32
  %tanh = math.tanh %one : f32
  %erf = math.erf %one : f32
  %pow = math.powf %two, %three : f32
  %rsqrt = math.rsqrt %four : f32
  %all = tensor.from_elements %exp, %log, %tanh, %erf, %pow, %rsqrt : tensor<6xf32>
  return %all : tensor<6xf32>
}
