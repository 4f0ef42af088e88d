//===- ScalableLoops.cpp - Loops on registers of unknown length -----------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A scalable register has `vscale` times 128 bits, which is known when the
// program runs: so is how many registers a panel takes. A block of R rows has
// accumulators for S registers across, and where fewer are left of the panel it
// goes on with half as many:
//
//   column = 0
//   for count in S, S / 2, ..., 1:
//     while the panel has `count` registers from `column` on, and at last while
//     it has any column:
//       acc[R][count] = from
//       for each k, as many as an instruction takes:
//         acc[r][i] += lhs[r, k] * rhs[k, columns of register i]
//       sums = acc
//       column += columns of `count` registers
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

class ScalableLoops : public PanelLoops {
public:
  ScalableLoops(ImplicitLocOpBuilder &builder,
                const TileInstruction &instruction, ContractionShape shape,
                int64_t rows)
      : PanelLoops(builder, instruction, shape), rows(rows),
        sums(getType(instruction.columns, 32)),
        bytes(getType(instruction.columns * instruction.step, 8)) {}

private:
  void emitBlock(const Block &block) override;
  void emitColumns(const Block &block, Value column, int64_t count, Value mask);

  /// A register of `size` elements in each 128 bits.
  VectorType getType(int64_t size, unsigned width) {
    return VectorType::get({size}, b.getIntegerType(width),
                           /*scalableDims=*/{true});
  }
  /// Those of the elements from `first` on that are below `size`.
  Value createMask(VectorType type, Value first, Value size) {
    return LLVM::GetActiveLaneMaskOp::create(b, type.clone(b.getI1Type()),
                                             first, size);
  }
  /// The columns of a register.
  Value getLanes() {
    return multiply(vector::VectorScaleOp::create(b),
                    index(instruction.columns));
  }

  /// 32-bit elements from `address` on, 0 where the mask is not set; null is a
  /// mask that is set everywhere.
  Value load(Value address, Value mask) {
    if (!mask)
      return LLVM::LoadOp::create(b, sums, address, kElementBytes);
    Value zeros = arith::ConstantOp::create(b, b.getZeroAttr(sums));
    return LLVM::MaskedLoadOp::create(b, sums, address, mask, zeros,
                                      kElementBytes);
  }
  void store(Value value, Value address, Value mask) {
    if (mask)
      LLVM::MaskedStoreOp::create(b, value, address, mask, kElementBytes);
    else
      LLVM::StoreOp::create(b, value, address, kElementBytes);
  }
  /// `depth` k of one row, again in each 128 bits of a register.
  Value repeat(Value address, Value mask) {
    return call(0, bytes, {mask, address});
  }
  /// Adds the products of weights and of the `step`-th part of activations.
  Value multiplyAdd(Value acc, Value weights, Value activations, int64_t step) {
    return call(1, sums, {acc, weights, activations, integer(step, 32)});
  }

  /// What a sum has, and what the weights of a column have in a step.
  static constexpr int64_t kElementBytes = 4;

  int64_t rows;
  VectorType sums;
  VectorType bytes;
};

} // namespace

void ScalableLoops::emitBlock(const Block &block) {
  Value lanes = getLanes(), panel = index(shape.panel), column = index(0);
  int64_t across = std::min(instruction.accumulators / instruction.rows,
                            shape.panel / instruction.columns);
  for (int64_t count = llvm::bit_floor<uint64_t>(across); count; count /= 2) {
    Value step = multiply(lanes, index(count)), end = panel, mask;
    if (count > 1) {
      Value whole = arith::DivUIOp::create(b, subtract(panel, column), step);
      end = add(column, multiply(whole, step));
    }
    scf::ForOp columns = loop(column, end, step);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(columns.getBody());
    Value first = columns.getInductionVar();
    if (count == 1)
      mask = createMask(sums, toI64(first), i64(shape.panel));
    emitColumns(block, first, count, mask);
    column = end;
  }
}

/// The columns of `count` registers from `column` on.
void ScalableLoops::emitColumns(const Block &block, Value column, int64_t count,
                                Value mask) {
  Value registerBytes = multiply(toI64(getLanes()), i64(kElementBytes));
  Value first = multiply(toI64(column), i64(kElementBytes));
  SmallVector<Value> offsets;
  for (int64_t i = 0; i < count; ++i)
    offsets.push_back(add(first, multiply(registerBytes, i64(i))));
  auto getRow = [&](Value base, Value stride, int64_t row) {
    return advance(base, multiply(stride, i64(row)));
  };

  // The parts of a sum lie next to each other.
  int64_t parts = std::min(instruction.accumulators / (rows * count),
                           depth / instruction.step);
  Value zeros = arith::ConstantOp::create(b, b.getZeroAttr(sums));
  SmallVector<Value> starts;
  for (int64_t row = 0; row < rows; ++row)
    for (Value offset : offsets) {
      starts.push_back(load(
          advance(getRow(block.from, block.fromStride, row), offset), mask));
      starts.append(parts - 1, zeros);
    }
  Value depthMask = createMask(bytes, i64(0), i64(depth));

  scf::ForOp sum = loop(index(0), block.length, index(depth), starts);
  {
    OpBuilder::InsertionGuard inner(b);
    b.setInsertionPointToStart(sum.getBody());
    Value k = toI64(sum.getInductionVar());
    SmallVector<Value> activations;
    for (int64_t row = 0; row < rows; ++row)
      activations.push_back(repeat(
          advance(getRow(block.lhs, block.lhsStride, row), k), depthMask));
    SmallVector<Value> acc(sum.getRegionIterArgs());
    Value weights = advance(block.rhs, multiply(k, i64(shape.panel)));
    for (int64_t step = 0; step < depth / instruction.step; ++step) {
      Value base = advance(weights, i64(step * shape.panel * instruction.step));
      for (auto [i, offset] : llvm::enumerate(offsets)) {
        Value w = vector::BitCastOp::create(b, bytes,
                                            load(advance(base, offset), mask));
        for (int64_t row = 0; row < rows; ++row) {
          Value &value = acc[(row * count + i) * parts + step % parts];
          value = multiplyAdd(value, w, activations[row], step);
        }
      }
    }
    scf::YieldOp::create(b, acc);
  }
  ValueRange results = sum.getResults();
  for (int64_t row = 0; row < rows; ++row)
    for (Value offset : offsets) {
      Value total = results.front();
      for (Value part : results.slice(1, parts - 1))
        total = add(total, part);
      store(total, advance(getRow(block.sums, block.sumsStride, row), offset),
            mask);
      results = results.drop_front(parts);
    }
}

func::FuncOp quantc::buildScalableLoops(ImplicitLocOpBuilder &builder,
                                        const TileInstruction &instruction,
                                        ContractionShape shape, int64_t rows,
                                        StringRef name) {
  return ScalableLoops(builder, instruction, shape, rows).build(name);
}
