//===- Recurrent.h - LSTM, GRU and RNN --------------------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the inputs of all steps add to the gates is one linear layer, called as
// the node; a loop over the steps has another for the state, called
// "<node>.recurrence":
//
//   x[t, b, :] = X[t, b, :] W^T + Wb + Rb
//   for t: (h, c) = cell(x[t] + h R^T, h, c);  Y[t] = h
//
// A direction that goes backwards counts t down; its layers are called
// "<node>.reverse" and "<node>.reverse.recurrence" if there is another one. A
// GRU that resets the state before the layer has another one for its last gate,
// "<node>.recurrence.hidden".
//
// With integer weights, [I, gates * H] and [H, gates * H], which have a scale
// and a zero point for each direction or for each of its columns, the other
// operand of each layer is quantized as a whole, by its own range
// (DynamicQuantizeLinear).
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_IMPORT_RECURRENT_H
#define QUANTC_LIB_IMPORT_RECURRENT_H

#include "Builders.h"
#include "RecurrentActivations.h"

namespace quantc::onnx {

/// What one direction has of the inputs of a node, without the dimension for
/// directions.
struct Direction {
  int64_t index;
  bool isReverse;
  /// Of the names of its layers.
  std::string suffix;
  llvm::SmallVector<Activation> activations;
  /// [gates * H, I] and [gates * H, H]; transposed if they were integers.
  Tensor weight, recurrence;
  /// [gates * H] each; none without.
  std::optional<Tensor> bias, recurrenceBias;
  /// [3 * H], for the input, output and forget gate; none without.
  std::optional<Tensor> peepholes;
};

/// What a step hands to the next one: h, and c of an LSTM, both [B, H].
using State = llvm::SmallVector<Tensor, 2>;

class Recurrent {
public:
  Recurrent(NodeImporter &node, int64_t numGates,
            bool hasIntegerWeights = false)
      : node(node), numGates(numGates), hasIntegerWeights(hasIntegerWeights) {}
  virtual ~Recurrent() = default;

  mlir::LogicalResult import();

protected:
  /// The state after a step, from what its input adds to the gates and the
  /// state before.
  virtual State createStep(Direction &direction, Tensor &gates,
                           State &state) = 0;
  /// What of the biases does not depend on the state: all of both.
  virtual std::optional<Tensor> getInputBias(Direction &direction);
  virtual llvm::SmallVector<llvm::StringRef> getDefaultActivations() = 0;
  /// Inputs that other cells do not have.
  virtual mlir::LogicalResult readOthers() { return mlir::success(); }
  virtual unsigned getNumStates() const { return 1; }

  /// `input` [rows, K] times `weight` of a direction, a layer called as the
  /// node with `suffix`.
  Tensor createLayer(Tensor input, Tensor &weight, const llvm::Twine &suffix);
  /// h times the rows of the recurrence from gate `first` on.
  Tensor createRecurrence(Direction &direction, Tensor &state, int64_t first,
                          int64_t count);
  /// A generic over [B, H].
  Tensor createCell(llvm::ArrayRef<Tensor *> tensors, ElementBody body);
  /// The input of an activation, clipped, and the activation.
  mlir::Value activate(mlir::ImplicitLocOpBuilder &b,
                       const Activation &activation, mlir::Value value);

  NodeImporter &node;
  int64_t numGates;
  /// Inputs 8 to 11 are scale and zero point of the weight and the recurrence.
  bool hasIntegerWeights;
  int64_t hidden = 0;
  std::optional<float> clip;
  /// [D, B, H], the initial states; none for 0.
  llvm::SmallVector<std::optional<Tensor>, 2> initial;
  std::optional<Tensor> peepholes;

private:
  mlir::LogicalResult readTypes();
  mlir::LogicalResult readShapes();
  mlir::LogicalResult readDirections();
  mlir::FailureOr<std::optional<Tensor>> readState(unsigned index);
  /// The part of `input`, 1 or 2, that belongs to a direction, in float.
  mlir::FailureOr<Tensor> getWeight(unsigned input, int64_t direction);
  mlir::FailureOr<Direction> getDirection(int64_t index, bool isReverse);
  /// `input` quantized by its own range, and dequantized.
  Tensor createQuantized(Tensor &input);
  Tensor createInputGates(Direction &direction);
  State createInitialState(int64_t index);
  /// Runs all steps; `sequence` is Y, null if nothing reads it.
  State runSteps(Direction &direction, mlir::Value &sequence);
  mlir::Value selectActive(Tensor &active, Tensor *inactive, mlir::Value time);
  mlir::LogicalResult setOutputs(llvm::ArrayRef<State> states,
                                 mlir::Value sequence);

  ElementType type = ElementType::Undefined;
  bool isBatchFirst = false;
  /// [T, B, I].
  Tensor input;
  mlir::AffineExpr numSteps, batch;
  std::optional<Tensor> lengths;
  llvm::SmallVector<Direction, 2> directions;
};

/// The rows `offset` to `offset + size` of `tensor`; stays constant.
Tensor sliceRows(NodeImporter &node, Tensor &tensor, int64_t offset,
                 int64_t size);

/// `lhs` + `rhs`, of which the latter may be broadcast along the first
/// dimension; constants of one shape stay constant.
Tensor add(NodeImporter &node, Tensor lhs, Tensor rhs);

} // namespace quantc::onnx

#endif // QUANTC_LIB_IMPORT_RECURRENT_H
