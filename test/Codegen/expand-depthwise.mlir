// RUN: quant-opt %s --quant-expand-depthwise --canonicalize --cse | FileCheck %s

#at = affine_map<(n, w, g, j) -> (n, w * 2 + j * 3, g)>
#id = affine_map<(n, w, g, j) -> (n, w, g, j)>
#x = affine_map<(m, n, k) -> (m, n * 2 + k)>
#w = affine_map<(m, n, k) -> (n, k)>
#y = affine_map<(m, n, k) -> (m, n)>

// CHECK-DAG: #[[ID:.+]] = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
// CHECK-DAG: #[[C:.+]] = affine_map<(d0, d1, d2) -> (d2)>

// Term k is a slice of the input and a row of the weight; the epilogue reads the result as it is.
// CHECK-LABEL: func @float(
//  CHECK-SAME:     %[[X:.+]]: tensor<?x10x3xf32>
//   CHECK-DAG:   %[[W:.+]] = arith.constant dense<{{\[\[}}1.{{.+}}, 3.{{.+}}, 5.{{.+}}], [2.{{.+}}, 4.{{.+}}, 6.{{.+}}]]> : tensor<2x3xf32>
//   CHECK-DAG:   %[[W0:.+]] = tensor.extract_slice %[[W]][0, 0] [1, 3] [1, 1] : tensor<2x3xf32> to tensor<3xf32>
//   CHECK-DAG:   %[[W1:.+]] = tensor.extract_slice %[[W]][1, 0] [1, 3] [1, 1] : tensor<2x3xf32> to tensor<3xf32>
//   CHECK-DAG:   %[[X0:.+]] = tensor.extract_slice %[[X]][0, 0, 0] [%{{.+}}, 4, 3] [1, 2, 1]
//   CHECK-DAG:   %[[X1:.+]] = tensor.extract_slice %[[X]][0, 3, 0] [%{{.+}}, 4, 3] [1, 2, 1]
//       CHECK:   %[[Y:.+]] = linalg.generic {indexing_maps = [#[[ID]], #[[C]], #[[ID]], #[[C]], #[[ID]]], iterator_types = ["parallel", "parallel", "parallel"]} ins(%[[X0]], %[[W0]], %[[X1]], %[[W1]] :
//  CHECK-NEXT:   ^bb0(%[[A0:.+]]: f32, %[[B0:.+]]: f32, %[[A1:.+]]: f32, %[[B1:.+]]: f32,
//       CHECK:     %[[P:.+]] = math.fma %[[A0]], %[[B0]], %cst : f32
//       CHECK:     %[[Q:.+]] = math.fma %[[A1]], %[[B1]], %[[P]] : f32
//       CHECK:     linalg.yield %[[Q]]
//   CHECK-NOT:   linalg.generic
//       CHECK:   return %[[Y]]
func.func @float(%x: tensor<?x10x3xf32>, %n: index, %m: index) -> tensor<?x4x3xf32> {
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
  %cst = arith.constant 0.0 : f32
  %e = tensor.empty(%n) : tensor<?x4x3x2xf32>
  %p = linalg.generic {indexing_maps = [#at, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x : tensor<?x10x3xf32>) outs(%e : tensor<?x4x3x2xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  } -> tensor<?x4x3x2xf32>
  %r = tensor.collapse_shape %p [[0, 1], [2, 3]] : tensor<?x4x3x2xf32> into tensor<?x6xf32>
  %f = tensor.empty(%m) : tensor<?x3xf32>
  %z = linalg.fill ins(%cst : f32) outs(%f : tensor<?x3xf32>) -> tensor<?x3xf32>
  %y = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%r, %w : tensor<?x6xf32>, tensor<3x2xf32>) outs(%z : tensor<?x3xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %q = arith.mulf %a, %b : f32
    %s = arith.addf %c, %q : f32
    linalg.yield %s : f32
  } -> tensor<?x3xf32>
  %o = tensor.expand_shape %y [[0, 1], [2]] output_shape [%n, 4, 3] : tensor<?x3xf32> into tensor<?x4x3xf32>
  return %o : tensor<?x4x3xf32>
}

// One place has no stride.
// CHECK-LABEL: func @one_place(
//   CHECK-DAG:   tensor.extract_slice %{{.+}}[0, 0, 0] [%{{.+}}, 1, 3] [1, 1, 1]
//   CHECK-DAG:   tensor.extract_slice %{{.+}}[0, 3, 0] [%{{.+}}, 1, 3] [1, 1, 1]
func.func @one_place(%x: tensor<?x4x3xf32>, %n: index) -> tensor<?x3xf32> {
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
  %cst = arith.constant 0.0 : f32
  %e = tensor.empty(%n) : tensor<?x1x3x2xf32>
  %p = linalg.generic {indexing_maps = [#at, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x : tensor<?x4x3xf32>) outs(%e : tensor<?x1x3x2xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  } -> tensor<?x1x3x2xf32>
  %r = tensor.collapse_shape %p [[0, 1], [2, 3]] : tensor<?x1x3x2xf32> into tensor<?x6xf32>
  %f = tensor.empty(%n) : tensor<?x3xf32>
  %z = linalg.fill ins(%cst : f32) outs(%f : tensor<?x3xf32>) -> tensor<?x3xf32>
  %y = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%r, %w : tensor<?x6xf32>, tensor<3x2xf32>) outs(%z : tensor<?x3xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %q = arith.mulf %a, %b : f32
    %s = arith.addf %c, %q : f32
    linalg.yield %s : f32
  } -> tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}

#at5 = affine_map<(n, w, g, j, c) -> (n, w * 2 + j * 3, g, c)>
#id5 = affine_map<(n, w, g, j, c) -> (n, w, g, j, c)>

// The channel of each group goes before the slices do.
// CHECK-LABEL: func @of_one_channel(
//  CHECK-SAME:     %[[X:.+]]: tensor<?x10x3x1xf32>
//       CHECK:   %[[C:.+]] = tensor.collapse_shape %[[X]] {{\[\[}}0], [1], [2, 3]]
//   CHECK-DAG:   tensor.extract_slice %[[C]][0, 0, 0] [%{{.+}}, 4, 3] [1, 2, 1] : tensor<?x10x3xf32> to tensor<?x4x3xf32>
//   CHECK-DAG:   tensor.extract_slice %[[C]][0, 3, 0] [%{{.+}}, 4, 3] [1, 2, 1] : tensor<?x10x3xf32> to tensor<?x4x3xf32>
func.func @of_one_channel(%x: tensor<?x10x3x1xf32>, %n: index, %m: index) -> tensor<?x3xf32> {
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
  %cst = arith.constant 0.0 : f32
  %e = tensor.empty(%n) : tensor<?x4x3x2x1xf32>
  %p = linalg.generic {indexing_maps = [#at5, #id5], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]}
      ins(%x : tensor<?x10x3x1xf32>) outs(%e : tensor<?x4x3x2x1xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  } -> tensor<?x4x3x2x1xf32>
  %r = tensor.collapse_shape %p [[0, 1], [2, 3, 4]] : tensor<?x4x3x2x1xf32> into tensor<?x6xf32>
  %f = tensor.empty(%m) : tensor<?x3xf32>
  %z = linalg.fill ins(%cst : f32) outs(%f : tensor<?x3xf32>) -> tensor<?x3xf32>
  %y = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%r, %w : tensor<?x6xf32>, tensor<3x2xf32>) outs(%z : tensor<?x3xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %q = arith.mulf %a, %b : f32
    %s = arith.addf %c, %q : f32
    linalg.yield %s : f32
  } -> tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}

#at1 = affine_map<(h, g, i) -> (h + i, g)>
#id1 = affine_map<(h, g, i) -> (h, g, i)>

// Sums start with -z times the weights. 127 + 127 and 100 + 100 times 128 fit 16 bits, the third term does not with them.
// CHECK-LABEL: func @integer(
//   CHECK-DAG:   %[[START:.+]] = arith.constant dense<[-1330, -960]> : tensor<2xi32>
//   CHECK-DAG:   arith.constant dense<{{\[\[}}127, 100], [127, 100], [12, -8]]> : tensor<3x2xi16>
//       CHECK:   linalg.generic
//       CHECK:   ^bb0(%[[A0:.+]]: i8, %[[B0:.+]]: i16, %[[A1:.+]]: i8, %[[B1:.+]]: i16, %[[A2:.+]]: i8, %[[B2:.+]]: i16, %[[S:.+]]: i32,
//       CHECK:     %[[E0:.+]] = arith.extsi %[[A0]] : i8 to i16
//       CHECK:     %[[P0:.+]] = arith.muli %[[E0]], %[[B0]] : i16
//       CHECK:     %[[E1:.+]] = arith.extsi %[[A1]] : i8 to i16
//       CHECK:     %[[P1:.+]] = arith.muli %[[E1]], %[[B1]] : i16
//       CHECK:     %[[T:.+]] = arith.addi %[[P0]], %[[P1]] : i16
//       CHECK:     %[[E:.+]] = arith.extsi %[[T]] : i16 to i32
//       CHECK:     %[[Q:.+]] = arith.addi %[[S]], %[[E]] : i32
//       CHECK:     %[[P2:.+]] = arith.muli %{{.+}}, %[[B2]] : i16
//       CHECK:     %[[F:.+]] = arith.extsi %[[P2]] : i16 to i32
//       CHECK:     arith.addi %[[Q]], %[[F]] : i32
//       CHECK:     arith.sitofp
//       CHECK:     arith.trunci {{.*}} : i32 to i8
func.func @integer(%x: tensor<6x2xi8>) -> tensor<4x2xi8> {
  %weight = arith.constant dense<[[127, 127, 12], [100, 100, -8]]> : tensor<2x3xi8>
  %sa = arith.constant dense<0.5> : tensor<f32>
  %za = arith.constant dense<5> : tensor<i8>
  %sw = arith.constant dense<[[0.25], [0.5]]> : tensor<2x1xf32>
  %e = tensor.empty() : tensor<4x2x3xi8>
  %p = linalg.generic {indexing_maps = [#at1, #id1], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : tensor<6x2xi8>) outs(%e : tensor<4x2x3xi8>) {
  ^bb0(%a: i8, %o: i8):
    linalg.yield %a : i8
  } -> tensor<4x2x3xi8>
  %r = tensor.collapse_shape %p [[0], [1, 2]] : tensor<4x2x3xi8> into tensor<4x6xi8>
  %y = quant.linear %r, %weight scale(%sw : tensor<2x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>) output(%sa, %za : tensor<f32>, tensor<i8>) {feature_groups = 2 : i64} : tensor<4x6xi8>, tensor<2x3xi8> -> tensor<4x2xi8>
  return %y : tensor<4x2xi8>
}

// CHECK-LABEL: func @weight_only_of_several_outputs(
//       CHECK:   %[[X2:.+]] = linalg.generic {{.*}} outs(%{{.+}} : tensor<6x2x2xf32>)
//       CHECK:   %[[C:.+]] = tensor.collapse_shape %[[X2]] {{\[\[}}0], [1, 2]]
//       CHECK:   tensor.extract_slice %[[C]][0, 0] [4, 4] [1, 1]
//       CHECK:   tensor.extract_slice %[[C]][1, 0] [4, 4] [1, 1]
//       CHECK:   tensor.extract_slice %[[C]][2, 0] [4, 4] [1, 1]
//       CHECK:   linalg.generic {{.*}} outs(%{{.+}} : tensor<4x4xf32>)
// CHECK-COUNT-4:   math.fma
func.func @weight_only_of_several_outputs(%x: tensor<6x2xf32>) -> tensor<4x4xf32> {
  %weight = arith.constant dense<[[1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12]]> : tensor<4x3xi8>
  %sw = arith.constant dense<0.25> : tensor<4x1xf32>
  %e = tensor.empty() : tensor<4x2x3xf32>
  %p = linalg.generic {indexing_maps = [#at1, #id1], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : tensor<6x2xf32>) outs(%e : tensor<4x2x3xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  } -> tensor<4x2x3xf32>
  %r = tensor.collapse_shape %p [[0], [1, 2]] : tensor<4x2x3xf32> into tensor<4x6xf32>
  %y = quant.linear %r, %weight scale(%sw : tensor<4x1xf32>) {feature_groups = 2 : i64} : tensor<4x6xf32>, tensor<4x3xi8> -> tensor<4x4xf32>
  return %y : tensor<4x4xf32>
}

#at2 = affine_map<(n, h, g, i) -> (n, h + i, g)>
#id2 = affine_map<(n, h, g, i) -> (n, h, g, i)>

// Scales and zero points of rows are read in the loops over places; sums start with -z times the sum of the weights.
// CHECK-LABEL: func @dynamic(
//  CHECK-SAME:     %{{.+}}: tensor<?x6x2xi8>, %[[SA:.+]]: tensor<?x1xf32>, %[[ZA:.+]]: tensor<?x1xi8>
//   CHECK-DAG:   %[[START:.+]] = arith.constant dense<[-266, -192]> : tensor<2xi32>
//   CHECK-DAG:   %[[Z:.+]] = tensor.expand_shape %[[ZA]] {{\[\[}}0, 1], [2]] output_shape [%{{.+}}, 4, 1]
//   CHECK-DAG:   %[[S:.+]] = tensor.expand_shape %[[SA]] {{\[\[}}0, 1], [2]] output_shape [%{{.+}}, 4, 1]
//       CHECK:   linalg.generic {{.*}} ins({{.*}}, %[[START]], %[[Z]], %{{.+}}, %[[S]] :
//       CHECK:   ^bb0({{.*}}, %[[T:.+]]: i32, %[[ZR:.+]]: i8, %[[SWR:.+]]: f32, %[[SR:.+]]: f32, %{{.+}}: f32):
//       CHECK:     %[[E:.+]] = arith.extsi %[[ZR]] : i8 to i32
//       CHECK:     arith.muli %[[T]], %[[E]] : i32
//       CHECK:     %[[F:.+]] = arith.sitofp
//       CHECK:     %[[P:.+]] = arith.mulf %[[F]], %[[SWR]]
//       CHECK:     arith.mulf %[[P]], %[[SR]]
//   CHECK-NOT:   quant.linear
func.func @dynamic(%x: tensor<?x6x2xi8>, %sa: tensor<?x1xf32>, %za: tensor<?x1xi8>, %n: index) -> tensor<?x2xf32> {
  %weight = arith.constant dense<[[127, 127, 12], [100, 100, -8]]> : tensor<2x3xi8>
  %sw = arith.constant dense<0.25> : tensor<2x1xf32>
  %e = tensor.empty(%n) : tensor<?x4x2x3xi8>
  %p = linalg.generic {indexing_maps = [#at2, #id2], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x : tensor<?x6x2xi8>) outs(%e : tensor<?x4x2x3xi8>) {
  ^bb0(%a: i8, %o: i8):
    linalg.yield %a : i8
  } -> tensor<?x4x2x3xi8>
  %r = tensor.collapse_shape %p [[0, 1], [2, 3]] : tensor<?x4x2x3xi8> into tensor<?x6xi8>
  %y = quant.linear %r, %weight scale(%sw : tensor<2x1xf32>) input(%sa, %za : tensor<?x1xf32>, tensor<?x1xi8>) {feature_groups = 2 : i64} : tensor<?x6xi8>, tensor<2x3xi8> -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// CHECK-LABEL: func @several_channels_untouched(
//       CHECK:   quant.linear
func.func @several_channels_untouched(%x: tensor<4x2x3xi8>) -> tensor<4x2xf32> {
  %weight = arith.constant dense<1> : tensor<2x3xi8>
  %sa = arith.constant dense<0.5> : tensor<f32>
  %za = arith.constant dense<5> : tensor<i8>
  %sw = arith.constant dense<0.25> : tensor<2x1xf32>
  %r = tensor.collapse_shape %x [[0], [1, 2]] : tensor<4x2x3xi8> into tensor<4x6xi8>
  %y = quant.linear %r, %weight scale(%sw : tensor<2x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>) {feature_groups = 2 : i64} : tensor<4x6xi8>, tensor<2x3xi8> -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}
