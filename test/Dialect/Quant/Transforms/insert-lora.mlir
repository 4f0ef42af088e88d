// RUN: quant-opt %s --quant-insert-lora="max-rank=4 layers=fc.*" --mlir-print-debuginfo --mlir-use-nameloc-as-prefix --split-input-file | FileCheck %s
// RUN: quant-opt %s --quant-insert-lora="storage=i8 max-rank=4" --split-input-file | FileCheck %s --check-prefix=I8
// RUN: quant-opt %s --quant-insert-lora="storage=bf16 max-rank=4" --split-input-file | FileCheck %s --check-prefix=BF16

// The float input is what is quantized, or the integer input dequantized. Of
// fc1 a block has the scale (16 f32), A (32 * 4) and B (4 * 8), at 0, 64 and
// 576 bytes.
// CHECK-LABEL: func.func @main(
//  CHECK-SAME:   tensor<?x32xf32> {quant.name = "x", quant.shape = {{[^}]*}}}
//  CHECK-SAME:   tensor<?x240xf32> {quant.name = "adapter_scales", quant.shape = {{[^}]*}}}
//  CHECK-SAME:   tensor<?x240xf32> {quant.name = "adapter_values", quant.shape = {{[^}]*}}}
//  CHECK-SAME:   tensor<?xi32> {quant.name = "adapter_slots", quant.shape = {{[^}]*}}}
//  CHECK-SAME:   quant.adapters = {layers = [{inputs = 32 : i64, name = "fc1", outputs = 8 : i64}, {inputs = 6 : i64, name = "fc2", outputs = 3 : i64}], max_rank = 4 : i64, storage = f32}
//  CHECK-SAME:   quant.dims = ["batch", "adapters", "adapter_parts"]
//       CHECK:   %[[Q:.*]] = quant.quantize %[[X:[^ ]+]] scale
//       CHECK:   tensor.extract_slice %{{.*}}[0, 0] [%{{.*}}, 1] [1, 1] : tensor<?x240xf32> to tensor<?xf32>
//       CHECK:   %[[A:.*]] = tensor.extract_slice %{{.*}}[0, 16] [%{{.*}}, 128] [1, 1]
//       CHECK:   %[[DOWN:.*]] = tensor.expand_shape %[[A]] {{.*}} into tensor<?x32x4xf32>
//       CHECK:   tensor.extract_slice %{{.*}}[0, 144] [%{{.*}}, 32] [1, 1]
//       CHECK:   %[[D:.*]] = quant.lora %[[X]], %[[DOWN]],
//       CHECK:   quant.linear %[[Q]], {{.*}} addend(%[[D]] : tensor<?x8xf32>) {{.*}} -> tensor<?x8xi8>
//       CHECK:   %[[F:.*]] = quant.dequantize
//       CHECK:   %[[K:.*]] = tensor.extract_slice %[[F]][0, 0] [%{{.*}}, 6] [1, 1]
//       CHECK:   %[[D2:.*]] = quant.lora %[[K]],
//       CHECK:   quant.linear {{.*}} addend(%[[D2]]
//   I8-LABEL: func.func @main(
//    I8-SAME:   storage = i8
//       I8:   quant.lora {{.*}} storage_scales(%{{.*}}, %{{.*}} : tensor<?x4xf32>, tensor<?x8xf32>) slots({{.*}} tensor<?x32x4xi8>, tensor<?x4x8xi8>
// BF16-LABEL: func.func @main(
//       BF16:   quant.lora {{.*}} tensor<?x32x4xbf16>, tensor<?x4x8xbf16>
func.func @main(%x: tensor<?x32xf32> {quant.name = "x", quant.shape = affine_map<(d0) -> (d0, 32)>})
    -> (tensor<?x3xf32> {quant.name = "y", quant.shape = affine_map<(d0) -> (d0, 3)>}) attributes {quant.dims = ["batch"]} {
  %s = arith.constant dense<0.5> : tensor<f32>
  %z = arith.constant dense<0> : tensor<i8>
  %w1 = arith.constant dense<1> : tensor<8x32xi8>
  %w2 = arith.constant dense<1> : tensor<3x8xi8>
  %q = quant.quantize %x scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) : tensor<?x32xf32> -> tensor<?x32xi8>
  %h = quant.linear %q, %w1 scale(%s : tensor<f32>) input(%s, %z : tensor<f32>, tensor<i8>) output(%s, %z : tensor<f32>, tensor<i8>)
      : tensor<?x32xi8>, tensor<8x32xi8> -> tensor<?x8xi8> loc("fc1")
  // The model has 6 inputs; two are padding of groups.
  %y = quant.linear %h, %w2 scale(%s : tensor<f32>) input(%s, %z : tensor<f32>, tensor<i8>) {quant.depth = 6 : i64}
      : tensor<?x8xi8>, tensor<3x8xi8> -> tensor<?x3xf32> loc("fc2")
  return %y : tensor<?x3xf32>
}

// -----

// CHECK-LABEL: func.func @chosen
//       CHECK:   quant.linear {{.*}} addend(
//   CHECK-NOT:   addend(
func.func @chosen(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %s = arith.constant dense<0.5> : tensor<f32>
  %w = arith.constant dense<1> : tensor<4x4xi8>
  %h = quant.linear %x, %w scale(%s : tensor<f32>) : tensor<?x4xf32>, tensor<4x4xi8> -> tensor<?x4xf32> loc("fc1")
  %y = quant.linear %h, %w scale(%s : tensor<f32>) : tensor<?x4xf32>, tensor<4x4xi8> -> tensor<?x4xf32> loc("head")
  return %y : tensor<?x4xf32>
}

// -----

// The delta is scaled as the layer was; one of 0 stays -0.
// CHECK-LABEL: func.func @folded(
//       CHECK:   %[[D:.*]] = quant.lora
//       CHECK:   %[[S:.*]] = arith.constant dense<[2.000000e+00, -4.000000e+00, 1.000000e+00]> : tensor<3xf32>
//       CHECK:   %[[F:.*]] = linalg.generic {{.*}} ins(%[[D]], %[[S]] : tensor<?x3xf32>, tensor<3xf32>)
//       CHECK:     arith.cmpf oeq, %{{.*}}, %{{.*}} : f32
//       CHECK:     arith.mulf
//       CHECK:     arith.select
//       CHECK:   quant.linear {{.*}} addend(%[[F]] : tensor<?x3xf32>)
func.func @folded(%x: tensor<?x4xf32> {quant.name = "x", quant.shape = affine_map<(d0) -> (d0, 4)>})
    -> (tensor<?x3xf32> {quant.name = "y", quant.shape = affine_map<(d0) -> (d0, 3)>}) attributes {quant.dims = ["batch"]} {
  %s = arith.constant dense<0.5> : tensor<f32>
  %w = arith.constant dense<1> : tensor<3x4xi8>
  %y = quant.linear %x, %w scale(%s : tensor<f32>) {quant.folded = {nodes = ["bn"], scale = dense<[2.0, -4.0, 1.0]> : tensor<3xf64>, shift = dense<3.0> : tensor<3xf64>}}
      : tensor<?x4xf32>, tensor<3x4xi8> -> tensor<?x3xf32> loc("fc")
  return %y : tensor<?x3xf32>
}
