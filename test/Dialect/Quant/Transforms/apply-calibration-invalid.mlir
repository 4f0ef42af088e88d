// RUN: not quant-opt %s --quant-apply-calibration="calibration=%S/Inputs/calibration.json" 2>&1 | FileCheck %s
// RUN: not quant-opt %s --quant-apply-calibration="calibration=%S/Inputs/calibration.json calibration-method=percentile percentile=20" 2>&1 | FileCheck %s --check-prefix=PERCENTILE
// RUN: not quant-opt %s --quant-apply-calibration 2>&1 | FileCheck %s --check-prefix=NO-FILE
// RUN: not quant-opt %s --quant-apply-calibration="calibration=%t.missing" 2>&1 | FileCheck %s --check-prefix=MISSING
// RUN: not quant-opt %s --quant-apply-calibration="calibration=%s" 2>&1 | FileCheck %s --check-prefix=NOT-JSON

// Every layer that fails is named.
// CHECK-NOT: fc1
// CHECK: calibration.json:0:0: error: 'nan.input' was NaN 2 times; look for NaN in the data and in the weights before it
// CHECK: calibration.json:0:0: error: 'no_samples.input' has no samples; calibrate with at least one
// CHECK: calibration.json:0:0: error: 'infinite.input' had no finite element; look for NaN and infinities in the data and in the weights before it
// CHECK: calibration.json:0:0: error: 'unknown.input' has no statistics; calibrate this model
// PERCENTILE: error: 'fc1.input' has no percentile 20; expects 50 to 100
// NO-FILE: error: loc("fc1"): is quantized statically, which needs the range of its input; give a calibration file or choose mode=dynamic
// MISSING: error: {{.*}}.missing: No such file or directory
// NOT-JSON: error: {{.*}}apply-calibration-invalid.mlir: is not JSON
func.func @layers(%x: tensor<3x8xf32>) -> tensor<3x4xf32> {
  %zero = arith.constant dense<0.0> : tensor<3x4xf32>
  %w = arith.constant dense<1.0> : tensor<8x4xf32>
  %0 = linalg.matmul {quant.config = {granularity = "per_channel", mode = "static", weight_bits = 8 : i64}}
      ins(%x, %w : tensor<3x8xf32>, tensor<8x4xf32>) outs(%zero : tensor<3x4xf32>) -> tensor<3x4xf32> loc("fc1")
  %1 = linalg.matmul {quant.config = {granularity = "per_channel", mode = "static", weight_bits = 8 : i64}}
      ins(%x, %w : tensor<3x8xf32>, tensor<8x4xf32>) outs(%zero : tensor<3x4xf32>) -> tensor<3x4xf32> loc("nan")
  %2 = linalg.matmul {quant.config = {granularity = "per_channel", mode = "static", weight_bits = 8 : i64}}
      ins(%x, %w : tensor<3x8xf32>, tensor<8x4xf32>) outs(%zero : tensor<3x4xf32>) -> tensor<3x4xf32> loc("no_samples")
  %3 = linalg.matmul {quant.config = {granularity = "per_channel", mode = "static", weight_bits = 8 : i64}}
      ins(%x, %w : tensor<3x8xf32>, tensor<8x4xf32>) outs(%zero : tensor<3x4xf32>) -> tensor<3x4xf32> loc("infinite")
  %4 = linalg.matmul {quant.config = {granularity = "per_channel", mode = "static", weight_bits = 8 : i64}}
      ins(%x, %w : tensor<3x8xf32>, tensor<8x4xf32>) outs(%zero : tensor<3x4xf32>) -> tensor<3x4xf32> loc("unknown")
  return %4 : tensor<3x4xf32>
}
