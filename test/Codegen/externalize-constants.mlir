// RUN: quant-opt %s --quant-externalize-constants=max-bytes=8192 | FileCheck %s
// RUN: quant-opt %s --quant-externalize-constants | FileCheck %s --check-prefix=FEW

// Each starts at a multiple of 64 bytes; a splat is written out in the block.
// CHECK:      module attributes {quant.parameters = [dense<1> : tensor<65x64xi8>, dense<2.000000e+00> : tensor<32x33xf32>]}
// CHECK-NOT:  memref.global {{.*}} @bytes
// CHECK-NOT:  memref.global {{.*}} @floats
// CHECK:      memref.global "private" constant @small_untouched
// CHECK:      memref.global "private" constant @bits_untouched
// CHECK-LABEL: func.func @main(
// CHECK-SAME:    %[[PARAMETERS:[a-z0-9]+]]: memref<8384xi8> {quant.parameters})
// CHECK:         %[[BYTES:.+]] = memref.view %[[PARAMETERS]][%c0{{.*}}][] : memref<8384xi8> to memref<65x64xi8>
// CHECK:         memref.load %[[BYTES]]
// CHECK:         %[[FLOATS:.+]] = memref.view %[[PARAMETERS]][%c4160][] : memref<8384xi8> to memref<32x33xf32>
// CHECK:         memref.load %[[FLOATS]]
// CHECK:         memref.get_global @small_untouched
// CHECK:         memref.get_global @bits_untouched

// 64 MiB or less stay where they are.
// FEW-NOT:   quant.parameters
// FEW-COUNT-4: memref.global
memref.global "private" constant @bytes : memref<65x64xi8> = dense<1>
memref.global "private" constant @floats : memref<32x33xf32> = dense<2.0>
memref.global "private" constant @small_untouched : memref<4xi8> = dense<[1, 2, 3, 4]>
memref.global "private" constant @bits_untouched : memref<8192xi1> = dense<true>

func.func @main(%x: memref<1xf32> {quant.name = "x", quant.shape = affine_map<() -> (1)>}) attributes {quant.dims = []} {
  %c0 = arith.constant 0 : index
  %bytes = memref.get_global @bytes : memref<65x64xi8>
  %a = memref.load %bytes[%c0, %c0] : memref<65x64xi8>
  %floats = memref.get_global @floats : memref<32x33xf32>
  %b = memref.load %floats[%c0, %c0] : memref<32x33xf32>
  %small = memref.get_global @small_untouched : memref<4xi8>
  %c = memref.load %small[%c0] : memref<4xi8>
  %bits = memref.get_global @bits_untouched : memref<8192xi1>
  %d = memref.load %bits[%c0] : memref<8192xi1>
  return
}
