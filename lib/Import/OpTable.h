//===- OpTable.h - Which operators can be imported --------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A row says from which opset on a function imports an operator; it holds until
// the next row of the same name. A new operator is one function and one row in
// the file of its family.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_IMPORT_OPTABLE_H
#define QUANTC_LIB_IMPORT_OPTABLE_H

#include "NodeImporter.h"

namespace quantc::onnx {

/// Builds the operations of a node and sets its outputs, or emits an error.
using ImportFunction = mlir::LogicalResult (*)(NodeImporter &node);

/// What a function does with floats of 16 bits.
enum class Halves {
  /// It computes: it gets FLOAT in their place, and those of its outputs that
  /// are FLOAT are rounded to their type.
  Compute,
  /// The same; outputs after the first stay FLOAT.
  ComputeFirst,
  /// It moves them, or has cases for all types.
  Keep
};

struct OpRow {
  llvm::StringLiteral name;
  int64_t sinceOpset;
  /// The first inputs, which must be there, and the most that there can be.
  unsigned minInputs;
  unsigned maxInputs;
  ImportFunction import;
  Halves halves = Halves::Compute;
};

/// For operators with any number of inputs.
inline constexpr unsigned kVariadic = ~0u;

/// The opsets that the rows are right for.
inline constexpr int64_t kMinOpset = 1;
inline constexpr int64_t kMaxOpset = 28;

// The families.
llvm::ArrayRef<OpRow> getActivationOps();
llvm::ArrayRef<OpRow> getAttentionOps();
llvm::ArrayRef<OpRow> getChannelNormalizationOps();
llvm::ArrayRef<OpRow> getConvTransposeOps();
llvm::ArrayRef<OpRow> getConvolutionOps();
llvm::ArrayRef<OpRow> getDataMovementOps();
llvm::ArrayRef<OpRow> getEinsumOps();
llvm::ArrayRef<OpRow> getElementwiseOps();
llvm::ArrayRef<OpRow> getGeneratorOps();
llvm::ArrayRef<OpRow> getGridSampleOps();
llvm::ArrayRef<OpRow> getIndexingOps();
llvm::ArrayRef<OpRow> getIntegerProductOps();
llvm::ArrayRef<OpRow> getLinearOps();
llvm::ArrayRef<OpRow> getLogicOps();
llvm::ArrayRef<OpRow> getLoopOps();
llvm::ArrayRef<OpRow> getNormalizationOps();
llvm::ArrayRef<OpRow> getPadOps();
llvm::ArrayRef<OpRow> getPoolingOps();
llvm::ArrayRef<OpRow> getQOperators();
llvm::ArrayRef<OpRow> getQuantizationOps();
llvm::ArrayRef<OpRow> getRecurrentOps();
llvm::ArrayRef<OpRow> getReductionOps();
llvm::ArrayRef<OpRow> getResizeOps();
llvm::ArrayRef<OpRow> getRotaryOps();
llvm::ArrayRef<OpRow> getScatterOps();
llvm::ArrayRef<OpRow> getSelectionOps();
llvm::ArrayRef<OpRow> getShapeOps();

// Those of com.microsoft, where onnxruntime keeps what the standard does not
// have.
llvm::ArrayRef<OpRow> getMicrosoftBlockedWeightOps();
llvm::ArrayRef<OpRow> getMicrosoftIntegerProductOps();
llvm::ArrayRef<OpRow> getMicrosoftNormalizationOps();
llvm::ArrayRef<OpRow> getMicrosoftQOperators();
llvm::ArrayRef<OpRow> getMicrosoftQuantizationOps();
llvm::ArrayRef<OpRow> getMicrosoftRecurrentOps();

/// Whether `domain` is that of the standard.
bool isStandardDomain(llvm::StringRef domain);

/// The row for operator `name` of `domain` at `opset` of the standard, or null.
const OpRow *findOp(llvm::StringRef domain, llvm::StringRef name,
                    int64_t opset);

/// The outputs of the standard's operator `op` on `inputs`, with the attributes
/// of `node`.
mlir::FailureOr<llvm::SmallVector<Tensor>>
importAs(NodeImporter &node, llvm::StringRef op,
         llvm::ArrayRef<Tensor *> inputs, unsigned numOutputs = 1);

} // namespace quantc::onnx

#endif // QUANTC_LIB_IMPORT_OPTABLE_H
