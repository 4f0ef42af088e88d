// RUN: quant-opt %s --quant-set-target=target=x86-64-v4 --quant-flatten-transfers | FileCheck %s

// CHECK-LABEL: func.func @contiguous(
// CHECK:         vector.transfer_read %{{.*}} : memref<8x256xi8>, vector<256xi8>
func.func @contiguous(%x: memref<8x64x4xi8>, %i: index) -> vector<1x64x4xi8> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0 : i8
  %v = vector.transfer_read %x[%i, %c0, %c0], %zero
      {in_bounds = [true, true, true]} : memref<8x64x4xi8>, vector<1x64x4xi8>
  return %v : vector<1x64x4xi8>
}

// CHECK-LABEL: func.func @part_of_a_row_untouched(
// CHECK:         vector.transfer_read %{{.*}} : memref<8x64xi8>, vector<2x4xi8>
func.func @part_of_a_row_untouched(%x: memref<8x64xi8>) -> vector<2x4xi8> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0 : i8
  %v = vector.transfer_read %x[%c0, %c0], %zero {in_bounds = [true, true]}
      : memref<8x64xi8>, vector<2x4xi8>
  return %v : vector<2x4xi8>
}

// Rows that fill registers are read one by one.
// CHECK-LABEL: func.func @whole_registers_untouched(
//       CHECK:   vector.transfer_read %{{.*}} : memref<12x1x16xf32>, vector<6x1x16xf32>
func.func @whole_registers_untouched(%x: memref<12x1x16xf32>, %i: index) -> vector<6x1x16xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %v = vector.transfer_read %x[%i, %c0, %c0], %zero
      {in_bounds = [true, true, true]} : memref<12x1x16xf32>, vector<6x1x16xf32>
  return %v : vector<6x1x16xf32>
}
