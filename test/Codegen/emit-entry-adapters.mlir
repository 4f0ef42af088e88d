// RUN: quant-opt %s --quant-emit-entry=name=net | FileCheck %s

module attributes {llvm.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64">} {
func.func private @main_workspace_size(%n: index, %adapters: index, %parts: index) -> index {
  return %n : index
}
func.func @main(
    %x: memref<?x4xf32> {quant.name = "x", quant.shape = affine_map<(d0, d1, d2) -> (d0, 4)>},
    %scales: memref<?x64xf32> {quant.name = "adapter_scales", quant.shape = affine_map<(d0, d1, d2) -> (d1, 64)>},
    %values: memref<?x64xf32> {quant.name = "adapter_values", quant.shape = affine_map<(d0, d1, d2) -> (d1, 64)>},
    %slots: memref<?xi32> {quant.name = "adapter_slots", quant.shape = affine_map<(d0, d1, d2) -> (d2)>},
    %y: memref<?xf32> {quant.output, quant.name = "y", quant.shape = affine_map<(d0, d1, d2) -> (d0)>},
    %workspace: memref<?xi8> {quant.workspace})
    attributes {quant.dims = ["n", "adapters", "adapter_parts"], quant.workspace_size = @main_workspace_size,
                quant.adapters = {storage = f32, max_rank = 4 : i64, layers = [{name = "fc", inputs = 4 : i64, outputs = 1 : i64}]}} {
  return
}
}

// A caller gives one input, one dimension and two pointers; null means that no
// row has an adapter, or that all have the first.
// CHECK-LABEL: func.func @net_run(
// CHECK-SAME:    %[[ARGS:.*]]: !llvm.ptr) -> i32
// CHECK:         llvm.getelementptr %[[ARGS]][0, 0, 0]
// CHECK:         %[[ADAPTERS_FIELD:.*]] = llvm.getelementptr %[[ARGS]][0, 5]
// CHECK:         %[[ADAPTERS:.*]] = llvm.load %[[ADAPTERS_FIELD]]
// CHECK:         %[[ROWS_FIELD:.*]] = llvm.getelementptr %[[ARGS]][0, 6]
// CHECK:         %[[ROWS:.*]] = llvm.load %[[ROWS_FIELD]]
// CHECK:         %[[NONE:.*]] = llvm.icmp "eq" %[[ADAPTERS]]
// CHECK:         %[[ALL:.*]] = llvm.getelementptr
// CHECK:         %[[SLOTS:.*]] = arith.select %{{.*}}, %[[ALL]], %[[ROWS]]
// CHECK:         %[[PARTS:.*]] = arith.select
// CHECK:         call @net_main(%{{.*}}, %[[ADAPTERS]], %[[ADAPTERS]], %[[SLOTS]], %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %[[PARTS]])
// CHECK:       llvm.mlir.global internal constant @net_slot_of_all(dense<[0, -1]> : tensor<2xi32>)
// CHECK:       llvm.mlir.global external constant @net_metadata("{{.*}}\22adapters\22:{\22dtype\22:\22float32\22,\22layers\22:[{\22inputs\22:4,\22name\22:\22fc\22,\22outputs\22:1}],\22max_rank\22:4},\22dims\22:[\22n\22],\22inputs\22:[{
