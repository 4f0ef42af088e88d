// RUN: quant-opt %s --quant-fold-ranges --canonicalize --split-input-file | FileCheck %s

#id = affine_map<(d0) -> (d0)>
#none = affine_map<(d0) -> ()>

// A sum of integers times a finite constant, plus another: no NaN, so a clamp
// is two extrema.
// CHECK-LABEL: func @requantize(
//       CHECK:   %[[T:.+]] = arith.addf
//  CHECK-NEXT:   %[[RAISED:.+]] = arith.maximumf %[[T]], %{{.+}} fastmath<nnan>
//  CHECK-NEXT:   %[[Q:.+]] = arith.minimumf %[[RAISED]], %{{.+}} fastmath<nnan>
//  CHECK-NEXT:   linalg.yield %[[Q]]
func.func @requantize(%acc: tensor<3xi32>) -> tensor<3xf32> {
  %zero = arith.constant 0.0 : f32
  %lo = arith.constant 0.0 : f32
  %hi = arith.constant 127.0 : f32
  %m = arith.constant dense<[0.5, 3.0e38, 0.0]> : tensor<3xf32>
  %b = arith.constant dense<[1.0, -3.0e38, -0.0]> : tensor<3xf32>
  %empty = tensor.empty() : tensor<3xf32>
  %y = linalg.generic {indexing_maps = [#id, #id, #id, #id], iterator_types = ["parallel"]}
      ins(%acc, %m, %b : tensor<3xi32>, tensor<3xf32>, tensor<3xf32>) outs(%empty : tensor<3xf32>) {
  ^bb0(%a: i32, %me: f32, %be: f32, %out: f32):
    %0 = arith.sitofp %a : i32 to f32
    %1 = arith.mulf %0, %me : f32
    %2 = arith.addf %1, %be : f32
    %nan = arith.cmpf uno, %2, %2 : f32
    %3 = arith.select %nan, %zero, %2 : f32
    %above = arith.cmpf olt, %lo, %3 : f32
    %4 = arith.select %above, %3, %lo : f32
    %below = arith.cmpf olt, %4, %hi : f32
    %5 = arith.select %below, %4, %hi : f32
    linalg.yield %5 : f32
  } -> tensor<3xf32>
  return %y : tensor<3xf32>
}

// -----

#id = affine_map<(d0) -> (d0)>
#none = affine_map<(d0) -> ()>

// Through another operation and a reshape, with a dequantized shortcut and the
// factor of a reciprocal scale.
// CHECK-LABEL: func @shortcut(
//       CHECK:   tensor.expand_shape
//       CHECK:   %[[SUM:.+]] = arith.addf
//  CHECK-NEXT:   linalg.yield %[[SUM]]
func.func @shortcut(%acc: tensor<4xi32>, %q: tensor<4xi8>) -> tensor<4xf32> {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %small = arith.constant 7.8886091e-31 : f32
  %large = arith.constant 1.2676506e+30 : f32
  %m = arith.constant dense<0.25> : tensor<f32>
  %s = arith.constant dense<0.125> : tensor<f32>
  %e = tensor.empty() : tensor<2x2xf32>
  %acc2 = tensor.expand_shape %acc [[0, 1]] output_shape [2, 2] : tensor<4xi32> into tensor<2x2xi32>
  %x = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> ()>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%acc2, %m : tensor<2x2xi32>, tensor<f32>) outs(%e : tensor<2x2xf32>) {
  ^bb0(%a: i32, %me: f32, %out: f32):
    %0 = arith.sitofp %a : i32 to f32
    %1 = arith.mulf %0, %me : f32
    linalg.yield %1 : f32
  } -> tensor<2x2xf32>
  %x1 = tensor.collapse_shape %x [[0, 1]] : tensor<2x2xf32> into tensor<4xf32>
  %empty = tensor.empty() : tensor<4xf32>
  %y = linalg.generic {indexing_maps = [#id, #id, #none, #id], iterator_types = ["parallel"]}
      ins(%x1, %q, %s : tensor<4xf32>, tensor<4xi8>, tensor<f32>) outs(%empty : tensor<4xf32>) {
  ^bb0(%xe: f32, %qe: i8, %se: f32, %out: f32):
    %0 = arith.extsi %qe : i8 to i32
    %1 = arith.sitofp %0 : i32 to f32
    %2 = arith.mulf %1, %se : f32
    %3 = arith.addf %xe, %2 : f32
    %isSmall = arith.cmpf olt, %se, %small : f32
    %4 = arith.select %isSmall, %large, %one : f32
    %isLarge = arith.cmpf olt, %large, %se : f32
    %5 = arith.select %isLarge, %small, %4 : f32
    %6 = arith.mulf %3, %5 : f32
    %nan = arith.cmpf uno, %6, %6 : f32
    %7 = arith.select %nan, %zero, %6 : f32
    linalg.yield %7 : f32
  } -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

#id = affine_map<(d0) -> (d0)>

// CHECK-LABEL: func @relu(
//       CHECK:   %[[R:.+]] = arith.maximumf %{{.+}}, %{{.+}} fastmath<nnan> : f32
//  CHECK-NEXT:   linalg.yield %[[R]]
func.func @relu(%q: tensor<4xi8>) -> tensor<4xf32> {
  %zero = arith.constant 0.0 : f32
  %lo = arith.constant -1.0 : f32
  %empty = tensor.empty() : tensor<4xf32>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%q : tensor<4xi8>) outs(%empty : tensor<4xf32>) {
  ^bb0(%qe: i8, %out: f32):
    %0 = arith.sitofp %qe : i8 to f32
    %1 = arith.maximumf %0, %zero : f32
    %above = arith.cmpf olt, %lo, %1 : f32
    %2 = arith.select %above, %1, %lo : f32
    linalg.yield %2 : f32
  } -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

#id = affine_map<(d0) -> (d0)>

// Both terms may overflow, or a factor is infinite, or anything may come in.
// CHECK-LABEL: func @nan_untouched(
// CHECK-COUNT-3: arith.cmpf uno
//       CHECK:   arith.maximumf %{{.+}}, %{{.+}} : f32
func.func @nan_untouched(%a: tensor<2xi32>, %x: tensor<2xf32>) -> (tensor<2xi1>, tensor<2xi1>, tensor<2xi1>, tensor<2xf32>) {
  %m = arith.constant 3.0e38 : f32
  %infinity = arith.constant 0x7F800000 : f32
  %e = tensor.empty() : tensor<2xi1>
  %f = tensor.empty() : tensor<2xf32>
  %y:4 = linalg.generic {indexing_maps = [#id, #id, #id, #id, #id, #id], iterator_types = ["parallel"]}
      ins(%a, %x : tensor<2xi32>, tensor<2xf32>) outs(%e, %e, %e, %f : tensor<2xi1>, tensor<2xi1>, tensor<2xi1>, tensor<2xf32>) {
  ^bb0(%ae: i32, %xe: f32, %o0: i1, %o1: i1, %o2: i1, %o3: f32):
    %0 = arith.sitofp %ae : i32 to f32
    %1 = arith.mulf %0, %m : f32
    %2 = arith.subf %1, %1 : f32
    %nan2 = arith.cmpf uno, %2, %2 : f32
    %3 = arith.mulf %0, %infinity : f32
    %nan3 = arith.cmpf uno, %3, %3 : f32
    %nan4 = arith.cmpf uno, %xe, %xe : f32
    %5 = arith.maximumf %xe, %0 : f32
    linalg.yield %nan2, %nan3, %nan4, %5 : i1, i1, i1, f32
  } -> (tensor<2xi1>, tensor<2xi1>, tensor<2xi1>, tensor<2xf32>)
  return %y#0, %y#1, %y#2, %y#3 : tensor<2xi1>, tensor<2xi1>, tensor<2xi1>, tensor<2xf32>
}

// -----

#id = affine_map<(d0) -> (d0)>

// A clamp gives its bound for a zero of either sign, an extremum would not
// here; nor is a clamp of what may be NaN one.
// CHECK-LABEL: func @zeros_untouched(
// CHECK-COUNT-3: arith.select
func.func @zeros_untouched(%q: tensor<4xi8>, %x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %half = arith.constant 0.5 : f32
  %zero = arith.constant 0.0 : f32
  %negative = arith.constant -0.0 : f32
  %e = tensor.empty() : tensor<4xf32>
  %y:3 = linalg.generic {indexing_maps = [#id, #id, #id, #id, #id], iterator_types = ["parallel"]}
      ins(%q, %x : tensor<4xi8>, tensor<4xf32>) outs(%e, %e, %e : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  ^bb0(%qe: i8, %xe: f32, %o0: f32, %o1: f32, %o2: f32):
    %0 = arith.sitofp %qe : i8 to f32
    %1 = arith.mulf %0, %half : f32
    %below = arith.cmpf olt, %1, %zero : f32
    %2 = arith.select %below, %1, %zero : f32
    %above = arith.cmpf olt, %negative, %1 : f32
    %3 = arith.select %above, %1, %negative : f32
    %any = arith.cmpf olt, %half, %xe : f32
    %4 = arith.select %any, %xe, %half : f32
    linalg.yield %2, %3, %4 : f32, f32, f32
  } -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return %y#0, %y#1, %y#2 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// -----

#id = affine_map<(d0) -> (d0)>

// Sums in a tensor may be anything; what is equal to a bound decides nothing.
// CHECK-LABEL: func @bounds_untouched(
//       CHECK:   arith.cmpf olt
//       CHECK:   arith.cmpf uno
func.func @bounds_untouched(%q: tensor<4xi8>, %rows: tensor<4x4xi8>, %sums: tensor<4xf32>) -> (tensor<4xi1>, tensor<4xi1>) {
  %half = arith.constant 0.5 : f32
  %hi = arith.constant 64.0 : f32
  %e = tensor.empty() : tensor<4xi1>
  %total = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>], iterator_types = ["parallel", "reduction"]}
      ins(%rows : tensor<4x4xi8>) outs(%sums : tensor<4xf32>) {
  ^bb0(%qe: i8, %out: f32):
    %0 = arith.sitofp %qe : i8 to f32
    %1 = arith.addf %out, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<4xf32>
  %y:2 = linalg.generic {indexing_maps = [#id, #id, #id, #id], iterator_types = ["parallel"]}
      ins(%q, %total : tensor<4xi8>, tensor<4xf32>) outs(%e, %e : tensor<4xi1>, tensor<4xi1>) {
  ^bb0(%qe: i8, %te: f32, %o0: i1, %o1: i1):
    %0 = arith.sitofp %qe : i8 to f32
    %1 = arith.mulf %0, %half : f32
    %below = arith.cmpf olt, %1, %hi : f32
    %nan = arith.cmpf uno, %te, %te : f32
    linalg.yield %below, %nan : i1, i1
  } -> (tensor<4xi1>, tensor<4xi1>)
  return %y#0, %y#1 : tensor<4xi1>, tensor<4xi1>
}
