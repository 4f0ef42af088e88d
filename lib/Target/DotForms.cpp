//===- DotForms.cpp - How dot instructions are called ---------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Target/DotForms.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "quantc/Target/DotInstructions.h"

using namespace mlir;
using namespace quantc;

namespace {
/// Builds one instruction of a row of the table.
class DotBuilder {
public:
  DotBuilder(OpBuilder &builder, Location loc,
             const DotInstruction &instruction)
      : builder(builder), loc(loc), instruction(instruction) {
    instruction.intrinsics.split(intrinsics, ',');
  }

  Value emitTile(Value acc, Value lhs, Value rhs);
  Value emitQuad(Value acc, Value lhs, Value rhs, bool areSwapped);
  Value emitScalableQuad(Value acc, Value lhs, Value rhs);
  Value emitPair(Value acc, Value lhs, Value rhs);
  Value emitSignedPair(Value acc, Value lhs, Value rhs);
  Value emitOneStep(Value acc, Value lhs, Value rhs, bool areSwapped);
  Value emitProducts(Value sums, Value lhs, Value rhs, bool areSwapped);
  Value emitPairSums(Value acc, Value sums);
  Value emitScalar(Value acc, Value lhs, Value rhs);

private:
  VectorType getType(int64_t size, unsigned width) {
    return VectorType::get({size}, builder.getIntegerType(width));
  }
  /// Calls the next intrinsic of the row.
  Value call(Type result, ValueRange operands) {
    return callIntrinsic(intrinsics[next++], result, operands);
  }
  Value callIntrinsic(StringRef name, Type result, ValueRange operands) {
    return LLVM::CallIntrinsicOp::create(builder, loc, result,
                                         builder.getStringAttr(name), operands)
        .getResult(0);
  }
  Value add(Value a, Value b) {
    return arith::AddIOp::create(builder, loc, a, b);
  }
  /// Sign-extends elements to `width` bits, if they have fewer.
  Value extend(Value value, unsigned width) {
    auto type = cast<VectorType>(value.getType());
    if (type.getElementTypeBitWidth() == width)
      return value;
    return arith::ExtSIOp::create(
        builder, loc, type.clone(builder.getIntegerType(width)), value);
  }
  /// Repeats `value` for each column.
  Value repeat(Value value) {
    auto type = cast<VectorType>(value.getType());
    unsigned width = type.getElementTypeBitWidth();
    Value word = vector::BitCastOp::create(
        builder, loc, getType(1, type.getNumElements() * width), value);
    Value scalar = vector::ExtractOp::create(builder, loc, word, 0);
    Value all = vector::BroadcastOp::create(
        builder, loc,
        getType(instruction.columns, type.getNumElements() * width), scalar);
    return vector::BitCastOp::create(
        builder, loc,
        getType(instruction.columns * type.getNumElements(), width), all);
  }

  Value multiplyPairs(Value bytes, Value signedBytes);

  /// A register of unknown length that begins with `value`.
  Value widen(Value value) {
    auto type = cast<VectorType>(value.getType());
    auto scalable = VectorType::get(type.getShape(), type.getElementType(),
                                    /*scalableDims=*/{true});
    Value any = LLVM::PoisonOp::create(builder, loc, scalable);
    return vector::ScalableInsertOp::create(builder, loc, value, any, 0);
  }

  OpBuilder &builder;
  Location loc;
  const DotInstruction &instruction;
  SmallVector<StringRef> intrinsics;
  unsigned next = 0;
};
} // namespace

Value DotBuilder::emitTile(Value acc, Value lhs, Value rhs) {
  return call(acc.getType(), {acc, lhs, rhs});
}

/// Where both sides have a sign, what is repeated comes last: `sdot` takes a
/// part of that register and repeats it by itself.
Value DotBuilder::emitQuad(Value acc, Value lhs, Value rhs, bool areSwapped) {
  Value all = repeat(lhs);
  if (areSwapped || instruction.lhs == instruction.rhs)
    std::swap(all, rhs);
  return call(acc.getType(), {acc, all, rhs});
}

/// A vector of 128 bits is the beginning of a register: nothing is moved.
Value DotBuilder::emitScalableQuad(Value acc, Value lhs, Value rhs) {
  Value start = widen(acc);
  Value sums = call(start.getType(), {start, widen(repeat(lhs)), widen(rhs)});
  return vector::ScalableExtractOp::create(builder, loc, acc.getType(), sums,
                                           0);
}

/// The sum of two products is at most 2 * 128 * 128 and fits i32, whether the
/// bytes are extended here or were before.
Value DotBuilder::emitPair(Value acc, Value lhs, Value rhs) {
  return add(acc,
             call(acc.getType(), {repeat(extend(lhs, 16)), extend(rhs, 16)}));
}

/// The products of unsigned and signed bytes, the sums of two of which fit i16.
Value DotBuilder::multiplyPairs(Value bytes, Value signedBytes) {
  VectorType words =
      getType(cast<VectorType>(signedBytes.getType()).getNumElements() / 2, 16);
  return call(words, {bytes, signedBytes});
}

/// `acc` and the sums of two elements of `sums`, i16.
Value DotBuilder::emitPairSums(Value acc, Value sums) {
  if (instruction.form == DotInstruction::Form::Widen)
    return add(acc, callIntrinsic(intrinsics.back(), acc.getType(), sums));
  auto words = cast<VectorType>(sums.getType());
  Value ones = arith::ConstantOp::create(
      builder, loc,
      DenseElementsAttr::get(words, builder.getI16IntegerAttr(1)));
  return add(acc,
             callIntrinsic(intrinsics.back(), acc.getType(), {sums, ones}));
}

/// |a| is at most 128, an unsigned byte; sign(w, a) is w, 0 or -w, which fits
/// i8 unless w is -128. The sum of two products is at most 2 * 128 * 127 =
/// 32512 and fits i16: nothing saturates.
Value DotBuilder::emitSignedPair(Value acc, Value lhs, Value rhs) {
  Value all = repeat(lhs);
  Value signedWeights = call(rhs.getType(), {rhs, all});
  // abs(-128) wraps to the byte 128.
  Value magnitudes = math::AbsIOp::create(builder, loc, all);
  return emitPairSums(acc, multiplyPairs(magnitudes, signedWeights));
}

/// Of bytes without sign, the sum of two products is at most 2 * 255 * 64 =
/// 32640 and fits i16, and so do n of them where weights are n times as small;
/// that of activations and nibbles, which are the unsigned ones then, is at
/// most 2 * 128 * 15. Of bytes with sign, a product is at most 128 * 128.
Value DotBuilder::emitProducts(Value sums, Value lhs, Value rhs,
                               bool areSwapped) {
  Value all = repeat(lhs);
  if (areSwapped)
    std::swap(all, rhs);
  Value products =
      instruction.form == DotInstruction::Form::Widen
          ? call(getType(cast<VectorType>(rhs.getType()).getNumElements(), 16),
                 {all, rhs})
          : multiplyPairs(all, rhs);
  return sums ? add(sums, products) : products;
}

Value DotBuilder::emitOneStep(Value acc, Value lhs, Value rhs,
                              bool areSwapped) {
  return emitPairSums(acc, emitProducts(Value(), lhs, rhs, areSwapped));
}

Value DotBuilder::emitScalar(Value acc, Value lhs, Value rhs) {
  return add(acc, arith::MulIOp::create(builder, loc, extend(lhs, 32),
                                        extend(rhs, 32)));
}

Value quantc::emitDotInstruction(OpBuilder &builder, Location loc,
                                 const DotInstruction &instruction, Value acc,
                                 Value lhs, Value rhs, bool areSwapped) {
  DotBuilder dot(builder, loc, instruction);
  switch (instruction.form) {
  case DotInstruction::Form::Tile:
    return dot.emitTile(acc, lhs, rhs);
  case DotInstruction::Form::Quad:
    return dot.emitQuad(acc, lhs, rhs, areSwapped);
  case DotInstruction::Form::ScalableQuad:
    return dot.emitScalableQuad(acc, lhs, rhs);
  case DotInstruction::Form::Pair:
    return dot.emitPair(acc, lhs, rhs);
  case DotInstruction::Form::SignedPair:
    return dot.emitSignedPair(acc, lhs, rhs);
  case DotInstruction::Form::UnsignedPair:
  case DotInstruction::Form::Widen:
    return dot.emitOneStep(acc, lhs, rhs, areSwapped);
  case DotInstruction::Form::Scalar:
    return dot.emitScalar(acc, lhs, rhs);
  }
  llvm_unreachable("covered switch");
}

Value quantc::emitSummedStep(OpBuilder &builder, Location loc,
                             const DotInstruction &instruction, Value sums,
                             Value lhs, Value rhs, bool areSwapped) {
  return DotBuilder(builder, loc, instruction)
      .emitProducts(sums, lhs, rhs, areSwapped);
}

Value quantc::emitSummedSteps(OpBuilder &builder, Location loc,
                              const DotInstruction &instruction, Value acc,
                              Value sums) {
  return DotBuilder(builder, loc, instruction).emitPairSums(acc, sums);
}
