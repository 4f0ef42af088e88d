//===- LowerTileContractions.cpp - Contractions to tile registers ---------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Instructions on tile registers read and write memory, not vectors, so their
// contractions stay whole until buffers are known. See Passes.td.
//
// The loops are in functions of their own. A tile register has the shape that
// the configuration of its function says, and one function has one: rows that
// are left over call it again with fewer rows in a tile.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "quantc/Target/DotInstructions.h"
#include "quantc/Target/Passes.h"

using namespace mlir;

namespace quantc {
#define GEN_PASS_DEF_LOWERTILECONTRACTIONSPASS
#include "quantc/Target/Passes.h.inc"
} // namespace quantc

using namespace quantc;

/// A row of a tile register, in bytes.
static constexpr int64_t kTileRowBytes = 64;

namespace {

/// What the loops of a contraction depend on; sizes in elements.
struct TileShape {
  int64_t depth;     ///< K
  int64_t panel;     ///< NR
  int64_t accStride; ///< from one row of accumulators to the next

  bool operator==(const TileShape &other) const {
    return depth == other.depth && panel == other.panel &&
           accStride == other.accStride;
  }
};

/// acc[m, n] = start[n] + sum_k lhs[m, k] * rhs[k / 4, n, k % 4].
struct TileContraction {
  linalg::GenericOp op;
  /// What sets the accumulators before; null if they are added to.
  linalg::GenericOp init;
  TileShape shape;

  TypedValue<MemRefType> getMemRef(OpOperand *operand) const {
    return cast<TypedValue<MemRefType>>(operand->get());
  }
  TypedValue<MemRefType> getLhs() const {
    return getMemRef(linalg::GenericOp(op).getDpsInputOperand(0));
  }
  TypedValue<MemRefType> getRhs() const {
    return getMemRef(linalg::GenericOp(op).getDpsInputOperand(1));
  }
  TypedValue<MemRefType> getAcc() const {
    return getMemRef(linalg::GenericOp(op).getDpsInitOperand(0));
  }
};

} // namespace

//===----------------------------------------------------------------------===//
// Matching
//===----------------------------------------------------------------------===//

/// Whether the dimensions of `type` from `first` on are next to each other.
static bool isContiguousFrom(MemRefType type, int64_t first) {
  SmallVector<int64_t> strides;
  int64_t offset, expected = 1;
  if (failed(type.getStridesAndOffset(strides, offset)))
    return false;
  for (int64_t dim = type.getRank() - 1; dim >= first; --dim) {
    int64_t size = type.getDimSize(dim);
    if (size != 1 && strides[dim] != expected)
      return false;
    if (ShapedType::isDynamic(size))
      return dim == first;
    expected *= size;
  }
  return true;
}

/// The operation before `op` that gives each row of its accumulators the same
/// start.
static linalg::GenericOp findInit(linalg::GenericOp op) {
  Value acc = op.getDpsInits().front();
  for (Operation *prev = op->getPrevNode(); prev; prev = prev->getPrevNode()) {
    if (!llvm::is_contained(prev->getOperands(), acc))
      continue;
    auto init = dyn_cast<linalg::GenericOp>(prev);
    bool isCopy = init && init.getNumDpsInputs() == 1 &&
                  init.getDpsInits().front() == acc &&
                  init.getNumReductionLoops() == 0 &&
                  init.getBody()->getTerminator()->getOperand(0) ==
                      init.getBody()->getArgument(0);
    if (!isCopy)
      return {};
    auto start = dyn_cast<MemRefType>(init.getDpsInputs().front().getType());
    // Constant along the rows, the first loop, and read in order.
    bool isOfColumns = start && isContiguousFrom(start, 0) &&
                       !init.getMatchingIndexingMap(init.getDpsInputOperand(0))
                            .isFunctionOfDim(0);
    return isOfColumns ? init : linalg::GenericOp();
  }
  return {};
}

static FailureOr<TileContraction> match(linalg::GenericOp op) {
  if (!op.hasPureBufferSemantics() || op.getNumDpsInputs() != 2)
    return op.emitError("expects a contraction of two buffers into a third");
  TileContraction result{op, {}, {}};
  MemRefType lhs = result.getLhs().getType(), rhs = result.getRhs().getType(),
             acc = result.getAcc().getType();
  if (!isContiguousFrom(lhs, 1) || !isContiguousFrom(rhs, 0) ||
      !isContiguousFrom(acc, 1))
    return op.emitError("expects contiguous rows and weights");
  SmallVector<int64_t> strides;
  int64_t offset;
  if (failed(acc.getStridesAndOffset(strides, offset)) ||
      ShapedType::isDynamic(strides[0]))
    return op.emitError("expects accumulators whose rows lie at a known "
                        "distance");
  result.shape.depth = computeProduct(lhs.getShape().drop_front());
  result.shape.panel = computeProduct(acc.getShape().drop_front());
  result.shape.accStride = strides[0];
  if (rhs.getNumElements() != result.shape.depth * result.shape.panel)
    return op.emitError("expects one panel of packed weights");
  result.init = findInit(op);
  return result;
}

//===----------------------------------------------------------------------===//
// The loops
//===----------------------------------------------------------------------===//

namespace {

/// Builds the function that multiplies `blocks` blocks of `rows` rows each by a
/// panel:
///
///   for each block of K that stays in cache with its weights:
///     for each block of rows:
///       tiles = start or the sums so far
///       for each k, as many as a tile takes:
///         tiles += lhs[rows, k] * rhs[k, columns]
///         prefetch some of the next block of weights
///       sums = tiles
class TileLoops {
public:
  TileLoops(ImplicitLocOpBuilder &builder, const TileInstruction &instruction,
            TileShape shape)
      : b(builder), instruction(instruction), shape(shape),
        depth(instruction.chooseDepth(shape.depth)),
        pointer(LLVM::LLVMPointerType::get(b.getContext())),
        tile(LLVM::LLVMX86AMXType::get(b.getContext())) {
    instruction.intrinsics.split(intrinsics, ',');
  }

  func::FuncOp build(StringRef name);

private:
  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(b, value);
  }
  Value i16(int64_t value) {
    return arith::ConstantIntOp::create(b, value, 16);
  }
  Value i64(int64_t value) {
    return arith::ConstantIntOp::create(b, value, 64);
  }
  Value toI64(Value value) {
    return arith::IndexCastOp::create(b, b.getI64Type(), value);
  }
  Value multiply(Value lhs, Value rhs) {
    return arith::MulIOp::create(b, lhs, rhs);
  }
  /// `base` and `bytes`, an i64.
  Value advance(Value base, Value bytes) {
    return LLVM::GEPOp::create(b, pointer, b.getI8Type(), base,
                               ArrayRef<LLVM::GEPArg>{bytes});
  }
  scf::ForOp loop(Value from, Value to, Value step, ValueRange inits = {}) {
    return scf::ForOp::create(b, from, to, step, inits);
  }

  Value load(Value rows, int64_t bytes, Value base, Value stride) {
    return LLVM::CallIntrinsicOp::create(
               b, tile, b.getStringAttr(intrinsics[0]),
               ValueRange{rows, i16(bytes), base, stride})
        .getResult(0);
  }
  Value multiplyAdd(Value rows, Value acc, Value lhs, Value rhs) {
    return LLVM::CallIntrinsicOp::create(
               b, tile, b.getStringAttr(intrinsics[1]),
               ValueRange{rows, i16(kTileRowBytes), i16(depth), acc, lhs, rhs})
        .getResult(0);
  }
  void store(Value rows, Value base, Value stride, Value value) {
    LLVM::CallIntrinsicOp::create(
        b, b.getStringAttr(intrinsics[2]),
        ValueRange{rows, i16(kTileRowBytes), base, stride, value});
  }

  ImplicitLocOpBuilder &b;
  const TileInstruction &instruction;
  TileShape shape;
  /// K of one instruction.
  int64_t depth;
  SmallVector<StringRef> intrinsics;
  Type pointer;
  Type tile;
};

} // namespace

func::FuncOp TileLoops::build(StringRef name) {
  Type i64Type = b.getI64Type();
  auto type =
      b.getFunctionType({pointer, i64Type, pointer, pointer, i64Type, pointer,
                         b.getIntegerType(16), b.getIndexType()},
                        {});
  auto func = func::FuncOp::create(b, name, type);
  func.setPrivate();
  // Unrolled loops would need more tile registers than there are.
  func->setAttr("passthrough", b.getStrArrayAttr({"noinline", "optsize"}));
  func->setAttr("llvm.linkage", LLVM::LinkageAttr::get(
                                    b.getContext(), LLVM::Linkage::Internal));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(func.addEntryBlock());
  Value lhs = func.getArgument(0), lhsStride = func.getArgument(1);
  Value rhs = func.getArgument(2);
  Value start = func.getArgument(3), startStride = func.getArgument(4);
  Value acc = func.getArgument(5);
  Value rows = func.getArgument(6), blocks = func.getArgument(7);
  func::ReturnOp::create(b);
  b.setInsertionPoint(func.front().getTerminator());

  int64_t numTiles = shape.panel / instruction.columns;
  int64_t steps = shape.depth / depth;
  int64_t numDepthBlocks =
      llvm::divideCeil(shape.depth, instruction.depthBlock);
  int64_t blockDepth = llvm::divideCeil(steps, numDepthBlocks) * depth;
  Value accStride = i64(shape.accStride * sizeof(int32_t));
  Value rhsStride = i64(shape.panel * instruction.step);
  Value rhsRows = i16(depth / instruction.step);
  Value rowsWide = arith::ExtUIOp::create(b, i64Type, rows);
  Value total = index(shape.depth);

  scf::ForOp depthBlocks = loop(index(0), total, index(blockDepth));
  b.setInsertionPointToStart(depthBlocks.getBody());
  Value k0 = depthBlocks.getInductionVar();
  Value isFirst =
      arith::CmpIOp::create(b, arith::CmpIPredicate::eq, k0, index(0));
  Value from = arith::SelectOp::create(b, isFirst, start, acc);
  Value fromStride =
      arith::SelectOp::create(b, isFirst, startStride, accStride);
  Value k1 = arith::MinUIOp::create(
      b, arith::AddIOp::create(b, k0, index(blockDepth)), total);

  scf::ForOp rowBlocks = loop(index(0), blocks, index(1));
  b.setInsertionPointToStart(rowBlocks.getBody());
  Value row = multiply(toI64(rowBlocks.getInductionVar()), rowsWide);
  Value lhsBlock = advance(lhs, multiply(row, lhsStride));
  Value accBlock = advance(acc, multiply(row, accStride));
  Value fromBlock = advance(from, multiply(row, fromStride));
  SmallVector<Value> sums;
  for (int64_t i = 0; i < numTiles; ++i)
    sums.push_back(load(rows, kTileRowBytes,
                        advance(fromBlock, i64(i * kTileRowBytes)),
                        fromStride));

  // Where this block of rows prefetches: the next block of K, or of the next
  // panel, which lies behind this one, in as many parts as there are blocks of
  // rows at most.
  int64_t blockParts = instruction.rowBlock / instruction.rows;
  int64_t next = shape.panel / blockParts;
  Value done = multiply(rowBlocks.getInductionVar(), index(blockDepth));
  Value ahead =
      advance(advance(rhs, toI64(multiply(k1, index(shape.panel)))),
              toI64(multiply(arith::SubIOp::create(b, done, k0), index(next))));

  scf::ForOp sum = loop(k0, k1, index(depth), sums);
  {
    OpBuilder::InsertionGuard inner(b);
    b.setInsertionPointToStart(sum.getBody());
    Value k = toI64(sum.getInductionVar());
    Value a = load(rows, depth, advance(lhsBlock, k), lhsStride);
    Value step = advance(rhs, multiply(k, i64(shape.panel)));
    Value fetched = advance(ahead, multiply(k, i64(next)));
    for (int64_t line = 0; line < next * depth; line += kCacheLineBytes)
      LLVM::Prefetch::create(b, advance(fetched, i64(line)), /*rw=*/0,
                             kSecondCacheLocality, /*cache=*/1);
    SmallVector<Value> results;
    for (auto [i, acc] : llvm::enumerate(sum.getRegionIterArgs())) {
      Value w = load(rhsRows, kTileRowBytes,
                     advance(step, i64(i * kTileRowBytes)), rhsStride);
      results.push_back(multiplyAdd(rows, acc, a, w));
    }
    scf::YieldOp::create(b, results);
  }
  for (auto [i, value] : llvm::enumerate(sum.getResults()))
    store(rows, advance(accBlock, i64(i * kTileRowBytes)), accStride, value);
  return func;
}

//===----------------------------------------------------------------------===//
// Calling them
//===----------------------------------------------------------------------===//

/// Where `memref` starts.
static Value getPointer(ImplicitLocOpBuilder &b,
                        TypedValue<MemRefType> memref) {
  auto metadata = memref::ExtractStridedMetadataOp::create(b, memref);
  Value base = memref::ExtractAlignedPointerAsIndexOp::create(b, memref);
  Value size = arith::ConstantIndexOp::create(
      b, memref.getType().getElementTypeBitWidth() / 8);
  Value bytes = arith::MulIOp::create(b, metadata.getOffset(), size);
  Value address = arith::IndexCastOp::create(
      b, b.getI64Type(), arith::AddIOp::create(b, base, bytes));
  return LLVM::IntToPtrOp::create(b, LLVM::LLVMPointerType::get(b.getContext()),
                                  address);
}

/// Replaces `contraction` by calls of `loops`: one for whole blocks of rows,
/// one for what is left over.
static void lower(const TileContraction &contraction, func::FuncOp loops,
                  const TileInstruction &instruction) {
  linalg::GenericOp op = contraction.op;
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Value lhs = getPointer(b, contraction.getLhs());
  auto metadata =
      memref::ExtractStridedMetadataOp::create(b, contraction.getLhs());
  Value lhsStride = arith::IndexCastOp::create(b, b.getI64Type(),
                                               metadata.getStrides().front());
  Value rhs = getPointer(b, contraction.getRhs());
  Value acc = getPointer(b, contraction.getAcc());
  int64_t accStride = contraction.shape.accStride * sizeof(int32_t);
  Value start = acc;
  Value startStride = arith::ConstantIntOp::create(
      b, contraction.init ? 0 : accStride, /*width=*/64);
  if (linalg::GenericOp init = contraction.init)
    start = getPointer(
        b, cast<TypedValue<MemRefType>>(init.getDpsInputs().front()));

  auto call = [&](Value firstRow, Value rows, Value blocks) {
    auto advance = [&](Value base, Value stride) -> Value {
      Value bytes = arith::MulIOp::create(
          b, arith::IndexCastOp::create(b, b.getI64Type(), firstRow), stride);
      return LLVM::GEPOp::create(b, base.getType(), b.getI8Type(), base,
                                 ArrayRef<LLVM::GEPArg>{bytes});
    };
    Value accBytes = arith::ConstantIntOp::create(b, accStride, /*width=*/64);
    func::CallOp::create(
        b, loops,
        ValueRange{
            advance(lhs, lhsStride), lhsStride, rhs,
            advance(start, startStride), startStride, advance(acc, accBytes),
            arith::IndexCastOp::create(b, b.getIntegerType(16), rows), blocks});
  };
  Value zero = arith::ConstantIndexOp::create(b, 0);
  Value one = arith::ConstantIndexOp::create(b, 1);
  Value tileRows = arith::ConstantIndexOp::create(b, instruction.rows);
  Value numRows = b.createOrFold<memref::DimOp>(contraction.getAcc(), zero);
  Value blocks = b.createOrFold<arith::DivUIOp>(numRows, tileRows);
  Value rest = b.createOrFold<arith::RemUIOp>(numRows, tileRows);
  auto callIf = [&](Value count, auto body) {
    if (std::optional<int64_t> known = getConstantIntValue(count)) {
      if (*known != 0)
        body();
      return;
    }
    Value isAny =
        arith::CmpIOp::create(b, arith::CmpIPredicate::ne, count, zero);
    auto branch = scf::IfOp::create(b, isAny, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    body();
  };
  callIf(blocks, [&] { call(zero, tileRows, blocks); });
  callIf(rest,
         [&] { call(arith::SubIOp::create(b, numRows, rest), rest, one); });
  if (contraction.init)
    contraction.init->erase();
  op->erase();
}

namespace {
struct LowerTileContractions
    : quantc::impl::LowerTileContractionsPassBase<LowerTileContractions> {
  void runOnOperation() override {
    SmallVector<linalg::GenericOp> ops;
    getOperation().walk([&](linalg::GenericOp op) {
      if (getTileInstruction(op))
        ops.push_back(op);
    });
    SmallVector<std::pair<TileShape, func::FuncOp>> functions;
    SymbolTable symbols(getOperation());
    for (linalg::GenericOp op : ops) {
      FailureOr<TileContraction> contraction = match(op);
      if (failed(contraction))
        return signalPassFailure();
      const TileInstruction &instruction = *getTileInstruction(op);
      auto *known = llvm::find_if(functions, [&](const auto &entry) {
        return entry.first == contraction->shape;
      });
      if (known == functions.end()) {
        auto builder = ImplicitLocOpBuilder::atBlockEnd(
            op.getLoc(), getOperation().getBody());
        func::FuncOp func = TileLoops(builder, instruction, contraction->shape)
                                .build("tile_contraction");
        symbols.insert(func);
        functions.emplace_back(contraction->shape, func);
        known = std::prev(functions.end());
      }
      lower(*contraction, known->second, instruction);
    }
  }

  /// The row of the table that `op` is for, if there is one.
  static const TileInstruction *getTileInstruction(linalg::GenericOp op) {
    auto name = op->getAttrOfType<StringAttr>(kTileInstructionAttr);
    return name ? lookupTileInstruction(name) : nullptr;
  }
};
} // namespace
