// RUN: quant-opt %s --quant-emit-entry=name=net | FileCheck %s

// In place of a null executor the program gets one of a single thread.
module attributes {llvm.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64">} {
func.func private @main_workspace_size() -> index {
  %n = arith.constant 64 : index
  return %n : index
}
func.func @main(
    %y: memref<2xf32> {quant.output, quant.name = "y", quant.shape = affine_map<() -> (2)>},
    %executor: !llvm.ptr {quant.executor = 4 : i64},
    %workspace: memref<?xi8> {quant.workspace})
    attributes {quant.dims = [], quant.workspace_size = @main_workspace_size} {
  return
}
}

// CHECK-LABEL: func.func @net_run(
// CHECK-SAME:    %[[ARGS:.*]]: !llvm.ptr) -> i32
// CHECK:         %[[FIELD:.*]] = llvm.getelementptr %[[ARGS]][0, 4]
// CHECK:         %[[GIVEN:.*]] = llvm.load %[[FIELD]] : !llvm.ptr -> !llvm.ptr
// CHECK:         %[[NULL:.*]] = llvm.icmp "eq" %[[GIVEN]]
// CHECK:         %[[SERIAL:.*]] = llvm.mlir.addressof @net_serial
// CHECK:         %[[EXECUTOR:.*]] = arith.select %[[NULL]], %[[SERIAL]], %[[GIVEN]]
// CHECK:         call @net_main(%{{.*}}, %[[EXECUTOR]], %{{.*}})
// CHECK:       llvm.mlir.global internal constant @net_serial()
// CHECK:         llvm.mlir.constant(1 : i64)
// CHECK:       \22threads\22:4
