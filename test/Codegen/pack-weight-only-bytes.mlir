// RUN: quant-opt %s --quant-pack --canonicalize --cse | FileCheck %s

// Where nibbles are not looked up, they are in bytes.

module attributes {llvm.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64-v2", features = <["+sse4.1"]>>} {

// The offset of a nibble as it is stored goes into its multiplier.
// CHECK-LABEL: func @multipliers(
//       CHECK:   %[[U:.+]] = linalg.generic {{.*}} ins(%{{.+}} : tensor<{{[0-9]+}}x2x16x{{[0-9]+}}xi8>)
//       CHECK:     %[[NIBBLE:.+]] = arith.andi %{{.+}}, %c15_i8
//  CHECK-NEXT:     linalg.yield %[[NIBBLE]]
//       CHECK:   linalg.generic {{.*}} ins(%[[U]], {{.*}}quant.per_panel
//       CHECK:     %[[OFFSET:.+]] = arith.mulf %[[M:.+]], %cst{{.*}} : f32
//       CHECK:     math.fma %{{.+}}, %[[M]], %[[OFFSET]] : f32
func.func @multipliers(%x: tensor<16x64xf32>) -> tensor<16x128xf32> {
  %bytes = arith.constant dense<33> : tensor<128x32xi8>
  %w = quant.unpack %bytes : tensor<128x32xi8> -> tensor<128x64xi4>
  %m = arith.constant dense<3> : tensor<128x2xi8>
  %s = arith.constant dense<0.5> : tensor<128x1xf32>
  %y = quant.linear %x, %w scale(%s : tensor<128x1xf32>) multiplier(%m : tensor<128x2xi8>)
      : tensor<16x64xf32>, tensor<128x64xi4> -> tensor<16x128xf32>
  return %y : tensor<16x128xf32>
}

// Beside sums, it would take registers.
// CHECK-LABEL: func @few_rows_untouched(
//       CHECK:   arith.subi {{.*}} : i8
//       CHECK:   arith.mulf
//       CHECK:   math.fma
func.func @few_rows_untouched(%x: tensor<2x64xf32>) -> tensor<2x128xf32> {
  %bytes = arith.constant dense<33> : tensor<128x32xi8>
  %w = quant.unpack %bytes : tensor<128x32xi8> -> tensor<128x64xi4>
  %m = arith.constant dense<3> : tensor<128x2xi8>
  %s = arith.constant dense<0.5> : tensor<128x1xf32>
  %y = quant.linear %x, %w scale(%s : tensor<128x1xf32>) multiplier(%m : tensor<128x2xi8>)
      : tensor<2x64xf32>, tensor<128x64xi4> -> tensor<2x128xf32>
  return %y : tensor<2x128xf32>
}
}
