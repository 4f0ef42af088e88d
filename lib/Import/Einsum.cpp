//===- Einsum.cpp - Einstein sums -----------------------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The names of two terms and their result fall into four classes, by the terms
// that have them: batch (all three), rows (first and result), columns (second
// and result) and depth (first and second). What only one term has is summed
// before. Names that stand side by side in every term that has them are joined
// to one dimension. What is left is one product of matrices for each element of
// the batch, with the dimensions of each term in any order:
//
//   result[batch..., rows, columns] =
//     sum first[batch..., rows, depth] * second[batch..., depth, columns]
//
// Terms are transposed only if there is still more than one name for the depth,
// or the last dimension of the result is one of the batch.
//
//===----------------------------------------------------------------------===//

#include "Einsum.h"

#include "Builders.h"
#include "OpTable.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include <map>

using namespace mlir;
using namespace quantc;
using namespace quantc::onnx;

/// The position of `name` among `names`; npos if it is not there.
static size_t find(StringRef names, char name) { return names.find(name); }

/// `tensor` with its dimensions in the order `dims`, which has the same names.
static Term transpose(NodeImporter &node, Term term, StringRef dims) {
  if (term.dims == dims)
    return term;
  SmallVector<int64_t> permutation;
  Shape shape;
  for (char name : dims) {
    permutation.push_back(find(term.dims, name));
    shape.push_back(term.tensor.shape[permutation.back()]);
  }
  Value value =
      createTranspose(node, node.getValue(term.tensor), term.tensor.type,
                      term.tensor.shape, permutation);
  return {makeTensor(term.tensor.type, shape, value), dims.str()};
}

/// The map from loops called `loops` to an element of a tensor called `dims`.
static AffineMap getMap(NodeImporter &node, StringRef loops, StringRef dims) {
  SmallVector<AffineExpr> exprs;
  for (char name : dims)
    exprs.push_back(getAffineDimExpr(find(loops, name), node.getContext()));
  return AffineMap::get(loops.size(), 0, exprs, node.getContext());
}

/// The diagonal along names that `term` has several times, summed over those
/// that `isKept` does not hold for.
static Term reduce(NodeImporter &node, Term term,
                   llvm::function_ref<bool(char)> isKept) {
  Tensor &tensor = term.tensor;
  Term diagonal = {makeTensor(tensor.type, {}, {}), ""};
  for (auto [name, size] : llvm::zip(term.dims, tensor.shape)) {
    if (StringRef(diagonal.dims).contains(name))
      continue;
    diagonal.dims += name;
    diagonal.tensor.shape.push_back(size);
  }
  if (diagonal.dims == term.dims)
    diagonal = term;
  else
    diagonal.tensor.value = createGeneric(
        node, tensor.type, diagonal.tensor.shape,
        Operand{node.getValue(tensor), getMap(node, diagonal.dims, term.dims)},
        [](ImplicitLocOpBuilder &, ArrayRef<Value> elements) {
          return elements[0];
        });
  Term sum;
  SmallVector<int64_t> axes;
  for (auto [axis, name] : llvm::enumerate(diagonal.dims))
    if (isKept(name))
      sum.dims += name;
    else
      axes.push_back(axis);
  if (axes.empty())
    return diagonal;
  sum.tensor = makeTensor(tensor.type, getReducedShape(diagonal.tensor, axes),
                          createSum(node, diagonal.tensor, axes));
  return sum;
}

//===----------------------------------------------------------------------===//
// Two terms
//===----------------------------------------------------------------------===//

namespace {
/// The contraction of two terms to a third, of which the tensor is not there
/// yet.
class Contraction {
public:
  Contraction(NodeImporter &node, Term lhs, Term rhs, StringRef dims)
      : node(node), lhs(std::move(lhs)), rhs(std::move(rhs)) {
    result.dims = dims.str();
    result.tensor.type = this->lhs.tensor.type;
    for (char name : dims)
      result.tensor.shape.push_back(getSize(name));
  }

  Tensor create();

private:
  /// The names that are in all of `terms` and not in `others`, in the order of
  /// the first.
  static std::string getNames(ArrayRef<const Term *> terms,
                              ArrayRef<const Term *> others);
  std::string getBatch() { return getNames({&result, &lhs, &rhs}, {}); }
  std::string getRows() { return getNames({&result, &lhs}, {&rhs}); }
  std::string getColumns() { return getNames({&result, &rhs}, {&lhs}); }
  std::string getDepth() { return getNames({&lhs, &rhs}, {&result}); }

  AffineExpr getSize(char name) {
    const Term &term = StringRef(lhs.dims).contains(name) ? lhs : rhs;
    return term.tensor.shape[find(term.dims, name)];
  }
  /// Whether `second` follows `first` in every term that has one of them.
  bool areNeighbours(char first, char second);
  void join(char first, char second);
  void joinNeighbours();
  /// A dimension of size 1 in front of `term`, and of the result.
  void addUnit(Term &term, char name);
  bool isInOrder();
  void putInOrder();
  Value createProduct();

  NodeImporter &node;
  Term lhs, rhs, result;
};
} // namespace

std::string Contraction::getNames(ArrayRef<const Term *> terms,
                                  ArrayRef<const Term *> others) {
  std::string names;
  for (char name : terms.front()->dims) {
    auto hasName = [&](const Term *term) {
      return StringRef(term->dims).contains(name);
    };
    if (llvm::all_of(terms, hasName) && llvm::none_of(others, hasName))
      names += name;
  }
  return names;
}

bool Contraction::areNeighbours(char first, char second) {
  return llvm::all_of(std::initializer_list<Term *>{&lhs, &rhs, &result},
                      [&](Term *term) {
                        size_t i = find(term->dims, first);
                        size_t j = find(term->dims, second);
                        if (i == StringRef::npos || j == StringRef::npos)
                          return i == j;
                        return j == i + 1;
                      });
}

/// The dimension `first` takes in `second`.
void Contraction::join(char first, char second) {
  for (Term *term : {&lhs, &rhs, &result}) {
    size_t position = find(term->dims, first);
    if (position == StringRef::npos)
      continue;
    Shape shape = term->tensor.shape;
    Product product(ArrayRef(shape).slice(position, 2));
    shape[position] = product.getExpr(node.getContext());
    shape.erase(shape.begin() + position + 1);
    if (term == &result)
      term->tensor.shape = shape;
    else
      term->tensor = reshapeTensor(node, term->tensor, shape);
    term->dims.erase(position + 1, 1);
  }
}

void Contraction::joinNeighbours() {
  for (bool isChanged = true; isChanged;) {
    isChanged = false;
    for (const Term *term : {&lhs, &rhs})
      for (size_t i = 0; i + 1 < term->dims.size() && !isChanged; ++i)
        if (areNeighbours(term->dims[i], term->dims[i + 1])) {
          join(term->dims[i], term->dims[i + 1]);
          isChanged = true;
        }
  }
}

void Contraction::addUnit(Term &term, char name) {
  for (Term *extended : {&term, &result}) {
    Shape shape = extended->tensor.shape;
    shape.insert(shape.begin(), node.getConstantSize(1));
    if (extended == &result)
      extended->tensor.shape = shape;
    else
      extended->tensor = reshapeTensor(node, extended->tensor, shape);
    extended->dims.insert(extended->dims.begin(), name);
  }
}

/// Whether a product of matrices is left that needs no transposition. Further
/// rows and columns are loops around it, but for a linear layer, which has one
/// of each, rows of its input and its result one after the other.
bool Contraction::isInOrder() {
  std::string rows = getRows(), columns = getColumns(), depth = getDepth();
  if (rhs.tensor.constant && getBatch().empty())
    return rows.size() == 1 && columns.size() == 1 && depth.size() == 1 &&
           lhs.dims == rows + depth && result.dims == rows + columns;
  return depth.size() == 1 &&
         !StringRef(getBatch()).contains(result.dims.back());
}

/// The sum of products in loops over all names.
Value Contraction::createProduct() {
  ElementType type = result.tensor.type;
  std::string depth = getDepth();
  std::string loops = result.dims + depth;
  if (depth.empty())
    return createGeneric(
        node, type, result.tensor.shape,
        {{node.getValue(lhs.tensor), getMap(node, loops, lhs.dims)},
         {node.getValue(rhs.tensor), getMap(node, loops, rhs.dims)}},
        [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) {
          return createMul(b, type, elements[0], elements[1]);
        });
  bool isLinear = lhs.dims.size() == 2 && rhs.dims.size() == 2 &&
                  result.dims.size() == 2 && lhs.dims[1] == depth[0] &&
                  lhs.dims[0] == result.dims[0];
  if (isLinear)
    return createMatmul(node, type, node.getValue(lhs.tensor),
                        node.getValue(rhs.tensor), result.tensor.shape,
                        /*isRhsTransposed=*/rhs.dims[1] == depth[0]);
  SmallVector<utils::IteratorType> iterators(result.dims.size(),
                                             utils::IteratorType::parallel);
  iterators.append(depth.size(), utils::IteratorType::reduction);
  AffineMap maps[] = {getMap(node, loops, lhs.dims),
                      getMap(node, loops, rhs.dims),
                      getMap(node, loops, result.dims)};
  Value values[] = {node.getValue(lhs.tensor), node.getValue(rhs.tensor)};
  Value init =
      node.createFilled(node.createScalar(type, 0), type, result.tensor.shape);
  auto generic = linalg::GenericOp::create(
      node.b, init.getType(), values, init, maps, iterators,
      [&](OpBuilder &builder, Location loc, ValueRange elements) {
        ImplicitLocOpBuilder b(loc, builder);
        Value product = createMul(b, type, elements[0], elements[1]);
        linalg::YieldOp::create(b, createAdd(b, type, elements[2], product));
      });
  return generic.getResult(0);
}

/// The terms, and what their product is to be, with their classes one after the
/// other.
void Contraction::putInOrder() {
  std::string batch = getBatch(), rows = getRows(), columns = getColumns(),
              depth = getDepth();
  lhs = transpose(node, lhs, batch + rows + depth);
  rhs = transpose(node, rhs, batch + depth + columns);
  Shape shape;
  result.dims = batch + rows + columns;
  for (char name : result.dims)
    shape.push_back(getSize(name));
  result.tensor.shape = shape;
}

Tensor Contraction::create() {
  // The names that units get; no letters, so that they are new.
  constexpr char kRowUnit = '<', kColumnUnit = '>';
  Shape shape = result.tensor.shape;
  bool isMatrix =
      !getDepth().empty() && !(getRows().empty() && getColumns().empty());
  if (!isMatrix) {
    result.tensor.value = createProduct();
    return result.tensor;
  }
  if (getColumns().empty())
    addUnit(rhs, kColumnUnit);
  if (getRows().empty())
    addUnit(lhs, kRowUnit);
  joinNeighbours();
  if (isInOrder()) {
    result.tensor.value = createProduct();
    return reshapeTensor(node, result.tensor, shape);
  }
  std::string dims = result.dims;
  putInOrder();
  Term ordered = result;
  joinNeighbours();
  result.tensor.value = createProduct();
  ordered.tensor = reshapeTensor(node, result.tensor, ordered.tensor.shape);
  ordered = transpose(node, ordered, dims);
  return reshapeTensor(node, ordered.tensor, shape);
}

Tensor onnx::createEinsum(NodeImporter &node, Term lhs, Term rhs,
                          StringRef dims) {
  auto reduceFor = [&](Term &term, const Term &other) {
    return reduce(node, term, [&](char name) {
      return dims.contains(name) || StringRef(other.dims).contains(name);
    });
  };
  Term first = reduceFor(lhs, rhs);
  Term second = reduceFor(rhs, lhs);
  if (first.tensor.constant && !second.tensor.constant)
    std::swap(first, second);
  return Contraction(node, first, second, dims).create();
}

//===----------------------------------------------------------------------===//
// Equations
//===----------------------------------------------------------------------===//

namespace {
/// The names in an equation. Those that an ellipsis stands for are digits, 0
/// for the last one.
struct Equation {
  SmallVector<std::string> terms;
  std::string result;
};
} // namespace

static constexpr llvm::StringLiteral kEllipsis = "...";

/// `term` with `numDims` digits in place of its ellipsis; fails unless the rest
/// are letters.
static FailureOr<std::string> readTerm(NodeImporter &node, StringRef term,
                                       size_t numDims) {
  auto [before, after] = term.split(kEllipsis);
  std::string digits;
  if (term.contains(kEllipsis))
    for (size_t i = numDims; i-- > 0;)
      digits += static_cast<char>('0' + i);
  std::string dims = (before + digits + after).str();
  if (!llvm::all_of((before + after).str(), llvm::isAlpha))
    return node.emitError("Einsum with term '" + term +
                          "'; expects letters and at most one ellipsis");
  return dims;
}

/// The names that occur once, in the order of their codes, after those of an
/// ellipsis.
static std::string getImplicitResult(ArrayRef<std::string> terms,
                                     size_t numDims) {
  std::string all, result;
  for (const std::string &term : terms)
    all += term;
  for (size_t i = numDims; i-- > 0;)
    result += static_cast<char>('0' + i);
  std::string once;
  for (char name : all)
    if (llvm::isAlpha(name) && llvm::count(all, name) == 1)
      once += name;
  llvm::sort(once);
  return result + once;
}

static FailureOr<Equation> readEquation(NodeImporter &node) {
  std::string text = node.getString("equation", "").str();
  llvm::erase(text, ' ');
  auto [left, right] = StringRef(text).split("->");
  SmallVector<StringRef> parts;
  left.split(parts, ',');
  if (parts.size() != node.getNumInputs())
    return node.emitError("Einsum '" + text + "' of " +
                          Twine(node.getNumInputs()) +
                          " inputs; expects one term for each");
  Equation equation;
  size_t mostDims = 0;
  for (auto [input, part] : llvm::zip(node.getInputs(), parts)) {
    size_t numLetters = part.size();
    bool hasEllipsis = part.contains(kEllipsis);
    if (hasEllipsis)
      numLetters -= kEllipsis.size();
    size_t rank = input->getRank();
    if (numLetters > rank || (!hasEllipsis && numLetters < rank))
      return node.emitError("Einsum term '" + part + "' for shape " +
                            node.toString(input->shape) +
                            "; expects a letter for each dimension");
    FailureOr<std::string> term = readTerm(node, part, rank - numLetters);
    if (failed(term))
      return failure();
    equation.terms.push_back(*term);
    if (hasEllipsis)
      mostDims = std::max(mostDims, rank - numLetters);
  }
  if (!StringRef(text).contains("->")) {
    equation.result = getImplicitResult(equation.terms, mostDims);
    return equation;
  }
  FailureOr<std::string> result = readTerm(node, right, mostDims);
  if (failed(result))
    return failure();
  equation.result = *result;
  for (char name : equation.result)
    if (llvm::count(equation.result, name) != 1 ||
        llvm::none_of(equation.terms,
                      [&](StringRef term) { return term.contains(name); }))
      return node.emitError("Einsum result '" + right +
                            "'; expects names of the terms, each once");
  return equation;
}

/// `tensor` as a term without the dimensions of size 1 that are broadcast.
static Term dropBroadcast(NodeImporter &node, Tensor &tensor, StringRef dims,
                          const std::map<char, AffineExpr> &sizes) {
  Term term;
  Shape shape;
  for (auto [name, size] : llvm::zip(dims, tensor.shape)) {
    if (size != sizes.at(name))
      continue;
    term.dims += name;
    shape.push_back(size);
  }
  term.tensor = reshapeTensor(node, tensor, shape);
  return term;
}

/// The inputs as terms of `equation`, where equal names have equal sizes.
static FailureOr<SmallVector<Term>> getTerms(NodeImporter &node,
                                             const Equation &equation) {
  std::map<char, AffineExpr> sizes;
  for (auto [input, dims] : llvm::zip(node.getInputs(), equation.terms))
    for (auto [name, size] : llvm::zip(dims, input->shape)) {
      AffineExpr &known = sizes.try_emplace(name, size).first->second;
      if (isConstant(known, 1))
        known = size;
      else if (known != size && !isConstant(size, 1))
        return node.emitError("Einsum '" + node.getString("equation", "") +
                              "' with sizes " + node.toString({known}) +
                              " and " + node.toString({size}) +
                              " for one name; expects equal ones, or 1");
    }
  SmallVector<Term> terms;
  for (auto [input, dims] : llvm::zip(node.getInputs(), equation.terms))
    terms.push_back(dropBroadcast(node, *input, dims, sizes));
  return terms;
}

/// The names of `lhs` and `rhs` that one of the terms `rest` or `result` has.
static std::string getKept(const Term &lhs, const Term &rhs,
                           ArrayRef<Term> rest, StringRef result) {
  std::string kept;
  for (char name : lhs.dims + rhs.dims)
    if (!StringRef(kept).contains(name) &&
        (result.contains(name) || llvm::any_of(rest, [&](const Term &term) {
           return StringRef(term.dims).contains(name);
         })))
      kept += name;
  return kept;
}

/// Terms are multiplied from left to right.
static LogicalResult importEinsum(NodeImporter &node) {
  ElementType type = node.getInput(0).type;
  for (Tensor *input : node.getInputs())
    if (!input || input->type != type || !(isFloat(type) || isInteger(type)))
      return node.emitError("Einsum of inputs that differ in type or are no "
                            "numbers; expects numbers of one type");
  FailureOr<Equation> equation = readEquation(node);
  if (failed(equation))
    return failure();
  FailureOr<SmallVector<Term>> terms = getTerms(node, *equation);
  if (failed(terms))
    return failure();
  StringRef dims = equation->result;
  Term result = terms->front();
  if (terms->size() == 1) {
    result =
        reduce(node, result, [&](char name) { return dims.contains(name); });
    result = transpose(node, result, dims);
  }
  for (ArrayRef<Term> rest = ArrayRef(*terms).drop_front(); !rest.empty();
       rest = rest.drop_front()) {
    std::string kept = rest.size() == 1 ? dims.str()
                                        : getKept(result, rest.front(),
                                                  rest.drop_front(), dims);
    result = {createEinsum(node, result, rest.front(), kept), kept};
  }
  return node.setOutput(0, result.tensor);
}

static constexpr OpRow kRows[] = {
    {"Einsum", 12, 1, kVariadic, importEinsum},
};

ArrayRef<OpRow> onnx::getEinsumOps() { return kRows; }
