func.func private @elsewhere(f32) -> f32
func.func @main(%x: tensor<f32>) -> tensor<f32> {
  %a = tensor.extract %x[] : tensor<f32>
  %b = func.call @elsewhere(%a) : (f32) -> f32
  %y = tensor.from_elements %b : tensor<f32>
  return %y : tensor<f32>
}
