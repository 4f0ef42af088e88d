//===- ExpandStridedCopies.cpp - Copies without a library -----------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "quantc/Codegen/Passes.h"

using namespace mlir;

namespace quantc {
#define GEN_PASS_DEF_EXPANDSTRIDEDCOPIESPASS
#include "quantc/Codegen/Passes.h.inc"
} // namespace quantc

using namespace quantc;

namespace {
struct ExpandStridedCopies
    : public quantc::impl::ExpandStridedCopiesPassBase<ExpandStridedCopies> {
  void runOnOperation() override {
    getOperation()->walk([](memref::CopyOp copy) {
      auto source = cast<MemRefType>(copy.getSource().getType());
      auto target = cast<MemRefType>(copy.getTarget().getType());
      if (source.getLayout().isIdentity() && target.getLayout().isIdentity())
        return;
      // What was computed in place.
      if (copy.getSource() == copy.getTarget())
        return copy.erase();
      OpBuilder builder(copy);
      linalg::makeMemRefCopyOp(builder, copy.getLoc(), copy.getSource(),
                               copy.getTarget());
      copy.erase();
    });
  }
};
} // namespace
