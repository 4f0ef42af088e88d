//===- Loops.cpp - Loop and Scan ------------------------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A number of iterations that is known is unrolled: the body is imported once
// for each of them, with the state that the one before left.
//
//===----------------------------------------------------------------------===//

#include "Builders.h"
#include "OpTable.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::onnx;

/// The most iterations that are unrolled.
static constexpr int64_t kMaxIterations = 128;

/// The outputs of the body, of which there are `numOutputs`, for one iteration.
static FailureOr<SmallVector<Tensor>> importIteration(NodeImporter &node,
                                                      ArrayRef<Tensor> inputs,
                                                      size_t numOutputs) {
  const AttributeProto *body = node.findAttribute("body");
  if (!body || !body->graph)
    return node.emitError("loop has no body; expects a graph");
  FailureOr<SmallVector<Tensor>> outputs =
      node.bodies->importBody(*body->graph, inputs, node.b.getLoc());
  if (failed(outputs))
    return failure();
  if (outputs->size() != numOutputs)
    return node.emitError("body has " + Twine(outputs->size()) +
                          " outputs; expects " + Twine(numOutputs));
  return outputs;
}

static LogicalResult checkIterations(NodeImporter &node, int64_t count) {
  if (count > kMaxIterations)
    return node.emitError("loop of " + Twine(count) + " iterations; expects " +
                          Twine(kMaxIterations) + " at most");
  return success();
}

/// `parts` of equal shapes one after the other along a new dimension `axis` of
/// the result, which becomes output `index`.
static LogicalResult setStack(NodeImporter &node, unsigned index,
                              MutableArrayRef<Tensor> parts, int64_t axis) {
  if (parts.empty())
    return node.emitError("loop without iterations has an output of unknown "
                          "shape; expects at least one");
  ElementType type = parts.front().type;
  Shape shape = parts.front().shape;
  FailureOr<int64_t> position = node.getAxis(axis, shape.size() + 1);
  if (failed(position))
    return failure();
  Shape partShape = shape;
  shape.insert(shape.begin() + *position, node.getConstantSize(parts.size()));
  partShape.insert(partShape.begin() + *position, node.getConstantSize(1));
  Value result = node.createEmpty(type, shape);
  SmallVector<OpFoldResult> offsets(shape.size(), node.b.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(shape.size(), node.b.getIndexAttr(1));
  for (auto [number, part] : llvm::enumerate(parts)) {
    if (part.type != type || part.shape != parts.front().shape)
      return node.emitError("iterations give shapes " +
                            node.toString(parts.front().shape) + " and " +
                            node.toString(part.shape) + "; expects equal ones");
    Tensor expanded = reshapeTensor(node, part, partShape);
    offsets[*position] = node.b.getIndexAttr(number);
    result = tensor::InsertSliceOp::create(node.b, node.getValue(expanded),
                                           result, offsets,
                                           node.getSizes(partShape), strides);
  }
  return node.setOutput(index, type, shape, result);
}

/// Sets the states, the first outputs, and the stacks of `parts`, the others.
static LogicalResult setResults(NodeImporter &node, ArrayRef<Tensor> states,
                                MutableArrayRef<SmallVector<Tensor>> parts,
                                ArrayRef<int64_t> axes) {
  for (auto [index, state] : llvm::enumerate(states))
    if (failed(node.setOutput(index, state)))
      return failure();
  for (auto [index, stack] : llvm::enumerate(parts))
    if (failed(setStack(node, states.size() + index, stack,
                        axes.empty() ? 0 : axes[index])))
      return failure();
  return success();
}

/// Whether `condition` holds, which must be known.
static FailureOr<bool> isTrue(NodeImporter &node, const Tensor &condition) {
  if (condition.type != ElementType::Bool || !condition.constant ||
      condition.constant.getNumElements() != 1)
    return node.emitError("loop with a condition that is computed; expects a "
                          "constant one");
  return *condition.constant.getValues<bool>().begin();
}

/// A constant of rank 0.
static Tensor createScalarConstant(NodeImporter &node, ElementType type,
                                   int64_t value) {
  auto elementType = cast<IntegerType>(getMlirType(type, node.getContext()));
  APInt element(elementType.getWidth(), value);
  return createConstant(
      type, DenseElementsAttr::get(node.getType(type, {}), element));
}

/// Body: (iteration, condition, states...) -> (condition, states..., parts...).
static LogicalResult importLoop(NodeImporter &node) {
  std::optional<SmallVector<int64_t>> count;
  if (node.hasInput(0))
    count = getIntegers(node.getInput(0));
  if (!count || count->size() != 1)
    return node.emitError("loop without a constant number of iterations; "
                          "expects one");
  if (failed(checkIterations(node, count->front())))
    return failure();
  bool isRunning = true;
  if (node.hasInput(1)) {
    FailureOr<bool> condition = isTrue(node, node.getInput(1));
    if (failed(condition))
      return failure();
    isRunning = *condition;
  }
  SmallVector<Tensor> states;
  for (unsigned index = 2; index < node.getNumInputs(); ++index) {
    if (!node.hasInput(index))
      return node.emitError("loop lacks input " + Twine(index) +
                            "; expects every state");
    states.push_back(node.getInput(index));
  }
  if (node.getNumOutputs() < states.size())
    return node.emitError("loop has " + Twine(node.getNumOutputs()) +
                          " outputs; expects at least " + Twine(states.size()));
  SmallVector<SmallVector<Tensor>> parts(node.getNumOutputs() - states.size());
  for (int64_t step = 0; step < count->front() && isRunning; ++step) {
    SmallVector<Tensor> inputs = {
        createScalarConstant(node, ElementType::Int64, step),
        createScalarConstant(node, ElementType::Bool, 1)};
    inputs.append(states);
    FailureOr<SmallVector<Tensor>> outputs =
        importIteration(node, inputs, 1 + node.getNumOutputs());
    if (failed(outputs))
      return failure();
    FailureOr<bool> condition = isTrue(node, outputs->front());
    if (failed(condition))
      return failure();
    isRunning = *condition;
    ArrayRef<Tensor> results = ArrayRef(*outputs).drop_front();
    states.assign(results.begin(), results.begin() + states.size());
    for (auto [stack, part] :
         llvm::zip_equal(parts, results.drop_front(states.size())))
      stack.push_back(part);
  }
  return setResults(node, states, parts, /*axes=*/{});
}

/// The numbers in attribute `name`, one for each of `count`; 0 without.
static FailureOr<SmallVector<int64_t>>
getNumbers(NodeImporter &node, StringRef name, size_t count) {
  std::optional<SmallVector<int64_t>> numbers = node.getInts(name);
  if (!numbers)
    return SmallVector<int64_t>(count, 0);
  if (numbers->size() != count)
    return node.emitError("Scan with " + Twine(numbers->size()) + " " + name +
                          "; expects " + Twine(count));
  return *numbers;
}

/// Body: (states..., slices...) -> (states..., parts...).
static LogicalResult importScan(NodeImporter &node) {
  int64_t numInputs = node.getNumInputs();
  int64_t numScanned = node.getInt("num_scan_inputs", 0);
  int64_t numStates = numInputs - numScanned;
  int64_t numOutputs = node.getNumOutputs();
  if (numScanned < 1 || numStates < 0 || numStates > numOutputs ||
      llvm::is_contained(node.getInputs(), nullptr))
    return node.emitError("Scan of " + Twine(numInputs) + " inputs with " +
                          Twine(numScanned) + " scanned ones and " +
                          Twine(numOutputs) +
                          " outputs; expects as many states before both");
  FailureOr<SmallVector<int64_t>> axes =
      getNumbers(node, "scan_input_axes", numScanned);
  FailureOr<SmallVector<int64_t>> directions =
      getNumbers(node, "scan_input_directions", numScanned);
  FailureOr<SmallVector<int64_t>> outputAxes =
      getNumbers(node, "scan_output_axes", numOutputs - numStates);
  FailureOr<SmallVector<int64_t>> outputDirections =
      getNumbers(node, "scan_output_directions", numOutputs - numStates);
  if (failed(axes) || failed(directions) || failed(outputAxes) ||
      failed(outputDirections))
    return failure();

  std::optional<int64_t> length;
  SmallVector<Tensor> states, scanned;
  for (auto [index, input] : llvm::enumerate(node.getInputs())) {
    if (static_cast<int64_t>(index) < numStates) {
      states.push_back(*input);
      continue;
    }
    int64_t &axis = (*axes)[scanned.size()];
    FailureOr<int64_t> position = node.getAxis(axis, input->getRank());
    if (failed(position))
      return failure();
    axis = *position;
    std::optional<int64_t> size = getConstant(input->shape[axis]);
    if (!size || length.value_or(*size) != *size)
      return node.emitError("Scan of " + node.toString(input->shape) +
                            " along dimension " + Twine(axis) +
                            "; expects one constant size for all inputs");
    length = size;
    scanned.push_back(*input);
  }
  if (failed(checkIterations(node, *length)))
    return failure();
  SmallVector<SmallVector<Tensor>> parts(numOutputs - numStates);
  for (int64_t step = 0; step < *length; ++step) {
    SmallVector<Tensor> inputs = states;
    for (auto [input, axis, direction] :
         llvm::zip_equal(scanned, *axes, *directions)) {
      int64_t index = direction ? *length - 1 - step : step;
      Tensor part = extractPart(node, input, axis, index, 1);
      inputs.push_back(reshapeTensor(node, part, getReducedShape(part, axis)));
    }
    FailureOr<SmallVector<Tensor>> outputs =
        importIteration(node, inputs, numOutputs);
    if (failed(outputs))
      return failure();
    states.assign(outputs->begin(), outputs->begin() + numStates);
    for (auto [stack, part] :
         llvm::zip_equal(parts, ArrayRef(*outputs).drop_front(numStates)))
      stack.push_back(part);
  }
  for (auto [stack, direction] : llvm::zip_equal(parts, *outputDirections))
    if (direction)
      std::reverse(stack.begin(), stack.end());
  return setResults(node, states, parts, *outputAxes);
}

static constexpr OpRow kRows[] = {
    {"Loop", 1, 0, kVariadic, importLoop, Halves::Keep},
    {"Scan", 9, 1, kVariadic, importScan, Halves::Keep},
};

ArrayRef<OpRow> onnx::getLoopOps() { return kRows; }
