//===- Passes.td - Passes on the forms of a program --------*- tablegen -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_DIALECT_QUANT_TRANSFORMS_PASSES
#define QUANTC_DIALECT_QUANT_TRANSFORMS_PASSES

include "mlir/Pass/PassBase.td"
include "quantc/Dialect/Quant/Transforms/IntegerPasses.td"
include "quantc/Dialect/Quant/Transforms/LoraPasses.td"
include "quantc/Dialect/Quant/Transforms/SimulationPasses.td"

//===----------------------------------------------------------------------===//
// Convolutions
//===----------------------------------------------------------------------===//

def ConvertConvToMatmul : Pass<"quant-convert-conv-to-matmul"> {
  let summary = "Turn convolutions into linear layers over patches";
  let description = [{
    A convolution of f32 is a linear layer whose rows are the places of the
    window:

        y[r, f]       = sum_t x[at(r, t)] w[f, t]
        patches[r, t] = x[at(r, t)]
        y[M, F]       = patches[M, K] w[F, K]^T

    with rows r (batch and places), outputs f and terms t (window and channels).
    Any number of spatial dimensions, strides, dilations and any order of
    dimensions will do, as a named operation or as `linalg.generic`. K runs
    through the terms in the order of the loops, so no sum changes. A window of
    one element that does not skip any needs no patches. The layer keeps its name
    and its attributes; `quant.kernel` says which shape the model gives its
    weight. Convolutions on other types and with windows of unknown size stay as
    they are.

    In groups, depthwise ones among them, the columns of all groups lie side by
    side in the patches, and an output reads those of its own group:

        patches[r, (g, t)] = x[at(r, g, t)]
        y[r, n] = sum_k patches[r, (n floordiv (N / G)) * K + k] w[n, k]

    a `linalg.generic` with that indexing map in place of the matmul.

    Upstream's `linalg.conv_2d` to image-to-column patterns take static shapes of
    two spatial dimensions, without dilations, and multiply in batches.

    Example:

    ```mlir
    %y = linalg.conv_2d_nhwc_fhwc
        ins(%x, %w : tensor<?x8x8x4xf32>, tensor<16x3x3x4xf32>)
        outs(%zero : tensor<?x6x6x16xf32>) -> tensor<?x6x6x16xf32>
    ```

    becomes

    ```mlir
    %patches = linalg.generic {
        indexing_maps = [(n, h, w, i, j, c) -> (n, h + i, w + j, c), ...]}
        ins(%x : tensor<?x8x8x4xf32>) outs(... : tensor<?x6x6x3x3x4xf32>)
    %rows = tensor.collapse_shape %patches [[0, 1, 2], [3, 4, 5]]
    %kernel = tensor.collapse_shape %w [[0], [1, 2, 3]]
    %product = linalg.matmul {quant.kernel = {order = array<i64: 0, 1, 2, 3>,
                                              shape = array<i64: 16, 3, 3, 4>}}
        indexing_maps = [...] ins(%rows, %kernel : tensor<?x36xf32>,
                                  tensor<16x36xf32>) outs(...)
    %y = tensor.expand_shape %product [[0, 1, 2], [3]]
    ```
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def SinkTransposes : Pass<"quant-sink-transposes"> {
  let summary = "Keep channels last from one convolution to the next";
  let description = [{
    A transposition that puts the channels first moves behind what can work in
    either order, until it meets the one that puts them last again:

        f(transpose(x), ...) -> transpose(f(x, ...))
        transpose(transpose(x)) -> x

    `f` is a `linalg.generic` of one result with any reductions (elementwise
    operations, pooling, means), a `tensor.pad` with one value, a part that is
    inserted into a tensor of the same order or without values, as concatenations
    are, or a reshape that splits dimensions. Channels that are split, transposed and collapsed again,
    as they are shuffled between groups, are shuffled where they are last. All
    operands that have each dimension of the result must be transposed alike. Only the
    order of the loops over results changes, no sum. Contractions and copies of
    patches keep the order that they were made for. Upstream's data layout
    propagation does this for packs and unpacks, not for transpositions.

    Example:

    ```mlir
    %t = linalg.transpose ins(%x : tensor<?x8x8x4xf32>)
             outs(... : tensor<?x4x8x8xf32>) permutation = [0, 3, 1, 2]
    %y = linalg.generic {...} ins(%t : tensor<?x4x8x8xf32>) // ReLU
    %u = linalg.transpose ins(%y : tensor<?x4x8x8xf32>)
             outs(... : tensor<?x8x8x4xf32>) permutation = [0, 2, 3, 1]
    ```

    becomes

    ```mlir
    %u = linalg.generic {...} ins(%x : tensor<?x8x8x4xf32>) // ReLU
    ```
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

def FoldAffine : Pass<"quant-fold-affine"> {
  let summary = "Fold normalizations and gains into the layers before them";
  let description = [{
    What follows a linear layer and maps each of its outputs n by constants is a
    part of its weight and its bias:

        s[n] * (sum_k x[m, k] w[n, k] + b[n]) + t[n]
          = sum_k x[m, k] (s[n] * w[n, k]) + (s[n] * b[n] + t[n])

    BatchNormalization with fixed statistics is such a map, ((y - mean) * factor)
    + beta with factor = gamma / sqrt(variance + epsilon), and so are sums,
    differences, products and quotients with a constant for each output or for
    all. Reshapes and transpositions may stand between, and several maps follow
    each other. s and t are computed in f64 from the f32 constants; the new
    weight and the new bias are rounded to f32 once (fold_a1 to fold_a3 in
    docs/Numerics.md), so a folded program differs from what it was in its last
    digits. A layer with nothing but a bias behind it stays as it is.

    Layers are the ones of `quant-select-layers`, of one or several groups of
    features, with a weight that is a constant of f32. A map stays where the
    result before it has another use, where it is not affine or differs within an
    output, where the weight has another use or its parameters are given
    (`quant.weight_scale`), where something would not be finite, and where it is
    a part of a node of the model whose rest stays.

    The layer remembers what went into it: `quant.folded` has the names of these
    operations, and `scale` and `shift`, what the layer gives in place of each
    output that the model has behind its bias. Adapters for the layer of the
    model are scaled by it, and exporting removes these nodes.

    Example:

    ```mlir
    %product = linalg.matmul indexing_maps = [...]
        ins(%x, %w : tensor<?x8xf32>, tensor<4x8xf32>) outs(...)
    // (product[m, n] - mean[n]) * factor[n] + beta[n]
    %y = linalg.generic {...} ins(%product, %mean, %factor, %beta
        : tensor<?x4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) outs(...)
    ```

    becomes

    ```mlir
    %product = linalg.matmul {quant.folded = {nodes = ["bn"], scale = ..., shift = ...}}
        indexing_maps = [...] ins(%x, %scaled : tensor<?x8xf32>,
                                  tensor<4x8xf32>) outs(...)
    // product[m, n] + bias[n]
    %y = linalg.generic {...} ins(%product, %bias
        : tensor<?x4xf32>, tensor<4xf32>) outs(...)
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def SelectLayers : Pass<"quant-select-layers", "::mlir::ModuleOp"> {
  let summary = "Say for each layer how it is to be quantized, or why not";
  let description = [{
    Attaches `quant.config` to every linear layer that is to be quantized and
    `quant.skipped = "reason"` to every other layer. A linear layer is a product
    of a matrix of activations and a constant matrix of weights, as
    `linalg.matmul` or `linalg.generic`; batches of products stay float, and so
    do convolutions in groups where groups of scales do not divide K: those are
    not padded. A layer without a name (a location of the form
    `loc("name")`) is named `linear_0`, `linear_1`, ... in the order of the
    program.

    An embedding, a `linalg.generic` that extracts rows of a constant matrix `[V,
    C]`, is a layer too. Its table is quantized as a weight `[N, K]` is, with N =
    V and K = C: scales per row, or per group of a row. Its mode is always
    `weight_only`, since row numbers are not quantized. Other lookups of constants
    stay float, and so do all with `weight-format=nf4`.

    Patterns of `skip` are POSIX extended regular expressions that match whole
    names; a name also matches itself. A pattern that matches no layer is worth
    a warning. Widths that do not exist, a group size that neither divides K
    nor leaves a multiple of 8, and weights with NaN or infinities are errors.

    `weight-format=nf4` is 4 bits in groups of 64 in mode `weight-only`, whatever
    the options on those say.

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
    Option<"weightFormat", "weight-format", "::quantc::WeightFormat",
           "::quantc::WeightFormat::Integer", "What a stored weight is",
           "::quantc::getWeightFormatValues()">,
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
    several runs add up in a calibration table, whatever the batches were. Of a
    layer in an `scf.for`, the statistics of all iterations are joined.

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
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::quant::QuantDialect",
                           "::mlir::scf::SCFDialect"];
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
    of histogram buckets. Layers that read the same elements, perhaps moved,
    or some of them (`x` and every second row of `x`), or beside padding, get the
    smallest range with those of all of them, so that these elements are
    quantized once. A layer without statistics, without samples or with NaN is
    an error. A program without such layers needs no file.

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

def PadGroups : Pass<"quant-pad-groups"> {
  let summary = "Fill the last group of weights with zeros";
  let description = [{
    A selected layer whose groups of `g` do not divide K gets `Kp`, the next
    multiple of `g`: zeros are appended to each channel of its weight and to
    each row of its input,

        sum_{k < K} x_k * w_k = sum_{k < Kp} x_k * w_k     x_k = w_k = 0, k >= K

    so that all groups are whole. No result changes (groups_a1 in
    docs/Numerics.md). `quant.depth` keeps K for those who show the weight. A
    remainder that is no multiple of 8 is an error. Rows of an embedding table
    are padded alike, and what is looked up is cut off again.

    Example, with `group_size = 32`:

    ```mlir
    %y = linalg.matmul {quant.config = {...}}
             ins(%x, %w : tensor<?x784xf32>, tensor<784x128xf32>)
             outs(%zero : tensor<?x128xf32>) -> tensor<?x128xf32>
    ```

    becomes

    ```mlir
    %m = tensor.dim %zero, %c0 : tensor<?x128xf32>
    %e = tensor.empty(%m) : tensor<?x800xf32>
    %f = linalg.fill ins(%c : f32) outs(%e : tensor<?x800xf32>)
             -> tensor<?x800xf32>
    %p = tensor.insert_slice %x into %f[0, 0] [%m, 784] [1, 1]
        : tensor<?x784xf32> into tensor<?x800xf32>
    %wp = arith.constant dense<...> : tensor<128x800xf32>
    %y = linalg.matmul indexing_maps = [#mk, #nk, #mn]
             {quant.config = {...}, quant.depth = 784 : i64,
              quant.weight_transposed}
             ins(%p, %wp : tensor<?x800xf32>, tensor<128x800xf32>)
             outs(%zero : tensor<?x128xf32>) -> tensor<?x128xf32>
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def InsertQuantize : Pass<"quant-insert-quantize"> {
  let summary = "Quantize and dequantize the operands of selected layers";
  let description = [{
    From the float to the simulated form. Each operand `v` of a layer with
    `quant.config` is replaced by `dequantize(quantize(v))`, both with the same
    parameters:

    * the weight, brought into the order `[N, K]`: constants from its values. A
      weight of 4 bits in groups that is symmetric gets one f32 scale for each
      channel and an integer multiplier for each group, chosen by least squared
      error; other groups get an f32 scale each;
    * the weight in the format `nf4`: `quant.dequantize_normal_float` of
      constants (normal_float_a2 to normal_float_a4 in docs/Numerics.md);
    * the input, mode `static`: constants from `quant.input_range`, or
      `quant.input_parameters`;
    * the input, mode `dynamic`: the range of each row, found at run time, or of
      each sample of a convolution (convolution_a1), repeated for its rows;
    * the input, mode `weight-only`: nothing;
    * the table of an embedding: as a weight, whose channels are its rows.

    Example, mode `dynamic`:

    ```mlir
    %y = linalg.matmul {quant.config = {...}}
             ins(%x, %w : tensor<?x784xf32>, tensor<784x128xf32>)
             outs(%zero : tensor<?x128xf32>) -> tensor<?x128xf32>
    // becomes
    %r = quant.observe %x : tensor<?x784xf32> -> tensor<?x1x2xf32>
    %s, %z = quant.choose_params %r {bits = 8 : i64}
        : tensor<?x1x2xf32> -> tensor<?x1xf32>, tensor<?x1xi8>
    %q = quant.quantize %x scale(%s : tensor<?x1xf32>)
        zero_point(%z : tensor<?x1xi8>) : tensor<?x784xf32> -> tensor<?x784xi8>
    %d = quant.dequantize %q scale(%s : tensor<?x1xf32>)
        zero_point(%z : tensor<?x1xi8>) : tensor<?x784xi8> -> tensor<?x784xf32>
    %wq = quant.quantize %wt scale(%sw : tensor<128x1xf32>)
        : tensor<128x784xf32> -> tensor<128x784xi8>
    %wd = quant.dequantize %wq scale(%sw : tensor<128x1xf32>)
        : tensor<128x784xi8> -> tensor<128x784xf32>
    %y = linalg.matmul indexing_maps = [#mk, #nk, #mn]
             {quant.config = {...}, quant.weight_transposed}
             ins(%d, %wd : tensor<?x784xf32>, tensor<128x784xf32>)
             outs(%zero : tensor<?x128xf32>) -> tensor<?x128xf32>
    ```

    A layer whose parameters are known, from training or from the file
    that it was imported from, carries them, and then none are chosen:

    | attribute | value |
    |---|---|
    | `quant.input_range` | `array<f32: min, max>` |
    | `quant.input_parameters` | `{scale = 0.1 : f32, zero_point = 3 : i64}` |
    | `quant.weight_scale` | f32 of rank 0, `[N, 1]` or `[N, G]` |
    | `quant.weight_zero_point` | i8 of that shape, of asymmetric weights |
    | `quant.weight_multiplier` | i8 `[N, G]`, of 4-bit symmetric groups, whose scale is `[N, 1]` |
    | `quant.weight_magnitude` | i8 `[B, 256]`, of the format `nf4` with B super-blocks, |
    | `quant.weight_magnitude_scale` | f32 `[B, 1]`, and |
    | `quant.weight_magnitude_mean` | f32 of rank 0 |

    A layer in mode `static` without range and parameters is an error, and so is
    one whose groups are not whole (see quant-pad-groups).
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::quant::QuantDialect"];
}

def FoldWeights : Pass<"quant-fold-weights"> {
  let summary = "Replace quantized constants by integer constants";
  let description = [{
    `quant.quantize` of a constant by constant parameters is computed, as
    docs/Numerics.md defines it. Values of 4 bits are stored two to a byte.

    Example:

    ```mlir
    %q = quant.quantize %w scale(%s : tensor<128x1xf32>)
        : tensor<128x784xf32> -> tensor<128x784xi4>
    ```

    becomes

    ```mlir
    %bytes = arith.constant dense<...> : tensor<128x392xi8>
    %q = quant.unpack %bytes : tensor<128x392xi8> -> tensor<128x784xi4>
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def RecognizeLayers : Pass<"quant-recognize-layers", "::mlir::ModuleOp"> {
  let summary = "Describe the layers of a model that is quantized already";
  let description = [{
    A model that was imported with QuantizeLinear and DequantizeLinear is in the
    simulated form, in the spelling of whoever wrote it. For each linear layer
    whose weight is `quant.dequantize` of a constant, this pass

    * brings the weight and its parameters into the order `[N, K]`;
    * moves what moves elements from behind a `quant.dequantize` with one scale
      to before it: reshapes, transposes, copies, and padding with 0, which
      becomes the zero point: `reshape(dequantize(q)) -> dequantize(reshape(q))`;
      of a constant with other scales, it transposes and collapses them too;
    * attaches `quant.config`, read off the types, and gives the layer a name;
      to a lookup of rows of a dequantized constant as well.

    All other layers get `quant.skipped = "the model has it in float"`.

    Example:

    ```mlir
    %w = quant.dequantize %q scale(%s : tensor<1x128xf32>)
        : tensor<784x128xi8> -> tensor<784x128xf32>
    %y = linalg.matmul ins(%x, %w : tensor<?x784xf32>, tensor<784x128xf32>)
             outs(%zero : tensor<?x128xf32>) -> tensor<?x128xf32>
    ```

    becomes

    ```mlir
    %w = quant.dequantize %qt scale(%st : tensor<128x1xf32>)
        : tensor<128x784xi8> -> tensor<128x784xf32>
    %y = linalg.matmul indexing_maps = [#mk, #nk, #mn]
             {quant.config = {granularity = "per_channel", mode = "weight_only",
                              symmetric_weights, weight_bits = 8 : i64},
              quant.weight_transposed}
             ins(%x, %w : tensor<?x784xf32>, tensor<128x784xf32>)
             outs(%zero : tensor<?x128xf32>) -> tensor<?x128xf32>
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::quant::QuantDialect"];
}

def SimulateIntegerProducts : Pass<"quant-simulate-integer-products"> {
  let summary = "Turn scaled products of integers into the simulated form";
  let description = [{
    Models that onnxruntime has quantized dynamically multiply integers
    (MatMulInteger) and scale the sum:

    ```
    y = f32(sum_k (a[m, k] - za) * (w[k, n] - zw[n])) * (sa * sw[n])
    ```

    With a constant weight and constant `sw`, that is the formula of a layer
    with an input scale of rank 0 (`linear_a2`) to the bit, since
    `f32(f64(sa) * sw) = sa * sw`. It becomes the product of the dequantized
    operands, so that quant-recognize-layers and quant-convert-to-integer make
    a `quant.linear` of it. The scale and the zero point of the input may be
    computed. Unsigned bytes are shifted by 128. Products whose sums i32 may not
    hold, of more than 33,025 terms, are left alone: theirs wrap around.

    Example:

    ```mlir
    %a = linalg.generic ... { subi(extsi %q, extsi %z) }   // tensor<?x6xi32>
    %w = linalg.generic ... { extsi %c }                   // tensor<6x4xi32>
    %p = linalg.matmul ins(%a, %w) outs(%zero)
    %f = linalg.generic ... { sitofp %p }
    %s = linalg.generic ... { mulf %sa, 0.01 }
    %y = linalg.generic ... { mulf %f, %s }
    ```

    becomes

    ```mlir
    %a = quant.dequantize %q scale(%sa : tensor<f32>) zero_point(%z : tensor<i8>)
        : tensor<?x6xi8> -> tensor<?x6xf32>
    %w = quant.dequantize %c scale(%sw : tensor<f32>)
        : tensor<6x4xi8> -> tensor<6x4xf32>
    %y = linalg.matmul ins(%a, %w) outs(%zero)
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::quant::QuantDialect",
                           "::mlir::tensor::TensorDialect"];
}

def SinkReshapes : Pass<"quant-sink-reshapes"> {
  let summary = "Move reshapes of products behind the bias and the activation";
  let description = [{
    A product of matrices that belongs to more dimensions is expanded at once,
    before its bias is added. Elementwise operations work in any shape:

        elementwise(expand(x), b) -> expand(elementwise(x, b))

    so that the bias and the activation follow the product, and the reshape
    meets the next layer, where it cancels with the one before that.

    Example:

    ```mlir
    %e = tensor.expand_shape %y [[0, 1], [2]] output_shape [%m, 4, 8]
        : tensor<?x8xf32> into tensor<?x4x8xf32>
    %z = linalg.generic {...} ins(%e, %bias : tensor<?x4x8xf32>, tensor<8xf32>)
    ```

    becomes

    ```mlir
    %z = linalg.generic {...} ins(%y, %bias : tensor<?x8xf32>, tensor<8xf32>)
    %e = tensor.expand_shape %z [[0, 1], [2]] output_shape [%m, 4, 8]
        : tensor<?x8xf32> into tensor<?x4x8xf32>
    ```
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

#endif // QUANTC_DIALECT_QUANT_TRANSFORMS_PASSES
