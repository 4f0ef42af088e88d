//===- Activations.cpp - Activation functions -----------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Builders.h"
#include "OpTable.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>

using namespace mlir;
using namespace quantc;
using namespace quantc::onnx;

namespace {
/// Writes formulas on the elements of one type.
struct Formula {
  ImplicitLocOpBuilder &b;
  Type type;

  Value constant(double value) {
    return arith::ConstantOp::create(b, b.getFloatAttr(type, value));
  }
  Value add(Value x, Value y) { return arith::AddFOp::create(b, x, y); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(b, x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, x, y); }
  Value div(Value x, Value y) { return arith::DivFOp::create(b, x, y); }
  Value max(Value x, Value y) { return arith::MaximumFOp::create(b, x, y); }
  Value min(Value x, Value y) { return arith::MinimumFOp::create(b, x, y); }
  Value abs(Value x) { return math::AbsFOp::create(b, x); }
  Value exp(Value x) { return math::ExpOp::create(b, x); }
  Value isGreater(Value x, Value y) {
    return arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, x, y);
  }
  Value select(Value condition, Value x, Value y) {
    return arith::SelectOp::create(b, condition, x, y);
  }
  /// x < 0 ? y : z.
  Value selectNegative(Value x, Value y, Value z) {
    Value isNegative =
        arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, x, constant(0));
    return arith::SelectOp::create(b, isNegative, y, z);
  }
};
} // namespace

/// Output 0 is `formula` of each element of input 0, broadcast with the other
/// inputs.
static LogicalResult
setFormula(NodeImporter &node,
           llvm::function_ref<Value(Formula, ArrayRef<Value>)> formula) {
  if (failed(node.expectFloats(node.getNumInputs())))
    return failure();
  ElementType type = node.getInput(0).type;
  return setElementwiseOutput(
      node, type, node.getInputs(),
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) {
        return formula(Formula{b, elements[0].getType()}, elements);
      });
}

/// max(x, 0).
static LogicalResult importRelu(NodeImporter &node) {
  ElementType type = node.getInput(0).type;
  if (!isFloat(type) && !isInteger(type))
    return node.emitError("Relu of " + getName(type) + "; expects numbers");
  Value zero = node.createScalar(type, 0);
  return setElementwiseOutput(
      node, type, node.getInputs(),
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) {
        return createMax(b, type, elements[0], zero);
      });
}

/// x < 0 ? alpha * x : x.
static LogicalResult importLeakyRelu(NodeImporter &node) {
  float alpha = node.getFloat("alpha", 0.01f);
  return setFormula(node, [&](Formula f, ArrayRef<Value> x) {
    return f.selectNegative(x[0], f.mul(x[0], f.constant(alpha)), x[0]);
  });
}

/// x < 0 ? slope * x : x.
static LogicalResult importPRelu(NodeImporter &node) {
  return setFormula(node, [&](Formula f, ArrayRef<Value> x) {
    return f.selectNegative(x[0], f.mul(x[0], x[1]), x[0]);
  });
}

/// 1 / (1 + e^-x).
static LogicalResult importSigmoid(NodeImporter &node) {
  return setFormula(node, [&](Formula f, ArrayRef<Value> x) {
    Value negated = arith::NegFOp::create(f.b, x[0]);
    Value power = math::ExpOp::create(f.b, negated);
    Value one = f.constant(1);
    return f.div(one, f.add(one, power));
  });
}

/// max(0, min(1, alpha * x + beta)).
static Value createHardSigmoid(Formula f, Value x, double alpha, double beta) {
  Value line = f.add(f.mul(x, f.constant(alpha)), f.constant(beta));
  return f.max(f.min(line, f.constant(1)), f.constant(0));
}

static LogicalResult importHardSigmoid(NodeImporter &node) {
  float alpha = node.getFloat("alpha", 0.2f);
  float beta = node.getFloat("beta", 0.5f);
  return setFormula(node, [&](Formula f, ArrayRef<Value> x) {
    return createHardSigmoid(f, x[0], alpha, beta);
  });
}

/// x * max(0, min(1, x / 6 + 0.5)).
static LogicalResult importHardSwish(NodeImporter &node) {
  return setFormula(node, [&](Formula f, ArrayRef<Value> x) {
    return f.mul(x[0], createHardSigmoid(f, x[0], 1.0 / 6, 0.5));
  });
}

/// "none": x * (1 + erf(x / sqrt 2)) / 2. "tanh": x * (1 + tanh(sqrt(2 / pi) *
/// (x + 0.044715 x^3))) / 2.
static LogicalResult importGelu(NodeImporter &node) {
  StringRef approximation = node.getString("approximate", "none");
  if (approximation != "none" && approximation != "tanh")
    return node.emitError("Gelu approximation '" + approximation +
                          "'; expects 'none' or 'tanh'");
  return setFormula(node, [&](Formula f, ArrayRef<Value> x) {
    Value curve;
    if (approximation == "none") {
      Value scaled = f.mul(x[0], f.constant(M_SQRT1_2));
      curve = math::ErfOp::create(f.b, scaled);
    } else {
      Value cube = f.mul(x[0], f.mul(x[0], x[0]));
      Value inner = f.add(x[0], f.mul(f.constant(0.044715), cube));
      Value scaled = f.mul(f.constant(M_SQRT1_2 * M_2_SQRTPI), inner);
      curve = math::TanhOp::create(f.b, scaled);
    }
    Value half = f.mul(f.constant(0.5), x[0]);
    return f.mul(half, f.add(f.constant(1), curve));
  });
}

/// min(max(x, low), high), where each bound is optional.
static LogicalResult setClip(NodeImporter &node, Tensor *low, Tensor *high) {
  Tensor &input = node.getInput(0);
  SmallVector<Tensor *> tensors = {&input};
  for (Tensor *bound : {low, high}) {
    if (!bound)
      continue;
    if (bound->type != input.type || bound->getRank() != 0)
      return node.emitError(
          "Clip with a bound of type " + getName(bound->type) + " and shape " +
          node.toString(bound->shape) + "; expects a scalar of type " +
          getName(input.type));
    tensors.push_back(bound);
  }
  if (tensors.size() == 1)
    return node.setOutput(0, input);
  return setElementwiseOutput(
      node, input.type, tensors,
      [&](ImplicitLocOpBuilder &b, ArrayRef<Value> elements) {
        Value result = elements[0];
        if (low)
          result = createMax(b, input.type, result, elements[1]);
        if (high)
          result = createMin(b, input.type, result, elements.back());
        return result;
      });
}

static LogicalResult importClip(NodeImporter &node) {
  return setClip(node, node.hasInput(1) ? &node.getInput(1) : nullptr,
                 node.hasInput(2) ? &node.getInput(2) : nullptr);
}

/// Before opset 11 the bounds are attributes.
static LogicalResult importClipWithAttributes(NodeImporter &node) {
  if (failed(node.expectFloats(1)))
    return failure();
  ElementType type = node.getInput(0).type;
  auto getBound = [&](StringRef name) -> std::optional<Tensor> {
    if (!node.findAttribute(name))
      return std::nullopt;
    FloatAttr bound = node.b.getFloatAttr(getMlirType(type, node.getContext()),
                                          node.getFloat(name, 0));
    return createConstant(
        type, DenseElementsAttr::get(node.getType(type, {}), bound.getValue()));
  };
  std::optional<Tensor> low = getBound("min"), high = getBound("max");
  return setClip(node, low ? &*low : nullptr, high ? &*high : nullptr);
}

/// x < 0 ? alpha (e^x - 1) : x.
static LogicalResult importElu(NodeImporter &node) {
  float alpha = node.getFloat("alpha", 1);
  return setFormula(node, [&](Formula f, ArrayRef<Value> x) {
    Value curve = f.mul(f.constant(alpha), f.sub(f.exp(x[0]), f.constant(1)));
    return f.selectNegative(x[0], curve, x[0]);
  });
}

/// max(0, x) + min(0, alpha (e^(x / alpha) - 1)).
static LogicalResult importCelu(NodeImporter &node) {
  float alpha = node.getFloat("alpha", 1);
  return setFormula(node, [&](Formula f, ArrayRef<Value> x) {
    Value power = f.exp(f.div(x[0], f.constant(alpha)));
    Value curve = f.mul(f.constant(alpha), f.sub(power, f.constant(1)));
    return f.add(f.max(x[0], f.constant(0)), f.min(curve, f.constant(0)));
  });
}

/// gamma (x > 0 ? x : alpha e^x - alpha).
static LogicalResult importSelu(NodeImporter &node) {
  float alpha = node.getFloat("alpha", 1.67326319217681884765625f);
  float gamma = node.getFloat("gamma", 1.05070102214813232421875f);
  return setFormula(node, [&](Formula f, ArrayRef<Value> x) {
    Value scale = f.constant(alpha);
    Value curve = f.sub(f.mul(scale, f.exp(x[0])), scale);
    Value isPositive = f.isGreater(x[0], f.constant(0));
    return f.mul(f.constant(gamma), f.select(isPositive, x[0], curve));
  });
}

/// ln(1 + e^x) = max(x, 0) + ln(1 + e), e = e^-|x|. With u = 1 + e rounded,
/// ln(1 + e) is ln(u) e / (u - 1): the error of u cancels (Kahan).
static LogicalResult importSoftplus(NodeImporter &node) {
  return setFormula(node, [](Formula f, ArrayRef<Value> x) {
    Value one = f.constant(1);
    Value negated = arith::NegFOp::create(f.b, f.abs(x[0]));
    Value power = f.exp(negated);
    Value sum = f.add(one, power);
    Value excess = f.sub(sum, one);
    Value logarithm = math::LogOp::create(f.b, sum);
    Value exact = f.div(f.mul(logarithm, power), excess);
    Value tail = f.select(f.isGreater(excess, f.constant(0)), exact, power);
    return f.add(f.max(x[0], f.constant(0)), tail);
  });
}

/// x / (1 + |x|).
static LogicalResult importSoftsign(NodeImporter &node) {
  return setFormula(node, [](Formula f, ArrayRef<Value> x) {
    return f.div(x[0], f.add(f.constant(1), f.abs(x[0])));
  });
}

/// x tanh(ln(1 + e^x)) = x w / (w + 2), w = e^x (e^x + 2). From x = 20 on the
/// quotient is 1.
static LogicalResult importMish(NodeImporter &node) {
  return setFormula(node, [](Formula f, ArrayRef<Value> x) {
    Value two = f.constant(2);
    Value power = f.exp(f.min(x[0], f.constant(20)));
    Value w = f.mul(power, f.add(power, two));
    return f.mul(x[0], f.div(w, f.add(w, two)));
  });
}

/// x sigmoid(alpha x).
static LogicalResult importSwish(NodeImporter &node) {
  float alpha = node.getFloat("alpha", 1);
  return setFormula(node, [&](Formula f, ArrayRef<Value> x) {
    Value power = f.exp(f.mul(f.constant(-alpha), x[0]));
    return f.div(x[0], f.add(f.constant(1), power));
  });
}

/// x sigmoid(alpha x) y.
static LogicalResult importSwiGLU(NodeImporter &node) {
  float alpha = node.getFloat("alpha", 1);
  if (node.getInput(0).shape != node.getInput(1).shape)
    return node.emitError(
        "SwiGLU of shapes " + node.toString(node.getInput(0).shape) + " and " +
        node.toString(node.getInput(1).shape) + "; expects equal ones");
  return setFormula(node, [&](Formula f, ArrayRef<Value> x) {
    Value power = f.exp(f.mul(f.constant(-alpha), x[0]));
    return f.mul(f.div(x[0], f.add(f.constant(1), power)), x[1]);
  });
}

/// x > alpha ? x : 0.
static LogicalResult importThresholdedRelu(NodeImporter &node) {
  float alpha = node.getFloat("alpha", 1);
  return setFormula(node, [&](Formula f, ArrayRef<Value> x) {
    return f.select(f.isGreater(x[0], f.constant(alpha)), x[0], f.constant(0));
  });
}

/// x moved towards 0 by `bias` where |x| > lambd, else 0.
static LogicalResult importShrink(NodeImporter &node) {
  float lambda = node.getFloat("lambd", 0.5f);
  float bias = node.getFloat("bias", 0);
  return setFormula(node, [&](Formula f, ArrayRef<Value> x) {
    Value isLow = f.isGreater(f.constant(-lambda), x[0]);
    Value isHigh = f.isGreater(x[0], f.constant(lambda));
    Value high = f.select(isHigh, f.sub(x[0], f.constant(bias)), f.constant(0));
    return f.select(isLow, f.add(x[0], f.constant(bias)), high);
  });
}

static constexpr OpRow kRows[] = {
    {"Celu", 12, 1, 1, importCelu},
    {"Clip", 6, 1, 1, importClipWithAttributes},
    {"Clip", 11, 1, 3, importClip},
    {"Elu", 6, 1, 1, importElu},
    {"Gelu", 20, 1, 1, importGelu},
    {"HardSigmoid", 6, 1, 1, importHardSigmoid},
    {"HardSwish", 14, 1, 1, importHardSwish},
    {"LeakyRelu", 6, 1, 1, importLeakyRelu},
    {"Mish", 18, 1, 1, importMish},
    {"PRelu", 7, 2, 2, importPRelu},
    {"Relu", 6, 1, 1, importRelu},
    {"Selu", 6, 1, 1, importSelu},
    {"Shrink", 9, 1, 1, importShrink},
    {"Sigmoid", 6, 1, 1, importSigmoid},
    {"Softplus", 1, 1, 1, importSoftplus},
    {"Softsign", 1, 1, 1, importSoftsign},
    {"SwiGLU", 28, 2, 2, importSwiGLU},
    {"Swish", 24, 1, 1, importSwish},
    {"ThresholdedRelu", 10, 1, 1, importThresholdedRelu},
};

ArrayRef<OpRow> onnx::getActivationOps() { return kRows; }
