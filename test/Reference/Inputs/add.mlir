#rows = affine_map<(d0, d1) -> (d0, d1)>
#column = affine_map<(d0, d1) -> (d1)>
func.func @add(%x: tensor<?x3xf32> {quant.name = "x", quant.shape = affine_map<(d0) -> (d0, 3)>},
               %y: tensor<3xf32> {quant.name = "y", quant.shape = affine_map<(d0) -> (3)>})
    -> (tensor<?x3xf32> {quant.name = "sum", quant.shape = affine_map<(d0) -> (d0, 3)>},
        tensor<?x3xf32> {quant.name = "negative", quant.shape = affine_map<(d0) -> (d0, 3)>})
    attributes {quant.dims = ["batch"]} {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x3xf32>
  %empty = tensor.empty(%n) : tensor<?x3xf32>
  %sum = linalg.generic {indexing_maps = [#rows, #column, #rows], iterator_types = ["parallel", "parallel"]}
      ins(%x, %y : tensor<?x3xf32>, tensor<3xf32>) outs(%empty : tensor<?x3xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.addf %a, %b : f32
    linalg.yield %0 : f32
  } -> tensor<?x3xf32>
  %negative = arith.negf %x : tensor<?x3xf32>
  return %sum, %negative : tensor<?x3xf32>, tensor<?x3xf32>
}
