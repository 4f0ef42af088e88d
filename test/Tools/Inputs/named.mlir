func.func @sine() -> tensor<f32> {
  %x = arith.constant 1.0 : f32
  %y = math.cbrt %x : f32 loc("fc1"("model.onnx":0:0))
  %t = tensor.from_elements %y : tensor<f32>
  return %t : tensor<f32>
}
