//===- LoraPasses.td - Passes on adapters ------------------*- tablegen -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_DIALECT_QUANT_TRANSFORMS_LORAPASSES
#define QUANTC_DIALECT_QUANT_TRANSFORMS_LORAPASSES

include "mlir/Pass/PassBase.td"

def InsertLora : Pass<"quant-insert-lora", "::mlir::ModuleOp"> {
  let summary = "Let quantized layers take LoRA adapters while they run";
  let description = [{
    Adds `quant.lora` to the chosen layers of a program in integer form, as the
    addend of `quant.linear`:

        y = linear(x, w)  ->  y = linear(x, w) + scale * (x A^T) B^T

    with x the float input of the layer: what it quantizes, or else its integer
    input dequantized. The weights stay as they are. A and B are arguments of
    the program, laid out as AdapterLayout.h says, for any number of adapters of
    up to `max-rank`, and so is the adapter of each row of the batch. Without an
    adapter the program gives the bytes that it gave before.

    Patterns of `layers` are like those of `quant-select-layers`; without any,
    all quantized layers are chosen. A pattern that matches no quantized layer
    is an error.

    Example, with `max-rank=8`:

    ```mlir
    func.func @main(%x: tensor<?x16xf32>) -> tensor<?x4xf32> {
      %y = quant.linear %x, %w scale(%s : tensor<4x1xf32>)
          : tensor<?x16xf32>, tensor<4x16xi8> -> tensor<?x4xf32> loc("fc")
    ```

    becomes

    ```mlir
    func.func @main(%x: tensor<?x16xf32>, %scales: tensor<?x176xf32>,
                    %values: tensor<?x176xf32>, %slots: tensor<?xi32>)
        -> tensor<?x4xf32> attributes {quant.adapters = {
            layers = [{inputs = 16 : i64, name = "fc", outputs = 4 : i64} ],
            max_rank = 8 : i64, storage = f32}} {
      // slices of the arguments: %scale, %down, %up
      %d = quant.lora %x, %down, %up scale(%scale : tensor<?xf32>)
          slots(%slots : tensor<?xi32>) : tensor<?x16xf32>, tensor<?x16x8xf32>,
          tensor<?x8x4xf32> -> tensor<?x4xf32>
      %y = quant.linear %x, %w scale(%s : tensor<4x1xf32>)
          addend(%d : tensor<?x4xf32>)
          : tensor<?x16xf32>, tensor<4x16xi8> -> tensor<?x4xf32> loc("fc")
    ```
  }];
  let options = [
    ListOption<"layers", "layers", "std::string",
               "Regular expressions of the names of layers; all without any">,
    Option<"maxRank", "max-rank", "int64_t", "16",
           "The largest rank of an adapter">,
    Option<"storage", "storage", "::quantc::DataType",
           "::quantc::DataType::F32", "How A and B are stored",
           "::quantc::getAdapterStorageValues()">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::quant::QuantDialect",
                           "::mlir::tensor::TensorDialect"];
}

def MergeLora : Pass<"quant-merge-lora", "::mlir::ModuleOp"> {
  let summary = "Merge adapters into the weights of layers";
  let description = [{
    Merges `quant.adapter = {a = tensor<RxKxf32>, b = tensor<NxRxf32>, scale =
    f32}` of a layer of the float or of the integer form, or with a weight in the
    format `nf4`, into its weight:

        W' = W + scale * (B A)                (merge_a1 in docs/Numerics.md)

    with W dequantized and W' quantized as `quant.config` of the layer says, so
    that the merged program costs what the base does. Each output channel keeps
    its scales where W' is nearer with them than with its own (merge_a2); so a
    channel to which nothing is added keeps its bytes. The range of the input
    stays what it was. An
    entry `weight = tensor<NxKxf32>` takes the place of W before the sum, `bias =
    tensor<Nxf32>` that of the bias.

    A layer may carry the parameters of W', as training found them:
    `quant.weight_scale`, `quant.weight_zero_point` and `quant.weight_multiplier`
    (see quant-insert-quantize). Then W' is, to the bit, the weight that training
    with `quant.fake_quant` of W + scale * (B A) computed with.

    Rounding W' can lose what was added. What is left is attached as
    `quant.survival`: the norms of W and of the change, the share of it that is
    left, the error of the output against the adapter's part of it (survival_a1
    to survival_a4), and advice: `merge`, or `change_groups` or `raise_bits` if
    the layer in groups of 32 or in 8 bits would keep enough, else
    `keep_separate`. `moments = tensor<Kxf32>` or `tensor<KxKxf32>`, the second
    moments of the input, make the error that on real data.

    With `keep-base`, `quant.base` keeps the constants of the layer for
    quant-unmerge-lora.

    Example:

    ```mlir
    %y = quant.linear %x, %w scale(%s : tensor<2x1xf32>)
             {quant.adapter = {a = dense<...> : tensor<1x4xf32>,
                               b = dense<...> : tensor<2x1xf32>,
                               scale = 2.0 : f32}, quant.config = {...}}
             : tensor<?x4xf32>, tensor<2x4xi8> -> tensor<?x2xf32>
    ```

    becomes

    ```mlir
    %y = quant.linear %x, %merged scale(%s1 : tensor<2x1xf32>)
             {quant.config = {...},
              quant.survival = {adapter_norm = ..., advice = "merge",
                                output_error = ..., share = ...,
                                weight_norm = ...}}
             : tensor<?x4xf32>, tensor<2x4xi8> -> tensor<?x2xf32>
    ```

    An adapter that does not fit its layer is an error.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::quant::QuantDialect",
                           "::mlir::tensor::TensorDialect"];
  let options = [
    Option<"keepBase", "keep-base", "bool", "false",
           "Keep the constants of the base, so that merging can be undone">
  ];
}

def InsertSecondMoments
    : Pass<"quant-insert-second-moments", "::mlir::ModuleOp"> {
  let summary = "Make second moments of the inputs of layers the outputs";
  let description = [{
    For each chosen layer, quantized or float, with the float input x : [M, K]

        second_moments[i, j] = sum_m x[m, i] * x[m, j]
        rows = M

    become the outputs `<layer>.second_moments` and `<layer>.rows`, in place of
    those that the program had. Sums of several runs add up; divided by the sum
    of rows they are the `moments` that quant-merge-lora takes. The sums are
    those of a float contraction, m ascending (float_linear_a1 in
    docs/Numerics.md). x is what an adapter reads: what the layer quantizes, or
    else its integer input dequantized, without what fills the last group.

    Example:

    ```mlir
    func.func @main(%x: tensor<?x784xf32>)
        -> (tensor<?x10xf32> {quant.name = "logits"}) {
      %y = linalg.matmul ins(%x, %w : ...) outs(...) -> tensor<?x10xf32> loc("fc1")
    ```

    becomes

    ```mlir
    func.func @main(%x: tensor<?x784xf32>)
        -> (tensor<784x784xf32> {quant.name = "fc1.second_moments"},
            tensor<f32> {quant.name = "fc1.rows"}) {
      %s = linalg.matmul indexing_maps = [#mi, #mj, #ij]
               ins(%x, %x : ...) outs(...) -> tensor<784x784xf32>
      %m = arith.sitofp ...  // the number of rows of %x
      %r = linalg.fill ins(%m : f32) outs(...) -> tensor<f32>
      return %s, %r : tensor<784x784xf32>, tensor<f32>
    ```

    A pattern that matches no layer is an error.
  }];
  let options = [
    ListOption<"layers", "layers", "std::string",
               "Names of layers, or regular expressions that match whole names; "
               "all without any">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::quant::QuantDialect",
                           "::mlir::tensor::TensorDialect"];
}

def UnmergeLora : Pass<"quant-unmerge-lora", "::mlir::ModuleOp"> {
  let summary = "Give merged layers the constants of their base again";
  let description = [{
    Undoes quant-merge-lora with `keep-base`, to the bit: from `quant.base`. A
    layer that was merged without it is an error, since rounding cannot be
    undone. After several merges the result is the base of the first.

    Example:

    ```mlir
    %y = quant.linear %x, %merged scale(%s1 : tensor<2x1xf32>)
             {quant.base = {weight = dense<...> : tensor<2x4xi8>,
                            weight_scale = dense<...> : tensor<2x1xf32>},
              quant.config = {...}, quant.survival = {...}}
             : tensor<?x4xf32>, tensor<2x4xi8> -> tensor<?x2xf32>
    ```

    becomes

    ```mlir
    %y = quant.linear %x, %w scale(%s : tensor<2x1xf32>) {quant.config = {...}}
             : tensor<?x4xf32>, tensor<2x4xi8> -> tensor<?x2xf32>
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::quant::QuantDialect",
                           "::mlir::tensor::TensorDialect"];
}

#endif // QUANTC_DIALECT_QUANT_TRANSFORMS_LORAPASSES
