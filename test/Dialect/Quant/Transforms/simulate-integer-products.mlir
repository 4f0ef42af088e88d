// RUN: quant-opt %s --quant-simulate-integer-products --split-input-file | FileCheck %s

#scalar = affine_map<() -> ()>
#all = affine_map<(d0, d1) -> (d0, d1)>
#one = affine_map<(d0, d1) -> ()>

// The scale of the input is computed, that of the weight is in the body.
// CHECK-LABEL: func @scaled
// CHECK-SAME: %[[X:.+]]: tensor<?x6xi8>, %[[S:.+]]: tensor<f32>, %[[Z:.+]]: tensor<i8>
func.func @scaled(%x: tensor<?x6xi8>, %s: tensor<f32>, %z: tensor<i8>, %a: tensor<?x6xi32>,
                  %b: tensor<6x4xi32>, %c: tensor<?x4xi32>, %y: tensor<?x4xf32>, %e: tensor<f32>)
    -> tensor<?x4xf32> {
  %w = arith.constant dense<3> : tensor<6x4xi8>
  %zero = arith.constant 0 : i32
  %factor = arith.constant 0.5 : f32
  // CHECK-DAG: %[[W:.+]] = arith.constant dense<3> : tensor<6x4xi8>
  // CHECK-DAG: %[[SW:.+]] = arith.constant dense<5.000000e-01> : tensor<f32>
  // CHECK-DAG: %[[FX:.+]] = quant.dequantize %[[X]] scale(%[[S]] : tensor<f32>) zero_point(%[[Z]] : tensor<i8>)
  // CHECK-DAG: %[[FW:.+]] = quant.dequantize %[[W]] scale(%[[SW]] : tensor<f32>) : tensor<6x4xi8>
  // CHECK: %[[Y:.+]] = linalg.matmul ins(%[[FX]], %[[FW]] : tensor<?x6xf32>, tensor<6x4xf32>)
  // CHECK: return %[[Y]]
  %xi = linalg.generic {indexing_maps = [#all, #one, #all], iterator_types = ["parallel", "parallel"]}
      ins(%x, %z : tensor<?x6xi8>, tensor<i8>) outs(%a : tensor<?x6xi32>) {
  ^bb0(%q: i8, %p: i8, %out: i32):
    %0 = arith.extsi %q : i8 to i32
    %1 = arith.extsi %p : i8 to i32
    %2 = arith.subi %0, %1 : i32
    linalg.yield %2 : i32
  } -> tensor<?x6xi32>
  %wi = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]}
      ins(%w : tensor<6x4xi8>) outs(%b : tensor<6x4xi32>) {
  ^bb0(%q: i8, %out: i32):
    %0 = arith.extsi %q : i8 to i32
    linalg.yield %0 : i32
  } -> tensor<6x4xi32>
  %init = linalg.fill ins(%zero : i32) outs(%c : tensor<?x4xi32>) -> tensor<?x4xi32>
  %product = linalg.matmul ins(%xi, %wi : tensor<?x6xi32>, tensor<6x4xi32>)
      outs(%init : tensor<?x4xi32>) -> tensor<?x4xi32>
  %float = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]}
      ins(%product : tensor<?x4xi32>) outs(%y : tensor<?x4xf32>) {
  ^bb0(%in: i32, %out: f32):
    %0 = arith.sitofp %in : i32 to f32
    linalg.yield %0 : f32
  } -> tensor<?x4xf32>
  %scale = linalg.generic {indexing_maps = [#scalar, #scalar], iterator_types = []}
      ins(%s : tensor<f32>) outs(%e : tensor<f32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.mulf %in, %factor : f32
    linalg.yield %0 : f32
  } -> tensor<f32>
  %result = linalg.generic {indexing_maps = [#all, #one, #all], iterator_types = ["parallel", "parallel"]}
      ins(%float, %scale : tensor<?x4xf32>, tensor<f32>) outs(%y : tensor<?x4xf32>) {
  ^bb0(%in: f32, %factors: f32, %out: f32):
    %0 = arith.mulf %in, %factors : f32
    linalg.yield %0 : f32
  } -> tensor<?x4xf32>
  return %result : tensor<?x4xf32>
}

// -----

#all = affine_map<(d0, d1) -> (d0, d1)>
#column = affine_map<(d0, d1) -> (d1)>

// Unsigned bytes are shifted, and all parameters are by column if one is.
// CHECK-LABEL: func @unsigned
// CHECK-SAME: %[[X:.+]]: tensor<?x6xi8>
func.func @unsigned(%x: tensor<?x6xi8>, %a: tensor<?x6xi32>, %b: tensor<6x2xi32>,
                    %c: tensor<?x2xi32>, %y: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<-1> : tensor<6x2xi8>
  %zw = arith.constant dense<[-128, 2]> : tensor<2xi8>
  %z = arith.constant 130 : i32
  %zero = arith.constant 0 : i32
  %factor = arith.constant 0.5 : f32
  // CHECK-DAG: %[[W:.+]] = arith.constant dense<127> : tensor<6x2xi8>
  // CHECK-DAG: %[[ZW:.+]] = arith.constant dense<{{\[\[}}0, -126]]> : tensor<1x2xi8>
  // CHECK-DAG: %[[SW:.+]] = arith.constant dense<5.000000e-01> : tensor<1x2xf32>
  // CHECK-DAG: %[[Z:.+]] = arith.constant dense<2> : tensor<i8>
  // CHECK-DAG: %[[ONE:.+]] = arith.constant dense<1.000000e+00> : tensor<f32>
  // CHECK: %[[Q:.+]] = linalg.generic {{.*}} ins(%[[X]]
  // CHECK: arith.xori
  // CHECK-DAG: %[[FX:.+]] = quant.dequantize %[[Q]] scale(%[[ONE]] : tensor<f32>) zero_point(%[[Z]] : tensor<i8>)
  // CHECK-DAG: %[[FW:.+]] = quant.dequantize %[[W]] scale(%[[SW]] : tensor<1x2xf32>) zero_point(%[[ZW]] : tensor<1x2xi8>)
  // CHECK: linalg.matmul ins(%[[FX]], %[[FW]]
  %xi = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x6xi8>) outs(%a : tensor<?x6xi32>) {
  ^bb0(%q: i8, %out: i32):
    %0 = arith.extui %q : i8 to i32
    %1 = arith.subi %0, %z : i32
    linalg.yield %1 : i32
  } -> tensor<?x6xi32>
  %wi = linalg.generic {indexing_maps = [#all, #column, #all], iterator_types = ["parallel", "parallel"]}
      ins(%w, %zw : tensor<6x2xi8>, tensor<2xi8>) outs(%b : tensor<6x2xi32>) {
  ^bb0(%q: i8, %p: i8, %out: i32):
    %0 = arith.extui %q : i8 to i32
    %1 = arith.extui %p : i8 to i32
    %2 = arith.subi %0, %1 : i32
    linalg.yield %2 : i32
  } -> tensor<6x2xi32>
  %init = linalg.fill ins(%zero : i32) outs(%c : tensor<?x2xi32>) -> tensor<?x2xi32>
  %product = linalg.matmul ins(%xi, %wi : tensor<?x6xi32>, tensor<6x2xi32>)
      outs(%init : tensor<?x2xi32>) -> tensor<?x2xi32>
  %float = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]}
      ins(%product : tensor<?x2xi32>) outs(%y : tensor<?x2xf32>) {
  ^bb0(%in: i32, %out: f32):
    %0 = arith.sitofp %in : i32 to f32
    linalg.yield %0 : f32
  } -> tensor<?x2xf32>
  %result = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]}
      ins(%float : tensor<?x2xf32>) outs(%y : tensor<?x2xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.mulf %factor, %in : f32
    linalg.yield %0 : f32
  } -> tensor<?x2xf32>
  return %result : tensor<?x2xf32>
}

// -----

#all = affine_map<(d0, d1) -> (d0, d1)>

// i32 may not hold the sums of 33,026 products: they wrap around.
// CHECK-LABEL: func @long_sums_untouched
// CHECK-NOT: quant.dequantize
func.func @long_sums_untouched(%x: tensor<2x33026xi8>, %a: tensor<2x33026xi32>,
                               %b: tensor<33026x2xi32>, %c: tensor<2x2xi32>, %y: tensor<2x2xf32>)
    -> tensor<2x2xf32> {
  %w = arith.constant dense<1> : tensor<33026x2xi8>
  %zero = arith.constant 0 : i32
  %factor = arith.constant 0.5 : f32
  %xi = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<2x33026xi8>) outs(%a : tensor<2x33026xi32>) {
  ^bb0(%q: i8, %out: i32):
    %0 = arith.extsi %q : i8 to i32
    linalg.yield %0 : i32
  } -> tensor<2x33026xi32>
  %wi = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]}
      ins(%w : tensor<33026x2xi8>) outs(%b : tensor<33026x2xi32>) {
  ^bb0(%q: i8, %out: i32):
    %0 = arith.extsi %q : i8 to i32
    linalg.yield %0 : i32
  } -> tensor<33026x2xi32>
  %init = linalg.fill ins(%zero : i32) outs(%c : tensor<2x2xi32>) -> tensor<2x2xi32>
  %product = linalg.matmul ins(%xi, %wi : tensor<2x33026xi32>, tensor<33026x2xi32>)
      outs(%init : tensor<2x2xi32>) -> tensor<2x2xi32>
  %float = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]}
      ins(%product : tensor<2x2xi32>) outs(%y : tensor<2x2xf32>) {
  ^bb0(%in: i32, %out: f32):
    %0 = arith.sitofp %in : i32 to f32
    linalg.yield %0 : f32
  } -> tensor<2x2xf32>
  %result = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]}
      ins(%float : tensor<2x2xf32>) outs(%y : tensor<2x2xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.mulf %in, %factor : f32
    linalg.yield %0 : f32
  } -> tensor<2x2xf32>
  return %result : tensor<2x2xf32>
}
