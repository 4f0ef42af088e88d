// RUN: quant-opt --quant-set-target='target=x86-64-v3' --quant-vectorize-transposes --canonicalize --split-input-file %s | FileCheck %s
// RUN: quant-opt --quant-set-target='target=x86-64-v4' --quant-vectorize-transposes --canonicalize --split-input-file %s | FileCheck %s --check-prefix=WIDE

// Channels to the end: the loop over them, the shorter one, is innermost.
// CHECK-LABEL: @channels_last
// CHECK-SAME: (%[[X:.*]]: memref<?x64x56x56xf32>, %[[Y:.*]]: memref<?x56x56x64xf32>)
// CHECK-DAG: %[[C8:.*]] = arith.constant 8 : index
// CHECK-DAG: %[[C64:.*]] = arith.constant 64 : index
// CHECK-DAG: %[[C3136:.*]] = arith.constant 3136 : index
// CHECK-DAG: %[[FROM:.*]] = memref.collapse_shape %[[X]] {{\[\[}}0], [1], [2, 3]] : {{.*}} into memref<?x64x3136xf32>
// CHECK-DAG: %[[TO:.*]] = memref.collapse_shape %[[Y]] {{\[\[}}0], [1, 2], [3]] : {{.*}} into memref<?x3136x64xf32>
// CHECK: %[[SIZE:.*]] = memref.dim %[[TO]]
// CHECK: scf.for %[[N:.*]] = %{{.*}} to %[[SIZE]]
// CHECK: scf.for %[[P:.*]] = %{{.*}} to %[[C3136]] step %[[C8]]
// CHECK: scf.for %[[C:.*]] = %{{.*}} to %[[C64]] step %[[C8]]
// CHECK-NEXT: %[[ROWS:.*]] = vector.transfer_read %[[FROM]][%[[N]], %[[C]], %[[P]]], %{{.*}} {in_bounds = [true, true]} : memref<?x64x3136xf32>, vector<8x8xf32>
// CHECK-NEXT: %[[COLUMNS:.*]] = vector.transpose %[[ROWS]], [1, 0]
// CHECK-NEXT: vector.transfer_write %[[COLUMNS]], %[[TO]][%[[N]], %[[P]], %[[C]]] {in_bounds = [true, true]} : vector<8x8xf32>
// WIDE-LABEL: @channels_last
// WIDE: vector.transpose %{{.*}} : vector<16x16xf32>
func.func @channels_last(%x: memref<?x64x56x56xf32>, %y: memref<?x56x56x64xf32>) {
  linalg.transpose ins(%x : memref<?x64x56x56xf32>) outs(%y : memref<?x56x56x64xf32>) permutation = [0, 2, 3, 1]
  return
}

// -----

// Channels to the front. 100 places: the last square starts at 84.
// CHECK-LABEL: @channels_first
// CHECK-DAG: %[[C16:.*]] = arith.constant 16 : index
// CHECK-DAG: %[[C32:.*]] = arith.constant 32 : index
// CHECK-DAG: %[[C84:.*]] = arith.constant 84 : index
// CHECK-DAG: %[[C100:.*]] = arith.constant 100 : index
// CHECK: scf.for %[[P:.*]] = %{{.*}} to %[[C100]] step %[[C16]]
// CHECK: %[[AT:.*]] = arith.minui %[[P]], %[[C84]]
// CHECK: scf.for %[[C:.*]] = %{{.*}} to %[[C32]] step %[[C16]]
// CHECK-NEXT: vector.transfer_read %{{.*}}[%{{.*}}, %[[AT]], %[[C]]]{{.*}} : memref<1x100x32xi8>, vector<16x16xi8>
// CHECK: vector.transfer_write %{{.*}}[%{{.*}}, %[[C]], %[[AT]]]{{.*}} : vector<16x16xi8>, memref<1x32x100xi8>
func.func @channels_first(%x: memref<1x10x10x32xi8>, %y: memref<1x32x10x10xi8>) {
  linalg.transpose ins(%x : memref<1x10x10x32xi8>) outs(%y : memref<1x32x10x10xi8>) permutation = [0, 3, 1, 2]
  return
}

// -----

// Lines of a padded image are not contiguous: each is taken by itself.
// CHECK-LABEL: @into_part
// CHECK-NOT: memref.collapse_shape %{{.*}} {{\[\[}}0], [1, 2]
// CHECK: vector.transfer_write {{.*}} : vector<8x8xf32>, memref<1x9x12x8xf32, strided<[1232, 112, 8, 1]>>
func.func @into_part(%x: memref<1x8x9x12xf32>, %y: memref<1x9x12x8xf32, strided<[1232, 112, 8, 1]>>) {
  linalg.transpose ins(%x : memref<1x8x9x12xf32>) outs(%y : memref<1x9x12x8xf32, strided<[1232, 112, 8, 1]>>) permutation = [0, 2, 3, 1]
  return
}

// -----

// CHECK-LABEL: @short_side
// CHECK: vector.transpose %{{.*}} : vector<4x4xf32>
func.func @short_side(%x: memref<7x40xf32>, %y: memref<40x7xf32>) {
  linalg.transpose ins(%x : memref<7x40xf32>) outs(%y : memref<40x7xf32>) permutation = [1, 0]
  return
}

// -----

// CHECK-LABEL: @rows_stay_untouched
// CHECK: linalg.transpose
func.func @rows_stay_untouched(%x: memref<4x5x16xf32>, %y: memref<5x4x16xf32>) {
  linalg.transpose ins(%x : memref<4x5x16xf32>) outs(%y : memref<5x4x16xf32>) permutation = [1, 0, 2]
  return
}

// -----

// CHECK-LABEL: @few_channels_untouched
// CHECK: linalg.transpose
func.func @few_channels_untouched(%x: memref<3x100xf32>, %y: memref<100x3xf32>) {
  linalg.transpose ins(%x : memref<3x100xf32>) outs(%y : memref<100x3xf32>) permutation = [1, 0]
  return
}

// -----

// CHECK-LABEL: @unknown_sides_untouched
// CHECK: linalg.transpose
func.func @unknown_sides_untouched(%x: memref<?x16xf32>, %y: memref<16x?xf32>) {
  linalg.transpose ins(%x : memref<?x16xf32>) outs(%y : memref<16x?xf32>) permutation = [1, 0]
  return
}

// -----

// CHECK-LABEL: @bits_untouched
// CHECK: linalg.transpose
func.func @bits_untouched(%x: memref<16x16xi1>, %y: memref<16x16xi1>) {
  linalg.transpose ins(%x : memref<16x16xi1>) outs(%y : memref<16x16xi1>) permutation = [1, 0]
  return
}

// -----

// CHECK-LABEL: @tensors_untouched
// CHECK: linalg.transpose
func.func @tensors_untouched(%x: tensor<16x16xf32>, %y: tensor<16x16xf32>) -> tensor<16x16xf32> {
  %t = linalg.transpose ins(%x : tensor<16x16xf32>) outs(%y : tensor<16x16xf32>) permutation = [1, 0]
  return %t : tensor<16x16xf32>
}
