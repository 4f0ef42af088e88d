//===- ProgramBuilder.h - The program while it is imported ------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_IMPORT_PROGRAMBUILDER_H
#define QUANTC_LIB_IMPORT_PROGRAMBUILDER_H

#include "ElementTypes.h"
#include "ExternalData.h"
#include "SymbolicShape.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace quantc::onnx {

/// Shapes and indices are short; longer integer tensors are data.
inline constexpr int64_t kMaxFoldedElements = 256;

/// A tensor of the graph: an input, an initializer or an output of a node.
struct Tensor {
  ElementType type = ElementType::Undefined;
  Shape shape;
  /// The operation result, null until one is needed (`getValue`).
  mlir::Value value;
  /// The elements, when they are constant.
  mlir::DenseElementsAttr constant;
  /// The elements of a small integer tensor of rank 0 or 1, as far as they
  /// follow from the shapes of the inputs. This is how `Shape` -> `Gather` ->
  /// `Concat` -> `Reshape` is understood.
  std::optional<Shape> elements;
  /// What QuantizeLinear made of unsigned integers: the same less half of their
  /// range, as signed ones.
  mlir::Value shifted;
  /// Of a constant, and of an input of the model.
  std::string name;
  /// Whether it is an input of the model.
  bool isInput = false;

  size_t getRank() const { return shape.size(); }
};

/// The constant `elements`; `name` is its initializer's, or empty.
Tensor createConstant(ElementType type, mlir::DenseElementsAttr elements,
                      llvm::StringRef name = {});

/// What all nodes share: the function that is built and its dynamic sizes.
class ProgramBuilder {
public:
  /// Builds into `block`, the body of the function. External data is beside
  /// `path`; locations call the model `name`.
  ProgramBuilder(mlir::Block *block, mlir::MLIRContext *context,
                 llvm::StringRef path, llvm::StringRef name);

  mlir::MLIRContext *getContext() const { return context; }
  mlir::Block *getBlock() const { return block; }
  mlir::Location getLoc(llvm::StringRef name) const;

  /// The symbol of the dynamic dimension `name`.
  mlir::AffineExpr getSymbol(llvm::StringRef name);
  llvm::ArrayRef<std::string> getSymbolNames() const { return symbolNames; }

  /// The type of `tensor` in the program.
  mlir::RankedTensorType getType(ElementType type,
                                 llvm::ArrayRef<mlir::AffineExpr> shape) const;

  /// The value of `tensor`; makes the constant on first use.
  mlir::Value getValue(Tensor &tensor, mlir::ImplicitLocOpBuilder &b);

  /// `size` as a value of type index, or as an attribute when it is constant.
  mlir::OpFoldResult getSize(mlir::AffineExpr size,
                             mlir::ImplicitLocOpBuilder &b);
  mlir::Value getSizeValue(mlir::AffineExpr size,
                           mlir::ImplicitLocOpBuilder &b);

  /// Records where the size of `symbol` can be read, unless that is known.
  void defineSymbol(mlir::AffineExpr symbol, mlir::Value tensor, int64_t dim);

  ExternalData externalData;

private:
  mlir::Block *block;
  mlir::MLIRContext *context;
  llvm::StringRef modelName;
  llvm::StringMap<unsigned> symbolNumbers;
  llvm::SmallVector<std::string> symbolNames;
  llvm::DenseMap<mlir::AffineExpr, mlir::Value> sizes;
};

/// The small integers in `tensor`, when they are constant or follow from the
/// shapes of the inputs.
std::optional<Shape> getElements(const Tensor &tensor);

/// The integers in `tensor` when all are constant.
std::optional<llvm::SmallVector<int64_t>> getIntegers(const Tensor &tensor);

} // namespace quantc::onnx

#endif // QUANTC_LIB_IMPORT_PROGRAMBUILDER_H
