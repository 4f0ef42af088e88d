// RUN: quant-opt %s --quant-set-target=target=x86-64-v4 --quant-prefetch-panels --split-input-file | FileCheck %s

// Ten passes over a panel of four cache lines in a step: each brings one.
// CHECK-LABEL: func @rows_in_blocks
// CHECK-SAME:    %[[W:.+]]: memref<64x256x256xi8>
// CHECK:         scf.for %[[NB:.+]] = %c0 to %c64 step %c1
// CHECK:           %[[LAST:.+]] = arith.subi %c64, %c1
// CHECK:           %[[NEXT:.+]] = arith.addi %[[NB]], %c1
// CHECK:           %[[CLAMPED:.+]] = arith.minui %[[NEXT]], %[[LAST]]
// CHECK:           scf.for %[[M:.+]] = %c0 to %c60 step %c6
// CHECK:             %[[PASS:.+]] = arith.divui %[[M]], %c6
// CHECK:             scf.for %[[K:.+]] =
// CHECK:               %[[LINE:.+]] = arith.addi
// CHECK:               memref.prefetch %[[W]][%[[CLAMPED]], %[[K]], %[[LINE]]], read, locality<2>, data
// CHECK-NEXT:          vector.transfer_read %[[W]][%[[NB]], %[[K]], %c0]
// CHECK-NOT:     memref.prefetch
func.func @rows_in_blocks(%w: memref<64x256x256xi8>, %out: memref<256xi8>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c6 = arith.constant 6 : index
  %c60 = arith.constant 60 : index
  %c64 = arith.constant 64 : index
  %c256 = arith.constant 256 : index
  %zero = arith.constant 0 : i8
  scf.for %nb = %c0 to %c64 step %c1 {
    scf.for %m = %c0 to %c60 step %c6 {
      scf.for %k = %c0 to %c256 step %c1 {
        %v = vector.transfer_read %w[%nb, %k, %c0], %zero {in_bounds = [true]} : memref<64x256x256xi8>, vector<256xi8>
        vector.transfer_write %v, %out[%c0] {in_bounds = [true]} : vector<256xi8>, memref<256xi8>
      }
    }
  }
  return
}

// -----

// Two passes bring two lines each.
// CHECK-LABEL: func @few_passes
// CHECK-COUNT-2:   memref.prefetch
// CHECK-NOT:       memref.prefetch
func.func @few_passes(%w: memref<64x256x256xi8>, %out: memref<256xi8>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c6 = arith.constant 6 : index
  %c12 = arith.constant 12 : index
  %c64 = arith.constant 64 : index
  %c256 = arith.constant 256 : index
  %zero = arith.constant 0 : i8
  scf.for %nb = %c0 to %c64 step %c1 {
    scf.for %m = %c0 to %c12 step %c6 {
      scf.for %k = %c0 to %c256 step %c1 {
        %v = vector.transfer_read %w[%nb, %k, %c0], %zero {in_bounds = [true]} : memref<64x256x256xi8>, vector<256xi8>
        vector.transfer_write %v, %out[%c0] {in_bounds = [true]} : vector<256xi8>, memref<256xi8>
      }
    }
  }
  return
}

// -----

// The panel is read once, in order.
// CHECK-LABEL: func @single_pass_untouched
// CHECK-NOT:     memref.prefetch
func.func @single_pass_untouched(%w: memref<64x256x256xi8>, %out: memref<256xi8>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %c256 = arith.constant 256 : index
  %zero = arith.constant 0 : i8
  scf.for %nb = %c0 to %c64 step %c1 {
    scf.for %k = %c0 to %c256 step %c1 {
      %v = vector.transfer_read %w[%nb, %k, %c0], %zero {in_bounds = [true]} : memref<64x256x256xi8>, vector<256xi8>
      vector.transfer_write %v, %out[%c0] {in_bounds = [true]} : vector<256xi8>, memref<256xi8>
    }
  }
  return
}

// -----

// A panel of 1 MiB fills the second cache.
// CHECK-LABEL: func @large_panels_untouched
// CHECK-NOT:     memref.prefetch
func.func @large_panels_untouched(%w: memref<64x4096x256xi8>, %out: memref<256xi8>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c6 = arith.constant 6 : index
  %c60 = arith.constant 60 : index
  %c64 = arith.constant 64 : index
  %c4096 = arith.constant 4096 : index
  %zero = arith.constant 0 : i8
  scf.for %nb = %c0 to %c64 step %c1 {
    scf.for %m = %c0 to %c60 step %c6 {
      scf.for %k = %c0 to %c4096 step %c1 {
        %v = vector.transfer_read %w[%nb, %k, %c0], %zero {in_bounds = [true]} : memref<64x4096x256xi8>, vector<256xi8>
        vector.transfer_write %v, %out[%c0] {in_bounds = [true]} : vector<256xi8>, memref<256xi8>
      }
    }
  }
  return
}
