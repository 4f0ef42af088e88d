//===- PanelLoops.cpp - Functions that multiply rows by a panel -----------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PanelLoops.h"

using namespace mlir;
using namespace quantc;

PanelLoops::PanelLoops(ImplicitLocOpBuilder &builder,
                       const TileInstruction &instruction,
                       ContractionShape shape)
    : b(builder), instruction(instruction), shape(shape),
      depth(instruction.chooseDepth(shape.depth)),
      pointer(LLVM::LLVMPointerType::get(b.getContext())) {
  instruction.intrinsics.split(intrinsics, ',');
  int64_t numBlocks = llvm::divideCeil(shape.depth, instruction.depthBlock);
  blockDepth = llvm::divideCeil(shape.depth / depth, numBlocks) * depth;
}

Value PanelLoops::call(unsigned intrinsic, Type result, ValueRange operands) {
  return LLVM::CallIntrinsicOp::create(
             b, result, b.getStringAttr(intrinsics[intrinsic]), operands)
      .getResult(0);
}

void PanelLoops::call(unsigned intrinsic, ValueRange operands) {
  LLVM::CallIntrinsicOp::create(b, b.getStringAttr(intrinsics[intrinsic]),
                                operands);
}

func::FuncOp PanelLoops::build(StringRef name) {
  Type i64Type = b.getI64Type();
  auto type =
      b.getFunctionType({pointer, i64Type, pointer, pointer, i64Type, pointer,
                         b.getIntegerType(16), b.getIndexType()},
                        {});
  auto func = func::FuncOp::create(b, name, type);
  func.setPrivate();
  // Unrolled loops would need more registers than there are.
  func->setAttr("passthrough", b.getStrArrayAttr({"noinline", "optsize"}));
  func->setAttr("llvm.linkage", LLVM::LinkageAttr::get(
                                    b.getContext(), LLVM::Linkage::Internal));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(func.addEntryBlock());
  Value lhs = func.getArgument(0), rhs = func.getArgument(2);
  Value start = func.getArgument(3), startStride = func.getArgument(4);
  Value sums = func.getArgument(5);
  Value blocks = func.getArgument(7);
  func::ReturnOp::create(b);
  b.setInsertionPoint(func.front().getTerminator());

  Block block;
  block.lhsStride = func.getArgument(1);
  block.rows = func.getArgument(6);
  block.sumsStride = i64(shape.accStride * sizeof(int32_t));
  Value rows = arith::ExtUIOp::create(b, i64Type, block.rows);
  Value total = index(shape.depth);

  scf::ForOp depthBlocks =
      loop(index(0), total, index(blockDepth),
           startBlocks(block.rows, sums, block.sumsStride));
  b.setInsertionPointToStart(depthBlocks.getBody());
  Value begin = depthBlocks.getInductionVar();
  block.length =
      arith::MinUIOp::create(b, subtract(total, begin), index(blockDepth));
  block.rhs = advance(rhs, toI64(multiply(begin, index(shape.panel))));
  Value isFirst =
      arith::CmpIOp::create(b, arith::CmpIPredicate::eq, begin, index(0));
  Value from = arith::SelectOp::create(b, isFirst, start, sums);
  block.fromStride =
      arith::SelectOp::create(b, isFirst, startStride, block.sumsStride);

  scf::ForOp rowBlocks =
      loop(index(0), blocks, index(1), depthBlocks.getRegionIterArgs());
  b.setInsertionPointToStart(rowBlocks.getBody());
  block.index = rowBlocks.getInductionVar();
  Value row = multiply(toI64(block.index), rows);
  block.lhs =
      advance(advance(lhs, toI64(begin)), multiply(row, block.lhsStride));
  block.sums = advance(sums, multiply(row, block.sumsStride));
  block.from = advance(from, multiply(row, block.fromStride));
  SmallVector<Value> carried = emitBlock(block, rowBlocks.getRegionIterArgs());
  if (!carried.empty()) {
    scf::YieldOp::create(b, carried);
    b.setInsertionPointAfter(rowBlocks);
    scf::YieldOp::create(b, rowBlocks.getResults());
  }
  b.setInsertionPointAfter(depthBlocks);
  finishBlocks(block.rows, block.sumsStride, depthBlocks.getResults());
  return func;
}
