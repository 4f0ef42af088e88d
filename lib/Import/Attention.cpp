//===- Attention.cpp - Scaled dot-product attention -----------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// With b batch, h head of keys, g query heads for one of them, s query, t key
// and d, v the elements of a head:
//
//   scores[b, h, g, s, t] = sum_d (r query[b, h, g, s, d]) (r key[b, h, t, d])
//   output[b, h, g, s, v] = sum_t p[b, h, g, s, t] value[b, h, t, v]
//   p = softmax_t(softcap tanh(scores / softcap) + bias),  r = sqrt(scale)
//
// Tensors of rank 3, [b, s, h g d], are read as they are, without a
// transposition. The bias is the mask, and -inf where a key must not be seen. A
// row that sees no key is 0.
//
//===----------------------------------------------------------------------===//

#include "Builders.h"
#include "Einsum.h"
#include "OpTable.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace quantc;
using namespace quantc::onnx;

/// `whole` with `part` from `offset` on along `axis`.
static Value insertPart(NodeImporter &node, Value whole, Tensor &part,
                        int64_t axis, AffineExpr offset) {
  SmallVector<OpFoldResult> offsets(part.getRank(), node.b.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(part.getRank(), node.b.getIndexAttr(1));
  offsets[axis] = node.getSize(offset);
  return tensor::InsertSliceOp::create(node.b, node.getValue(part), whole,
                                       offsets, node.getSizes(part.shape),
                                       strides);
}

namespace {
class Attention {
public:
  explicit Attention(NodeImporter &node) : node(node) {}

  LogicalResult import();

private:
  void readInputs();
  Tensor &getInput(unsigned index) { return inputs[index]; }
  LogicalResult setOutput(unsigned index, Tensor tensor);
  ElementType getStepType() {
    return type == ElementType::BFloat16 ? type : ElementType::Float;
  }
  Value round(ImplicitLocOpBuilder &b, Value value);
  Tensor mapElements(Tensor &tensor, ElementBody body);
  LogicalResult readHeads();
  LogicalResult readCache();
  LogicalResult readMask();
  LogicalResult readOptions();
  FailureOr<Tensor> splitHeads(unsigned index, int64_t numHeads);
  Tensor inOrderOfHeads(Tensor tensor);
  FailureOr<Tensor> append(unsigned index, Tensor past, Tensor tensor);

  bool hasWindow() const { return left >= 0 || right >= 0; }
  bool hasBias() { return isCausal || hasWindow() || mask || node.hasInput(6); }
  FailureOr<Tensor> createBias();
  Value createIsSeen(ImplicitLocOpBuilder &b, int64_t rank, Value length);
  LogicalResult setPresent();
  Term splitGroups(Term term);
  std::string withGroups(StringRef dims);
  Tensor createScaled(Tensor &tensor);
  Tensor createScores();
  Tensor createSoftcap(Tensor &scores);
  Tensor createOutput(Tensor probabilities);
  Tensor zeroHidden(Tensor &probabilities, Tensor &bias);

  NodeImporter &node;
  /// Those of 16 bits as FLOAT.
  SmallVector<Tensor, 7> inputs;
  /// What the inputs had before.
  ElementType type = ElementType::Undefined;
  /// Whether dimensions are [b, s, h, d], from inputs of rank 3; else
  /// [b, h, s, d].
  bool isFlat = false;
  Tensor query, key, value;
  /// Whether keys and values are [b, t, h, d].
  bool areKeysFlat = false;
  AffineExpr batch, queryHeads, keyHeads, numQueries, numKeys, numPast;
  std::optional<Tensor> mask;
  /// As values of type index.
  Value queryCount, pastCount;

  double scale = 1;
  bool isCausal = false;
  int64_t left = -1, right = -1;
  float softcap = 0;
  int64_t outputMode = 0;
  ElementType softmaxType = ElementType::Undefined;
};
} // namespace

void Attention::readInputs() {
  type = node.getInput(0).type;
  for (Tensor *input : node.getInputs()) {
    if (!input)
      inputs.emplace_back();
    else if (isHalf(input->type))
      inputs.push_back(castTensor(node, *input, ElementType::Float));
    else
      inputs.push_back(*input);
  }
}

/// The output in the type of the inputs.
LogicalResult Attention::setOutput(unsigned index, Tensor tensor) {
  return node.setOutput(index, castTensor(node, tensor, type));
}

/// A step of BFLOAT16 is rounded to it; others are computed in FLOAT up to the
/// end, which is as exact as FLOAT16 can tell.
Value Attention::round(ImplicitLocOpBuilder &b, Value value) {
  return roundFloat(b, value, getStepType());
}

/// `body` of each element of `tensor`, rounded.
Tensor Attention::mapElements(Tensor &tensor, ElementBody body) {
  return makeTensor(
      tensor.type, tensor.shape,
      createElementwise(node, tensor.type, tensor.shape, &tensor,
                        [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) {
                          return round(b, body(b, elements));
                        }));
}

/// Input `index` with a dimension for its heads.
FailureOr<Tensor> Attention::splitHeads(unsigned index, int64_t numHeads) {
  Tensor &tensor = getInput(index);
  if (!isFlat)
    return tensor;
  Product product;
  product.multiply(tensor.shape[2]);
  Product heads;
  heads.multiply(node.getConstantSize(numHeads));
  std::optional<Product> size = product.divide(heads);
  if (!size)
    return node.emitError("Attention with " + Twine(numHeads) +
                          " heads of input " + Twine(index) + " of shape " +
                          node.toString(tensor.shape) +
                          "; expects as many equal parts of its last "
                          "dimension");
  Shape shape = {tensor.shape[0], tensor.shape[1],
                 node.getConstantSize(numHeads),
                 size->getExpr(node.getContext())};
  return reshapeTensor(node, tensor, shape);
}

LogicalResult Attention::readHeads() {
  size_t rank = getInput(0).getRank();
  for (unsigned index = 0; index < 3; ++index)
    if (getInput(index).getRank() != rank || (rank != 3 && rank != 4))
      return node.emitError("Attention of shapes " +
                            node.toString(getInput(0).shape) + " and " +
                            node.toString(getInput(index).shape) +
                            "; expects rank 3 or 4, the same for query, key "
                            "and value");
  isFlat = areKeysFlat = rank == 3;
  int64_t numQueryHeads = node.getInt("q_num_heads", 0);
  int64_t numKeyHeads = node.getInt("kv_num_heads", 0);
  if (isFlat && (numQueryHeads <= 0 || numKeyHeads <= 0))
    return node.emitError("Attention of rank 3 without numbers of heads; "
                          "expects q_num_heads and kv_num_heads");
  FailureOr<Tensor> parts[] = {splitHeads(0, numQueryHeads),
                               splitHeads(1, numKeyHeads),
                               splitHeads(2, numKeyHeads)};
  if (llvm::any_of(parts, [](auto &part) { return failed(part); }))
    return failure();
  query = *parts[0], key = *parts[1], value = *parts[2];
  int64_t headDim = isFlat ? 2 : 1, rowDim = isFlat ? 1 : 2;
  batch = query.shape[0];
  queryHeads = query.shape[headDim];
  keyHeads = key.shape[headDim];
  numQueries = query.shape[rowDim];
  numKeys = key.shape[rowDim];
  bool isMismatch = query.shape[3] != key.shape[3];
  for (Tensor *tensor : {&key, &value})
    isMismatch |= tensor->shape[0] != batch ||
                  tensor->shape[headDim] != keyHeads ||
                  tensor->shape[rowDim] != numKeys;
  if (isMismatch)
    return node.emitError("Attention of shapes " +
                          node.toString(getInput(0).shape) + ", " +
                          node.toString(getInput(1).shape) + " and " +
                          node.toString(getInput(2).shape) +
                          "; expects equal batches and sizes of heads, and as "
                          "many values as keys");
  if (!Product(queryHeads).divide(Product(keyHeads)))
    return node.emitError("Attention of " + node.toString({queryHeads}) +
                          " query heads and " + node.toString({keyHeads}) +
                          " key heads; expects a multiple of the latter");
  return success();
}

/// Keys or values as [b, h, t, d].
Tensor Attention::inOrderOfHeads(Tensor tensor) {
  if (!areKeysFlat)
    return tensor;
  Value transposed = createTranspose(node, node.getValue(tensor), tensor.type,
                                     tensor.shape, {0, 2, 1, 3});
  Shape shape = {tensor.shape[0], tensor.shape[2], tensor.shape[1],
                 tensor.shape[3]};
  return makeTensor(tensor.type, shape, transposed);
}

/// `past`, input `index`, and `tensor` after it, both [b, h, t, d].
FailureOr<Tensor> Attention::append(unsigned index, Tensor past,
                                    Tensor tensor) {
  Shape expected = tensor.shape;
  if (past.getRank() == 4)
    expected[2] = numPast;
  if (past.shape != expected)
    return node.emitError("Attention with past input " + Twine(index) +
                          " of shape " + node.toString(past.shape) +
                          "; expects " + node.toString(expected));
  Shape shape = expected;
  shape[2] = numPast + tensor.shape[2];
  Value whole = node.createEmpty(tensor.type, shape);
  whole = insertPart(node, whole, past, 2, node.getConstantSize(0));
  whole = insertPart(node, whole, tensor, 2, numPast);
  return makeTensor(tensor.type, shape, whole);
}

/// Puts keys and values after those of the past.
LogicalResult Attention::readCache() {
  numPast = node.getConstantSize(0);
  if (node.hasInput(4) != node.hasInput(5))
    return node.emitError("Attention with the past of keys or of values only; "
                          "expects both or none");
  if (!node.hasInput(4))
    return success();
  if (node.hasInput(6))
    return node.emitError("Attention with a past and nonpad_kv_seqlen; expects "
                          "one of them");
  if (getInput(4).getRank() == 4)
    numPast = getInput(4).shape[2];
  FailureOr<Tensor> keys = append(4, getInput(4), inOrderOfHeads(key));
  FailureOr<Tensor> values = append(5, getInput(5), inOrderOfHeads(value));
  if (failed(keys) || failed(values))
    return failure();
  key = *keys, value = *values;
  areKeysFlat = false;
  numKeys = key.shape[2];
  return success();
}

/// The mask, where it is shorter than the keys with "not seen" for the rest.
LogicalResult Attention::readMask() {
  if (node.hasInput(6) && (getInput(6).type != ElementType::Int64 ||
                           getInput(6).shape != Shape{batch}))
    return node.emitError("Attention with nonpad_kv_seqlen of type " +
                          getName(getInput(6).type) + " and shape " +
                          node.toString(getInput(6).shape) +
                          "; expects an INT64 for each batch");
  if (!node.hasInput(3))
    return success();
  mask = getInput(3);
  if ((mask->type != query.type && mask->type != ElementType::Bool) ||
      mask->getRank() < 1 || mask->getRank() > 4)
    return node.emitError("Attention with a mask of type " +
                          getName(mask->type) + " and shape " +
                          node.toString(mask->shape) + "; expects BOOL or " +
                          getName(query.type) + " of rank 1 to 4");
  AffineExpr size = mask->shape.back();
  std::optional<int64_t> given = getConstant(size), full = getConstant(numKeys);
  if (size == numKeys)
    return success();
  if (!given || !full || *given > *full)
    return node.emitError("Attention with a mask of shape " +
                          node.toString(mask->shape) + " for " +
                          node.toString({numKeys}) +
                          " keys; expects as many in its last dimension, or "
                          "fewer if both are constant");
  Shape shape = mask->shape;
  shape.back() = numKeys;
  double hidden = mask->type == ElementType::Bool
                      ? 0
                      : -std::numeric_limits<double>::infinity();
  Value filled = node.createFilled(node.createScalar(mask->type, hidden),
                                   mask->type, shape);
  Value padded = insertPart(node, filled, *mask, shape.size() - 1,
                            node.getConstantSize(0));
  mask = makeTensor(mask->type, shape, padded);
  return success();
}

LogicalResult Attention::readOptions() {
  isCausal = node.getInt("is_causal", 0) != 0;
  left = node.getInt("left_window_size", -1);
  right = node.getInt("right_window_size", -1);
  if (left < -1 || right < -1)
    return node.emitError("Attention with a window of " + Twine(left) +
                          " and " + Twine(right) +
                          " keys; expects -1 for no limit, or more");
  std::optional<int64_t> headSize = getConstant(query.shape[3]);
  if (!headSize && !node.findAttribute("scale"))
    return node.emitError("Attention with heads of a dynamic size; expects a "
                          "constant one, or a scale");
  scale = 1 / std::sqrt(static_cast<double>(headSize.value_or(1)));
  if (node.findAttribute("scale"))
    scale = node.getFloat("scale", 1);
  softcap = node.getFloat("softcap", 0);
  outputMode = node.getInt("qk_matmul_output_mode", 0);
  if (outputMode < 0 || outputMode > 3)
    return node.emitError("Attention with qk_matmul_output_mode " +
                          Twine(outputMode) + "; expects 0 to 3");
  softmaxType = static_cast<ElementType>(
      node.getInt("softmax_precision", static_cast<int64_t>(query.type)));
  if (!isFloat(softmaxType))
    return node.emitError("Attention with softmax_precision " +
                          getName(softmaxType) +
                          "; expects a floating-point type");
  // Floats of 16 bits are computed as FLOAT.
  if (isHalf(softmaxType))
    softmaxType = ElementType::Float;
  return success();
}

//===----------------------------------------------------------------------===//
// Bias
//===----------------------------------------------------------------------===//

/// Whether a query sees a key, in loops over `rank` dimensions of which they
/// are the last two. `length` is the number of keys in the batch, or null.
Value Attention::createIsSeen(ImplicitLocOpBuilder &b, int64_t rank,
                              Value length) {
  Value isSeen = arith::ConstantOp::create(b, b.getBoolAttr(true));
  auto require = [&](Value lower, Value upper) {
    Value isOrdered =
        arith::CmpIOp::create(b, arith::CmpIPredicate::sle, lower, upper);
    isSeen = arith::AndIOp::create(b, isSeen, isOrdered);
  };
  auto add = [&](Value value, int64_t distance) -> Value {
    return arith::AddIOp::create(b, value,
                                 arith::ConstantIndexOp::create(b, distance));
  };
  Value key = linalg::IndexOp::create(b, rank - 1);
  if (length)
    require(add(key, 1), length);
  if (!isCausal && !hasWindow())
    return isSeen;
  // The position of the query among the keys.
  Value position = linalg::IndexOp::create(b, rank - 2);
  if (length) {
    Value first = arith::SubIOp::create(b, length, queryCount);
    position = arith::AddIOp::create(b, position, first);
  } else {
    position = arith::AddIOp::create(b, position, pastCount);
  }
  if (isCausal)
    require(key, position);
  if (left >= 0)
    require(position, add(key, left));
  if (right >= 0)
    require(key, add(position, right));
  return isSeen;
}

/// What is added to the scores, in the fewest dimensions.
FailureOr<Tensor> Attention::createBias() {
  ElementType type = query.type;
  bool isPositional = isCausal || hasWindow();
  bool hasLength = node.hasInput(6);
  if (mask && mask->type == type && !isPositional && !hasLength)
    return *mask;
  AffineExpr one = node.getConstantSize(1);
  Tensor position = makeTensor(type, {numQueries, numKeys}, {});
  Tensor padding = makeTensor(type, {batch, one, one, numKeys}, {});
  SmallVector<Tensor *> parts;
  if (mask)
    parts.push_back(&*mask);
  if (isPositional)
    parts.push_back(&position);
  if (hasLength)
    parts.push_back(&padding);
  FailureOr<Shape> shape = getBroadcastShape(node, parts);
  if (failed(shape))
    return failure();

  int64_t rank = shape->size();
  SmallVector<Operand> operands;
  if (mask)
    operands.push_back(
        {node.getValue(*mask), getBroadcastMap(node, mask->shape, *shape)});
  if (hasLength)
    operands.push_back(
        {node.getValue(getInput(6)),
         AffineMap::get(rank, 0, getAffineDimExpr(0, node.getContext()))});
  queryCount = node.getSizeValue(numQueries);
  pastCount = node.getSizeValue(numPast);
  Value zero = node.createScalar(type, 0);
  Value hidden =
      node.createScalar(type, -std::numeric_limits<double>::infinity());
  Value bias = createGeneric(
      node, type, *shape, operands,
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        Value result = zero;
        if (mask && mask->type == ElementType::Bool)
          result = arith::SelectOp::create(b, elements[0], zero, hidden);
        else if (mask)
          result = elements[0];
        Value length;
        if (hasLength)
          length = arith::IndexCastOp::create(b, b.getIndexType(),
                                              elements[mask ? 1 : 0]);
        if (!isPositional && !hasLength)
          return result;
        return arith::SelectOp::create(b, createIsSeen(b, rank, length), result,
                                       hidden);
      });
  return makeTensor(type, *shape, bias);
}

/// `probabilities`, where a row with no key that is seen is 0, whatever its
/// scores were.
Tensor Attention::zeroHidden(Tensor &probabilities, Tensor &bias) {
  ElementType type = bias.type;
  Value lowest =
      node.createScalar(type, -std::numeric_limits<double>::infinity());
  int64_t last = bias.getRank() - 1;
  Value maximum =
      createReduction(node, bias, last, lowest,
                      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) {
                        return createMax(b, type, elements[1], elements[0]);
                      });
  Shape shape = getReducedShape(bias, last);
  shape.push_back(node.getConstantSize(1));
  Tensor best = makeTensor(
      type, shape,
      createReshape(node, maximum, type, getReducedShape(bias, last), shape));
  Value zero = node.createScalar(probabilities.type, 0);
  Tensor *operands[] = {&probabilities, &best};
  Value value = createElementwise(
      node, probabilities.type, probabilities.shape, operands,
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        Value isHidden = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ,
                                               elements[1], lowest);
        return arith::SelectOp::create(b, isHidden, zero, elements[0]);
      });
  return makeTensor(probabilities.type, probabilities.shape, value);
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// `tensor` times sqrt(scale).
Tensor Attention::createScaled(Tensor &tensor) {
  Value factor =
      round(node.b, node.createScalar(tensor.type, std::sqrt(scale)));
  return mapElements(tensor,
                     [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) {
                       return createMul(b, tensor.type, elements[0], factor);
                     });
}

/// `dims`, without the one for query heads of a key head if there is one each.
std::string Attention::withGroups(StringRef dims) {
  std::string result = dims.str();
  if (queryHeads == keyHeads)
    llvm::erase(result, 'g');
  return result;
}

/// `term` with its query heads "h" as "hg".
Term Attention::splitGroups(Term term) {
  if (queryHeads == keyHeads)
    return term;
  size_t position = term.dims.find('h');
  Shape shape = term.tensor.shape;
  shape[position] = keyHeads;
  Product groups = *Product(queryHeads).divide(Product(keyHeads));
  shape.insert(shape.begin() + position + 1, groups.getExpr(node.getContext()));
  term.dims.insert(position + 1, "g");
  term.tensor = reshapeTensor(node, term.tensor, shape);
  return term;
}

/// [B, H, S, T].
Tensor Attention::createScores() {
  Term lhs = {createScaled(query), isFlat ? "bshd" : "bhsd"};
  Term rhs = {createScaled(key), areKeysFlat ? "bthd" : "bhtd"};
  Tensor scores =
      createEinsum(node, splitGroups(lhs), rhs, withGroups("bhgst"));
  if (getStepType() != ElementType::Float)
    scores = mapElements(scores,
                         [](ImplicitLocOpBuilder &, ArrayRef<Value> elements) {
                           return elements[0];
                         });
  return reshapeTensor(node, scores, {batch, queryHeads, numQueries, numKeys});
}

/// softcap * tanh(scores / softcap).
Tensor Attention::createSoftcap(Tensor &scores) {
  if (softcap <= 0)
    return scores;
  Value cap = node.createScalar(scores.type, softcap);
  return mapElements(
      scores, [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) -> Value {
        Value ratio = round(b, arith::DivFOp::create(b, elements[0], cap));
        Value curve = round(b, math::TanhOp::create(b, ratio));
        return arith::MulFOp::create(b, curve, cap);
      });
}

/// In the order of the query.
Tensor Attention::createOutput(Tensor probabilities) {
  Term lhs = splitGroups({probabilities, "bhst"});
  Term rhs = {value, areKeysFlat ? "bthv" : "bhtv"};
  Tensor output =
      createEinsum(node, lhs, rhs, withGroups(isFlat ? "bshgv" : "bhgsv"));
  Shape shape = getInput(0).shape;
  Product width;
  if (isFlat)
    width.multiply(queryHeads);
  width.multiply(value.shape[3]);
  shape.back() = width.getExpr(node.getContext());
  return reshapeTensor(node, output, shape);
}

/// Outputs 1 and 2: all keys and values, [b, h, t, d].
LogicalResult Attention::setPresent() {
  Tensor *tensors[] = {&key, &value};
  for (unsigned index = 1; index < node.getNumOutputs() && index < 3; ++index)
    if (failed(setOutput(index, inOrderOfHeads(*tensors[index - 1]))))
      return failure();
  return success();
}

LogicalResult Attention::import() {
  if (failed(node.expectFloats(3)))
    return failure();
  readInputs();
  if (failed(readHeads()) || failed(readOptions()) || failed(readCache()) ||
      failed(readMask()) || failed(setPresent()))
    return failure();

  Tensor scores = createScores();
  Tensor capped = createSoftcap(scores);
  Tensor biased = capped;
  std::optional<Tensor> bias;
  if (hasBias()) {
    FailureOr<Tensor> created = createBias();
    if (failed(created))
      return failure();
    bias = *created;
    Tensor *operands[] = {&capped, &*bias};
    FailureOr<Shape> shape = getBroadcastShape(node, operands);
    if (failed(shape))
      return failure();
    if (*shape != capped.shape)
      return node.emitError(
          "Attention with a mask of shape " + node.toString(mask->shape) +
          "; expects one that broadcasts to " + node.toString(capped.shape));
    biased.value = createElementwise(
        node, biased.type, *shape, operands,
        [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) {
          return round(b, createAdd(b, biased.type, elements[0], elements[1]));
        });
  }
  Tensor precise = castTensor(node, biased, softmaxType);
  Tensor probabilities =
      makeTensor(softmaxType, precise.shape,
                 createMaskedSoftmax(node, precise, getStepType()));
  // With a causal mask alone each query sees the first key.
  if (bias && (mask || hasWindow() || node.hasInput(6)))
    probabilities = zeroHidden(probabilities, *bias);
  probabilities = castTensor(node, probabilities, query.type);
  Tensor stages[] = {scores, capped, biased, probabilities};
  if (node.getNumOutputs() > 3 && failed(setOutput(3, stages[outputMode])))
    return failure();
  return setOutput(0, createOutput(probabilities));
}

static LogicalResult importAttention(NodeImporter &node) {
  return Attention(node).import();
}

static constexpr OpRow kRows[] = {
    {"Attention", 23, 3, 7, importAttention, Halves::Keep},
};

ArrayRef<OpRow> onnx::getAttentionOps() { return kRows; }
