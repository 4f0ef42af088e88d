//===- RandomLayer.cpp - Random single layers -----------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RandomLayer.h"

#include "ProgramText.h"
#include "quantc/Target/DotInstructions.h"
#include <cmath>
#include <limits>
#include <set>

using namespace quantc;
using namespace quantc::sweep;
using llvm::formatv;

namespace {

enum class Mode { Float, WeightOnly, Dynamic, Static, StaticToInteger };

/// Which weights have a scale of their own, or a multiplier.
enum class Granularity { Tensor, Channel, FloatGroups, Multipliers };

/// What a tensor holds: numbers of both signs, or one end of the range, or the
/// two ends in turn.
enum class Pattern { Random, Special, Zeros, Lowest, Highest, Alternating };

class Writer : ProgramText {
public:
  explicit Writer(unsigned seed) : ProgramText(seed) {}

  RandomProgram write();

private:
  template <class T>
  const T &pickRow(llvm::ArrayRef<T> rows) {
    return rows[pick(0, rows.size() - 1)];
  }
  Accumulators pickAccumulators();
  int64_t pickColumns();
  int64_t pickDepth();
  int64_t pickFloatDepth();
  int64_t pickRows();
  void chooseKind();
  void chooseFeatureGroups();
  int64_t getInputSize();
  Activations addWindows(const Activations &x);
  Activations joinPlaces(const Activations &y);

  std::vector<int8_t> fillIntegers(int64_t count, int64_t low, int64_t high,
                                   Pattern pattern);
  HostTensor makeInput(DataType type, int64_t rows, int64_t size,
                       Pattern pattern);
  float pickScale(float low, float high);
  Activations addFloatLayer(const Activations &x);
  Activations addQuantizedLayer(const Activations &x,
                                const std::string &residual);
  Activations addSum(const Activations &x, const Activations &y);

  Mode mode;
  Granularity granularity;
  int bits;
  int64_t columns, depth, groups = 1, featureGroups = 1;
  /// Windows along a row of places, of which each has a channel for each group;
  /// none with 0.
  int64_t places = 0, stride = 1;
  bool isWeightConstant = false;
  std::string summary;
};

} // namespace

static constexpr llvm::StringLiteral kModeNames[] = {
    "float", "weight-only", "dynamic", "static", "static-i8"};
static constexpr llvm::StringLiteral kGranularityNames[] = {
    "tensor", "channel", "float groups", "groups"};
static constexpr llvm::StringLiteral kPatternNames[] = {
    "random", "special", "zeros", "lowest", "highest", "alternating"};

/// The most multiply-accumulates of a call: the interpreter makes them one by
/// one.
static constexpr int64_t kMostWork = 1 << 23;

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

Accumulators Writer::pickAccumulators() {
  return mode == Mode::Float || mode == Mode::WeightOnly
             ? pickRow(getVectorUnits()).accumulators
             : pickRow(getDotInstructions()).accumulators;
}

/// N around a register and around a panel, and with a remainder of columns
/// after whole panels.
int64_t Writer::pickColumns() {
  Accumulators block = pickAccumulators();
  int64_t edge = pickOf({block.columns, block.panel, block.panel,
                         2 * block.panel, 2 * block.panel + block.columns});
  return std::max<int64_t>(
      pickOf<int64_t>({edge - 1, edge, edge + 1, edge + 3, 1}), 1);
}

/// K around the depth of an instruction and of a tile, multiples of them and of
/// the steps that are added up and, seldom, the block of K that stays in the
/// first cache.
int64_t Writer::pickDepth() {
  const TileInstruction &tile = pickRow(getTileInstructions());
  const DotInstruction &row = pickRow(getDotInstructions());
  int64_t step = row.depth * pickOf<int64_t>({1, row.steps});
  int64_t edge = pickOf({step, 2 * step, pick(3, 20) * step, tile.depth,
                         tile.depth + step, 3 * tile.depth});
  if (pick(0, 7) == 0)
    edge = pickOf({tile.depthBlock, 2 * tile.depthBlock});
  return std::max<int64_t>(edge + pick(-1, 1), 1);
}

/// K around the fewest terms that are cut into blocks and, of weights that are
/// decoded, around one block and two; or few.
int64_t Writer::pickFloatDepth() {
  if (pick(0, 5) != 0)
    return pick(1, 80);
  const VectorUnit &unit = pickRow(getVectorUnits());
  if (mode == Mode::WeightOnly && flip()) {
    int64_t block = kDecodedBytes / (unit.accumulators.panel * sizeof(float));
    return pick(1, 2) * block + pick(-1, 1);
  }
  int64_t depth = 1;
  while (chooseDepthBlock(depth, unit) == 0)
    ++depth;
  return depth + pick(-1, 1);
}

/// M around the rows of a block and of a tile, around those where the schedule
/// changes, powers of two and, seldom, the rows that accumulate together.
int64_t Writer::pickRows() {
  const TileInstruction &tile = pickRow(getTileInstructions());
  int64_t block = chooseBlock(columns, pickAccumulators()).rows;
  int64_t few = pick(2, 2 * kMostRowsInBlock);
  int64_t edge =
      pickOf({block, 2 * block, few, kMostRowsInBlock, tile.leastRows,
              tile.rows, 2 * tile.rows, int64_t(1) << pick(1, 6)});
  if (pick(0, 9) == 0)
    edge = tile.rowBlock;
  return std::max<int64_t>(edge + pick(-1, 1), 1);
}

/// The mode, the weights' storage and the sizes.
void Writer::chooseKind() {
  mode = static_cast<Mode>(pick(0, 4));
  columns = pickColumns();
  bits = pickOf({4, 8});
  granularity = static_cast<Granularity>(pick(0, 3));
  // The scales of groups stay apart from an integer result.
  if ((granularity == Granularity::Multipliers && bits == 8) ||
      (granularity == Granularity::FloatGroups &&
       mode == Mode::StaticToInteger))
    granularity = Granularity::Channel;
  if (mode == Mode::Float) {
    depth = pickFloatDepth();
    summary = formatv("{0}x{1} float", depth, columns);
    return;
  }
  depth = mode == Mode::WeightOnly ? pickFloatDepth() : pickDepth();
  if (granularity == Granularity::FloatGroups ||
      granularity == Granularity::Multipliers) {
    groups = pick(2, 5);
    int64_t size = pick(0, 3) ? int64_t(8) << pick(0, 5) : pick(1, 9);
    depth = groups * size;
  }
  summary = formatv("{0}x{1} {2} {3}b {4}({5})", depth, columns,
                    kModeNames[static_cast<int>(mode)], bits,
                    kGranularityNames[static_cast<int>(granularity)], groups);
}

/// One layer in four has groups of features; half of those are depthwise, on
/// windows of places.
void Writer::chooseFeatureGroups() {
  if (pick(0, 3) != 0)
    return;
  bool isDepthwise = flip();
  int64_t outputs = isDepthwise ? pickOf({1, 1, 2}) : 0;
  featureGroups =
      isDepthwise ? std::max<int64_t>(columns / outputs, 2) : pick(2, 4);
  if (!isDepthwise) {
    outputs = llvm::divideCeil(columns, featureGroups);
    summary += formatv(" feature groups({0})", featureGroups);
  } else {
    depth = groups * pick(1, groups == 1 ? 9 : 3);
    places = pick(1, 9);
    stride = pick(1, 2);
    summary += formatv(" depthwise({0} of {1} by {2})", places, depth, stride);
  }
  columns = featureGroups * outputs;
}

int64_t Writer::getInputSize() {
  return featureGroups * (places ? (places - 1) * stride + depth : depth);
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

std::vector<int8_t> Writer::fillIntegers(int64_t count, int64_t low,
                                         int64_t high, Pattern pattern) {
  std::vector<int8_t> values(count);
  for (auto [i, value] : llvm::enumerate(values))
    switch (pattern) {
    case Pattern::Random:
      value = pick(low, high);
      break;
    case Pattern::Special:
      value = pickOf<int64_t>({low, low + 1, -1, 0, 1, high - 1, high});
      break;
    case Pattern::Zeros:
      value = 0;
      break;
    case Pattern::Lowest:
      value = low;
      break;
    case Pattern::Highest:
      value = high;
      break;
    case Pattern::Alternating:
      value = i % 2 ? low : high;
      break;
    }
  return values;
}

/// Integers, or floats whose ends saturate to those of i8.
HostTensor Writer::makeInput(DataType type, int64_t rows, int64_t size,
                             Pattern pattern) {
  HostTensor input(type, {rows, size});
  if (type == DataType::I8) {
    std::vector<int8_t> values = fillIntegers(rows * size, -128, 127, pattern);
    llvm::copy(values, input.values<int8_t>().begin());
    return input;
  }
  constexpr float kInf = std::numeric_limits<float>::infinity();
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kLargest = std::numeric_limits<float>::max();
  for (auto [i, value] : llvm::enumerate(input.values<float>()))
    switch (pattern) {
    case Pattern::Random:
      value = pickFloat(-3.0f, 3.0f);
      break;
    case Pattern::Special:
      value = pick(0, 3)
                  ? pickFloat(-3.0f, 3.0f)
                  : pickOf({kNan, kInf, -kInf, kLargest, -kLargest, 1e-40f,
                            -1e-40f, 1e-45f, 1e20f, 0.0f, -0.0f});
      break;
    case Pattern::Zeros:
      value = flip() ? 0.0f : -0.0f;
      break;
    case Pattern::Lowest:
      value = -1e10f;
      break;
    case Pattern::Highest:
      value = 1e10f;
      break;
    case Pattern::Alternating:
      value = i % 2 ? -1e10f : 1e10f;
      break;
    }
  return input;
}

/// A scale in [low, high], seldom at an end of what f32 can hold.
float Writer::pickScale(float low, float high) {
  return pick(0, 15) ? pickFloat(low, high)
                     : pickOf({1e-45f, 1e-38f, 1e-20f, 1e20f, 1e38f});
}

//===----------------------------------------------------------------------===//
// Windows
//===----------------------------------------------------------------------===//

/// The windows of rows of places with channels, [M * P, C * K].
Activations Writer::addWindows(const Activations &x) {
  if (places == 0)
    return x;
  std::string element = x.isInteger() ? "i8" : "f32";
  std::string c0 = add("arith.constant 0 : index");
  std::string rows =
      add(formatv("tensor.dim {0}, {1} : {2}", x.value, c0, x.getType()));
  std::string shape = formatv("tensor<{0}x{1}x{2}x{3}>", x.rows,
                              x.size / featureGroups, featureGroups, element);
  std::string expanded = add(formatv(
      "tensor.expand_shape {0} [[0], [1, 2]] output_shape [{1}, {2}, {3}] : "
      "{4} into {5}",
      x.value, x.rows == "?" ? rows : x.rows, x.size / featureGroups,
      featureGroups, x.getType(), shape));
  std::string type = formatv("tensor<{0}x{1}x{2}x{3}x{4}>", x.rows, places,
                             featureGroups, depth, element);
  std::string empty =
      add(formatv("tensor.empty({0}) : {1}", x.rows == "?" ? rows : "", type));
  std::string windows = add(formatv(
      "linalg.generic {{indexing_maps = [affine_map<(r, p, c, t) -> (r, p * "
      "{0} + t, c)>, affine_map<(r, p, c, t) -> (r, p, c, t)>], "
      "iterator_types = [\"parallel\", \"parallel\", \"parallel\", "
      "\"parallel\"]} ins({1} : {2}) outs({3} : {4}) {{\n"
      "  ^bb0(%x: {5}, %out: {5}):\n    linalg.yield %x : {5}\n  } -> {4}",
      stride, expanded, shape, empty, type, element));
  Activations y = x;
  y.size = featureGroups * depth;
  if (x.rows != "?")
    y.rows = std::to_string(std::stoll(x.rows) * places);
  y.value = add(formatv("tensor.collapse_shape {0} [[0, 1], [2, 3]] : {1} into "
                        "{2}",
                        windows, type, y.getType()));
  return y;
}

/// [M * P, N] -> [M, P * N].
Activations Writer::joinPlaces(const Activations &y) {
  if (places == 0)
    return y;
  std::string c0 = add("arith.constant 0 : index");
  std::string count = add(formatv("arith.constant {0} : index", places));
  std::string all =
      add(formatv("tensor.dim {0}, {1} : {2}", y.value, c0, y.getType()));
  std::string rows = add(formatv("arith.divui {0}, {1} : index", all, count));
  Activations joined = y;
  if (y.rows != "?")
    rows = joined.rows = std::to_string(std::stoll(y.rows) / places);
  joined.size = places * y.size;
  std::string type = formatv("tensor<{0}x{1}x{2}x{3}>", joined.rows, places,
                             y.size, y.isInteger() ? "i8" : "f32");
  std::string split = add(formatv(
      "tensor.expand_shape {0} [[0, 1], [2]] output_shape [{1}, {2}, {3}] : "
      "{4} into {5}",
      y.value, rows, places, y.size, y.getType(), type));
  joined.value = add(formatv("tensor.collapse_shape {0} [[0], [1, 2]] : {1} "
                             "into {2}",
                             split, type, joined.getType()));
  return joined;
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

/// x + y of the same type.
Activations Writer::addSum(const Activations &x, const Activations &y) {
  Activations sum = x;
  sum.value = add(formatv(
      "linalg.generic {{indexing_maps = [#all, #all, #all], iterator_types = "
      "[\"parallel\", \"parallel\"]} ins({0}, {1} : {2}, {2}) outs({0} : {2}) "
      "{{\n  ^bb0(%x: f32, %y: f32, %out: f32):\n    %z = arith.addf %x, %y : "
      "f32\n    linalg.yield %z : f32\n  } -> {2}",
      x.value, y.value, x.getType()));
  return sum;
}

Activations Writer::addFloatLayer(const Activations &x) {
  Activations y{"", columns, "", "", x.rows};
  std::vector<float> values(columns * depth);
  bool hasSpecial = pick(0, 3) == 0;
  for (float &value : values)
    value = hasSpecial && pick(0, 7) == 0
                ? pickOf({1e-40f, -1e-45f, 1e30f, -1e30f, 0.0f, -0.0f})
                : pickFloat(-0.5f, 0.5f);
  if (featureGroups != 1) {
    std::string type = formatv("tensor<{0}x{1}xf32>", columns, depth);
    y.value = multiplyGroups(x, addConstant<float>(values, type), featureGroups,
                             depth, y);
    return flip() ? addBias(y, -1.0f, 1.0f) : y;
  }
  bool isTransposed = flip();
  std::string type =
      formatv("tensor<{0}x{1}xf32>", isTransposed ? columns : depth,
              isTransposed ? depth : columns);
  y.value =
      multiply(x.value, x.getType(), addConstant<float>(values, type), type,
               y.getType(), isTransposed ? "#mk, #nk, #mn" : "#mk, #kn, #mn");
  return flip() ? addBias(y, -1.0f, 1.0f) : y;
}

Activations Writer::addQuantizedLayer(const Activations &x,
                                      const std::string &residual) {
  LinearOperands operands;
  operands.weightType = formatv("tensor<{0}x{1}xi{2}>", columns, depth, bits);
  bool isSymmetric = granularity == Granularity::Multipliers || flip();
  Pattern pattern = flip() ? Pattern::Random : static_cast<Pattern>(pick(0, 5));
  isWeightConstant = pattern == Pattern::Lowest || pattern == Pattern::Highest;
  // Symmetric weights of the pipeline are never the lowest; others may be, or
  // be so small that several products fit i16.
  int64_t most = flip() ? 127 : pickOf<int64_t>({64, 16, 8});
  int64_t least = most == 127 && flip() ? -128 : -most;
  summary += formatv(" {0} weights", kPatternNames[static_cast<int>(pattern)]);
  if (bits == 8)
    summary += formatv(" from {0}", least);
  if (!isSymmetric)
    summary += " zp";
  if (bits == 8) {
    std::vector<int8_t> weights =
        fillIntegers(columns * depth, least, most, pattern);
    operands.weight = addConstant<int8_t>(weights, operands.weightType);
  } else {
    // -8 and 7 as nibbles of a byte.
    int64_t both = pattern == Pattern::Lowest ? -0x78 : 0x77;
    operands.weight =
        addNibbles(columns, depth, isWeightConstant ? both : -128,
                   isWeightConstant ? both : 127, operands.weightType);
  }

  int64_t scaleGroups = granularity == Granularity::FloatGroups ? groups : 1;
  int64_t count =
      granularity == Granularity::Tensor ? 1 : columns * scaleGroups;
  if (granularity != Granularity::Tensor)
    operands.shape = formatv("{0}x{1}x", columns, scaleGroups);
  const std::string &shape = operands.shape;
  float unit = 1.0f / (bits == 8                                 ? 127
                       : granularity == Granularity::Multipliers ? 60
                                                                 : 7);
  std::vector<float> scales(count);
  bool hasExtremes = pick(0, 7) == 0;
  for (float &scale : scales)
    scale = hasExtremes ? pickScale(0.1f * unit, 0.4f * unit)
                        : pickFloat(0.1f * unit, 0.4f * unit);
  operands.parameters.scale =
      addConstant<float>(scales, "tensor<" + shape + "f32>");
  if (!isSymmetric)
    operands.parameters.zeroPoint =
        addIntegers(count, bits == 8 ? -128 : -8, bits == 8 ? 127 : 7,
                    "tensor<" + shape + "i8>");
  if (granularity == Granularity::Multipliers) {
    operands.multiplierType = formatv("tensor<{0}x{1}xi8>", columns, groups);
    operands.multiplier =
        addIntegers(columns * groups, 1, 15, operands.multiplierType);
  }
  if (mode == Mode::Dynamic)
    operands.inputShape = x.rows + "x1x";
  if (flip()) {
    summary += " bias";
    operands.bias =
        addFloats(columns, -1.0f, 1.0f, formatv("tensor<{0}xf32>", columns));
  }
  if (mode == Mode::StaticToInteger) {
    // The deviation of the sum of products of numbers in [-3, 3] and weights
    // in their range, over 40.
    float scale = 0.02f * std::sqrt(static_cast<float>(depth));
    operands.output = {addScalar(scale * pickFloat(0.3f, 3.0f)),
                       addScalar(static_cast<int8_t>(
                           pickOf<int64_t>({0, -128, pick(-128, 127)})))};
    if (flip()) {
      operands.clampMin = pick(-128, 126);
      summary += " clamp";
    }
  }
  operands.addend = residual;
  operands.featureGroups = featureGroups;
  return addLinear(x, operands, columns);
}

RandomProgram Writer::write() {
  chooseKind();
  chooseFeatureGroups();
  RandomProgram program;
  program.hasDynamicRows = pick(0, 3) != 0;
  program.threads = pickOf({1, 3});
  int64_t constantRows = pickRows();
  std::string rows =
      program.hasDynamicRows ? "?" : std::to_string(constantRows);
  bool isStatic = mode == Mode::Static || mode == Mode::StaticToInteger;

  Activations input{"%input", getInputSize(), "", "", rows}, x = input;
  if (isStatic) {
    Parameters parameters = {addScalar(pickScale(0.01f, 0.05f)),
                             addScalar(static_cast<int8_t>(pickOf<int64_t>(
                                 {0, -128, 127, pick(-128, 127)})))};
    // The program takes i8, or quantizes what it takes.
    if (flip()) {
      input.scale = parameters.scale;
      input.zeroPoint = parameters.zeroPoint;
      x = input;
      summary += " i8";
    } else {
      x = quantize(x, parameters);
    }
  }
  x = addWindows(x);
  if (mode == Mode::Dynamic)
    x = quantizeRows(x, flip());

  std::vector<Activations> arguments;
  if (places == 0 && pick(0, 3) == 0) {
    arguments.push_back({"%residual", columns, "", "", rows});
    summary += " residual";
  }
  std::string residual = arguments.empty() ? "" : arguments.front().value;
  Activations y =
      mode == Mode::Float ? addFloatLayer(x) : addQuantizedLayer(x, residual);
  if (mode == Mode::Float && !arguments.empty())
    y = addSum(y, arguments.front());
  if (!y.isInteger() && flip()) {
    y = addRelu(y);
    summary += " relu";
  }
  program.text = finish(input, arguments, joinPlaces(y));
  program.summary =
      formatv("{0}, {1} rows, {2} threads", summary, rows, program.threads);

  // The numbers of rows, each once, and what each is run on.
  std::set<int64_t> sizes = {constantRows};
  if (program.hasDynamicRows) {
    sizes = {1, pick(0, 7) ? 2 : 0};
    while (sizes.size() < 7)
      sizes.insert(pickRows());
  }
  for (int64_t size : sizes) {
    if (program.hasDynamicRows && size > 1 &&
        size * std::max<int64_t>(places, 1) * columns * depth > kMostWork)
      continue;
    std::vector<Pattern> patterns = {Pattern::Random, Pattern::Special,
                                     static_cast<Pattern>(pick(2, 5))};
    // Sums of equal products are the largest of all.
    if (isWeightConstant)
      patterns = {Pattern::Random, Pattern::Lowest, Pattern::Highest};
    if (!program.hasDynamicRows)
      patterns = {Pattern::Random, Pattern::Special, Pattern::Zeros,
                  Pattern::Lowest, Pattern::Highest, Pattern::Alternating};
    for (Pattern pattern : patterns) {
      DataType type = input.isInteger() ? DataType::I8 : DataType::F32;
      std::vector<HostTensor> inputs = {
          makeInput(type, size, getInputSize(), pattern)};
      if (!arguments.empty())
        inputs.push_back(makeInput(DataType::F32, size, columns, pattern));
      program.calls.push_back(std::move(inputs));
    }
  }
  return program;
}

RandomProgram sweep::makeRandomLayer(unsigned seed) {
  return Writer(seed).write();
}
