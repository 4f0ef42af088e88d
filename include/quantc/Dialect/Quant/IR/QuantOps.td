//===- QuantOps.td - Operations added to the quant dialect -*- tablegen -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The operations of the simulated and the integer form. They live in upstream's
// `quant` dialect, beside `quant.qcast`, `quant.dcast` and `quant.scast`. The
// constraint IDs in the descriptions are those of docs/Numerics.md, of the
// verifiers and of their tests.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_DIALECT_QUANT_IR_QUANTOPS
#define QUANTC_DIALECT_QUANT_IR_QUANTOPS

include "mlir/Dialect/Quant/IR/QuantBase.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/ValueBoundsOpInterface.td"

class Quantc_Op<string mnemonic, list<Trait> traits = []>
    : Op<Quant_Dialect, mnemonic,
         !listconcat([Pure,
                      DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface,
                                                ["reifyResultShapes"]>,
                      DeclareOpInterfaceMethods<ValueBoundsOpInterface,
                                                ["populateBoundsForShapedValueDim"]>],
                     traits)> {
  let cppNamespace = "::quantc";
  // A dynamic dimension of a result is that of the first operand.
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::reifyResultShapes(
        ::mlir::OpBuilder &builder,
        ::mlir::ReifiedRankedShapedTypeDims &shapes) {
      return ::quantc::detail::reifyFromInput(*this, builder, shapes);
    }
    void $cppClass::populateBoundsForShapedValueDim(
        ::mlir::Value value, int64_t dim,
        ::mlir::ValueBoundsConstraintSet &constraints) {
      ::quantc::detail::boundByInput(*this, value, dim, constraints);
    }
  }];
}

def Quantc_I4 : I<4>;
def Quantc_FloatTensor : RankedTensorOf<[F32]>;
def Quantc_StorageTensor : RankedTensorOf<[Quantc_I4, I8]>;
def Quantc_ByteTensor : RankedTensorOf<[I8]>;

//===----------------------------------------------------------------------===//
// Statistics and parameters
//===----------------------------------------------------------------------===//

def Quantc_ObserveOp : Quantc_Op<"observe"> {
  let summary = "The range of each block, widened to include 0";
  let description = [{
    The result has the shape of the blocks with a last dimension of size 2
    appended, which holds the smallest and the largest element of the block, 0
    always among them: a block without elements gives `[0, 0]`. NaN is passed
    over. The result does not depend on the order of the elements, and ranges of
    parts are merged by taking the smaller minimum and the larger maximum.

    The block shape follows the rule for scales (`quantize_c2`, `quantize_c3`):
    the rank of the result less one is 0 (one block, the whole tensor) or the
    rank of the input, and each of its dimensions divides that of the input.

    ```
    range[b, 0] = min(0, input[i] for i in block b)
    range[b, 1] = max(0, input[i] for i in block b)
    ```

    Example, the range of each row:

    ```mlir
    %range = quant.observe %x : tensor<?x784xf32> -> tensor<?x1x2xf32>
    ```

    Constraints: `observe_c1` (block shape), `observe_c2` (last dimension 2).
  }];
  let arguments = (ins Quantc_FloatTensor:$input);
  let results = (outs Quantc_FloatTensor:$range);
  let assemblyFormat =
      "$input attr-dict `:` type($input) `->` type($range)";
  let hasVerifier = 1;
}

def Quantc_HistogramOp : Quantc_Op<"histogram"> {
  let summary = "How often each bfloat16 bucket occurs";
  let description = [{
    Counts the elements by the upper 16 bits of their bit pattern (sign,
    exponent and 7 mantissa bits), so a bucket is at most 1/128 of its value
    wide whatever the range of the data is. Histograms of two parts of the data
    add up to the histogram of the whole, in any order.

    ```
    count[bitcast<u32>(input[i]) >> 16] += 1   for every i
    ```

    Example:

    ```mlir
    %count = quant.histogram %x : tensor<?x784xf32> -> tensor<65536xi64>
    ```

    Constraints: `histogram_c1` (65536 buckets).
  }];
  let arguments = (ins Quantc_FloatTensor:$input);
  let results = (outs 1DTensorOf<[I64]>:$count);
  let assemblyFormat =
      "$input attr-dict `:` type($input) `->` type($count)";
  let hasVerifier = 1;
}

def Quantc_ChooseParamsOp : Quantc_Op<"choose_params"> {
  let summary = "Scale and zero point of a range";
  let description = [{
    The range is widened to include 0, and its infinities are replaced by the
    largest finite f32. Symmetric: `scale = max(|min|, |max|) /
    qmax`, zero point 0. Asymmetric: `scale = (max - min) / (qmax - qmin)`,
    `zero_point = clamp(rne(qmin - min / scale), qmin, qmax)`. `qmax` is 127 for
    8 bits and 7 for 4, `qmin` -128 and -8. All steps in f32, as in
    docs/Numerics.md; a scale that comes out as 0 is 1e-8.

    Example:

    ```mlir
    %scale, %zero_point = quant.choose_params %range {bits = 8 : i64}
        : tensor<?x1x2xf32> -> tensor<?x1xf32>, tensor<?x1xi8>
    ```

    Constraints: `choose_params_c1` (4 or 8 bits), `choose_params_c2` (last
    dimension of the range is 2), `choose_params_c3` (results have the shape of
    the range without it).
  }];
  let arguments = (ins Quantc_FloatTensor:$range, I64Attr:$bits,
                   UnitAttr:$symmetric);
  let results = (outs Quantc_FloatTensor:$scale, Quantc_ByteTensor:$zero_point);
  let assemblyFormat = [{
    $range attr-dict `:` type($range) `->` type($scale) `,` type($zero_point)
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Quantization, element by element
//===----------------------------------------------------------------------===//

/// The operands that say how an element is quantized, shared by quantize,
/// dequantize and fake_quant.
class Quantc_ElementwiseOp<string mnemonic, list<Trait> traits = []>
    : Quantc_Op<mnemonic, !listconcat([AttrSizedOperandSegments], traits)> {
  let hasVerifier = 1;
}

def Quantc_QuantizeOp : Quantc_ElementwiseOp<"quantize"> {
  let summary = "Float to storage values";
  let description = [{
    ```
    s      = multiplier ? scale * multiplier : scale
    result = clamp(rne(input / s) + zero_point, qmin, qmax)
    ```

    `rne` rounds half to even; the quotient is correctly rounded in f32; the
    value saturates before it is converted to an integer. Infinities saturate,
    NaN gives the zero point. `[qmin, qmax]` is `[-128, 127]` for i8 and
    `[-8, 7]` for i4. A missing zero point is 0.

    Scale, zero point and multiplier have rank 0 or the rank of the input; each
    dimension divides that of the input, and the quotient is the size of the
    block that shares the value: `tensor<f32>` is per tensor, `tensor<Nx1xf32>`
    per channel of an `[N, K]` weight, `tensor<NxGxf32>` in groups of `K / G`,
    `tensor<?x1xf32>` per row.

    The multiplier (1 to 15) makes two-level integer scales: `scale` is the
    scale of the channel, its last 4 mantissa bits are zero, so the product is
    exact.

    Example:

    ```mlir
    %q = quant.quantize %x scale(%s : tensor<f32>) zero_point(%z : tensor<i8>)
        : tensor<?x784xf32> -> tensor<?x784xi8>
    ```

    Constraints: `quantize_c2` to `quantize_c9`.
  }];
  let arguments = (ins Quantc_FloatTensor:$input, Quantc_FloatTensor:$scale,
                   Optional<Quantc_ByteTensor>:$zero_point,
                   Optional<Quantc_ByteTensor>:$multiplier);
  let results = (outs Quantc_StorageTensor:$result);
  let assemblyFormat = [{
    $input `scale` `(` $scale `:` type($scale) `)`
    (`zero_point` `(` $zero_point^ `:` type($zero_point) `)`)?
    (`multiplier` `(` $multiplier^ `:` type($multiplier) `)`)?
    attr-dict `:` type($input) `->` type($result)
  }];
  let hasCanonicalizer = 1;
}

def Quantc_DequantizeOp : Quantc_ElementwiseOp<"dequantize"> {
  let summary = "Storage values to float";
  let description = [{
    ```
    result = (input - zero_point) * s     s as in quant.quantize
    ```

    The subtraction is exact in i32; the product is rounded once, to f32.

    Example:

    ```mlir
    %y = quant.dequantize %q scale(%s : tensor<128x1xf32>)
        : tensor<128x784xi4> -> tensor<128x784xf32>
    ```

    Constraints: `dequantize_c2` to `dequantize_c9`, as for `quant.quantize`.
  }];
  let arguments = (ins Quantc_StorageTensor:$input, Quantc_FloatTensor:$scale,
                   Optional<Quantc_ByteTensor>:$zero_point,
                   Optional<Quantc_ByteTensor>:$multiplier);
  let results = (outs Quantc_FloatTensor:$result);
  let assemblyFormat = [{
    $input `scale` `(` $scale `:` type($scale) `)`
    (`zero_point` `(` $zero_point^ `:` type($zero_point) `)`)?
    (`multiplier` `(` $multiplier^ `:` type($multiplier) `)`)?
    attr-dict `:` type($input) `->` type($result)
  }];
}

def Quantc_FakeQuantOp : Quantc_ElementwiseOp<"fake_quant", [
    AllTypesMatch<["input", "result"]>]> {
  let summary = "Quantize and dequantize in one step";
  let description = [{
    ```
    result = dequantize(quantize(input))
    ```

    The forward value of quantization-aware training, the same to the bit as
    `quant.quantize` to `bits` bits followed by `quant.dequantize`. NaN gives 0.

    Example:

    ```mlir
    %y = quant.fake_quant %x scale(%s : tensor<f32>) zero_point(%z : tensor<i8>)
        {bits = 8 : i64} : tensor<?x784xf32>
    ```

    Constraints: `fake_quant_c1` (4 or 8 bits), `fake_quant_c2` to
    `fake_quant_c9`, as for `quant.quantize`.
  }];
  let arguments = (ins Quantc_FloatTensor:$input, Quantc_FloatTensor:$scale,
                   Optional<Quantc_ByteTensor>:$zero_point,
                   Optional<Quantc_ByteTensor>:$multiplier, I64Attr:$bits);
  let results = (outs Quantc_FloatTensor:$result);
  let assemblyFormat = [{
    $input `scale` `(` $scale `:` type($scale) `)`
    (`zero_point` `(` $zero_point^ `:` type($zero_point) `)`)?
    (`multiplier` `(` $multiplier^ `:` type($multiplier) `)`)?
    attr-dict `:` type($input)
  }];
}

def Quantc_RequantizeOp : Quantc_Op<"requantize", [
    AllTypesMatch<["input", "result"]>]> {
  let summary = "From one scale and zero point to another";
  let description = [{
    ```
    x      = f32(input - input_zero_point) * input_scale
    result = clamp(rne(x / output_scale) + output_zero_point,
                   clamp_min, clamp_max)
    ```

    This is `quant.quantize(quant.dequantize(input))` to the bit. All four
    parameters are per tensor (rank 0). `clamp_min` and `clamp_max` default to
    -128 and 127; a ReLU is `clamp_min` = the output zero point.

    Example:

    ```mlir
    %y = quant.requantize %x input(%s0, %z0 : tensor<f32>, tensor<i8>)
        output(%s1, %z1 : tensor<f32>, tensor<i8>) : tensor<?x64xi8>
    ```

    Constraints: `requantize_c1` (parameters positive, finite, in range),
    `requantize_c2` (bounds ordered and within i8).
  }];
  let arguments = (ins Quantc_ByteTensor:$input,
                   0DTensorOf<[F32]>:$input_scale,
                   0DTensorOf<[I8]>:$input_zero_point,
                   0DTensorOf<[F32]>:$output_scale,
                   0DTensorOf<[I8]>:$output_zero_point,
                   DefaultValuedAttr<SI64Attr, "-128">:$clamp_min,
                   DefaultValuedAttr<SI64Attr, "127">:$clamp_max);
  let results = (outs Quantc_ByteTensor:$result);
  let assemblyFormat = [{
    $input `input` `(` $input_scale `,` $input_zero_point `:`
      type($input_scale) `,` type($input_zero_point) `)`
    `output` `(` $output_scale `,` $output_zero_point `:`
      type($output_scale) `,` type($output_zero_point) `)`
    attr-dict `:` type($input)
  }];
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
}

def Quantc_RescaleOp : Quantc_Op<"rescale"> {
  let summary = "Exact sums of integers to float or storage values";
  let description = [{
    ```
    result = f32(input) * scale                                     f32
    result = clamp(rne(f32(input) * scale) + zero_point,
                   clamp_min, clamp_max)                            i8
    ```

    What becomes of sums of windows of integers (`average_a2`, `average_a3` in
    docs/Numerics.md): their zero points are in the sum already, and the number
    of elements in the scale, which differs between places at an edge. The scale
    has blocks as in `quant.quantize`, the zero point rank 0. An i8 result
    saturates, NaN (0 times an infinite scale) counts as 0.

    Example:

    ```mlir
    %y = quant.rescale %sum scale(%s : tensor<1x28x28x1xf32>)
        zero_point(%z : tensor<i8>)
        : tensor<?x28x28x64xi16> -> tensor<?x28x28x64xi8>
    ```

    Constraints: `rescale_c1` (shapes), `rescale_c2` (constant scales positive
    and finite), `rescale_c3` (a zero point exactly with an i8 result),
    `rescale_c4` (bounds ordered and within i8).
  }];
  let arguments = (ins RankedTensorOf<[I16, I32]>:$input,
                   Quantc_FloatTensor:$scale,
                   Optional<0DTensorOf<[I8]>>:$zero_point,
                   DefaultValuedAttr<SI64Attr, "-128">:$clamp_min,
                   DefaultValuedAttr<SI64Attr, "127">:$clamp_max);
  let results = (outs RankedTensorOf<[F32, I8]>:$result);
  let assemblyFormat = [{
    $input `scale` `(` $scale `:` type($scale) `)`
    (`zero_point` `(` $zero_point^ `:` type($zero_point) `)`)?
    attr-dict `:` type($input) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Quantc_UnpackOp : Quantc_Op<"unpack"> {
  let summary = "Two 4-bit values of each byte";
  let description = [{
    Weights of 4 bits are stored two to a byte, and so are the multipliers of
    their groups. The element at an even position of the last dimension is the
    low nibble, the next one the high nibble; with an odd last dimension the last
    high nibble is 0. An i4 result is two's complement; an i8 result holds the
    nibbles as they are, 0 to 15.

    ```
    result[i, 2 * j]     = ext(input[i, j] & 15)
    result[i, 2 * j + 1] = ext((input[i, j] >> 4) & 15)
    ext(n) = n >= 8 ? n - 16 : n      i4
             n                        i8
    ```

    Example:

    ```mlir
    %w = quant.unpack %bytes : tensor<128x392xi8> -> tensor<128x784xi4>
    %m = quant.unpack %pairs : tensor<128x13xi8> -> tensor<128x25xi8>
    ```

    Constraints: `unpack_c1` (equal shapes but for the last dimension, which is
    halved and rounded up).
  }];
  let arguments = (ins Quantc_ByteTensor:$input);
  let results = (outs Quantc_StorageTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Quantc_DequantizeNormalFloatOp : Quantc_Op<"dequantize_normal_float"> {
  let summary = "4-bit NormalFloat weights with double quantization to float";
  let description = [{
    Weights of a base that stays frozen while adapters are trained (QLoRA): one
    of 16 levels (normal_float_a1 in docs/Numerics.md) times the magnitude of
    its block of 64, which is quantized to 8 bits in super-blocks of 256.

    ```
    c[j]         = max(f32(magnitude[j]) * magnitude_scale[j / 256]
                       + magnitude_mean, 0)              j counts row-major
    result[n, k] = level[input[n, k] + 8] * c[(n * K + k) / 64]
    ```

    Every product and sum is rounded by itself, to f32.

    Example:

    ```mlir
    %w = quant.dequantize_normal_float %q magnitude(%c, %s, %m
           : tensor<2x256xi8>, tensor<2x1xf32>, tensor<f32>)
        : tensor<128x192xi4> -> tensor<128x192xf32>
    ```

    Constraints: `dequantize_normal_float_c1` (the input is [N, K], of whole
    blocks, and the result of its shape), `dequantize_normal_float_c2`
    (magnitudes are [B, 256] for B super-blocks, their scales [B, 1]),
    `dequantize_normal_float_c3` (constant scales are positive and finite).
  }];
  let arguments = (ins RankedTensorOf<[Quantc_I4]>:$input,
                   Quantc_ByteTensor:$magnitude,
                   Quantc_FloatTensor:$magnitude_scale,
                   0DTensorOf<[F32]>:$magnitude_mean);
  let results = (outs Quantc_FloatTensor:$result);
  let assemblyFormat = [{
    $input `magnitude` `(` $magnitude `,` $magnitude_scale `,` $magnitude_mean
      `:` type($magnitude) `,` type($magnitude_scale) `,`
      type($magnitude_mean) `)`
    attr-dict `:` type($input) `->` type($result)
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// The integer form
//===----------------------------------------------------------------------===//

def Quantc_LinearOp : Quantc_Op<"linear", [AttrSizedOperandSegments]> {
  let summary = "Fully connected layer on quantized weights";
  let description = [{
    `input` is `[M, K]`, `weight` is `[N, K]`, the result `[M, N]`. The three
    kinds of layer are told apart by their types.

    **Integer input** (i8, with `input_scale` and `input_zero_point`):

    ```
    w[n, k]   = weight[n, k] * group_multiplier[n, g(k)]     (if there is one)
    acc[m, n] = sum_k (input[m, k] - input_zero_point)
                    * (w[n, k] - weight_zero_point)          exact, in i32

    static  (input_scale of rank 0)
      y = f32(acc) * f32(f64(input_scale) * weight_scale) + bias
    dynamic (input_scale [M, 1], a scale for each row)
      y = (f32(acc) * weight_scale) * input_scale + bias
    weight_scale [N, G] with G > 1 (float group scales), static and dynamic
      y = (sum_g f32(acc_g) * weight_scale_g) * input_scale + bias
    ```

    **Integer result** (i8, with `output_scale` and `output_zero_point`):

    ```
    m = f32(f64(input_scale) * weight_scale / output_scale)
    b = f32(f64(bias) / output_scale)
    y = clamp(rne(f32(acc) * m + b) + output_zero_point, clamp_min, clamp_max)
    ```

    **Float input** (f32, weight-only; `s_g` is `weight_scale_g`, or `weight_scale
    * group_multiplier`):

    ```
    p_g = fma(input[m, k], f32(weight[n, k] - weight_zero_point_g), p_g)
    y   = fma(p_g, s_g, y)         k and g ascending from 0, then  y + bias
    ```

    With a group multiplier and a float input the integer weight `w` is used and
    there is one group.

    Every multiply and add rounds by itself; sums over g go from 0 upwards. ReLU
    and Clip before an integer result are the bounds of its clamp.

    **Addend** (f32, `[M, N]`, such as the delta of a LoRA adapter), added last:

    ```
    float result     y = y + addend
    integer result   y = clamp(rne((f32(acc) * m + b) + addend / output_scale)
                               + output_zero_point, clamp_min, clamp_max)
    ```

    An addend of -0 gives the bytes of the layer without one.

    **Groups of features** (`feature_groups` G, a convolution in groups over its
    patches; G = N for one that is depthwise): the input is `[M, G * K]`, and an
    output reads the columns of its group alone. All else stays as it is.

    ```
    acc[m, n] = sum_k (input[m, (n floordiv (N / G)) * K + k] - input_zero_point)
                    * (w[n, k] - weight_zero_point)
    ```

    Example:

    ```mlir
    %y = quant.linear %x, %w scale(%sw : tensor<128x1xf32>)
        input(%sa, %za : tensor<f32>, tensor<i8>) bias(%b : tensor<128xf32>)
        output(%sy, %zy : tensor<f32>, tensor<i8>) {clamp_min = -100 : si64}
        : tensor<?x784xi8>, tensor<128x784xi8> -> tensor<?x128xi8>
    ```

    Constraints: `linear_c1` to `linear_c13`.
  }];
  let arguments = (ins
    RankedTensorOf<[I8, F32]>:$input,
    Quantc_StorageTensor:$weight,
    Quantc_FloatTensor:$weight_scale,
    Optional<Quantc_ByteTensor>:$weight_zero_point,
    Optional<Quantc_ByteTensor>:$group_multiplier,
    Optional<Quantc_FloatTensor>:$input_scale,
    Optional<Quantc_ByteTensor>:$input_zero_point,
    Optional<1DTensorOf<[F32]>>:$bias,
    Optional<0DTensorOf<[F32]>>:$output_scale,
    Optional<0DTensorOf<[I8]>>:$output_zero_point,
    Optional<Quantc_FloatTensor>:$addend,
    DefaultValuedAttr<SI64Attr, "-128">:$clamp_min,
    DefaultValuedAttr<SI64Attr, "127">:$clamp_max,
    DefaultValuedAttr<I64Attr, "1">:$feature_groups);
  let results = (outs RankedTensorOf<[I8, F32]>:$result);
  let assemblyFormat = [{
    $input `,` $weight `scale` `(` $weight_scale `:` type($weight_scale) `)`
    (`zero_point` `(` $weight_zero_point^ `:` type($weight_zero_point) `)`)?
    (`multiplier` `(` $group_multiplier^ `:` type($group_multiplier) `)`)?
    (`input` `(` $input_scale^ `,` $input_zero_point `:`
      type($input_scale) `,` type($input_zero_point) `)`)?
    (`bias` `(` $bias^ `:` type($bias) `)`)?
    (`output` `(` $output_scale^ `,` $output_zero_point `:`
      type($output_scale) `,` type($output_zero_point) `)`)?
    (`addend` `(` $addend^ `:` type($addend) `)`)?
    attr-dict `:` type($input) `,` type($weight) `->` type($result)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Whether activations enter as integers (otherwise weight-only).
    bool hasIntegerInput();
    /// Whether the result is requantized to i8.
    bool hasIntegerResult();
    /// Whether each row has its own input scale.
    bool isDynamic();
    /// The number of weight scales along K: more than 1 with float group scales.
    int64_t getNumScaleGroups();
    /// The number of group multipliers along K, 0 without.
    int64_t getNumMultiplierGroups();
  }];
}

def Quantc_LoraTensor : RankedTensorOf<[I8, BF16, F32]>;

def Quantc_LoraOp : Quantc_Op<"lora", [AttrSizedOperandSegments]> {
  let summary = "Low-rank deltas of several adapters";
  let description = [{
    `input` is `[M, K]`, the result `[M, N]`, the addend of a layer. S adapters
    of rank R are in slots: `down` is `[S, K, R]` (A transposed), `up` is
    `[S, R, N]` (B transposed), `scale` is `[S]`. `slots` is `[P]`: the rows are
    cut into P parts of `ceil(M / P)` rows, each with a slot of its own; a
    negative one means no adapter.

    ```
    s           = slots[m / ceil(M / P)]
    u[m, r]     = fma(input[m, k], a(s, k, r), u[m, r])   from +0, k ascending
    d[m, n]     = fma(u[m, r], b(s, r, n), d[m, n])       from +0, r ascending
    result[m, n] = s < 0 ? -0 : d[m, n] * scale[s]
    ```

    -0 is the addend that changes nothing. The elements `a` and `b` are those of
    `down` and `up` as f32; integers have a scale for each row of A and of B,
    `down_scale` `[S, R]` and `up_scale` `[S, N]`:

    ```
    a(s, k, r) = f32(down[s, k, r]) * down_scale[s, r]
    b(s, r, n) = f32(up[s, r, n]) * up_scale[s, n]
    ```

    An adapter of a lower rank is filled up with zeros. A slot that does not
    exist is not allowed.

    Example:

    ```mlir
    %d = quant.lora %x, %a, %b scale(%s : tensor<?xf32>) slots(%i : tensor<?xi32>)
        : tensor<?x784xf32>, tensor<?x784x16xf32>, tensor<?x16x128xf32>
        -> tensor<?x128xf32>
    ```

    Constraints: `lora_c1` (shapes), `lora_c2` (down and up hold the same type),
    `lora_c3` (storage scales exactly for integers, and their shapes).
  }];
  let arguments = (ins Quantc_FloatTensor:$input, Quantc_LoraTensor:$down,
                   Quantc_LoraTensor:$up, 1DTensorOf<[F32]>:$scale,
                   Optional<Quantc_FloatTensor>:$down_scale,
                   Optional<Quantc_FloatTensor>:$up_scale,
                   1DTensorOf<[I32]>:$slots);
  let results = (outs Quantc_FloatTensor:$result);
  let assemblyFormat = [{
    $input `,` $down `,` $up `scale` `(` $scale `:` type($scale) `)`
    (`storage_scales` `(` $down_scale^ `,` $up_scale `:`
      type($down_scale) `,` type($up_scale) `)`)?
    `slots` `(` $slots `:` type($slots) `)`
    attr-dict `:` type($input) `,` type($down) `,` type($up) `->` type($result)
  }];
  let hasVerifier = 1;
}

#endif // QUANTC_DIALECT_QUANT_IR_QUANTOPS
