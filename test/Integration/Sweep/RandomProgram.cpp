//===- RandomProgram.cpp - Random feed-forward networks -------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RandomProgram.h"

#include "ProgramText.h"

#include "llvm/ADT/bit.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace quantc;
using namespace quantc::sweep;
using llvm::formatv;

namespace {

/// How the input of a layer is quantized.
enum class Mode { Float, WeightOnly, Dynamic, Static, StaticToInteger };

/// Writes a program one operation at a time.
class Writer : ProgramText {
public:
  explicit Writer(unsigned seed) : ProgramText(seed) {}

  RandomProgram writeInteger();
  FloatProgram writeFloat();

private:
  // Operations.
  Parameters pickParameters();
  Activations quantizeStatic(const Activations &x);
  Activations quantizeDynamic(const Activations &x);
  Activations addActivation(const Activations &x);
  Activations addFloatLayer(const Activations &x, int64_t size,
                            bool isRunTime = false);
  Activations addGramLayer(const Activations &x);
  std::string addAddend(const Activations &x, int64_t size);
  std::string addLora(const Activations &x, int64_t size);
  Activations addQuantizedLayer(const Activations &x, int64_t size, Mode mode);
  Activations addLayer(const Activations &x, int64_t size);
  RandomProgram finish(const HostTensor &input, const Activations &result);

  std::string summary;
};

} // namespace

//===----------------------------------------------------------------------===//
// Activations
//===----------------------------------------------------------------------===//

/// Parameters of activations, constant or not.
Parameters Writer::pickParameters() {
  if (pick(0, 3) == 0) {
    float range[] = {pickFloat(-4.0f, 0.0f), pickFloat(0.5f, 4.0f)};
    summary += " range";
    return chooseParameters(addConstant<float>(range, "tensor<2xf32>"), "", 8,
                            flip());
  }
  std::string scale = addScalar(pickFloat(0.005f, 0.05f));
  return {scale, addScalar(static_cast<int8_t>(
                     pickOf<int64_t>({0, -128, pick(-128, 127)})))};
}

Activations Writer::quantizeStatic(const Activations &x) {
  return x.isInteger() && flip() ? x : quantize(x, pickParameters());
}

Activations Writer::quantizeDynamic(const Activations &input) {
  Activations x = dequantize(input);
  return quantizeRows(x, flip());
}

Activations Writer::addActivation(const Activations &x) {
  Activations y = x;
  switch (pick(0, 4)) {
  case 0:
    summary += " relu";
    return addRelu(x);
  case 1:
    summary += " clip";
    y.value = addElementwise(x.value, x.getType(),
                             "    %low = arith.constant -0.5 : f32\n"
                             "    %high = arith.constant 1.5 : f32\n"
                             "    %0 = arith.maximumf %x, %low : f32\n"
                             "    %y = arith.minimumf %0, %high : f32\n");
    return y;
  case 2:
    summary += " tanh";
    y.value =
        addElementwise(x.value, x.getType(), "    %y = math.tanh %x : f32\n");
    return y;
  case 3:
    summary += " sigmoid";
    y.value = addElementwise(x.value, x.getType(),
                             "    %one = arith.constant 1.0 : f32\n"
                             "    %0 = arith.negf %x : f32\n"
                             "    %1 = math.exp %0 : f32\n"
                             "    %2 = arith.addf %1, %one : f32\n"
                             "    %y = arith.divf %one, %2 : f32\n");
    return y;
  default:
    return y;
  }
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

Activations Writer::addFloatLayer(const Activations &input, int64_t size,
                                  bool isRunTime) {
  Activations x = dequantize(input), y{"", size, "", ""};
  bool isTransposed = flip();
  std::string weightType =
      formatv("tensor<{0}x{1}xf32>", isTransposed ? size : x.size,
              isTransposed ? x.size : size);
  std::string weight = addFloats(x.size * size, -0.5f, 0.5f, weightType);
  if (isRunTime)
    weight =
        addElementwise(weight, weightType, "    %y = math.tanh %x : f32\n");
  y.value = multiply(x.value, x.getType(), weight, weightType, y.getType(),
                     isTransposed ? "#mk, #nk, #mn" : "#mk, #kn, #mn");
  summary += isRunTime ? " run-time float" : " float";
  return y;
}

/// x tanh(x^T x): a sum over the rows, and what it gives as a weight.
Activations Writer::addGramLayer(const Activations &input) {
  Activations x = dequantize(input), y{"", x.size, "", ""};
  std::string type = formatv("tensor<{0}x{0}xf32>", x.size);
  std::string gram = multiply(x.value, x.getType(), x.value, x.getType(), type,
                              "#km, #kn, #mn");
  gram = addElementwise(gram, type, "    %y = math.tanh %x : f32\n");
  y.value = multiply(x.value, x.getType(), gram, type, y.getType(),
                     flip() ? "#mk, #kn, #mn" : "#mk, #nk, #mn");
  summary += " gram";
  return y;
}

/// What a layer of `size` columns on `x` gets as its addend: nothing, the
/// product of a float layer, or the delta of LoRA adapters.
std::string Writer::addAddend(const Activations &x, int64_t size) {
  switch (pick(0, 5)) {
  case 0:
    return addFloatLayer(x, size).value;
  case 1:
  case 2:
    return addLora(dequantize(x), size);
  default:
    return "";
  }
}

std::string Writer::addLora(const Activations &x, int64_t size) {
  int64_t slots = pick(1, 3), rank = pickOf({1, 3, 8, 16});
  std::string storage = pickOf({"f32", "bf16", "i8"});
  std::string downType =
      formatv("tensor<{0}x{1}x{2}x{3}>", slots, x.size, rank, storage);
  std::string upType =
      formatv("tensor<{0}x{1}x{2}x{3}>", slots, rank, size, storage);
  auto addMatrix = [&](int64_t count, const std::string &type) {
    if (storage == "i8")
      return addIntegers(count, -127, 127, type);
    if (storage == "f32")
      return addFloats(count, -0.5f, 0.5f, type);
    // The upper halves of floats.
    std::vector<uint16_t> values(count);
    for (uint16_t &value : values)
      value = llvm::bit_cast<uint32_t>(pickFloat(-0.5f, 0.5f)) >> 16;
    return addConstant<uint16_t>(values, type);
  };
  std::string down = addMatrix(slots * x.size * rank, downType);
  std::string up = addMatrix(slots * rank * size, upType);
  std::string scale =
      addFloats(slots, 0.1f, 2.0f, formatv("tensor<{0}xf32>", slots));
  std::string operation =
      formatv("quant.lora {0}, {1}, {2} scale({3} : tensor<{4}xf32>)", x.value,
              down, up, scale, slots);
  if (storage == "i8") {
    std::string downScale = formatv("tensor<{0}x{1}xf32>", slots, rank);
    std::string upScale = formatv("tensor<{0}x{1}xf32>", slots, size);
    std::string first = addFloats(slots * rank, 0.001f, 0.004f, downScale);
    std::string second = addFloats(slots * size, 0.001f, 0.004f, upScale);
    operation += formatv(" storage_scales({0}, {1} : {2}, {3})", first, second,
                         downScale, upScale);
  }
  // Each row of the batch, or groups of them, with a slot of its own.
  std::vector<int32_t> slotOfRow(pick(1, 5));
  for (int32_t &slot : slotOfRow)
    slot = pick(-1, slots - 1);
  std::string slotType = formatv("tensor<{0}xi32>", slotOfRow.size());
  std::string slot = addConstant<int32_t>(slotOfRow, slotType);
  summary += formatv(" lora({0}x{1})", storage, rank);
  return add(
      formatv("{0} slots({1} : {2}) : {3}, {4}, {5} -> tensor<?x{6}xf32>",
              operation, slot, slotType, x.getType(), downType, upType, size));
}

Activations Writer::addQuantizedLayer(const Activations &input, int64_t size,
                                      Mode mode) {
  Activations x = mode == Mode::WeightOnly ? dequantize(input)
                  : mode == Mode::Dynamic  ? quantizeDynamic(input)
                                           : quantizeStatic(input);
  std::string addend = addAddend(input, size);
  int64_t depth = x.size;
  summary += mode == Mode::WeightOnly ? " weight-only"
             : mode == Mode::Dynamic  ? " dynamic"
             : mode == Mode::Static   ? " static"
                                      : " static-i8";

  // Groups are a proper divisor of K.
  llvm::SmallVector<int64_t> groupings;
  for (int64_t groups = 2; groups < depth; ++groups)
    if (depth % groups == 0)
      groupings.push_back(groups);
  int64_t groups =
      groupings.empty() ? 1 : groupings[pick(0, groupings.size() - 1)];
  int bits = pickOf({4, 8});
  bool hasMultiplier = bits == 4 && flip() && flip();
  bool hasFloatGroups = !hasMultiplier && groups > 1 &&
                        mode != Mode::StaticToInteger && pick(0, 2) == 0;
  bool isPerTensor = !hasMultiplier && !hasFloatGroups && pick(0, 2) == 0;
  bool isSymmetric = hasMultiplier || flip();
  bool isRunTime = pick(0, 2) == 0;
  summary +=
      formatv("{0} {1}b {2}{3}", isRunTime ? " run-time" : "", bits,
              hasMultiplier    ? formatv("groups({0})", groups).str()
              : hasFloatGroups ? formatv("float-groups({0})", groups).str()
              : isPerTensor    ? "tensor"
                               : "channel",
              isSymmetric ? "" : " zp");

  int64_t scaleGroups = hasFloatGroups ? groups : 1;
  LinearOperands operands;
  operands.shape =
      isPerTensor ? "" : formatv("{0}x{1}x", size, scaleGroups).str();
  operands.weightType = formatv("tensor<{0}x{1}xi{2}>", size, depth, bits);
  const std::string &shape = operands.shape, &weightType = operands.weightType;
  if (isRunTime) {
    // As in training: from floats, by the parameters of their ranges.
    std::string floatType = formatv("tensor<{0}x{1}xf32>", size, depth);
    std::string floats = addFloats(size * depth, -0.4f, 0.4f, floatType);
    std::string range =
        add(formatv("quant.observe {0} : {1} -> tensor<{2}2xf32>", floats,
                    floatType, shape));
    Parameters parameters = chooseParameters(range, shape, bits, isSymmetric);
    operands.weight =
        add(formatv("quant.quantize {0} scale({1} : tensor<{2}f32>) "
                    "zero_point({3} : tensor<{2}i8>) : {4} -> {5}",
                    floats, parameters.scale, shape, parameters.zeroPoint,
                    floatType, weightType));
    operands.parameters = parameters;
  } else {
    operands.weight = bits == 8
                          ? addIntegers(size * depth, isSymmetric ? -127 : -128,
                                        127, weightType)
                          : addNibbles(size, depth, -128, 127, weightType);
    int64_t count = isPerTensor ? 1 : size * scaleGroups;
    float unit = 1.0f / (bits == 8 ? 127 : hasMultiplier ? 60 : 7);
    operands.parameters.scale =
        addFloats(count, 0.1f * unit, 0.4f * unit, "tensor<" + shape + "f32>");
    if (!isSymmetric)
      operands.parameters.zeroPoint =
          addIntegers(count, bits == 8 ? -128 : -8, bits == 8 ? 127 : 7,
                      "tensor<" + shape + "i8>");
  }
  if (isSymmetric)
    operands.parameters.zeroPoint = "";

  if (hasMultiplier) {
    operands.multiplierType = formatv("tensor<{0}x{1}xi8>", size, groups);
    operands.multiplier =
        addIntegers(size * groups, 1, 15, operands.multiplierType);
  }
  operands.inputShape = mode == Mode::Dynamic ? "?x1x" : "";
  if (flip())
    operands.bias =
        addFloats(size, -1.0f, 1.0f, formatv("tensor<{0}xf32>", size));
  if (mode == Mode::StaticToInteger) {
    operands.output = pickParameters();
    if (flip()) {
      operands.clampMin = pick(-128, 126);
      summary += " clamp";
    }
  }
  if (!addend.empty())
    summary += " addend";
  operands.addend = addend;
  return addLinear(x, operands, size);
}

Activations Writer::addLayer(const Activations &x, int64_t size) {
  summary += formatv("{0}{1}x{2}", summary.empty() ? "" : ", ", x.size, size);
  Mode mode =
      pickOf({Mode::Float, Mode::WeightOnly, Mode::Dynamic, Mode::Static,
              Mode::Static, Mode::StaticToInteger, Mode::StaticToInteger});
  Activations y = mode != Mode::Float ? addQuantizedLayer(x, size, mode)
                  : size < x.size     ? addGramLayer(x)
                                      : addFloatLayer(x, size, flip());
  return y.isInteger() ? y : addActivation(y);
}

RandomProgram Writer::finish(const HostTensor &input,
                             const Activations &result) {
  Activations argument{"%input", input.shape[1], "", ""};
  return {ProgramText::finish(argument, {}, result),
          formatv("{0} rows, {1}", input.shape[0], summary),
          {{input}}};
}

RandomProgram Writer::writeInteger() {
  auto pickSize = [&] {
    return pickOf<int64_t>({1, 3, 7, 11, 16, 20, 32, 37, 48, 53, 64, 96});
  };
  Activations x{"%input", pickSize(), "", ""};
  HostTensor input = pickInput({pick(1, 33), x.size});
  for (int64_t layers = pick(1, 4); layers > 0; --layers)
    x = addLayer(x, pickSize());
  return finish(input, flip() ? dequantize(x) : x);
}

RandomProgram sweep::makeIntegerProgram(unsigned seed) {
  return Writer(seed).writeInteger();
}

//===----------------------------------------------------------------------===//
// Float networks
//===----------------------------------------------------------------------===//

FloatProgram Writer::writeFloat() {
  std::string options = pickOptions();
  bool isPerGroup = options.find("per-group") != std::string::npos;
  auto pickSize = [&] {
    return isPerGroup ? pickOf<int64_t>({32, 64, 96, 160})
                      : pickOf<int64_t>({1, 7, 11, 16, 33, 37, 53, 64});
  };
  Activations x{"%input", pickSize(), "", ""};
  HostTensor input = pickInput({pick(1, 33), x.size});
  int64_t layers = pick(1, 3);
  for (int64_t layer = 0; layer < layers; ++layer) {
    int64_t size = pickSize();
    summary += formatv("{0}{1}x{2}", layer ? ", " : "", x.size, size);
    x = addFloatLayer(x, size);
    // Layers are chosen by name.
    body.insert(body.size() - 1, formatv(" loc(\"fc{0}\")", layer));
    if (flip())
      x = addBias(x, -1.0f, 1.0f);
    x = addActivation(x);
  }
  FloatProgram result{finish(input, x), options};
  result.program.summary += " by " + options;
  return result;
}

FloatProgram sweep::makeFloatProgram(unsigned seed) {
  FloatProgram result = Writer(seed).writeFloat();
  // Adapters need a layer that is quantized.
  if (seed % 4 == 3 &&
      result.options.find("skip-first=true") == std::string::npos) {
    result.adapterSeed = seed;
    result.program.summary += " adapters";
  }
  return result;
}
