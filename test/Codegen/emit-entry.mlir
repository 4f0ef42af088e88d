// RUN: quant-opt %s --quant-emit-entry=name=net | FileCheck %s

module attributes {llvm.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64">} {
func.func private @main_workspace_size(%n: index) -> index {
  return %n : index
}
func.func @main(
    %x: memref<?x4xf32> {quant.name = "x",
                         quant.shape = affine_map<(d0) -> (d0 * 2, 4)>},
    %y: memref<2xf32> {quant.output, quant.name = "y",
                       quant.shape = affine_map<(d0) -> (2)>},
    %workspace: memref<?xi8> {quant.workspace})
    attributes {quant.dims = ["n"], quant.workspace_size = @main_workspace_size} {
  %c0 = arith.constant 0 : index
  %value = memref.load %x[%c0, %c0] : memref<?x4xf32>
  memref.store %value, %y[%c0] : memref<2xf32>
  return
}
}

// CHECK:       func.func private @net_main_workspace_size(%{{.*}}: index) -> index
// CHECK-SAME:    llvm.linkage = #llvm.linkage<internal>

// The arguments are checked before anything is read through them.
// CHECK-LABEL: func.func @net_run(
// CHECK-SAME:    %[[ARGS:.*]]: !llvm.ptr) -> i32
// CHECK:         %[[NO_ARGS:.*]] = llvm.icmp "eq" %[[ARGS]]
// CHECK:         cf.cond_br %[[NO_ARGS]]
// CHECK:         %[[DIMS_FIELD:.*]] = llvm.getelementptr %[[ARGS]][0, 2]
// CHECK:         %[[DIMS:.*]] = llvm.load %[[DIMS_FIELD]]
// CHECK:         %[[NO_DIMS:.*]] = llvm.icmp "eq" %[[DIMS]]
// CHECK:         cf.cond_br %[[NO_DIMS]]
// CHECK:         arith.cmpi ugt
// CHECK:         cf.cond_br
// CHECK:         %[[X_FIELD:.*]] = llvm.getelementptr %[[ARGS]][0, 0, 0]
// CHECK:         %[[X:.*]] = llvm.load %[[X_FIELD]]
// CHECK:         %[[Y_FIELD:.*]] = llvm.getelementptr %[[ARGS]][0, 1, 0]
// CHECK:         %[[Y:.*]] = llvm.load %[[Y_FIELD]]
// CHECK:         %[[WORKSPACE_FIELD:.*]] = llvm.getelementptr %[[ARGS]][0, 3]
// CHECK:         %[[WORKSPACE:.*]] = llvm.load %[[WORKSPACE_FIELD]]
// CHECK:         call @net_main(%[[X]], %[[Y]], %[[WORKSPACE]], %{{.*}})

// CHECK-LABEL: func.func @net_workspace_size(
// CHECK-SAME:    !llvm.ptr) -> i64
// CHECK:         call @net_main_workspace_size(

// CHECK:       llvm.mlir.global external constant @net_metadata("{\22abi_version\22:2,\22dims\22:[\22n\22],\22inputs\22:[{\22dtype\22:\22float32\22,\22name\22:\22x\22,\22shape\22:{{\[\[}}\22*\22,\22n\22,2],4]}]

// CHECK-LABEL: func.func private @net_main(
// CHECK-SAME:    !llvm.ptr {llvm.noalias, llvm.readonly}, %{{.*}}: !llvm.ptr {llvm.noalias}, %{{.*}}: !llvm.ptr {llvm.noalias}, %{{.*}}: index)
// CHECK-SAME:    llvm.linkage = #llvm.linkage<internal>
