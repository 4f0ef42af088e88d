//===- Lora.cpp - Deltas of adapters as contractions ----------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   for each part p of the rows, ceil(M / P) rows each:
//     if slots[p] >= 0: u[part] = x[part] * down[slot]
//   for each part p of the rows:
//     if slots[p] >= 0: delta[part] = (u[part] * up[slot]) * scale[slot]
//     else:             delta[part] = -0
//
// Two loops, so that tiling does not fuse the first product into each tile of
// the second. An adapter for all rows is one part.
//
//===----------------------------------------------------------------------===//

#include "quantc/Conversion/Lora.h"

#include "Patterns.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "quantc/Conversion/Generic.h"
#include "quantc/Numerics/Lora.h"

using namespace mlir;
using namespace quantc;
using utils::IteratorType;

namespace {

class LoraLowering {
public:
  LoraLowering(OpBuilder &builder, LoraOp op, LoraOp::Adaptor adaptor,
               LoraContractions *contractions)
      : builder(builder), loc(op.getLoc()), adaptor(adaptor),
        contractions(contractions), rank(op.getUp().getType().getDimSize(1)),
        numColumns(op.getType().getDimSize(1)) {}

  Value lower(RankedTensorType type);
  Value lowerOneSlot(Value slot, int64_t panel);

private:
  /// Rows of a matrix: [begin, begin + count).
  struct Rows {
    OpFoldResult begin, count;
  };

  OpFoldResult getIndex(int64_t value) { return builder.getIndexAttr(value); }
  Value getConstant(int64_t value) {
    return arith::ConstantIndexOp::create(builder, loc, value);
  }
  Value createEmpty(Value numRows, int64_t columns) {
    return tensor::EmptyOp::create(
        builder, loc, {getAsOpFoldResult(numRows), getIndex(columns)},
        builder.getF32Type());
  }
  Value extractRows(Value matrix, const Rows &rows);
  Value insertRows(Value part, Value matrix, const Rows &rows);
  /// Slice `slot` of `bank`, without the dimension of slots; null stays null.
  Value extractSlot(Value bank, Value slot);

  /// A `linalg.generic` that writes all of `init`, with a loop for each of its
  /// dimensions and for a sum one more.
  Value createLoops(ValueRange inputs, ArrayRef<AffineMap> maps, Value init,
                    bool isSum, EmitBody body);
  Value createZeros(Value init, Operation *LoraContractions::*op);
  /// An element of A or B as f32 (lora_a2).
  Value readElement(Emit &a, Value stored, Value scale);
  /// lhs [M, K] by rhs [K, N] in storage type, whose columns may have scales.
  /// N may be two dimensions.
  Value createProduct(Value lhs, Value rhs, Value rhsScale, Value zeros,
                      Operation *LoraContractions::*op);
  /// [..., N] -> [..., N / panel, panel]; null stays null.
  Value splitColumns(Value tensor, int64_t panel);
  /// sums * scale, written to `delta`.
  Value finish(Value sums, Value scale, Value delta);
  /// A loop over the parts of the rows of an [M, columns] matrix: where there
  /// is an adapter `body` gives the rows, from its slot and from what to write
  /// to; without one `none` does.
  using PartBody = llvm::function_ref<Value(Value slot, const Rows &, Value)>;
  Value forEachPart(int64_t columns, PartBody body,
                    llvm::function_ref<Value(Value)> none);

  OpBuilder &builder;
  Location loc;
  LoraOp::Adaptor adaptor;
  LoraContractions *contractions;
  int64_t rank, numColumns;
};

} // namespace

Value LoraLowering::extractRows(Value matrix, const Rows &rows) {
  int64_t columns = cast<RankedTensorType>(matrix.getType()).getDimSize(1);
  return tensor::ExtractSliceOp::create(
      builder, loc, matrix, {rows.begin, getIndex(0)},
      {rows.count, getIndex(columns)}, {getIndex(1), getIndex(1)});
}

Value LoraLowering::insertRows(Value part, Value matrix, const Rows &rows) {
  int64_t columns = cast<RankedTensorType>(matrix.getType()).getDimSize(1);
  return tensor::InsertSliceOp::create(
      builder, loc, part, matrix, {rows.begin, getIndex(0)},
      {rows.count, getIndex(columns)}, {getIndex(1), getIndex(1)});
}

Value LoraLowering::extractSlot(Value bank, Value slot) {
  if (!bank)
    return {};
  auto type = cast<RankedTensorType>(bank.getType());
  SmallVector<OpFoldResult> offsets(type.getRank(), getIndex(0));
  SmallVector<OpFoldResult> strides(type.getRank(), getIndex(1));
  SmallVector<OpFoldResult> sizes = {getIndex(1)};
  offsets[0] = slot;
  for (int64_t size : type.getShape().drop_front())
    sizes.push_back(getIndex(size));
  auto matrix = RankedTensorType::get(type.getShape().drop_front(),
                                      type.getElementType());
  return tensor::ExtractSliceOp::create(builder, loc, matrix, bank, offsets,
                                        sizes, strides);
}

Value LoraLowering::createLoops(ValueRange inputs, ArrayRef<AffineMap> maps,
                                Value init, bool isSum, EmitBody body) {
  unsigned rank = cast<RankedTensorType>(init.getType()).getRank();
  SmallVector<IteratorType> iterators(rank, IteratorType::parallel);
  if (isSum)
    iterators.push_back(IteratorType::reduction);
  SmallVector<AffineMap> allMaps(maps);
  allMaps.push_back(
      builder.getMultiDimIdentityMap(iterators.size()).getMajorSubMap(rank));
  return createGeneric(builder, loc, inputs, init, allMaps, iterators, body)
      .front();
}

Value LoraLowering::createZeros(Value init, Operation *LoraContractions::*op) {
  Value zeros = createLoops({}, {}, init, /*isSum=*/false,
                            [](Emit &a, ValueRange) -> SmallVector<Value> {
                              return {a.constant(0.0f)};
                            });
  if (contractions)
    contractions->*op = zeros.getDefiningOp();
  return zeros;
}

Value LoraLowering::readElement(Emit &a, Value stored, Value scale) {
  if (scale)
    return numerics::loraElement(a, a.fromStorage(stored), scale);
  if (stored.getType().isF32())
    return stored;
  // The upper half of a float. Not arith.extf, which LLVM can turn into a call
  // where the CPU has no bfloat16.
  Value bits =
      arith::BitcastOp::create(builder, loc, builder.getI16Type(), stored);
  bits = arith::ExtUIOp::create(builder, loc, builder.getI32Type(), bits);
  return a.bitcastToFloat(a.shlInt(bits, a.constantInt(16)));
}

Value LoraLowering::createProduct(Value lhs, Value rhs, Value rhsScale,
                                  Value zeros,
                                  Operation *LoraContractions::*op) {
  unsigned rank = cast<RankedTensorType>(rhs.getType()).getRank();
  AffineExpr m = builder.getAffineDimExpr(0);
  AffineExpr k = builder.getAffineDimExpr(rank);
  SmallVector<AffineExpr> n;
  for (unsigned dim = 1; dim < rank; ++dim)
    n.push_back(builder.getAffineDimExpr(dim));
  auto getMap = [&](ArrayRef<AffineExpr> exprs) {
    return AffineMap::get(rank + 1, 0, exprs, builder.getContext());
  };
  SmallVector<AffineExpr> rhsExprs = {k};
  llvm::append_range(rhsExprs, n);
  SmallVector<Value> inputs = {lhs, rhs};
  SmallVector<AffineMap> maps = {getMap({m, k}), getMap(rhsExprs)};
  if (rhsScale) {
    inputs.push_back(rhsScale);
    maps.push_back(getMap(n));
  }
  Value product =
      createLoops(inputs, maps, zeros, /*isSum=*/true,
                  [&](Emit &a, ValueRange elements) -> SmallVector<Value> {
                    Value element = readElement(
                        a, elements[1], rhsScale ? elements[2] : Value());
                    return {numerics::addFloatElement(a, elements.back(),
                                                      elements[0], element)};
                  });
  if (contractions)
    contractions->*op = product.getDefiningOp();
  return product;
}

Value LoraLowering::forEachPart(int64_t columns, PartBody body,
                                llvm::function_ref<Value(Value)> none) {
  Value zero = getConstant(0), one = getConstant(1);
  Value numRows = tensor::DimOp::create(builder, loc, adaptor.getInput(), zero);
  Value numParts =
      tensor::DimOp::create(builder, loc, adaptor.getSlots(), zero);
  Value rowsPerPart = arith::CeilDivUIOp::create(
      builder, loc, numRows,
      arith::MaxUIOp::create(builder, loc, numParts, one));
  auto loop = scf::ForOp::create(builder, loc, zero, numParts, one,
                                 createEmpty(numRows, columns));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  Value index = loop.getInductionVar(), matrix = loop.getRegionIterArg(0);
  Value begin = arith::MinUIOp::create(
      builder, loc, numRows,
      arith::MulIOp::create(builder, loc, index, rowsPerPart));
  Value count = arith::MinUIOp::create(
      builder, loc, rowsPerPart,
      arith::SubIOp::create(builder, loc, numRows, begin));
  Rows rows = {begin, count};
  Value slot =
      tensor::ExtractOp::create(builder, loc, adaptor.getSlots(), index);
  Value hasAdapter =
      arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sge, slot,
                            arith::ConstantIntOp::create(builder, loc, 0, 32));
  Value part = extractRows(matrix, rows);
  auto choice = scf::IfOp::create(
      builder, loc, hasAdapter,
      [&](OpBuilder &, Location) {
        Value index = arith::IndexCastOp::create(builder, loc,
                                                 builder.getIndexType(), slot);
        scf::YieldOp::create(builder, loc, body(index, rows, part));
      },
      [&](OpBuilder &, Location) {
        scf::YieldOp::create(builder, loc, none(part));
      });
  scf::YieldOp::create(builder, loc,
                       insertRows(choice.getResult(0), matrix, rows));
  return loop.getResult(0);
}

Value LoraLowering::lower(RankedTensorType type) {
  Value u = forEachPart(
      rank,
      [&](Value slot, const Rows &rows, Value part) {
        return createProduct(extractRows(adaptor.getInput(), rows),
                             extractSlot(adaptor.getDown(), slot),
                             extractSlot(adaptor.getDownScale(), slot),
                             createZeros(part, &LoraContractions::downZeros),
                             &LoraContractions::down);
      },
      [](Value part) { return part; });
  Value delta = forEachPart(
      numColumns,
      [&](Value slot, const Rows &rows, Value part) {
        Value scale =
            tensor::ExtractOp::create(builder, loc, adaptor.getScale(), slot);
        Value sums = tensor::EmptyOp::create(builder, loc,
                                             {rows.count, getIndex(numColumns)},
                                             builder.getF32Type());
        sums = createProduct(extractRows(u, rows),
                             extractSlot(adaptor.getUp(), slot),
                             extractSlot(adaptor.getUpScale(), slot),
                             createZeros(sums, &LoraContractions::upZeros),
                             &LoraContractions::up);
        return finish(sums, scale, part);
      },
      [&](Value part) {
        Value none = arith::ConstantOp::create(
            builder, loc, builder.getF32FloatAttr(numerics::kNoDelta));
        return linalg::FillOp::create(builder, loc, none, part).getResult(0);
      });
  if (delta.getType() != type)
    delta = tensor::CastOp::create(builder, loc, type, delta);
  return delta;
}

Value LoraLowering::finish(Value sums, Value scale, Value delta) {
  unsigned rank = cast<RankedTensorType>(delta.getType()).getRank();
  Value result = createLoops(
      sums, builder.getMultiDimIdentityMap(rank), delta,
      /*isSum=*/false, [&](Emit &a, ValueRange elements) -> SmallVector<Value> {
        return {numerics::finishDelta(a, elements[0], scale)};
      });
  if (contractions)
    contractions->finish = result.getDefiningOp();
  return result;
}

Value LoraLowering::splitColumns(Value tensor, int64_t panel) {
  if (!tensor)
    return {};
  auto type = cast<RankedTensorType>(tensor.getType());
  int64_t last = type.getRank() - 1;
  SmallVector<int64_t> shape(type.getShape().drop_back());
  shape.append({numColumns / panel, panel});
  SmallVector<ReassociationIndices> split;
  for (int64_t dim = 0; dim < last; ++dim)
    split.push_back({dim});
  split.push_back({last, last + 1});
  return tensor::ExpandShapeOp::create(
      builder, loc, RankedTensorType::get(shape, type.getElementType()), tensor,
      split);
}

Value LoraLowering::lowerOneSlot(Value slot, int64_t panel) {
  Value numRows = tensor::DimOp::create(builder, loc, adaptor.getInput(), 0);
  Value u = createProduct(
      adaptor.getInput(), extractSlot(adaptor.getDown(), slot),
      extractSlot(adaptor.getDownScale(), slot),
      createZeros(createEmpty(numRows, rank), &LoraContractions::downZeros),
      &LoraContractions::down);
  SmallVector<OpFoldResult> sizes = {getAsOpFoldResult(numRows),
                                     getIndex(numColumns / panel),
                                     getIndex(panel)};
  auto createPanels = [&]() -> Value {
    return tensor::EmptyOp::create(builder, loc, sizes, builder.getF32Type());
  };
  Value scale =
      tensor::ExtractOp::create(builder, loc, adaptor.getScale(), slot);
  Value sums = createProduct(
      u, splitColumns(extractSlot(adaptor.getUp(), slot), panel),
      splitColumns(extractSlot(adaptor.getUpScale(), slot), panel),
      createZeros(createPanels(), &LoraContractions::upZeros),
      &LoraContractions::up);
  return finish(sums, scale, createPanels());
}

Value quantc::lowerLoraOfSlot(OpBuilder &builder, LoraOp op, Value slot,
                              int64_t panel, LoraContractions &contractions) {
  return LoraLowering(builder, op, LoraOp::Adaptor(op), &contractions)
      .lowerOneSlot(slot, panel);
}

Value quantc::lowerLora(OpBuilder &builder, LoraOp op, LoraOp::Adaptor adaptor,
                        LoraContractions *contractions) {
  return LoraLowering(builder, op, adaptor, contractions).lower(op.getType());
}

namespace {
struct LowerLora : OpConversionPattern<LoraOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(LoraOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, lowerLora(rewriter, op, adaptor));
    return success();
  }
};
} // namespace

void quantc::populateLoraPatterns(const TypeConverter &converter,
                                  RewritePatternSet &patterns) {
  patterns.add<LowerLora>(converter, patterns.getContext());
}
