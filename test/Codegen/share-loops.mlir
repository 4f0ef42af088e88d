// RUN: quant-opt %s --quant-share-loops | FileCheck %s

// Loops over other memory are one function, whose pointers do not alias.

memref.global "private" constant @w0 : memref<8x64xf32> = dense<1.0>
memref.global "private" constant @w1 : memref<8x64xf32> = dense<2.0>

// CHECK-LABEL: func.func private @equal_loop(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: !llvm.ptr {llvm.align = 64 : i32, llvm.noalias},
// CHECK-SAME:    %[[W:[a-z0-9]+]]: !llvm.ptr {llvm.align = 64 : i32, llvm.noalias, llvm.readonly},
// CHECK-SAME:    %[[Y:[a-z0-9]+]]: !llvm.ptr {llvm.align = 64 : i32, llvm.noalias})
// CHECK-SAME:    llvm.linkage = #llvm.linkage<internal>
// CHECK-SAME:    passthrough = ["noinline"]
// CHECK:         insertvalue %[[X]]
// CHECK:         %[[INPUT:.*]] = builtin.unrealized_conversion_cast {{.*}} to memref<512xf32>
// CHECK:         insertvalue %[[W]]
// CHECK:         %[[TABLE:.*]] = builtin.unrealized_conversion_cast {{.*}} to memref<8x64xf32>
// CHECK:         %[[WEIGHTS:.*]] = memref.collapse_shape %[[TABLE]]
// CHECK:         scf.for
// CHECK:           memref.load %[[INPUT]]
// CHECK:           memref.load %[[WEIGHTS]]
// CHECK-LABEL: func.func @equal
func.func @equal(%workspace: memref<?xi8>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %c64 = arith.constant 64 : index
  %c512 = arith.constant 512 : index
  %c2048 = arith.constant 2048 : index
  %c4096 = arith.constant 4096 : index
  %x = memref.view %workspace[%c0][] : memref<?xi8> to memref<512xf32>
  %y = memref.view %workspace[%c2048][] : memref<?xi8> to memref<512xf32>
  %z = memref.view %workspace[%c4096][] : memref<?xi8> to memref<512xf32>
  %w0 = memref.get_global @w0 : memref<8x64xf32>
  %w1 = memref.get_global @w1 : memref<8x64xf32>
  %flat_w0 = memref.collapse_shape %w0 [[0, 1]] : memref<8x64xf32> into memref<512xf32>
  %flat_w1 = memref.collapse_shape %w1 [[0, 1]] : memref<8x64xf32> into memref<512xf32>
  // CHECK-NOT: scf.for
  // CHECK: call @equal_loop(%{{.*}}, %{{.*}}, %{{.*}})
  scf.for %i = %c0 to %c512 step %c1 {
    %a = memref.load %x[%i] : memref<512xf32>
    %b = memref.load %flat_w0[%i] : memref<512xf32>
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %0, %a : f32
    %2 = arith.mulf %1, %b : f32
    %3 = arith.addf %2, %a : f32
    %4 = arith.mulf %3, %b : f32
    %5 = arith.addf %4, %a : f32
    %6 = arith.mulf %5, %b : f32
    %7 = arith.addf %6, %a : f32
    %8 = arith.mulf %7, %b : f32
    %9 = arith.addf %8, %a : f32
    %10 = arith.mulf %9, %b : f32
    %11 = arith.addf %10, %a : f32
    %12 = arith.mulf %11, %b : f32
    %13 = arith.addf %12, %a : f32
    %14 = arith.mulf %13, %b : f32
    %15 = arith.addf %14, %a : f32
    %16 = arith.mulf %15, %b : f32
    %17 = arith.addf %16, %a : f32
    memref.store %17, %y[%i] : memref<512xf32>
  }
  // CHECK: call @equal_loop(%{{.*}}, %{{.*}}, %{{.*}})
  scf.for %i = %c0 to %c512 step %c1 {
    %a = memref.load %y[%i] : memref<512xf32>
    %b = memref.load %flat_w1[%i] : memref<512xf32>
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %0, %a : f32
    %2 = arith.mulf %1, %b : f32
    %3 = arith.addf %2, %a : f32
    %4 = arith.mulf %3, %b : f32
    %5 = arith.addf %4, %a : f32
    %6 = arith.mulf %5, %b : f32
    %7 = arith.addf %6, %a : f32
    %8 = arith.mulf %7, %b : f32
    %9 = arith.addf %8, %a : f32
    %10 = arith.mulf %9, %b : f32
    %11 = arith.addf %10, %a : f32
    %12 = arith.mulf %11, %b : f32
    %13 = arith.addf %12, %a : f32
    %14 = arith.mulf %13, %b : f32
    %15 = arith.addf %14, %a : f32
    %16 = arith.mulf %15, %b : f32
    %17 = arith.addf %16, %a : f32
    memref.store %17, %z[%i] : memref<512xf32>
  }
  // It writes what it reads, which pointers that do not alias cannot say.
  // CHECK: scf.for
  scf.for %i = %c0 to %c512 step %c1 {
    %a = memref.load %z[%i] : memref<512xf32>
    %b = memref.load %flat_w1[%i] : memref<512xf32>
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %0, %a : f32
    %2 = arith.mulf %1, %b : f32
    %3 = arith.addf %2, %a : f32
    %4 = arith.mulf %3, %b : f32
    %5 = arith.addf %4, %a : f32
    %6 = arith.mulf %5, %b : f32
    %7 = arith.addf %6, %a : f32
    %8 = arith.mulf %7, %b : f32
    %9 = arith.addf %8, %a : f32
    %10 = arith.mulf %9, %b : f32
    %11 = arith.addf %10, %a : f32
    %12 = arith.mulf %11, %b : f32
    %13 = arith.addf %12, %a : f32
    %14 = arith.mulf %13, %b : f32
    %15 = arith.addf %14, %a : f32
    %16 = arith.mulf %15, %b : f32
    %17 = arith.addf %16, %a : f32
    memref.store %17, %z[%i] : memref<512xf32>
  }
  return
}

// Loops that only fill memory stay where they are.

// CHECK-LABEL: func.func @untouched
// CHECK-NOT:     call
// CHECK:         return
func.func @untouched(%workspace: memref<?xi8>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %c256 = arith.constant 256 : index
  %cst = arith.constant 0.0 : f32
  %x = memref.view %workspace[%c0][] : memref<?xi8> to memref<64xf32>
  %y = memref.view %workspace[%c256][] : memref<?xi8> to memref<64xf32>
  scf.for %i = %c0 to %c64 step %c1 {
    memref.store %cst, %x[%i] : memref<64xf32>
  }
  scf.for %i = %c0 to %c64 step %c1 {
    memref.store %cst, %y[%i] : memref<64xf32>
  }
  return
}

// The size of one buffer is that of another one, which the loop reads later.

// CHECK-LABEL: func.func private @sizes_loop(
// CHECK-SAME:    %[[SECOND:[a-z0-9]+]]: !llvm.ptr {llvm.align = 64 : i32, llvm.noalias}, %[[FIRST:[a-z0-9]+]]: !llvm.ptr {llvm.align = 64 : i32, llvm.noalias}, %[[N:[a-z0-9]+]]: index)
// CHECK:         %[[MEMORY:.*]] = builtin.unrealized_conversion_cast {{.*}} to memref<?xf32>
// CHECK:         memref.dim %[[MEMORY]]
// CHECK:         scf.for
// CHECK-LABEL: func.func @sizes
// CHECK:         call @sizes_loop
// CHECK:         call @sizes_loop
func.func @sizes(%workspace: memref<?xi8>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %c512 = arith.constant 512 : index
  %c1024 = arith.constant 1024 : index
  %c2048 = arith.constant 2048 : index
  %x = memref.view %workspace[%c0][%n] : memref<?xi8> to memref<?xf32>
  %y = memref.view %workspace[%c512][%n] : memref<?xi8> to memref<?xf32>
  %size_x = memref.dim %x, %c0 : memref<?xf32>
  %size_y = memref.dim %y, %c0 : memref<?xf32>
  %u = memref.view %workspace[%c1024][%size_x] : memref<?xi8> to memref<?xf32>
  %v = memref.view %workspace[%c2048][%size_y] : memref<?xi8> to memref<?xf32>
  scf.for %i = %c0 to %c64 step %c1 {
    %a = memref.load %u[%i] : memref<?xf32>
    %b = memref.load %x[%i] : memref<?xf32>
    %0 = arith.mulf %a, %b : f32
    memref.store %0, %u[%i] : memref<?xf32>
  }
  scf.for %i = %c0 to %c64 step %c1 {
    %a = memref.load %v[%i] : memref<?xf32>
    %b = memref.load %y[%i] : memref<?xf32>
    %0 = arith.mulf %a, %b : f32
    memref.store %0, %v[%i] : memref<?xf32>
  }
  return
}

// A vector that was read from a constant is read by the function; the number from other memory is an argument.

memref.global "private" constant @v0 : memref<4xf32> = dense<1.0>
memref.global "private" constant @v1 : memref<4xf32> = dense<2.0>

// CHECK-LABEL: func.func private @constants_loop(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: !llvm.ptr {llvm.align = 64 : i32, llvm.noalias}, %[[V:[a-z0-9]+]]: !llvm.ptr {llvm.align = 64 : i32, llvm.noalias, llvm.readonly}, %[[S:[a-z0-9]+]]: f32)
// CHECK:         insertvalue %[[V]]
// CHECK:         %[[TABLE:.*]] = builtin.unrealized_conversion_cast {{.*}} to memref<4xf32>
// CHECK:         vector.load %[[TABLE]]
// CHECK:         scf.for
// CHECK-LABEL: func.func @constants
// CHECK:         call @constants_loop
// CHECK:         call @constants_loop
func.func @constants(%workspace: memref<?xi8>) {
  %c0 = arith.constant 0 : index
  %c4 = arith.constant 4 : index
  %c64 = arith.constant 64 : index
  %c512 = arith.constant 512 : index
  %c1024 = arith.constant 1024 : index
  %x = memref.view %workspace[%c0][] : memref<?xi8> to memref<64xf32>
  %y = memref.view %workspace[%c512][] : memref<?xi8> to memref<64xf32>
  %scales = memref.view %workspace[%c1024][] : memref<?xi8> to memref<4xf32>
  %g0 = memref.get_global @v0 : memref<4xf32>
  %g1 = memref.get_global @v1 : memref<4xf32>
  %v0 = vector.load %g0[%c0] : memref<4xf32>, vector<4xf32>
  %v1 = vector.load %g1[%c0] : memref<4xf32>, vector<4xf32>
  %s = memref.load %scales[%c0] : memref<4xf32>
  scf.for %i = %c0 to %c64 step %c4 {
    %a = vector.load %x[%i] : memref<64xf32>, vector<4xf32>
    %b = arith.mulf %a, %v0 : vector<4xf32>
    %t = vector.broadcast %s : f32 to vector<4xf32>
    %c = arith.addf %b, %t : vector<4xf32>
    vector.store %c, %x[%i] : memref<64xf32>, vector<4xf32>
  }
  scf.for %i = %c0 to %c64 step %c4 {
    %a = vector.load %y[%i] : memref<64xf32>, vector<4xf32>
    %b = arith.mulf %a, %v1 : vector<4xf32>
    %t = vector.broadcast %s : f32 to vector<4xf32>
    %c = arith.addf %b, %t : vector<4xf32>
    vector.store %c, %y[%i] : memref<64xf32>, vector<4xf32>
  }
  return
}

// Nine registers are more than there are for arguments.

// CHECK-LABEL: func.func @vectors_untouched
// CHECK-NOT:     call
// CHECK:         return
func.func @vectors_untouched(%workspace: memref<?xi8>) {
  %c0 = arith.constant 0 : index
  %c36 = arith.constant 36 : index
  %c72 = arith.constant 72 : index
  %c512 = arith.constant 512 : index
  %c1024 = arith.constant 1024 : index
  %x = memref.view %workspace[%c0][] : memref<?xi8> to memref<72xf32>
  %y = memref.view %workspace[%c512][] : memref<?xi8> to memref<72xf32>
  %scales = memref.view %workspace[%c1024][] : memref<?xi8> to memref<36xf32>
  %s = vector.load %scales[%c0] : memref<36xf32>, vector<36xf32>
  scf.for %i = %c0 to %c72 step %c36 {
    %a = vector.load %x[%i] : memref<72xf32>, vector<36xf32>
    %b = arith.mulf %a, %s : vector<36xf32>
    %c = arith.addf %b, %s : vector<36xf32>
    %d = arith.addf %c, %a : vector<36xf32>
    vector.store %d, %x[%i] : memref<72xf32>, vector<36xf32>
  }
  scf.for %i = %c0 to %c72 step %c36 {
    %a = vector.load %y[%i] : memref<72xf32>, vector<36xf32>
    %b = arith.mulf %a, %s : vector<36xf32>
    %c = arith.addf %b, %s : vector<36xf32>
    %d = arith.addf %c, %a : vector<36xf32>
    vector.store %d, %y[%i] : memref<72xf32>, vector<36xf32>
  }
  return
}
