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

  /// The layers of few rows that come after the last one of many.
  llvm::DenseSet<Operation *> findTail() const;

  /// What layers of many rows have for a sample.
  SmallVector<RankedTensorType> getLayerTypes() const;

  bool contains(Operation *op) const { return ops.contains(op); }
  bool contains(Value value) const { return rows.contains(value); }
  ArrayRef<Operation *> getOps() const { return ops.getArrayRef(); }
  /// The rows of a sample.
  int64_t getRows(Value value) const { return rows.lookup(value); }
  /// The number of samples; dynamic if it is not known.
  int64_t getNumSamples() const { return numSamples; }
  /// An input that has them.
  Value getInput() const { return inputs.front(); }
  bool dependsOnOps(Operation *op) const { return after.contains(op); }

private:
  std::optional<int64_t> matchOp(Operation *op) const;
  bool isManyRowLayer(Operation *op) const;

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
    if (!rowOperands->test(operand.getOperandNumber()) ||
        (numRows && *numRows != it->second))
      return std::nullopt;
    numRows = it->second;
  }
  llvm::SetVector<Value> captured;
  getUsedValuesDefinedAbove(op->getRegions(), captured);
  if (!numRows || llvm::any_of(captured, [&](Value v) { return contains(v); }))
    return std::nullopt;
  return getResultRows(op, *numRows);
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
  return isLayer(op) && getRows(op->getResult(0)) >= kLeastRows;
}

llvm::DenseSet<Operation *> SampleOps::findTail() const {
  llvm::DenseSet<Operation *> beforeLayer, tail;
  for (Operation *op : llvm::reverse(getOps())) {
    if (isManyRowLayer(op) ||
        llvm::any_of(op->getUsers(), [&](Operation *user) {
          return beforeLayer.contains(user);
        }))
      beforeLayer.insert(op);
    else if (isLayer(op))
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
        type.clone({getRows(op->getResult(0)), type.getDimSize(1)}));
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

  /// Fails, without a change, if too much leaves the loop, or if sizes of it
  /// are not known.
  LogicalResult tile();

private:
  LogicalResult findOutputs();
  Operation *moveOpsBefore();
  Value createOutput(OpBuilder &b, Value output, Value numSamples);
  Value createEmpty(OpBuilder &b, tensor::EmptyOp op, int64_t numRows);
  Value createSlice(OpBuilder &b, Value value, int64_t numRows);
  Value getBlock(OpBuilder &b, Value value, int64_t numRows);
  void cloneOp(OpBuilder &b, Operation *op);
  OpFoldResult getFirstRow(OpBuilder &b, Location loc, int64_t numRows);

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

LogicalResult BatchTiler::findOutputs() {
  for (Operation *op : samples.getOps())
    for (Value result : op->getResults()) {
      bool isOutput = llvm::any_of(result.getUsers(), [&](Operation *user) {
        return !samples.contains(func.getBody().findAncestorOpInRegion(*user));
      });
      if (!isOutput)
        continue;
      auto type = cast<RankedTensorType>(result.getType());
      if (ShapedType::isDynamicShape(type.getShape().drop_front()))
        return failure();
      outputs.push_back(result);
    }
  return success();
}

/// Returns where the loop goes: behind all that does not depend on its results.
Operation *BatchTiler::moveOpsBefore() {
  Block &body = func.getBody().front();
  Operation *position = body.getTerminator();
  for (Operation &op : llvm::make_early_inc_range(body.without_terminator()))
    if (samples.dependsOnOps(&op)) {
      if (position == body.getTerminator())
        position = &op;
    } else if (position != body.getTerminator() && !samples.contains(&op)) {
      op.moveBefore(position);
    }
  return position;
}

/// Room for an output, of all samples.
Value BatchTiler::createOutput(OpBuilder &b, Value output, Value numSamples) {
  Location loc = output.getLoc();
  auto type = cast<RankedTensorType>(output.getType());
  SmallVector<Value> dynamicSizes;
  if (type.isDynamicDim(0)) {
    Value numRows =
        arith::ConstantIndexOp::create(b, loc, samples.getRows(output));
    dynamicSizes.push_back(arith::MulIOp::create(b, loc, numSamples, numRows));
  }
  return tensor::EmptyOp::create(b, loc, type, dynamicSizes);
}

/// The first row of the block, of `numRows`.
OpFoldResult BatchTiler::getFirstRow(OpBuilder &b, Location loc,
                                     int64_t numRows) {
  AffineExpr block = b.getAffineDimExpr(0);
  return affine::makeComposedFoldedAffineApply(b, loc, block * numRows,
                                               {OpFoldResult(index)});
}

Value BatchTiler::createEmpty(OpBuilder &b, tensor::EmptyOp op,
                              int64_t numRows) {
  SmallVector<OpFoldResult> sizes = op.getMixedSizes();
  sizes[0] = b.getIndexAttr(numRows);
  return tensor::EmptyOp::create(b, op.getLoc(), sizes,
                                 op.getType().getElementType());
}

Value BatchTiler::createSlice(OpBuilder &b, Value value, int64_t numRows) {
  Location loc = value.getLoc();
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, value);
  SmallVector<OpFoldResult> offsets(sizes.size(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(sizes.size(), b.getIndexAttr(1));
  sizes[0] = b.getIndexAttr(numRows);
  offsets[0] = getFirstRow(b, loc, numRows);
  return tensor::ExtractSliceOp::create(b, loc, value, offsets, sizes, strides);
}

/// The `numRows` rows of `value` that belong to the block.
Value BatchTiler::getBlock(OpBuilder &b, Value value, int64_t numRows) {
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

void BatchTiler::cloneOp(OpBuilder &b, Operation *op) {
  llvm::BitVector rowOperands = *getRowOperands(op);
  // One of them, at least, has samples, and the others have as many rows.
  int64_t numRows = 0;
  for (unsigned i : rowOperands.set_bits())
    numRows = std::max(numRows, samples.getRows(op->getOperand(i)) * blockSize);
  SmallVector<Value> operands(op->getOperands());
  for (unsigned i : rowOperands.set_bits())
    operands[i] = getBlock(b, operands[i], numRows);
  Operation *clone = cloneForRows(b, op, operands, numRows);
  for (auto [result, block] :
       llvm::zip_equal(op->getResults(), clone->getResults()))
    blocks[result] = block;
}

LogicalResult BatchTiler::tile() {
  // In a training step, say, everything is needed behind the loop.
  size_t most = std::max<size_t>(1, samples.getLayerTypes().size() / 2);
  if (failed(findOutputs()) || outputs.size() > most)
    return failure();
  OpBuilder b(moveOpsBefore());
  Location loc = func.getLoc();
  Value zero = arith::ConstantIndexOp::create(b, loc, 0);
  Value one = arith::ConstantIndexOp::create(b, loc, 1);
  Value numSamples = b.createOrFold<tensor::DimOp>(loc, samples.getInput(), 0);
  // Blocks of several samples divide a number that is known.
  Value numBlocks = numSamples;
  if (blockSize != 1)
    numBlocks = arith::ConstantIndexOp::create(
        b, loc, samples.getNumSamples() / blockSize);
  SmallVector<Value> inits;
  for (Value output : outputs)
    inits.push_back(createOutput(b, output, numSamples));
  auto loop = scf::ForOp::create(
      b, loc, zero, numBlocks, one, inits,
      [&](OpBuilder &b, Location loc, Value block, ValueRange args) {
        index = block;
        for (Operation *op : samples.getOps())
          cloneOp(b, op);
        SmallVector<Value> results;
        for (auto [output, arg] : llvm::zip_equal(outputs, args)) {
          Value part = blocks.lookup(output);
          SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, part);
          SmallVector<OpFoldResult> offsets(sizes.size(), b.getIndexAttr(0));
          SmallVector<OpFoldResult> strides(sizes.size(), b.getIndexAttr(1));
          offsets[0] = getFirstRow(b, loc, *getConstantIntValue(sizes[0]));
          results.push_back(tensor::InsertSliceOp::create(
              b, loc, part, arg, offsets, sizes, strides));
        }
        scf::YieldOp::create(b, loc, results);
      });
  loop->setAttr(kSamplesAttr, b.getUnitAttr());
  loop->setAttr(kParallelAttr, b.getUnitAttr());
  for (auto [output, result] : llvm::zip_equal(outputs, loop.getResults()))
    output.replaceAllUsesWith(result);
  for (Operation *op : llvm::reverse(samples.getOps()))
    op->erase();
  return success();
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
