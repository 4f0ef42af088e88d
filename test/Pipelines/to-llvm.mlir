// RUN: quant-opt %s --quant-to-llvm="target=x86-64-v3 name=net" | FileCheck %s
// RUN: quant-opt %s --quant-to-llvm="target=x86-64-v3 name=net" | quant-translate --quant-to-object --emit=asm | FileCheck %s --check-prefix=ASM
// RUN: quant-translate --quant-to-object --target=x86-64-v3 --name=net --emit=asm %s | FileCheck %s --check-prefix=ASM
// RUN: not quant-opt %s --quant-to-llvm=name=a.b 2>&1 | FileCheck %s --check-prefix=NAME

// The result is written where the caller wants it: no copy, no workspace, no
// allocation, and constants that are aligned and shared.
// CHECK:       llvm.mlir.global private constant @[[BIAS:[^(]*]](dense<{{.*}}> : tensor<3xf32>) {addr_space = 0 : i32, alignment = 64 : i64}
// CHECK:       llvm.func internal @net_main_workspace_size(
// CHECK:         %[[NONE:.*]] = llvm.mlir.constant(0 : index) : i64
// CHECK:         llvm.return %[[NONE]]
// CHECK-NOT:   malloc
// CHECK-NOT:   memcpy
// CHECK:       llvm.func @net_run(%{{.*}}: !llvm.ptr) -> i32
// CHECK:       llvm.func @net_workspace_size(%{{.*}}: !llvm.ptr) -> i64
// CHECK:       llvm.mlir.global external constant @net_metadata
// CHECK:       llvm.func internal @net_main(
// CHECK:         llvm.mlir.addressof @[[BIAS]]
// CHECK-NOT:     fastmath

// ASM: net_run:
// ASM: net_workspace_size:
// ASM: net_metadata:

// NAME: error: 'a.b' cannot begin C names; use letters, digits and '_'
func.func @main(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %b = arith.constant dense<[1.0, 2.0, -3.0]> : tensor<3xf32>
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x3xf32>
  %e = tensor.empty(%n) : tensor<?x3xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (n)>,
                       affine_map<(m, n) -> (m, n)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%x, %b : tensor<?x3xf32>, tensor<3xf32>)
      outs(%e : tensor<?x3xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %s = arith.addf %a, %c : f32
    linalg.yield %s : f32
  } -> tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}
