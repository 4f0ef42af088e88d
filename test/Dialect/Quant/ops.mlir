// RUN: quant-opt %s | quant-opt | FileCheck %s
// RUN: quant-opt %s --mlir-print-op-generic | quant-opt | FileCheck %s
// RUN: quant-opt %s --emit-bytecode | quant-opt | FileCheck %s
// RUN: mlir-opt --load-dialect-plugin=%quantc_lib %s | FileCheck %s

// CHECK-LABEL: func @parameters
func.func @parameters(%x: tensor<?x8xf32>) -> (tensor<?x1xf32>, tensor<?x1xi8>, tensor<65536xi64>) {
  // CHECK: quant.observe %{{.*}} : tensor<?x8xf32> -> tensor<?x1x2xf32>
  %range = quant.observe %x : tensor<?x8xf32> -> tensor<?x1x2xf32>
  // CHECK: quant.choose_params %{{.*}} {bits = 8 : i64, symmetric} : tensor<?x1x2xf32> -> tensor<?x1xf32>, tensor<?x1xi8>
  %s, %z = quant.choose_params %range {bits = 8 : i64, symmetric} : tensor<?x1x2xf32> -> tensor<?x1xf32>, tensor<?x1xi8>
  // CHECK: quant.histogram %{{.*}} : tensor<?x8xf32> -> tensor<65536xi64>
  %h = quant.histogram %x : tensor<?x8xf32> -> tensor<65536xi64>
  return %s, %z, %h : tensor<?x1xf32>, tensor<?x1xi8>, tensor<65536xi64>
}

// CHECK-LABEL: func @elementwise
func.func @elementwise(%x: tensor<4x8xf32>, %s: tensor<4x1xf32>, %z: tensor<4x1xi8>, %m: tensor<4x2xi8>) -> tensor<4x8xf32> {
  // CHECK: quant.quantize %{{.*}} scale(%{{.*}} : tensor<4x1xf32>) zero_point(%{{.*}} : tensor<4x1xi8>) : tensor<4x8xf32> -> tensor<4x8xi8>
  %q = quant.quantize %x scale(%s : tensor<4x1xf32>) zero_point(%z : tensor<4x1xi8>) : tensor<4x8xf32> -> tensor<4x8xi8>
  // CHECK: quant.dequantize %{{.*}} scale(%{{.*}} : tensor<4x1xf32>) zero_point(%{{.*}} : tensor<4x1xi8>) : tensor<4x8xi8> -> tensor<4x8xf32>
  %d = quant.dequantize %q scale(%s : tensor<4x1xf32>) zero_point(%z : tensor<4x1xi8>) : tensor<4x8xi8> -> tensor<4x8xf32>
  // CHECK: quant.quantize %{{.*}} scale(%{{.*}} : tensor<4x1xf32>) multiplier(%{{.*}} : tensor<4x2xi8>) : tensor<4x8xf32> -> tensor<4x8xi4>
  %q4 = quant.quantize %d scale(%s : tensor<4x1xf32>) multiplier(%m : tensor<4x2xi8>) : tensor<4x8xf32> -> tensor<4x8xi4>
  // CHECK: quant.dequantize %{{.*}} multiplier
  %d4 = quant.dequantize %q4 scale(%s : tensor<4x1xf32>) multiplier(%m : tensor<4x2xi8>) : tensor<4x8xi4> -> tensor<4x8xf32>
  // CHECK: quant.fake_quant %{{.*}} scale(%{{.*}} : tensor<4x1xf32>) {bits = 4 : i64} : tensor<4x8xf32>
  %f = quant.fake_quant %d4 scale(%s : tensor<4x1xf32>) {bits = 4 : i64} : tensor<4x8xf32>
  return %f : tensor<4x8xf32>
}

// CHECK-LABEL: func @integer
func.func @integer(%x: tensor<?x8xi8>, %bytes: tensor<6x4xi8>, %sw: tensor<6x1xf32>, %m: tensor<6x2xi8>,
                   %s: tensor<f32>, %z: tensor<i8>, %b: tensor<6xf32>) -> tensor<?x6xi8> {
  // CHECK: quant.unpack %{{.*}} : tensor<6x4xi8> -> tensor<6x8xi4>
  %w = quant.unpack %bytes : tensor<6x4xi8> -> tensor<6x8xi4>
  // CHECK: quant.linear %{{.*}}, %{{.*}} scale(%{{.*}} : tensor<6x1xf32>) multiplier(%{{.*}} : tensor<6x2xi8>)
  // CHECK-SAME: input(%{{.*}}, %{{.*}} : tensor<f32>, tensor<i8>) bias(%{{.*}} : tensor<6xf32>)
  // CHECK-SAME: output(%{{.*}}, %{{.*}} : tensor<f32>, tensor<i8>) {clamp_min = 3 : si64}
  // CHECK-SAME: : tensor<?x8xi8>, tensor<6x8xi4> -> tensor<?x6xi8>
  %y = quant.linear %x, %w scale(%sw : tensor<6x1xf32>) multiplier(%m : tensor<6x2xi8>) input(%s, %z : tensor<f32>, tensor<i8>)
      bias(%b : tensor<6xf32>) output(%s, %z : tensor<f32>, tensor<i8>) {clamp_min = 3 : si64} : tensor<?x8xi8>, tensor<6x8xi4> -> tensor<?x6xi8>
  // CHECK: quant.requantize %{{.*}} input(%{{.*}}, %{{.*}} : tensor<f32>, tensor<i8>) output(%{{.*}}, %{{.*}} : tensor<f32>, tensor<i8>) : tensor<?x6xi8>
  %r = quant.requantize %y input(%s, %z : tensor<f32>, tensor<i8>) output(%s, %z : tensor<f32>, tensor<i8>) : tensor<?x6xi8>
  return %r : tensor<?x6xi8>
}

// CHECK-LABEL: func @rescale
func.func @rescale(%x: tensor<?x8x3xi16>, %w: tensor<?x8x3xi32>, %s: tensor<1x8x1xf32>, %t: tensor<f32>, %z: tensor<i8>) -> (tensor<?x8x3xi8>, tensor<?x8x3xf32>) {
  // CHECK: quant.rescale %{{.*}} scale(%{{.*}} : tensor<1x8x1xf32>) zero_point(%{{.*}} : tensor<i8>) {clamp_min = 3 : si64} : tensor<?x8x3xi16> -> tensor<?x8x3xi8>
  %q = quant.rescale %x scale(%s : tensor<1x8x1xf32>) zero_point(%z : tensor<i8>) {clamp_min = 3 : si64} : tensor<?x8x3xi16> -> tensor<?x8x3xi8>
  // CHECK: quant.rescale %{{.*}} scale(%{{.*}} : tensor<f32>) : tensor<?x8x3xi32> -> tensor<?x8x3xf32>
  %y = quant.rescale %w scale(%t : tensor<f32>) : tensor<?x8x3xi32> -> tensor<?x8x3xf32>
  return %q, %y : tensor<?x8x3xi8>, tensor<?x8x3xf32>
}

// CHECK-LABEL: func @addend
func.func @addend(%x: tensor<?x8xf32>, %w: tensor<6x8xi8>, %sw: tensor<6x1xf32>, %d: tensor<?x6xf32>) -> tensor<?x6xf32> {
  // CHECK: quant.linear %{{.*}}, %{{.*}} scale(%{{.*}} : tensor<6x1xf32>) addend(%{{.*}} : tensor<?x6xf32>)
  %y = quant.linear %x, %w scale(%sw : tensor<6x1xf32>) addend(%d : tensor<?x6xf32>) : tensor<?x8xf32>, tensor<6x8xi8> -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// CHECK-LABEL: func @lora
func.func @lora(%x: tensor<?x8xf32>, %a: tensor<?x8x4xi8>, %b: tensor<?x4x6xi8>, %s: tensor<?xf32>, %sa: tensor<?x4xf32>, %sb: tensor<?x6xf32>, %i: tensor<?xi32>) -> tensor<?x6xf32> {
  // CHECK: quant.lora %{{.*}}, %{{.*}}, %{{.*}} scale(%{{.*}} : tensor<?xf32>) storage_scales(%{{.*}}, %{{.*}} : tensor<?x4xf32>, tensor<?x6xf32>) slots(%{{.*}} : tensor<?xi32>)
  // CHECK-SAME: : tensor<?x8xf32>, tensor<?x8x4xi8>, tensor<?x4x6xi8> -> tensor<?x6xf32>
  %d = quant.lora %x, %a, %b scale(%s : tensor<?xf32>) storage_scales(%sa, %sb : tensor<?x4xf32>, tensor<?x6xf32>) slots(%i : tensor<?xi32>)
      : tensor<?x8xf32>, tensor<?x8x4xi8>, tensor<?x4x6xi8> -> tensor<?x6xf32>
  return %d : tensor<?x6xf32>
}

// Upstream's types and operations are the same dialect.
// CHECK-LABEL: func @upstream
func.func @upstream(%x: tensor<4xf32>) -> tensor<4x!quant.uniform<i8:f32, 0.5>> {
  // CHECK: quant.qcast
  %0 = quant.qcast %x : tensor<4xf32> to tensor<4x!quant.uniform<i8:f32, 0.5>>
  return %0 : tensor<4x!quant.uniform<i8:f32, 0.5>>
}

// CHECK-LABEL: func @normal_float
func.func @normal_float(%q: tensor<257x64xi4>, %c: tensor<2x256xi8>, %s: tensor<2x1xf32>, %m: tensor<f32>) -> tensor<257x64xf32> {
  // CHECK: quant.dequantize_normal_float %{{.*}} magnitude(%{{.*}}, %{{.*}}, %{{.*}} : tensor<2x256xi8>, tensor<2x1xf32>, tensor<f32>) : tensor<257x64xi4> -> tensor<257x64xf32>
  %w = quant.dequantize_normal_float %q magnitude(%c, %s, %m : tensor<2x256xi8>, tensor<2x1xf32>, tensor<f32>) : tensor<257x64xi4> -> tensor<257x64xf32>
  return %w : tensor<257x64xf32>
}

// CHECK-LABEL: func @feature_groups
func.func @feature_groups(%x: tensor<?x18xi8>, %w: tensor<6x9xi8>, %s: tensor<f32>, %z: tensor<i8>) -> tensor<?x6xf32> {
  // CHECK: quant.linear {{.*}} {feature_groups = 2 : i64} : tensor<?x18xi8>, tensor<6x9xi8> -> tensor<?x6xf32>
  %y = quant.linear %x, %w scale(%s : tensor<f32>) input(%s, %z : tensor<f32>, tensor<i8>) {feature_groups = 2 : i64} : tensor<?x18xi8>, tensor<6x9xi8> -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}
