// RUN: quant-opt %s --quant-set-target=target=x86-64-v4 --quant-prefetch-panels --split-input-file | FileCheck %s

// Ten passes of 256 steps over a panel: 26 elements of the next one in a step.
// Four cache lines of this one, 16 lines later.
// CHECK-LABEL: func @rows_in_blocks
// CHECK-SAME:    %[[W:.+]]: memref<64x256x256xi8>
// CHECK:         scf.for %[[NB:.+]] = %c0 to %c64 step %c1
// CHECK:           %[[LAST:.+]] = arith.subi %c64, %c1
// CHECK:           %[[NEXT:.+]] = arith.addi %[[NB]], %c1
// CHECK:           %[[CLAMPED:.+]] = arith.minui %[[NEXT]], %[[LAST]]
// CHECK:           %[[PER_PASS:.+]] = arith.muli %c26{{.*}}, %c256
// CHECK:           scf.for %[[M:.+]] = %c0 to %c60 step %c6
// CHECK:             %[[START:.+]] = arith.subi %[[M]], %c0
// CHECK:             %[[PASS:.+]] = arith.divui %[[START]], %c6
// CHECK:             %[[FIRST:.+]] = arith.muli %[[PASS]], %[[PER_PASS]]
// CHECK:             scf.for %[[K:.+]] =
// CHECK:               %[[DONE:.+]] = arith.muli %[[K]], %c26
// CHECK:               %[[ELEMENT:.+]] = arith.addi %[[FIRST]], %[[DONE]]
// CHECK:               %[[OFFSET:.+]] = arith.addi %[[ELEMENT]], %c0
// CHECK:               memref.prefetch %[[W]][%[[CLAMPED]], %c0{{.*}}, %[[OFFSET]]], read, locality<2>, data
// CHECK-NOT:           locality<2>
// CHECK:               %[[AHEAD:.+]] = arith.addi %c0, %c1024
// CHECK:               memref.prefetch %[[W]][%[[NB]], %[[K]], %[[AHEAD]]], read, locality<3>, data
// CHECK-COUNT-3:       memref.prefetch {{.*}} locality<3>
// CHECK-NOT:           memref.prefetch
// CHECK:               vector.transfer_read %[[W]][%[[NB]], %[[K]], %c0]
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
// CHECK-COUNT-2:   memref.prefetch {{.*}} locality<2>
// CHECK-NOT:       locality<2>
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

// A panel of 1 MiB fills the second cache: there is no room for the next one.
// CHECK-LABEL: func @large_panels
// CHECK-NOT:     locality<2>
// CHECK:         memref.prefetch {{.*}} locality<3>
// CHECK-NOT:     locality<2>
func.func @large_panels(%w: memref<64x4096x256xi8>, %out: memref<256xi8>) {
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
// -----

// A panel of 16 KiB stays in the first cache.
// CHECK-LABEL: func @small_panels
// CHECK:         memref.prefetch {{.*}} locality<2>
// CHECK-NOT:     memref.prefetch
func.func @small_panels(%w: memref<64x64x256xi8>, %out: memref<256xi8>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c6 = arith.constant 6 : index
  %c60 = arith.constant 60 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant 0 : i8
  scf.for %nb = %c0 to %c64 step %c1 {
    scf.for %m = %c0 to %c60 step %c6 {
      scf.for %k = %c0 to %c64 step %c1 {
        %v = vector.transfer_read %w[%nb, %k, %c0], %zero {in_bounds = [true]} : memref<64x64x256xi8>, vector<256xi8>
        vector.transfer_write %v, %out[%c0] {in_bounds = [true]} : vector<256xi8>, memref<256xi8>
      }
    }
  }
  return
}

// -----

// How many passes there are shows when the program runs; there may be none.
// CHECK-LABEL: func @unknown_rows
// CHECK-SAME:    %[[ROWS:[a-z0-9]+]]: index
// CHECK:         scf.for
// CHECK:           %[[RANGE:.+]] = arith.subi %[[ROWS]], %c0
// CHECK:           %[[PASSES:.+]] = arith.ceildivui %[[RANGE]], %c6
// CHECK:           %[[DIVISOR:.+]] = arith.maxui %[[PASSES]], %c1
// CHECK:           %[[PER_STEP:.+]] = arith.ceildivui %c256{{.*}}, %[[DIVISOR]]
// CHECK:           %[[PER_PASS:.+]] = arith.muli %[[PER_STEP]], %c64
// CHECK:           scf.for
// CHECK-COUNT-1:     memref.prefetch {{.*}} locality<2>
// CHECK-NOT:         memref.prefetch
func.func @unknown_rows(%w: memref<64x64x256xi8>, %rows: index, %out: memref<256xi8>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c6 = arith.constant 6 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant 0 : i8
  scf.for %nb = %c0 to %c64 step %c1 {
    scf.for %m = %c0 to %rows step %c6 {
      scf.for %k = %c0 to %c64 step %c1 {
        %v = vector.transfer_read %w[%nb, %k, %c0], %zero {in_bounds = [true]} : memref<64x64x256xi8>, vector<256xi8>
        vector.transfer_write %v, %out[%c0] {in_bounds = [true]} : vector<256xi8>, memref<256xi8>
      }
    }
  }
  return
}

// -----

// A panel of its own, such as one of unpacked weights, in two loops over K.
// CHECK-LABEL: func @groups_of_one_panel
// CHECK-NOT:     locality<2>
// CHECK:         scf.for %[[M:.+]] =
// CHECK:           scf.for %[[G:.+]] =
// CHECK:             scf.for %[[K:.+]] =
// CHECK:               memref.prefetch %{{.+}}[%[[G]], %[[K]], %{{.+}}], read, locality<3>, data
// CHECK-NOT:     locality<2>
func.func @groups_of_one_panel(%w: memref<32x8x256xi8>, %rows: index, %out: memref<256xi8>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c6 = arith.constant 6 : index
  %c8 = arith.constant 8 : index
  %c32 = arith.constant 32 : index
  %zero = arith.constant 0 : i8
  scf.for %m = %c0 to %rows step %c6 {
    scf.for %g = %c0 to %c32 step %c1 {
      scf.for %k = %c0 to %c8 step %c1 {
        %v = vector.transfer_read %w[%g, %k, %c0], %zero {in_bounds = [true]} : memref<32x8x256xi8>, vector<256xi8>
        vector.transfer_write %v, %out[%c0] {in_bounds = [true]} : vector<256xi8>, memref<256xi8>
      }
    }
  }
  return
}

// -----

// Each iteration of the loop around reads other weights.
// CHECK-LABEL: func @other_rows_untouched
// CHECK-NOT:     memref.prefetch
func.func @other_rows_untouched(%x: memref<4096x65536xi8>, %rows: index, %out: memref<256xi8>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c6 = arith.constant 6 : index
  %c65536 = arith.constant 65536 : index
  %zero = arith.constant 0 : i8
  scf.for %m = %c0 to %rows step %c6 {
    %next = arith.addi %m, %c1 : index
    scf.for %k = %c0 to %c65536 step %c1 {
      %v = vector.transfer_read %x[%next, %k], %zero {in_bounds = [true]} : memref<4096x65536xi8>, vector<256xi8>
      vector.transfer_write %v, %out[%c0] {in_bounds = [true]} : vector<256xi8>, memref<256xi8>
    }
  }
  return
}

// -----

// A block of K: of the next panel the same block. The sums, which the rows read
// before, are no weights.
// CHECK-LABEL: func @blocks_of_depth
// CHECK-SAME:    %[[W:.+]]: memref<64x4096x64xf32>
// CHECK:         scf.for %[[BLOCK:.+]] = %c0 to %c4096 step %c1024
// CHECK:           scf.for %[[NB:.+]] =
// CHECK:             %[[NEXT:.+]] = arith.minui
// CHECK:             scf.for %[[M:.+]] =
// CHECK-NOT:           memref.prefetch
// CHECK:               vector.transfer_read
// CHECK:               scf.for %[[K:.+]] = %c0 to %c1024
// CHECK:                 %[[AT:.+]] = affine.apply #{{.+}}(%[[BLOCK]], %[[K]])
// CHECK:                 %[[FIRST:.+]] = affine.apply #{{.+}}(%[[BLOCK]], %c0)
// CHECK:                 memref.prefetch %[[W]][%[[NEXT]], %[[FIRST]], %{{.+}}], read, locality<2>, data
// CHECK:                 memref.prefetch %[[W]][%[[NB]], %[[AT]], %{{.+}}], read, locality<3>, data
// CHECK-COUNT-3:         memref.prefetch {{.*}} locality<3>
// CHECK-NOT:     memref.prefetch
#sum = affine_map<(d0, d1) -> (d0 + d1)>
func.func @blocks_of_depth(%w: memref<64x4096x64xf32>, %sums: memref<60x64x64xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c6 = arith.constant 6 : index
  %c60 = arith.constant 60 : index
  %c64 = arith.constant 64 : index
  %c1024 = arith.constant 1024 : index
  %c4096 = arith.constant 4096 : index
  %zero = arith.constant 0.0 : f32
  scf.for %block = %c0 to %c4096 step %c1024 {
    scf.for %nb = %c0 to %c64 step %c1 {
      scf.for %m = %c0 to %c60 step %c6 {
        %start = vector.transfer_read %sums[%m, %nb, %c0], %zero {in_bounds = [true]} : memref<60x64x64xf32>, vector<64xf32>
        %sum = scf.for %k = %c0 to %c1024 step %c1 iter_args(%acc = %start) -> (vector<64xf32>) {
          %at = affine.apply #sum(%block, %k)
          %v = vector.transfer_read %w[%nb, %at, %c0], %zero {in_bounds = [true]} : memref<64x4096x64xf32>, vector<64xf32>
          %next = arith.addf %acc, %v : vector<64xf32>
          scf.yield %next : vector<64xf32>
        }
        vector.transfer_write %sum, %sums[%m, %nb, %c0] {in_bounds = [true]} : vector<64xf32>, memref<60x64x64xf32>
      }
    }
  }
  return
}

// -----

// A window that moves: most of what it reads is near.
// CHECK-LABEL: func @windows_untouched
// CHECK-NOT:     memref.prefetch
#at = affine_map<(d0, d1) -> (d0 + d1)>
func.func @windows_untouched(%x: memref<512x64xf32>, %rows: index, %out: memref<64xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %c510 = arith.constant 510 : index
  %zero = arith.constant 0.0 : f32
  scf.for %channel = %c0 to %rows step %c1 {
    scf.for %place = %c0 to %c510 step %c1 {
      scf.for %k = %c0 to %c3 step %c1 {
        %at = affine.apply #at(%place, %k)
        %v = vector.transfer_read %x[%at, %c0], %zero {in_bounds = [true]} : memref<512x64xf32>, vector<64xf32>
        vector.transfer_write %v, %out[%c0] {in_bounds = [true]} : vector<64xf32>, memref<64xf32>
      }
    }
  }
  return
}
