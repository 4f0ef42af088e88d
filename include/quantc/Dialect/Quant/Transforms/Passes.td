//===- Passes.td - Passes on the forms of a program --------*- tablegen -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_DIALECT_QUANT_TRANSFORMS_PASSES
#define QUANTC_DIALECT_QUANT_TRANSFORMS_PASSES

include "mlir/Pass/PassBase.td"

def SelectLayers : Pass<"quant-select-layers", "::mlir::ModuleOp"> {
  let summary = "Say for each layer how it is to be quantized, or why not";
  let description = [{
    Attaches `quant.config` to every linear layer that is to be quantized and
    `quant.skipped = "reason"` to every other layer. A linear layer is a product
    of a matrix of activations and a constant matrix of weights, as
    `linalg.matmul` or `linalg.generic`; batches of products, convolutions and
    embedding tables stay float. A layer without a name (a location of the form
    `loc("name")`) is named `linear_0`, `linear_1`, ... in the order of the
    program.

    Patterns of `skip` are POSIX extended regular expressions that match whole
    names; a name also matches itself. A pattern that matches no layer is worth
    a warning. Widths that do not exist, a group size that does not divide K,
    and weights with NaN or infinities are errors.

    With `activation-bits=32` the mode is `weight-only`, and the other way
    round. Activations are asymmetric unless told otherwise, but symmetric in
    mode `dynamic` with float group scales, where a zero point would cost a sum
    for each group.

    Example, with `weight-bits=4 granularity=per-group group-size=16`:

    ```mlir
    %y = linalg.matmul ins(%x, %w : tensor<?x784xf32>, tensor<784x128xf32>)
             outs(%zero : tensor<?x128xf32>) -> tensor<?x128xf32>
    ```

    becomes

    ```mlir
    %y = linalg.matmul {quant.config = {
               granularity = "per_group", group_size = 16 : i64,
               mode = "static", symmetric_weights, weight_bits = 4 : i64}}
             ins(%x, %w : tensor<?x784xf32>, tensor<784x128xf32>)
             outs(%zero : tensor<?x128xf32>) -> tensor<?x128xf32>
    ```
  }];
  let options = [
    Option<"weightBits", "weight-bits", "int64_t", "8",
           "Bits of a stored weight: 4 or 8">,
    Option<"activationBits", "activation-bits", "int64_t", "8",
           "Bits of an activation: 8, or 32 for weight-only">,
    Option<"mode", "mode", "::quantc::Mode", "::quantc::Mode::Static",
           "Where the parameters of activations come from",
           "::quantc::getModeValues()">,
    Option<"granularity", "granularity", "::quantc::Granularity",
           "::quantc::Granularity::PerChannel",
           "How many weights share a scale",
           "::quantc::getGranularityValues()">,
    Option<"groupSize", "group-size", "int64_t", "32",
           "Elements of K in a group, 8 to 256">,
    Option<"symmetricWeights", "symmetric-weights", "bool", "true",
           "Weights have no zero points">,
    Option<"symmetricActivations", "symmetric-activations",
           "::quantc::Symmetry", "::quantc::Symmetry::Automatic",
           "Activations have no zero points",
           "::quantc::getSymmetryValues(), ::llvm::cl::ValueOptional">,
    ListOption<"skip", "skip", "std::string",
               "Regular expressions of the names of layers that stay float">,
    Option<"skipFirst", "skip-first", "bool", "false",
           "The first linear layer stays float">,
    Option<"skipLast", "skip-last", "bool", "false",
           "The last linear layer stays float">,
    Option<"skipEmbedding", "skip-embedding", "bool", "false",
           "Embedding tables stay float by choice">,
    Option<"skipOutput", "skip-output", "bool", "false",
           "Layers stay float when no other layer is between them and an "
           "output">
  ];
}

#endif // QUANTC_DIALECT_QUANT_TRANSFORMS_PASSES
