//===- AttachLoss.cpp - From a model to its loss --------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Dialect/Quant/IR/ProgramInterface.h"
#include "quantc/Training/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include <limits>

namespace quantc {
#define GEN_PASS_DEF_ATTACHLOSS
#include "quantc/Training/Passes.h.inc"
} // namespace quantc

using namespace mlir;
using namespace quantc;
using utils::IteratorType;

llvm::cl::ValuesClass quantc::getLossValues() {
  return llvm::cl::values(
      clEnumValN(Loss::CrossEntropy, "cross-entropy",
                 "of scores and the number of the right class"),
      clEnumValN(Loss::MeanSquaredError, "mse", "the mean squared error"));
}

//===----------------------------------------------------------------------===//
// Formulas
//===----------------------------------------------------------------------===//

namespace {
/// Builds structured operations on f32 tensors, whose bodies are written with
/// the operations that quant-differentiate knows.
class LossBuilder {
public:
  using Body = function_ref<Value(ImplicitLocOpBuilder &, ValueRange)>;

  LossBuilder(Location loc, OpBuilder &builder) : b(loc, builder) {}

  Value createCrossEntropy(Value scores, Value labels);
  Value createMeanSquaredError(Value output, Value labels);

private:
  /// One operand, and the dimensions of the loops that index it.
  struct Operand {
    Value value;
    SmallVector<unsigned> dims;
  };

  AffineMap getMap(unsigned numLoops, ArrayRef<unsigned> dims) {
    SmallVector<AffineExpr> exprs;
    for (unsigned dim : dims)
      exprs.push_back(b.getAffineDimExpr(dim));
    return AffineMap::get(numLoops, 0, exprs, b.getContext());
  }
  /// body of the elements of the operands, in the shape of the first one.
  Value map(ArrayRef<Operand> operands, Body body);
  /// Folds the last dimension of `input` from `init` on, in ascending order.
  Value reduceLast(Value input, float init, Body body);
  Value sumLast(Value input) {
    return reduceLast(input, 0.0f,
                      [](ImplicitLocOpBuilder &b, ValueRange x) -> Value {
                        return arith::AddFOp::create(b, x[0], x[1]);
                      });
  }
  /// `sum` divided by the number of elements of `counted` as an f32.
  Value divideByCount(Value sum, Value counted);

  ImplicitLocOpBuilder b;
};
} // namespace

Value LossBuilder::map(ArrayRef<Operand> operands, Body body) {
  Value first = operands.front().value;
  unsigned numLoops = cast<RankedTensorType>(first.getType()).getRank();
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  for (const Operand &operand : operands) {
    inputs.push_back(operand.value);
    maps.push_back(getMap(numLoops, operand.dims));
  }
  maps.push_back(b.getMultiDimIdentityMap(numLoops));
  Value empty = tensor::EmptyOp::create(
      b, tensor::getMixedSizes(b, b.getLoc(), first), b.getF32Type());
  SmallVector<IteratorType> iterators(numLoops, IteratorType::parallel);
  return linalg::GenericOp::create(
             b, TypeRange{empty.getType()}, inputs, empty, maps, iterators,
             [&](OpBuilder &nested, Location loc, ValueRange elements) {
               ImplicitLocOpBuilder inner(loc, nested);
               linalg::YieldOp::create(inner, body(inner, elements));
             })
      .getResult(0);
}

Value LossBuilder::reduceLast(Value input, float init, Body body) {
  unsigned numLoops = cast<RankedTensorType>(input.getType()).getRank();
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, b.getLoc(), input);
  sizes.pop_back();
  Value start = arith::ConstantOp::create(b, b.getF32FloatAttr(init));
  Value empty = tensor::EmptyOp::create(b, sizes, b.getF32Type());
  Value filled = linalg::FillOp::create(b, start, empty).getResult(0);
  SmallVector<IteratorType> iterators(numLoops, IteratorType::parallel);
  iterators.back() = IteratorType::reduction;
  SmallVector<unsigned> kept =
      llvm::to_vector(llvm::seq<unsigned>(0, numLoops - 1));
  return linalg::GenericOp::create(
             b, TypeRange{filled.getType()}, input, filled,
             {b.getMultiDimIdentityMap(numLoops), getMap(numLoops, kept)},
             iterators,
             [&](OpBuilder &nested, Location loc, ValueRange elements) {
               ImplicitLocOpBuilder inner(loc, nested);
               linalg::YieldOp::create(inner, body(inner, elements));
             })
      .getResult(0);
}

Value LossBuilder::divideByCount(Value sum, Value counted) {
  Value count;
  int64_t rank = cast<RankedTensorType>(counted.getType()).getRank();
  for (int64_t dim = 0; dim < rank; ++dim) {
    Value size = tensor::DimOp::create(b, counted, dim);
    count = count ? Value(arith::MulIOp::create(b, count, size)) : size;
  }
  count = arith::IndexCastOp::create(b, b.getI64Type(), count);
  count = arith::SIToFPOp::create(b, b.getF32Type(), count);
  return map({{sum, {}}}, [&](ImplicitLocOpBuilder &b, ValueRange x) -> Value {
    return arith::DivFOp::create(b, x[0], count);
  });
}

/// cross_entropy_a1.
Value LossBuilder::createCrossEntropy(Value scores, Value labels) {
  Value largest =
      reduceLast(scores, -std::numeric_limits<float>::infinity(),
                 [](ImplicitLocOpBuilder &b, ValueRange x) -> Value {
                   return arith::MaximumFOp::create(b, x[0], x[1]);
                 });
  Value shifted = map({{scores, {0, 1}}, {largest, {0}}},
                      [](ImplicitLocOpBuilder &b, ValueRange x) -> Value {
                        return arith::SubFOp::create(b, x[0], x[1]);
                      });
  Value exponentials = map({{shifted, {0, 1}}},
                           [](ImplicitLocOpBuilder &b, ValueRange x) -> Value {
                             return math::ExpOp::create(b, x[0]);
                           });
  // The score of the right class among zeros: its sum is exact.
  Value chosen =
      map({{shifted, {0, 1}}, {labels, {0}}},
          [](ImplicitLocOpBuilder &b, ValueRange x) -> Value {
            Value number = arith::IndexCastOp::create(
                b, b.getI64Type(), linalg::IndexOp::create(b, 1));
            Value isRight = arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                                  number, x[1]);
            Value zero = arith::ConstantOp::create(b, b.getF32FloatAttr(0.0f));
            return arith::SelectOp::create(b, isRight, x[0], zero);
          });
  Value rows = map({{sumLast(exponentials), {0}}, {sumLast(chosen), {0}}},
                   [](ImplicitLocOpBuilder &b, ValueRange x) -> Value {
                     Value logarithm = math::LogOp::create(b, x[0]);
                     return arith::SubFOp::create(b, logarithm, x[1]);
                   });
  return divideByCount(sumLast(rows), rows);
}

/// mse_a1.
Value LossBuilder::createMeanSquaredError(Value output, Value labels) {
  unsigned rank = cast<RankedTensorType>(output.getType()).getRank();
  SmallVector<unsigned> dims = llvm::to_vector(llvm::seq<unsigned>(0, rank));
  Value sum = map({{output, dims}, {labels, dims}},
                  [](ImplicitLocOpBuilder &b, ValueRange x) -> Value {
                    Value error = arith::SubFOp::create(b, x[0], x[1]);
                    return arith::MulFOp::create(b, error, error);
                  });
  for (unsigned dim = 0; dim < rank; ++dim)
    sum = sumLast(sum);
  return divideByCount(sum, output);
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {
struct AttachLoss : quantc::impl::AttachLossBase<AttachLoss> {
  using AttachLossBase::AttachLossBase;

  void runOnOperation() override {
    FailureOr<func::FuncOp> entry = getEntry(getOperation());
    if (failed(entry))
      return signalPassFailure();
    FailureOr<ProgramInterface> interface = getProgramInterface(*entry);
    if (failed(interface) || failed(attach(*entry, *interface)))
      signalPassFailure();
  }

private:
  LogicalResult attach(func::FuncOp entry, ProgramInterface &interface);
  /// The input `labels` for an output.
  FailureOr<Port> getLabels(func::FuncOp entry, const Port &output);
};
} // namespace

FailureOr<Port> AttachLoss::getLabels(func::FuncOp entry, const Port &output) {
  if (!output.type.getElementType().isF32())
    return emitError(entry.getLoc())
           << "output '" << output.name << "' has elements of "
           << output.type.getElementType() << "; a loss needs f32";
  Port labels = output;
  labels.name = "labels";
  if (loss == Loss::MeanSquaredError)
    return labels;
  if (output.type.getRank() != 2)
    return emitError(entry.getLoc())
           << "output '" << output.name << "' is a " << output.type
           << "; cross-entropy needs [M, classes]";
  labels.type = RankedTensorType::get(output.type.getDimSize(0),
                                      IntegerType::get(&getContext(), 64));
  labels.shape = output.shape.getMajorSubMap(1);
  return labels;
}

LogicalResult AttachLoss::attach(func::FuncOp entry,
                                 ProgramInterface &interface) {
  auto isNextValue = [&](const Port &port) {
    return findPort(interface.inputs, port.name).has_value();
  };
  Operation *terminator = entry.front().getTerminator();
  std::optional<unsigned> target;
  SmallVector<Value> outputs(1);
  SmallVector<Port> ports = {getStaticPort(
      interface, "loss",
      RankedTensorType::get({}, Float32Type::get(&getContext())))};
  for (auto [index, port] : llvm::enumerate(interface.outputs)) {
    if (isNextValue(port)) {
      outputs.push_back(terminator->getOperand(index));
      ports.push_back(port);
    } else if (target) {
      return emitError(entry.getLoc())
             << "has the outputs '" << interface.outputs[*target].name
             << "' and '" << port.name << "'; a loss needs a single one";
    } else {
      target = index;
    }
  }
  if (!target)
    return emitError(entry.getLoc()) << "has no output; a loss needs one";
  if (findPort(interface.inputs, "labels"))
    return emitError(entry.getLoc())
           << "the program has an input 'labels' already; rename it";
  FailureOr<Port> labels = getLabels(entry, interface.outputs[*target]);
  if (failed(labels))
    return failure();
  unsigned index = entry.getNumArguments();
  if (failed(entry.insertArgument(index, labels->type, {}, entry.getLoc())))
    return failure();
  interface.inputs.push_back(*labels);

  OpBuilder builder(terminator);
  LossBuilder losses(entry.getLoc(), builder);
  Value output = terminator->getOperand(*target);
  outputs[0] =
      loss == Loss::CrossEntropy
          ? losses.createCrossEntropy(output, entry.getArgument(index))
          : losses.createMeanSquaredError(output, entry.getArgument(index));
  setOutputs(entry, outputs, ports, interface);
  return success();
}
