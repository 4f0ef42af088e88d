//===- Passes.td - What depends on the machine -------------*- tablegen -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_TARGET_PASSES
#define QUANTC_TARGET_PASSES

include "mlir/Pass/PassBase.td"

def SetTargetPass : Pass<"quant-set-target", "::mlir::ModuleOp"> {
  let summary = "Choose the machine to compile for";
  let description = [{
    Sets `llvm.target` of the module to the CPU and the features that `target`
    means. Passes ask that attribute which instructions there are. Without the option a module keeps the target
    that it has, or gets this machine.
  }];
  let options = [
    Option<"target", "target", "std::string", "\"\"",
           "native, x86-64, x86-64-v2, x86-64-v3, x86-64-v4, aarch64 or the "
           "name of a CPU, each with +feature...">
  ];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def LowerContractionsPass : Pass<"quant-lower-contractions", "::mlir::ModuleOp"> {
  let summary = "Lower integer contractions to the target's dot instruction";
  let description = [{
    Splits each `vector.contract` on extended i8 operands into instructions of
    the row of `DotInstructions.def` that it names (`quant.dot_instruction`), or
    of the first one of the module's target that needs no proof about weights.
    In loops (m, n, k) without unit dimensions the contraction is

    ```
    acc[m, n] += sum_k ext(lhs[m, k]) * sext(rhs[n, k])
    ```

    with as many k as the instruction takes, and `lhs` extended the way that the
    instruction does (`arith.extui` where it takes a + 128). Weights are a flat
    vector `rhs[n * depth + k]`, as `quant-pack` stores them.

    Rows of the table that take several steps at a time do so in loops
    (m, n, s..., k):

    ```
    acc[m, n] += sum_{s, k} zext(lhs[m, s, k]) * sext(rhs[s, n, k])
    ```

    step by step, and the weights of a step are read from their tensor where
    they are used. Activations are read for all steps at once, of which parts
    are repeated; on x86, where that takes one instruction, they are read step
    by step. Where products are added up in i16 before they become i32, they do
    so when `quant.summed_steps` of them have filled the sums.

    An instruction that takes several rows has its accumulators in tiles, and
    the loops along K carry tiles: they are taken apart and put together outside
    of the loops. The rows of such an instruction that there are not, with an odd
    number of them, are 0.

    A contraction of another shape is left alone.
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::LLVM::LLVMDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::vector::VectorDialect"];
}

def LowerTileContractionsPass
    : Pass<"quant-lower-tile-contractions", "::mlir::ModuleOp"> {
  let summary = "Lower contractions in memory to tile instructions";
  let description = [{
    A contraction that names a row of the table of tile instructions
    (`quant.tile_instruction`) multiplies a block of rows by a panel of packed
    weights. In loops m, n, k and d (consecutive k of a column) it is

    ```
    acc[m, n] += sum_{k, d} sext(lhs[m, k, d]) * sext(rhs[k, n, d])
    ```

    on buffers whose rows are contiguous. It becomes calls of a function that
    has its loops, one function for all contractions of a shape:

    ```
    for each block of K whose weights stay in the first cache:
      for each block of rows:
        sums = acc[rows, panel]
        for each k in the block, as many as an instruction takes:
          sums += lhs[rows, k] * rhs[k, panel]
        acc[rows, panel] = sums
    ```

    A `linalg.generic` just before that gives each row of `acc` the same start
    is taken in: the first sums are loaded from the start, with a distance of 0
    between rows.

    The sums of form `Tile` are in tile registers. Their shape is fixed for as long
    as the function runs, and the number of rows is an argument: rows that are
    left over are a second call with smaller tiles, so that any number of rows
    is computed without padding. The blocks of rows together prefetch the next
    panel, a part each; how many they are is part of the shape, a full block
    where the number of rows is not known.
    Sums are stored one block later than they are known, tile by tile between the
    first products of that block, which would otherwise wait for all stores.

    ```mlir
    linalg.generic ... ins(%x, %w : memref<40x16x4xi8>, memref<1x16x64x4xi8>)
        outs(%acc : memref<40x1x64xi32>)
        attrs = {quant.tile_instruction = "amxint8_16x16x64_i32_s8_s8"}
    ```

    becomes

    ```mlir
    call @tile_contraction(%x0, %stride, %w0, %start, %start_stride, %acc0, %c16_i16, %c2)
    call @tile_contraction(%x32, %stride, %w0, %start, %start_stride, %acc32, %c8_i16, %c1)
    ```

    Those of forms `ScalableRow` and `ScalableTile` are in vectors whose length is
    known when the program runs, and so is how many of them a panel takes. Each
    number of rows is a function of its own, the rows that are left over are
    blocks of powers of two, and a block goes across its panel in steps of as
    many columns as it has sums for, then of half as many, and so on; the last
    ones are masked. With 16
    accumulators for 4 rows of a panel of 64 columns:

    ```
    column = 0
    for count in 4, 2, 1:
      while 64 - column >= count * vscale * 4, or at last while column < 64:
        sums[4][count] = acc[rows, column...]
        for each k in the block, as many as an instruction takes:
          sums[r][i] += lhs[r, k] * rhs[k, column + i * vscale * 4...]
        acc[rows, column...] = sums[4][count]
        column += count * vscale * 4
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::func::FuncDialect",
                           "::mlir::LLVM::LLVMDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::vector::VectorDialect"];
}

def DecodeNibblesPass : Pass<"quant-decode-nibbles", "::mlir::ModuleOp"> {
  let summary = "Make floats of nibbles without shifting and converting each";
  let description = [{
    The float of a nibble with sign, q = (x << a) >> 28, has 16 values. Where
    the vector unit of the target (`DotInstructions.def`) picks lanes of a
    register by the low 4 bits of those of another and ignores the bits above,
    it is

        table[(x >>> (28 - a)) mod 16],  table[i] = f32(i < 8 ? i : i - 16)

    one shift, none for the lowest nibble, and one permutation, in place of two
    shifts and a conversion.

    ```mlir
    %0 = arith.shli %x, %c20 : vector<16xi32>
    %1 = arith.shrsi %0, %c28 : vector<16xi32>
    %q = arith.sitofp %1 : vector<16xi32> to vector<16xf32>
    ```

    becomes

    ```mlir
    %table = arith.constant dense<[0.0, 1.0, ..., -1.0]> : vector<16xf32>
    %0 = arith.shrui %x, %c8 : vector<16xi32>
    %q = llvm.call_intrinsic "llvm.x86.avx512.permvar.sf.512"(%table, %0)
    ```

    Where a parameter follows, a zero point z or a multiplier m of 4 bits, no
    float of the nibble alone is needed. Put into the mantissa of a float, r bits
    above its end, the nibble is raised: with q = (q xor 8) - 8 in the bits

        raised = 2^(23 - r) + (q xor 8) = q + o,  o = 2^(23 - r) + 8

    is what one operation on bits makes of x, where r is 0 or 4 after both
    nibbles of a byte were moved down by one shift, and the offset o goes into
    the parameter, once for all nibbles that it is for:

        f32(q) - z = raised - (z + o)
        f32(q) m   = fma(raised, m, -(o m))

    Every term is exact, so these are equal (but for the sign of f32(q) 0).

    ```mlir
    %0 = arith.shrsi %x, %c28 : vector<16xi32>
    %1 = arith.sitofp %0 : vector<16xi32> to vector<16xf32>
    %w = arith.mulf %1, %m : vector<16xf32>
    ```

    becomes

    ```mlir
    %0 = arith.shrui %x, %c24 : vector<16xi32>
    %1 = arith.andi %0, %c240 : vector<16xi32>
    %2 = arith.xori %1, %bits : vector<16xi32>    // 2^19, and 8 << 4
    %raised = arith.bitcast %2 : vector<16xi32> to vector<16xf32>
    %om = arith.mulf %m, %o : vector<16xf32>      // o = -(2^19 + 8)
    %w = math.fma %raised, %m, %om : vector<16xf32>
    ```

    A vector unit without such an instruction, but with nibbles in words, takes
    the offset away where no parameter follows: f32(q) = raised - o, three
    operations on any of its ports and half a shift. One with nibbles in bytes
    changes nothing. Nor is a nibble looked up in vectors that do not fill
    registers of 16 lanes.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::LLVM::LLVMDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::vector::VectorDialect"];
}

def ExpandByteProductsPass
    : Pass<"quant-expand-byte-products", "::mlir::ModuleOp"> {
  let summary = "Multiply nibbles two at a time where no instruction multiplies bytes";
  let description = [{
    Without a multiplication of bytes, LLVM multiplies a vector of them in two
    halves and shuffles the products together. Where two neighbours a0 and a1
    have the same factor b, and all three are in [0, 15], one multiplication of
    16-bit elements does it: no product reaches 256, so nothing is carried from
    one byte into the other.

        (a0 + 256 a1) * b = (a0 b) + 256 (a1 b)

    ```mlir
    %b = vector.shuffle %m, %m [0, 0, 1, 1] : vector<2xi8>, vector<2xi8>
    %p = arith.muli %a, %b : vector<4xi8>
    ```

    becomes

    ```mlir
    %b = arith.extui %m : vector<2xi8> to vector<2xi16>
    %0 = vector.bitcast %a : vector<4xi8> to vector<2xi16>
    %1 = arith.muli %0, %b : vector<2xi16>
    %p = vector.bitcast %1 : vector<2xi16> to vector<4xi8>
    ```

    A value is known to be in [0, 15] where it was masked by `arith.andi`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::vector::VectorDialect"];
}

def ExpandFloatOpsPass : Pass<"quant-expand-float-ops", "::mlir::ModuleOp"> {
  let summary = "Compute what the target has no instruction for, to the bit";
  let description = [{
    Without an instruction for it, LLVM calls the math library for a fused
    multiply-add and for rounding to an integral float. Objects have no library,
    and every target has to give the same bytes, so both are computed exactly:

    * `math.fma` of f32 in f64, where the product of two f32 is exact. The sum
      is rounded to odd, so that rounding it again, to f32, gives the correctly
      rounded result:

          p = f64(a) * f64(b)
          s = p + f64(c), e = the error of that sum (Knuth's two-sum)
          if e != 0 and the last bit of s is 0: the neighbour of s towards e

    * `math.roundeven` by adding and subtracting 2^23 (2^52 for f64), and
      `floor`, `ceil` and `trunc` from it.

    * `arith.extf` and `truncf` between f32 and floats of 16 bits on their bits,
      rounding half to even: bf16 always, since instructions for it flush
      denormals, f16 where the target has none. An f64 becomes an f32 rounded to
      odd first, so that the second rounding is right.

          bf16(x) = bits(x) + 0x7fff + (bit 16 of x), shifted right by 16
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect"];
}

#endif // QUANTC_TARGET_PASSES
