// RUN: quant-opt %s --quant-insert-fake-quant=parameters=inputs --split-input-file | FileCheck %s
// RUN: quant-opt %s --quant-insert-fake-quant=parameters=learned --split-input-file | FileCheck %s --check-prefix=LEARNED

// CHECK-LABEL: func @static
//  CHECK-SAME:     %[[X:[^:]+]]: tensor<3x16xf32>
//  CHECK-SAME:     %[[W:[^:]+]]: tensor<16x2xf32>
//  CHECK-SAME:     %[[R:[^:]+]]: tensor<2xf32> {quant.name = "fc1.input.range"
//   CHECK-NOT:     quant.trainable
//       CHECK:   %[[S:.+]], %[[Z:.+]] = quant.choose_params %[[R]] {bits = 8 : i64} : tensor<2xf32>
//       CHECK:   quant.fake_quant %[[X]] scale(%[[S]] : tensor<f32>) zero_point(%[[Z]] : tensor<i8>)
// The model's weight is [K, N].
//       CHECK:   %[[T:.+]] = linalg.transpose ins(%[[W]] :
//       CHECK:   quant.observe %[[T]] : tensor<2x16xf32> -> tensor<2x1x2xf32>
//       CHECK:   quant.fake_quant %[[T]]

// LEARNED-LABEL: func @static
//  LEARNED-SAME:     %[[S:[^:]+]]: tensor<f32> {quant.minimum = 9.99999993E-9 : f32, quant.name = "fc1.input.scale", {{[^}]*}}quant.trainable}
//  LEARNED-SAME:     %[[Z:[^:]+]]: tensor<i8> {quant.name = "fc1.input.zero_point"
//  LEARNED-SAME:     %[[SW:[^:]+]]: tensor<2x1xf32> {quant.minimum = 9.99999993E-9 : f32, quant.name = "fc1.weight.scale", {{[^}]*}}quant.trainable}
//   LEARNED-NOT:   quant.choose_params
//       LEARNED:   quant.fake_quant %{{.+}} scale(%[[S]] : tensor<f32>) zero_point(%[[Z]] : tensor<i8>)
//       LEARNED:   quant.fake_quant %{{.+}} scale(%[[SW]] : tensor<2x1xf32>) {bits
func.func @static(%x: tensor<3x16xf32>, %w: tensor<16x2xf32> {quant.trainable}) -> tensor<3x2xf32> {
  %zero = arith.constant dense<0.0> : tensor<3x2xf32>
  %y = linalg.matmul {quant.config = {weight_bits = 8 : i64, mode = "static", granularity = "per_channel", symmetric_weights}}
      ins(%x, %w : tensor<3x16xf32>, tensor<16x2xf32>) outs(%zero : tensor<3x2xf32>) -> tensor<3x2xf32> loc("fc1")
  return %y : tensor<3x2xf32>
}

// -----

// Two-level scales come from a search outside of the program. The scale may be
// trained from there, within its format; the multipliers stay.
// CHECK-LABEL: func @two_level
//  CHECK-SAME:     %[[S:[^:]+]]: tensor<2x1xf32> {quant.name = "fc1.weight.scale", quant.shape
//  CHECK-SAME:     %[[M:[^:]+]]: tensor<2x2xi8> {quant.name = "fc1.weight.multiplier"
//       CHECK:   quant.fake_quant %{{.+}} scale(%[[S]] : tensor<2x1xf32>) multiplier(%[[M]] : tensor<2x2xi8>) {bits = 4 : i64}
// LEARNED-LABEL: func @two_level
//  LEARNED-SAME:     %[[S:[^:]+]]: tensor<2x1xf32> {quant.minimum = 9.99999993E-9 : f32, quant.name = "fc1.weight.scale", {{[^}]*}}quant.trainable, quant.two_level_scale}
//  LEARNED-SAME:     %[[M:[^:]+]]: tensor<2x2xi8> {quant.name = "fc1.weight.multiplier"
//   LEARNED-NOT:     quant.trainable
//       LEARNED:   quant.fake_quant %{{.+}} scale(%[[S]] : tensor<2x1xf32>) multiplier(%[[M]] : tensor<2x2xi8>) {bits = 4 : i64}
func.func @two_level(%x: tensor<3x16xf32>, %w: tensor<16x2xf32> {quant.trainable}) -> tensor<3x2xf32> {
  %zero = arith.constant dense<0.0> : tensor<3x2xf32>
  %y = linalg.matmul {quant.config = {weight_bits = 4 : i64, mode = "weight_only", granularity = "per_group", group_size = 8 : i64, symmetric_weights}}
      ins(%x, %w : tensor<3x16xf32>, tensor<16x2xf32>) outs(%zero : tensor<3x2xf32>) -> tensor<3x2xf32> loc("fc1")
  return %y : tensor<3x2xf32>
}

// -----

// Layers that read the same value share its range.
// CHECK-LABEL: func @shared
//       CHECK:   quant.name = "q.input.range"
//   CHECK-NOT:   input.range
func.func @shared(%x: tensor<3x16xf32>, %w: tensor<16x2xf32> {quant.trainable}) -> (tensor<3x2xf32>, tensor<3x2xf32>) {
  %zero = arith.constant dense<0.0> : tensor<3x2xf32>
  %y = linalg.matmul {quant.config = {weight_bits = 8 : i64, mode = "static", granularity = "per_tensor"}, quant.input_name = "q.input"}
      ins(%x, %w : tensor<3x16xf32>, tensor<16x2xf32>) outs(%zero : tensor<3x2xf32>) -> tensor<3x2xf32> loc("q")
  %z = linalg.matmul {quant.config = {weight_bits = 8 : i64, mode = "static", granularity = "per_tensor"}, quant.input_name = "q.input"}
      ins(%x, %w : tensor<3x16xf32>, tensor<16x2xf32>) outs(%zero : tensor<3x2xf32>) -> tensor<3x2xf32> loc("k")
  return %y, %z : tensor<3x2xf32>, tensor<3x2xf32>
}
