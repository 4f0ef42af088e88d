// A multilayer perceptron 16-8-4 as the importer writes it: [K, N] and [N, K]
// weights, biases, a ReLU.
func.func @main(%x: tensor<?x16xf32> {quant.name = "x"}) -> (tensor<?x4xf32> {quant.name = "y"}) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %w1 = arith.constant dense<[
    [ 0.5, -0.25, 0.125, 1.0, -1.0, 0.75, 0.3, -0.6], [ 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8],
    [-0.5, 0.25, -0.125, -1.0, 1.0, -0.75, -0.3, 0.6], [ 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2],
    [ 0.2, -0.4, 0.6, -0.8, 0.1, -0.3, 0.5, -0.7], [ 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    [-0.9, 0.1, -0.8, 0.2, -0.7, 0.3, -0.6, 0.4], [ 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85],
    [ 0.5, -0.25, 0.125, 1.0, -1.0, 0.75, 0.3, -0.6], [-0.1, -0.2, -0.3, -0.4, -0.5, -0.6, -0.7, -0.8],
    [ 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3], [-0.9, -0.8, -0.7, -0.6, -0.5, -0.4, -0.3, -0.2],
    [ 0.7, -0.1, 0.6, -0.2, 0.5, -0.3, 0.4, -0.4], [ 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4],
    [-0.3, 0.9, -0.6, 0.6, -0.9, 0.3, 0.0, 0.1], [ 1.0, 1.0, 1.0, -1.0, -1.0, -1.0, 0.5, 0.5]]> : tensor<16x8xf32>
  %b1 = arith.constant dense<[0.1, -0.2, 0.3, -0.4, 0.5, -0.6, 0.7, -0.8]> : tensor<8xf32>
  %w2 = arith.constant dense<[
    [ 0.5, -0.25, 0.125, 1.0, -1.0, 0.75, 0.3, -0.6], [ 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8],
    [-0.5, 0.25, -0.125, -1.0, 1.0, -0.75, -0.3, 0.6], [ 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2]]> : tensor<4x8xf32>
  %b2 = arith.constant dense<[0.25, -0.5, 0.75, -1.0]> : tensor<4xf32>
  %m = tensor.dim %x, %c0 : tensor<?x16xf32>
  %e1 = tensor.empty(%m) : tensor<?x8xf32>
  %z1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %h = linalg.matmul {quant.input_range = array<f32: -1.0, 1.55>} ins(%x, %w1 : tensor<?x16xf32>, tensor<16x8xf32>) outs(%z1 : tensor<?x8xf32>) -> tensor<?x8xf32> loc("fc1")
  %hb = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      ins(%h, %b1 : tensor<?x8xf32>, tensor<8xf32>) outs(%e1 : tensor<?x8xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<?x8xf32> loc("fc1.bias")
  %r = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      ins(%hb : tensor<?x8xf32>) outs(%e1 : tensor<?x8xf32>) {
  ^bb0(%a: f32, %out: f32):
    %s = arith.maximumf %a, %zero : f32
    linalg.yield %s : f32
  } -> tensor<?x8xf32> loc("relu")
  %e2 = tensor.empty(%m) : tensor<?x4xf32>
  %z2 = linalg.fill ins(%zero : f32) outs(%e2 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %y = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
      {quant.input_range = array<f32: 0.0, 5.1>} ins(%r, %w2 : tensor<?x8xf32>, tensor<4x8xf32>) outs(%z2 : tensor<?x4xf32>) -> tensor<?x4xf32> loc("fc2")
  %yb = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      ins(%y, %b2 : tensor<?x4xf32>, tensor<4xf32>) outs(%e2 : tensor<?x4xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<?x4xf32> loc("fc2.bias")
  return %yb : tensor<?x4xf32>
}
