// RUN: quant-opt %s --quant-sink-transposes --split-input-file | FileCheck %s

#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#channel = affine_map<(n, c, h, w) -> (c)>

// CHECK-DAG: #[[ID:.+]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
// CHECK-DAG: #[[CHANNEL:.+]] = affine_map<(d0, d1, d2, d3) -> (d3)>

// What belongs to channels is read in the new order; two transpositions cancel.
// CHECK-LABEL: func @elementwise
//  CHECK-SAME:     %[[X:.+]]: tensor<?x8x9x4xf32>, %[[Z:.+]]: tensor<?x8x9x4xf32>, %[[S:.+]]: tensor<4xf32>
//   CHECK-NOT:   linalg.transpose
//       CHECK:   %[[Y:.+]] = linalg.generic {indexing_maps = [#[[ID]], #[[ID]], #[[CHANNEL]], #[[ID]]]
//  CHECK-SAME:       ins(%[[X]], %[[Z]], %[[S]] :
//       CHECK:   return %[[Y]]
func.func @elementwise(%x: tensor<?x8x9x4xf32>, %z: tensor<?x8x9x4xf32>, %s: tensor<4xf32>, %n: index) -> tensor<?x8x9x4xf32> {
  %e = tensor.empty(%n) : tensor<?x4x8x9xf32>
  %t = linalg.transpose ins(%x : tensor<?x8x9x4xf32>) outs(%e : tensor<?x4x8x9xf32>) permutation = [0, 3, 1, 2]
  %u = linalg.transpose ins(%z : tensor<?x8x9x4xf32>) outs(%e : tensor<?x4x8x9xf32>) permutation = [0, 3, 1, 2]
  %y = linalg.generic {indexing_maps = [#id, #id, #channel, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%t, %u, %s : tensor<?x4x8x9xf32>, tensor<?x4x8x9xf32>, tensor<4xf32>) outs(%e : tensor<?x4x8x9xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32, %o: f32):
    %p = arith.mulf %a, %c : f32
    %q = arith.addf %p, %b : f32
    linalg.yield %q : f32
  } -> tensor<?x4x8x9xf32>
  %f = tensor.empty(%n) : tensor<?x8x9x4xf32>
  %v = linalg.transpose ins(%y : tensor<?x4x8x9xf32>) outs(%f : tensor<?x8x9x4xf32>) permutation = [0, 2, 3, 1]
  return %v : tensor<?x8x9x4xf32>
}

// -----

#in = affine_map<(n, c, h, w, i, j) -> (n, c, h * 2 + i, w * 2 + j)>
#window = affine_map<(n, c, h, w, i, j) -> (i, j)>
#out = affine_map<(n, c, h, w, i, j) -> (n, c, h, w)>

// CHECK-DAG: #[[IN:.+]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1 * 2 + d4, d2 * 2 + d5, d3)>
// CHECK-DAG: #[[OUT:.+]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d2, d3)>

// CHECK-LABEL: func @pad_and_pool
//  CHECK-SAME:     %[[X:.+]]: tensor<2x7x9x4xf32>
//       CHECK:   %[[P:.+]] = tensor.pad %[[X]] low[0, 1, 0, 0] high[0, 0, 1, 0]
//       CHECK:   %[[F:.+]] = linalg.fill ins(%{{.+}} : f32) outs(%{{.+}} : tensor<2x4x5x4xf32>)
//       CHECK:   %[[Y:.+]] = linalg.generic {indexing_maps = [#[[IN]], #{{.+}}, #[[OUT]]], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction"]}
//  CHECK-SAME:       ins(%[[P]], %{{[0-9]+}} :
//  CHECK-SAME:       outs(%[[F]] :
//       CHECK:   linalg.transpose ins(%[[Y]] : tensor<2x4x5x4xf32>) outs(%{{.+}} : tensor<2x4x4x5xf32>) permutation = [0, 3, 1, 2]
func.func @pad_and_pool(%x: tensor<2x7x9x4xf32>) -> tensor<2x4x4x5xf32> {
  %cst = arith.constant 0xFF800000 : f32
  %e = tensor.empty() : tensor<2x4x7x9xf32>
  %t = linalg.transpose ins(%x : tensor<2x7x9x4xf32>) outs(%e : tensor<2x4x7x9xf32>) permutation = [0, 3, 1, 2]
  %p = tensor.pad %t low[0, 0, 1, 0] high[0, 0, 0, 1] {
  ^bb0(%a: index, %b: index, %c: index, %d: index):
    tensor.yield %cst : f32
  } : tensor<2x4x7x9xf32> to tensor<2x4x8x10xf32>
  %w = tensor.empty() : tensor<2x2xf32>
  %f = tensor.empty() : tensor<2x4x4x5xf32>
  %i = linalg.fill ins(%cst : f32) outs(%f : tensor<2x4x4x5xf32>) -> tensor<2x4x4x5xf32>
  %y = linalg.generic {indexing_maps = [#in, #window, #out], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%p, %w : tensor<2x4x8x10xf32>, tensor<2x2xf32>) outs(%i : tensor<2x4x4x5xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %m = arith.maximumf %a, %o : f32
    linalg.yield %m : f32
  } -> tensor<2x4x4x5xf32>
  return %y : tensor<2x4x4x5xf32>
}

// -----

#id = affine_map<(n, c, h, w) -> (n, c, h, w)>
#mean = affine_map<(n, c, h, w) -> (n, c)>

// CHECK-DAG: #[[IN:.+]] = affine_map<(d0, d1, d2, d3) -> (d0, d2, d3, d1)>

// A sum over places keeps its order and needs no transposition.
// CHECK-LABEL: func @mean
//  CHECK-SAME:     %[[X:.+]]: tensor<2x7x9x4xf32>
//   CHECK-NOT:   linalg.transpose
//       CHECK:   linalg.generic {indexing_maps = [#[[IN]], #{{.+}}], iterator_types = ["parallel", "parallel", "reduction", "reduction"]} ins(%[[X]]
func.func @mean(%x: tensor<2x7x9x4xf32>, %i: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %e = tensor.empty() : tensor<2x4x7x9xf32>
  %t = linalg.transpose ins(%x : tensor<2x7x9x4xf32>) outs(%e : tensor<2x4x7x9xf32>) permutation = [0, 3, 1, 2]
  %y = linalg.generic {indexing_maps = [#id, #mean], iterator_types = ["parallel", "parallel", "reduction", "reduction"]}
      ins(%t : tensor<2x4x7x9xf32>) outs(%i : tensor<2x4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %m = arith.addf %a, %o : f32
    linalg.yield %m : f32
  } -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

#id = affine_map<(n, c, h, w) -> (n, c, h, w)>

// CHECK-LABEL: func @other_operand_untouched
//       CHECK:   %[[T:.+]] = linalg.transpose
//       CHECK:   linalg.generic {{.*}} ins(%[[T]], %{{.+}} :
func.func @other_operand_untouched(%x: tensor<2x7x9x4xf32>, %z: tensor<2x4x7x9xf32>) -> tensor<2x4x7x9xf32> {
  %e = tensor.empty() : tensor<2x4x7x9xf32>
  %t = linalg.transpose ins(%x : tensor<2x7x9x4xf32>) outs(%e : tensor<2x4x7x9xf32>) permutation = [0, 3, 1, 2]
  %y = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%t, %z : tensor<2x4x7x9xf32>, tensor<2x4x7x9xf32>) outs(%e : tensor<2x4x7x9xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %q = arith.addf %a, %b : f32
    linalg.yield %q : f32
  } -> tensor<2x4x7x9xf32>
  return %y : tensor<2x4x7x9xf32>
}

// -----

#id = affine_map<(n, c, h, w) -> (n, c, h, w)>

// CHECK-LABEL: func @channels_last_untouched
//       CHECK:   %[[T:.+]] = linalg.transpose
//       CHECK:   linalg.generic {{.*}} ins(%[[T]] :
func.func @channels_last_untouched(%x: tensor<2x7x9x4xf32>) -> tensor<2x9x4x7xf32> {
  %e = tensor.empty() : tensor<2x9x4x7xf32>
  %t = linalg.transpose ins(%x : tensor<2x7x9x4xf32>) outs(%e : tensor<2x9x4x7xf32>) permutation = [0, 2, 3, 1]
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%t : tensor<2x9x4x7xf32>) outs(%e : tensor<2x9x4x7xf32>) {
  ^bb0(%a: f32, %o: f32):
    %q = arith.negf %a : f32
    linalg.yield %q : f32
  } -> tensor<2x9x4x7xf32>
  return %y : tensor<2x9x4x7xf32>
}

// -----

// Channels are shuffled between groups where they are last.
// CHECK-LABEL: func @shuffle
//  CHECK-SAME:     %[[X:.+]]: tensor<2x8x9x6xf32>
//       CHECK:   %[[E:.+]] = tensor.expand_shape %[[X]] {{\[\[}}0], [1], [2], [3, 4]] output_shape [2, 8, 9, 3, 2]
//       CHECK:   %[[T:.+]] = linalg.transpose ins(%[[E]] : {{.+}} permutation = [0, 1, 2, 4, 3]
//   CHECK-NOT:   linalg.transpose
//       CHECK:   %[[C:.+]] = tensor.collapse_shape %[[T]] {{\[\[}}0], [1], [2], [3, 4]] : {{.+}} into tensor<2x8x9x6xf32>
//       CHECK:   return %[[C]]
func.func @shuffle(%x: tensor<2x8x9x6xf32>) -> tensor<2x8x9x6xf32> {
  %e = tensor.empty() : tensor<2x6x8x9xf32>
  %t = linalg.transpose ins(%x : tensor<2x8x9x6xf32>) outs(%e : tensor<2x6x8x9xf32>) permutation = [0, 3, 1, 2]
  %g = tensor.expand_shape %t [[0], [1, 2], [3], [4]] output_shape [2, 3, 2, 8, 9] : tensor<2x6x8x9xf32> into tensor<2x3x2x8x9xf32>
  %f = tensor.empty() : tensor<2x2x3x8x9xf32>
  %s = linalg.transpose ins(%g : tensor<2x3x2x8x9xf32>) outs(%f : tensor<2x2x3x8x9xf32>) permutation = [0, 2, 1, 3, 4]
  %c = tensor.collapse_shape %s [[0], [1, 2], [3], [4]] : tensor<2x2x3x8x9xf32> into tensor<2x6x8x9xf32>
  %h = tensor.empty() : tensor<2x8x9x6xf32>
  %u = linalg.transpose ins(%c : tensor<2x6x8x9xf32>) outs(%h : tensor<2x8x9x6xf32>) permutation = [0, 2, 3, 1]
  return %u : tensor<2x8x9x6xf32>
}

// -----

// CHECK-LABEL: func @expand
//       CHECK:   %[[E:.+]] = tensor.expand_shape %{{.+}} {{\[\[}}0], [1, 2], [3], [4]] output_shape [%{{.+}}, 2, 4, 9, 6]
//       CHECK:   linalg.transpose ins(%[[E]] : tensor<?x2x4x9x6xf32>) {{.*}} permutation = [0, 4, 1, 2, 3]
func.func @expand(%x: tensor<?x8x9x6xf32>, %n: index) -> tensor<?x6x2x4x9xf32> {
  %e = tensor.empty(%n) : tensor<?x6x8x9xf32>
  %t = linalg.transpose ins(%x : tensor<?x8x9x6xf32>) outs(%e : tensor<?x6x8x9xf32>) permutation = [0, 3, 1, 2]
  %y = tensor.expand_shape %t [[0], [1], [2, 3], [4]] output_shape [%n, 6, 2, 4, 9] : tensor<?x6x8x9xf32> into tensor<?x6x2x4x9xf32>
  return %y : tensor<?x6x2x4x9xf32>
}

// -----

// The places are flattened: the elements have to be moved first.
// CHECK-LABEL: func @flatten_untouched
//       CHECK:   %[[T:.+]] = linalg.transpose
//       CHECK:   tensor.collapse_shape %[[T]] {{\[\[}}0], [1], [2, 3]]
func.func @flatten_untouched(%x: tensor<2x8x9x6xf32>) -> tensor<2x6x72xf32> {
  %e = tensor.empty() : tensor<2x6x8x9xf32>
  %t = linalg.transpose ins(%x : tensor<2x8x9x6xf32>) outs(%e : tensor<2x6x8x9xf32>) permutation = [0, 3, 1, 2]
  %y = tensor.collapse_shape %t [[0], [1], [2, 3]] : tensor<2x6x8x9xf32> into tensor<2x6x72xf32>
  return %y : tensor<2x6x72xf32>
}

// -----

// A concatenation of channels.
// CHECK-LABEL: func @concatenation
//  CHECK-SAME:     %[[X:.+]]: tensor<2x8x9x6xf32>, %[[Y:.+]]: tensor<2x8x9x4xf32>
//       CHECK:   %[[E:.+]] = tensor.empty() : tensor<2x8x9x10xf32>
//       CHECK:   %[[A:.+]] = tensor.insert_slice %[[X]] into %[[E]][0, 0, 0, 0] [2, 8, 9, 6] [1, 1, 1, 1]
//       CHECK:   %[[B:.+]] = tensor.insert_slice %[[Y]] into %[[A]][0, 0, 0, 6] [2, 8, 9, 4] [1, 1, 1, 1]
//       CHECK:   linalg.transpose ins(%[[B]] : tensor<2x8x9x10xf32>) {{.*}} permutation = [0, 3, 1, 2]
func.func @concatenation(%x: tensor<2x8x9x6xf32>, %y: tensor<2x8x9x4xf32>) -> tensor<2x10x8x9xf32> {
  %e = tensor.empty() : tensor<2x6x8x9xf32>
  %t = linalg.transpose ins(%x : tensor<2x8x9x6xf32>) outs(%e : tensor<2x6x8x9xf32>) permutation = [0, 3, 1, 2]
  %f = tensor.empty() : tensor<2x4x8x9xf32>
  %u = linalg.transpose ins(%y : tensor<2x8x9x4xf32>) outs(%f : tensor<2x4x8x9xf32>) permutation = [0, 3, 1, 2]
  %all = tensor.empty() : tensor<2x10x8x9xf32>
  %a = tensor.insert_slice %t into %all[0, 0, 0, 0] [2, 6, 8, 9] [1, 1, 1, 1] : tensor<2x6x8x9xf32> into tensor<2x10x8x9xf32>
  %b = tensor.insert_slice %u into %a[0, 6, 0, 0] [2, 4, 8, 9] [1, 1, 1, 1] : tensor<2x4x8x9xf32> into tensor<2x10x8x9xf32>
  return %b : tensor<2x10x8x9xf32>
}

// -----

// What it is inserted into is in another order.
// CHECK-LABEL: func @insert_untouched
//       CHECK:   %[[T:.+]] = linalg.transpose
//       CHECK:   tensor.insert_slice %[[T]]
func.func @insert_untouched(%x: tensor<2x8x9x6xf32>, %all: tensor<2x10x8x9xf32>) -> tensor<2x10x8x9xf32> {
  %e = tensor.empty() : tensor<2x6x8x9xf32>
  %t = linalg.transpose ins(%x : tensor<2x8x9x6xf32>) outs(%e : tensor<2x6x8x9xf32>) permutation = [0, 3, 1, 2]
  %a = tensor.insert_slice %t into %all[0, 0, 0, 0] [2, 6, 8, 9] [1, 1, 1, 1] : tensor<2x6x8x9xf32> into tensor<2x10x8x9xf32>
  return %a : tensor<2x10x8x9xf32>
}
