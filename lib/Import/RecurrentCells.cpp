//===- RecurrentCells.cpp - What a step of LSTM, GRU and RNN computes -----===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"
#include "Recurrent.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::onnx;

/// The columns of gate `index` of `gates`, [B, gates * H].
static Tensor getGate(NodeImporter &node, Tensor &gates, int64_t index,
                      int64_t hidden) {
  return extractPart(node, gates, /*axis=*/1, index * hidden, hidden);
}

namespace {
/// i, o, f, c = gates, with peepholes p:
/// i = f(i + p_i c'), f = f(f + p_f c'), c = f c' + i g(c)
/// h = f(o + p_o c) h(c), where c' is the state before.
class Lstm : public Recurrent {
public:
  explicit Lstm(NodeImporter &node, bool hasIntegerWeights = false)
      : Recurrent(node, 4, hasIntegerWeights) {}

protected:
  State createStep(Direction &direction, Tensor &gates, State &state) override;
  SmallVector<StringRef> getDefaultActivations() override {
    return {"Sigmoid", "Tanh", "Tanh"};
  }
  unsigned getNumStates() const override { return 2; }
  LogicalResult readOthers() override;
};

/// z, r, h = gates: h = g(h + (r h') R^T + b), or g(h + r (h' R^T + b)) with
/// linear_before_reset; (1 - z) h + z h', where h' is the state before.
class Gru : public Recurrent {
public:
  explicit Gru(NodeImporter &node) : Recurrent(node, 3) {}

protected:
  State createStep(Direction &direction, Tensor &gates, State &state) override;
  std::optional<Tensor> getInputBias(Direction &direction) override;
  SmallVector<StringRef> getDefaultActivations() override {
    return {"Sigmoid", "Tanh"};
  }

private:
  Tensor createLinear(Direction &direction, Tensor &gates, Tensor &state);
  Tensor createDefault(Direction &direction, Tensor &gates, Tensor &state);
  bool isLinearBeforeReset() {
    return node.getInt("linear_before_reset", 0) != 0;
  }
};

/// h = f(gates + h' R^T).
class Rnn : public Recurrent {
public:
  explicit Rnn(NodeImporter &node) : Recurrent(node, 1) {}

protected:
  State createStep(Direction &direction, Tensor &gates, State &state) override;
  SmallVector<StringRef> getDefaultActivations() override { return {"Tanh"}; }
};
} // namespace

LogicalResult Lstm::readOthers() {
  if (!node.hasInput(7))
    return success();
  peepholes = node.getInput(7);
  Shape expected = {node.getInput(1).shape[0],
                    node.getConstantSize(3 * hidden)};
  if (peepholes->shape != expected)
    return node.emitError("LSTM with peepholes of shape " +
                          node.toString(peepholes->shape) + "; expects " +
                          node.toString(expected));
  return success();
}

State Lstm::createStep(Direction &direction, Tensor &gates, State &state) {
  Tensor sums =
      add(node, gates, createRecurrence(direction, state[0], 0, numGates));
  Tensor parts[4], peeks[3];
  for (int64_t index = 0; index < 4; ++index)
    parts[index] = getGate(node, sums, index, hidden);
  auto &[input, output, forget, cell] = parts;
  SmallVector<Tensor *> operands = {&input, &forget, &cell, &state[1]};
  SmallVector<Tensor *> outputOperands = {&output, nullptr};
  if (direction.peepholes) {
    for (int64_t index = 0; index < 3; ++index)
      peeks[index] =
          sliceRows(node, *direction.peepholes, index * hidden, hidden);
    operands.append({&peeks[0], &peeks[2]});
    outputOperands.push_back(&peeks[1]);
  }
  ArrayRef<Activation> activations = direction.activations;
  bool isCoupled = node.getInt("input_forget", 0) != 0;
  auto peek = [](ImplicitLocOpBuilder &b, Value gate, Value weight,
                 Value content) -> Value {
    Value seen = arith::MulFOp::create(b, weight, content);
    return arith::AddFOp::create(b, gate, seen);
  };
  Tensor next = createCell(
      operands,
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        Value in = elements[0], keep = elements[1], content = elements[3];
        if (direction.peepholes) {
          in = peek(b, in, elements[4], content);
          keep = peek(b, keep, elements[5], content);
        }
        in = activate(b, activations[0], in);
        if (isCoupled) {
          Value one =
              arith::ConstantOp::create(b, b.getFloatAttr(in.getType(), 1.0));
          keep = arith::SubFOp::create(b, one, in);
        } else {
          keep = activate(b, activations[0], keep);
        }
        Value candidate = activate(b, activations[1], elements[2]);
        return arith::AddFOp::create(b, arith::MulFOp::create(b, keep, content),
                                     arith::MulFOp::create(b, in, candidate));
      });
  outputOperands[1] = &next;
  Tensor result = createCell(
      outputOperands,
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        Value out = elements[0];
        if (direction.peepholes)
          out = peek(b, out, elements[2], elements[1]);
        out = activate(b, activations[0], out);
        // The content is not clipped again.
        return arith::MulFOp::create(b, out,
                                     activations[2].create(b, elements[1]));
      });
  return {result, next};
}

/// With linear_before_reset, the bias of the recurrence is part of its layer.
std::optional<Tensor> Gru::getInputBias(Direction &direction) {
  return isLinearBeforeReset() ? direction.bias
                               : Recurrent::getInputBias(direction);
}

State Gru::createStep(Direction &direction, Tensor &gates, State &state) {
  return {isLinearBeforeReset() ? createLinear(direction, gates, state[0])
                                : createDefault(direction, gates, state[0])};
}

/// (1 - z) h + z h'.
static Value blend(ImplicitLocOpBuilder &b, Value update, Value candidate,
                   Value before) {
  Value one =
      arith::ConstantOp::create(b, b.getFloatAttr(update.getType(), 1.0));
  Value rest = arith::SubFOp::create(b, one, update);
  return arith::AddFOp::create(b, arith::MulFOp::create(b, rest, candidate),
                               arith::MulFOp::create(b, update, before));
}

Tensor Gru::createLinear(Direction &direction, Tensor &gates, Tensor &state) {
  Tensor sums = createRecurrence(direction, state, 0, numGates);
  if (direction.recurrenceBias)
    sums = add(node, sums, *direction.recurrenceBias);
  Tensor parts[6];
  SmallVector<Tensor *> operands = {&state};
  for (int64_t index = 0; index < 6; ++index) {
    parts[index] = getGate(node, index < 3 ? gates : sums, index % 3, hidden);
    operands.push_back(&parts[index]);
  }
  ArrayRef<Activation> activations = direction.activations;
  return createCell(
      operands,
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        ArrayRef<Value> x = elements.slice(1, 3), h = elements.slice(4, 3);
        auto sum = [&](Value lhs, Value rhs) -> Value {
          return arith::AddFOp::create(b, lhs, rhs);
        };
        Value update = activate(b, activations[0], sum(x[0], h[0]));
        Value reset = activate(b, activations[0], sum(x[1], h[1]));
        Value seen = arith::MulFOp::create(b, reset, h[2]);
        Value candidate = activate(b, activations[1], sum(x[2], seen));
        return blend(b, update, candidate, elements[0]);
      });
}

Tensor Gru::createDefault(Direction &direction, Tensor &gates, Tensor &state) {
  Tensor sums = createRecurrence(direction, state, 0, 2);
  Tensor inputUpdate = getGate(node, gates, 0, hidden);
  Tensor inputReset = getGate(node, gates, 1, hidden);
  Tensor inputHidden = getGate(node, gates, 2, hidden);
  Tensor update = getGate(node, sums, 0, hidden);
  Tensor reset = getGate(node, sums, 1, hidden);
  ArrayRef<Activation> activations = direction.activations;
  Tensor *resetOperands[] = {&inputReset, &reset, &state};
  Tensor kept = createCell(
      resetOperands,
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        Value sum = arith::AddFOp::create(b, elements[0], elements[1]);
        return arith::MulFOp::create(b, activate(b, activations[0], sum),
                                     elements[2]);
      });
  Tensor hiddenSums = createRecurrence(direction, kept, 2, 1);
  Tensor *operands[] = {&inputUpdate, &update, &inputHidden, &hiddenSums,
                        &state};
  return createCell(
      operands,
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        Value sum = arith::AddFOp::create(b, elements[0], elements[1]);
        Value weight = activate(b, activations[0], sum);
        Value candidate = arith::AddFOp::create(b, elements[2], elements[3]);
        return blend(b, weight, activate(b, activations[1], candidate),
                     elements[4]);
      });
}

State Rnn::createStep(Direction &direction, Tensor &gates, State &state) {
  Tensor sums = createRecurrence(direction, state[0], 0, numGates);
  Tensor *operands[] = {&gates, &sums};
  return {createCell(
      operands,
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        Value sum = arith::AddFOp::create(b, elements[0], elements[1]);
        return activate(b, direction.activations[0], sum);
      })};
}

/// LSTM with integer weights.
static LogicalResult importDynamicQuantizeLstm(NodeImporter &node) {
  return Lstm(node, /*hasIntegerWeights=*/true).import();
}

template <class Cell>
static LogicalResult importRecurrent(NodeImporter &node) {
  return Cell(node).import();
}

static constexpr OpRow kRows[] = {
    {"GRU", 7, 3, 6, importRecurrent<Gru>},
    {"LSTM", 7, 3, 8, importRecurrent<Lstm>},
    {"RNN", 7, 3, 6, importRecurrent<Rnn>},
};

ArrayRef<OpRow> onnx::getRecurrentOps() { return kRows; }

static constexpr OpRow kMicrosoftRows[] = {
    {"DynamicQuantizeLSTM", 1, 3, 12, importDynamicQuantizeLstm},
};

ArrayRef<OpRow> onnx::getMicrosoftRecurrentOps() { return kMicrosoftRows; }
