// RUN: quant-opt %s --quant-resolve-uniform --split-input-file | FileCheck %s

// CHECK-LABEL: func @per_tensor(
// CHECK-SAME:    %[[X:.+]]: tensor<?x8xf32>) -> tensor<?x8xf32>
// CHECK:         %[[S:.+]] = arith.constant dense<5.000000e-01> : tensor<f32>
// CHECK:         %[[Z:.+]] = arith.constant dense<3> : tensor<i8>
// CHECK:         %[[Q:.+]] = quant.quantize %[[X]] scale(%[[S]] : tensor<f32>) zero_point(%[[Z]] : tensor<i8>)
// CHECK-SAME:      tensor<?x8xf32> -> tensor<?x8xi8>
// CHECK:         quant.dequantize %[[Q]]
// CHECK-SAME:      zero_point(%{{.+}} : tensor<i8>) : tensor<?x8xi8> -> tensor<?x8xf32>
!q = !quant.uniform<i8:f32, 0.5:3>
func.func @per_tensor(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %q = quant.qcast %x : tensor<?x8xf32> to tensor<?x8x!q>
  %y = quant.dcast %q : tensor<?x8x!q> to tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// A weight of 4 bits with a scale for each row, which is stored as integers.
// CHECK-LABEL: func @per_axis
// CHECK-SAME:    %[[W:.+]]: tensor<2x4xi4>
// CHECK:         %[[S:.+]] = arith.constant dense<{{\[\[}}5.000000e-01], [2.500000e-01]]> : tensor<2x1xf32>
// CHECK-NOT:     quant.scast
// CHECK:         quant.dequantize %[[W]] scale(%[[S]] : tensor<2x1xf32>) :
!axis = !quant.uniform<i4:f32:0, {0.5, 0.25}>
func.func @per_axis(%w: tensor<2x4xi4>) -> tensor<2x4xf32> {
  %q = quant.scast %w : tensor<2x4xi4> to tensor<2x4x!axis>
  %y = quant.dcast %q : tensor<2x4x!axis> to tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

// CHECK-LABEL: func @blocks
// CHECK:         %[[S:.+]] = arith.constant dense<{{\[\[}}1.000000e+00, 2.000000e+00], [3.000000e+00, 4.000000e+00]]> : tensor<2x2xf32>
// CHECK:         %[[Z:.+]] = arith.constant dense<{{\[\[}}0, 1], [0, 0]]> : tensor<2x2xi8>
// CHECK:         quant.quantize %{{.+}} scale(%[[S]] : tensor<2x2xf32>) zero_point(%[[Z]] : tensor<2x2xi8>)
!blocks = !quant.uniform<i8:f32:{0:1, 1:2}, {{1.0, 2.0:1}, {3.0, 4.0}}>
func.func @blocks(%w: tensor<2x4xf32>) -> tensor<2x4xi8> {
  %q = quant.qcast %w : tensor<2x4xf32> to tensor<2x4x!blocks>
  %y = quant.scast %q : tensor<2x4x!blocks> to tensor<2x4xi8>
  return %y : tensor<2x4xi8>
}

// -----

// Unsigned storage is shifted by 128; what leaves it is shifted back.
// CHECK-LABEL: func @unsigned
// CHECK:         %[[Z:.+]] = arith.constant dense<-118> : tensor<i8>
// CHECK:         %[[Q:.+]] = quant.quantize %{{.+}} zero_point(%[[Z]] : tensor<i8>)
// CHECK:         linalg.generic {{.*}} ins(%[[Q]] : tensor<4xi8>)
// CHECK:           arith.constant -128 : i8
// CHECK-NEXT:      arith.xori
!u = !quant.uniform<u8:f32, 0.5:10>
func.func @unsigned(%x: tensor<4xf32>) -> tensor<4xi8> {
  %q = quant.qcast %x : tensor<4xf32> to tensor<4x!u>
  %y = quant.scast %q : tensor<4x!u> to tensor<4xi8>
  return %y : tensor<4xi8>
}

// -----

// CHECK-LABEL: func @narrow_range
// CHECK:         %[[Q:.+]] = quant.quantize
// CHECK:         linalg.generic {{.*}} ins(%[[Q]] : tensor<4xi8>)
// CHECK:           arith.constant -127 : i8
// CHECK:           arith.maxsi
// CHECK:           arith.constant 127 : i8
// CHECK:           arith.minsi
!narrow = !quant.uniform<i8<-127:127>:f32, 0.5>
func.func @narrow_range(%x: tensor<4xf32>) -> tensor<4x!narrow> {
  %q = quant.qcast %x : tensor<4xf32> to tensor<4x!narrow>
  return %q : tensor<4x!narrow>
}

// -----

// A bias of 32 bits with a scale for each channel.
// CHECK-LABEL: func @bias
// CHECK:         %[[S:.+]] = arith.constant dense<[5.000000e-01, 2.500000e-01]> : tensor<2xf32>
// CHECK:         linalg.generic {{.*}} ins(%{{.+}}, %[[S]] : tensor<2xi32>, tensor<2xf32>)
// CHECK:           arith.sitofp
// CHECK:           arith.mulf
!bias = !quant.uniform<i32:f32:0, {0.5, 0.25}>
func.func @bias(%b: tensor<2xi32>) -> tensor<2xf32> {
  %q = quant.scast %b : tensor<2xi32> to tensor<2x!bias>
  %y = quant.dcast %q : tensor<2x!bias> to tensor<2xf32>
  return %y : tensor<2xf32>
}

// -----

// Functions, calls and what moves elements take the integers.
// CHECK-LABEL: func private @callee(tensor<2x3xi8>) -> tensor<6xi8>
// CHECK-LABEL: func @moves
// CHECK-SAME:    (%{{.+}}: tensor<2x3xi8>) -> tensor<6xi8>
// CHECK:         tensor.collapse_shape %{{.+}} : tensor<2x3xi8> into tensor<6xi8>
// CHECK:         call @callee(%{{.+}}) : (tensor<2x3xi8>) -> tensor<6xi8>
!q = !quant.uniform<i8:f32, 0.5>
func.func private @callee(tensor<2x3x!q>) -> tensor<6x!q>
func.func @moves(%x: tensor<2x3x!q>) -> tensor<6x!q> {
  %y = tensor.collapse_shape %x [[0, 1]] : tensor<2x3x!q> into tensor<6x!q>
  %z = call @callee(%x) : (tensor<2x3x!q>) -> tensor<6x!q>
  return %z : tensor<6x!q>
}

// -----

// CHECK-LABEL: func @other_types_untouched
// CHECK:         quant.quantize
// CHECK-NEXT:    return
func.func @other_types_untouched(%x: tensor<4xf32>, %s: tensor<f32>) -> tensor<4xi8> {
  %q = quant.quantize %x scale(%s : tensor<f32>) : tensor<4xf32> -> tensor<4xi8>
  return %q : tensor<4xi8>
}
