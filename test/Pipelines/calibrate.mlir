// RUN: quant-opt %S/Inputs/mlp.mlir --quant-calibrate | FileCheck %s
// RUN: quant-opt %S/Inputs/mlp.mlir --quant-calibrate="calibration-method=percentile" | FileCheck %s --check-prefix=PERCENTILE

// The inputs of both layers are observed; the second product is not computed.
//       CHECK: func.func @main({{.*}}) -> (tensor<2xf32> {quant.name = "fc1.input.range"{{.*}}}, tensor<2xf32> {quant.name = "fc2.input.range"
//       CHECK:   quant.observe
//       CHECK:   linalg.matmul
//       CHECK:   quant.observe
//   CHECK-NOT:   linalg.matmul

//       PERCENTILE: quant.name = "fc1.input.histogram"
