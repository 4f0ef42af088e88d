//===- ExtractParameters.cpp - Weights as inputs of the program -----------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/IR/BuiltinAttributes.h"
#include "quantc/Dialect/Quant/IR/ProgramInterface.h"
#include "quantc/Dialect/Quant/Transforms/CalibratedLayer.h"
#include "quantc/Training/Passes.h"
#include "quantc/Training/TrainableParameters.h"

namespace quantc {
#define GEN_PASS_DEF_EXTRACTPARAMETERS
#include "quantc/Training/Passes.h.inc"
} // namespace quantc

using namespace mlir;
using namespace quantc;

namespace {
struct ExtractParameters
    : quantc::impl::ExtractParametersBase<ExtractParameters> {
  void runOnOperation() override {
    FailureOr<func::FuncOp> entry = getEntry(getOperation());
    if (failed(entry))
      return signalPassFailure();
    for (const TrainableParameter &parameter :
         findTrainableParameters(getOperation())) {
      FailureOr<BlockArgument> input =
          addInput(*entry, parameter.name, parameter.getType());
      if (failed(input))
        return signalPassFailure();
      entry->setArgAttr(input->getArgNumber(), kTrainableAttr,
                        UnitAttr::get(&getContext()));
      parameter.replaceBy(*input);
    }
    if (failed(nameSharedInputs(getOperation())))
      signalPassFailure();
  }
};
} // namespace
