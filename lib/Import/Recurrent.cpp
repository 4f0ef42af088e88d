//===- Recurrent.cpp - LSTM, GRU and RNN ----------------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Recurrent.h"

#include "OpTable.h"
#include "QuantizedTensors.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "quantc/Support/Diagnostics.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::onnx;

Tensor onnx::sliceRows(NodeImporter &node, Tensor &tensor, int64_t offset,
                       int64_t size) {
  if (!tensor.constant)
    return extractPart(node, tensor, /*axis=*/0, offset, size);
  auto type = cast<RankedTensorType>(tensor.constant.getType());
  SmallVector<int64_t> shape(type.getShape());
  shape[0] = size;
  RankedTensorType part = type.clone(shape);
  if (tensor.constant.isSplat())
    return createConstant(tensor.type, tensor.constant.resizeSplat(part));
  ArrayRef<char> data = tensor.constant.getRawData();
  int64_t rowBytes = data.size() / type.getDimSize(0);
  return createConstant(
      tensor.type, DenseElementsAttr::getFromRawBuffer(
                       part, data.slice(offset * rowBytes, size * rowBytes)));
}

/// `tensor[index]`; stays constant.
static Tensor getRow(NodeImporter &node, Tensor &tensor, int64_t index) {
  Tensor part = sliceRows(node, tensor, index, 1);
  return reshapeTensor(node, part, ArrayRef(part.shape).drop_front());
}

Tensor onnx::add(NodeImporter &node, Tensor lhs, Tensor rhs) {
  if (lhs.constant && rhs.constant && lhs.shape == rhs.shape) {
    auto addends = rhs.constant.getValues<APFloat>();
    SmallVector<APFloat> sums;
    for (auto [x, y] : llvm::zip(lhs.constant.getValues<APFloat>(), addends))
      sums.push_back(x + y);
    return createConstant(lhs.type,
                          DenseElementsAttr::get(lhs.constant.getType(), sums));
  }
  Tensor *operands[] = {&lhs, &rhs};
  Value sum = createElementwise(
      node, lhs.type, lhs.shape, operands,
      [](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        return arith::AddFOp::create(b, elements[0], elements[1]);
      });
  return makeTensor(lhs.type, lhs.shape, sum);
}

Tensor Recurrent::createQuantized(Tensor &layerInput) {
  // Types and shapes have been checked, so nothing can fail.
  SmallVector<Tensor> quantized =
      *importAs(node, "DynamicQuantizeLinear", &layerInput, /*numOutputs=*/3);
  return *createDequantized(node, quantized[0], {&quantized[1], &quantized[2]});
}

Tensor Recurrent::createLayer(Tensor layerInput, Tensor &weight,
                              const Twine &suffix) {
  Location loc = node.b.getLoc();
  std::string name = (quantc::getName(loc) + suffix).str();
  node.b.setLoc(NameLoc::get(node.b.getStringAttr(name), loc));
  if (hasIntegerWeights)
    layerInput = createQuantized(layerInput);
  Shape shape = {layerInput.shape[0], weight.shape[hasIntegerWeights ? 1 : 0]};
  Value value = createMatmul(node, type, node.getValue(layerInput),
                             node.getValue(weight), shape,
                             /*isRhsTransposed=*/!hasIntegerWeights);
  node.b.setLoc(loc);
  return makeTensor(type, shape, value);
}

Tensor Recurrent::createRecurrence(Direction &direction, Tensor &state,
                                   int64_t first, int64_t count) {
  Tensor weight = direction.recurrence;
  if (count != numGates)
    weight = sliceRows(node, weight, first * hidden, count * hidden);
  StringRef suffix = first == 0 ? ".recurrence" : ".recurrence.hidden";
  return createLayer(state, weight, direction.suffix + suffix);
}

Tensor Recurrent::createCell(ArrayRef<Tensor *> tensors, ElementBody body) {
  Shape shape = {batch, node.getConstantSize(hidden)};
  return makeTensor(type, shape,
                    createElementwise(node, type, shape, tensors, body));
}

Value Recurrent::activate(ImplicitLocOpBuilder &b, const Activation &activation,
                          Value value) {
  if (clip) {
    auto getBound = [&](float bound) -> Value {
      return arith::ConstantOp::create(b,
                                       b.getFloatAttr(value.getType(), bound));
    };
    value = arith::MaximumFOp::create(b, value, getBound(-*clip));
    value = arith::MinimumFOp::create(b, value, getBound(*clip));
  }
  return activation.create(b, value);
}

std::optional<Tensor> Recurrent::getInputBias(Direction &direction) {
  if (!direction.bias)
    return std::nullopt;
  return add(node, *direction.bias, *direction.recurrenceBias);
}

//===----------------------------------------------------------------------===//
// Inputs
//===----------------------------------------------------------------------===//

LogicalResult Recurrent::readTypes() {
  for (unsigned index = 0; index < node.getNumInputs(); ++index) {
    bool isInteger =
        hasIntegerWeights && llvm::is_contained({1u, 2u, 9u, 11u}, index);
    if (index == 4 || isInteger || !node.hasInput(index))
      continue;
    ElementType found = node.getInput(index).type;
    if (found != node.getInput(0).type || !isFloat(found))
      return node.emitError("input " + Twine(index) + " has element type " +
                            getName(found) +
                            "; expects floating point, the same for all "
                            "inputs but sequence_lens");
  }
  if (!hasIntegerWeights)
    return success();
  if (node.getInput(0).type != ElementType::Float)
    return node.emitError(node.getOpType() + " of " +
                          getName(node.getInput(0).type) + "; expects FLOAT");
  for (unsigned index : {8u, 9u, 10u, 11u})
    if (!node.hasInput(index))
      return node.emitError(node.getOpType() + " without input " +
                            Twine(index) +
                            "; expects a scale and a zero point of both "
                            "weights");
  for (unsigned index : {1u, 2u}) {
    ElementType found = node.getInput(index).type;
    if (found != ElementType::Int8 && found != ElementType::UInt8)
      return node.emitError("input " + Twine(index) + " has element type " +
                            getName(found) + "; expects INT8 or UINT8");
    for (unsigned parameter : {6 + 2 * index, 7 + 2 * index})
      if (node.getInput(parameter).getRank() == 0)
        return node.emitError("input " + Twine(parameter) +
                              " is a scalar; expects a number for each "
                              "direction, or for each of its columns");
  }
  return success();
}

LogicalResult Recurrent::readShapes() {
  input = node.getInput(0);
  type = input.type;
  isBatchFirst = node.getInt("layout", 0) != 0;
  Tensor &weight = node.getInput(1), &recurrence = node.getInput(2);
  if (input.getRank() != 3 || weight.getRank() != 3 ||
      recurrence.getRank() != 3)
    return node.emitError("recurrent layer of shapes " +
                          node.toString(input.shape) + ", " +
                          node.toString(weight.shape) + " and " +
                          node.toString(recurrence.shape) + "; expects rank 3");
  if (isBatchFirst) {
    Value steps = createTranspose(node, node.getValue(input), type, input.shape,
                                  {1, 0, 2});
    Shape shape = {input.shape[1], input.shape[0], input.shape[2]};
    input = makeTensor(type, shape, steps);
  }
  numSteps = input.shape[0];
  batch = input.shape[1];
  hidden = getConstant(recurrence.shape[hasIntegerWeights ? 1 : 2]).value_or(0);
  int64_t numDirections =
      node.getString("direction", "forward") == "bidirectional" ? 2 : 1;
  auto getShape = [&](ArrayRef<AffineExpr> sizes) {
    Shape shape = {node.getConstantSize(numDirections)};
    shape.append(sizes.begin(), sizes.end());
    return shape;
  };
  AffineExpr gateSize = node.getConstantSize(numGates * hidden);
  AffineExpr hiddenSize = node.getConstantSize(hidden);
  Shape expected[] = {getShape({gateSize, input.shape[2]}),
                      getShape({gateSize, hiddenSize}), getShape(gateSize * 2)};
  if (hasIntegerWeights)
    for (Shape &weightShape : MutableArrayRef(expected).drop_back())
      std::swap(weightShape[1], weightShape[2]);
  for (unsigned index = 1; index < 4; ++index)
    if (node.hasInput(index) &&
        (node.getInput(index).shape != expected[index - 1] || hidden < 1))
      return node.emitError("recurrent layer with input " + Twine(index) +
                            " of shape " +
                            node.toString(node.getInput(index).shape) +
                            "; expects " + node.toString(expected[index - 1]));
  if (node.getInt("hidden_size", hidden) != hidden)
    return node.emitError("recurrent layer with hidden_size " +
                          Twine(node.getInt("hidden_size", hidden)) +
                          "; expects " + Twine(hidden) +
                          " as its weights have");
  if (!node.hasInput(4))
    return success();
  lengths = node.getInput(4);
  if (lengths->type != ElementType::Int32 || lengths->shape != Shape{batch})
    return node.emitError("recurrent layer with sequence_lens of type " +
                          getName(lengths->type) + " and shape " +
                          node.toString(lengths->shape) +
                          "; expects an INT32 for each batch");
  return success();
}

/// Input `index` as [D, B, H]; nothing if it is not there.
FailureOr<std::optional<Tensor>> Recurrent::readState(unsigned index) {
  if (!node.hasInput(index))
    return std::optional<Tensor>();
  Tensor state = node.getInput(index);
  Shape expected = {node.getInput(1).shape[0], batch,
                    node.getConstantSize(hidden)};
  if (isBatchFirst && state.getRank() == 3) {
    Value value = createTranspose(node, node.getValue(state), type, state.shape,
                                  {1, 0, 2});
    Shape shape = {state.shape[1], state.shape[0], state.shape[2]};
    state = makeTensor(type, shape, value);
  }
  if (state.shape != expected)
    return node.emitError("recurrent layer with an initial state of shape " +
                          node.toString(node.getInput(index).shape) +
                          "; expects a state of " + Twine(hidden) +
                          " elements for each direction and batch");
  return std::optional<Tensor>(state);
}

FailureOr<Tensor> Recurrent::getWeight(unsigned index, int64_t direction) {
  Tensor weight = getRow(node, node.getInput(index), direction);
  if (!hasIntegerWeights)
    return weight;
  Tensor scale = getRow(node, node.getInput(6 + 2 * index), direction);
  Tensor zeroPoint = getRow(node, node.getInput(7 + 2 * index), direction);
  return createDequantized(node, weight, {&scale, &zeroPoint, /*axis=*/1});
}

FailureOr<Direction> Recurrent::getDirection(int64_t index, bool isReverse) {
  Direction direction;
  direction.index = index;
  direction.isReverse = isReverse;
  if (index > 0)
    direction.suffix = ".reverse";
  FailureOr<Tensor> weight = getWeight(1, index);
  FailureOr<Tensor> recurrence = getWeight(2, index);
  if (failed(weight) || failed(recurrence))
    return failure();
  direction.weight = *weight;
  direction.recurrence = *recurrence;
  if (node.hasInput(3)) {
    Tensor biases = getRow(node, node.getInput(3), index);
    int64_t size = numGates * hidden;
    direction.bias = sliceRows(node, biases, 0, size);
    direction.recurrenceBias = sliceRows(node, biases, size, size);
  }
  if (peepholes)
    direction.peepholes = getRow(node, *peepholes, index);
  return direction;
}

LogicalResult Recurrent::readDirections() {
  StringRef name = node.getString("direction", "forward");
  if (name != "forward" && name != "reverse" && name != "bidirectional")
    return node.emitError("recurrent layer of direction '" + name +
                          "'; expects 'forward', 'reverse' or "
                          "'bidirectional'");
  for (int64_t index = 0; index < (name == "bidirectional" ? 2 : 1); ++index) {
    FailureOr<Direction> direction =
        getDirection(index, index == 1 || name == "reverse");
    if (failed(direction))
      return failure();
    directions.push_back(*direction);
  }
  ActivationReader reader(node, getDefaultActivations(), directions.size());
  for (Direction &direction : directions)
    if (failed(reader.read(direction.activations)))
      return failure();
  if (const AttributeProto *attribute = node.findAttribute("clip"))
    clip = attribute->f;
  return success();
}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

/// [T, B, gates * H].
Tensor Recurrent::createInputGates(Direction &direction) {
  Product rows(ArrayRef(input.shape).take_front(2));
  Shape flat = {rows.getExpr(node.getContext()), input.shape[2]};
  Tensor gates = createLayer(reshapeTensor(node, input, flat), direction.weight,
                             direction.suffix);
  if (std::optional<Tensor> bias = getInputBias(direction))
    gates = add(node, gates, *bias);
  return reshapeTensor(node, gates, {numSteps, batch, gates.shape[1]});
}

State Recurrent::createInitialState(int64_t index) {
  State state;
  Shape shape = {batch, node.getConstantSize(hidden)};
  for (std::optional<Tensor> &tensor : initial) {
    if (tensor) {
      state.push_back(getRow(node, *tensor, index));
      continue;
    }
    state.push_back(
        makeTensor(type, shape,
                   node.createFilled(node.createScalar(type, 0), type, shape)));
  }
  return state;
}

/// `active` where the sequence of a batch is longer than `time`; else
/// `inactive`, 0 if that is null.
Value Recurrent::selectActive(Tensor &active, Tensor *inactive, Value time) {
  MLIRContext *context = node.getContext();
  AffineMap identity = node.b.getMultiDimIdentityMap(2);
  SmallVector<Operand> operands = {
      {node.getValue(active), identity},
      {node.getValue(*lengths),
       AffineMap::get(2, 0, getAffineDimExpr(0, context))}};
  if (inactive)
    operands.push_back({node.getValue(*inactive), identity});
  return createGeneric(
      node, type, active.shape, operands,
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        Value length =
            arith::IndexCastOp::create(b, b.getIndexType(), elements[1]);
        Value isActive =
            arith::CmpIOp::create(b, arith::CmpIPredicate::slt, time, length);
        Value other = inactive ? elements[2]
                               : arith::ConstantOp::create(
                                     b, b.getZeroAttr(elements[0].getType()))
                                     .getResult();
        return arith::SelectOp::create(b, isActive, elements[0], other);
      });
}

State Recurrent::runSteps(Direction &direction, Value &sequence) {
  Tensor gates = createInputGates(direction);
  State state = createInitialState(direction.index);
  // What the loop reads is made before it.
  SmallVector<Value> inits;
  for (Tensor &tensor : state)
    inits.push_back(node.getValue(tensor));
  if (sequence)
    inits.push_back(sequence);
  node.getValue(direction.recurrence);
  for (std::optional<Tensor> *tensor :
       {&direction.recurrenceBias, &direction.peepholes, &lengths})
    if (*tensor)
      node.getValue(**tensor);
  Value allGates = node.getValue(gates);
  Value zero = node.getSizeValue(node.getConstantSize(0));
  Value one = node.getSizeValue(node.getConstantSize(1));
  Value end = node.getSizeValue(numSteps);
  Value last = arith::SubIOp::create(node.b, end, one);
  Shape stepShape = {batch, gates.shape[2]};
  OpFoldResult batchSize = node.getSize(batch);
  auto index = [&](int64_t value) { return node.b.getIndexAttr(value); };

  auto loop = scf::ForOp::create(
      node.b, zero, end, one, inits,
      [&](OpBuilder &, Location, Value step, ValueRange carried) {
        Value time = step;
        if (direction.isReverse)
          time = arith::SubIOp::create(node.b, last, step);
        State before;
        for (auto [tensor, value] : llvm::zip(state, carried))
          before.push_back(makeTensor(type, tensor.shape, value));
        Value stepGates = tensor::ExtractSliceOp::create(
            node.b, node.getType(type, stepShape), allGates,
            {time, index(0), index(0)},
            {index(1), batchSize, node.getSize(gates.shape[2])},
            {index(1), index(1), index(1)});
        Tensor input = makeTensor(type, stepShape, stepGates);
        State after = createStep(direction, input, before);
        Value output = after[0].value;
        if (lengths) {
          output = selectActive(after[0], nullptr, time);
          for (auto [next, previous] : llvm::zip(after, before))
            next.value = selectActive(next, &previous, time);
        }
        SmallVector<Value> results;
        for (Tensor &tensor : after)
          results.push_back(tensor.value);
        if (sequence)
          results.push_back(tensor::InsertSliceOp::create(
              node.b, output, carried.back(),
              {time, index(direction.index), index(0), index(0)},
              {index(1), index(1), batchSize, index(hidden)},
              {index(1), index(1), index(1), index(1)}));
        scf::YieldOp::create(node.b, results);
      });
  for (auto [tensor, value] : llvm::zip(state, loop.getResults()))
    tensor.value = value;
  if (sequence)
    sequence = loop.getResults().back();
  return state;
}

LogicalResult Recurrent::setOutputs(ArrayRef<State> states, Value sequence) {
  AffineExpr count = node.getConstantSize(directions.size());
  AffineExpr size = node.getConstantSize(hidden);
  if (sequence) {
    Shape shape = {numSteps, count, batch, size};
    if (isBatchFirst) {
      sequence = createTranspose(node, sequence, type, shape, {2, 0, 1, 3});
      shape = {batch, numSteps, count, size};
    }
    if (failed(node.setOutput(0, type, shape, sequence)))
      return failure();
  }
  for (unsigned index = 0; index < getNumStates(); ++index) {
    if (!node.isOutputUsed(index + 1))
      continue;
    Shape shape = {count, batch, size};
    Value value = node.createEmpty(type, shape);
    auto getIndex = [&](int64_t value) { return node.b.getIndexAttr(value); };
    for (auto [direction, state] : llvm::enumerate(states))
      value = tensor::InsertSliceOp::create(
          node.b, state[index].value, value,
          {getIndex(direction), getIndex(0), getIndex(0)},
          {getIndex(1), node.getSize(batch), getIndex(hidden)},
          {getIndex(1), getIndex(1), getIndex(1)});
    if (isBatchFirst) {
      value = createTranspose(node, value, type, shape, {1, 0, 2});
      shape = {batch, count, size};
    }
    if (failed(node.setOutput(index + 1, type, shape, value)))
      return failure();
  }
  return success();
}

LogicalResult Recurrent::import() {
  if (failed(readTypes()) || failed(readShapes()) || failed(readOthers()) ||
      failed(readDirections()))
    return failure();
  for (unsigned index = 0; index < getNumStates(); ++index) {
    FailureOr<std::optional<Tensor>> state = readState(5 + index);
    if (failed(state))
      return failure();
    initial.push_back(*state);
  }
  Value sequence;
  if (node.isOutputUsed(0))
    sequence = node.createEmpty(type, {numSteps,
                                       node.getConstantSize(directions.size()),
                                       batch, node.getConstantSize(hidden)});
  SmallVector<State, 2> states;
  for (Direction &direction : directions)
    states.push_back(runSteps(direction, sequence));
  return setOutputs(states, sequence);
}
