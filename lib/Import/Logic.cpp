//===- Logic.cpp - Comparison, choice and conversion ----------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Builders.h"
#include "OpTable.h"
#include "SymbolicElements.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <limits>

using namespace mlir;
using namespace quantc;
using namespace quantc::onnx;

/// What `predicate` says of two small integers, or nothing if it is not known.
/// Dynamic sizes are not negative.
static std::optional<bool> compare(arith::CmpIPredicate predicate,
                                   AffineExpr lhs, AffineExpr rhs) {
  std::optional<int64_t> left = getConstant(lhs), right = getConstant(rhs);
  if (left && right)
    return arith::applyCmpPredicate(predicate,
                                    APInt(64, *left, /*isSigned=*/true),
                                    APInt(64, *right, /*isSigned=*/true));
  if (predicate != arith::CmpIPredicate::eq)
    return std::nullopt;
  if (lhs == rhs)
    return true;
  bool isSizeAndNegative =
      (isa<AffineSymbolExpr>(lhs) && right && *right < 0) ||
      (isa<AffineSymbolExpr>(rhs) && left && *left < 0);
  if (isSizeAndNegative)
    return false;
  return std::nullopt;
}

/// The comparison of integers that are known: conditions on shapes.
static std::optional<Tensor> foldComparison(NodeImporter &node,
                                            arith::CmpIPredicate predicate) {
  Tensor &lhs = node.getInput(0), &rhs = node.getInput(1);
  std::optional<Shape> left = getElements(lhs), right = getElements(rhs);
  if (!left || !right || left->empty() || right->empty() ||
      (left->size() != right->size() && left->size() != 1 &&
       right->size() != 1))
    return std::nullopt;
  SmallVector<bool> results;
  for (size_t i = 0, count = std::max(left->size(), right->size()); i < count;
       ++i) {
    std::optional<bool> result =
        compare(predicate, (*left)[left->size() == 1 ? 0 : i],
                (*right)[right->size() == 1 ? 0 : i]);
    if (!result)
      return std::nullopt;
    results.push_back(*result);
  }
  SmallVector<int64_t> shape;
  if (lhs.getRank() || rhs.getRank())
    shape.push_back(results.size());
  auto type = RankedTensorType::get(shape, node.b.getI1Type());
  return createConstant(ElementType::Bool,
                        DenseElementsAttr::get(type, results));
}

/// The choice among integers that are known, of one size.
static std::optional<Tensor> foldWhere(NodeImporter &node) {
  Tensor &condition = node.getInput(0);
  Tensor &lhs = node.getInput(1), &rhs = node.getInput(2);
  std::optional<Shape> left = getElements(lhs), right = getElements(rhs);
  if (!condition.constant || !left || !right || condition.shape != lhs.shape ||
      condition.shape != rhs.shape)
    return std::nullopt;
  Shape chosen;
  for (auto [index, value] :
       llvm::enumerate(condition.constant.getValues<bool>()))
    chosen.push_back(value ? (*left)[index] : (*right)[index]);
  return makeElements(lhs.type, lhs.shape, chosen);
}

/// A comparison by the predicate for the type of its operands.
template <arith::CmpFPredicate ofFloats, arith::CmpIPredicate ofSigned,
          arith::CmpIPredicate ofUnsigned>
static LogicalResult importComparison(NodeImporter &node) {
  ElementType type = node.getInput(0).type;
  if (node.getInput(1).type != type)
    return node.emitError("comparison of " + getName(type) + " and " +
                          getName(node.getInput(1).type) +
                          "; expects equal types");
  if (std::optional<Tensor> folded =
          foldComparison(node, isUnsigned(type) ? ofUnsigned : ofSigned))
    return node.setOutput(0, *folded);
  return setElementwiseOutput(
      node, ElementType::Bool, node.getInputs(),
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        if (isFloat(type))
          return arith::CmpFOp::create(b, ofFloats, elements[0], elements[1]);
        return arith::CmpIOp::create(b,
                                     isUnsigned(type) ? ofUnsigned : ofSigned,
                                     elements[0], elements[1]);
      });
}

static LogicalResult expectBools(NodeImporter &node) {
  for (const Tensor *input : node.getInputs())
    if (input->type != ElementType::Bool)
      return node.emitError("logic on " + getName(input->type) +
                            "; expects BOOL");
  return success();
}

/// Bools that follow from shapes, or nothing.
static std::optional<SmallVector<bool>> getBools(const Tensor &tensor) {
  if (!tensor.constant || tensor.constant.getNumElements() > kMaxFoldedElements)
    return std::nullopt;
  return llvm::to_vector(tensor.constant.getValues<bool>());
}

/// `op` of conditions of one shape that are known, which may be one or two.
static std::optional<Tensor>
foldLogic(NodeImporter &node, llvm::function_ref<bool(bool, bool)> op) {
  Tensor &lhs = node.getInput(0), &rhs = node.getInput(node.getNumInputs() - 1);
  std::optional<SmallVector<bool>> left = getBools(lhs), right = getBools(rhs);
  if (!left || !right || lhs.shape != rhs.shape)
    return std::nullopt;
  SmallVector<bool> results;
  for (auto [l, r] : llvm::zip_equal(*left, *right))
    results.push_back(op(l, r));
  return createConstant(
      ElementType::Bool,
      DenseElementsAttr::get(node.getType(ElementType::Bool, lhs.shape),
                             results));
}

static bool foldAnd(bool x, bool y) { return x && y; }
static bool foldOr(bool x, bool y) { return x || y; }
static bool foldXor(bool x, bool y) { return x != y; }

template <class Op, bool (*fold)(bool, bool)>
static LogicalResult importLogic(NodeImporter &node) {
  if (failed(expectBools(node)))
    return failure();
  if (std::optional<Tensor> folded = foldLogic(node, fold))
    return node.setOutput(0, *folded);
  return setElementwiseOutput(
      node, ElementType::Bool, node.getInputs(),
      [](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        return Op::create(b, elements[0], elements[1]);
      });
}

static LogicalResult importNot(NodeImporter &node) {
  if (failed(expectBools(node)))
    return failure();
  if (std::optional<Tensor> folded =
          foldLogic(node, [](bool x, bool) { return !x; }))
    return node.setOutput(0, *folded);
  Value one = node.createScalar(ElementType::Bool, 1);
  return setElementwiseOutput(
      node, ElementType::Bool, node.getInputs(),
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        return arith::XOrIOp::create(b, elements[0], one);
      });
}

/// The branch that a constant condition chooses.
static LogicalResult importIf(NodeImporter &node) {
  Tensor &condition = node.getInput(0);
  if (condition.type != ElementType::Bool)
    return node.emitError("If by " + getName(condition.type) +
                          "; expects BOOL");
  if (!condition.constant)
    return node.emitUnknown(0, "condition");
  if (condition.constant.getNumElements() != 1)
    return node.emitError("If by " +
                          Twine(condition.constant.getNumElements()) +
                          " conditions; expects one");
  StringRef name = *condition.constant.getValues<bool>().begin()
                       ? "then_branch"
                       : "else_branch";
  const AttributeProto *branch = node.findAttribute(name);
  if (!branch || !branch->graph)
    return node.emitError("If has no " + name + "; expects both branches");
  FailureOr<SmallVector<Tensor>> outputs =
      node.bodies->importBody(*branch->graph, {}, node.b.getLoc());
  if (failed(outputs))
    return failure();
  if (outputs->size() != node.getNumOutputs())
    return node.emitError(name + " has " + Twine(outputs->size()) +
                          " outputs; expects " + Twine(node.getNumOutputs()));
  for (auto [index, output] : llvm::enumerate(*outputs))
    if (failed(node.setOutput(index, output)))
      return failure();
  return success();
}

//===----------------------------------------------------------------------===//
// Bits
//===----------------------------------------------------------------------===//

static LogicalResult expectIntegers(NodeImporter &node) {
  ElementType type = node.getInput(0).type;
  for (const Tensor *input : node.getInputs())
    if (input->type != type || !isInteger(type))
      return node.emitError("operation on the bits of " + getName(input->type) +
                            "; expects equal integers");
  return success();
}

template <class Op>
static LogicalResult importBitwise(NodeImporter &node) {
  if (failed(expectIntegers(node)))
    return failure();
  return setElementwiseOutput(
      node, node.getInput(0).type, node.getInputs(),
      [](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        return Op::create(b, elements[0], elements[1]);
      });
}

static LogicalResult importBitwiseNot(NodeImporter &node) {
  if (failed(expectIntegers(node)))
    return failure();
  ElementType type = node.getInput(0).type;
  Value ones = node.createScalar(type, -1);
  return setElementwiseOutput(
      node, type, node.getInputs(),
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        return arith::XOrIOp::create(b, elements[0], ones);
      });
}

/// A shift by the width or more moves all bits out.
static LogicalResult importBitShift(NodeImporter &node) {
  StringRef direction = node.getString("direction", "");
  if (direction != "LEFT" && direction != "RIGHT")
    return node.emitError("BitShift in direction '" + direction +
                          "'; expects 'LEFT' or 'RIGHT'");
  if (failed(expectIntegers(node)))
    return failure();
  ElementType type = node.getInput(0).type;
  Value zero = node.createScalar(type, 0);
  Value last = node.createScalar(type, getBitWidth(type) - 1);
  return setElementwiseOutput(
      node, type, node.getInputs(),
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        Value isAll = arith::CmpIOp::create(b, arith::CmpIPredicate::ugt,
                                            elements[1], last);
        Value amount = arith::MinUIOp::create(b, elements[1], last);
        if (direction == "RIGHT" && !isUnsigned(type))
          return arith::ShRSIOp::create(b, elements[0], amount);
        Value shifted =
            direction == "LEFT"
                ? arith::ShLIOp::create(b, elements[0], amount).getResult()
                : arith::ShRUIOp::create(b, elements[0], amount).getResult();
        return arith::SelectOp::create(b, isAll, zero, shifted);
      });
}

//===----------------------------------------------------------------------===//
// Special floats and choice
//===----------------------------------------------------------------------===//

static LogicalResult importIsNaN(NodeImporter &node) {
  if (failed(node.expectFloats(1)))
    return failure();
  return setElementwiseOutput(
      node, ElementType::Bool, node.getInputs(),
      [](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        return arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, elements[0],
                                     elements[0]);
      });
}

static LogicalResult importIsInf(NodeImporter &node) {
  if (failed(node.expectFloats(1)))
    return failure();
  ElementType type = node.getInput(0).type;
  bool detectsPositive = node.getInt("detect_positive", 1);
  bool detectsNegative = node.getInt("detect_negative", 1);
  double infinity = std::numeric_limits<double>::infinity();
  Value positive = node.createScalar(type, infinity);
  Value negative = node.createScalar(type, -infinity);
  Value no = node.createScalar(ElementType::Bool, 0);
  return setElementwiseOutput(
      node, ElementType::Bool, node.getInputs(),
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        auto isEqual = [&](Value bound) -> Value {
          return arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ,
                                       elements[0], bound);
        };
        Value isPositive = detectsPositive ? isEqual(positive) : no;
        Value isNegative = detectsNegative ? isEqual(negative) : no;
        return arith::OrIOp::create(b, isPositive, isNegative);
      });
}

static LogicalResult importWhere(NodeImporter &node) {
  ElementType type = node.getInput(1).type;
  if (node.getInput(0).type != ElementType::Bool ||
      node.getInput(2).type != type)
    return node.emitError("Where of " + getName(node.getInput(0).type) + ", " +
                          getName(type) + " and " +
                          getName(node.getInput(2).type) +
                          "; expects BOOL and two equal types");
  if (std::optional<Tensor> folded = foldWhere(node))
    return node.setOutput(0, *folded);
  return setElementwiseOutput(
      node, type, node.getInputs(),
      [](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        return arith::SelectOp::create(b, elements[0], elements[1],
                                       elements[2]);
      });
}

//===----------------------------------------------------------------------===//
// Cast
//===----------------------------------------------------------------------===//

static LogicalResult setCast(NodeImporter &node, ElementType to) {
  Tensor &input = node.getInput(0);
  if (!getMlirType(to, node.getContext()))
    return node.emitError("Cast to the unsupported element type " +
                          getName(to));
  return node.setOutput(0, castTensor(node, input, to));
}

static LogicalResult importCast(NodeImporter &node) {
  return setCast(node, static_cast<ElementType>(node.getInt("to", 0)));
}

static LogicalResult importCastLike(NodeImporter &node) {
  return setCast(node, node.getInput(1).type);
}

using FloatIs = arith::CmpFPredicate;
using IntIs = arith::CmpIPredicate;

static constexpr OpRow kRows[] = {
    {"And", 7, 2, 2, importLogic<arith::AndIOp, foldAnd>},
    {"BitShift", 11, 2, 2, importBitShift},
    {"BitwiseAnd", 18, 2, 2, importBitwise<arith::AndIOp>},
    {"BitwiseNot", 18, 1, 1, importBitwiseNot},
    {"BitwiseOr", 18, 2, 2, importBitwise<arith::OrIOp>},
    {"BitwiseXor", 18, 2, 2, importBitwise<arith::XOrIOp>},
    {"Cast", 6, 1, 1, importCast, Halves::Keep},
    {"CastLike", 15, 2, 2, importCastLike, Halves::Keep},
    {"Equal", 7, 2, 2, importComparison<FloatIs::OEQ, IntIs::eq, IntIs::eq>},
    {"Greater", 7, 2, 2,
     importComparison<FloatIs::OGT, IntIs::sgt, IntIs::ugt>},
    {"GreaterOrEqual", 12, 2, 2,
     importComparison<FloatIs::OGE, IntIs::sge, IntIs::uge>},
    {"If", 1, 1, 1, importIf, Halves::Keep},
    {"IsInf", 10, 1, 1, importIsInf},
    {"IsNaN", 9, 1, 1, importIsNaN},
    {"Less", 7, 2, 2, importComparison<FloatIs::OLT, IntIs::slt, IntIs::ult>},
    {"LessOrEqual", 12, 2, 2,
     importComparison<FloatIs::OLE, IntIs::sle, IntIs::ule>},
    {"Not", 1, 1, 1, importNot},
    {"Or", 7, 2, 2, importLogic<arith::OrIOp, foldOr>},
    {"Where", 9, 3, 3, importWhere, Halves::Keep},
    {"Xor", 7, 2, 2, importLogic<arith::XOrIOp, foldXor>},
};

ArrayRef<OpRow> onnx::getLogicOps() { return kRows; }
