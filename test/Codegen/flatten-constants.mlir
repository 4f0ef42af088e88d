// RUN: quant-opt %s --quant-flatten-constants | FileCheck %s

// CHECK: memref.global "private" constant @weight : memref<8xi8> = dense<[1, 2, 3, 4, 5, 6, 7, 8]>
memref.global "private" constant @weight : memref<2x2x2xi8> = dense<[[[1, 2], [3, 4]], [[5, 6], [7, 8]]]>

// A splat stays one.
// CHECK: memref.global "private" constant @zeros : memref<6xf32> = dense<0.000000e+00>
memref.global "private" constant @zeros : memref<2x3xf32> = dense<0.0>

// CHECK: memref.global "private" constant @resource : memref<4xi8> = dense_resource<bytes>
memref.global "private" constant @resource : memref<2x2xi8> = dense_resource<bytes>

// CHECK: memref.global "private" constant @row_untouched : memref<2xf32> = dense<[1.000000e+00, 2.000000e+00]>
memref.global "private" constant @row_untouched : memref<2xf32> = dense<[1.0, 2.0]>

// CHECK: memref.global "private" @buffer_untouched : memref<2x2xf32> = uninitialized
memref.global "private" @buffer_untouched : memref<2x2xf32> = uninitialized

// CHECK-LABEL: func.func @read(
// CHECK:         %[[FLAT:.+]] = memref.get_global @weight : memref<8xi8>
// CHECK:         %[[WEIGHT:.+]] = memref.expand_shape %[[FLAT]] {{\[\[}}0, 1, 2]] output_shape [2, 2, 2] : memref<8xi8> into memref<2x2x2xi8>
// CHECK:         %[[ROW:.+]] = memref.get_global @row_untouched : memref<2xf32>
// CHECK:         return %[[WEIGHT]], %[[ROW]]
func.func @read() -> (memref<2x2x2xi8>, memref<2xf32>) {
  %weight = memref.get_global @weight : memref<2x2x2xi8>
  %row = memref.get_global @row_untouched : memref<2xf32>
  return %weight, %row : memref<2x2x2xi8>, memref<2xf32>
}

{-#
  dialect_resources: {
    builtin: {
      bytes: "0x0100000001020304"
    }
  }
#-}
