// RUN: quant-opt %s --quant-tile-rows --canonicalize --cse | FileCheck %s

#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>

module attributes {llvm.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64-v3", features = <["+avx2", "+fma"]>>} {

// What both the sum and the quotient read is computed once for each block. Of
// 100 rows, 4 are left.
// CHECK-LABEL: func @softmax(
//  CHECK-SAME:     %[[X:.+]]: tensor<100x1024xf32>
//   CHECK-NOT:   linalg
//       CHECK:   scf.for %[[ROW:.+]] = %c0 to %c96 step %c16
//       CHECK:     %[[ROWS:.+]] = tensor.extract_slice %[[X]][%[[ROW]], 0] [16, 1024] [1, 1]
//       CHECK:     %[[POWERS:.+]] = linalg.generic {{.*}} ins(%[[ROWS]] : tensor<16x1024xf32>)
//       CHECK:       math.exp
//       CHECK:     linalg.fill {{.*}} -> tensor<16xf32>
//       CHECK:     %[[SUM:.+]] = linalg.generic {{.*}} ins(%[[POWERS]] :
//       CHECK:       arith.addf
//       CHECK:     linalg.generic {{.*}} ins(%[[POWERS]], %[[SUM]] :
//       CHECK:       arith.divf
//       CHECK:     tensor.insert_slice {{.*}} [16, 1024]
//       CHECK:   linalg.generic {{.*}} tensor<4x1024xf32>
//       CHECK:   tensor.insert_slice {{.*}} [4, 1024]
func.func @softmax(%x: tensor<100x1024xf32>) -> tensor<100x1024xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<100x1024xf32>
  %p = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<100x1024xf32>) outs(%e : tensor<100x1024xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = math.exp %in : f32
    linalg.yield %0 : f32
  } -> tensor<100x1024xf32>
  %r = tensor.empty() : tensor<100xf32>
  %f = linalg.fill ins(%zero : f32) outs(%r : tensor<100xf32>) -> tensor<100xf32>
  %s = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%p : tensor<100x1024xf32>) outs(%f : tensor<100xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.addf %out, %in : f32
    linalg.yield %0 : f32
  } -> tensor<100xf32>
  %y = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%p, %s : tensor<100x1024xf32>, tensor<100xf32>) outs(%e : tensor<100x1024xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.divf %a, %b : f32
    linalg.yield %0 : f32
  } -> tensor<100x1024xf32>
  return %y : tensor<100x1024xf32>
}

// The sums are a result as well.
// CHECK-LABEL: func @shared_untouched(
//   CHECK-NOT:   scf.for
func.func @shared_untouched(%x: tensor<100x1024xf32>) -> (tensor<100x1024xf32>, tensor<100xf32>) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<100x1024xf32>
  %r = tensor.empty() : tensor<100xf32>
  %f = linalg.fill ins(%zero : f32) outs(%r : tensor<100xf32>) -> tensor<100xf32>
  %s = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<100x1024xf32>) outs(%f : tensor<100xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.addf %out, %in : f32
    linalg.yield %0 : f32
  } -> tensor<100xf32>
  %y = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : tensor<100x1024xf32>, tensor<100xf32>) outs(%e : tensor<100x1024xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.divf %a, %b : f32
    linalg.yield %0 : f32
  } -> tensor<100x1024xf32>
  return %y, %s : tensor<100x1024xf32>, tensor<100xf32>
}

// All of it fits the caches.
// CHECK-LABEL: func @small_untouched(
//   CHECK-NOT:   scf.for
func.func @small_untouched(%x: tensor<32x64xf32>) -> tensor<32x64xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<32x64xf32>
  %r = tensor.empty() : tensor<32xf32>
  %f = linalg.fill ins(%zero : f32) outs(%r : tensor<32xf32>) -> tensor<32xf32>
  %s = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<32x64xf32>) outs(%f : tensor<32xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.addf %out, %in : f32
    linalg.yield %0 : f32
  } -> tensor<32xf32>
  %y = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : tensor<32x64xf32>, tensor<32xf32>) outs(%e : tensor<32x64xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.divf %a, %b : f32
    linalg.yield %0 : f32
  } -> tensor<32x64xf32>
  return %y : tensor<32x64xf32>
}
}
