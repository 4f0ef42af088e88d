// RUN: quant-opt %s --quant-tile-windows | FileCheck %s

#id = affine_map<(h, w, c) -> (h, w, c)>

module attributes {llvm.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64-v3", features = <["+avx2", "+fma"]>>} {

// CHECK-LABEL: func @windows(
//       CHECK:   linalg.generic {{.*}} attrs = {quant.tile_root, quant.tile_sizes = array<i64: 1, 4, 16>, quant.work = 128 : i64}
func.func @windows(%x: tensor<?x10x40xf32>, %n: index) -> tensor<?x8x40xf32> {
  %a = tensor.extract_slice %x[0, 0, 0] [%n, 8, 40] [1, 1, 1] : tensor<?x10x40xf32> to tensor<?x8x40xf32>
  %b = tensor.extract_slice %x[0, 2, 0] [%n, 8, 40] [1, 1, 1] : tensor<?x10x40xf32> to tensor<?x8x40xf32>
  %e = tensor.empty(%n) : tensor<?x8x40xf32>
  %y = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%a, %b : tensor<?x8x40xf32>, tensor<?x8x40xf32>) outs(%e : tensor<?x8x40xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %s = arith.addf %p, %q : f32
    linalg.yield %s : f32
  } -> tensor<?x8x40xf32>
  return %y : tensor<?x8x40xf32>
}

// No tile is larger than what there is.
// CHECK-LABEL: func @few(
//       CHECK:   linalg.generic {{.*}} attrs = {quant.tile_root, quant.tile_sizes = array<i64: 1, 3, 5>, quant.work = 30 : i64}
func.func @few(%x: tensor<2x4x5xf32>) -> tensor<2x3x5xf32> {
  %a = tensor.extract_slice %x[0, 0, 0] [2, 3, 5] [1, 1, 1] : tensor<2x4x5xf32> to tensor<2x3x5xf32>
  %b = tensor.extract_slice %x[0, 1, 0] [2, 3, 5] [1, 1, 1] : tensor<2x4x5xf32> to tensor<2x3x5xf32>
  %e = tensor.empty() : tensor<2x3x5xf32>
  %y = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%a, %b : tensor<2x3x5xf32>, tensor<2x3x5xf32>) outs(%e : tensor<2x3x5xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %s = arith.addf %p, %q : f32
    linalg.yield %s : f32
  } -> tensor<2x3x5xf32>
  return %y : tensor<2x3x5xf32>
}

// CHECK-LABEL: func @one_slice_untouched(
//   CHECK-NOT:   quant.tile_sizes
func.func @one_slice_untouched(%x: tensor<2x4x5xf32>, %b: tensor<2x3x5xf32>) -> tensor<2x3x5xf32> {
  %a = tensor.extract_slice %x[0, 0, 0] [2, 3, 5] [1, 1, 1] : tensor<2x4x5xf32> to tensor<2x3x5xf32>
  %e = tensor.empty() : tensor<2x3x5xf32>
  %y = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%a, %b : tensor<2x3x5xf32>, tensor<2x3x5xf32>) outs(%e : tensor<2x3x5xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %s = arith.addf %p, %q : f32
    linalg.yield %s : f32
  } -> tensor<2x3x5xf32>
  return %y : tensor<2x3x5xf32>
}

// CHECK-LABEL: func @unknown_places(
//       CHECK:   quant.tile_sizes = array<i64: 1, 1, 5>
func.func @unknown_places(%x: tensor<2x?x5xf32>, %n: index) -> tensor<2x?x5xf32> {
  %a = tensor.extract_slice %x[0, 0, 0] [2, %n, 5] [1, 1, 1] : tensor<2x?x5xf32> to tensor<2x?x5xf32>
  %b = tensor.extract_slice %x[0, 1, 0] [2, %n, 5] [1, 1, 1] : tensor<2x?x5xf32> to tensor<2x?x5xf32>
  %e = tensor.empty(%n) : tensor<2x?x5xf32>
  %y = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%a, %b : tensor<2x?x5xf32>, tensor<2x?x5xf32>) outs(%e : tensor<2x?x5xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %s = arith.addf %p, %q : f32
    linalg.yield %s : f32
  } -> tensor<2x?x5xf32>
  return %y : tensor<2x?x5xf32>
}

// CHECK-LABEL: func @unknown_channels_untouched(
//   CHECK-NOT:   quant.tile_sizes
func.func @unknown_channels_untouched(%x: tensor<2x4x?xf32>, %n: index) -> tensor<2x3x?xf32> {
  %a = tensor.extract_slice %x[0, 0, 0] [2, 3, %n] [1, 1, 1] : tensor<2x4x?xf32> to tensor<2x3x?xf32>
  %b = tensor.extract_slice %x[0, 1, 0] [2, 3, %n] [1, 1, 1] : tensor<2x4x?xf32> to tensor<2x3x?xf32>
  %e = tensor.empty(%n) : tensor<2x3x?xf32>
  %y = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%a, %b : tensor<2x3x?xf32>, tensor<2x3x?xf32>) outs(%e : tensor<2x3x?xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %s = arith.addf %p, %q : f32
    linalg.yield %s : f32
  } -> tensor<2x3x?xf32>
  return %y : tensor<2x3x?xf32>
}
}
