#all = affine_map<(d0, d1) -> (d0, d1)>
func.func @mask(%x: tensor<?x3xf32> {quant.name = "x", quant.shape = affine_map<(d0) -> (d0, 3)>},
                %mask: tensor<?x3xf32> {quant.name = "mask", quant.shape = affine_map<(d0) -> (d0, 3)>})
    -> (tensor<?x3xf32> {quant.name = "masked", quant.shape = affine_map<(d0) -> (d0, 3)>})
    attributes {quant.dims = ["batch"]} {
  %masked = arith.mulf %x, %mask : tensor<?x3xf32>
  return %masked : tensor<?x3xf32>
}
