// RUN: quant-opt %s --quant-resolve-uniform --split-input-file --verify-diagnostics

!q = !quant.uniform<i8:f32, 0.5>
func.func @computes(%x: tensor<4x!q>, %init: tensor<4x!q>) -> tensor<4x!q> {
  // expected-error @+1 {{computes with values of 'tensor<4x!quant.uniform<i8:f32, 5.000000e-01>>'; expects quant.dcast before and quant.qcast after it}}
  %y = linalg.copy ins(%x : tensor<4x!q>) outs(%init : tensor<4x!q>) -> tensor<4x!q>
  return %y : tensor<4x!q>
}

// -----

// expected-error @+1 {{unsigned; expects signed storage but in quant.qcast, quant.dcast and quant.scast}}
func.func @unsigned(%x: tensor<4x!quant.uniform<u8:f32, 0.5>>) {
  return
}

// -----

func.func @half(%x: tensor<4xf16>) {
  // expected-error @+1 {{expects f32 as the expressed type}}
  %y = quant.qcast %x : tensor<4xf16> to tensor<4x!quant.uniform<i8:f16, 0.5>>
  return
}

// -----

func.func @wide(%x: tensor<4xf32>) {
  // expected-error @+1 {{expects to quantize to 4 or 8 bits}}
  %y = quant.qcast %x : tensor<4xf32> to tensor<4x!quant.uniform<i16:f32, 0.5>>
  return
}

// -----

func.func @width(%x: tensor<4xi5>) {
  // expected-error @+1 {{expects 4 or 8 bits, or signed 16 or 32}}
  %y = quant.scast %x : tensor<4xi5> to tensor<4x!quant.uniform<i5:f32, 0.5>>
  return
}

// -----

func.func @scalar(%x: f32) {
  // expected-error @+1 {{expects tensors of known rank}}
  %y = quant.qcast %x : f32 to !quant.uniform<i8:f32, 0.5>
  return
}

// -----

// expected-error @+1 {{without a scale; expects !quant.uniform}}
func.func @any(%x: tensor<4x!quant.any<i8:f32>>) {
  return
}
