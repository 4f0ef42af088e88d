//===- LoopPasses.td - Windows and loops on memory ---------*- tablegen -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_CODEGEN_LOOPPASSES
#define QUANTC_CODEGEN_LOOPPASSES

include "mlir/Pass/PassBase.td"

def ExpandWindowsPass : Pass<"quant-expand-windows", "::mlir::func::FuncOp"> {
  let summary = "Combine windows of integers in registers";
  let description = [{
    The maxima of windows of bytes, and the exact sums that averages are made of,
    become one elementwise operation on shifted slices of their source, one for
    each place of the window:

        y[r] = f(f(f(start, x_0[r]), x_1[r]), ...)

    `quant-tile-windows` gives it tiles, and what reads it element by element,
    `quant.rescale` say, joins it. Left alone are windows of more than 64 places,
    those along the last dimension, whose elements are no neighbours, and floats.

    ```mlir
    %y = linalg.generic ... ins(%x, %window : tensor<1x30x30x64xi8>, tensor<3x3xi8>)
        outs(%start : tensor<1x28x28x64xi16>)    // sums over the window
    ```

    becomes

    ```mlir
    %x0 = tensor.extract_slice %x[0, 0, 0, 0] [1, 28, 28, 64] [1, 1, 1, 1]
    ...
    %x8 = tensor.extract_slice %x[0, 2, 2, 0] [1, 28, 28, 64] [1, 1, 1, 1]
    %y = linalg.generic ... ins(%x0, ..., %x8 : tensor<1x28x28x64xi8>, ...)
    ```
  }];
  let dependentDialects = ["::mlir::tensor::TensorDialect"];
}

def VectorizeReductionsPass
    : Pass<"quant-vectorize-reductions", "::mlir::ModuleOp"> {
  let summary = "Reduce rows in the lanes of vectors";
  let description = [{
    A `linalg.generic` on memory that reduces along its last loop would become a
    chain of scalar operations, each of which waits for the one before. Its body
    is taken apart into what is computed from the elements, the terms, and what
    is added to the accumulators.

    Where any order of the terms gives the same bits (integer sums, IEEE minimum
    and maximum, and operations marked `quant.any_order`, which say so of
    themselves), lanes are elements of a row:

    ```
    acc[j]  = combine of the terms k with k mod 32 = j
    acc[j] := combine(acc[j], acc[j + n / 2])            until one is left
    ```

    Otherwise, as with sums of floats, lanes are rows. Squares of as many
    elements as there are rows are transposed, and each row takes its elements
    in their order:

    ```
    for k: acc[m] = combine(acc[m], term[m, k])          all m at once
    ```

    Rows that are left over run four at a time, then one by one.

    ```mlir
    linalg.generic {iterator_types = ["parallel", "reduction"]}
        ins(%x : memref<256x64xf32>) outs(%sum : memref<256xf32>)
        // arith.addf %out, %in
    ```

    becomes, for registers of 16 f32,

    ```mlir
    scf.for %m = %c0 to %c256 step %c16 {
      %start = vector.load %sum[%m] : memref<256xf32>, vector<16xf32>
      %total = scf.for %k = %c0 to %c64 step %c16 iter_args(%acc = %start) {
        %t = vector.transpose %square, [1, 0] : vector<16x16xf32> ...
        %0 = vector.extract %t[0] : vector<16xf32> from vector<16x16xf32>
        %1 = arith.addf %acc, %0 : vector<16xf32>
        ...
      }
      vector.store %total, %sum[%m] : memref<256xf32>, vector<16xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::vector::VectorDialect"];
}

def FlattenTransfersPass
    : Pass<"quant-flatten-transfers", "::mlir::ModuleOp"> {
  let summary = "Read and write contiguous tiles as one flat vector";
  let description = [{
    A transfer of a vector of several dimensions from memory where they are
    contiguous becomes one of a vector of one dimension. Otherwise a tile of
    packed weights would be read row by row, four bytes at a time. Rows that fill
    registers stay: LLVM takes vectors that are no power of two long, such as
    six rows of 64, apart to elements where they leave a loop. To be run on
    memrefs, where contiguity is known.
  }];
  let dependentDialects = ["::mlir::memref::MemRefDialect",
                           "::mlir::vector::VectorDialect"];
}

def PrefetchPanelsPass : Pass<"quant-prefetch-panels", "::mlir::ModuleOp"> {
  let summary = "Prefetch the rest of a panel of weights and the next one";
  let description = [{
    A read of weights is in the innermost loop, along K. The loop around those
    that its indices depend on is that of the passes: each block of rows reads
    the panel again. Two waits are taken out of it:

    - A panel of more than 32 KiB waits in the second cache, and machines fetch
      from there by themselves, but too late to keep the multipliers busy. So a
      pass prefetches what it reads 16 cache lines later into the first cache.

    - Large weights stream from beyond the second cache. The first pass over a
      panel waits for it, then all others find it near, and memory is idle: the
      times of computing and of reading add up. So all P passes together bring
      the next panel into the second cache, evenly, or they would wait for each
      other at first and do nothing later: with S steps of E elements in a panel,
      step k of pass p prefetches element (p S + k) ceil(E / P). A step that has
      to bring more than a cache line has several prefetches if P is known. That
      is for panels of up to half of the second cache, of weights whose first
      index is that of a loop over panels; after the last panel the last one is
      named again. Where K is cut into blocks, a panel is a block of one.

    Prefetches may name addresses behind the weights: they read nothing.

    ```mlir
    scf.for %nb = %c0 to %c64 step %c1 {
      scf.for %m = %c0 to %c60 step %c6 {
        scf.for %k = %c0 to %c256 step %c1 {
          vector.transfer_read %w[%nb, %k, %c0] : memref<64x256x256xi8>, vector<256xi8>
    ```

    becomes

    ```mlir
    scf.for %nb = %c0 to %c64 step %c1 {
      %next = "min(%nb + 1, 63)"
      scf.for %m = %c0 to %c60 step %c6 {
        scf.for %k = %c0 to %c256 step %c1 {
          %later = "(%m / 6 * 256 + %k) * 26"
          memref.prefetch %w[%next, %c0, %later], read, locality<2>, data
          memref.prefetch %w[%nb, %k, %c1024], read, locality<3>, data
          ...  // 1088, 1152, 1216
          vector.transfer_read %w[%nb, %k, %c0] : memref<64x256x256xi8>, vector<256xi8>
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect"];
}

def VectorizeTransposesPass
    : Pass<"quant-vectorize-transposes", "::mlir::ModuleOp"> {
  let summary = "Transpose memory square by square";
  let description = [{
    A `linalg.transpose` on memory whose last dimension becomes another one would
    move one element at a time, each from another cache line or to another one.
    Dimensions that stay side by side are joined first, so that what is left
    exchanges i, contiguous in the result, and j, contiguous in the source. The
    loops over both then go in steps of a square of 2^p rows, as many as a
    register has elements, or as the shorter side allows, but at most 16:

        y[j..j + 15, i..i + 15] = transpose(x[i..i + 15, j..j + 15])

    where rows of both squares are whole vectors, and `quant-lower-transposes`
    does the rest. A last square that would leave the memory starts earlier: it
    moves some elements again, as they were.

    Sides of unknown size, or of less than 4, are left to loops.

    ```mlir
    linalg.transpose ins(%x : memref<1x64x56x56xf32>) outs(%y : memref<1x56x56x64xf32>) permutation = [0, 2, 3, 1]
    ```

    becomes

    ```mlir
    %from = memref.collapse_shape %x [[0], [1], [2, 3]] : ... into memref<1x64x3136xf32>
    %to = memref.collapse_shape %y [[0], [1, 2], [3]] : ... into memref<1x3136x64xf32>
    scf.for %j = %c0 to %c3136 step %c16 {
      scf.for %i = %c0 to %c64 step %c16 {
        %rows = vector.transfer_read %from[%c0, %i, %j] : ..., vector<16x16xf32>
        %columns = vector.transpose %rows, [1, 0] : vector<16x16xf32> to vector<16x16xf32>
        vector.transfer_write %columns, %to[%c0, %j, %i] : vector<16x16xf32>, ...
      }
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::ub::UBDialect",
                           "::mlir::vector::VectorDialect"];
}

def LowerTransposesPass : Pass<"quant-lower-transposes"> {
  let summary = "Transpose squares by interleaving rows";
  let description = [{
    A `vector.transpose` of a square of 2^p rows becomes p rounds of shuffles
    that interleave two rows each, `p * 2^p` in all, on vectors of the length of
    a row. Element by element, as upstream lowers it, would be four times as
    many; other shapes are left to that.

    ```mlir
    %t = vector.transpose %v, [1, 0] : vector<2x2xf32> to vector<2x2xf32>
    ```

    becomes

    ```mlir
    %0 = vector.extract %v[0] : vector<2xf32> from vector<2x2xf32>
    %1 = vector.extract %v[1] : vector<2xf32> from vector<2x2xf32>
    %low = vector.shuffle %0, %1 [0, 2] : vector<2xf32>, vector<2xf32>
    %high = vector.shuffle %0, %1 [1, 3] : vector<2xf32>, vector<2xf32>
    ```
  }];
  let dependentDialects = ["::mlir::ub::UBDialect",
                           "::mlir::vector::VectorDialect"];
}

#endif // QUANTC_CODEGEN_LOOPPASSES
