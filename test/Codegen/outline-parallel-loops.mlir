// RUN: quant-opt %s --allow-unregistered-dialect --quant-outline-parallel-loops --split-input-file | FileCheck %s

// The part gets pointers that do not alias, as the program did, and computes
// views and index arithmetic again.
// CHECK-LABEL: func.func private @net_main_part_0(
//  CHECK-SAME:     %[[THREADS:[a-z0-9]+]]: index, %[[X:[a-z0-9]+]]: !llvm.ptr {llvm.noalias}, %[[VALUE:[a-z0-9]+]]: f32, %[[T:[a-z0-9]+]]: index)
//  CHECK-SAME:     llvm.linkage = #llvm.linkage<internal>
//       CHECK:   %[[TWO:.+]] = arith.muli %[[THREADS]], %c2
//       CHECK:   %[[P:.+]] = llvm.getelementptr %[[X]]
//       CHECK:   "test.use"(%[[P]], %[[TWO]], %[[VALUE]], %[[T]])
//       CHECK:   return

// CHECK-LABEL: func.func private @net_main_task_0(
//  CHECK-SAME:     %[[DATA:[a-z0-9]+]]: !llvm.ptr, %[[I:[a-z0-9]+]]: i64)
//       CHECK:   llvm.getelementptr %[[DATA]][0, 0]
//       CHECK:   llvm.load %{{.*}} : !llvm.ptr -> i64
//       CHECK:   llvm.load %{{.*}} : !llvm.ptr -> !llvm.ptr
//       CHECK:   llvm.load %{{.*}} : !llvm.ptr -> f32
//       CHECK:   %[[THREAD:.+]] = arith.index_cast %[[I]] : i64 to index
//       CHECK:   call @net_main_part_0(

// With one thread the executor is not called.
// CHECK-LABEL: func.func private @net_main(
//  CHECK-SAME:     %{{.+}}: !llvm.ptr {llvm.noalias}, %[[EXECUTOR:[a-z0-9]+]]: !llvm.ptr, %[[N:[a-z0-9]+]]: index)
//       CHECK:   %[[STRUCT:.+]] = llvm.alloca %{{.+}} x !llvm.struct<(i64, ptr, f32)>
//       CHECK:   llvm.store %{{.*}}, %{{.*}} : i64, !llvm.ptr
//       CHECK:   llvm.store %{{.*}}, %{{.*}} : !llvm.ptr, !llvm.ptr
//       CHECK:   llvm.store %{{.*}}, %{{.*}} : f32, !llvm.ptr
//       CHECK:   %[[COUNT:.+]] = arith.index_cast %[[N]] : index to i64
//       CHECK:   %[[ONE:.+]] = arith.cmpi sle, %[[COUNT]], %c1
//       CHECK:   scf.if %[[ONE]] {
//       CHECK:     func.call @net_main_task_0(%[[STRUCT]], %c0
//       CHECK:   } else {
//       CHECK:     %[[FIELD:.+]] = llvm.getelementptr %[[EXECUTOR]][0, 0]
//       CHECK:     %[[FOR:.+]] = llvm.load %[[FIELD]] : !llvm.ptr -> !llvm.ptr
//       CHECK:     constant @net_main_task_0
//       CHECK:     llvm.call %[[FOR]](%[[EXECUTOR]], %{{.+}}, %[[STRUCT]], %[[COUNT]])
//   CHECK-NOT:   scf.parallel
func.func private @net_main(%x: !llvm.ptr {llvm.noalias}, %executor: !llvm.ptr {quant.executor = 4 : i64}, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %value = llvm.load %x : !llvm.ptr -> f32
  %twice = arith.muli %n, %c2 : index
  %p = llvm.getelementptr %x[4] : (!llvm.ptr) -> !llvm.ptr, f32
  scf.parallel (%t) = (%c0) to (%n) step (%c1) {
    "test.use"(%p, %twice, %value, %t) : (!llvm.ptr, index, f32, index) -> ()
  }
  return
}

// -----

// A loop of a program without executor.
// CHECK-LABEL: func.func @other_untouched(
//       CHECK:   scf.parallel
func.func @other_untouched(%n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.parallel (%t) = (%c0) to (%n) step (%c1) {
    "test.use"(%t) : (index) -> ()
  }
  return
}
