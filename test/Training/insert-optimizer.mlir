// RUN: quant-opt %s --split-input-file --quant-insert-optimizer=optimizer=sgd | FileCheck %s --check-prefix=SGD
// RUN: quant-opt %s --split-input-file --quant-insert-optimizer=optimizer=momentum | FileCheck %s --check-prefix=MOMENTUM
// RUN: quant-opt %s --split-input-file --quant-insert-optimizer=optimizer=adam | FileCheck %s --check-prefix=ADAM
// RUN: quant-opt %s --split-input-file --quant-insert-optimizer=optimizer=adamw | FileCheck %s --check-prefix=ADAMW
// RUN: quant-opt %s --split-input-file --quant-insert-optimizer=optimizer=sgd | FileCheck %s --check-prefix=ROUNDED

//   SGD-LABEL: func @main
//    SGD-SAME:     %[[RATE:[^:]+]]: tensor<f32> {quant.name = "learning_rate"
//    SGD-SAME:     -> (tensor<f32> {quant.name = "loss"
//    SGD-SAME:         tensor<2x3xf32> {quant.name = "fc.weight"
//    SGD-SAME:         tensor<f32> {quant.name = "fc.scale"
//         SGD:     %[[STEP:.+]] = arith.mulf
//         SGD:     arith.subf %{{.+}}, %[[STEP]]
// The scale has a minimum.
//         SGD:     arith.subf
//         SGD:     arith.cmpf olt, %[[MIN:.+]], %[[NEW:.+]] : f32
//         SGD:     %[[KEPT:.+]] = arith.select %{{.+}}, %[[NEW]], %[[MIN]]
//    SGD-NEXT:     linalg.yield %[[KEPT]]

// MOMENTUM-LABEL: func @main
//  MOMENTUM-SAME:     quant.name = "momentum"
//  MOMENTUM-SAME:     quant.name = "fc.weight.velocity"
//  MOMENTUM-SAME:     -> (
//  MOMENTUM-SAME:         quant.name = "fc.weight"
//  MOMENTUM-SAME:         quant.name = "fc.weight.velocity"

//  ADAM-LABEL: func @main
//   ADAM-SAME:     quant.name = "beta1"
//   ADAM-SAME:     quant.name = "beta2"
//   ADAM-SAME:     quant.name = "epsilon"
//   ADAM-SAME:     quant.name = "step"
//   ADAM-SAME:     -> (
//   ADAM-SAME:         quant.name = "fc.weight.mean"
//   ADAM-SAME:         quant.name = "fc.weight.variance"
//        ADAM:     math.sqrt
// The scale moves by a share of itself.
//        ADAM:   linalg.generic {{.*}} outs(%{{.+}}, %{{.+}}, %{{.+}} : tensor<f32>
//        ADAM:   ^bb0(%[[P:[^:]+]]: f32, %{{[^:]+}}: f32, %{{[^:]+}}: f32, %{{[^:]+}}: f32, %[[R:[^:]+]]: f32,
//        ADAM:     %[[STEP:.+]] = arith.mulf %[[R]], %[[P]]
//        ADAM:     arith.mulf %[[STEP]],

// Only the matrix decays.
// ADAMW-LABEL: func @main
//  ADAMW-SAME:     %[[DECAY:[^:]+]]: tensor<f32> {quant.name = "weight_decay"
//       ADAMW:   linalg.generic {{.*}} outs(%{{.+}}, %{{.+}}, %{{.+}} : tensor<2x3xf32>
//       ADAMW:   ^bb0(%{{[^:]+}}: f32, %{{[^:]+}}: f32, %{{[^:]+}}: f32, %{{[^:]+}}: f32, %[[R:[^:]+]]: f32, %{{[^:]+}}: f32, %{{[^:]+}}: f32, %{{[^:]+}}: f32, %[[D:[^:]+]]: f32,
//       ADAMW:     arith.mulf %[[R]], %[[D]]
//       ADAMW:   linalg.generic {{.*}} outs(%{{.+}}, %{{.+}}, %{{.+}} : tensor<f32>
//       ADAMW:   ^bb0(%{{[^:]+}}: f32, %{{[^:]+}}: f32, %{{[^:]+}}: f32, %{{[^:]+}}: f32, %[[R2:[^:]+]]: f32, %{{[^:]+}}: f32, %{{[^:]+}}: f32, %{{[^:]+}}: f32, %[[D2:[^:]+]]: f32,
//   ADAMW-NOT:     arith.mulf %[[R2]], %[[D2]]
func.func @main(%w: tensor<2x3xf32> {quant.name = "fc.weight", quant.shape = affine_map<() -> (2, 3)>, quant.trainable},
                %s: tensor<f32> {quant.name = "fc.scale", quant.shape = affine_map<() -> ()>, quant.trainable, quant.minimum = 1.0e-8 : f32},
                %loss: tensor<f32> {quant.name = "given", quant.shape = affine_map<() -> ()>})
    -> (tensor<f32> {quant.name = "loss", quant.shape = affine_map<() -> ()>},
        tensor<2x3xf32> {quant.name = "fc.weight.gradient", quant.shape = affine_map<() -> (2, 3)>},
        tensor<f32> {quant.name = "fc.scale.gradient", quant.shape = affine_map<() -> ()>})
    attributes {quant.dims = []} {
  return %loss, %w, %s : tensor<f32>, tensor<2x3xf32>, tensor<f32>
}

// -----

// The step ends with a scale whose last four mantissa bits are zero.
// ROUNDED-LABEL: func @two_level
//       ROUNDED:   %[[KEPT:.+]] = arith.select
//       ROUNDED:   %[[BITS:.+]] = arith.bitcast %[[KEPT]] : f32 to i32
//       ROUNDED:   %[[HALF:.+]] = arith.addi %[[BITS]], %{{.+}}
//       ROUNDED:   arith.andi %[[HALF]]
//       ROUNDED:   arith.bitcast %{{.+}} : i32 to f32
func.func @two_level(%s: tensor<2x1xf32> {quant.name = "fc.scale", quant.shape = affine_map<() -> (2, 1)>, quant.trainable, quant.minimum = 1.0e-8 : f32, quant.two_level_scale},
                     %loss: tensor<f32> {quant.name = "given", quant.shape = affine_map<() -> ()>})
    -> (tensor<f32> {quant.name = "loss", quant.shape = affine_map<() -> ()>},
        tensor<2x1xf32> {quant.name = "fc.scale.gradient", quant.shape = affine_map<() -> (2, 1)>})
    attributes {quant.dims = []} {
  return %loss, %s : tensor<f32>, tensor<2x1xf32>
}
