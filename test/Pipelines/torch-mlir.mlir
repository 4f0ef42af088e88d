// RUN: quant-translate --interpret %s | FileCheck %s --check-prefix=VALUE
// RUN: quant-opt %s --quant-ptq="mode=weight-only skip-first=false skip-last=false" | FileCheck %s
// RUN: quant-opt %s --quant-ptq="mode=weight-only skip-first=false skip-last=false" | quant-translate --interpret | FileCheck %s --check-prefix=VALUE
// RUN: quant-opt %s --quant-ptq="mode=dynamic skip-first=false skip-last=false" | quant-translate --quant-to-object --emit=asm | FileCheck %s --check-prefix=ASM

// The text that torch-mlir writes of a linear layer, ReLU and another layer, on linalg with tensors: a
// seed that nobody reads, a transposed weight, a bias broadcast by its map, a dimension that is asked for.

// CHECK-LABEL: func @forward()
// CHECK:         quant.linear
// CHECK-SAME:      {{.*}} -> tensor<2x3xf32>
// CHECK:         quant.linear
// CHECK-SAME:      {{.*}} -> tensor<2x2xf32>
// VALUE: output0 = dense<{{\[\[}}1.050000e+01, -5.000000e-01], [4.000000e+00, 2.000000e+00]]> : tensor<2x2xf32>
// ASM: _run:
#map = affine_map<(d0, d1) -> (d0, d1)>
#map1 = affine_map<(d0, d1) -> (d1)>
module attributes {torch.debug_module_name = "Mlp"} {
  ml_program.global private mutable @global_seed(dense<0> : tensor<i64>) : tensor<i64>
  func.func @forward() -> tensor<2x2xf32> {
    %arg0 = arith.constant dense<[[1.0, 2.0, 3.0, 4.0], [-1.0, 0.0, 1.0, -2.0]]> : tensor<2x4xf32>
    %c0 = arith.constant 0 : index
    %cst = arith.constant 0.000000e+00 : f32
    %cst_0 = arith.constant dense<[[1.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, -1.0], [-1.0, 0.0, 0.0, 0.0]]> : tensor<3x4xf32>
    %cst_1 = arith.constant dense<[1.0, -1.0, 0.5]> : tensor<3xf32>
    %cst_2 = arith.constant dense<[[1.0, 1.0, 1.0], [0.0, 1.0, 1.0]]> : tensor<2x3xf32>
    %cst_3 = arith.constant dense<[1.5, -0.5]> : tensor<2xf32>
    %0 = tensor.empty() : tensor<4x3xf32>
    %transposed = linalg.transpose ins(%cst_0 : tensor<3x4xf32>) outs(%0 : tensor<4x3xf32>) permutation = [1, 0]
    %1 = tensor.empty() : tensor<2x3xf32>
    %2 = linalg.fill ins(%cst : f32) outs(%1 : tensor<2x3xf32>) -> tensor<2x3xf32>
    %3 = linalg.matmul ins(%arg0, %transposed : tensor<2x4xf32>, tensor<4x3xf32>) outs(%2 : tensor<2x3xf32>) -> tensor<2x3xf32>
    %4 = linalg.generic {indexing_maps = [#map, #map1, #map], iterator_types = ["parallel", "parallel"]} ins(%3, %cst_1 : tensor<2x3xf32>, tensor<3xf32>) outs(%1 : tensor<2x3xf32>) {
    ^bb0(%in: f32, %in_5: f32, %out: f32):
      %10 = arith.addf %in, %in_5 : f32
      linalg.yield %10 : f32
    } -> tensor<2x3xf32>
    %5 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]} ins(%4 : tensor<2x3xf32>) outs(%1 : tensor<2x3xf32>) {
    ^bb0(%in: f32, %out: f32):
      %10 = arith.cmpf ugt, %in, %cst : f32
      %11 = arith.select %10, %in, %cst : f32
      linalg.yield %11 : f32
    } -> tensor<2x3xf32>
    %6 = tensor.empty() : tensor<3x2xf32>
    %transposed_4 = linalg.transpose ins(%cst_2 : tensor<2x3xf32>) outs(%6 : tensor<3x2xf32>) permutation = [1, 0]
    %7 = tensor.empty() : tensor<2x2xf32>
    %8 = linalg.fill ins(%cst : f32) outs(%7 : tensor<2x2xf32>) -> tensor<2x2xf32>
    %9 = linalg.matmul ins(%5, %transposed_4 : tensor<2x3xf32>, tensor<3x2xf32>) outs(%8 : tensor<2x2xf32>) -> tensor<2x2xf32>
    %10 = linalg.generic {indexing_maps = [#map, #map1, #map], iterator_types = ["parallel", "parallel"]} ins(%9, %cst_3 : tensor<2x2xf32>, tensor<2xf32>) outs(%7 : tensor<2x2xf32>) {
    ^bb0(%in: f32, %in_5: f32, %out: f32):
      %11 = arith.addf %in, %in_5 : f32
      linalg.yield %11 : f32
    } -> tensor<2x2xf32>
    return %10 : tensor<2x2xf32>
  }
}
