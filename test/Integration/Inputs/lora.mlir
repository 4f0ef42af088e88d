// A quantized layer whose weight is twice the identity, with adapters added by
// quant-insert-lora.
func.func @main(
    %x: tensor<?x3xf32> {quant.name = "x",
                         quant.shape = affine_map<(d0) -> (d0, 3)>})
    -> (tensor<?x3xf32> {quant.name = "y",
                         quant.shape = affine_map<(d0) -> (d0, 3)>})
    attributes {quant.dims = ["batch"]} {
  %w = arith.constant dense<[[2, 0, 0], [0, 2, 0], [0, 0, 2]]> : tensor<3x3xi8>
  %s = arith.constant dense<1.0> : tensor<f32>
  %y = quant.linear %x, %w scale(%s : tensor<f32>)
      : tensor<?x3xf32>, tensor<3x3xi8> -> tensor<?x3xf32> loc("fc")
  return %y : tensor<?x3xf32>
}
