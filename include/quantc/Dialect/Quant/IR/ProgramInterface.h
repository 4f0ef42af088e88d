//===- ProgramInterface.h - Inputs and outputs of a program -----*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A program is a module with one public function. Names and symbolic shapes of
// its inputs and outputs are attributes of that function:
//
//   func.func @main(
//       %x: tensor<?x784xf32> {quant.name = "image",
//                              quant.shape = affine_map<(d0) -> (d0, 784)>})
//       -> (tensor<?x10xf32> {quant.name = "logits",
//                             quant.shape = affine_map<(d0) -> (d0, 10)>})
//       attributes {quant.dims = ["batch"]}
//
// Integers are signless in a program; `quant.type` says what those of an input
// or output are to a caller if that is something else, such as `ui8`.
//
// All maps have one dimension for each entry of `quant.dims`. A function
// without these attributes gets the names input0, input1, ..., output0, ...;
// every dynamic dimension of its inputs is a dimension of its own (dim0, ...),
// and every dynamic dimension of an output must be provably one of those.
//
// A program with LoRA adapters (`quant.adapters`, see AdapterLayout.h) has
// three more inputs, the last ones, and two more dimensions, which callers do
// not see:
//
//   %scales: tensor<?xWxf32>  the blocks of all adapters, as f32
//   %values: tensor<?xVxi8>   the same bytes, in the storage type
//   %slots: tensor<?xi32>     which adapter each part of the batch uses
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_DIALECT_QUANT_IR_PROGRAMINTERFACE_H
#define QUANTC_DIALECT_QUANT_IR_PROGRAMINTERFACE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/AffineMap.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "quantc/Dialect/Quant/IR/AdapterLayout.h"

namespace quantc {

/// Names of the attributes.
inline constexpr llvm::StringLiteral kNameAttr = "quant.name";
inline constexpr llvm::StringLiteral kShapeAttr = "quant.shape";
inline constexpr llvm::StringLiteral kDimsAttr = "quant.dims";
/// The element type as callers see it, where it is not that of the tensor.
inline constexpr llvm::StringLiteral kTypeAttr = "quant.type";
/// Marks an input, a parameter, that training changes.
inline constexpr llvm::StringLiteral kTrainableAttr = "quant.trainable";
/// Marks a scale that training changes: the smallest value, an f32, that it may
/// get.
inline constexpr llvm::StringLiteral kMinimumAttr = "quant.minimum";
/// Marks a scale that training changes: the last four bits of its mantissa stay
/// zero (two_level_a2).
inline constexpr llvm::StringLiteral kTwoLevelScaleAttr =
    "quant.two_level_scale";

/// An input or output.
struct Port {
  std::string name;
  mlir::RankedTensorType type;
  /// From the dynamic dimensions of the program to the sizes of this tensor.
  mlir::AffineMap shape;
  /// The type of the elements as callers see them, if it is not that of `type`.
  std::optional<DataType> callerType = std::nullopt;

  /// The type of the elements as callers see them. None if `type` has elements
  /// that host tensors do not have.
  std::optional<DataType> getDataType() const;
};

struct ProgramInterface {
  llvm::SmallVector<Port> inputs;
  llvm::SmallVector<Port> outputs;
  /// The names of the dynamic dimensions.
  llvm::SmallVector<std::string> dims;
  /// Set if the program takes adapters.
  std::optional<AdapterLayout> adapters;

  /// What a caller gives: all but the inputs and dimensions of adapters.
  llvm::ArrayRef<Port> getCallerInputs() const {
    return llvm::ArrayRef(inputs).drop_back(adapters ? kNumAdapterInputs : 0);
  }
  llvm::ArrayRef<std::string> getCallerDims() const {
    return llvm::ArrayRef(dims).drop_back(adapters ? kNumAdapterDims : 0);
  }

  static constexpr size_t kNumAdapterInputs = 3;
  static constexpr size_t kNumAdapterDims = 2;
};

/// The function that `module` is run by: its only public one with a body.
/// Emits an error when there is none or more than one.
mlir::FailureOr<mlir::func::FuncOp> getEntry(mlir::ModuleOp module);

/// Reads the interface of `entry` from its attributes and types. Emits an error
/// for a type that is no ranked tensor and for an output whose size is unknown.
mlir::FailureOr<ProgramInterface> getProgramInterface(mlir::func::FuncOp entry);

/// Writes `interface` to the attributes of `entry`.
void setProgramInterface(mlir::func::FuncOp entry,
                         const ProgramInterface &interface);

/// The attributes of an argument or result that describe `port`.
llvm::SmallVector<mlir::NamedAttribute> getPortAttributes(const Port &port);

/// What attribute `quant.type` of a port says, which may be null. Emits an
/// error if it is no integer type of as many bytes as `type`.
mlir::FailureOr<std::optional<DataType>>
getCallerType(mlir::Attribute attr, mlir::Type elementType, mlir::Location loc);

/// The input or output called `name`; none if there is none.
std::optional<unsigned> findPort(llvm::ArrayRef<Port> ports,
                                 llvm::StringRef name);

/// Adds an input of static shape, the last one. Emits an error if there is one
/// of that name.
mlir::FailureOr<mlir::BlockArgument> addInput(mlir::func::FuncOp entry,
                                              llvm::StringRef name,
                                              mlir::RankedTensorType type);

/// Makes `outputs`, described by `ports`, all that `entry` returns.
void setOutputs(mlir::func::FuncOp entry, mlir::ValueRange outputs,
                llvm::ArrayRef<Port> ports, ProgramInterface interface);

/// A port of static shape in a program of `interface`.
Port getStaticPort(const ProgramInterface &interface, llvm::StringRef name,
                   mlir::RankedTensorType type);

/// Whether `value` is an input that training changes.
bool isTrainable(mlir::Value value);

} // namespace quantc

#endif // QUANTC_DIALECT_QUANT_IR_PROGRAMINTERFACE_H
