// RUN: quant-opt %S/Inputs/mlp.mlir --quant-ptq | FileCheck %s --check-prefix=STATIC
// RUN: quant-opt %S/Inputs/mlp.mlir --quant-ptq="symmetric-activations" | FileCheck %s --check-prefix=SYMMETRIC
// RUN: quant-opt %S/Inputs/mlp.mlir --quant-ptq="symmetric-weights=false" | FileCheck %s --check-prefix=ASYMMETRIC
// RUN: quant-opt %S/Inputs/mlp.mlir --quant-ptq="granularity=per-tensor" | FileCheck %s --check-prefix=TENSOR
// RUN: quant-opt %S/Inputs/mlp.mlir --quant-ptq="weight-bits=4" | FileCheck %s --check-prefix=INT4
// RUN: quant-opt %S/Inputs/mlp.mlir --quant-ptq="weight-bits=4 granularity=per-group group-size=8" | FileCheck %s --check-prefix=GROUP
// RUN: quant-opt %S/Inputs/mlp.mlir --quant-ptq="granularity=per-group group-size=8" | FileCheck %s --check-prefix=FLOAT-GROUP
// RUN: quant-opt %S/Inputs/mlp.mlir --quant-ptq="mode=dynamic" | FileCheck %s --check-prefix=DYNAMIC
// RUN: quant-opt %S/Inputs/mlp.mlir --quant-ptq="mode=weight-only" | FileCheck %s --check-prefix=WEIGHT-ONLY
// RUN: quant-opt %S/Inputs/mlp.mlir --quant-ptq="activation-bits=32" | FileCheck %s --check-prefix=WEIGHT-ONLY
// RUN: quant-opt %S/Inputs/mlp.mlir --quant-ptq="skip=fc2" | FileCheck %s --check-prefix=SKIP
// RUN: quant-opt %S/Inputs/mlp.mlir --quant-ptq="skip-first" | FileCheck %s --check-prefix=FIRST
// RUN: quant-opt %S/Inputs/mlp.mlir --quant-ptq="skip-last" | FileCheck %s --check-prefix=SKIP
// RUN: quant-opt %S/Inputs/mlp.mlir --quant-ptq="skip-output" | FileCheck %s --check-prefix=SKIP
// RUN: quant-opt %S/Inputs/mlp.mlir --quant-ptq="mode=dynamic" -o %t.1
// RUN: quant-opt %S/Inputs/mlp.mlir --quant-ptq="mode=dynamic" -o %t.2
// RUN: cmp %t.1 %t.2

// The whole network is in integers; the ReLU is in the clamp.
// STATIC-LABEL: func @main
//   STATIC-NOT:   linalg
//       STATIC:   %[[Q:.+]] = quant.quantize %{{.+}} scale(%[[S:.+]] : tensor<f32>) zero_point(%[[Z:.+]] : tensor<i8>) : tensor<?x16xf32> -> tensor<?x16xi8>
//       STATIC:   %[[H:.+]] = quant.linear %[[Q]], %{{.+}} scale(%{{.+}} : tensor<8x1xf32>) input(%[[S]], %[[Z]] : tensor<f32>, tensor<i8>) bias(%{{.+}} : tensor<8xf32>) output(%[[S1:.+]], %[[Z1:.+]] : tensor<f32>, tensor<i8>) {{.*}}quant.weight_transposed} : tensor<?x16xi8>, tensor<8x16xi8> -> tensor<?x8xi8>
//       STATIC:   %[[Y:.+]] = quant.linear %[[H]], %{{.+}} input(%[[S1]], %[[Z1]] : tensor<f32>, tensor<i8>) bias(%{{.+}} : tensor<4xf32>) {{.*}} : tensor<?x8xi8>, tensor<4x8xi8> -> tensor<?x4xf32>
//   STATIC-NOT:   linalg
//       STATIC:   return %[[Y]]

// The range [0, 5.1] gives the zero point 0, so the ReLU is a bound.
// SYMMETRIC-LABEL: func @main
//       SYMMETRIC:   quant.linear {{.*}} {clamp_min = 0 : si64,

//   ASYMMETRIC-NOT:   linalg
//       ASYMMETRIC:   quant.linear %{{.+}}, %{{.+}} scale(%{{.+}} : tensor<8x1xf32>) zero_point(%{{.+}} : tensor<8x1xi8>) input({{.*}}) bias({{.*}}) output({{.*}} -> tensor<?x8xi8>

//       TENSOR:   quant.linear %{{.+}}, %{{.+}} scale(%{{.+}} : tensor<f32>) input({{.*}}) bias({{.*}}) output({{.*}} -> tensor<?x8xi8>

// Two weights a byte.
//       INT4:   %[[W:.+]] = quant.unpack %{{.+}} : tensor<8x8xi8> -> tensor<8x16xi4>
//       INT4:   quant.linear %{{.+}}, %[[W]] scale(%{{.+}} : tensor<8x1xf32>) input({{.*}}) bias({{.*}}) output({{.*}} : tensor<?x16xi8>, tensor<8x16xi4> -> tensor<?x8xi8>

// Integer scales of groups leave the network in integers, float scales do not.
//       GROUP:   quant.linear %{{.+}}, %{{.+}} scale(%{{.+}} : tensor<8x1xf32>) multiplier(%{{.+}} : tensor<8x2xi8>) input({{.*}}) bias({{.*}}) output({{.*}} -> tensor<?x8xi8>
//       FLOAT-GROUP:   quant.linear %{{.+}}, %{{.+}} scale(%{{.+}} : tensor<8x2xf32>) input({{.*}}) bias({{.*}} : tensor<?x16xi8>, tensor<8x16xi8> -> tensor<?x8xf32>
//  FLOAT-GROUP-NEXT:   quant.quantize

//       DYNAMIC:   %[[R:.+]] = quant.observe %[[X:.+]] : tensor<?x16xf32> -> tensor<?x1x2xf32>
//       DYNAMIC:   %[[S:.+]], %[[Z:.+]] = quant.choose_params %[[R]] {bits = 8 : i64}
//       DYNAMIC:   %[[Q:.+]] = quant.quantize %[[X]] scale(%[[S]] : tensor<?x1xf32>) zero_point(%[[Z]] : tensor<?x1xi8>)
//       DYNAMIC:   quant.linear %[[Q]], %{{.+}} scale(%{{.+}} : tensor<8x1xf32>) input(%[[S]], %[[Z]] : tensor<?x1xf32>, tensor<?x1xi8>) bias({{.*}} -> tensor<?x8xf32>
//       DYNAMIC:   arith.maximumf
//       DYNAMIC:   quant.observe

//   WEIGHT-ONLY-NOT:   quant.quantize
//       WEIGHT-ONLY:   quant.linear %{{.+}}, %{{.+}} scale(%{{.+}} : tensor<8x1xf32>) bias({{.*}} : tensor<?x16xf32>, tensor<8x16xi8> -> tensor<?x8xf32>

//       SKIP:   quant.linear {{.*}} -> tensor<?x8xf32>
//       SKIP:   linalg.matmul {{.*}}quant.skipped

//       FIRST:   linalg.matmul {{.*}}quant.skipped
//       FIRST:   quant.linear {{.*}} -> tensor<?x4xf32>
