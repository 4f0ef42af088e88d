//===- RecurrentActivations.cpp - Functions of gates ----------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RecurrentActivations.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::onnx;

static Value constant(ImplicitLocOpBuilder &b, Value like, float value) {
  return arith::ConstantOp::create(b, b.getFloatAttr(like.getType(), value));
}

/// x < bound ? below : otherwise.
static Value selectBelow(ImplicitLocOpBuilder &b, Value x, float bound,
                         Value below, Value otherwise) {
  Value isBelow = arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, x,
                                        constant(b, x, bound));
  return arith::SelectOp::create(b, isBelow, below, otherwise);
}

static Value createRelu(ImplicitLocOpBuilder &b, Value x, float, float) {
  return arith::MaximumFOp::create(b, x, constant(b, x, 0));
}

static Value createTanh(ImplicitLocOpBuilder &b, Value x, float, float) {
  return math::TanhOp::create(b, x);
}

/// 1 / (1 + e^-x).
static Value createSigmoid(ImplicitLocOpBuilder &b, Value x, float, float) {
  Value power = math::ExpOp::create(b, arith::NegFOp::create(b, x));
  Value one = constant(b, x, 1);
  return arith::DivFOp::create(b, one, arith::AddFOp::create(b, one, power));
}

/// alpha * x + beta.
static Value createAffine(ImplicitLocOpBuilder &b, Value x, float alpha,
                          float beta) {
  Value product = arith::MulFOp::create(b, constant(b, x, alpha), x);
  return arith::AddFOp::create(b, product, constant(b, x, beta));
}

/// x < 0 ? alpha * x : x.
static Value createLeakyRelu(ImplicitLocOpBuilder &b, Value x, float alpha,
                             float) {
  Value product = arith::MulFOp::create(b, constant(b, x, alpha), x);
  return selectBelow(b, x, 0, product, x);
}

/// x < alpha ? 0 : x.
static Value createThresholdedRelu(ImplicitLocOpBuilder &b, Value x,
                                   float alpha, float) {
  return selectBelow(b, x, alpha, constant(b, x, 0), x);
}

/// alpha * tanh(beta * x).
static Value createScaledTanh(ImplicitLocOpBuilder &b, Value x, float alpha,
                              float beta) {
  Value scaled = arith::MulFOp::create(b, constant(b, x, beta), x);
  return arith::MulFOp::create(b, constant(b, x, alpha),
                               math::TanhOp::create(b, scaled));
}

/// max(0, min(1, alpha * x + beta)).
static Value createHardSigmoid(ImplicitLocOpBuilder &b, Value x, float alpha,
                               float beta) {
  Value line = createAffine(b, x, alpha, beta);
  Value low = arith::MinimumFOp::create(b, line, constant(b, x, 1));
  return arith::MaximumFOp::create(b, low, constant(b, x, 0));
}

/// x < 0 ? alpha * (e^x - 1) : x.
static Value createElu(ImplicitLocOpBuilder &b, Value x, float alpha, float) {
  Value power = math::ExpOp::create(b, x);
  Value difference = arith::SubFOp::create(b, power, constant(b, x, 1));
  Value curve = arith::MulFOp::create(b, constant(b, x, alpha), difference);
  return selectBelow(b, x, 0, curve, x);
}

/// x / (1 + |x|).
static Value createSoftsign(ImplicitLocOpBuilder &b, Value x, float, float) {
  Value size = math::AbsFOp::create(b, x);
  Value sum = arith::AddFOp::create(b, constant(b, x, 1), size);
  return arith::DivFOp::create(b, x, sum);
}

/// ln(1 + e^x) = max(x, 0) + ln(1 + e^-|x|).
static Value createSoftplus(ImplicitLocOpBuilder &b, Value x, float, float) {
  Value size = math::AbsFOp::create(b, x);
  Value power = math::ExpOp::create(b, arith::NegFOp::create(b, size));
  Value sum = arith::AddFOp::create(b, constant(b, x, 1), power);
  Value positive = arith::MaximumFOp::create(b, x, constant(b, x, 0));
  return arith::AddFOp::create(b, positive, math::LogOp::create(b, sum));
}

namespace {
/// A parameter that has no value is none of the function.
struct Row {
  StringLiteral name;
  Activation::Function function;
  std::optional<float> alpha, beta;
};
} // namespace

static constexpr Row kFunctions[] = {
    {"Affine", createAffine, 1.0f, 0.0f},
    {"Elu", createElu, 1.0f, std::nullopt},
    {"HardSigmoid", createHardSigmoid, 0.2f, 0.5f},
    {"LeakyRelu", createLeakyRelu, 0.01f, std::nullopt},
    {"Relu", createRelu, std::nullopt, std::nullopt},
    {"ScaledTanh", createScaledTanh, 1.0f, 1.0f},
    {"Sigmoid", createSigmoid, std::nullopt, std::nullopt},
    {"Softplus", createSoftplus, std::nullopt, std::nullopt},
    {"Softsign", createSoftsign, std::nullopt, std::nullopt},
    {"Tanh", createTanh, std::nullopt, std::nullopt},
    {"ThresholdedRelu", createThresholdedRelu, 1.0f, std::nullopt},
};

ActivationReader::ActivationReader(NodeImporter &node,
                                   ArrayRef<StringRef> defaults,
                                   size_t numDirections)
    : node(node), numFunctions(defaults.size()), numDirections(numDirections),
      names(node.getStrings("activations")),
      alphaValues(node.getFloats("activation_alpha")),
      betaValues(node.getFloats("activation_beta")), alphas(alphaValues),
      betas(betaValues) {
  if (names.empty())
    for (size_t direction = 0; direction < numDirections; ++direction)
      names.append(defaults.begin(), defaults.end());
}

float ActivationReader::takeParameter(ArrayRef<float> &values,
                                      std::optional<float> fallback) {
  if (!fallback || values.empty())
    return fallback.value_or(0);
  return values.consume_front();
}

LogicalResult ActivationReader::read(SmallVectorImpl<Activation> &activations) {
  if (names.size() != numFunctions * numDirections)
    return node.emitError("recurrent layer with " + Twine(names.size()) +
                          " activations; expects " +
                          Twine(numFunctions * numDirections));
  for (StringRef name : ArrayRef(names).slice(next, numFunctions)) {
    const Row *row = llvm::find_if(kFunctions, [&](const Row &candidate) {
      return candidate.name.equals_insensitive(name);
    });
    if (row == std::end(kFunctions))
      return node.emitError("recurrent layer with activation '" + name +
                            "'; expects a function that ONNX names");
    float alpha = takeParameter(alphas, row->alpha);
    float beta = takeParameter(betas, row->beta);
    activations.push_back({row->function, alpha, beta});
  }
  next += numFunctions;
  return success();
}
