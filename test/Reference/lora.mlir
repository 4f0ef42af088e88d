// RUN: quant-translate --interpret --split-input-file %s | FileCheck %s

// lora_a1: five rows in three parts of two, two and one. Slot 1 is
// A = [[1, 2], [0, 1]], B = [[1, 0], [0, 1], [1, 1]], scale 2:
//   [3, 4] A^T = [11, 4], B^T: [11, 4, 15], times 2.
// Slot 0 takes the first input. A negative slot gives -0.
// CHECK: output0 = dense<{{\[\[}}2.200000e+01, 8.000000e+00, 3.000000e+01], [2.200000e+01, 8.000000e+00, 3.000000e+01],
// CHECK-SAME: [-0.000000e+00, -0.000000e+00, -0.000000e+00], [-0.000000e+00, -0.000000e+00, -0.000000e+00],
// CHECK-SAME: [3.000000e+00, 0.000000e+00, 0.000000e+00]]> : tensor<5x3xf32>
func.func @lora_a1() -> tensor<5x3xf32> {
  %x = arith.constant dense<[[3.0, 4.0], [3.0, 4.0], [3.0, 4.0], [3.0, 4.0], [3.0, 4.0]]> : tensor<5x2xf32>
  %a = arith.constant dense<[[[1.0, 0.0], [0.0, 0.0]], [[1.0, 0.0], [2.0, 1.0]]]> : tensor<2x2x2xf32>
  %b = arith.constant dense<[[[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]], [[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]]]> : tensor<2x2x3xf32>
  %s = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %i = arith.constant dense<[1, -1, 0]> : tensor<3xi32>
  %d = quant.lora %x, %a, %b scale(%s : tensor<2xf32>) slots(%i : tensor<3xi32>)
      : tensor<5x2xf32>, tensor<2x2x2xf32>, tensor<2x2x3xf32> -> tensor<5x3xf32>
  return %d : tensor<5x3xf32>
}

// -----

// lora_a2: A = [[2 * 0.5, -4 * 0.5]], B = [[1 * 0.25], [3 * 2]]: u = 1 - 4.
// CHECK: output0 = dense<{{\[\[}}-7.500000e-01, -1.800000e+01]]> : tensor<1x2xf32>
func.func @lora_a2() -> tensor<1x2xf32> {
  %x = arith.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  %a = arith.constant dense<[[[2], [-4]]]> : tensor<1x2x1xi8>
  %b = arith.constant dense<[[[1, 3]]]> : tensor<1x1x2xi8>
  %sa = arith.constant dense<[[0.5]]> : tensor<1x1xf32>
  %sb = arith.constant dense<[[0.25, 2.0]]> : tensor<1x2xf32>
  %s = arith.constant dense<[1.0]> : tensor<1xf32>
  %i = arith.constant dense<[0]> : tensor<1xi32>
  %d = quant.lora %x, %a, %b scale(%s : tensor<1xf32>) storage_scales(%sa, %sb : tensor<1x1xf32>, tensor<1x2xf32>) slots(%i : tensor<1xi32>)
      : tensor<1x2xf32>, tensor<1x2x1xi8>, tensor<1x1x2xi8> -> tensor<1x2xf32>
  return %d : tensor<1x2xf32>
}
