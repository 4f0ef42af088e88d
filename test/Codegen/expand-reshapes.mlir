// RUN: quant-opt %s --quant-expand-reshapes --cse | FileCheck %s

// CHECK-LABEL: func @two_unknown_sizes
//  CHECK-SAME:     %[[X:.+]]: memref<?x8xf32>, %[[B:.+]]: index, %[[T:.+]]: index
//       CHECK:   %[[BASE:.+]], %{{.+}}, %{{.+}}:2, %{{.+}}:2 = memref.extract_strided_metadata %[[X]]
//       CHECK:   %[[STRIDE:.+]] = affine.apply {{.*}}()[%[[T]]]
//       CHECK:   memref.reinterpret_cast %[[BASE]] to offset: [0], sizes: [%[[B]], %[[T]], 8], strides: [%[[STRIDE]], 8, 1] : memref<f32> to memref<?x?x8xf32>
func.func @two_unknown_sizes(%x: memref<?x8xf32>, %b: index, %t: index) -> memref<?x?x8xf32> {
  %e = memref.expand_shape %x [[0, 1], [2]] output_shape [%b, %t, 8] : memref<?x8xf32> into memref<?x?x8xf32>
  return %e : memref<?x?x8xf32>
}

// CHECK-LABEL: func @one_unknown_size_untouched
//       CHECK:   memref.expand_shape
func.func @one_unknown_size_untouched(%x: memref<?x8xf32>, %b: index) -> memref<?x4x8xf32> {
  %e = memref.expand_shape %x [[0, 1], [2]] output_shape [%b, 4, 8] : memref<?x8xf32> into memref<?x4x8xf32>
  return %e : memref<?x4x8xf32>
}
