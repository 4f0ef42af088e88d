//===- DotInstructions.cpp - What multiplies i8 by i8 ---------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Target/DotInstructions.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "quantc/Target/TargetSpec.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/TargetParser/Triple.h"

using namespace mlir;
using namespace quantc;

//===----------------------------------------------------------------------===//
// Building blocks
//===----------------------------------------------------------------------===//

static Value callIntrinsic(OpBuilder &builder, Location loc, StringRef name,
                           Type result, ValueRange operands) {
  return LLVM::CallIntrinsicOp::create(builder, loc, result,
                                       builder.getStringAttr(name), operands)
      .getResult(0);
}

/// Repeats the elements of `value`, which make up one i32, `count` times.
static Value repeatWord(OpBuilder &builder, Location loc, Value value,
                        int64_t count) {
  auto type = cast<VectorType>(value.getType());
  Type i32 = builder.getI32Type();
  Value word =
      vector::BitCastOp::create(builder, loc, VectorType::get({1}, i32), value);
  Value scalar = vector::ExtractOp::create(builder, loc, word, 0);
  Value all = vector::BroadcastOp::create(
      builder, loc, VectorType::get({count}, i32), scalar);
  auto wide =
      VectorType::get({count * type.getNumElements()}, type.getElementType());
  return vector::BitCastOp::create(builder, loc, wide, all);
}

/// Sign-extends the elements of a vector to `width` bits.
static Value extend(OpBuilder &builder, Location loc, Value value,
                    unsigned width) {
  auto type = cast<VectorType>(value.getType());
  return arith::ExtSIOp::create(
      builder, loc, type.clone(builder.getIntegerType(width)), value);
}

/// Four products each, summed by the instruction: `name(acc, lhs, rhs)`, or
/// `name(acc, rhs, lhs)` where rhs is what the instruction takes first.
static Value emitQuad(OpBuilder &builder, Location loc, StringRef name,
                      const DotInstruction &instruction, Value acc, Value lhs,
                      Value rhs, bool isRhsFirst = false) {
  Value all = repeatWord(builder, loc, lhs, instruction.columns);
  if (isRhsFirst)
    std::swap(all, rhs);
  return callIntrinsic(builder, loc, name, acc.getType(), {acc, all, rhs});
}

/// Two products each, of operands widened to i16: their sum is at most
/// 2 * 128 * 128 and fits i32, so `acc + pmaddwd(lhs, rhs)` is exact.
static Value emitPair(OpBuilder &builder, Location loc, StringRef name,
                      const DotInstruction &instruction, Value acc, Value lhs,
                      Value rhs) {
  Value all = repeatWord(builder, loc, extend(builder, loc, lhs, 16),
                         instruction.columns);
  Value sums = callIntrinsic(builder, loc, name, acc.getType(),
                             {all, extend(builder, loc, rhs, 16)});
  return arith::AddIOp::create(builder, loc, acc, sums);
}

//===----------------------------------------------------------------------===//
// One function for each row of the table
//===----------------------------------------------------------------------===//

static Value emit_avx512vnni_1x16x4_i32_u8_s8(OpBuilder &builder, Location loc,
                                              const DotInstruction &instruction,
                                              Value acc, Value lhs, Value rhs,
                                              bool isRhsUnsigned) {
  return emitQuad(builder, loc, "llvm.x86.avx512.vpdpbusd.512", instruction,
                  acc, lhs, rhs, isRhsUnsigned);
}

static Value emit_avxvnni_1x8x4_i32_u8_s8(OpBuilder &builder, Location loc,
                                          const DotInstruction &instruction,
                                          Value acc, Value lhs, Value rhs,
                                          bool isRhsUnsigned) {
  return emitQuad(builder, loc, "llvm.x86.avx512.vpdpbusd.256", instruction,
                  acc, lhs, rhs, isRhsUnsigned);
}

static Value emit_avx512bw_1x16x2_i32_s8_s8(OpBuilder &builder, Location loc,
                                            const DotInstruction &instruction,
                                            Value acc, Value lhs, Value rhs,
                                            bool) {
  return emitPair(builder, loc, "llvm.x86.avx512.pmaddw.d.512", instruction,
                  acc, lhs, rhs);
}

static Value emit_avx2_1x8x2_i32_s8_s8(OpBuilder &builder, Location loc,
                                       const DotInstruction &instruction,
                                       Value acc, Value lhs, Value rhs, bool) {
  return emitPair(builder, loc, "llvm.x86.avx2.pmadd.wd", instruction, acc, lhs,
                  rhs);
}

static Value emit_sse41_1x4x2_i32_s8_s8(OpBuilder &builder, Location loc,
                                        const DotInstruction &instruction,
                                        Value acc, Value lhs, Value rhs, bool) {
  return emitPair(builder, loc, "llvm.x86.sse2.pmadd.wd", instruction, acc, lhs,
                  rhs);
}

static Value emit_dotprod_1x4x4_i32_s8_s8(OpBuilder &builder, Location loc,
                                          const DotInstruction &instruction,
                                          Value acc, Value lhs, Value rhs,
                                          bool) {
  return emitQuad(builder, loc, "llvm.aarch64.neon.sdot", instruction, acc, lhs,
                  rhs);
}

/// smull, then sadalp: a product is at most 128 * 128 and fits i16; adjacent
/// ones are added in i32.
static Value emit_neon_1x4x2_i32_s8_s8(OpBuilder &builder, Location loc,
                                       const DotInstruction &instruction,
                                       Value acc, Value lhs, Value rhs, bool) {
  auto halves = VectorType::get({2}, builder.getI8Type());
  auto bytes = VectorType::get({8}, builder.getI8Type());
  Value pair = vector::BitCastOp::create(
      builder, loc, VectorType::get({1}, builder.getIntegerType(16)),
      vector::ShapeCastOp::create(builder, loc, halves, lhs));
  Value scalar = vector::ExtractOp::create(builder, loc, pair, 0);
  Value all = vector::BroadcastOp::create(
      builder, loc, VectorType::get({4}, builder.getIntegerType(16)), scalar);
  Value products =
      callIntrinsic(builder, loc, "llvm.aarch64.neon.smull",
                    VectorType::get({8}, builder.getIntegerType(16)),
                    {vector::BitCastOp::create(builder, loc, bytes, all), rhs});
  Value sums = callIntrinsic(builder, loc, "llvm.aarch64.neon.saddlp",
                             acc.getType(), products);
  return arith::AddIOp::create(builder, loc, acc, sums);
}

static Value emit_generic_1x1x1_i32_s8_s8(OpBuilder &builder, Location loc,
                                          const DotInstruction &, Value acc,
                                          Value lhs, Value rhs, bool) {
  Value product =
      arith::MulIOp::create(builder, loc, extend(builder, loc, lhs, 32),
                            extend(builder, loc, rhs, 32));
  return arith::AddIOp::create(builder, loc, acc, product);
}

//===----------------------------------------------------------------------===//
// The table
//===----------------------------------------------------------------------===//

ArrayRef<DotInstruction> quantc::getDotInstructions() {
  static constexpr DotInstruction instructions[] = {
#define QUANTC_DOT_INSTRUCTION(NAME, ARCH, FEATURES, COLUMNS, DEPTH, LHS,      \
                               ACCUMULATORS, PANEL)                            \
  {#NAME,      DotInstruction::Arch::ARCH, FEATURES,     COLUMNS,              \
   DEPTH,      DotInstruction::Lhs::LHS,   ACCUMULATORS, PANEL,                \
   emit_##NAME},
#include "quantc/Target/DotInstructions.def"
  };
  return instructions;
}

static bool isArch(DotInstruction::Arch row, llvm::Triple::ArchType arch) {
  switch (row) {
  case DotInstruction::Arch::Any:
    return true;
  case DotInstruction::Arch::X86:
    return arch == llvm::Triple::x86_64;
  case DotInstruction::Arch::AArch64:
    return arch == llvm::Triple::aarch64;
  }
  llvm_unreachable("covered switch");
}

const DotInstruction &quantc::selectDotInstruction(const TargetSpec &target) {
  llvm::Triple::ArchType arch = llvm::Triple(target.triple).getArch();
  return *llvm::find_if(getDotInstructions(), [&](const DotInstruction &row) {
    return isArch(row.arch, arch) &&
           llvm::all_of(llvm::split(row.features, ','), [&](StringRef feature) {
             return feature.empty() || target.hasFeature(feature);
           });
  });
}

RegisterBlock quantc::chooseBlock(int64_t numColumns, int64_t lanes,
                                  int64_t accumulators, int64_t panel) {
  RegisterBlock best{1, lanes};
  int64_t lowest = INT64_MAX;
  for (int64_t columns = panel; columns >= lanes; columns -= lanes) {
    int64_t registers = columns / lanes;
    int64_t cost = llvm::divideCeil(numColumns, columns) * (registers + 1);
    if (cost >= lowest)
      continue;
    lowest = cost;
    // More than 8 rows gain nothing: the weights are loaded often enough.
    best = {std::clamp<int64_t>(accumulators / registers, 1, 8), columns};
  }
  return best;
}
