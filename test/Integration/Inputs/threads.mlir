// Layers that are worth several threads: integers with rows from the caller,
// then floats, whose right-hand side is packed panel by panel into scratch
// memory. Dense constants repeat a value, sums depend on the input alone.
func.func @main(%x: tensor<?x512xi8> {quant.name = "x", quant.shape = affine_map<(d0) -> (d0, 512)>},
                %v: tensor<512x1040xf32> {quant.name = "v", quant.shape = affine_map<(d0) -> (512, 1040)>})
    -> (tensor<?x1040xf32> {quant.name = "y", quant.shape = affine_map<(d0) -> (d0, 1040)>})
    attributes {quant.dims = ["rows"]} {
  %w = arith.constant dense<3> : tensor<512x512xi8>
  %scale = arith.constant dense<0.01> : tensor<512x1xf32>
  %bias = arith.constant dense<0.5> : tensor<512xf32>
  %s = arith.constant dense<0.25> : tensor<f32>
  %z = arith.constant dense<0> : tensor<i8>
  %h = quant.linear %x, %w scale(%scale : tensor<512x1xf32>)
      input(%s, %z : tensor<f32>, tensor<i8>) bias(%bias : tensor<512xf32>)
      : tensor<?x512xi8>, tensor<512x512xi8> -> tensor<?x512xf32> loc("first")
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %rows = tensor.dim %x, %c0 : tensor<?x512xi8>
  %e = tensor.empty(%rows) : tensor<?x1040xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x1040xf32>) -> tensor<?x1040xf32>
  %y = linalg.matmul ins(%h, %v : tensor<?x512xf32>, tensor<512x1040xf32>)
      outs(%f : tensor<?x1040xf32>) -> tensor<?x1040xf32> loc("second")
  return %y : tensor<?x1040xf32>
}
