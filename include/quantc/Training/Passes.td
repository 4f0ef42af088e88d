//===- Passes.td - Passes that make training steps ----------*- tablegen -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_TRAINING_PASSES
#define QUANTC_TRAINING_PASSES

include "mlir/Pass/PassBase.td"

def ExtractParameters : Pass<"quant-extract-parameters", "::mlir::ModuleOp"> {
  let summary = "Make the weights of a model inputs of the program";
  let description = [{
    Float constants that training changes become inputs, marked
    `quant.trainable`, of the shape that they have in the model:

    | constant | name |
    |---|---|
    | weight of a linear layer or a convolution, embedding table | `<layer>.weight` |
    | vector that is added: a bias, the offset of a LayerNorm | `<layer>.bias` |
    | vector that is multiplied by: the gain of a LayerNorm | `<layer>.weight` |

    A bias that is added to the result of a layer has that layer's name, others
    have the name of their own operation. A vector has at most one dimension
    that is not 1; other constants, such as masks, stay.

    A constant with several uses is one parameter, unless all its elements are
    equal: biases of zeros start as one constant and are trained apart.

    Layers in mode `static` that read the same value get the same
    `quant.input_name`, so that they share the range of their input.

    Example:

    ```mlir
    func.func @main(%x: tensor<?x784xf32>) -> tensor<?x10xf32> {
      %w = arith.constant dense<...> : tensor<784x10xf32>
      %y = linalg.matmul ins(%x, %w : ...) outs(...) -> tensor<?x10xf32> loc("fc1")
    ```

    becomes

    ```mlir
    func.func @main(%x: tensor<?x784xf32>,
        %w: tensor<784x10xf32> {quant.name = "fc1.weight", quant.trainable})
        -> tensor<?x10xf32> {
      %y = linalg.matmul ins(%x, %w : ...) outs(...) -> tensor<?x10xf32> loc("fc1")
    ```
  }];
}

def InsertMovingAverages
    : Pass<"quant-insert-moving-averages", "::mlir::ModuleOp"> {
  let summary = "Return moving averages of the ranges of activations";
  let description = [{
    For every layer that is selected for mode static, the range of its input in
    this batch is blended into the range so far:

    ```
    range' = momentum * range + (1 - momentum) * observe(input)
    ```

    (moving_average_a1 in docs/Numerics.md). `range` is the input
    `<layer>.input.range : tensor<2xf32>`, `range'` the output of that name, and
    `momentum` the input `range_momentum : tensor<f32>`. A momentum of 0 takes
    the range of this batch, one of 1 freezes the range, both exactly.

    Example:

    ```mlir
    %b = quant.observe %x : tensor<?x784xf32> -> tensor<2xf32>
    %r = linalg.generic {...} ins(%range, %b, %range_momentum : ...)
    return %y, %r : tensor<?x10xf32>, tensor<2xf32>
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::quant::QuantDialect",
                           "::mlir::tensor::TensorDialect"];
}

def AttachLoss : Pass<"quant-attach-loss", "::mlir::ModuleOp"> {
  let summary = "Turn a model into the loss that it is trained by";
  let description = [{
    The result of the program becomes `loss : tensor<f32>`, of the output of the
    model and the input `labels`; outputs that have the name of an input, its
    next value, stay after it.

    `cross-entropy`: the output is a score for each class, `y : [M, C]`, and
    `labels : tensor<Mxi64>` holds the right class of each row, from 0 to C - 1.

    ```
    loss = mean_m (log(sum_c exp(y[m, c] - max_c y[m, c]))
                   - (y[m, label[m]] - max_c y[m, c]))
    ```

    `mse`: `labels` has the type of the output, and

    ```
    loss = mean_i (y[i] - labels[i])^2
    ```

    The exact order of operations is cross_entropy_a1 and mse_a1 in
    docs/Numerics.md. All of it is linalg of `arith` and `math`, so it can be
    differentiated.
  }];
  let options = [
    Option<"loss", "loss", "::quantc::Loss", "::quantc::Loss::CrossEntropy",
           "How far the output is from the labels", "::quantc::getLossValues()">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::tensor::TensorDialect"];
}

def InsertOptimizer : Pass<"quant-insert-optimizer", "::mlir::ModuleOp"> {
  let summary = "Return parameters after a step along their gradients";
  let description = [{
    Each output `p.gradient`, where `p` is an input, is replaced by the output
    `p`, the parameter after one step, and by the outputs of what the optimizer
    remembers of it, which are inputs too. Hyperparameters are inputs of rank 0.

    | optimizer | remembers | hyperparameters |
    |---|---|---|
    | `sgd` | | `learning_rate` |
    | `momentum` | `p.velocity` | `learning_rate`, `momentum` |
    | `adam` | `p.mean`, `p.variance` | `learning_rate`, `beta1`, `beta2`, `epsilon`, `step` |
    | `adamw` | `p.mean`, `p.variance` | the same, `weight_decay` |

    `step` counts from 1. The formulas are optimizer_a1 to optimizer_a5 in
    docs/Numerics.md. Weight decay is for parameters of two dimensions and more,
    so that biases and gains do not shrink. A parameter with `quant.minimum` is
    a scale: it is kept above that, and `adam` moves it by a share of itself.
    One with `quant.two_level_scale` is then rounded so that the last four bits
    of its mantissa are zero.

    Example, `sgd`:

    ```mlir
    func.func @main(%w: tensor<4xf32> {quant.name = "fc.weight"}, ...)
        -> (tensor<f32> {quant.name = "loss"},
            tensor<4xf32> {quant.name = "fc.weight.gradient"})
    ```

    becomes

    ```mlir
    func.func @main(%w: tensor<4xf32> {quant.name = "fc.weight"}, ...,
                    %rate: tensor<f32> {quant.name = "learning_rate"})
        -> (tensor<f32> {quant.name = "loss"},
            tensor<4xf32> {quant.name = "fc.weight"})
    ```
  }];
  let options = [
    Option<"optimizer", "optimizer", "::quantc::Optimizer",
           "::quantc::Optimizer::Adam", "How a parameter follows its gradient",
           "::quantc::getOptimizerValues()">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::tensor::TensorDialect"];
}

def InsertTrainedLora : Pass<"quant-insert-trained-lora", "::mlir::ModuleOp"> {
  let summary = "Add an adapter that is trained to quantized layers";
  let description = [{
    Adds `quant.lora` to the chosen layers of a program in integer form, as
    `quant-insert-lora` does, but with one adapter whose matrices are inputs
    that are trained. The base is frozen: its weights stay constants.

    For each layer `<layer>.lora_down` is A transposed, [K, R], and
    `<layer>.lora_up` is B transposed, [R, N], where R is `rank`. Patterns of
    `layers` are like those of `quant-insert-lora`.

    Example, with `rank=8 scale=2`:

    ```mlir
    func.func @main(%x: tensor<?x16xf32>) -> tensor<?x4xf32> {
      %y = quant.linear %x, %w scale(%s : tensor<4x1xf32>)
          : tensor<?x16xf32>, tensor<4x16xi8> -> tensor<?x4xf32> loc("fc")
    ```

    becomes

    ```mlir
    func.func @main(%x: tensor<?x16xf32>,
        %a: tensor<16x8xf32> {quant.name = "fc.lora_down", quant.trainable},
        %b: tensor<8x4xf32> {quant.name = "fc.lora_up", quant.trainable})
        -> tensor<?x4xf32> {
      // %down and %up are %a and %b with a dimension for the slot
      %two = arith.constant dense<2.0> : tensor<1xf32>
      %first = arith.constant dense<0> : tensor<1xi32>
      %d = quant.lora %x, %down, %up scale(%two : tensor<1xf32>)
          slots(%first : tensor<1xi32>) : tensor<?x16xf32>, tensor<1x16x8xf32>,
          tensor<1x8x4xf32> -> tensor<?x4xf32>
      %y = quant.linear %x, %w scale(%s : tensor<4x1xf32>)
          addend(%d : tensor<?x4xf32>)
          : tensor<?x16xf32>, tensor<4x16xi8> -> tensor<?x4xf32> loc("fc")
    ```
  }];
  let options = [
    ListOption<"layers", "layers", "std::string",
               "Regular expressions of the names of layers; all without any">,
    Option<"rank", "rank", "int64_t", "8", "The rank of the adapter">,
    Option<"scale", "scale", "float", "1.0f",
           "What the product of its matrices is multiplied by">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::quant::QuantDialect",
                           "::mlir::tensor::TensorDialect"];
}

def InsertMergedLora : Pass<"quant-insert-merged-lora", "::mlir::ModuleOp"> {
  let summary = "Train adapters inside of the weights of selected layers";
  let description = [{
    From the float form: the weight W of every layer that is selected stays a
    constant and becomes

        W' = W + scale * (B A)                (merge_a1 in docs/Numerics.md)

    where A and B are inputs that are trained, as in `quant-insert-trained-lora`.
    What follows quantizes W', so that training sees the rounding of the merged
    weight, and merging the adapter gives the weight of the forward pass.

    Example, with `rank=2 scale=0.5`:

    ```mlir
    func.func @main(%x: tensor<?x16xf32>) -> tensor<?x4xf32> {
      %w = arith.constant dense<...> : tensor<16x4xf32>
      %y = linalg.matmul {quant.config = {...}} ins(%x, %w : ...) outs(...) loc("fc")
    ```

    becomes

    ```mlir
    func.func @main(%x: tensor<?x16xf32>,
        %a: tensor<16x2xf32> {quant.name = "fc.lora_down", quant.trainable},
        %b: tensor<2x4xf32> {quant.name = "fc.lora_up", quant.trainable})
        -> tensor<?x4xf32> {
      %w = arith.constant dense<...> : tensor<16x4xf32>
      %p = linalg.matmul ins(%a, %b : tensor<16x2xf32>, tensor<2x4xf32>) outs(...)
      %m = linalg.generic {quant.merged_weight} // %w + 0.5 * %p
      %y = linalg.matmul {quant.config = {...}} ins(%x, %m : ...) outs(...) loc("fc")
    ```
  }];
  let options = [
    Option<"rank", "rank", "int64_t", "8", "The rank of the adapter">,
    Option<"scale", "scale", "float", "1.0f",
           "What the product of its matrices is multiplied by">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

#endif // QUANTC_TRAINING_PASSES
