//===- ProgramMetadata.h - What a compiled program says of itself -*- C++ -*-=//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The JSON in the symbol `<name>_metadata` of every object, so that a shared
// library can be loaded with nothing beside it. The C header is printed from
// the same data.
//
//   {"abi_version": 2, "name": "mlp", "dims": ["batch"],
//    "inputs": [{"name": "image", "dtype": "float32",
//                "shape": ["batch", 784]}],
//    "outputs": [{"name": "logits", "dtype": "float32",
//                 "shape": ["batch", 10]}],
//    "target": {"triple": "x86_64-unknown-linux-gnu", "cpu": "x86-64-v3",
//               "features": ["+avx", "+avx2"]},
//    "threads": 1}
//
// A size is a number, the name of a dynamic dimension, or an operation on two
// sizes such as ["+", ["*", "batch", 2], 1]. A program that takes LoRA adapters
// has also
//
//    "adapters": {"dtype": "float32", "max_rank": 16,
//                 "layers": [{"name": "fc1", "inputs": 784, "outputs": 128}]}
//
// and one whose constants are in a file of their own (Parameters.h)
//
//    "parameters": {"bytes": 100663296, "checksum": "2d06800538d394c2"}
//
// and an object for several targets, the last of which is "target",
//
//    "variants": [{"triple": ..., "cpu": "x86-64-v4", "features": [...]}, ...]
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_TARGET_PROGRAMMETADATA_H
#define QUANTC_TARGET_PROGRAMMETADATA_H

#include "quantc/Dialect/Quant/IR/ProgramInterface.h"
#include "quantc/Support/HostTensor.h"
#include "quantc/Target/Parameters.h"
#include "quantc/Target/TargetSpec.h"
#include "llvm/Support/Error.h"

namespace llvm::json {
class Value;
} // namespace llvm::json

namespace quantc {

/// The layout of the argument struct and the meaning of the error codes.
inline constexpr int64_t kAbiVersion = 2;

/// A size as an expression over the dynamic dimensions of a program.
class SizeExpr {
public:
  enum class Kind { Constant, Dim, Add, Mul, FloorDiv, CeilDiv, Mod };

  static SizeExpr constant(int64_t value) {
    return {Kind::Constant, value, {}};
  }
  static SizeExpr dim(int64_t index) { return {Kind::Dim, index, {}}; }
  static SizeExpr binary(Kind kind, SizeExpr lhs, SizeExpr rhs) {
    return {kind, 0, {std::move(lhs), std::move(rhs)}};
  }
  static SizeExpr fromAffine(mlir::AffineExpr expr);

  /// The index of the dimension that this is, if it is just that.
  std::optional<size_t> getDim() const;

  /// The size, if it does not depend on a dimension.
  std::optional<int64_t> getConstant() const;

  int64_t evaluate(llvm::ArrayRef<int64_t> dims) const;

  /// As C, or as a person would write it.
  std::string str(llvm::ArrayRef<std::string> dims) const;

  llvm::json::Value toJson(llvm::ArrayRef<std::string> dims) const;
  static llvm::Expected<SizeExpr> fromJson(const llvm::json::Value &json,
                                           llvm::ArrayRef<std::string> dims);

private:
  SizeExpr(Kind kind, int64_t value, std::vector<SizeExpr> operands)
      : kind(kind), value(value), operands(std::move(operands)) {}

  Kind kind;
  int64_t value;
  std::vector<SizeExpr> operands;
};

/// An input or output.
struct PortMetadata {
  std::string name;
  DataType type;
  std::vector<SizeExpr> shape;
};

/// A dense, row-major tensor in memory of someone else.
struct TensorView {
  DataType type;
  llvm::ArrayRef<int64_t> shape;
  const void *data;
};

struct ProgramMetadata {
  std::string name;
  std::vector<std::string> dims;
  std::vector<PortMetadata> inputs;
  std::vector<PortMetadata> outputs;
  /// What the machine must have at least.
  TargetSpec target;
  std::optional<AdapterLayout> adapters;
  std::optional<ParametersInfo> parameters;
  /// The most threads that a call uses.
  int64_t threads = 1;
  /// The targets of an object of several, best first and `target` last;
  /// otherwise empty.
  std::vector<TargetSpec> variants;

  /// The rows of a batch: the first size of the first input, 1 without any.
  int64_t getNumRows(llvm::ArrayRef<int64_t> sizes) const;

  /// The dynamic dimensions that inputs of these types and shapes mean. Fails
  /// if the inputs do not fit the program or each other.
  llvm::Expected<llvm::SmallVector<int64_t>>
  getDims(llvm::ArrayRef<TensorView> tensors) const;

  /// The shape of output `index`.
  llvm::SmallVector<int64_t>
  getOutputShape(size_t index, llvm::ArrayRef<int64_t> sizes) const;

  std::string toJson() const;
  static llvm::Expected<ProgramMetadata> fromJson(llvm::StringRef text);
};

/// The metadata of the program `name` with `interface`, whose element types
/// are those that `quant-bind-interface` accepts.
ProgramMetadata getProgramMetadata(const ProgramInterface &interface,
                                   llvm::StringRef name,
                                   const TargetSpec &target, int64_t threads);

/// The name of `type` in NumPy, such as "float32".
llvm::StringRef getNumpyName(DataType type);

} // namespace quantc

#endif // QUANTC_TARGET_PROGRAMMETADATA_H
