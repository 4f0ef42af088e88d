// RUN: quant-translate --quant-to-object --target=aarch64+sve --emit=llvm %s | FileCheck %s

// One value of the bias for four of x: a register of any length would hold
// several rows, and LLVM would give all of them the bias of the first.
// CHECK-LABEL: define {{.*}} @model_run(
// CHECK-NOT: <vscale
// CHECK: fadd <4 x float>
// CHECK-NOT: <vscale
func.func @add_to_columns(%x: tensor<40x4xf32> {quant.name = "x"},
    %bias: tensor<40xf32> {quant.name = "bias"})
    -> (tensor<40x4xf32> {quant.name = "y"}) {
  %empty = tensor.empty() : tensor<40x4xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m)>,
        affine_map<(m, n) -> (m, n)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%x, %bias : tensor<40x4xf32>, tensor<40xf32>)
      outs(%empty : tensor<40x4xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %sum = arith.addf %a, %b : f32
    linalg.yield %sum : f32
  } -> tensor<40x4xf32>
  return %y : tensor<40x4xf32>
}
