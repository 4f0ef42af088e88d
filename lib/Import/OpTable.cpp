//===- OpTable.cpp - Which operators can be imported ----------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::onnx;

static const OpRow *findOp(ArrayRef<ArrayRef<OpRow>> families, StringRef name,
                           int64_t opset) {
  const OpRow *best = nullptr;
  for (ArrayRef<OpRow> family : families)
    for (const OpRow &row : family)
      if (row.name == name && row.sinceOpset <= opset &&
          (!best || best->sinceOpset < row.sinceOpset))
        best = &row;
  return best;
}

bool onnx::isStandardDomain(StringRef domain) {
  return domain.empty() || domain == "ai.onnx";
}

const OpRow *onnx::findOp(StringRef domain, StringRef name, int64_t opset) {
  if (isStandardDomain(domain))
    return ::findOp({getActivationOps(),
                     getAttentionOps(),
                     getChannelNormalizationOps(),
                     getConvTransposeOps(),
                     getConvolutionOps(),
                     getDataMovementOps(),
                     getEinsumOps(),
                     getElementwiseOps(),
                     getGeneratorOps(),
                     getGridSampleOps(),
                     getIndexingOps(),
                     getIntegerProductOps(),
                     getLinearOps(),
                     getLogicOps(),
                     getLoopOps(),
                     getNormalizationOps(),
                     getPadOps(),
                     getPoolingOps(),
                     getQOperators(),
                     getQuantizationOps(),
                     getRecurrentOps(),
                     getReductionOps(),
                     getResizeOps(),
                     getRotaryOps(),
                     getScatterOps(),
                     getSelectionOps(),
                     getShapeOps()},
                    name, opset);
  if (domain == "com.microsoft")
    return ::findOp({getMicrosoftBlockedWeightOps(),
                     getMicrosoftIntegerProductOps(),
                     getMicrosoftNormalizationOps(), getMicrosoftQOperators(),
                     getMicrosoftQuantizationOps(), getMicrosoftRecurrentOps()},
                    name, opset);
  return nullptr;
}

FailureOr<SmallVector<Tensor>> onnx::importAs(NodeImporter &node, StringRef op,
                                              ArrayRef<Tensor *> inputs,
                                              unsigned numOutputs) {
  const OpRow *row = findOp(/*domain=*/"", op, node.getOpset());
  if (!row)
    return node.emitError(node.getOpType() + " needs " + op + ", which opset " +
                          Twine(node.getOpset()) +
                          " does not have; expects a newer one");
  NodeImporter part(node, inputs, numOutputs);
  if (failed(row->import(part)))
    return failure();
  return llvm::map_to_vector(
      part.getOutputs(),
      [](const std::optional<Tensor> &output) { return *output; });
}
