// RUN: quant-opt %s --quant-lower-tile-contractions --split-input-file --verify-diagnostics

#lhs = affine_map<(m, nb, n, k, d) -> (m, k, d)>
#rhs = affine_map<(m, nb, n, k, d) -> (nb, k, n, d)>
#acc = affine_map<(m, nb, n, k, d) -> (m, nb, n)>

func.func @two_panels(%x: memref<16x16x4xi8>, %w: memref<2x16x16x4xi8>, %acc: memref<16x1x16xi32>) {
  %panel = memref.subview %w[0, 0, 0, 0] [1, 16, 16, 2] [1, 1, 1, 1]
      : memref<2x16x16x4xi8> to memref<1x16x16x2xi8, strided<[1024, 64, 4, 1]>>
  %rows = memref.subview %x[0, 0, 0] [16, 16, 2] [1, 1, 1]
      : memref<16x16x4xi8> to memref<16x16x2xi8, strided<[64, 4, 1]>>
  // expected-error @+1 {{expects contiguous rows and weights}}
  linalg.generic {indexing_maps = [#lhs, #rhs, #acc],
      iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%rows, %panel : memref<16x16x2xi8, strided<[64, 4, 1]>>, memref<1x16x16x2xi8, strided<[1024, 64, 4, 1]>>)
      outs(%acc : memref<16x1x16xi32>)
      attrs = {quant.tile_instruction = "amxint8_16x16x64_i32_s8_s8"} {
  ^bb0(%a: i8, %b: i8, %c: i32):
    %ae = arith.extsi %a : i8 to i32
    %be = arith.extsi %b : i8 to i32
    %p = arith.muli %ae, %be : i32
    %s = arith.addi %c, %p : i32
    linalg.yield %s : i32
  }
  return
}

// -----

#lhs = affine_map<(m, nb, n, k, d) -> (m, k, d)>
#rhs = affine_map<(m, nb, n, k, d) -> (nb, k, n, d)>
#acc = affine_map<(m, nb, n, k, d) -> (m, nb, n)>

func.func @on_tensors(%x: tensor<16x16x4xi8>, %w: tensor<1x16x16x4xi8>, %acc: tensor<16x1x16xi32>) -> tensor<16x1x16xi32> {
  // expected-error @+1 {{expects a contraction of two buffers into a third}}
  %r = linalg.generic {indexing_maps = [#lhs, #rhs, #acc],
      iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%x, %w : tensor<16x16x4xi8>, tensor<1x16x16x4xi8>) outs(%acc : tensor<16x1x16xi32>)
      attrs = {quant.tile_instruction = "amxint8_16x16x64_i32_s8_s8"} {
  ^bb0(%a: i8, %b: i8, %c: i32):
    %ae = arith.extsi %a : i8 to i32
    %be = arith.extsi %b : i8 to i32
    %p = arith.muli %ae, %be : i32
    %s = arith.addi %c, %p : i32
    linalg.yield %s : i32
  } -> tensor<16x1x16xi32>
  return %r : tensor<16x1x16xi32>
}
