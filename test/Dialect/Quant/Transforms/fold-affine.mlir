// RUN: quant-opt %s --quant-fold-affine --split-input-file | FileCheck %s

#id2 = affine_map<(m, n) -> (m, n)>
#column = affine_map<(m, n) -> (n)>

// ((y - mean) * (gamma / sqrt(variance + 0))) + beta after a bias, with factors
// of 2 and -1: W' = factor * W, b' = factor * (b - mean) + beta.
// CHECK-LABEL: func @normalization
//       CHECK:   %[[W:.+]] = arith.constant dense<{{\[\[}}2.000000e+00, 4.000000e+00, 6.000000e+00], [-4.000000e+00, -5.000000e+00, -6.000000e+00]]> : tensor<2x3xf32>
//       CHECK:   %[[Y:.+]] = linalg.matmul
//  CHECK-SAME:       {quant.folded = {nodes = ["bn"], scale = dense<[2.000000e+00, -1.000000e+00]> : tensor<2xf64>, shift = dense<[-1.000000e+01, -1.000000e+00]> : tensor<2xf64>}}
//  CHECK-SAME:       ins(%{{.+}}, %[[W]] :
//       CHECK:   %[[B:.+]] = arith.constant dense<[-8.000000e+00, -2.100000e+01]> : tensor<2xf32>
//       CHECK:   %[[SUM:.+]] = linalg.generic {{.*}} ins(%[[Y]], %[[B]] : tensor<?x2xf32>, tensor<2xf32>)
//       CHECK:     arith.addf
//   CHECK-NOT:   linalg.generic
//       CHECK:   return %[[SUM]]
func.func @normalization(%x: tensor<?x3xf32>, %e: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
  %b = arith.constant dense<[1.0, 20.0]> : tensor<2xf32>
  %mean = arith.constant dense<[7.0, 4.0]> : tensor<2xf32>
  %gamma = arith.constant dense<[4.0, -3.0]> : tensor<2xf32>
  %variance = arith.constant dense<[4.0, 9.0]> : tensor<2xf32>
  %beta = arith.constant dense<[4.0, -5.0]> : tensor<2xf32>
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<2xf32>
  %factor = linalg.generic {indexing_maps = [affine_map<(n) -> (n)>, affine_map<(n) -> (n)>, affine_map<(n) -> (n)>], iterator_types = ["parallel"]}
      ins(%gamma, %variance : tensor<2xf32>, tensor<2xf32>) outs(%empty : tensor<2xf32>) {
  ^bb0(%g: f32, %v: f32, %o: f32):
    %p = arith.addf %v, %zero : f32
    %q = math.sqrt %p : f32
    %r = arith.divf %g, %q : f32
    linalg.yield %r : f32
  } -> tensor<2xf32>
  %init = linalg.fill ins(%zero : f32) outs(%e : tensor<?x2xf32>) -> tensor<?x2xf32>
  %y = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
      ins(%x, %w : tensor<?x3xf32>, tensor<2x3xf32>) outs(%init : tensor<?x2xf32>) -> tensor<?x2xf32> loc("fc")
  %z = linalg.generic {indexing_maps = [#id2, #column, #id2], iterator_types = ["parallel", "parallel"]}
      ins(%y, %b : tensor<?x2xf32>, tensor<2xf32>) outs(%e : tensor<?x2xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %p = arith.addf %a, %c : f32
    linalg.yield %p : f32
  } -> tensor<?x2xf32> loc("fc")
  %n = linalg.generic {indexing_maps = [#id2, #column, #column, #column, #id2], iterator_types = ["parallel", "parallel"]}
      ins(%z, %mean, %factor, %beta : tensor<?x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) outs(%e : tensor<?x2xf32>) {
  ^bb0(%a: f32, %b0: f32, %c: f32, %d: f32, %o: f32):
    %p = arith.subf %a, %b0 : f32
    %q = arith.mulf %p, %c : f32
    %r = arith.addf %q, %d : f32
    linalg.yield %r : f32
  } -> tensor<?x2xf32> loc("bn")
  return %n : tensor<?x2xf32>
}

// -----

// Outputs behind a reshape and a transposition, of a weight that is transposed
// and collapsed. The new bias comes before the transposition.
// CHECK-LABEL: func @moved_channels
//       CHECK:   %[[W:.+]] = arith.constant dense<{{\[\[\[}}1.000000e+00, 2.000000e+00], [3.000000e+00, 4.000000e+00]], {{\[\[}}5.000000e+01, 6.000000e+01], [7.000000e+01, 8.000000e+01]]]> : tensor<2x2x2xf32>
//       CHECK:   %[[T:.+]] = linalg.transpose ins(%[[W]]
//       CHECK:   %[[C:.+]] = tensor.collapse_shape %[[T]]
//       CHECK:   %[[Y:.+]] = linalg.matmul
//  CHECK-SAME:       nodes = ["scale"], scale = dense<[1.000000e+00, 1.000000e+01]>
//  CHECK-SAME:       ins(%{{.+}}, %[[C]] :
//       CHECK:   %[[E:.+]] = tensor.expand_shape %[[Y]]
//       CHECK:   %[[SUM:.+]] = linalg.generic {{.*}} ins(%[[E]], %{{.+}} : tensor<2x3x2xf32>, tensor<2xf32>)
//       CHECK:   %[[U:.+]] = linalg.transpose ins(%[[SUM]]
//       CHECK:   return %[[U]]
func.func @moved_channels(%x: tensor<6x4xf32>) -> tensor<2x2x3xf32> {
  %w = arith.constant dense<[[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]]> : tensor<2x2x2xf32>
  %s = arith.constant dense<[[[1.0], [10.0]]]> : tensor<1x2x1xf32>
  %zero = arith.constant 0.0 : f32
  %we = tensor.empty() : tensor<2x2x2xf32>
  %wt = linalg.transpose ins(%w : tensor<2x2x2xf32>) outs(%we : tensor<2x2x2xf32>) permutation = [0, 2, 1]
  %kernel = tensor.collapse_shape %wt [[0], [1, 2]] : tensor<2x2x2xf32> into tensor<2x4xf32>
  %e = tensor.empty() : tensor<6x2xf32>
  %init = linalg.fill ins(%zero : f32) outs(%e : tensor<6x2xf32>) -> tensor<6x2xf32>
  %y = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
      ins(%x, %kernel : tensor<6x4xf32>, tensor<2x4xf32>) outs(%init : tensor<6x2xf32>) -> tensor<6x2xf32> loc("conv")
  %places = tensor.expand_shape %y [[0, 1], [2]] output_shape [2, 3, 2] : tensor<6x2xf32> into tensor<2x3x2xf32>
  %f = tensor.empty() : tensor<2x2x3xf32>
  %first = linalg.transpose ins(%places : tensor<2x3x2xf32>) outs(%f : tensor<2x2x3xf32>) permutation = [0, 2, 1]
  %z = linalg.generic {indexing_maps = [affine_map<(b, c, p) -> (0, c, 0)>, affine_map<(b, c, p) -> (b, c, p)>, affine_map<(b, c, p) -> (b, c, p)>], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%s, %first : tensor<1x2x1xf32>, tensor<2x2x3xf32>) outs(%f : tensor<2x2x3xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %p = arith.mulf %a, %b : f32
    %q = arith.addf %p, %a : f32
    linalg.yield %q : f32
  } -> tensor<2x2x3xf32> loc("scale")
  return %z : tensor<2x2x3xf32>
}

// -----

#id2 = affine_map<(m, n) -> (m, n)>

// Scalars, and one map after another; [K, N] is scaled by columns. What the
// layer did before is kept: y / 2 - 1, then -y is 1 - y / 2.
// CHECK-LABEL: func @scalars
//       CHECK:   arith.constant dense<{{\[\[}}-5.000000e-01, -1.000000e+00], [-1.500000e+00, -2.000000e+00]]>
//       CHECK:   linalg.matmul {quant.folded = {nodes = ["before", "halve", "negate"], scale = dense<-1.500000e+00> : tensor<2xf64>, shift = dense<1.000000e+00> : tensor<2xf64>}}
//       CHECK:   arith.constant dense<1.000000e+00> : tensor<2xf32>
//       CHECK:   arith.addf
//   CHECK-NOT:   arith
func.func @scalars(%x: tensor<?x2xf32>, %e: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %two = arith.constant dense<2.0> : tensor<f32>
  %init = linalg.fill ins(%zero : f32) outs(%e : tensor<?x2xf32>) -> tensor<?x2xf32>
  %y = linalg.matmul {quant.folded = {nodes = ["before"], scale = dense<3.0> : tensor<2xf64>, shift = dense<0.0> : tensor<2xf64>}}
      ins(%x, %w : tensor<?x2xf32>, tensor<2x2xf32>) outs(%init : tensor<?x2xf32>) -> tensor<?x2xf32> loc("fc")
  %z = linalg.generic {indexing_maps = [#id2, affine_map<(m, n) -> ()>, #id2], iterator_types = ["parallel", "parallel"]}
      ins(%y, %two : tensor<?x2xf32>, tensor<f32>) outs(%e : tensor<?x2xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %p = arith.divf %a, %b : f32
    %q = arith.subf %p, %one : f32
    linalg.yield %q : f32
  } -> tensor<?x2xf32> loc("halve")
  %n = linalg.generic {indexing_maps = [#id2, #id2], iterator_types = ["parallel", "parallel"]}
      ins(%z : tensor<?x2xf32>) outs(%z : tensor<?x2xf32>) {
  ^bb0(%a: f32, %o: f32):
    %p = arith.negf %a : f32
    linalg.yield %p : f32
  } -> tensor<?x2xf32> loc("negate")
  return %n : tensor<?x2xf32>
}

// -----

#id2 = affine_map<(m, n) -> (m, n)>
#column = affine_map<(m, n) -> (n)>

// A depthwise layer, [N, K] in groups of features.
// CHECK-LABEL: func @feature_groups
//       CHECK:   arith.constant dense<{{\[\[}}2.000000e+00, 4.000000e+00], [9.000000e+00, 1.200000e+01]]>
//       CHECK:   linalg.generic {{.*}} attrs = {quant.folded =
//   CHECK-NOT:   linalg.generic
//       CHECK:   return
func.func @feature_groups(%x: tensor<?x4xf32>, %e: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %s = arith.constant dense<[2.0, 3.0]> : tensor<2xf32>
  %zero = arith.constant 0.0 : f32
  %init = linalg.fill ins(%zero : f32) outs(%e : tensor<?x2xf32>) -> tensor<?x2xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, n * 2 + k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x4xf32>, tensor<2x2xf32>) outs(%init : tensor<?x2xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %p = arith.mulf %a, %b : f32
    %q = arith.addf %o, %p : f32
    linalg.yield %q : f32
  } -> tensor<?x2xf32> loc("depthwise")
  %z = linalg.generic {indexing_maps = [#id2, #column, #id2], iterator_types = ["parallel", "parallel"]}
      ins(%y, %s : tensor<?x2xf32>, tensor<2xf32>) outs(%e : tensor<?x2xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %p = arith.mulf %a, %b : f32
    linalg.yield %p : f32
  } -> tensor<?x2xf32> loc("scale")
  return %z : tensor<?x2xf32>
}

// -----

#id2 = affine_map<(m, n) -> (m, n)>
#column = affine_map<(m, n) -> (n)>

// A bias is a part of the layer as it is.
// CHECK-LABEL: func @bias_untouched
//   CHECK-NOT:   quant.folded
//       CHECK:   return
func.func @bias_untouched(%x: tensor<?x2xf32>, %e: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %s = arith.constant dense<[2.0, 3.0]> : tensor<2xf32>
  %zero = arith.constant 0.0 : f32
  %init = linalg.fill ins(%zero : f32) outs(%e : tensor<?x2xf32>) -> tensor<?x2xf32>
  %y = linalg.matmul ins(%x, %w : tensor<?x2xf32>, tensor<2x2xf32>) outs(%init : tensor<?x2xf32>) -> tensor<?x2xf32>
  %z = linalg.generic {indexing_maps = [#id2, #column, #id2], iterator_types = ["parallel", "parallel"]}
      ins(%y, %s : tensor<?x2xf32>, tensor<2xf32>) outs(%e : tensor<?x2xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %p = arith.addf %a, %b : f32
    linalg.yield %p : f32
  } -> tensor<?x2xf32>
  return %z : tensor<?x2xf32>
}

// -----

#id2 = affine_map<(m, n) -> (m, n)>
#column = affine_map<(m, n) -> (n)>

// The result has another use.
// CHECK-LABEL: func @other_use_untouched
//   CHECK-NOT:   quant.folded
//       CHECK:   return
func.func @other_use_untouched(%x: tensor<?x2xf32>, %e: tensor<?x2xf32>) -> (tensor<?x2xf32>, tensor<?x2xf32>) {
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %s = arith.constant dense<[2.0, 3.0]> : tensor<2xf32>
  %zero = arith.constant 0.0 : f32
  %init = linalg.fill ins(%zero : f32) outs(%e : tensor<?x2xf32>) -> tensor<?x2xf32>
  %y = linalg.matmul ins(%x, %w : tensor<?x2xf32>, tensor<2x2xf32>) outs(%init : tensor<?x2xf32>) -> tensor<?x2xf32>
  %z = linalg.generic {indexing_maps = [#id2, #column, #id2], iterator_types = ["parallel", "parallel"]}
      ins(%y, %s : tensor<?x2xf32>, tensor<2xf32>) outs(%e : tensor<?x2xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %p = arith.mulf %a, %b : f32
    linalg.yield %p : f32
  } -> tensor<?x2xf32>
  return %y, %z : tensor<?x2xf32>, tensor<?x2xf32>
}

// -----

#id2 = affine_map<(m, n) -> (m, n)>
#column = affine_map<(m, n) -> (n)>

// The weight has another use, which stays the one constant.
// CHECK-LABEL: func @other_use_of_weight_untouched
//   CHECK-NOT:   quant.folded
//       CHECK:   return
func.func @other_use_of_weight_untouched(%x: tensor<?x2xf32>, %e: tensor<?x2xf32>) -> (tensor<?x2xf32>, tensor<2x2xf32>) {
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %s = arith.constant dense<[2.0, 3.0]> : tensor<2xf32>
  %zero = arith.constant 0.0 : f32
  %init = linalg.fill ins(%zero : f32) outs(%e : tensor<?x2xf32>) -> tensor<?x2xf32>
  %y = linalg.matmul ins(%x, %w : tensor<?x2xf32>, tensor<2x2xf32>) outs(%init : tensor<?x2xf32>) -> tensor<?x2xf32>
  %z = linalg.generic {indexing_maps = [#id2, #column, #id2], iterator_types = ["parallel", "parallel"]}
      ins(%y, %s : tensor<?x2xf32>, tensor<2xf32>) outs(%e : tensor<?x2xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %p = arith.mulf %a, %b : f32
    linalg.yield %p : f32
  } -> tensor<?x2xf32>
  return %z, %w : tensor<?x2xf32>, tensor<2x2xf32>
}

// -----

#id2 = affine_map<(m, n) -> (m, n)>
#column = affine_map<(m, n) -> (n)>

// A maximum is not affine.
// CHECK-LABEL: func @not_affine_untouched
//   CHECK-NOT:   quant.folded
//       CHECK:   return
func.func @not_affine_untouched(%x: tensor<?x2xf32>, %e: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %s = arith.constant dense<[2.0, 3.0]> : tensor<2xf32>
  %zero = arith.constant 0.0 : f32
  %init = linalg.fill ins(%zero : f32) outs(%e : tensor<?x2xf32>) -> tensor<?x2xf32>
  %y = linalg.matmul ins(%x, %w : tensor<?x2xf32>, tensor<2x2xf32>) outs(%init : tensor<?x2xf32>) -> tensor<?x2xf32>
  %z = linalg.generic {indexing_maps = [#id2, #column, #id2], iterator_types = ["parallel", "parallel"]}
      ins(%y, %s : tensor<?x2xf32>, tensor<2xf32>) outs(%e : tensor<?x2xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %p = arith.maximumf %a, %b : f32
    linalg.yield %p : f32
  } -> tensor<?x2xf32>
  return %z : tensor<?x2xf32>
}

// -----

#id2 = affine_map<(m, n) -> (m, n)>
#column = affine_map<(m, n) -> (n)>

// Nor is what divides by the result.
// CHECK-LABEL: func @quotient_untouched
//   CHECK-NOT:   quant.folded
//       CHECK:   return
func.func @quotient_untouched(%x: tensor<?x2xf32>, %e: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %s = arith.constant dense<[2.0, 3.0]> : tensor<2xf32>
  %zero = arith.constant 0.0 : f32
  %init = linalg.fill ins(%zero : f32) outs(%e : tensor<?x2xf32>) -> tensor<?x2xf32>
  %y = linalg.matmul ins(%x, %w : tensor<?x2xf32>, tensor<2x2xf32>) outs(%init : tensor<?x2xf32>) -> tensor<?x2xf32>
  %z = linalg.generic {indexing_maps = [#id2, #column, #id2], iterator_types = ["parallel", "parallel"]}
      ins(%y, %s : tensor<?x2xf32>, tensor<2xf32>) outs(%e : tensor<?x2xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %p = arith.divf %b, %a : f32
    linalg.yield %p : f32
  } -> tensor<?x2xf32>
  return %z : tensor<?x2xf32>
}

// -----

#id2 = affine_map<(m, n) -> (m, n)>
#column = affine_map<(m, n) -> (n)>

// The factors are not constant.
// CHECK-LABEL: func @not_constant_untouched
//   CHECK-NOT:   quant.folded
//       CHECK:   return
func.func @not_constant_untouched(%x: tensor<?x2xf32>, %e: tensor<?x2xf32>, %f: tensor<2xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %s = arith.constant dense<[2.0, 3.0]> : tensor<2xf32>
  %zero = arith.constant 0.0 : f32
  %init = linalg.fill ins(%zero : f32) outs(%e : tensor<?x2xf32>) -> tensor<?x2xf32>
  %y = linalg.matmul ins(%x, %w : tensor<?x2xf32>, tensor<2x2xf32>) outs(%init : tensor<?x2xf32>) -> tensor<?x2xf32>
  %z = linalg.generic {indexing_maps = [#id2, #column, #id2], iterator_types = ["parallel", "parallel"]}
      ins(%y, %f : tensor<?x2xf32>, tensor<2xf32>) outs(%e : tensor<?x2xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %p = arith.mulf %a, %b : f32
    linalg.yield %p : f32
  } -> tensor<?x2xf32>
  return %z : tensor<?x2xf32>
}

// -----

#id2 = affine_map<(m, n) -> (m, n)>
#column = affine_map<(m, n) -> (n)>

// There is a factor for each row.
// CHECK-LABEL: func @rows_untouched
//   CHECK-NOT:   quant.folded
//       CHECK:   return
func.func @rows_untouched(%x: tensor<?x2xf32>, %e: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %s = arith.constant dense<[2.0, 3.0]> : tensor<2xf32>
  %zero = arith.constant 0.0 : f32
  %init = linalg.fill ins(%zero : f32) outs(%e : tensor<?x2xf32>) -> tensor<?x2xf32>
  %y = linalg.matmul ins(%x, %w : tensor<?x2xf32>, tensor<2x2xf32>) outs(%init : tensor<?x2xf32>) -> tensor<?x2xf32>
  %z = linalg.generic {indexing_maps = [#id2, affine_map<(m, n) -> (m)>, #id2], iterator_types = ["parallel", "parallel"]}
      ins(%y, %s : tensor<?x2xf32>, tensor<2xf32>) outs(%e : tensor<?x2xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %p = arith.mulf %a, %b : f32
    linalg.yield %p : f32
  } -> tensor<?x2xf32>
  return %z : tensor<?x2xf32>
}

// -----

#id2 = affine_map<(m, n) -> (m, n)>
#column = affine_map<(m, n) -> (n)>

// Products with 1e38 are not finite.
// CHECK-LABEL: func @not_finite_untouched
//   CHECK-NOT:   quant.folded
//       CHECK:   return
func.func @not_finite_untouched(%x: tensor<?x2xf32>, %e: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %s = arith.constant dense<[0.0, 1.0e38]> : tensor<2xf32>
  %zero = arith.constant 0.0 : f32
  %init = linalg.fill ins(%zero : f32) outs(%e : tensor<?x2xf32>) -> tensor<?x2xf32>
  %y = linalg.matmul ins(%x, %w : tensor<?x2xf32>, tensor<2x2xf32>) outs(%init : tensor<?x2xf32>) -> tensor<?x2xf32>
  %z = linalg.generic {indexing_maps = [#id2, #column, #id2], iterator_types = ["parallel", "parallel"]}
      ins(%y, %s : tensor<?x2xf32>, tensor<2xf32>) outs(%e : tensor<?x2xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %p = arith.mulf %a, %b : f32
    linalg.yield %p : f32
  } -> tensor<?x2xf32>
  return %z : tensor<?x2xf32>
}

// -----

#id2 = affine_map<(m, n) -> (m, n)>
#column = affine_map<(m, n) -> (n)>

// The scale of the weight is given.
// CHECK-LABEL: func @given_parameters_untouched
//   CHECK-NOT:   quant.folded
//       CHECK:   return
func.func @given_parameters_untouched(%x: tensor<?x2xf32>, %e: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %s = arith.constant dense<[2.0, 3.0]> : tensor<2xf32>
  %zero = arith.constant 0.0 : f32
  %init = linalg.fill ins(%zero : f32) outs(%e : tensor<?x2xf32>) -> tensor<?x2xf32>
  %y = linalg.matmul {quant.weight_scale = dense<0.5> : tensor<f32>} ins(%x, %w : tensor<?x2xf32>, tensor<2x2xf32>) outs(%init : tensor<?x2xf32>) -> tensor<?x2xf32>
  %z = linalg.generic {indexing_maps = [#id2, #column, #id2], iterator_types = ["parallel", "parallel"]}
      ins(%y, %s : tensor<?x2xf32>, tensor<2xf32>) outs(%e : tensor<?x2xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %p = arith.mulf %a, %b : f32
    linalg.yield %p : f32
  } -> tensor<?x2xf32>
  return %z : tensor<?x2xf32>
}

// -----

#id2 = affine_map<(m, n) -> (m, n)>
#column = affine_map<(m, n) -> (n)>

// The rest of the node stays, and so does this part.
// CHECK-LABEL: func @part_of_node_untouched
//   CHECK-NOT:   quant.folded
//       CHECK:   return
func.func @part_of_node_untouched(%x: tensor<?x2xf32>, %e: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %s = arith.constant dense<[2.0, 3.0]> : tensor<2xf32>
  %zero = arith.constant 0.0 : f32
  %init = linalg.fill ins(%zero : f32) outs(%e : tensor<?x2xf32>) -> tensor<?x2xf32>
  %y = linalg.matmul ins(%x, %w : tensor<?x2xf32>, tensor<2x2xf32>) outs(%init : tensor<?x2xf32>) -> tensor<?x2xf32>
  %z = linalg.generic {indexing_maps = [#id2, #column, #id2], iterator_types = ["parallel", "parallel"]}
      ins(%y, %s : tensor<?x2xf32>, tensor<2xf32>) outs(%e : tensor<?x2xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %p = arith.mulf %a, %b : f32
    linalg.yield %p : f32
  } -> tensor<?x2xf32> loc("node")
  %u = linalg.generic {indexing_maps = [#id2, #id2], iterator_types = ["parallel", "parallel"]}
      ins(%z : tensor<?x2xf32>) outs(%e : tensor<?x2xf32>) {
  ^bb0(%a: f32, %o: f32):
    %p = math.exp %a : f32
    linalg.yield %p : f32
  } -> tensor<?x2xf32> loc("node")
  return %u : tensor<?x2xf32>
}
