//===- Passes.td - Passes to linalg, arith and math ---------*- tablegen -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_CONVERSION_PASSES
#define QUANTC_CONVERSION_PASSES

include "mlir/Pass/PassBase.td"

def LowerToLinalg : Pass<"quant-lower-to-linalg", "mlir::ModuleOp"> {
  let summary = "Lower the quant operations to linalg on tensors";
  let description = [{
    Every operation of quantc becomes `linalg.generic` (and `scf.for` for
    histograms) whose bodies are emitted from the formulas of lib/Numerics, so
    the result has the bits of the numeric contract.

    Values of 2 and 4 bits are held one to a byte afterwards, sign-extended:
    `tensor<...xi4>` becomes `tensor<...xi8>` everywhere, also in signatures.
    Bodies of operations take the lowest bits of what they read. Nibbles that
    are packed behind `quant.unpack` stay packed in the constant.

    A linear layer is a contraction with exact i32 accumulators and an
    element-by-element epilogue. Multipliers of static layers are computed here,
    so their scales must be constant.

    ```mlir
    %y = quant.dequantize %q scale(%s : tensor<f32>) : tensor<4xi8> -> tensor<4xf32>
    ```

    becomes

    ```mlir
    %y = linalg.generic {indexing_maps = [(d0) -> (d0), (d0) -> (), (d0) -> (d0)], ...}
        ins(%q, %s : tensor<4xi8>, tensor<f32>) outs(%empty : tensor<4xf32>) {
    ^bb0(%in: i8, %scale: f32, %out: f32):
      %0 = arith.extsi %in : i8 to i32
      %1 = arith.sitofp %0 : i32 to f32
      %2 = arith.mulf %1, %scale : f32
      linalg.yield %2 : f32
    } -> tensor<4xf32>
    ```
  }];
  let dependentDialects = [
    "mlir::arith::ArithDialect", "mlir::linalg::LinalgDialect",
    "mlir::math::MathDialect", "mlir::scf::SCFDialect",
    "mlir::tensor::TensorDialect"
  ];
}

def ResolveUniform : Pass<"quant-resolve-uniform", "mlir::ModuleOp"> {
  let summary = "Turn `!quant.uniform` types into quantize and dequantize";
  let description = [{
    Programs of other compilers say how values are quantized by their types.
    A tensor of `!quant.uniform<storage:f32, s:z>` becomes a tensor of the
    storage integers, and upstream's casts our operations:

    ```
    quant.qcast x   ->   quant.quantize x scale(s) zero_point(z)
    quant.dcast q   ->   quant.dequantize q scale(s) zero_point(z)
    quant.scast q   ->   q
    ```

    so that quotients are rounded half to even and saturate (`quantize_a1`);
    upstream's `lower-quant-ops` truncates. It has to come before
    `canonicalize`, for which quant.dcast of quant.qcast is nothing. Types per
    axis and in blocks have scales of the rank of the tensor. Unsigned storage
    is shifted by half of its range, as everywhere in quantc, and `quant.scast`
    shifts it. A range that is narrower than its type is clamped after
    `quant.quantize`. Integers of 16 and 32 bits, as those of biases, are only
    dequantized, by `dequantize_a1`.

    Functions, calls, and operations of `tensor` and `tosa`, which move elements
    or say themselves what they compute, take the integers. Any other operation
    on a quantized type is an error: it computes with values, so quant.dcast has
    to be before it. That is how a program of StableHLO looks once its quantized
    operations are decomposed and it is legalized to `linalg`.

    Example:

    ```mlir
    %q = quant.qcast %x : tensor<?x8xf32>
        to tensor<?x8x!quant.uniform<i8:f32, 0.5:3>>
    %y = quant.dcast %q : tensor<?x8x!quant.uniform<i8:f32, 0.5:3>>
        to tensor<?x8xf32>
    ```

    becomes

    ```mlir
    %s = arith.constant dense<5.0e-01> : tensor<f32>
    %z = arith.constant dense<3> : tensor<i8>
    %q = quant.quantize %x scale(%s : tensor<f32>) zero_point(%z : tensor<i8>)
        : tensor<?x8xf32> -> tensor<?x8xi8>
    %y = quant.dequantize %q scale(%s : tensor<f32>) zero_point(%z : tensor<i8>)
        : tensor<?x8xi8> -> tensor<?x8xf32>
    ```
  }];
  let dependentDialects = [
    "mlir::arith::ArithDialect", "mlir::linalg::LinalgDialect",
    "mlir::quant::QuantDialect", "mlir::tensor::TensorDialect"
  ];
}

def FuseMultiplyAdd : Pass<"quant-fuse-multiply-add"> {
  let summary = "Float contractions by fused multiply-add";
  let description = [{
    A contraction of f32 inputs, named or generic, whose body is exactly
    `out + x * y`, becomes a `linalg.generic` with

    ```
    out = fma(x, y, out)      loops in their order
    ```

    as the numeric contract has it (float_linear_a1). Every other multiplication
    and addition rounds by itself and is left alone.

    ```mlir
    %y = linalg.matmul ins(%a, %b : tensor<4x8xf32>, tensor<8x2xf32>) outs(%c : tensor<4x2xf32>) -> tensor<4x2xf32>
    ```

    becomes

    ```mlir
    %y = linalg.generic {..., iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%a, %b : tensor<4x8xf32>, tensor<8x2xf32>) outs(%c : tensor<4x2xf32>) {
    ^bb0(%x: f32, %w: f32, %out: f32):
      %0 = math.fma %x, %w, %out : f32
      linalg.yield %0 : f32
    } -> tensor<4x2xf32>
    ```
  }];
  let dependentDialects = ["mlir::linalg::LinalgDialect", "mlir::math::MathDialect"];
}

def FoldRanges : Pass<"quant-fold-ranges"> {
  let summary = "Decide comparisons of floats by what their operands can be";
  let description = [{
    Each f32 in the body of a `linalg.generic` gets a range of numbers, or none
    if it may be NaN: constants are what they are, an integer of `b` bits
    becomes a float within 2^b, an operand is within the range of its tensor
    (a constant, or computed by another operation). Rounded operations are
    monotone in each operand, so the ends of ranges give the ends of the result;
    NaN comes out of Inf - Inf, 0 * Inf, 0 / 0 and Inf / Inf only.

    A comparison with one result for all of these numbers becomes that result.
    `arith.maximumf` and `arith.minimumf` of numbers are marked `nnan`, and a
    clamp of a number to a constant becomes one of them, unless they differ for
    zeros of different signs. Nothing changes for any input:

    ```
    isnan(t) ? 0 : t           -> t          t = f32(acc) * m + b, m and b finite constants
    s < 2^-100 ? 2^100 : 1     -> 1          s a constant scale
    lo < x ? x : lo            -> x          x >= 0, lo < 0, say after a ReLU
    0 < t ? t : 0              -> max(t, 0)  t a number
    ```

    A number that overflows is an infinity, which a clamp turns into its bound
    as before. Sums of two values that both may overflow keep their test.

    ```mlir
    %t = arith.mulf %acc, %m : f32
    %nan = arith.cmpf uno, %t, %t : f32
    %u = arith.select %nan, %zero, %t : f32
    ```

    becomes, if `%m` is finite,

    ```mlir
    %t = arith.mulf %acc, %m : f32
    %u = arith.select %false, %zero, %t : f32
    ```
  }];
  let dependentDialects = ["mlir::arith::ArithDialect"];
}

def ExpandMath : Pass<"quant-expand-math"> {
  let summary = "Expand elementary functions so that no library is called";
  let description = [{
    `math.exp`, `log`, `tanh`, `erf`, `powf`, `rsqrt`, `round`, trigonometric and
    hyperbolic functions and their inverses on f32 scalars and vectors become the formulas of lib/Numerics: correctly rounded
    operations only, so every machine gives the same bits, and the code
    vectorizes.

    `arith.remf` of f32 and f64 scalars is computed by integers, exactly: with
    x = X * 2^a and y = Y * 2^b for a >= b, the remainder of |x| and |y| is
    (X * 2^(a - b) mod Y) * 2^b, by a loop over the bits of 2^(a - b).

    Operations that are one instruction stay (`fma`, `sqrt`, `roundeven`,
    `floor`, ...); where the target lacks it, `quant-expand-float-ops` follows.
    An operation that would still become a call is an error.

    ```mlir
    %y = math.rsqrt %x : f32
    ```

    becomes

    ```mlir
    %one = arith.constant 1.0 : f32
    %0 = math.sqrt %x : f32
    %y = arith.divf %one, %0 : f32
    ```
  }];
  let dependentDialects = ["mlir::arith::ArithDialect",
                           "mlir::math::MathDialect", "mlir::scf::SCFDialect"];
}

#endif // QUANTC_CONVERSION_PASSES
