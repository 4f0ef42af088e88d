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

//===----------------------------------------------------------------------===//
// Calibration
//===----------------------------------------------------------------------===//

def InsertObservers : Pass<"quant-insert-observers", "::mlir::ModuleOp"> {
  let summary = "Make the statistics of activations the outputs of the program";
  let description = [{
    For every layer that is selected for mode static, observes its input and
    returns the range as `<layer>.input.range` (and, with `histogram`, the
    counts as `<layer>.input.histogram`). These replace the outputs that the
    program had, so that canonicalization removes what is behind the last layer.
    The statistics of a run do not depend on the order of its rows, and those of
    several runs add up in a calibration table, whatever the batches were.

    Example:

    ```mlir
    func.func @main(%x: tensor<?x784xf32>)
        -> (tensor<?x10xf32> {quant.name = "logits"}) {
      ...
      %y = linalg.matmul {quant.config = {mode = "static", ...}}
               ins(%x, %w : ...) outs(...) -> tensor<?x10xf32> loc("fc1")
      return %y : tensor<?x10xf32>
    }
    ```

    becomes

    ```mlir
    func.func @main(%x: tensor<?x784xf32>)
        -> (tensor<2xf32> {quant.name = "fc1.input.range"}) {
      ...
      %range = quant.observe %x : tensor<?x784xf32> -> tensor<2xf32>
      return %range : tensor<2xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::quant::QuantDialect"];
  let options = [
    Option<"histogram", "histogram", "bool", "false",
           "Also return the histograms that calibration-method=percentile needs">
  ];
}

def ApplyCalibration : Pass<"quant-apply-calibration", "::mlir::ModuleOp"> {
  let summary = "Attach calibrated ranges to the layers";
  let description = [{
    Attaches `quant.input_range = array<f32: min, max>`, the range of the input,
    to every layer that is selected for mode static. The range is that of the
    tensor `<layer>.input` in the calibration table: with `minmax` from the
    smallest to the largest finite element, with `percentile` without the
    `(100 - percentile) / 2` percent at each end, rounded outwards to the ends
    of histogram buckets. A layer without statistics, without samples or with
    NaN is an error. A program without such layers needs no file.

    Example:

    ```mlir
    %y = linalg.matmul {quant.config = {mode = "static", ...},
                        quant.input_range = array<f32: 0.0, 1.0>}
             ins(%x, %w : ...) outs(...) -> tensor<?x10xf32> loc("fc1")
    ```
  }];
  let options = [
    Option<"calibration", "calibration", "std::string", "",
           "The calibration table, a JSON file">,
    Option<"method", "calibration-method", "::quantc::RangeMethod",
           "::quantc::RangeMethod::MinMax",
           "How a range follows from the statistics",
           "::quantc::getRangeMethodValues()">,
    Option<"percentile", "percentile", "double", "99.99",
           "The percentage of elements within the range, 50 to 100">
  ];
}

#endif // QUANTC_DIALECT_QUANT_TRANSFORMS_PASSES
