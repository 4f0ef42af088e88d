//===- Passes.h - Tensors to vectors ----------------------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_CODEGEN_PASSES_H
#define QUANTC_CODEGEN_PASSES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"
#include "quantc/Target/Parameters.h"

namespace quantc {

/// The attribute that says how an operation of a packed layer is to be tiled:
/// one size for each of its loops, 0 for none.
inline constexpr llvm::StringLiteral kTileSizesAttr = "quant.tile_sizes";

/// The attribute that says how an operation is tiled again, inside of the tile
/// that its tile sizes make.
inline constexpr llvm::StringLiteral kInnerTileSizesAttr =
    "quant.inner_tile_sizes";

/// The attribute of operations that are tiled with the layer and then left as
/// they are, for what reads and writes memory and not vectors.
inline constexpr llvm::StringLiteral kOnMemoryAttr = "quant.on_memory";

/// The attribute of operations that prepare a panel of columns once for all
/// rows.
inline constexpr llvm::StringLiteral kPerPanelAttr = "quant.per_panel";

/// The attribute of operations with tile sizes that are tiled by themselves:
/// the whole of their result is needed for each tile of the next one.
inline constexpr llvm::StringLiteral kTileRootAttr = "quant.tile_root";

/// The attribute of operations that are tiled and small enough to vectorize.
inline constexpr llvm::StringLiteral kTiledAttr = "quant.tiled";

/// The attribute of loops whose iterations may run at the same time: each
/// writes its own part of a result and reads nothing that another one writes.
inline constexpr llvm::StringLiteral kParallelAttr = "quant.parallel";

/// The attribute of a loop over the samples of a batch, which has most of a
/// program in it.
inline constexpr llvm::StringLiteral kSamplesAttr = "quant.samples";

/// The least multiply-accumulates that are worth a thread: some microseconds on
/// the fastest cores, about what it takes to wake another one.
inline constexpr int64_t kThreadWork = 1 << 21;

/// The attribute of loops over the terms of a sum: the multiply-accumulates of
/// one iteration, without those of loops in it.
inline constexpr llvm::StringLiteral kWorkAttr = "quant.work";

#define GEN_PASS_DECL
#include "quantc/Codegen/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "quantc/Codegen/Passes.h.inc"

} // namespace quantc

#endif // QUANTC_CODEGEN_PASSES_H
