//===- Model.h - A program in one of its forms ------------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_PYTHON_MODEL_H
#define QUANTC_PYTHON_MODEL_H

#include "Ports.h"
#include "mlir/IR/OwningOpRef.h"
#include <filesystem>
#include <memory>

namespace quantc::python {

/// A module in the float, simulated or integer form. Never changed once made:
/// passes run on a copy.
class Model {
public:
  Model(std::shared_ptr<mlir::MLIRContext> context,
        mlir::OwningOpRef<mlir::ModuleOp> module, std::string path);

  /// Reads an ONNX model, or MLIR as text or bytecode. `constants` is a dict of
  /// arrays for inputs of an ONNX model that become constants, or None.
  static Model load(const std::filesystem::path &file,
                    nanobind::handle constants);

  /// Reads an ONNX model that errors, and `path` of the result, call `name`.
  static Model importOnnx(const std::filesystem::path &file,
                          const std::string &name, bool foldAffine);

  /// Reads MLIR text; `name` is what errors call it.
  static Model parse(const std::string &text, const std::string &name);

  mlir::MLIRContext *getContext() const { return context.get(); }
  mlir::ModuleOp getModule() const { return module.get(); }
  const std::shared_ptr<mlir::MLIRContext> &getSharedContext() const {
    return context;
  }

  /// The module as MLIR with the locations, which carry the layer names.
  /// Constants of more than `elideLargerThan` elements are left out.
  std::string print(std::optional<int64_t> elideLargerThan) const;

  /// Writes bytecode to a `.mlirbc` file and text to any other.
  void save(const std::filesystem::path &path) const;

  /// The file that it was loaded from.
  const std::string path;
  /// Its inputs and outputs.
  ProgramMetadata metadata;

private:
  /// Declared first: it must outlive the module.
  std::shared_ptr<mlir::MLIRContext> context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

void bindModel(nanobind::module_ &m);

} // namespace quantc::python

#endif // QUANTC_PYTHON_MODEL_H
