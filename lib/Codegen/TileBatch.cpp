//===- TileBatch.cpp - Batches in blocks of samples -----------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SampleRows.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/RegionUtils.h"
#include "quantc/Codegen/Passes.h"
#include "quantc/Dialect/Quant/IR/ProgramInterface.h"
#include "quantc/Dialect/Quant/IR/QuantOps.h"
#include "quantc/Dialect/Quant/Transforms/LinearLayer.h"
#include "quantc/Target/DotInstructions.h"
#include "quantc/Target/TargetSpec.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace quantc {
#define GEN_PASS_DEF_TILEBATCHPASS
#include "quantc/Codegen/Passes.h.inc"
} // namespace quantc

using namespace quantc;

/// A layer of fewer rows for each sample reads its weights too often.
static constexpr int64_t kLeastRows = 16;

/// What the rows of a sample are taken to be if they are not known.
static constexpr int64_t kTypicalRows = 128;

/// The share of the second cache that the largest result of a block may take:
/// others that live with it, weights and patches are there as well.
static constexpr int64_t kCacheShare = 16;

namespace {

/// The values and operations of a program that go through its batch sample by
/// sample.
class SampleOps {
public:
  explicit SampleOps(func::FuncOp func) : func(func) {}

  /// Finds the inputs that have a batch: those whose first dimension is that of
  /// the first input. Fails with an error for an input that has no shape.
  LogicalResult findInputs();
  /// Whether there may be several samples.
  bool isBatch() const { return !inputs.empty() && numSamples != 1; }

  /// Collects the operations that compute samples from samples, each from its
  /// own, without those in `excluded`. What depends on an operation that is
  /// none of them comes after all of them.
  void findOps(const llvm::DenseSet<Operation *> &excluded);

  /// The layers of few rows that come after the last one of many, and what
  /// quantizes the input of one by row: that would be three values instead of
  /// one.
  llvm::DenseSet<Operation *> findTail() const;

  /// What layers of many rows have for a sample.
  SmallVector<RankedTensorType> getLayerTypes() const;

  bool contains(Operation *op) const { return ops.contains(op); }
  bool contains(Value value) const { return rows.contains(value); }
  ArrayRef<Operation *> getOps() const { return ops.getArrayRef(); }
  /// The rows of a sample; dynamic if they are not known.
  int64_t getRows(Value value) const { return rows.lookup(value); }
  /// The number of samples; dynamic if it is not known.
  int64_t getNumSamples() const { return numSamples; }
  ArrayRef<Value> getInputs() const { return inputs; }
  Value getInput() const { return inputs.front(); }
  bool dependsOnOps(Operation *op) const { return after.contains(op); }

private:
  std::optional<int64_t> matchOp(Operation *op) const;
  bool isManyRowLayer(Operation *op) const;
  int64_t getRowsToExpect(Value value) const {
    return ShapedType::isDynamic(getRows(value)) ? kTypicalRows
                                                 : getRows(value);
  }

  func::FuncOp func;
  SmallVector<Value> inputs;
  int64_t numSamples = 0;
  llvm::SetVector<Operation *> ops;
  llvm::DenseMap<Value, int64_t> rows;
  llvm::DenseSet<Operation *> after;
};

} // namespace

LogicalResult SampleOps::findInputs() {
  FailureOr<ProgramInterface> interface = getProgramInterface(func);
  if (failed(interface))
    return failure();
  AffineExpr batch;
  for (auto [port, arg] :
       llvm::zip_equal(interface->inputs, func.getArguments())) {
    if (port.shape.getNumResults() == 0 ||
        (batch && port.shape.getResult(0) != batch))
      continue;
    batch = port.shape.getResult(0);
    inputs.push_back(arg);
    numSamples = port.type.getDimSize(0);
  }
  return success();
}

/// The rows of a sample in the result of `op`, if it computes it from samples.
std::optional<int64_t> SampleOps::matchOp(Operation *op) const {
  std::optional<llvm::BitVector> rowOperands = getRowOperands(op);
  if (!rowOperands)
    return std::nullopt;
  std::optional<int64_t> numRows;
  for (OpOperand &operand : op->getOpOperands()) {
    auto it = rows.find(operand.get());
    if (it == rows.end())
      continue;
    if (!rowOperands->test(operand.getOperandNumber()))
      return std::nullopt;
    // All have as many, whichever says how many that is.
    if (!numRows || ShapedType::isDynamic(*numRows))
      numRows = it->second;
  }
  llvm::SetVector<Value> captured;
  getUsedValuesDefinedAbove(op->getRegions(), captured);
  if (!numRows || llvm::any_of(captured, [&](Value v) { return contains(v); }))
    return std::nullopt;
  return getResultRows(op, *numRows, getInput());
}

void SampleOps::findOps(const llvm::DenseSet<Operation *> &excluded) {
  ops.clear();
  rows.clear();
  after.clear();
  for (Value input : inputs)
    rows[input] = 1;
  for (Operation &op : func.getBody().front().without_terminator()) {
    llvm::SetVector<Value> used(op.operand_begin(), op.operand_end());
    getUsedValuesDefinedAbove(op.getRegions(), used);
    auto comesFrom = [&](auto isOne) {
      return llvm::any_of(used, [&](Value value) {
        Operation *producer = value.getDefiningOp();
        return producer && isOne(producer);
      });
    };
    bool isAfter = comesFrom(
        [&](Operation *producer) { return after.contains(producer); });
    std::optional<int64_t> resultRows;
    if (!isAfter && !excluded.contains(&op))
      resultRows = matchOp(&op);
    if (resultRows) {
      ops.insert(&op);
      for (Value result : op.getResults())
        rows[result] = *resultRows;
    } else if (isAfter || comesFrom([&](Operation *producer) {
                 return ops.contains(producer);
               })) {
      after.insert(&op);
    }
  }
}

static bool isLayer(Operation *op) {
  std::string reason;
  return isa<LinearOp>(op) || succeeded(matchLinearLayer(op, reason));
}

bool SampleOps::isManyRowLayer(Operation *op) const {
  return isLayer(op) && getRowsToExpect(op->getResult(0)) >= kLeastRows;
}

/// Whether `op` quantizes rows by ranges of their own, or finds these.
static bool quantizesByRow(Operation *op) {
  if (auto quantize = dyn_cast<QuantizeOp>(op))
    return quantize.getScale().getDefiningOp<ChooseParamsOp>() != nullptr;
  return isa<ObserveOp, ChooseParamsOp>(op);
}

llvm::DenseSet<Operation *> SampleOps::findTail() const {
  llvm::DenseSet<Operation *> beforeLayer, tail;
  for (Operation *op : llvm::reverse(getOps())) {
    auto isForOneOf = [&](const llvm::DenseSet<Operation *> &ops) {
      return llvm::any_of(op->getUsers(),
                          [&](Operation *user) { return ops.contains(user); });
    };
    if (isManyRowLayer(op) || isForOneOf(beforeLayer))
      beforeLayer.insert(op);
    else if (isLayer(op) || (quantizesByRow(op) && isForOneOf(tail)))
      tail.insert(op);
  }
  return tail;
}

SmallVector<RankedTensorType> SampleOps::getLayerTypes() const {
  SmallVector<RankedTensorType> types;
  for (Operation *op : ops) {
    if (!isManyRowLayer(op))
      continue;
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    types.push_back(
        type.clone({getRowsToExpect(op->getResult(0)), type.getDimSize(1)}));
  }
  return types;
}

//===----------------------------------------------------------------------===//
// The loop
//===----------------------------------------------------------------------===//

namespace {

/// Makes the operations of `samples` a loop over blocks of samples.
class BatchTiler {
public:
  BatchTiler(func::FuncOp func, const SampleOps &samples, int64_t blockSize)
      : func(func), samples(samples), blockSize(blockSize) {}

  /// Returns false, without a change, if too much would leave the loop.
  bool tile();

private:
  void findOutputs();
  Operation *moveOpsBefore();
  Value createOutput(OpBuilder &b, Value output);
  Value createEmpty(OpBuilder &b, tensor::EmptyOp op, OpFoldResult numRows);
  Value createSlice(OpBuilder &b, Value value, OpFoldResult numRows);
  Value getBlock(OpBuilder &b, Value value, OpFoldResult numRows);
  OpFoldResult getRowsOfBlock(OpBuilder &b, Value value);
  void cloneOp(OpBuilder &b, Operation *op);
  Value insertBlock(OpBuilder &b, Value output, Value all);
  OpFoldResult getFirstRow(OpBuilder &b, Location loc, OpFoldResult numRows);

  func::FuncOp func;
  const SampleOps &samples;
  int64_t blockSize;
  /// What is needed behind the loop.
  SmallVector<Value> outputs;
  /// The index of a block.
  Value index;
  /// Values of a block, in the loop.
  llvm::DenseMap<Value, Value> blocks;
};

} // namespace

void BatchTiler::findOutputs() {
  for (Operation *op : samples.getOps())
    for (Value result : op->getResults())
      if (llvm::any_of(result.getUsers(), [&](Operation *user) {
            return !samples.contains(
                func.getBody().findAncestorOpInRegion(*user));
          }))
        outputs.push_back(result);
}

/// Returns where the loop goes: behind all that does not depend on its results.
Operation *BatchTiler::moveOpsBefore() {
  Block &body = func.getBody().front();
  Operation *position = body.getTerminator();
  for (Operation &op : llvm::make_early_inc_range(body.without_terminator()))
    if (samples.dependsOnOps(&op)) {
      if (position == body.getTerminator())
        position = &op;
    } else if (position != body.getTerminator()) {
      op.moveBefore(position);
    }
  return position;
}

/// Room for an output, of all samples. Its sizes are those of the operation
/// that the loop replaces, which others have to compute from the inputs.
Value BatchTiler::createOutput(OpBuilder &b, Value output) {
  Location loc = output.getLoc();
  auto type = cast<RankedTensorType>(output.getType());
  return tensor::EmptyOp::create(b, loc, tensor::getMixedSizes(b, loc, output),
                                 type.getElementType());
}

/// The first row of the block, of `numRows`.
OpFoldResult BatchTiler::getFirstRow(OpBuilder &b, Location loc,
                                     OpFoldResult numRows) {
  AffineExpr block = b.getAffineDimExpr(0), size = b.getAffineSymbolExpr(0);
  return affine::makeComposedFoldedAffineApply(b, loc, block * size,
                                               {OpFoldResult(index), numRows});
}

Value BatchTiler::createEmpty(OpBuilder &b, tensor::EmptyOp op,
                              OpFoldResult numRows) {
  SmallVector<OpFoldResult> sizes = op.getMixedSizes();
  sizes[0] = numRows;
  return tensor::EmptyOp::create(b, op.getLoc(), sizes,
                                 op.getType().getElementType());
}

Value BatchTiler::createSlice(OpBuilder &b, Value value, OpFoldResult numRows) {
  Location loc = value.getLoc();
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, value);
  SmallVector<OpFoldResult> offsets(sizes.size(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(sizes.size(), b.getIndexAttr(1));
  sizes[0] = numRows;
  offsets[0] = getFirstRow(b, loc, numRows);
  return tensor::ExtractSliceOp::create(b, loc, value, offsets, sizes, strides);
}

/// The `numRows` rows of `value` that belong to the block.
Value BatchTiler::getBlock(OpBuilder &b, Value value, OpFoldResult numRows) {
  Value &block = blocks[value];
  if (block)
    return block;
  // What has no values yet is made in the loop.
  if (auto empty = value.getDefiningOp<tensor::EmptyOp>())
    return block = createEmpty(b, empty, numRows);
  if (auto fill = value.getDefiningOp<linalg::FillOp>())
    if (auto empty = fill.output().getDefiningOp<tensor::EmptyOp>()) {
      Value room = createEmpty(b, empty, numRows);
      return block = cloneForRows(b, fill, {fill.value(), room}, numRows)
                         ->getResult(0);
    }
  return block = createSlice(b, value, numRows);
}

/// The rows of `value`, which has samples, in the block.
OpFoldResult BatchTiler::getRowsOfBlock(OpBuilder &b, Value value) {
  int64_t numRows = samples.getRows(value);
  if (!ShapedType::isDynamic(numRows))
    return b.getIndexAttr(numRows * blockSize);
  return tensor::getMixedSize(b, value.getLoc(), blocks.lookup(value), 0);
}

void BatchTiler::cloneOp(OpBuilder &b, Operation *op) {
  llvm::BitVector rowOperands = *getRowOperands(op);
  // One of them, at least, has samples, and the others have as many rows.
  auto hasSamples = [&](unsigned i) {
    return samples.contains(op->getOperand(i));
  };
  unsigned first = *llvm::find_if(rowOperands.set_bits(), hasSamples);
  OpFoldResult numRows = getRowsOfBlock(b, op->getOperand(first));
  SmallVector<Value> operands(op->getOperands());
  for (unsigned i : rowOperands.set_bits())
    operands[i] = getBlock(b, operands[i], numRows);
  int64_t resultRows = samples.getRows(op->getResult(0));
  if (!ShapedType::isDynamic(resultRows))
    numRows = b.getIndexAttr(resultRows * blockSize);
  Operation *clone = cloneForRows(b, op, operands, numRows);
  for (auto [result, block] :
       llvm::zip_equal(op->getResults(), clone->getResults()))
    blocks[result] = block;
}

/// `all`, with the block of `output` in its place.
Value BatchTiler::insertBlock(OpBuilder &b, Value output, Value all) {
  Location loc = output.getLoc();
  Value block = blocks.lookup(output);
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, block);
  SmallVector<OpFoldResult> offsets(sizes.size(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(sizes.size(), b.getIndexAttr(1));
  offsets[0] = getFirstRow(b, loc, sizes[0]);
  return tensor::InsertSliceOp::create(b, loc, block, all, offsets, sizes,
                                       strides);
}

bool BatchTiler::tile() {
  findOutputs();
  // In a training step, say, everything is needed behind the loop.
  if (outputs.size() > std::max<size_t>(1, samples.getLayerTypes().size() / 2))
    return false;
  OpBuilder b(moveOpsBefore());
  Location loc = func.getLoc();
  Value zero = arith::ConstantIndexOp::create(b, loc, 0);
  Value one = arith::ConstantIndexOp::create(b, loc, 1);
  // Blocks of several samples divide a number that is known.
  Value numBlocks =
      blockSize == 1 ? b.createOrFold<tensor::DimOp>(loc, samples.getInput(), 0)
                     : arith::ConstantIndexOp::create(
                           b, loc, samples.getNumSamples() / blockSize);
  SmallVector<Value> inits;
  for (Value output : outputs)
    inits.push_back(createOutput(b, output));
  auto loop = scf::ForOp::create(
      b, loc, zero, numBlocks, one, inits,
      [&](OpBuilder &b, Location loc, Value block, ValueRange args) {
        index = block;
        for (Value input : samples.getInputs())
          getBlock(b, input, b.getIndexAttr(blockSize));
        for (Operation *op : samples.getOps())
          cloneOp(b, op);
        SmallVector<Value> results;
        for (auto [output, arg] : llvm::zip_equal(outputs, args))
          results.push_back(insertBlock(b, output, arg));
        scf::YieldOp::create(b, loc, results);
      });
  loop->setAttr(kSamplesAttr, b.getUnitAttr());
  loop->setAttr(kParallelAttr, b.getUnitAttr());
  for (auto [output, result] : llvm::zip_equal(outputs, loop.getResults()))
    output.replaceUsesWithIf(result, [](OpOperand &use) {
      return !isa<tensor::DimOp>(use.getOwner());
    });
  for (Operation *op : llvm::reverse(samples.getOps()))
    if (op->use_empty())
      op->erase();
  return true;
}

//===----------------------------------------------------------------------===//
// Pass
//===----------------------------------------------------------------------===//

/// The number of samples in a block: as many as there is room for in `cache`
/// bytes; none if there is no layer of many rows, or room for all.
static std::optional<int64_t> chooseBlock(const SampleOps &samples,
                                          int64_t cache) {
  int64_t bytes = 0;
  for (RankedTensorType type : samples.getLayerTypes())
    if (type.hasStaticShape())
      bytes = std::max(bytes, type.getNumElements() *
                                  type.getElementTypeBitWidth() / 8);
  int64_t numSamples = samples.getNumSamples(), room = cache / kCacheShare;
  if (bytes == 0)
    return std::nullopt;
  if (ShapedType::isDynamic(numSamples))
    return bytes < room ? std::nullopt : std::optional(1);
  int64_t size = numSamples;
  while (size > 1 && (size * bytes > room || numSamples % size != 0))
    --size;
  return size == numSamples ? std::nullopt : std::optional(size);
}

namespace {
struct TileBatch : quantc::impl::TileBatchPassBase<TileBatch> {
  void runOnOperation() override {
    auto module = getOperation()->getParentOfType<ModuleOp>();
    SampleOps samples(getOperation());
    if (getOperation().isPrivate())
      return;
    if (failed(samples.findInputs()))
      return signalPassFailure();
    if (!samples.isBatch())
      return;
    samples.findOps({});
    samples.findOps(samples.findTail());
    const VectorUnit &unit = selectVectorUnit(getTarget(module));
    if (std::optional<int64_t> size = chooseBlock(samples, unit.cache))
      (void)BatchTiler(getOperation(), samples, *size).tile();
  }
};
} // namespace
