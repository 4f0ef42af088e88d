// A network of two layers whose numbers can be checked by hand.
#map = affine_map<(d0, d1) -> (d0, d1)>
#column = affine_map<(d0, d1) -> (d1)>
func.func @main(
    %x: tensor<?x4xf32> {quant.name = "image",
                         quant.shape = affine_map<(d0) -> (d0, 4)>})
    -> (tensor<?x2xf32> {quant.name = "logits",
                         quant.shape = affine_map<(d0) -> (d0, 2)>})
    attributes {quant.dims = ["batch"]} {
  %w1 = arith.constant dense<[[1.0, 0.5, -1.0], [2.0, -0.5, 1.0],
                              [0.25, 1.0, 0.0], [1.0, 1.0, 1.0]]>
      : tensor<4x3xf32>
  %b1 = arith.constant dense<[0.5, -1.0, 2.0]> : tensor<3xf32>
  %w2 = arith.constant dense<[[1.0, 0.5], [2.0, -0.5], [0.25, 1.0]]>
      : tensor<3x2xf32>
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x4xf32>
  %e1 = tensor.empty(%n) : tensor<?x3xf32>
  %f1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<?x3xf32>)
      -> tensor<?x3xf32>
  %m1 = linalg.matmul ins(%x, %w1 : tensor<?x4xf32>, tensor<4x3xf32>)
                      outs(%f1 : tensor<?x3xf32>) -> tensor<?x3xf32>
  %h = linalg.generic {indexing_maps = [#map, #column, #map],
                       iterator_types = ["parallel", "parallel"]}
      ins(%m1, %b1 : tensor<?x3xf32>, tensor<3xf32>)
      outs(%e1 : tensor<?x3xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %s = arith.addf %a, %b : f32
    %r = arith.maximumf %s, %zero : f32
    linalg.yield %r : f32
  } -> tensor<?x3xf32>
  %e2 = tensor.empty(%n) : tensor<?x2xf32>
  %f2 = linalg.fill ins(%zero : f32) outs(%e2 : tensor<?x2xf32>)
      -> tensor<?x2xf32>
  %m2 = linalg.matmul ins(%h, %w2 : tensor<?x3xf32>, tensor<3x2xf32>)
                      outs(%f2 : tensor<?x2xf32>) -> tensor<?x2xf32>
  return %m2 : tensor<?x2xf32>
}
