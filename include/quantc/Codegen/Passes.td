//===- Passes.td - Tensors to machine-like loops -----------*- tablegen -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_CODEGEN_PASSES
#define QUANTC_CODEGEN_PASSES

include "mlir/Pass/PassBase.td"
include "quantc/Codegen/LoopPasses.td"
include "quantc/Codegen/MemoryPasses.td"

def PackPass : Pass<"quant-pack", "::mlir::ModuleOp"> {
  let summary = "Lower linear layers onto weights packed for the target";
  let description = [{
    Lowers each `quant.linear` whose weights and parameters are constant to
    `linalg` operations on weights in the order in which the target's dot
    instruction reads them, `[N / NR][K / depth][NR][depth]`. NR columns make a
    panel; how many rows and columns are computed at a time follows from the
    instruction's row in `DotInstructions.def`. Weights of 4 bits stay two to a
    byte. Few rows unpack them in registers: up to 3, known before the program
    runs, multiply with the stored nibbles u = q + 8 and apply multipliers to
    the sums of groups,

        sum_g m_g sum_k q a = sum_g m_g (sum_k u a - 8 sum_k a)

    and up to 12 with m u - 8 m. More read a panel that is unpacked once
    (`quant.per_panel`). Where the number of rows is dynamic, the program has
    these versions and chooses when it runs; the first one is for a single row.

    Where the instruction takes several steps along K at a time
    (`DotInstructions.def`), so do tiles, and K is padded a little if that gives
    whole ones. If it adds up their products in i16, because weights are so
    small, panels have q without multipliers, unless groups are too small for
    it: each sum of a group takes its multiplier. Only up to 3 rows unpack in
    registers then.

    Activations that are floats meet weights that are decoded to floats: a few
    rows in registers; more in blocks of K that are decoded once for all rows and
    stay in the first cache. The sums of a panel wait in the result between
    blocks, or in registers where a panel is one block. Weights of several groups
    with sums of their own are decoded once for a panel. A layer in loops of
    three iterations or more, over a sequence, say, is decoded as a whole before
    the outermost of them that leaves half of the second cache to activations,
    but for one row of bytes; so is one of 128 rows. Where the vector unit
    looks nibbles up, weights of 4 bits are eight to a word for that
    (`quant-decode-nibbles`), and multipliers are floats.

    A layer whose addend is `quant.lora` becomes three: without an addend, for
    when there is no adapter; with the deltas of one adapter for all rows, in
    the tiles of the layer; and with the deltas of many as a tensor.

    On a target with a tile instruction, layers of enough rows multiply with
    that, on the same weights; where the number of rows is not known, an `scf.if`
    chooses.

    The operations carry the sizes that `quant-tile-linear` tiles them by
    (`quant.tile_sizes`). Other layers are left to `quant-lower-to-linalg`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect"];
}

def TileLinearPass : Pass<"quant-tile-linear", "::mlir::func::FuncOp"> {
  let summary = "Tile packed linear layers, contraction fused into epilogue";
  let description = [{
    Reads the tile sizes that `quant-pack` leaves on the operations of a layer
    (`quant.tile_sizes`, one size for each loop, 0 for none) and tiles from the
    last operation to the first:

    1. The epilogue is tiled by blocks of rows and panels of columns, panels
       outside, and the group sum, the contraction and their initial values are
       fused into its tile. These loops are marked `quant.parallel`.
    2. The row loop is peeled, so that its body has static sizes. Of an unknown
       number of rows, those that are left over run in blocks of powers of two:
       after blocks of 6, 5 rows are a block of 4 and one of 1. So a batch of 4
       reads the weights once.
       Layers of floats with one row or two compute several panels at a time,
       so that no multiply-add waits for the one before. Where the number of
       rows is not known, an `scf.if` asks whether there is one.
    3. The group sum is tiled by one group, the contraction fused into it.
    4. The contraction is tiled by one step along K. The loop gets `quant.work`,
       the multiply-accumulates of one step.

    Layers of enough rows for a tile instruction are tiled in two levels. Their
    contraction and its start are marked `quant.on_memory`: they are fused into
    the tile of step 1, which is larger for them, and stay whole there, for
    `quant-lower-tile-contractions`. The epilogue is tiled again inside, by
    `quant.inner_tile_sizes`, so that it fits registers.

    An operation marked `quant.tile_root` is tiled by itself and not fused: each
    tile of the next one needs all of its rows.

    No tile depends on the number of rows, so the number may be dynamic, and a
    row is computed in the same order whatever block it falls in.
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect"];
}

def ExpandDepthwisePass : Pass<"quant-expand-depthwise", "::mlir::ModuleOp"> {
  let summary = "Compute depthwise convolutions without patches";
  let description = [{
    Where each group of features of a layer has one channel, and its input is
    copied from windows, term k of all its sums is one shifted slice of the
    source. The layer becomes one elementwise operation on these slices, with
    the channels in its last loop and its epilogue in its body:

        patches[r, n, k] = x[at(r, k), n]
        acc[r, n] = sum_k patches[r, n, k] w[n, k]
                  = ((x_0[r, n] w_0[n]) + x_1[r, n] w_1[n]) + ...

    in the order of the sum. Floats multiply and add in one step (`math.fma`),
    as everywhere; an integer sum starts with `-z sum_k w[n, k]` for a zero point
    z of the input, or of its row, since (x - z) w = x w - z w. Channels with
    several outputs are repeated first. Weights of 4 bits are integers of 16 bits
    here, as those of 8 less their zero point are.

    Left alone are layers whose weights are not constant or have several scales
    for one output, and windows of more than 64 places.

    ```mlir
    %p = linalg.generic ... ins(%x : tensor<1x58x58x64xi8>) outs(... : tensor<1x56x56x64x3x3xi8>)
    %r = tensor.collapse_shape %p [[0, 1, 2], [3, 4, 5]]
    %y = quant.linear %r, %w scale(%sw) input(%sa, %za) {feature_groups = 64 : i64}
        : tensor<3136x576xi8>, tensor<64x9xi8> -> tensor<3136x64xf32>
    ```

    becomes

    ```mlir
    %x0 = tensor.extract_slice %x[0, 0, 0, 0] [1, 56, 56, 64] [1, 1, 1, 1]
    %w0 = tensor.extract_slice %weights[0, 0] [1, 64] [1, 1]
    ...
    %x8 = tensor.extract_slice %x[0, 2, 2, 0] [1, 56, 56, 64] [1, 1, 1, 1]
    %w8 = tensor.extract_slice %weights[8, 0] [1, 64] [1, 1]
    %s = linalg.generic ... ins(%x0, %w0, ..., %x8, %w8, %start, %scale) ...
    %y = tensor.collapse_shape %s [[0, 1, 2], [3]]
    ```
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::tensor::TensorDialect"];
}

def SplitFeatureGroupsPass
    : Pass<"quant-split-feature-groups", "::mlir::func::FuncOp"> {
  let summary = "Compute each group of features as a layer of its own";
  let description = [{
    A layer of G groups of features, float or integer, with constant weights
    becomes G layers of one group, each a product of matrices that `quant-pack`
    takes:

        y[:, n] = x[:, group(n) K : group(n) K + K] w[n, :]^T
                = concat(x_g w_g^T for each group g)

    Where the input is copied from windows, each of them copies the windows of
    its own channels. Every sum has the same terms in the same order. Layers of
    more than 64 groups stay as they are: that many products take long to
    compile.

    ```mlir
    %y = quant.linear %x, %w scale(%s) ... {feature_groups = 2 : i64}
        : tensor<?x16xi8>, tensor<6x8xi8> -> tensor<?x6xf32>
    ```

    becomes

    ```mlir
    %x0 = tensor.extract_slice %x[0, 0] [%m, 8] [1, 1]
    %y0 = quant.linear %x0, %w0 scale(%s0) ... : tensor<?x8xi8>, tensor<3x8xi8> -> tensor<?x3xf32>
    %c0 = tensor.insert_slice %y0 into %empty[0, 0] [%m, 3] [1, 1]
    %x1 = tensor.extract_slice %x[0, 8] [%m, 8] [1, 1]
    %y1 = quant.linear %x1, %w1 scale(%s1) ... : tensor<?x8xi8>, tensor<3x8xi8> -> tensor<?x3xf32>
    %y = tensor.insert_slice %y1 into %c0[0, 3] [%m, 3] [1, 1]
    ```
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def TileWindowsPass : Pass<"quant-tile-windows", "::mlir::func::FuncOp"> {
  let summary = "Choose the tiles of elementwise operations on windows";
  let description = [{
    An elementwise operation that reads several slices of one tensor, such as
    the sums that `quant-expand-depthwise` makes, loads each element once for
    each of them and what belongs to a channel once for each place. It gets the
    sizes that `quant-tile-linear` tiles it by (`quant.tile_sizes`): up to two
    registers of channels, the last loop, for four places, the loop before, so
    that places share what is loaded for channels, and all sums stay in
    registers.

    ```mlir
    %s = linalg.generic ... ins(%x0, %w0, %x1, %w1 : ...)   // loops b, h, w, c
    ```

    gets, for registers of 16,

    ```mlir
    %s = linalg.generic ... {quant.tile_root, quant.tile_sizes = array<i64: 1, 1, 4, 32>, quant.work = 256 : i64}
    ```

    `quant.work` is the multiply-accumulates of a tile, which `quant-tile-linear`
    puts on the innermost loop.

    A place is tiled alone where their number is not known, and operations on an
    unknown number of channels are left alone.
  }];
}

def TileBatchPass : Pass<"quant-tile-batch", "::mlir::func::FuncOp"> {
  let summary = "Run a batch in blocks of samples";
  let description = [{
    A layer that runs over a whole batch before the next one does writes the
    activations of all samples to memory and has the next one read them from
    there. What a program computes for each sample from that sample alone becomes
    a loop:

        y = f(x)  ->  for block: y[block] = f(x[block])

    The batch is the first dimension of the first input, and of all inputs that
    have the same. From there on, operations belong to the loop if rows of their
    results come from the same rows of their operands, in all that has a batch:
    elementwise operations, layers, windows, sums along other dimensions,
    padding, slices and concatenation along other dimensions. Dimensions may be
    joined with that of the batch: a sample has as many rows then. What depends
    on the loop and is none of these comes behind it, for all samples: sums over
    the batch, say.

    There is a loop if it has a layer of 16 rows or more for each sample, and if
    the largest result of such a layer, for all samples, does not fit a
    sixteenth of the second cache; a block has as many samples as fit there and
    divides the batch, or one. If the size of the batch is not known, a block is
    one sample, and there is no loop if many would fit. Rows of a sample that
    are not known, those of a sequence, count as 128. Layers of fewer rows
    behind the last of those read their weights once for all samples: they, what
    quantizes their input by row and what follows them, a classifier say, stay
    behind the loop. There is none if more than one value for two layers is
    needed behind it, as in a training step.

    No bit of the result depends on it. In the loop all sizes are known where
    only that of the batch is not, and the workspace is that of a block. Samples
    may be shared by threads.

    ```mlir
    %r = tensor.collapse_shape %x [[0, 1, 2], [3]] : tensor<?x28x28x64xf32> into tensor<?x64xf32>
    %y = linalg.matmul ... ins(%r, %w : tensor<?x64xf32>, ...) outs(... : tensor<?x128xf32>)
    %z = linalg.generic ... : the mean of the 784 rows of each sample, tensor<?x128xf32>
    ```

    becomes

    ```mlir
    %z = scf.for %i = %c0 to %n step %c1 iter_args(%all = %empty) -> tensor<?x128xf32> {
      %part = tensor.extract_slice %x[%i, 0, 0, 0] [1, 28, 28, 64] [1, 1, 1, 1]
      %r = tensor.collapse_shape %part ... into tensor<784x64xf32>
      %y = linalg.matmul ... ins(%r, %w : tensor<784x64xf32>, ...) outs(... : tensor<784x128xf32>)
      %mean = linalg.generic ... : tensor<1x128xf32>
      %next = tensor.insert_slice %mean into %all[%i, 0] [1, 128] [1, 1]
      scf.yield %next
    } {quant.parallel, quant.samples}
    ```
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect"];
}

def TilePatchesPass : Pass<"quant-tile-patches", "::mlir::func::FuncOp"> {
  let summary = "Compute convolutions block by block of their places";
  let description = [{
    The patches of a convolution are as many copies of its input as its window
    has elements. Where those of one sample take more than a quarter of the
    second cache, the layer becomes a loop over samples and blocks of places,
    each of which copies its patches and multiplies them while they are in the
    cache:

        layer(collapse(patches(x))) -> for block: layer(collapse(patches(x[block])))

    An elementwise operation that alone reads the layer, row by row, is computed
    block by block, too.

    A block is as large as fits, or else as small as may be: it divides the
    dimension it lies along and has at least 32 rows. A layer without such a
    block is left alone, as is one whose rows have parameters of their own. No bit of the result depends on it.

    ```mlir
    %patches = linalg.generic ... ins(%x : tensor<?x58x58x64xf32>) outs(... : tensor<?x56x56x3x3x64xf32>)
    %rows = tensor.collapse_shape %patches [[0, 1, 2], [3, 4, 5]]
    %y = linalg.matmul ... ins(%rows, %w : tensor<?x576xf32>, ...)
    ```

    becomes

    ```mlir
    %y = scf.for %n = %c0 to %batch step %c1 ... {
      scf.for %h = %c0 to %c56 step %c4 ... {
        %part = tensor.extract_slice %x[%n, %h, 0, 0] [1, 6, 58, 64] [1, 1, 1, 1]
        %patches = linalg.generic ... ins(%part) outs(... : tensor<1x4x56x3x3x64xf32>)
        %rows = tensor.collapse_shape %patches [[0, 1, 2], [3, 4, 5]]
        %block = linalg.matmul ... ins(%rows, %w : tensor<224x576xf32>, ...)
        ...
    ```
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect"];
}

def TileRowsPass : Pass<"quant-tile-rows", "::mlir::func::FuncOp"> {
  let summary = "Compute chains of row operations block by block";
  let description = [{
    Softmax and LayerNorm are several operations, each of which goes through its
    rows once: with more rows than the caches hold, each waits for memory. An
    elementwise operation over a static shape, and what it is computed from row
    by row, reductions among it, become one loop over blocks of 16 rows, as many
    as `quant-vectorize-reductions` takes side by side. Intermediate values have
    the size of a block.

    A producer that is needed outside of the chain stays outside of the loop, as
    does one whose rows are not those of the loop. Small tensors, up to a quarter
    of the second cache, are left alone, and so are chains without a reduction:
    `quant-fuse-elementwise` has joined those.

    ```mlir
    %sum = linalg.generic {iterator_types = ["parallel", "reduction"], ...}
        ins(%x : tensor<256x1024xf32>) outs(%zeros : tensor<256xf32>) ...
    %y = linalg.generic {iterator_types = ["parallel", "parallel"], ...}
        ins(%x, %sum : tensor<256x1024xf32>, tensor<256xf32>) ...
    ```

    becomes

    ```mlir
    %y = scf.for %row = %c0 to %c256 step %c16 iter_args(%out = %empty) {
      %rows = tensor.extract_slice %x[%row, 0] [16, 1024] [1, 1] ...
      %sum = linalg.generic ... ins(%rows : tensor<16x1024xf32>) ...
      %block = linalg.generic ... ins(%rows, %sum : ...) ...
      %next = tensor.insert_slice %block into %out[%row, 0] [16, 1024] [1, 1] ...
      scf.yield %next
    }
    ```

    No bit of the result depends on it.
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect"];
}

def VectorizePass : Pass<"quant-vectorize", "::mlir::func::FuncOp"> {
  let summary = "Vectorize tiled layers and keep their accumulators in registers";
  let description = [{
    Vectorizes the operations that `quant-tile-linear` tiled (`quant.tiled`).
    The integer contraction becomes one `vector.contract` on extended i8
    operands; a float contraction, whose step along K is 1, loses its unit
    dimensions and becomes one `math.fma`. Values of a row or of a column are
    broadcast in place, without transpositions. Then the accumulator is hoisted out
    of the loop along K, which carries it as a vector.
  }];
  let dependentDialects = ["::mlir::vector::VectorDialect"];
}

def UnrollShortLoopsPass : Pass<"quant-unroll-short-loops", "::mlir::func::FuncOp"> {
  let summary = "Unroll innermost loops of at most eight iterations";
  let description = [{
    The loop over the two nibbles of a byte, or the eight of a word, becomes
    straight code, so that each is taken out by a constant shift. LLVM leaves a
    loop as it is when its body is large, as that of a block of rows is. What an
    iteration has to do (`quant.work`) is counted in the loop around it from
    then on. Loops that threads may share (`quant.parallel`) stay.

    ```mlir
    %r = scf.for %h = %c0 to %c2 step %c1 iter_args(%acc = %init) -> i32 {
      %s = arith.index_cast %h : index to i32
      %t = arith.addi %acc, %s : i32
      scf.yield %t : i32
    }
    ```

    becomes

    ```mlir
    %t = arith.addi %init, %c0_i32 : i32
    %r = arith.addi %t, %c1_i32 : i32
    ```
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::scf::SCFDialect"];
}

def FlattenNarrowVectorsPass : Pass<"quant-flatten-narrow-vectors"> {
  let summary = "Compute on bytes in one dimension";
  let description = [{
    In LLVM a vector of several dimensions is an array of vectors of the last
    one, so that arithmetic on a step of weights, `vector<64x4xi8>`, would be 64
    operations on 4 bytes each. Elementwise operations on bytes become ones on
    `vector<256xi8>`, and a broadcast along inner dimensions, which repeats
    elements in a known order, becomes one `vector.shuffle`.

    ```mlir
    %r = arith.muli %a, %b : vector<64x4xi8>
    ```

    becomes

    ```mlir
    %0 = vector.shape_cast %a : vector<64x4xi8> to vector<256xi8>
    %1 = vector.shape_cast %b : vector<64x4xi8> to vector<256xi8>
    %2 = arith.muli %0, %1 : vector<256xi8>
    %r = vector.shape_cast %2 : vector<256xi8> to vector<64x4xi8>
    ```
  }];
  let dependentDialects = ["::mlir::vector::VectorDialect"];
}

def HoistRowParametersPass
    : Pass<"quant-hoist-row-parameters", "::mlir::func::FuncOp"> {
  let summary = "Read the parameters of a row once";
  let description = [{
    An elementwise operation with a value for each row, such as quantizing by
    the row's own scale, becomes a loop over rows around the operation on one
    row, which takes the value as a scalar. In memory it would be loaded again
    for each element, since LLVM cannot know that storing a result leaves the
    scale as it is, and the loop would not be vectorized.

    ```mlir
    %q = linalg.generic {indexing_maps = [(m, k) -> (m, k), (m, k) -> (m), ...]}
        ins(%x, %s : tensor<?x64xf32>, tensor<?xf32>) ...
    ```

    becomes

    ```mlir
    %q = scf.for %m = ... {
      %scale = tensor.extract %s[%m]
      linalg.generic {indexing_maps = [(m, k) -> (m, k), (m, k) -> (), ...]}
          ins(%row, %scale : tensor<1x64xf32>, f32) ...
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect"];
}

def FuseElementwisePass : Pass<"quant-fuse-elementwise"> {
  let summary = "Compute elementwise operations where they are read";
  let description = [{
    An elementwise operation whose result is read in the order in which it is
    computed becomes part of the operation that reads it, so that no buffer lies
    between: quantizing and the shift to unsigned inputs of a contraction, the
    squares of a variance and their sum. An operation with several readers is
    computed again in each if it is at most two additions, multiplications or
    bounds of one tensor and of what is broadcast, and none of them needs the
    buffer; others stay. Parts of packed layers (`quant.tile_sizes`) are tiled
    as they are, and nothing becomes part of them.

    Each element takes the same operations in the same order, so no bit changes.
    Before `quant-fuse-multiply-add` has seen them, sums stay as they are: a
    product that became part of a sum would look like a contraction, which adds
    without rounding the product.

    ```mlir
    %d = linalg.generic ins(%x, %mean) ...        // arith.subf
    %s = linalg.generic ins(%d) ...               // arith.mulf %in, %in
    %v = linalg.generic ins(%s) outs(%zeros) ...  // arith.addf %out, %in
    %y = linalg.generic ins(%d, %scale) ...       // arith.mulf
    ```

    becomes

    ```mlir
    %v = linalg.generic ins(%x, %mean) outs(%zeros) ...  // subf, mulf, addf
    %y = linalg.generic ins(%x, %mean, %scale) ...       // subf, mulf
    ```
  }];
  let options = [Option<"elementwiseOnly", "elementwise-only", "bool",
                        /*default=*/"false",
                        "Leave reductions as they are.">];
  let dependentDialects = ["::mlir::linalg::LinalgDialect"];
}

def FlattenEpiloguesPass : Pass<"quant-flatten-epilogues"> {
  let summary = "Compute what follows a layer on its rows";
  let description = [{
    A layer over the places of an image gives rows and columns, [M, N], and what
    follows it sees them as [batch, height, width, N]. An elementwise operation
    that reads a result in that shape is computed on rows and columns instead:

        e(expand(layer), x, b) -> expand(e(layer, collapse(x), b))

    so that it can become part of the layer. That the result is seen in another
    shape moves behind it.

    ```mlir
    %4 = tensor.expand_shape %layer [[0, 1, 2], [3]] ... : tensor<3136x64xf32> into tensor<1x56x56x64xf32>
    %y = linalg.generic ... ins(%4, %bias : tensor<1x56x56x64xf32>, tensor<64xf32>) ...
    ```

    becomes

    ```mlir
    %2 = linalg.generic ... ins(%layer, %bias : tensor<3136x64xf32>, tensor<64xf32>) ...
    %y = tensor.expand_shape %2 [[0, 1, 2], [3]] ... : tensor<3136x64xf32> into tensor<1x56x56x64xf32>
    ```
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def FuseEpiloguesPass : Pass<"quant-fuse-epilogues"> {
  let summary = "Compute what follows a packed layer in its tiles";
  let description = [{
    An elementwise operation on rows and columns that alone reads a packed layer
    gets the layout of the layer, rows by panels, and its tile sizes, so that
    `quant-tile-linear` computes it on the sums of a tile while they are in
    registers:

        e(join(layer), x, b) -> join(e(layer, split(x), split(b)))

    Operands may have a value for each row and column, for each column, or one.
    Where the layer is a choice by the number of rows (`scf.if`), each branch
    gets the operation, and the choice moves behind what else it reads.
    An operand that is another layer in the same tiles, for this operation alone,
    as in the sum with a convolution in a shortcut, is computed in them as well.
    Where the columns do not fill the last panel, and where the sums of a layer
    wait in memory between blocks along K, the operation stays as it is.

    ```mlir
    %layer = linalg.generic ... {quant.tile_sizes = array<i64: 6, 1, 0, 1>} ... -> tensor<3136x2x64xf32>
    %rows = tensor.collapse_shape %layer [[0], [1, 2]] : tensor<3136x2x64xf32> into tensor<3136x128xf32>
    %y = linalg.generic ... ins(%rows, %bias : tensor<3136x128xf32>, tensor<128xf32>) ...
    ```

    becomes

    ```mlir
    %layer = linalg.generic ... {quant.tile_sizes = array<i64: 6, 1, 0, 1>} ... -> tensor<3136x2x64xf32>
    %panels = tensor.expand_shape %bias [[0, 1]] output_shape [2, 64] : tensor<128xf32> into tensor<2x64xf32>
    %sums = linalg.generic ... ins(%layer, %panels : tensor<3136x2x64xf32>, tensor<2x64xf32>)
        ... {quant.tile_sizes = array<i64: 6, 1, 0>} ...
    %y = tensor.collapse_shape %sums [[0], [1, 2]] : tensor<3136x2x64xf32> into tensor<3136x128xf32>
    ```
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def ExpandLoopResultsPass : Pass<"quant-expand-loop-results"> {
  let summary = "Join the dimensions of a result behind the loop that makes it";
  let description = [{
    Where each iteration of a loop inserts a part whose dimensions it has joined,
    the part would be computed elsewhere and copied: no buffer is computed in
    place through a reshape. The loop carries the result with its dimensions
    apart instead, and they are joined behind it, which moves nothing.

    ```mlir
    %y = scf.for ... iter_args(%all = %empty) -> (tensor<3136x64xf32>) {
      %rows = tensor.collapse_shape %block [[0], [1, 2]] : tensor<112x2x32xf32> into tensor<112x64xf32>
      %next = tensor.insert_slice %rows into %all[%row, 0] [112, 64] [1, 1] ...
      scf.yield %next
    }
    ```

    becomes

    ```mlir
    %0 = scf.for ... iter_args(%all = %empty) -> (tensor<3136x2x32xf32>) {
      %next = tensor.insert_slice %block into %all[%row, 0, 0] [112, 2, 32] [1, 1, 1] ...
      scf.yield %next
    }
    %y = tensor.collapse_shape %0 [[0], [1, 2]] : tensor<3136x2x32xf32> into tensor<3136x64xf32>
    ```
  }];
  let dependentDialects = ["::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect"];
}

#endif // QUANTC_CODEGEN_PASSES
