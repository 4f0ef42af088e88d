// RUN: quant-translate --quant-to-object --target=x86-64-v3 --emit=llvm %s | FileCheck %s

#id = affine_map<(d0) -> (d0)>

// CHECK-LABEL: define {{.*}} @model_run(
// CHECK: vector.body
// CHECK-COUNT-2: load <8 x float>
// CHECK-COUNT-2: store <8 x float>
// CHECK-NEXT: add
// CHECK-NEXT: icmp eq i64 {{.*}}, 768
func.func @erf(%x: tensor<768xf32> {quant.name = "x"})
    -> (tensor<768xf32> {quant.name = "y"}) {
  %empty = tensor.empty() : tensor<768xf32>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<768xf32>) outs(%empty : tensor<768xf32>) {
  ^bb0(%a: f32, %out: f32):
    %erf = math.erf %a : f32
    linalg.yield %erf : f32
  } -> tensor<768xf32>
  return %y : tensor<768xf32>
}
