//===- OpTable.cpp - Which operators can be imported ----------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"

using namespace quantc::onnx;

const OpRow *quantc::onnx::findOp(llvm::StringRef name, int64_t opset) {
  const OpRow *best = nullptr;
  for (llvm::ArrayRef<OpRow> family :
       {getActivationOps(), getAttentionOps(), getConvolutionOps(),
        getDataMovementOps(), getEinsumOps(), getElementwiseOps(),
        getGeneratorOps(), getIndexingOps(), getLinearOps(), getLogicOps(),
        getNormalizationOps(), getQuantizationOps(), getRecurrentOps(),
        getReductionOps(), getRotaryOps(), getScatterOps(), getSelectionOps(),
        getShapeOps()})
    for (const OpRow &row : family)
      if (row.name == name && row.sinceOpset <= opset &&
          (!best || best->sinceOpset < row.sinceOpset))
        best = &row;
  return best;
}
