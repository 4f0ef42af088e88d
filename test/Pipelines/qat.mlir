// RUN: quant-opt %S/Inputs/mlp.mlir --quant-qat | FileCheck %s
// RUN: quant-opt %S/Inputs/mlp.mlir --quant-qat="mode=dynamic granularity=per-tensor" | FileCheck %s --check-prefix=DYNAMIC
// RUN: quant-opt %S/Inputs/mlp.mlir --quant-qat="skip=.*" | FileCheck %s --check-prefix=SKIP

// CHECK-LABEL: func @main
//       CHECK:   %[[X:.+]] = quant.fake_quant %{{.+}} scale(%{{.+}} : tensor<f32>) zero_point(%{{.+}} : tensor<i8>) {bits = 8 : i64} : tensor<?x16xf32>
//       CHECK:   %[[W:.+]] = quant.fake_quant %{{.+}} scale(%{{.+}} : tensor<8x1xf32>) {bits = 8 : i64} : tensor<8x16xf32>
//       CHECK:   linalg.matmul {{.*}} ins(%[[X]], %[[W]] :
//       CHECK:   quant.fake_quant
//       CHECK:   quant.fake_quant
//       CHECK:   linalg.matmul
//   CHECK-NOT:   quant.linear

// DYNAMIC-LABEL: func @main
//       DYNAMIC:   quant.fake_quant %{{.+}} scale(%{{.+}} : tensor<?x1xf32>) zero_point(%{{.+}} : tensor<?x1xi8>) {bits = 8 : i64} : tensor<?x16xf32>
//       DYNAMIC:   quant.fake_quant %{{.+}} scale(%{{.+}} : tensor<f32>) {bits = 8 : i64} : tensor<8x16xf32>

//   SKIP-NOT:   quant.fake_quant
