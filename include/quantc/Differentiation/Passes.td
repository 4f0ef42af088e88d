//===- Passes.td - Differentiation of programs --------------*- tablegen -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_DIFFERENTIATION_PASSES
#define QUANTC_DIFFERENTIATION_PASSES

include "mlir/Pass/PassBase.td"

def Differentiate : Pass<"quant-differentiate", "mlir::ModuleOp"> {
  let summary = "Append the gradients of a loss to a program";
  let description = [{
    For every argument with the attribute `quant.trainable`, appends a result:
    the gradient of the loss by it, named `<argument>.gradient`. The loss is a
    result of type `tensor<f32>`. The program may be in the float, the simulated
    or the integer form.

    Reverse mode. Operations are visited from the last to the first; the rule of
    each (`DifferentiableOpInterface`) turns the cotangent of its result into
    those of its operands. Only what lies between a trainable argument and the
    loss is differentiated. Cotangents of a value that is used several times are
    added in the order in which its users are visited, so the sums have a
    defined order. docs/Training.md lists the rules.

    Quantization is differentiated by the straight-through estimator (`ste_a1`);
    with `learned-step-size` scales have gradients too (`lsq_a1`).

    ```mlir
    func.func @main(%x: tensor<2x3xf32>, %w: tensor<3x4xf32> {quant.name = "w", quant.trainable})
        -> tensor<f32> {
      %y = linalg.matmul ins(%x, %w) outs(%zeros)
      %loss = "sum of all elements of %y"
      return %loss : tensor<f32>
    }
    ```

    becomes

    ```mlir
    func.func @main(%x: tensor<2x3xf32>, %w: tensor<3x4xf32> {quant.name = "w", quant.trainable})
        -> (tensor<f32>, tensor<3x4xf32> {quant.name = "w.gradient"}) {
      %y = linalg.matmul ins(%x, %w) outs(%zeros)
      %loss = "sum of all elements of %y"
      %dy = "the cotangent of the loss, 1, for each element of %y"
      %dw = linalg.matmul indexing_maps = [(m, n, k) -> (k, m), (m, n, k) -> (k, n), (m, n, k) -> (m, n)]
          ins(%x, %dy) outs(%zeros)
      return %loss, %dw : tensor<f32>, tensor<3x4xf32>
    }
    ```
  }];
  let options = [
    Option<"loss", "loss", "std::string", /*default=*/"\"\"",
           "Name of the result to differentiate; the first one by default">,
    Option<"learnedStepSize", "learned-step-size", "bool", /*default=*/"false",
           "Scales that depend on trainable arguments have gradients">
  ];
  let dependentDialects = [
    "mlir::arith::ArithDialect", "mlir::linalg::LinalgDialect",
    "mlir::math::MathDialect", "mlir::quant::QuantDialect",
    "mlir::scf::SCFDialect", "mlir::tensor::TensorDialect"
  ];
}

#endif // QUANTC_DIFFERENTIATION_PASSES
