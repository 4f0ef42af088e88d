// RUN: quant-opt %s --quant-to-llvm=target=x86-64-v4 | FileCheck %s

// Tiles that are written into a tensor carried by loops end up in the caller's
// memory: no buffer between, no copy, and packed weights are read as one vector.
// CHECK-LABEL: llvm.func internal @model_main_workspace_size(
// CHECK:         %[[NONE:.*]] = llvm.mlir.constant(0 : index) : i64
// CHECK:         llvm.return %[[NONE]]
// CHECK-LABEL: llvm.func internal @model_main(
// CHECK-NOT:     memcpy
// CHECK-NOT:     llvm.alloca
// CHECK:         llvm.load %{{.*}} -> vector<64xi8>
// CHECK-NOT:     memcpy
// CHECK-NOT:     llvm.alloca
// CHECK:         llvm.store %{{.*}} : vector<16xi32>, !llvm.ptr
// CHECK-NOT:     memcpy
// CHECK-NOT:     llvm.alloca
func.func @main(%a: tensor<12x8x4xi8>, %b: tensor<2x8x16x4xi8>)
    -> tensor<12x2x16xi32> {
  %zero = arith.constant dense<0> : vector<6x1x16xi32>
  %pad = arith.constant 0 : i8
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c6 = arith.constant 6 : index
  %c8 = arith.constant 8 : index
  %c12 = arith.constant 12 : index
  %e = tensor.empty() : tensor<12x2x16xi32>
  %y = scf.for %n = %c0 to %c2 step %c1 iter_args(%panel = %e)
      -> (tensor<12x2x16xi32>) {
    %rows = scf.for %m = %c0 to %c12 step %c6 iter_args(%tile = %panel)
        -> (tensor<12x2x16xi32>) {
      %slice = tensor.extract_slice %tile[%m, %n, 0] [6, 1, 16] [1, 1, 1]
          : tensor<12x2x16xi32> to tensor<6x1x16xi32>
      %sum = scf.for %k = %c0 to %c8 step %c1 iter_args(%acc = %zero)
          -> (vector<6x1x16xi32>) {
        %va = vector.transfer_read %a[%m, %k, %c0], %pad
            {in_bounds = [true, true, true]}
            : tensor<12x8x4xi8>, vector<6x1x4xi8>
        %vb = vector.transfer_read %b[%n, %k, %c0, %c0], %pad
            {in_bounds = [true, true, true, true]}
            : tensor<2x8x16x4xi8>, vector<1x1x16x4xi8>
        %wa = arith.extsi %va : vector<6x1x4xi8> to vector<6x1x4xi32>
        %wb = arith.extsi %vb : vector<1x1x16x4xi8> to vector<1x1x16x4xi32>
        %next = vector.contract {
            indexing_maps = [affine_map<(n, m, j, k, q) -> (m, k, q)>,
                             affine_map<(n, m, j, k, q) -> (n, k, j, q)>,
                             affine_map<(n, m, j, k, q) -> (m, n, j)>],
            iterator_types = ["parallel", "parallel", "parallel", "reduction",
                              "reduction"], kind = #vector.kind<add>}
            %wa, %wb, %acc : vector<6x1x4xi32>, vector<1x1x16x4xi32>
            into vector<6x1x16xi32>
        scf.yield %next : vector<6x1x16xi32>
      }
      %written = vector.transfer_write %sum, %slice[%c0, %c0, %c0]
          {in_bounds = [true, true, true]}
          : vector<6x1x16xi32>, tensor<6x1x16xi32>
      %inserted = tensor.insert_slice %written into %tile[%m, %n, 0]
          [6, 1, 16] [1, 1, 1] : tensor<6x1x16xi32> into tensor<12x2x16xi32>
      scf.yield %inserted : tensor<12x2x16xi32>
    }
    scf.yield %rows : tensor<12x2x16xi32>
  }
  return %y : tensor<12x2x16xi32>
}
