// RUN: quant-opt %s --quant-bind-interface --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @names_from_positions(
// CHECK-SAME:    %[[X:.*]]: memref<?x4xf32> {quant.name = "input0", quant.shape = affine_map<(d0) -> (d0, 4)>},
// CHECK-SAME:    %[[S:.*]]: memref<f32> {quant.name = "input1", quant.shape = affine_map<(d0) -> ()>},
// CHECK-SAME:    %[[Y:.*]]: memref<?x4xf32> {quant.name = "output0", quant.output, quant.shape = affine_map<(d0) -> (d0, 4)>},
// CHECK-SAME:    %[[Z:.*]]: memref<f32> {quant.name = "output1", quant.output, quant.shape = affine_map<(d0) -> ()>})
// CHECK-SAME:    attributes {quant.dims = ["dim0"]}
// CHECK:         %[[XT:.*]] = bufferization.to_tensor %[[X]] restrict : memref<?x4xf32> to tensor<?x4xf32>
// CHECK:         %[[ST:.*]] = bufferization.to_tensor %[[S]] restrict : memref<f32> to tensor<f32>
// CHECK:         bufferization.materialize_in_destination %[[XT]] in restrict writable %[[Y]]
// CHECK:         bufferization.materialize_in_destination %[[ST]] in restrict writable %[[Z]]
// CHECK:         return
func.func @names_from_positions(%x: tensor<?x4xf32>, %s: tensor<f32>)
    -> (tensor<?x4xf32>, tensor<f32>) {
  return %x, %s : tensor<?x4xf32>, tensor<f32>
}

// -----

// CHECK-LABEL: func.func @names_from_attributes(
// CHECK-SAME:    memref<?xi8> {quant.name = "tokens", quant.shape = affine_map<(d0, d1) -> (d1)>}
// CHECK-SAME:    memref<?xi8> {quant.name = "same", quant.output, quant.shape = affine_map<(d0, d1) -> (d1)>}
// CHECK-SAME:    attributes {quant.dims = ["batch", "length"]}
func.func @names_from_attributes(
    %x: tensor<?xi8> {quant.name = "tokens",
                      quant.shape = affine_map<(d0, d1) -> (d1)>})
    -> (tensor<?xi8> {quant.name = "same",
                      quant.shape = affine_map<(d0, d1) -> (d1)>})
    attributes {quant.dims = ["batch", "length"]} {
  return %x : tensor<?xi8>
}

// -----

// CHECK-LABEL: func.func private @helper_untouched(
// CHECK-SAME:    tensor<4xf32>) -> tensor<4xf32>
func.func private @helper_untouched(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}

// -----

// What elements are to callers stays.
// CHECK-LABEL: func.func @unsigned(
// CHECK-SAME:    memref<4xi8> {quant.name = "input0", quant.shape = affine_map<() -> (4)>, quant.type = ui8},
// CHECK-SAME:    memref<4xi8> {quant.name = "output0", quant.output, quant.shape = affine_map<() -> (4)>, quant.type = ui4})
func.func @unsigned(%x: tensor<4xi8> {quant.type = ui8})
    -> (tensor<4xi8> {quant.type = ui4}) {
  return %x : tensor<4xi8>
}
