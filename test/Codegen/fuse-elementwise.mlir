// RUN: quant-opt %s --quant-fuse-elementwise | FileCheck %s
// RUN: quant-opt %s --quant-fuse-elementwise=elementwise-only | FileCheck %s --check-prefix=ONLY

#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
#transposed = affine_map<(d0, d1) -> (d1, d0)>

// What one operation reads becomes part of it; its init is not read.
// CHECK-LABEL: func @one_reader(
//  CHECK-SAME:     %[[X:.+]]: tensor<8x64xf32>
//       CHECK:   linalg.generic {{.*}} ins(%[[X]] : tensor<8x64xf32>)
//       CHECK:     math.exp
//       CHECK:     arith.divf
//   CHECK-NOT:   linalg.generic
//  ONLY-LABEL: func @one_reader(
//        ONLY:   math.exp
//   ONLY-NEXT:   arith.divf
func.func @one_reader(%x: tensor<8x64xf32>) -> tensor<8x64xf32> {
  %cst = arith.constant 3.0 : f32
  %e = tensor.empty() : tensor<8x64xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<8x64xf32>) outs(%e : tensor<8x64xf32>) {
  ^bb0(%in: f32, %out: f32):
    %1 = math.exp %in : f32
    linalg.yield %1 : f32
  } -> tensor<8x64xf32>
  %2 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%0 : tensor<8x64xf32>) outs(%e : tensor<8x64xf32>) {
  ^bb0(%in: f32, %out: f32):
    %1 = arith.divf %in, %cst : f32
    linalg.yield %1 : f32
  } -> tensor<8x64xf32>
  return %2 : tensor<8x64xf32>
}

// A bound is computed again in each reader, and a reduction keeps what it says
// of itself.
// CHECK-LABEL: func @cheap_for_two_readers(
//  CHECK-SAME:     %[[X:.+]]: tensor<8x64xf32>
//       CHECK:   linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]} ins(%[[X]] : tensor<8x64xf32>) {{.*}} attrs = {quant.any_order}
//       CHECK:     arith.maximumf
//       CHECK:     arith.addf
//       CHECK:   linalg.generic {{.*}} ins(%[[X]] : tensor<8x64xf32>)
//       CHECK:     arith.maximumf
//       CHECK:     arith.negf
//   CHECK-NOT:   linalg.generic
//  ONLY-LABEL: func @cheap_for_two_readers(
//        ONLY:   %[[MAX:.+]] = linalg.generic
//        ONLY:     arith.maximumf
//        ONLY:   linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]} ins(%[[MAX]] :
//   ONLY-NEXT:   ^bb0
//   ONLY-NEXT:     arith.addf
func.func @cheap_for_two_readers(%x: tensor<8x64xf32>, %init: tensor<8xf32>) -> (tensor<8xf32>, tensor<8x64xf32>) {
  %cst = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<8x64xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<8x64xf32>) outs(%e : tensor<8x64xf32>) {
  ^bb0(%in: f32, %out: f32):
    %1 = arith.maximumf %in, %cst : f32
    linalg.yield %1 : f32
  } -> tensor<8x64xf32>
  %2 = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%0 : tensor<8x64xf32>) outs(%init : tensor<8xf32>) attrs = {quant.any_order} {
  ^bb0(%in: f32, %out: f32):
    %1 = arith.addf %out, %in : f32
    linalg.yield %1 : f32
  } -> tensor<8xf32>
  %3 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%0 : tensor<8x64xf32>) outs(%e : tensor<8x64xf32>) {
  ^bb0(%in: f32, %out: f32):
    %1 = arith.negf %in : f32
    linalg.yield %1 : f32
  } -> tensor<8x64xf32>
  return %2, %3 : tensor<8xf32>, tensor<8x64xf32>
}

// One reader needs the buffer, and the other one may read it as well.
// CHECK-LABEL: func @needed_by_another_untouched(
//       CHECK:   %[[E:.+]] = linalg.generic
//       CHECK:     arith.maximumf
//       CHECK:   %[[N:.+]] = linalg.generic {{.*}} ins(%[[E]] :
//       CHECK:   return %[[E]], %[[N]]
func.func @needed_by_another_untouched(%x: tensor<8x64xf32>) -> (tensor<8x64xf32>, tensor<8x64xf32>) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<8x64xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<8x64xf32>) outs(%e : tensor<8x64xf32>) {
  ^bb0(%in: f32, %out: f32):
    %1 = arith.maximumf %in, %zero : f32
    linalg.yield %1 : f32
  } -> tensor<8x64xf32>
  %2 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%0 : tensor<8x64xf32>) outs(%e : tensor<8x64xf32>) {
  ^bb0(%in: f32, %out: f32):
    %1 = arith.negf %in : f32
    linalg.yield %1 : f32
  } -> tensor<8x64xf32>
  return %0, %2 : tensor<8x64xf32>, tensor<8x64xf32>
}

// CHECK-LABEL: func @expensive_for_two_readers_untouched(
//       CHECK:   %[[E:.+]] = linalg.generic
//       CHECK:     math.exp
//       CHECK:   linalg.generic {{.*}} ins(%[[E]] :
//       CHECK:   linalg.generic {{.*}} ins(%[[E]] :
func.func @expensive_for_two_readers_untouched(%x: tensor<8x64xf32>) -> (tensor<8x64xf32>, tensor<8x64xf32>) {
  %e = tensor.empty() : tensor<8x64xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<8x64xf32>) outs(%e : tensor<8x64xf32>) {
  ^bb0(%in: f32, %out: f32):
    %1 = math.exp %in : f32
    linalg.yield %1 : f32
  } -> tensor<8x64xf32>
  %2 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%0 : tensor<8x64xf32>) outs(%e : tensor<8x64xf32>) {
  ^bb0(%in: f32, %out: f32):
    %1 = arith.negf %in : f32
    linalg.yield %1 : f32
  } -> tensor<8x64xf32>
  %3 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%0 : tensor<8x64xf32>) outs(%e : tensor<8x64xf32>) {
  ^bb0(%in: f32, %out: f32):
    %1 = math.sqrt %in : f32
    linalg.yield %1 : f32
  } -> tensor<8x64xf32>
  return %2, %3 : tensor<8x64xf32>, tensor<8x64xf32>
}

// Each reader would read both terms, where it reads their sum now.
// CHECK-LABEL: func @sum_for_two_readers_untouched(
//       CHECK:   %[[E:.+]] = linalg.generic
//       CHECK:     arith.addf
//       CHECK:   linalg.generic {{.*}} ins(%[[E]] :
//       CHECK:   linalg.generic {{.*}} ins(%[[E]] :
func.func @sum_for_two_readers_untouched(%x: tensor<8x64xf32>, %y: tensor<8x64xf32>) -> (tensor<8x64xf32>, tensor<8x64xf32>) {
  %e = tensor.empty() : tensor<8x64xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %y : tensor<8x64xf32>, tensor<8x64xf32>) outs(%e : tensor<8x64xf32>) {
  ^bb0(%in: f32, %other: f32, %out: f32):
    %1 = arith.addf %in, %other : f32
    linalg.yield %1 : f32
  } -> tensor<8x64xf32>
  %2 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%0 : tensor<8x64xf32>) outs(%e : tensor<8x64xf32>) {
  ^bb0(%in: f32, %out: f32):
    %1 = arith.negf %in : f32
    linalg.yield %1 : f32
  } -> tensor<8x64xf32>
  %3 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%0 : tensor<8x64xf32>) outs(%e : tensor<8x64xf32>) {
  ^bb0(%in: f32, %out: f32):
    %1 = math.sqrt %in : f32
    linalg.yield %1 : f32
  } -> tensor<8x64xf32>
  return %2, %3 : tensor<8x64xf32>, tensor<8x64xf32>
}

// CHECK-LABEL: func @another_order_untouched(
//       CHECK:   linalg.generic
//       CHECK:   linalg.generic
func.func @another_order_untouched(%x: tensor<8x64xf32>) -> tensor<64x8xf32> {
  %e = tensor.empty() : tensor<8x64xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<8x64xf32>) outs(%e : tensor<8x64xf32>) {
  ^bb0(%in: f32, %out: f32):
    %1 = arith.negf %in : f32
    linalg.yield %1 : f32
  } -> tensor<8x64xf32>
  %f = tensor.empty() : tensor<64x8xf32>
  %2 = linalg.generic {indexing_maps = [#transposed, #id], iterator_types = ["parallel", "parallel"]}
      ins(%0 : tensor<8x64xf32>) outs(%f : tensor<64x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %1 = math.sqrt %in : f32
    linalg.yield %1 : f32
  } -> tensor<64x8xf32>
  return %2 : tensor<64x8xf32>
}

// CHECK-LABEL: func @packed_layer_untouched(
//       CHECK:   linalg.generic
//       CHECK:   linalg.generic {{.*}} attrs = {quant.tile_sizes
func.func @packed_layer_untouched(%x: tensor<8x64xf32>) -> tensor<8x64xf32> {
  %e = tensor.empty() : tensor<8x64xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<8x64xf32>) outs(%e : tensor<8x64xf32>) {
  ^bb0(%in: f32, %out: f32):
    %1 = arith.negf %in : f32
    linalg.yield %1 : f32
  } -> tensor<8x64xf32>
  %2 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%0 : tensor<8x64xf32>) outs(%e : tensor<8x64xf32>) attrs = {quant.tile_sizes = array<i64: 4, 0>} {
  ^bb0(%in: f32, %out: f32):
    %1 = math.sqrt %in : f32
    linalg.yield %1 : f32
  } -> tensor<8x64xf32>
  return %2 : tensor<8x64xf32>
}
