//===- ExternalizeConstants.cpp - Constants to the caller's memory --------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Codegen/BoundProgram.h"
#include "quantc/Codegen/Passes.h"
#include "quantc/Target/EntryAbi.h"
#include "quantc/Target/Parameters.h"
#include "llvm/Support/MathExtras.h"

namespace quantc {
#define GEN_PASS_DEF_EXTERNALIZECONSTANTSPASS
#include "quantc/Codegen/Passes.h.inc"
} // namespace quantc

using namespace mlir;
using namespace quantc;

/// Buffers below this stay in the program: a page holds them all, and LLVM may
/// use what it knows of them.
static constexpr int64_t kMinBytes = 4096;

/// What `global` holds, if it can lie in a block of bytes; null otherwise.
static DenseElementsAttr getElements(memref::GlobalOp global) {
  MemRefType type = global.getType();
  auto value = dyn_cast_or_null<DenseElementsAttr>(
      global.getInitialValue().value_or(Attribute()));
  bool isBytes = type.getElementType().isIntOrFloat() &&
                 type.getElementTypeBitWidth() % 8 == 0;
  if (!global.getConstant() || !isBytes || !type.getLayout().isIdentity() ||
      getParameterBytes(type) < kMinBytes)
    return {};
  return value;
}

namespace {
struct ExternalizeConstants
    : quantc::impl::ExternalizeConstantsPassBase<ExternalizeConstants> {
  using ExternalizeConstantsPassBase::ExternalizeConstantsPassBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    FailureOr<func::FuncOp> program = requireBoundProgram(module);
    if (failed(program))
      return signalPassFailure();
    int64_t total = 0;
    SmallVector<memref::GlobalOp> large;
    for (auto global : module.getOps<memref::GlobalOp>())
      if (global.getConstant()) {
        total += getParameterBytes(global.getType());
        if (getElements(global))
          large.push_back(global);
      }
    if (total > maxBytes && !large.empty() &&
        failed(externalize(*program, large)))
      signalPassFailure();
  }

  LogicalResult externalize(func::FuncOp program,
                            ArrayRef<memref::GlobalOp> globals) {
    OpBuilder builder(program.getContext());
    llvm::StringMap<int64_t> offsets;
    SmallVector<Attribute> elements;
    int64_t bytes = 0;
    for (memref::GlobalOp global : globals) {
      offsets[global.getSymName()] = bytes;
      bytes = getParameterEnd(bytes, global.getType());
      elements.push_back(getElements(global));
    }
    getOperation()->setAttr(kParametersAttr, builder.getArrayAttr(elements));

    unsigned index = program.getNumArguments();
    auto type = MemRefType::get({bytes}, builder.getIntegerType(8));
    auto attrs = builder.getDictionaryAttr(
        builder.getNamedAttr(kParametersAttr, builder.getUnitAttr()));
    if (failed(program.insertArgument(index, type, attrs, program.getLoc())))
      return failure();
    program.walk([&](memref::GetGlobalOp op) {
      auto offset = offsets.find(op.getName());
      if (offset == offsets.end())
        return;
      builder.setInsertionPoint(op);
      Value start =
          arith::ConstantIndexOp::create(builder, op.getLoc(), offset->second);
      op.replaceAllUsesWith(
          memref::ViewOp::create(builder, op.getLoc(), op.getType(),
                                 program.getArgument(index), start,
                                 /*sizes=*/ValueRange())
              .getResult());
      op.erase();
    });
    for (memref::GlobalOp global : globals)
      global.erase();
    return success();
  }
};
} // namespace
