// RUN: quant-opt %s --quant-quantize-averages --split-input-file | FileCheck %s
// RUN: quant-opt %s --quant-quantize-averages --quant-fuse-requantize --split-input-file | FileCheck %s --check-prefix=FUSED

#image = affine_map<(b, h, w, c) -> (b, h, w, c)>
#x = affine_map<(b, h, w, c, i, j) -> (b, h + i, w + j, c)>
#window = affine_map<(b, h, w, c, i, j) -> (i, j)>
#y = affine_map<(b, h, w, c, i, j) -> (b, h, w, c)>
#rows = affine_map<(b, h, w, c) -> (h)>
#columns = affine_map<(b, h, w, c) -> (w)>

// The pool reads what the layer beside it reads. Windows of nine bytes add up in
// 16 bits, from -9 z on, and a place at the edge has fewer that count.
// CHECK-LABEL: func @beside_a_layer(
//       CHECK:   %[[P:.+]] = tensor.pad
//       CHECK:   %[[Q:.+]] = quant.quantize %[[P]] scale(%{{.+}} : tensor<f32>) zero_point(%{{.+}} : tensor<i8>) : tensor<1x4x4x4xf32> -> tensor<1x4x4x4xi8>
//       CHECK:   %[[START:.+]] = arith.constant 1152 : i16
//       CHECK:   %[[INIT:.+]] = linalg.fill ins(%[[START]] : i16)
//       CHECK:   %[[SUM:.+]] = linalg.generic {{.*}} ins(%[[Q]], %{{.+}} : tensor<1x4x4x4xi8>, tensor<3x3xf32>) outs(%[[INIT]] : tensor<1x2x2x4xi16>)
//       CHECK:     %[[X:.+]] = arith.extsi %{{.+}} : i8 to i16
//       CHECK:     arith.addi %{{.+}}, %[[X]] : i16
//       CHECK:   %[[M:.+]] = arith.constant dense<{{\[\[\[\[}}1.250000e-01], [2.500000e-01]], {{\[\[}}2.500000e-01], [5.000000e-01]]]]> : tensor<1x2x2x1xf32>
//       CHECK:   %[[Y:.+]] = quant.rescale %[[SUM]] scale(%[[M]] : tensor<1x2x2x1xf32>) : tensor<1x2x2x4xi16> -> tensor<1x2x2x4xf32>
//       CHECK:   return %{{.+}}, %[[Y]]
// FUSED-LABEL: func @beside_a_layer(
//       FUSED:   %[[Q:.+]] = quant.quantize %arg0
//       FUSED:   %[[P:.+]] = tensor.pad %[[Q]]
//       FUSED:   linalg.generic {{.*}} ins(%[[P]],
//       FUSED:   quant.rescale
func.func @beside_a_layer(%x: tensor<1x2x2x4xf32>, %w: tensor<4x4xi8>, %sw: tensor<4x1xf32>) -> (tensor<4x4xf32>, tensor<1x2x2x4xf32>) {
  %zero = arith.constant 0.0 : f32
  %s = arith.constant dense<0.5> : tensor<f32>
  %z = arith.constant dense<-128> : tensor<i8>
  %window = tensor.empty() : tensor<3x3xf32>
  %e = tensor.empty() : tensor<1x2x2x4xf32>
  %collapsed = tensor.collapse_shape %x [[0, 1, 2], [3]] : tensor<1x2x2x4xf32> into tensor<4x4xf32>
  %q = quant.quantize %collapsed scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) : tensor<4x4xf32> -> tensor<4x4xi8>
  %layer = quant.linear %q, %w scale(%sw : tensor<4x1xf32>) input(%s, %z : tensor<f32>, tensor<i8>) : tensor<4x4xi8>, tensor<4x4xi8> -> tensor<4x4xf32>
  %padded = tensor.pad %x low[0, 1, 1, 0] high[0, 1, 1, 0] {
  ^bb0(%a: index, %b: index, %c: index, %d: index):
    tensor.yield %zero : f32
  } : tensor<1x2x2x4xf32> to tensor<1x4x4x4xf32>
  %init = linalg.fill ins(%zero : f32) outs(%e : tensor<1x2x2x4xf32>) -> tensor<1x2x2x4xf32>
  %sum = linalg.generic {indexing_maps = [#x, #window, #y], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%padded, %window : tensor<1x4x4x4xf32>, tensor<3x3xf32>) outs(%init : tensor<1x2x2x4xf32>) {
  ^bb0(%in: f32, %i: f32, %out: f32):
    %0 = arith.addf %out, %in : f32
    linalg.yield %0 : f32
  } -> tensor<1x2x2x4xf32>
  // Made up, to have scales that print exactly.
  %counts = arith.constant dense<[2.0, 1.0]> : tensor<2xf32>
  %y = linalg.generic {indexing_maps = [#image, #rows, #columns, #image], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%sum, %counts, %counts : tensor<1x2x2x4xf32>, tensor<2xf32>, tensor<2xf32>) outs(%e : tensor<1x2x2x4xf32>) {
  ^bb0(%in: f32, %h: f32, %v: f32, %out: f32):
    %n = arith.mulf %h, %v : f32
    %0 = arith.divf %in, %n : f32
    linalg.yield %0 : f32
  } -> tensor<1x2x2x4xf32>
  return %layer, %y : tensor<4x4xf32>, tensor<1x2x2x4xf32>
}

// -----

#x = affine_map<(b, c, h, w) -> (b, h, w, c)>
#y = affine_map<(b, c, h, w) -> (b, c)>
#id = affine_map<(b, c) -> (b, c)>

// Sums of 169 bytes take 32 bits. With the quantization after it the average is
// one of integers, clipped.
// CHECK-LABEL: func @behind_a_layer(
//       CHECK:   quant.quantize %{{.+}} scale(%{{.+}} : tensor<f32>) zero_point(%{{.+}} : tensor<i8>) : tensor<1x13x13x4xf32> -> tensor<1x13x13x4xi8>
//       CHECK:   linalg.generic {{.*}} outs(%{{.+}} : tensor<1x4xi32>)
//       CHECK:   quant.rescale %{{.+}} scale(%{{.+}} : tensor<f32>) : tensor<1x4xi32> -> tensor<1x4xf32>
// FUSED-LABEL: func @behind_a_layer(
//       FUSED:   quant.linear {{.*}} -> tensor<169x4xi8>
//   FUSED-NOT:   quant.quantize
//       FUSED:   quant.rescale %{{.+}} scale(%{{.+}} : tensor<f32>) zero_point(%{{.+}} : tensor<i8>) {clamp_min = 3 : si64} : tensor<1x4xi32> -> tensor<1x4xi8>
func.func @behind_a_layer(%q: tensor<169x4xi8>, %w: tensor<4x4xi8>, %sw: tensor<4x1xf32>) -> (tensor<1x4xi8>, tensor<1x13x13x4xi8>) {
  %zero = arith.constant 0.0 : f32
  %count = arith.constant 169.0 : f32
  %s = arith.constant dense<0.5> : tensor<f32>
  %z = arith.constant dense<3> : tensor<i8>
  %layer = quant.linear %q, %w scale(%sw : tensor<4x1xf32>) input(%s, %z : tensor<f32>, tensor<i8>) : tensor<169x4xi8>, tensor<4x4xi8> -> tensor<169x4xf32>
  %x = tensor.expand_shape %layer [[0, 1, 2], [3]] output_shape [1, 13, 13, 4] : tensor<169x4xf32> into tensor<1x13x13x4xf32>
  %e = tensor.empty() : tensor<1x4xf32>
  %init = linalg.fill ins(%zero : f32) outs(%e : tensor<1x4xf32>) -> tensor<1x4xf32>
  %sum = linalg.generic {indexing_maps = [#x, #y], iterator_types = ["parallel", "parallel", "reduction", "reduction"]}
      ins(%x : tensor<1x13x13x4xf32>) outs(%init : tensor<1x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.addf %out, %in : f32
    linalg.yield %0 : f32
  } -> tensor<1x4xf32>
  %mean = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%sum : tensor<1x4xf32>) outs(%e : tensor<1x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.divf %in, %count : f32
    linalg.yield %0 : f32
  } -> tensor<1x4xf32>
  %relu = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%mean : tensor<1x4xf32>) outs(%e : tensor<1x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.maximumf %in, %zero : f32
    linalg.yield %0 : f32
  } -> tensor<1x4xf32>
  %y = quant.quantize %relu scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) : tensor<1x4xf32> -> tensor<1x4xi8>
  %beside = quant.quantize %x scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) : tensor<1x13x13x4xf32> -> tensor<1x13x13x4xi8>
  return %y, %beside : tensor<1x4xi8>, tensor<1x13x13x4xi8>
}

// -----

#x = affine_map<(b, c, h) -> (b, h, c)>
#y = affine_map<(b, c, h) -> (b, c)>
#id = affine_map<(b, c) -> (b, c)>

// Something else needs the floats.
// CHECK-LABEL: func @read_by_another_untouched(
//   CHECK-NOT:   quant.rescale
func.func @read_by_another_untouched(%x: tensor<1x13x4xf32>) -> (tensor<1x4xf32>, tensor<1x13x4xi8>, tensor<1x13x4xf32>) {
  %zero = arith.constant 0.0 : f32
  %count = arith.constant 13.0 : f32
  %s = arith.constant dense<0.5> : tensor<f32>
  %q = quant.quantize %x scale(%s : tensor<f32>) : tensor<1x13x4xf32> -> tensor<1x13x4xi8>
  %e = tensor.empty() : tensor<1x4xf32>
  %init = linalg.fill ins(%zero : f32) outs(%e : tensor<1x4xf32>) -> tensor<1x4xf32>
  %sum = linalg.generic {indexing_maps = [#x, #y], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x : tensor<1x13x4xf32>) outs(%init : tensor<1x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.addf %out, %in : f32
    linalg.yield %0 : f32
  } -> tensor<1x4xf32>
  %mean = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%sum : tensor<1x4xf32>) outs(%e : tensor<1x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.divf %in, %count : f32
    linalg.yield %0 : f32
  } -> tensor<1x4xf32>
  return %mean, %q, %x : tensor<1x4xf32>, tensor<1x13x4xi8>, tensor<1x13x4xf32>
}

// -----

#x = affine_map<(b, c, h) -> (b, h, c)>
#y = affine_map<(b, c, h) -> (b, c)>
#id = affine_map<(b, c) -> (b, c)>

// No layer reads the same.
// CHECK-LABEL: func @of_an_input_untouched(
//   CHECK-NOT:   quant.rescale
func.func @of_an_input_untouched(%x: tensor<1x13x4xf32>) -> tensor<1x4xf32> {
  %zero = arith.constant 0.0 : f32
  %count = arith.constant 13.0 : f32
  %e = tensor.empty() : tensor<1x4xf32>
  %init = linalg.fill ins(%zero : f32) outs(%e : tensor<1x4xf32>) -> tensor<1x4xf32>
  %sum = linalg.generic {indexing_maps = [#x, #y], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x : tensor<1x13x4xf32>) outs(%init : tensor<1x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.addf %out, %in : f32
    linalg.yield %0 : f32
  } -> tensor<1x4xf32>
  %mean = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%sum : tensor<1x4xf32>) outs(%e : tensor<1x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.divf %in, %count : f32
    linalg.yield %0 : f32
  } -> tensor<1x4xf32>
  return %mean : tensor<1x4xf32>
}

// -----

#x = affine_map<(b, c, h) -> (b, h, c)>
#y = affine_map<(b, c, h) -> (b, c)>
#id = affine_map<(b, c) -> (b, c)>

// A sum that is divided by what is no count.
// CHECK-LABEL: func @no_average_untouched(
//   CHECK-NOT:   quant.rescale
func.func @no_average_untouched(%x: tensor<1x13x4xf32>) -> (tensor<1x4xf32>, tensor<1x13x4xi8>) {
  %zero = arith.constant 0.0 : f32
  %count = arith.constant 12.5 : f32
  %s = arith.constant dense<0.5> : tensor<f32>
  %q = quant.quantize %x scale(%s : tensor<f32>) : tensor<1x13x4xf32> -> tensor<1x13x4xi8>
  %e = tensor.empty() : tensor<1x4xf32>
  %init = linalg.fill ins(%zero : f32) outs(%e : tensor<1x4xf32>) -> tensor<1x4xf32>
  %sum = linalg.generic {indexing_maps = [#x, #y], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x : tensor<1x13x4xf32>) outs(%init : tensor<1x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.addf %out, %in : f32
    linalg.yield %0 : f32
  } -> tensor<1x4xf32>
  %mean = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%sum : tensor<1x4xf32>) outs(%e : tensor<1x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.divf %in, %count : f32
    linalg.yield %0 : f32
  } -> tensor<1x4xf32>
  return %mean, %q : tensor<1x4xf32>, tensor<1x13x4xi8>
}
