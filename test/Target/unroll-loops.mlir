// RUN: quant-translate --quant-to-object --target=x86-64-v3 --emit=llvm %s | FileCheck %s

// The five groups of a row are ten registers of floats, and no block of scalars
// from several rows.
// CHECK-LABEL: define {{.*}} @model_run(
// CHECK-COUNT-10: load <8 x float>
// CHECK-NOT: load <{{[0-9]+}} x float>
// CHECK-NOT: insertelement <8 x float> {{.*}}, i64 1
func.func @quantize_groups(%w: tensor<32x80xf32> {quant.name = "w"},
    %scale: tensor<32x1xf32> {quant.name = "scale"},
    %multiplier: tensor<32x5xi8> {quant.name = "multiplier"})
    -> (tensor<32x80xi4> {quant.name = "q"}) {
  %q = quant.quantize %w scale(%scale : tensor<32x1xf32>)
    multiplier(%multiplier : tensor<32x5xi8>)
    : tensor<32x80xf32> -> tensor<32x80xi4>
  return %q : tensor<32x80xi4>
}
