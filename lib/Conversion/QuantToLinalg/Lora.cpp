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

  /// A `linalg.generic` with loops m, n, and for a sum k, that writes `init`
  /// [m, n].
  Value createLoops(ValueRange inputs, ArrayRef<AffineMap> maps, Value init,
                    unsigned numLoops, EmitBody body);
  Value createZeros(Value init, Operation *LoraContractions::*op);
  /// An element of A or B as f32 (lora_a2).
  Value readElement(Emit &a, Value stored, Value scale);
  /// lhs [M, K] by rhs [K, N] in storage type, whose columns may have scales.
  Value createProduct(Value lhs, Value rhs, Value rhsScale, Value zeros,
                      Operation *LoraContractions::*op);
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
                                Value init, unsigned numLoops, EmitBody body) {
  SmallVector<AffineMap> allMaps(maps);
  allMaps.push_back(builder.getMultiDimIdentityMap(numLoops).getMajorSubMap(2));
  SmallVector<IteratorType> iterators(numLoops, IteratorType::reduction);
  iterators[0] = iterators[1] = IteratorType::parallel;
  return createGeneric(builder, loc, inputs, init, allMaps, iterators, body)
      .front();
}

Value LoraLowering::createZeros(Value init, Operation *LoraContractions::*op) {
  Value zeros = createLoops({}, {}, init, 2,
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
  AffineExpr m, n, k;
  bindDims(builder.getContext(), m, n, k);
  auto getMap = [&](ArrayRef<AffineExpr> exprs) {
    return AffineMap::get(3, 0, exprs, builder.getContext());
  };
  SmallVector<Value> inputs = {lhs, rhs};
  SmallVector<AffineMap> maps = {getMap({m, k}), getMap({k, n})};
  if (rhsScale) {
    inputs.push_back(rhsScale);
    maps.push_back(getMap({n}));
  }
  Value product =
      createLoops(inputs, maps, zeros, 3,
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
  Value result =
      createLoops(sums, builder.getMultiDimIdentityMap(2), delta, 2,
                  [&](Emit &a, ValueRange elements) -> SmallVector<Value> {
                    return {numerics::finishDelta(a, elements[0], scale)};
                  });
  if (contractions)
    contractions->finish = result.getDefiningOp();
  return result;
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
