//===- IntegerPasses.td - Passes to the integer form -------*- tablegen -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_DIALECT_QUANT_TRANSFORMS_INTEGERPASSES
#define QUANTC_DIALECT_QUANT_TRANSFORMS_INTEGERPASSES

include "mlir/Pass/PassBase.td"

def ConvertToInteger : Pass<"quant-convert-to-integer"> {
  let summary = "Turn simulated layers into quant.linear";
  let description = [{
    From the simulated to the integer form:

        matmul(dequantize(a), dequantize(w)) + bias
          -> linear(a, w, parameters of both, bias)
        matmul(x, dequantize(w)) + bias
          -> linear(x, w, parameters of w, bias)

    The integer form is what docs/Numerics.md defines the layer to be: its sums
    are exact, those of the float matmul were rounded. A bias is an addition of
    a vector over n that is the only use of the product.

    The parameters of `a` are one for the tensor or one for each row. With
    others, the matmul stays as it is.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::quant::QuantDialect"];
}

def ConvertProductsToInteger : Pass<"quant-convert-products-to-integer"> {
  let summary = "Turn products of dequantized activations into quant.linear";
  let description = [{
    From the simulated to the integer form, for products whose operands are both
    known only when the program runs, as in attention:

        y[b, m, n] = sum_k dequantize(q)[b, m, k] * dequantize(p)[b, k, n]
          -> for each b: y[b] = linear(q[b], transpose(p[b]), parameters)

    with any number of dimensions b, none too. The right operand takes the place
    of a weight, `[N, K]`, whose zero point is the weight's; the formula is that
    of a static layer per tensor (`linear_a2` in docs/Numerics.md), also where the
    scales are computed. Each operand holds bytes with one scale, in any order of
    its dimensions. Left alone are operands that are broadcast, a right operand
    whose matrices have no static size, and sums of more than 33,025 terms,
    which i32 may not hold.

    Example:

    ```mlir
    %x = quant.dequantize %q scale(%sq : tensor<f32>)
        : tensor<12x128x32xi8> -> tensor<12x128x32xf32>
    %w = quant.dequantize %k scale(%sk : tensor<f32>)
        : tensor<12x32x128xi8> -> tensor<12x32x128xf32>
    %y = linalg.batch_matmul ins(%x, %w : ...) outs(%zero : ...)
    ```

    becomes

    ```mlir
    %y = scf.for %b = %c0 to %c12 step %c1 iter_args(%r = %empty) {
      %qb = tensor.extract_slice %q[%b, 0, 0] [1, 128, 32] [1, 1, 1]
      %kb = tensor.extract_slice %k[%b, 0, 0] [1, 32, 128] [1, 1, 1]
      %t = linalg.transpose ins(%kb : tensor<32x128xi8>) outs(...)
               permutation = [1, 0]
      %yb = quant.linear %qb, %t scale(%sk : tensor<f32>)
                input(%sq, %zero_point : tensor<f32>, tensor<i8>)
          : tensor<128x32xi8>, tensor<128x32xi8> -> tensor<128x128xf32>
      %n = tensor.insert_slice %yb into %r[%b, 0, 0] [1, 128, 128] [1, 1, 1]
      scf.yield %n
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::quant::QuantDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect"];
}

def LookUpIntegers : Pass<"quant-look-up-integers"> {
  let summary = "Look up rows of integers instead of dequantized ones";
  let description = [{
    From the simulated to the integer form. A table is dequantized element by
    element, so only the rows that are looked up have to be:

        dequantize(q, s, z, m)[row(i), c]
          = dequantize(q[row(i), c], s[row(i), g(c)], z[row(i), g(c)],
                       m[row(i), g(c)])

    with the scales `s`, zero points `z` and multipliers `m` of each row, or of
    each group of a row; one for the whole table is not looked up. No result
    changes. Values of 4 bits are looked up as bytes and unpacked behind. What
    is dequantized keeps `quant.config` and the name of the layer. A lookup is a
    `linalg.generic` that extracts whole rows of a matrix. Blocks that span rows
    leave it as it is.

    Example:

    ```mlir
    %table = quant.dequantize %q scale(%s : tensor<1000x1xf32>)
        : tensor<1000x64xi8> -> tensor<1000x64xf32>
    %y = linalg.generic {...} ins(%ids : tensor<?xi64>) {
      ...
      %v = tensor.extract %table[%row, %column] : tensor<1000x64xf32>
    } -> tensor<?x64xf32>
    ```

    becomes

    ```mlir
    %rows = linalg.generic {...} ins(%ids : tensor<?xi64>) {
      %v = tensor.extract %q[%row, %column] : tensor<1000x64xi8>
    } -> tensor<?x64xi8>
    %scales = linalg.generic {...} ins(%ids : tensor<?xi64>) {
      %v = tensor.extract %s[%row, %column] : tensor<1000x1xf32>
    } -> tensor<?x1xf32>
    %y = quant.dequantize %rows scale(%scales : tensor<?x1xf32>)
        : tensor<?x64xi8> -> tensor<?x64xf32>
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::quant::QuantDialect",
                           "::mlir::tensor::TensorDialect"];
}

def QuantizeResiduals : Pass<"quant-quantize-residuals"> {
  let summary = "Let shortcuts around convolutions read integers";
  let description = [{
    A shortcut adds the input of a block to the result of its last convolution.
    That input is quantized anyway, for the first convolution of the block, with
    a range from calibration: the addition reads it in that form as well.

        y = linear(..., quantize(x; s, z), ...) + x
          -> y = linear(..., quantize(x; s, z), ...)
                 + dequantize(quantize(x; s, z); s, z)

    So no float image of `x` is written, kept while the block runs, and read; a
    layer before it may give integers (`quant-fuse-requantize`). It costs at most
    half a step of `x`, once for each block, as when ONNX models are quantized
    with their additions.

    `x` stays float if anything else reads it than what quantizes it with
    constant parameters, perhaps after its elements were moved, and such
    additions. So do sums with the result of a layer that is no convolution:
    what transformers add has outliers, for which one scale is too coarse.
    Two convolutions of one sum, one of them in the shortcut, stay float too:
    neither result has a range.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def QuantizeAverages : Pass<"quant-quantize-averages"> {
  let summary = "Let averages of windows add up integers";
  let description = [{
    An average pool reads what layers beside it read in integers. Its windows are
    added up exactly:

        sum_i x[i] / n -> rescale(sum_i quantize(x; s, z)[i] - z; f32(s / n))

    with the parameters of the layers that read the elements of `x` as well,
    moved or not. The zero point is where the sum starts; `n` is a number for each place where
    windows reach into padding that does not count. Sums have 16 bits up to
    windows of 128, else 32 (`average_a1` in docs/Numerics.md). What quantizes the
    average becomes a part of `quant.rescale` (`quant-fuse-requantize`), so that
    whole concatenations stay in integers.

    `x` stays float if anything else reads it, or no layer does.

    Example:

    ```mlir
    %sum = linalg.generic {...} ins(%x, %window : tensor<1x30x30x64xf32>, ...) {
      %0 = arith.addf %out, %in : f32
      ...
    } -> tensor<1x28x28x64xf32>
    %y = linalg.generic {...} ins(%sum : tensor<1x28x28x64xf32>) {
      %0 = arith.divf %in, %nine : f32
      ...
    } -> tensor<1x28x28x64xf32>
    ```

    becomes

    ```mlir
    %q = quant.quantize %x scale(%s : tensor<f32>) zero_point(%z : tensor<i8>)
        : tensor<1x30x30x64xf32> -> tensor<1x30x30x64xi8>
    %sum = linalg.generic {...} ins(%q, %window : tensor<1x30x30x64xi8>, ...) {
      %0 = arith.extsi %in : i8 to i16
      %1 = arith.addi %out, %0 : i16
      ...
    } -> tensor<1x28x28x64xi16>
    %y = quant.rescale %sum scale(%m : tensor<f32>)
        : tensor<1x28x28x64xi16> -> tensor<1x28x28x64xf32>
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::quant::QuantDialect",
                           "::mlir::tensor::TensorDialect"];
}

def FuseRequantize : Pass<"quant-fuse-requantize"> {
  let summary = "Let layers produce the integers that the next layer takes";
  let description = [{
    `quantize` is monotone, so it exchanges places with a maximum or a minimum,

        quantize(max(x, c)) = max(quantize(x), quantize(c)),

    and a float layer followed by ReLU or Clip and by `quantize` is a layer with
    an i8 result and clamp bounds `quantize(c)`:

        quantize(clip(linear(...), lo, hi); s, z)
          -> linear(...) output(s, z)
                 {clamp_min = quantize(lo), clamp_max = quantize(hi)}

    In the same way `quantize(clip(dequantize(q)))` is `quant.requantize`, and
    after `quant.rescale` it is one of an i8 result. After
    other operations, a sum say, a maximum whose bound is the smallest integer is
    dropped, if that is the zero point too, which a NaN becomes.
    What only moves elements moves behind the quantization, so that layers on
    both sides meet: reshapes, transpositions, copies of patches, concatenations
    (`tensor.insert_slice` into `tensor.empty`), and padding, whose number is
    quantized (0 is the zero point). So do maxima of windows,
    for the reason above, of a layer whose result is never NaN: a NaN is the
    maximum of its window and is quantized to the zero point. With parameters that are known only when the
    program runs, as in training, the clip follows the layer, on integers:

        quantize(max(linear(...), c); s, z)
          -> max(linear(...) output(s, z), quantize(c; s, z))

    A layer whose float result, before or after the clip, has another use than
    to be observed is left alone, and so is one with dynamic inputs or with
    float group scales, whose result is defined in float, and one with
    `quant.float_result`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::tensor::TensorDialect"];
}

def CheckRanges : Pass<"quant-check-ranges"> {
  let summary = "Prove that integer sums fit their accumulator";
  let description = [{
    For each `quant.linear` with an integer input, the largest possible

        |sum_k (a_k - za) * (w_k - zw)|

    over all inputs is found from the actual weights, and has to fit in i32. So
    no order and no split of the sum can overflow. Weights that are inputs of
    the program count as the largest of their storage. With float group scales each
    group has an accumulator of its own. A layer that may overflow is an error.
  }];
}

#endif // QUANTC_DIALECT_QUANT_TRANSFORMS_INTEGERPASSES
