//===- Translation.cpp - quant-translate --interpret ----------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Tools/mlir-translate/Translation.h"
#include "quantc/Dialect/Quant/IR/ProgramInterface.h"
#include "quantc/InitAll.h"
#include "quantc/Reference/Interpreter.h"
#include "quantc/Support/NumpyFile.h"
#include "quantc/Support/TensorAttribute.h"
#include "llvm/Support/CommandLine.h"

using namespace mlir;
using namespace quantc;

/// The inputs in the order of the program: by name from an archive, by position
/// from the others.
static FailureOr<std::vector<HostTensor>>
readInputs(func::FuncOp entry, const ProgramInterface &interface,
           ArrayRef<std::string> paths) {
  std::vector<HostTensor> inputs;
  for (const std::string &path : paths) {
    llvm::Expected<std::vector<NamedTensor>> file = readNumpyFile(path);
    if (!file)
      return emitError(UnknownLoc::get(entry.getContext()))
             << llvm::toString(file.takeError());
    bool isArray = file->size() == 1 && file->front().first.empty();
    if (isArray) {
      inputs.push_back(std::move(file->front().second));
      continue;
    }
    for (const Port &port : interface.inputs) {
      auto it = llvm::find_if(*file, [&](const NamedTensor &tensor) {
        return tensor.first == port.name;
      });
      if (it == file->end())
        return emitError(UnknownLoc::get(entry.getContext()))
               << path << ": expects an array '" << port.name << "'";
      inputs.push_back(it->second);
    }
  }
  return inputs;
}

static LogicalResult interpretAndPrint(ModuleOp module, raw_ostream &os,
                                       ArrayRef<std::string> inputPaths,
                                       StringRef outputPrefix) {
  FailureOr<func::FuncOp> entry = getEntry(module);
  if (failed(entry))
    return failure();
  FailureOr<ProgramInterface> interface = getProgramInterface(*entry);
  if (failed(interface))
    return failure();
  FailureOr<std::vector<HostTensor>> inputs =
      readInputs(*entry, *interface, inputPaths);
  if (failed(inputs))
    return failure();
  FailureOr<std::vector<HostTensor>> outputs = interpret(module, *inputs);
  if (failed(outputs))
    return failure();
  for (auto [port, tensor] : llvm::zip_equal(interface->outputs, *outputs)) {
    if (outputPrefix.empty()) {
      os << port.name << " = " << getElementsAttr(module.getContext(), tensor)
         << "\n";
      continue;
    }
    // Names of models may be paths.
    std::string name = port.name;
    std::replace_if(
        name.begin(), name.end(), [](char c) { return !llvm::isAlnum(c); },
        '_');
    std::string path = (outputPrefix + name + ".npy").str();
    if (llvm::Error error = writeNumpyFile(path, tensor))
      return emitError(UnknownLoc::get(module.getContext()))
             << path << ": " << llvm::toString(std::move(error));
  }
  return success();
}

void quantc::registerInterpretTranslation() {
  static llvm::cl::list<std::string> inputs(
      "inputs", llvm::cl::CommaSeparated, llvm::cl::value_desc("files"),
      llvm::cl::desc("The inputs of --interpret: a .npy file for each, or one "
                     ".npz file that names them"));
  static llvm::cl::opt<std::string> outputs(
      "outputs", llvm::cl::value_desc("prefix"),
      llvm::cl::desc("Where --interpret saves its outputs, as "
                     "<prefix><name>.npy; without, it prints them"));
  static TranslateFromMLIRRegistration registration(
      "interpret", "run a program in the reference interpreter",
      [](ModuleOp module, raw_ostream &os) {
        return interpretAndPrint(module, os, inputs, outputs);
      },
      registerAllDialects);
}
