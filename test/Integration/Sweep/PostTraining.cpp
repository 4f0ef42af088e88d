//===- PostTraining.cpp - Random networks, quantized ----------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PostTraining.h"

#include "Adapters.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "quantc/Calibration/CalibrationTable.h"
#include "quantc/Dialect/Quant/IR/ProgramInterface.h"
#include "quantc/Pipelines/Quantization.h"
#include "quantc/Reference/Interpreter.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::sweep;

using BuildPipeline = void (*)(OpPassManager &, const QuantizationOptions &);

static FailureOr<OwningOpRef<ModuleOp>>
transform(MLIRContext *context, const FloatProgram &source,
          const std::string &calibration, BuildPipeline build) {
  auto module = parseSourceString<ModuleOp>(source.program.text, context);
  QuantizationOptions options;
  if (!module || failed(options.parseFromString(source.options)))
    return failure();
  options.calibration = calibration;
  PassManager pm(context);
  build(pm, options);
  if (failed(pm.run(*module)))
    return failure();
  return module;
}

/// Runs the calibration program of `source` and writes its statistics.
static LogicalResult calibrate(MLIRContext *context, const FloatProgram &source,
                               StringRef path) {
  auto module = transform(context, source, "", buildCalibrationPipeline);
  if (failed(module))
    return failure();
  FailureOr<func::FuncOp> entry = getEntry(**module);
  if (failed(entry))
    return failure();
  FailureOr<ProgramInterface> interface = getProgramInterface(*entry);
  const std::vector<HostTensor> &inputs = source.program.calls.front();
  auto outputs = interpret(**module, inputs);
  if (failed(interface) || failed(outputs))
    return failure();
  std::vector<std::string> names;
  for (const Port &port : interface->outputs)
    names.push_back(port.name);
  CalibrationTable table;
  llvm::Error error = table.addRun(names, *outputs, inputs.front().shape[0]);
  if (!error)
    error = table.write(path);
  if (error)
    return emitError(UnknownLoc::get(context),
                     llvm::toString(std::move(error)));
  return success();
}

FailureOr<RandomProgram> sweep::quantize(MLIRContext *context,
                                         const FloatProgram &source,
                                         StringRef folder) {
  std::string path;
  if (source.options.find("mode=static") != std::string::npos) {
    path = (folder + "/calibration.json").str();
    if (failed(calibrate(context, source, path)))
      return failure();
  }
  auto module = transform(context, source, path, buildPtqPipeline);
  if (failed(module))
    return failure();
  RandomProgram result = source.program;
  if (source.adapterSeed) {
    FailureOr<AdapterBlocks> blocks = insertAdapters(
        **module, result.calls.front().front().shape[0], *source.adapterSeed);
    if (failed(blocks))
      return failure();
    result.adapters = std::move(*blocks);
  }
  result.text.clear();
  llvm::raw_string_ostream os(result.text);
  (*module)->print(os);
  return result;
}
