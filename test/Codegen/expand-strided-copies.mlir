// RUN: quant-opt %s --quant-expand-strided-copies | FileCheck %s

// CHECK-LABEL: func.func @strided_target(
// CHECK-NOT:     memref.copy
// CHECK:         linalg.generic
// CHECK-SAME:      ins(%{{.*}} : memref<2x3xf32>) outs(%{{.*}} : memref<2x3xf32, strided<[6, 1], offset: 8>>)
func.func @strided_target(%x: memref<2x3xf32>,
                          %y: memref<2x3xf32, strided<[6, 1], offset: 8>>) {
  memref.copy %x, %y
      : memref<2x3xf32> to memref<2x3xf32, strided<[6, 1], offset: 8>>
  return
}

// CHECK-LABEL: func.func @contiguous_untouched(
// CHECK:         memref.copy
func.func @contiguous_untouched(%x: memref<?x3xf32>, %y: memref<?x3xf32>) {
  memref.copy %x, %y : memref<?x3xf32> to memref<?x3xf32>
  return
}

// CHECK-LABEL: func.func @onto_itself(
// CHECK-NEXT:    return
func.func @onto_itself(%x: memref<2x3xf32, strided<[6, 1], offset: 8>>) {
  memref.copy %x, %x
      : memref<2x3xf32, strided<[6, 1], offset: 8>> to memref<2x3xf32, strided<[6, 1], offset: 8>>
  return
}
