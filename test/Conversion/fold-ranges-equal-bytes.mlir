// Epilogues have the same bytes without what their ranges decide: on sums that overflow on the way, and on all bytes.
// RUN: quant-translate --interpret %s > %t.all
// RUN: quant-opt --quant-lower-to-linalg --quant-fold-ranges --canonicalize %s | quant-translate --interpret > %t.folded
// RUN: diff %t.all %t.folded
// RUN: quant-opt --quant-lower-to-linalg --quant-fold-ranges --canonicalize %s | FileCheck %s

#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0, 0)>
#col = affine_map<(d0, d1) -> (0, d1)>
#none = affine_map<(d0, d1) -> ()>

// CHECK-NOT: cmpf uno
func.func @epilogue() -> tensor<9x5xi8> {
  %acc = arith.constant dense<[[0], [1], [-1], [2], [-77], [16777217], [-2147483648], [2147483647], [123456789]]> : tensor<9x1xi32>
  %m = arith.constant dense<[[0.5, 3.0e38, -3.0e38, 1.0e-45, 0.25]]> : tensor<1x5xf32>
  %b = arith.constant dense<[[0.0, -3.4e38, 3.4e38, -0.0, -300.0]]> : tensor<1x5xf32>
  %s = arith.constant dense<0.37> : tensor<f32>
  %zp = arith.constant dense<-3> : tensor<i8>
  %q = arith.constant dense<[[-128], [127], [0], [-3], [-4], [-2], [55], [-128], [127]]> : tensor<9x1xi8>
  %empty = tensor.empty() : tensor<9x5xf32>
  %x = linalg.generic {indexing_maps = [#row, #col, #col, #row, #none, #none, #id], iterator_types = ["parallel", "parallel"]}
      ins(%acc, %m, %b, %q, %s, %zp : tensor<9x1xi32>, tensor<1x5xf32>, tensor<1x5xf32>, tensor<9x1xi8>, tensor<f32>, tensor<i8>) outs(%empty : tensor<9x5xf32>) {
  ^bb0(%a: i32, %me: f32, %be: f32, %qe: i8, %se: f32, %ze: i8, %out: f32):
    %0 = arith.sitofp %a : i32 to f32
    %1 = arith.mulf %0, %me : f32
    %2 = arith.addf %1, %be : f32
    %3 = arith.extsi %qe : i8 to i32
    %4 = arith.extsi %ze : i8 to i32
    %5 = arith.subi %3, %4 : i32
    %6 = arith.sitofp %5 : i32 to f32
    %7 = arith.mulf %6, %se : f32
    %8 = arith.addf %2, %7 : f32
    linalg.yield %8 : f32
  } -> tensor<9x5xf32>
  %y = quant.quantize %x scale(%s : tensor<f32>) zero_point(%zp : tensor<i8>) : tensor<9x5xf32> -> tensor<9x5xi8>
  return %y : tensor<9x5xi8>
}
