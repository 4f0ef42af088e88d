//===- ProgramText.cpp - Random programs in MLIR's syntax -----------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ProgramText.h"

using namespace quantc;
using namespace quantc::sweep;
using llvm::formatv;

std::string ProgramText::pickOptions() {
  std::string mode = pickOf({"static", "dynamic", "weight-only"});
  std::string granularity = pickOf({"per-tensor", "per-channel", "per-group"});
  bool isPerGroup = granularity == "per-group";
  return formatv("mode={0} weight-bits={1} activation-bits={2} "
                 "granularity={3} group-size={4} symmetric-weights={5} "
                 "symmetric-activations={6} skip-first={7}",
                 mode, isPerGroup ? 4 : pickOf({4, 8}),
                 mode == "weight-only" ? 32 : 8, granularity,
                 pickOf({8, 16, 32}), isPerGroup || flip(),
                 pickOf({"true", "false", "auto"}), pick(0, 3) == 0);
}

HostTensor ProgramText::pickInput(llvm::ArrayRef<int64_t> shape) {
  HostTensor input(DataType::F32, llvm::to_vector(shape));
  for (float &value : input.values<float>())
    value = pick(0, 31) ? pickFloat(-3.0f, 3.0f)
                        : pickOf({0.0f, -0.0f, 1e-40f, 100.0f, -100.0f});
  return input;
}

/// Parameters of a range of type tensor<shape x 2 x f32>, known at run time.
Parameters ProgramText::chooseParameters(const std::string &range,
                                         const std::string &shape, int bits,
                                         bool isSymmetric) {
  std::string parameters =
      add(formatv("quant.choose_params {0} {{bits = {1} : i64{2}} : "
                  "tensor<{3}2xf32> -> tensor<{3}f32>, tensor<{3}i8>",
                  range, bits, isSymmetric ? ", symmetric" : "", shape));
  // One operation with two results.
  body.insert(body.rfind(parameters + " =") + parameters.size(), ":2");
  return {parameters + "#0", parameters + "#1"};
}

/// `x`, f32 or i8, with `parameters` for all of it.
Activations ProgramText::quantize(const Activations &x,
                                  const Parameters &parameters) {
  Activations y = x;
  y.scale = parameters.scale;
  y.zeroPoint = parameters.zeroPoint;
  y.value =
      x.isInteger()
          ? add(formatv(
                "quant.requantize {0} input({1}, {2} : tensor<f32>, "
                "tensor<i8>) output({3}, {4} : tensor<f32>, tensor<i8>) : {5}",
                x.value, x.scale, x.zeroPoint, y.scale, y.zeroPoint,
                y.getType()))
          : add(formatv("quant.quantize {0} scale({1} : tensor<f32>) "
                        "zero_point({2} : tensor<i8>) : {3} -> {4}",
                        x.value, y.scale, y.zeroPoint, x.getType(),
                        y.getType()));
  return y;
}

/// `x` of f32, with parameters of its own for each row.
Activations ProgramText::quantizeRows(const Activations &x, bool isSymmetric) {
  std::string shape = x.rows + "x1x";
  std::string range = add(formatv("quant.observe {0} : {1} -> tensor<{2}2xf32>",
                                  x.value, x.getType(), shape));
  Parameters parameters = chooseParameters(range, shape, 8, isSymmetric);
  Activations y = x;
  y.scale = parameters.scale;
  y.zeroPoint = parameters.zeroPoint;
  y.value = add(formatv("quant.quantize {0} scale({1} : tensor<{5}f32>) "
                        "zero_point({2} : tensor<{5}i8>) : {3} -> {4}",
                        x.value, y.scale, y.zeroPoint, x.getType(), y.getType(),
                        shape));
  return y;
}

Activations ProgramText::dequantize(const Activations &x) {
  if (!x.isInteger())
    return x;
  Activations y = x;
  y.scale = y.zeroPoint = "";
  y.value =
      add(formatv("quant.dequantize {0} scale({1} : tensor<f32>) "
                  "zero_point({2} : tensor<i8>) : {3} -> {4}",
                  x.value, x.scale, x.zeroPoint, x.getType(), y.getType()));
  return y;
}

std::string ProgramText::addElementwise(const std::string &x,
                                        const std::string &type,
                                        const std::string &operations) {
  return add(formatv(
      "linalg.generic {{indexing_maps = [#all, #all], iterator_types = "
      "[\"parallel\", \"parallel\"]} ins({0} : {1}) outs({0} : {1}) {{\n"
      "  ^bb0(%x: f32, %out: f32):\n{2}    linalg.yield %y : f32\n  } -> {1}",
      x, type, operations));
}

Activations ProgramText::addRelu(const Activations &x) {
  Activations y = x;
  y.value = addElementwise(x.value, x.getType(),
                           "    %zero = arith.constant 0.0 : f32\n"
                           "    %y = arith.maximumf %x, %zero : f32\n");
  return y;
}

Activations ProgramText::addBias(const Activations &x, float low, float high) {
  Activations y = x;
  std::string bias =
      addFloats(x.size, low, high, formatv("tensor<{0}xf32>", x.size));
  y.value = add(formatv(
      "linalg.generic {{indexing_maps = [#all, #column, #all], "
      "iterator_types = [\"parallel\", \"parallel\"]} ins({0}, {1} : {2}, "
      "tensor<{3}xf32>) outs({0} : {2}) {{\n"
      "  ^bb0(%x: f32, %b: f32, %out: f32):\n"
      "    %y = arith.addf %x, %b : f32\n    linalg.yield %y : f32\n  } -> "
      "{2}",
      x.value, bias, x.getType(), x.size));
  return y;
}

/// Zeros of `type`, with the rows of `like` if it does not say how many.
std::string ProgramText::addZeros(const std::string &type,
                                  const std::string &like,
                                  const std::string &likeType) {
  std::string rows;
  if (type.find('?') != std::string::npos) {
    std::string c0 = add("arith.constant 0 : index");
    rows = add(formatv("tensor.dim {0}, {1} : {2}", like, c0, likeType));
  }
  std::string zero = add("arith.constant 0.0 : f32");
  std::string empty = add(formatv("tensor.empty({0}) : {1}", rows, type));
  return add(formatv("linalg.fill ins({0} : f32) outs({1} : {2}) -> {2}", zero,
                     empty, type));
}

std::string ProgramText::multiplyGroups(const Activations &x,
                                        const std::string &weight,
                                        int64_t groups, int64_t depth,
                                        const Activations &result) {
  std::string start = addZeros(result.getType(), x.value, x.getType());
  return add(formatv(
      "linalg.generic {{indexing_maps = [affine_map<(m, n, k) -> (m, (n "
      "floordiv {0}) * {1} + k)>, #nk, #mn], iterator_types = [\"parallel\", "
      "\"parallel\", \"reduction\"]} ins({2}, {3} : {4}, tensor<{5}x{1}xf32>) "
      "outs({6} : {7}) {{\n  ^bb0(%x: f32, %w: f32, %sum: f32):\n"
      "    %p = arith.mulf %x, %w : f32\n    %y = arith.addf %sum, %p : f32\n"
      "    linalg.yield %y : f32\n  } -> {7}",
      result.size / groups, depth, x.value, weight, x.getType(), result.size,
      start, result.getType()));
}

std::string
ProgramText::multiply(const std::string &lhs, const std::string &lhsType,
                      const std::string &rhs, const std::string &rhsType,
                      const std::string &type, const std::string &maps) {
  std::string start = addZeros(type, lhs, lhsType);
  return add(formatv("linalg.matmul indexing_maps = [{6}] ins({0}, {1} : {2}, "
                     "{3}) outs({4} : {5}) -> {5}",
                     lhs, rhs, lhsType, rhsType, start, type, maps));
}

std::string ProgramText::addNibbles(int64_t rows, int64_t depth, int64_t low,
                                    int64_t high, const std::string &type) {
  int64_t bytes = (depth + 1) / 2;
  std::string bytesType = formatv("tensor<{0}x{1}xi8>", rows, bytes);
  std::string packed = addIntegers(rows * bytes, low, high, bytesType);
  return add(formatv("quant.unpack {0} : {1} -> {2}", packed, bytesType, type));
}

Activations ProgramText::addLinear(const Activations &x,
                                   const LinearOperands &operands,
                                   int64_t size) {
  Activations y{"", size, operands.output.scale, operands.output.zeroPoint,
                x.rows};
  std::string text =
      formatv("quant.linear {0}, {1} scale({2} : tensor<{3}f32>)", x.value,
              operands.weight, operands.parameters.scale, operands.shape);
  if (!operands.parameters.zeroPoint.empty())
    text += formatv(" zero_point({0} : tensor<{1}i8>)",
                    operands.parameters.zeroPoint, operands.shape);
  if (!operands.multiplier.empty())
    text += formatv(" multiplier({0} : {1})", operands.multiplier,
                    operands.multiplierType);
  if (x.isInteger())
    text += formatv(" input({0}, {1} : tensor<{2}f32>, tensor<{2}i8>)", x.scale,
                    x.zeroPoint, operands.inputShape);
  if (!operands.bias.empty())
    text += formatv(" bias({0} : tensor<{1}xf32>)", operands.bias, size);
  if (y.isInteger())
    text += formatv(" output({0}, {1} : tensor<f32>, tensor<i8>)", y.scale,
                    y.zeroPoint);
  if (!operands.addend.empty())
    text += formatv(" addend({0} : tensor<{1}x{2}xf32>)", operands.addend,
                    x.rows, size);
  llvm::SmallVector<std::string> attributes;
  if (operands.clampMin)
    attributes.push_back(formatv("clamp_min = {0} : si64", *operands.clampMin));
  if (operands.featureGroups != 1)
    attributes.push_back(
        formatv("feature_groups = {0} : i64", operands.featureGroups));
  if (!attributes.empty())
    text += " {" + llvm::join(attributes, ", ") + "}";
  y.value = add(formatv("{0} : {1}, {2} -> {3}", text, x.getType(),
                        operands.weightType, y.getType()));
  return y;
}

std::string ProgramText::finish(const Activations &input,
                                llvm::ArrayRef<Activations> arguments,
                                const Activations &result) const {
  bool isDynamic = input.rows == "?";
  auto getShape = [&](const Activations &x) {
    return isDynamic ? formatv(" {{quant.shape = affine_map<(d0) -> (d0, "
                               "{0})>}",
                               x.size)
                           .str()
                     : std::string();
  };
  std::string inputs =
      formatv("{0}: {1}{2}", input.value, input.getType(), getShape(input));
  for (const Activations &argument : arguments)
    inputs += formatv(", {0}: {1}{2}", argument.value, argument.getType(),
                      getShape(argument));
  return formatv("#all = affine_map<(d0, d1) -> (d0, d1)>\n"
                 "#column = affine_map<(d0, d1) -> (d1)>\n"
                 "#mk = affine_map<(m, n, k) -> (m, k)>\n"
                 "#km = affine_map<(m, n, k) -> (k, m)>\n"
                 "#kn = affine_map<(m, n, k) -> (k, n)>\n"
                 "#nk = affine_map<(m, n, k) -> (n, k)>\n"
                 "#mn = affine_map<(m, n, k) -> (m, n)>\n"
                 "func.func @main({0}) -> ({1}{2}){3} {{\n{4}  return {5} : "
                 "{1}\n}\n",
                 inputs, result.getType(), getShape(result),
                 isDynamic ? " attributes {quant.dims = [\"batch\"]}" : "",
                 body, result.value);
}
