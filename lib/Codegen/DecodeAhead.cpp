//===- DecodeAhead.cpp - Weights decoded before they are read -------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A layer whose activations are floats and which runs in a loop, over the steps
// of a sequence, say, or the samples of a batch, reads the same weights each
// time:
//
//   w[nb, k, n] = f32(w[nb, k, n] - zw)              before the loop
//   for each iteration
//     y[m, nb, n] = sum_k x[m, k] w[nb, k, n]        as a layer of floats
//
// so that an iteration takes no longer than that layer, as long as the second
// cache holds what was decoded. So does a layer of many rows, which are
// iterations as well.
//
//===----------------------------------------------------------------------===//

#include "LinearPacker.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "quantc/Codegen/Passes.h"

using namespace mlir;
using namespace quantc;

/// With fewer iterations, decoding into memory costs more than it saves.
static constexpr int64_t kFewestIterations = 3;

/// With so many rows, decoding takes little of the time of a layer. Those of
/// several threads wait for it.
static constexpr int64_t kManyRows = 128;

Operation *DecodedAhead::choose(Operation *op, int64_t bytes, int64_t cache) {
  scf::ForOp chosen;
  int64_t iterations = 1;
  for (auto loop = op->getParentOfType<scf::ForOp>(); loop;
       loop = loop->getParentOfType<scf::ForOp>()) {
    // Half of the cache is for activations.
    if (bytesBefore.lookup(loop) + bytes > cache / 2)
      break;
    chosen = loop;
    std::optional<APInt> count = loop.getStaticTripCount();
    iterations *=
        count ? count->getLimitedValue(kFewestIterations) : kFewestIterations;
  }
  if (!chosen || iterations < kFewestIterations)
    return nullptr;
  bytesBefore[chosen] += bytes;
  return chosen;
}

bool LinearPacker::chooseDecodedAhead() {
  if (readerOfDecoded)
    return true;
  // Sums of groups are no sums of a layer of floats, and one row is done when
  // its bytes are in registers.
  int64_t rows = op.getInput().getType().getDimSize(0);
  if (hasGroupSums || !constantWeight || (rows == 1 && !isNibbles()))
    return false;
  int64_t bytes = layout.numPanels() * layout.panel * layout.groups *
                  layout.paddedGroupSize() * int64_t(sizeof(float));
  readerOfDecoded = decodedAhead.choose(op, bytes, unit.cache);
  if (!readerOfDecoded && rows >= kManyRows && bytes <= unit.cache / 2)
    readerOfDecoded = op;
  if (!readerOfDecoded)
    return false;
  // What it is decoded from goes with it.
  if (nibbles)
    rewriter.moveOpBefore(nibbles.getDefiningOp(), readerOfDecoded);
  return true;
}

Value LinearPacker::createWeightAhead() {
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(readerOfDecoded);
  Value decoded = createDecodedWeight();
  // A root of its own, of one panel at a time.
  Operation *root = decoded.getDefiningOp();
  root->removeAttr(kPerPanelAttr);
  root->setAttr(kTileRootAttr, rewriter.getUnitAttr());
  auto sizes = root->getAttrOfType<DenseI64ArrayAttr>(kTileSizesAttr);
  SmallVector<int64_t> ofPanels(sizes.asArrayRef());
  ofPanels.front() = 1;
  root->setAttr(kTileSizesAttr, rewriter.getDenseI64ArrayAttr(ofPanels));
  return decoded;
}

Value LinearPacker::createSumsOfDecoded() {
  Value weight = joinDims(rewriter, loc, createWeightAhead(), /*numLast=*/1);
  Value input = getTermsInput();
  auto type = cast<RankedTensorType>(weight.getType());
  OpFoldResult zero = rewriter.getIndexAttr(0);
  weight =
      extractPart(rewriter, loc, weight, {zero, zero, zero},
                  {rewriter.getIndexAttr(type.getDimSize(0)),
                   rewriter.getIndexAttr(
                       cast<RankedTensorType>(input.getType()).getDimSize(1)),
                   rewriter.getIndexAttr(layout.panel)});
  return createContraction(input, weight,
                           createInit(/*perGroup=*/false, Value()));
}
