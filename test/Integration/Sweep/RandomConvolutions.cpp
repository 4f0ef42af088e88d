//===- RandomConvolutions.cpp - Random convolutional networks -------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RandomConvolutions.h"

#include "ProgramText.h"

#include "llvm/ADT/bit.h"
#include <limits>
#include <numeric>

using namespace quantc;
using namespace quantc::sweep;
using llvm::formatv;

namespace {

/// Channels first.
struct Image {
  std::string value;
  int64_t channels, height, width;

  std::string getType() const {
    return formatv("tensor<?x{0}x{1}x{2}xf32>", channels, height, width);
  }
  std::string getTypeOfChannelsLast() const {
    return formatv("tensor<?x{0}x{1}x{2}xf32>", height, width, channels);
  }
  bool hasShapeOf(const Image &other) const {
    return getType() == other.getType();
  }
};

/// Along one dimension.
struct Window {
  int64_t size = 1, stride = 1, dilation = 1, low = 0, high = 0;

  int64_t getReach() const { return dilation * (size - 1) + 1; }
  int64_t getPadded(int64_t length) const { return low + length + high; }
  int64_t getPlaces(int64_t length) const {
    return (getPadded(length) - getReach()) / stride + 1;
  }
};

class Writer : ProgramText {
public:
  explicit Writer(unsigned seed) : ProgramText(seed) {}

  FloatProgram write();

private:
  Window pickWindow(int64_t length, bool keepsLength = false);
  int64_t pickChannels();
  std::string addEmpty(const std::string &type, const Image &like);
  std::string addTranspose(const std::string &value, const std::string &from,
                           const Image &like, const std::string &to,
                           const std::string &permutation);
  Image addPad(const Image &x, float value);
  Image addConvolution(const Image &x);
  std::string addSums(const std::string &x, const Image &padded, Image &y,
                      int64_t groups);
  Image addByChannel(const Image &x, int64_t numParameters,
                     const std::string &operations);
  Image addSum(const Image &x, const Image &y);
  Image addPool(const Image &x);
  std::string addCounts(const Window &window, int64_t length, bool withPadding);
  Image addQuotient(const Image &sum, const Image &x);
  Image addBlock(const Image &x);
  std::string finish(const Image &input, const Image &result) const;

  bool isPerGroup = false;
  unsigned layers = 0, pools = 0;
  /// Of the next window.
  Window rows, columns;
  std::string summary;
};

} // namespace

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

/// A window that fits in `length` places, or that gives as many.
Window Writer::pickWindow(int64_t length, bool keepsLength) {
  Window window;
  if (keepsLength) {
    window.low = window.high = pick(0, 2);
    window.size = window.low + 1 + window.high;
    return window;
  }
  window.size = pickOf<int64_t>({1, 2, 3, 3, 5});
  window.stride = pickOf<int64_t>({1, 1, 2});
  window.dilation = pickOf<int64_t>({1, 1, 1, 2});
  int64_t most = std::min<int64_t>(window.getReach() - 1, 2);
  window.low = pick(0, most);
  window.high = pick(0, most);
  return window.getPadded(length) < window.getReach() ? Window() : window;
}

/// Groups of scales have to divide the channels of a place.
int64_t Writer::pickChannels() {
  return isPerGroup ? pickOf<int64_t>({8, 16, 24, 32})
                    : pickOf<int64_t>({1, 2, 3, 4, 6, 8, 12, 16, 17, 32, 34});
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

std::string Writer::addEmpty(const std::string &type, const Image &like) {
  std::string c0 = add("arith.constant 0 : index");
  std::string batch =
      add(formatv("tensor.dim {0}, {1} : {2}", like.value, c0, like.getType()));
  return add(formatv("tensor.empty({0}) : {1}", batch, type));
}

std::string Writer::addTranspose(const std::string &value,
                                 const std::string &from, const Image &like,
                                 const std::string &to,
                                 const std::string &permutation) {
  std::string empty = addEmpty(to, like);
  return add(formatv("linalg.transpose ins({0} : {1}) outs({2} : {3}) "
                     "permutation = [{4}]",
                     value, from, empty, to, permutation));
}

/// As the windows ask for, with `value` around.
Image Writer::addPad(const Image &x, float value) {
  Image y = x;
  y.height = rows.getPadded(x.height);
  y.width = columns.getPadded(x.width);
  if (y.hasShapeOf(x))
    return x;
  std::string around =
      add(formatv("arith.constant 0x{0} : f32",
                  llvm::utohexstr(llvm::bit_cast<uint32_t>(value), false, 8)));
  y.value =
      add(formatv("tensor.pad {0} low[0, 0, {1}, {2}] high[0, 0, {3}, {4}] {{\n"
                  "  ^bb0(%i0: index, %i1: index, %i2: index, %i3: index):\n"
                  "    tensor.yield {5} : f32\n  } : {6} to {7}",
                  x.value, rows.low, columns.low, rows.high, columns.high,
                  around, x.getType(), y.getType()));
  return y;
}

/// The sums over windows of `x`, the image `padded` with channels last, as `y`
/// with channels last.
std::string Writer::addSums(const std::string &x, const Image &padded, Image &y,
                            int64_t groups) {
  int64_t depth = padded.channels / groups, outputs = y.channels / groups;
  std::string input = padded.getTypeOfChannelsLast(), result, weight, value = x;
  std::string place = formatv("{0}x{1}", y.height, y.width);
  std::string window = formatv("{0}x{1}x{2}", rows.size, columns.size, depth);
  auto loops = [](llvm::StringRef group) {
    return formatv("(b, h, w{0}, f, i, j, c)", group).str();
  };
  std::string all, group;
  if (groups == 1) {
    result = y.getTypeOfChannelsLast();
    weight = formatv("tensor<{0}x{1}xf32>", outputs, window);
  } else {
    group = ", g";
    std::string split = formatv("tensor<?x{0}x{1}x{2}x{3}xf32>", padded.height,
                                padded.width, groups, depth);
    std::string c0 = add("arith.constant 0 : index");
    std::string batch = add(formatv("tensor.dim {0}, {1} : {2}", x, c0, input));
    value = add(formatv("tensor.expand_shape {0} [[0], [1], [2], [3, 4]] "
                        "output_shape [{1}, {2}, {3}, {4}, {5}] : {6} into {7}",
                        x, batch, padded.height, padded.width, groups, depth,
                        input, split));
    input = split;
    result = formatv("tensor<?x{0}x{1}x{2}xf32>", place, groups, outputs);
    weight = formatv("tensor<{0}x{1}x{2}xf32>", groups, outputs, window);
  }
  all = loops(group);
  std::string weights = addFloats(y.channels * rows.size * columns.size * depth,
                                  -0.4f, 0.4f, weight);
  std::string zero = add("arith.constant 0.0 : f32");
  std::string empty = addEmpty(result, padded);
  std::string init = add(formatv("linalg.fill ins({0} : f32) outs({1} : {2}) "
                                 "-> {2}",
                                 zero, empty, result));
  std::string sums = add(formatv(
      "linalg.generic {{indexing_maps = [affine_map<{0} -> (b, h * {1} + i * "
      "{2}, w * {3} + j * {4}{5}, c)>, affine_map<{0} -> ({6}f, i, j, c)>, "
      "affine_map<{0} -> (b, h, w{5}, f)>], iterator_types = [{7}\"parallel\", "
      "\"parallel\", \"parallel\", \"parallel\", \"reduction\", \"reduction\", "
      "\"reduction\"]} ins({8}, {9} : {10}, {11}) outs({12} : {13}) {{\n"
      "  ^bb0(%x: f32, %w: f32, %sum: f32):\n"
      "    %p = arith.mulf %x, %w : f32\n    %y = arith.addf %sum, %p : f32\n"
      "    linalg.yield %y : f32\n  } -> {13}",
      all, rows.stride, rows.dilation, columns.stride, columns.dilation, group,
      groups == 1 ? "" : "g, ", groups == 1 ? "" : "\"parallel\", ", value,
      weights, input, weight, init, result));
  // Layers are chosen by name.
  body.insert(body.size() - 1, formatv(" loc(\"conv{0}\")", layers++));
  if (groups == 1)
    return sums;
  return add(formatv("tensor.collapse_shape {0} [[0], [1], [2], [3, 4]] : {1} "
                     "into {2}",
                     sums, result, y.getTypeOfChannelsLast()));
}

Image Writer::addConvolution(const Image &x) {
  // So that there can be a shortcut.
  bool keepsShape = pick(0, 2) == 0;
  rows = pickWindow(x.height, keepsShape);
  columns = pickWindow(x.width, keepsShape);
  Image y{"", keepsShape ? x.channels : pickChannels(),
          rows.getPlaces(x.height), columns.getPlaces(x.width)};
  int64_t groups = 1;
  if (!isPerGroup && flip()) {
    // Depthwise, or with what divides both.
    bool isDepthwise = flip();
    groups = isDepthwise ? x.channels : std::gcd(x.channels, y.channels);
    if (isDepthwise && !keepsShape)
      y.channels = x.channels * pick(1, 2);
  }
  summary += formatv("{0}{1} -> {2} by {3}x{4}", summary.empty() ? "" : ", ",
                     x.channels, y.channels, rows.size, columns.size);
  if (groups != 1)
    summary += formatv(" in {0} groups", groups);
  Image padded = addPad(x, 0.0f);
  std::string last = addTranspose(padded.value, padded.getType(), padded,
                                  padded.getTypeOfChannelsLast(), "0, 2, 3, 1");
  std::string sums = addSums(last, padded, y, groups);
  y.value = addTranspose(sums, y.getTypeOfChannelsLast(), x, y.getType(),
                         "0, 3, 1, 2");
  return y;
}

/// `operations` on each element %x and the parameters %p0, %p1, ... of its
/// channel, which give %y.
Image Writer::addByChannel(const Image &x, int64_t numParameters,
                           const std::string &operations) {
  std::string maps, values, types, elements;
  std::string type = formatv("tensor<{0}xf32>", x.channels);
  for (int64_t i = 0; i < numParameters; ++i) {
    maps += ", affine_map<(b, c, h, w) -> (c)>";
    values += ", " + addFloats(x.channels, 0.2f, 1.5f, type);
    types += ", " + type;
    elements += formatv("%p{0}: f32, ", i);
  }
  Image y = x;
  y.value = add(formatv(
      "linalg.generic {{indexing_maps = [#image{0}, #image], iterator_types = "
      "[\"parallel\", \"parallel\", \"parallel\", \"parallel\"]} ins({1}{2} : "
      "{3}{4}) outs({1} : {3}) {{\n  ^bb0(%x: f32, {5}%out: f32):\n{6}"
      "    linalg.yield %y : f32\n  } -> {3}",
      maps, x.value, values, x.getType(), types, elements, operations));
  return y;
}

Image Writer::addSum(const Image &x, const Image &y) {
  summary += " shortcut";
  Image sum = x;
  sum.value = add(formatv(
      "linalg.generic {{indexing_maps = [#image, #image, #image], "
      "iterator_types = [\"parallel\", \"parallel\", \"parallel\", "
      "\"parallel\"]} ins({0}, {1} : {2}, {2}) outs({0} : {2}) {{\n"
      "  ^bb0(%x: f32, %z: f32, %out: f32):\n"
      "    %y = arith.addf %x, %z : f32\n    linalg.yield %y : f32\n  } -> {2}",
      x.value, y.value, x.getType()));
  return sum;
}

/// A vector of how many elements of each window count.
std::string Writer::addCounts(const Window &window, int64_t length,
                              bool withPadding) {
  std::string counts;
  for (int64_t place = 0; place < window.getPlaces(length); ++place) {
    int64_t count = 0;
    for (int64_t i = 0; i < window.size; ++i) {
      int64_t at = place * window.stride + i * window.dilation - window.low;
      count += withPadding || (at >= 0 && at < length);
    }
    // A window that has nothing but padding has the sum 0.
    counts += formatv("{0}{1}.0", counts.empty() ? "" : ", ",
                      std::max<int64_t>(count, 1));
  }
  return add(formatv("arith.constant dense<[{0}]> : tensor<{1}xf32>", counts,
                     window.getPlaces(length)));
}

/// `sum`, the windows of `x`, by the number of elements, as importers write it.
Image Writer::addQuotient(const Image &sum, const Image &x) {
  bool withPadding = flip();
  std::string inColumn = addCounts(rows, x.height, withPadding);
  std::string inRow = addCounts(columns, x.width, withPadding);
  Image y = sum;
  y.value = add(formatv(
      "linalg.generic {{indexing_maps = [#image, affine_map<(b, c, h, w) -> "
      "(h)>, affine_map<(b, c, h, w) -> (w)>, #image], iterator_types = "
      "[\"parallel\", \"parallel\", \"parallel\", \"parallel\"]} ins({0}, "
      "{1}, {2} : {3}, tensor<{4}xf32>, tensor<{5}xf32>) outs({0} : {3}) {{\n"
      "  ^bb0(%x: f32, %h: f32, %w: f32, %out: f32):\n"
      "    %n = arith.mulf %h, %w : f32\n    %y = arith.divf %x, %n : f32\n"
      "    linalg.yield %y : f32\n  } -> {3}",
      sum.value, inColumn, inRow, sum.getType(), sum.height, sum.width));
  return y;
}

/// The maximum, the sum, or the average of each window.
Image Writer::addPool(const Image &x) {
  rows = pickWindow(x.height);
  columns = pickWindow(x.width);
  auto kind = pickOf<std::string>({"max", "sum", "average", "average"});
  bool isMax = kind == "max";
  summary += ", " + kind;
  float start = isMax ? -std::numeric_limits<float>::infinity() : 0.0f;
  Image padded = addPad(x, start);
  Image y{"", x.channels, rows.getPlaces(x.height), columns.getPlaces(x.width)};
  std::string first =
      add(formatv("arith.constant 0x{0} : f32",
                  llvm::utohexstr(llvm::bit_cast<uint32_t>(start), false, 8)));
  std::string empty = addEmpty(y.getType(), x);
  std::string init =
      add(formatv("linalg.fill ins({0} : f32) outs({1} : {2}) -> {2}", first,
                  empty, y.getType()));
  std::string windowType =
      formatv("tensor<{0}x{1}xf32>", rows.size, columns.size);
  std::string window = add("tensor.empty() : " + windowType);
  y.value = add(formatv(
      "linalg.generic {{indexing_maps = [affine_map<(b, c, h, w, i, j) -> (b, "
      "c, h * {0} + i * {1}, w * {2} + j * {3})>, affine_map<(b, c, h, w, i, "
      "j) -> (i, j)>, affine_map<(b, c, h, w, i, j) -> (b, c, h, w)>], "
      "iterator_types = [\"parallel\", \"parallel\", \"parallel\", "
      "\"parallel\", \"reduction\", \"reduction\"]} ins({4}, {5} : {6}, {7}) "
      "outs({8} : {9}) {{\n  ^bb0(%x: f32, %i: f32, %out: f32):\n"
      "    %y = arith.{10} %out, %x : f32\n    linalg.yield %y : f32\n"
      "  } -> {9} loc(\"pool{11}\")",
      rows.stride, rows.dilation, columns.stride, columns.dilation,
      padded.value, window, padded.getType(), windowType, init, y.getType(),
      isMax ? "maximumf" : "addf", pools++));
  return kind == "average" ? addQuotient(y, x) : y;
}

Image Writer::addBlock(const Image &x) {
  if (pick(0, 4) == 0)
    return addPool(x);
  Image y = addConvolution(x);
  if (flip()) {
    summary += " bias";
    y = addByChannel(y, 1, "    %y = arith.addf %x, %p0 : f32\n");
  }
  if (flip()) {
    summary += " normalized";
    y = addByChannel(y, 3,
                     "    %0 = arith.subf %x, %p0 : f32\n"
                     "    %1 = arith.mulf %0, %p1 : f32\n"
                     "    %y = arith.addf %1, %p2 : f32\n");
  }
  if (y.hasShapeOf(x) && flip())
    y = addSum(y, x);
  if (flip()) {
    summary += " relu";
    y = addByChannel(y, 0,
                     "    %zero = arith.constant 0.0 : f32\n"
                     "    %y = arith.maximumf %x, %zero : f32\n");
  }
  return y;
}

//===----------------------------------------------------------------------===//
// Networks
//===----------------------------------------------------------------------===//

std::string Writer::finish(const Image &input, const Image &result) const {
  auto getShape = [](const Image &x) {
    return formatv("{{quant.shape = affine_map<(d0) -> (d0, {0}, {1}, {2})>}",
                   x.channels, x.height, x.width)
        .str();
  };
  return formatv("#image = affine_map<(b, c, h, w) -> (b, c, h, w)>\n"
                 "func.func @main(%input: {0} {1}) -> ({2} {3}) attributes "
                 "{{quant.dims = [\"batch\"]} {{\n{4}  return {5} : {2}\n}\n",
                 input.getType(), getShape(input), result.getType(),
                 getShape(result), body, result.value);
}

FloatProgram Writer::write() {
  std::string options = pickOptions();
  isPerGroup = options.find("per-group") != std::string::npos;
  // Some stay as they are.
  if (pick(0, 4) == 0)
    options += " skip=.*";
  Image input{"%input", pickChannels(), pick(1, 14), pick(1, 14)};
  Image x = addConvolution(input);
  for (int64_t blocks = pick(0, 3); blocks > 0; --blocks)
    x = addBlock(x);
  std::vector<HostTensor> call = {
      pickInput({pick(1, 3), input.channels, input.height, input.width})};
  std::string head = formatv("{0} of {1}x{2}, ", call.front().shape[0],
                             input.height, input.width);
  return {{finish(input, x), head + summary + " by " + options, {call}},
          options};
}

FloatProgram sweep::makeConvolutionNetwork(unsigned seed) {
  return Writer(seed).write();
}
