//===- ScalableLoops.cpp - Loops on registers of unknown length -----------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A scalable register has `vscale` times 128 bits, which is known when the
// program runs: so is how many registers a panel takes. A unit are the columns
// whose sums of one row fill a register. A block of rows has accumulators for S
// units across, and where fewer are left of the panel it goes on with half as
// many:
//
//   column = 0
//   for count in S, S / 2, ..., 1:
//     while the panel has `count` units from `column` on, and at last while it
//     has any column:
//       acc[rows][count] = from
//       for each k, as many as an instruction takes:
//         acc[r][i] += lhs[r, k] * rhs[k, columns of unit i]
//       sums = acc
//       column += columns of `count` units
//
// So each length of registers has its own way through the same panel, and none
// is computed in vain but a part of the last one, which is masked.
//
// A sum waits for the one before. Where a block has fewer sums than there are
// registers to accumulate, consecutive steps along K add to different parts of
// a sum, which are added at the end.
//
//===----------------------------------------------------------------------===//

#include "PanelLoops.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace quantc;

namespace {

/// What all scalable registers share. In each 128 bits of an accumulator are
/// four sums, of as many rows as the instruction has columns too few for that.
class ScalableLoops : public PanelLoops {
public:
  ScalableLoops(ImplicitLocOpBuilder &builder,
                const TileInstruction &instruction, ContractionShape shape,
                int64_t rows)
      : PanelLoops(builder, instruction, shape), rows(rows),
        tileRows(kSums / instruction.columns),
        numTiles(llvm::divideCeil(rows, tileRows)),
        steps(depth / instruction.step), sums(getType(kSums, 32)),
        bytes(getType(kRegisterBytes, 8)),
        weights(getType(instruction.columns, 8 * instruction.step)) {}

protected:
  /// Accumulators of a unit from the sums of its rows, as many registers.
  virtual SmallVector<Value> enter(ArrayRef<Value> sums) = 0;
  /// The opposite.
  virtual SmallVector<Value> leave(ArrayRef<Value> acc) = 0;
  /// What each step takes of the activations of the rows of a tile; `values`
  /// have the k of a row, again in each 128 bits.
  virtual SmallVector<Value> split(ArrayRef<Value> values) = 0;
  virtual Value multiplyAdd(Value acc, Value weights, Value activations,
                            int64_t step) = 0;

  /// A register of `size` elements in each 128 bits.
  VectorType getType(int64_t size, unsigned width) {
    return VectorType::get({size}, b.getIntegerType(width),
                           /*scalableDims=*/{true});
  }

  /// Bytes and sums in 128 bits.
  static constexpr int64_t kRegisterBytes = 16;
  static constexpr int64_t kSums = 4;

  int64_t rows;
  /// The rows of a tile, and registers that a unit takes.
  int64_t tileRows;
  int64_t numTiles;
  /// Steps of an iteration along K.
  int64_t steps;
  VectorType sums;
  VectorType bytes;
  /// Weights, an element for a column.
  VectorType weights;

private:
  /// What a loop along K computes of the panel.
  struct Columns {
    Value first;   ///< column, i64
    int64_t count; ///< of units
    /// Parts of a sum.
    int64_t parts;
    /// Where the panel may end: null, or of a unit and of each register with
    /// weights of a unit.
    Value sumsMask;
    SmallVector<Value> weightMasks;
  };

  SmallVector<Value> emitBlock(const Block &block, ValueRange) override;
  void emitColumns(const Block &block, const Columns &columns);
  Columns getColumns(Value column, int64_t count, bool isMasked);
  SmallVector<SmallVector<Value>> loadActivations(const Block &block, Value k,
                                                  Value mask);
  SmallVector<Value> loadSums(const Block &block, const Columns &columns);
  void storeSums(const Block &block, const Columns &columns, ValueRange acc);

  /// Calls `visit` with row, unit and the address of its sums.
  void forEachSum(Value base, Value stride, const Columns &columns,
                  llvm::function_ref<void(int64_t, int64_t, Value)> visit);
  /// The place of the sums of a row among those of all tiles.
  int64_t getPlace(const Columns &columns, int64_t row, int64_t unit) {
    return (row / tileRows * columns.count + unit) * tileRows + row % tileRows;
  }
  /// Where the `index`-th register from the first column on lies, in bytes.
  Value getOffset(const Columns &columns, int64_t columnBytes, int64_t index);

  Value getScale() { return vector::VectorScaleOp::create(b); }
  /// Those of the elements from `first` on that are below `size`.
  Value createMask(VectorType type, Value first, int64_t size) {
    return LLVM::GetActiveLaneMaskOp::create(b, type.clone(b.getI1Type()),
                                             first, i64(size));
  }
  Value createZeros(VectorType type) {
    return arith::ConstantOp::create(b, b.getZeroAttr(type));
  }
  /// Loads a register, with 0 where the mask is not set; null is a mask that is
  /// set everywhere.
  Value load(VectorType type, Value address, Value mask) {
    unsigned alignment = type.getElementTypeBitWidth() / 8;
    if (!mask)
      return LLVM::LoadOp::create(b, type, address, alignment);
    return LLVM::MaskedLoadOp::create(b, type, address, mask, createZeros(type),
                                      alignment);
  }
  void store(Value value, Value address, Value mask) {
    if (mask)
      LLVM::MaskedStoreOp::create(b, value, address, mask, sizeof(int32_t));
    else
      LLVM::StoreOp::create(b, value, address, sizeof(int32_t));
  }
  Value getRow(Value base, Value stride, int64_t row) {
    return advance(base, multiply(stride, i64(row)));
  }
};

/// One row by four columns in 128 bits. The instruction takes the k of its step
/// out of those that there are in each 128 bits of the activations.
class ScalableRowLoops : public ScalableLoops {
public:
  using ScalableLoops::ScalableLoops;

private:
  enum Intrinsic { Repeat, MultiplyAdd };

  SmallVector<Value> enter(ArrayRef<Value> sums) override {
    return SmallVector<Value>(sums);
  }
  SmallVector<Value> leave(ArrayRef<Value> acc) override {
    return SmallVector<Value>(acc);
  }
  SmallVector<Value> split(ArrayRef<Value> values) override {
    return SmallVector<Value>(steps, values.front());
  }
  Value multiplyAdd(Value acc, Value weights, Value activations,
                    int64_t step) override {
    return call(MultiplyAdd, sums,
                {acc, weights, activations, integer(step, 32)});
  }
};

/// Two rows by two columns in 128 bits. With pairs of sums or eight k as
/// elements, a0 and a1 of the rows of a unit are
///
///   (a0[0] a1[0]) (a0[1] a1[1]) ...       as accumulators, in two registers
///   (x0[0] x1[0]) (x0[0] x1[0]) ...       as activations of the first step
///   (x0[1] x1[1]) (x0[1] x1[1]) ...       as those of the second
class ScalableTileLoops : public ScalableLoops {
public:
  using ScalableLoops::ScalableLoops;

private:
  enum Intrinsic {
    Repeat,
    InterleaveLow,
    InterleaveHigh,
    TransposeEven,
    TransposeOdd,
    MultiplyAdd,
    TakeEven,
    TakeOdd
  };

  /// Calls an intrinsic on two registers of 64-bit elements.
  Value combine(Intrinsic intrinsic, ArrayRef<Value> values) {
    VectorType wide = getType(2, 64);
    auto cast = [&](Type type, Value value) -> Value {
      return vector::BitCastOp::create(b, type, value);
    };
    return cast(
        values[0].getType(),
        call(intrinsic, wide, {cast(wide, values[0]), cast(wide, values[1])}));
  }

  SmallVector<Value> enter(ArrayRef<Value> sums) override {
    return {combine(InterleaveLow, sums), combine(InterleaveHigh, sums)};
  }
  SmallVector<Value> leave(ArrayRef<Value> acc) override {
    return {combine(TakeEven, acc), combine(TakeOdd, acc)};
  }
  SmallVector<Value> split(ArrayRef<Value> values) override {
    SmallVector<Value> result = {combine(TransposeEven, values)};
    if (steps > 1)
      result.push_back(combine(TransposeOdd, values));
    return result;
  }
  Value multiplyAdd(Value acc, Value weights, Value activations,
                    int64_t) override {
    return call(MultiplyAdd, sums, {acc, activations, weights});
  }
};

} // namespace

SmallVector<Value> ScalableLoops::emitBlock(const Block &block, ValueRange) {
  Value unit = multiply(getScale(), index(kSums));
  Value panel = index(shape.panel), column = index(0);
  int64_t across =
      std::min<int64_t>(instruction.accumulators / instruction.rows,
                        llvm::divideCeil(shape.panel, kSums));
  for (int64_t count = llvm::bit_floor<uint64_t>(across); count; count /= 2) {
    Value step = multiply(unit, index(count)), end = panel;
    if (count > 1) {
      Value whole = arith::DivUIOp::create(b, subtract(panel, column), step);
      end = add(column, multiply(whole, step));
    }
    scf::ForOp columns = loop(column, end, step);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(columns.getBody());
    emitColumns(block, getColumns(columns.getInductionVar(), count,
                                  /*isMasked=*/count == 1));
    column = end;
  }
  return {};
}

/// The activations of an iteration: for each tile, what its steps take.
SmallVector<SmallVector<Value>>
ScalableLoops::loadActivations(const Block &block, Value k, Value mask) {
  SmallVector<SmallVector<Value>> result;
  for (int64_t tile = 0; tile < numTiles; ++tile) {
    SmallVector<Value> values;
    for (int64_t row = tile * tileRows; row < (tile + 1) * tileRows; ++row)
      values.push_back(
          row < rows
              ? call(
                    /*Repeat*/ 0, bytes,
                    {mask, advance(getRow(block.lhs, block.lhsStride, row), k)})
              : createZeros(bytes));
    result.push_back(split(values));
  }
  return result;
}

ScalableLoops::Columns ScalableLoops::getColumns(Value column, int64_t count,
                                                 bool isMasked) {
  Columns columns;
  columns.first = toI64(column);
  columns.count = count;
  columns.parts =
      std::min(instruction.accumulators / (numTiles * count * tileRows), steps);
  columns.weightMasks.resize(tileRows);
  if (!isMasked)
    return columns;
  columns.sumsMask = createMask(sums, columns.first, shape.panel);
  for (auto [i, mask] : llvm::enumerate(columns.weightMasks)) {
    Value before = multiply(toI64(getScale()), i64(i * instruction.columns));
    mask = createMask(weights, add(columns.first, before), shape.panel);
  }
  return columns;
}

Value ScalableLoops::getOffset(const Columns &columns, int64_t columnBytes,
                               int64_t index) {
  Value registerBytes = multiply(toI64(getScale()), i64(kRegisterBytes));
  return add(multiply(columns.first, i64(columnBytes)),
             multiply(registerBytes, i64(index)));
}

void ScalableLoops::forEachSum(
    Value base, Value stride, const Columns &columns,
    llvm::function_ref<void(int64_t, int64_t, Value)> visit) {
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t i = 0; i < columns.count; ++i)
      visit(row, i,
            advance(getRow(base, stride, row),
                    getOffset(columns, sizeof(int32_t), i)));
}

/// The accumulators of all tiles, those of a unit next to each other, and of
/// each its parts.
SmallVector<Value> ScalableLoops::loadSums(const Block &block,
                                           const Columns &columns) {
  Value zeros = createZeros(sums);
  SmallVector<Value> lines(numTiles * tileRows * columns.count, zeros);
  forEachSum(block.from, block.fromStride, columns,
             [&](int64_t row, int64_t i, Value address) {
               lines[getPlace(columns, row, i)] =
                   load(sums, address, columns.sumsMask);
             });
  SmallVector<Value> result;
  for (ArrayRef<Value> rest = lines; !rest.empty();
       rest = rest.drop_front(tileRows))
    for (Value acc : enter(rest.take_front(tileRows))) {
      result.push_back(acc);
      result.append(columns.parts - 1, zeros);
    }
  return result;
}

void ScalableLoops::storeSums(const Block &block, const Columns &columns,
                              ValueRange acc) {
  SmallVector<Value> lines;
  while (!acc.empty()) {
    SmallVector<Value> unit;
    for (int64_t i = 0; i < tileRows; ++i) {
      Value total = acc.front();
      for (Value part : acc.slice(1, columns.parts - 1))
        total = add(total, part);
      unit.push_back(total);
      acc = acc.drop_front(columns.parts);
    }
    llvm::append_range(lines, leave(unit));
  }
  forEachSum(block.sums, block.sumsStride, columns,
             [&](int64_t row, int64_t i, Value address) {
               store(lines[getPlace(columns, row, i)], address,
                     columns.sumsMask);
             });
}

void ScalableLoops::emitColumns(const Block &block, const Columns &columns) {
  Value depthMask = createMask(bytes, i64(0), depth);
  scf::ForOp sum =
      loop(index(0), block.length, index(depth), loadSums(block, columns));
  OpBuilder::InsertionGuard inner(b);
  b.setInsertionPointToStart(sum.getBody());
  Value k = toI64(sum.getInductionVar());
  SmallVector<SmallVector<Value>> activations =
      loadActivations(block, k, depthMask);
  SmallVector<Value> acc(sum.getRegionIterArgs());
  Value panel = advance(block.rhs, multiply(k, i64(shape.panel)));
  int64_t perTile = columns.count * tileRows;
  for (int64_t step = 0; step < steps; ++step) {
    Value base = advance(panel, i64(step * shape.panel * instruction.step));
    for (int64_t i = 0; i < perTile; ++i) {
      Value w =
          load(weights, advance(base, getOffset(columns, instruction.step, i)),
               columns.weightMasks[i % tileRows]);
      w = vector::BitCastOp::create(b, bytes, w);
      for (int64_t tile = 0; tile < numTiles; ++tile) {
        Value &value =
            acc[(tile * perTile + i) * columns.parts + step % columns.parts];
        value = multiplyAdd(value, w, activations[tile][step], step);
      }
    }
  }
  scf::YieldOp::create(b, acc);
  b.setInsertionPointAfter(sum);
  storeSums(block, columns, sum.getResults());
}

func::FuncOp quantc::buildScalableLoops(ImplicitLocOpBuilder &builder,
                                        const TileInstruction &instruction,
                                        ContractionShape shape, int64_t rows,
                                        StringRef name) {
  if (instruction.form == TileInstruction::Form::ScalableTile)
    return ScalableTileLoops(builder, instruction, shape, rows).build(name);
  return ScalableRowLoops(builder, instruction, shape, rows).build(name);
}
