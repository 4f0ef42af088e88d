//===- Resampling.h - Taps and weights along an axis ------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The formulas of Resize. Coordinates are computed in f32, as onnxruntime does:
// it decides which neighbour is the nearest one at ties.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_IMPORT_RESAMPLING_H
#define QUANTC_LIB_IMPORT_RESAMPLING_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <optional>

namespace quantc::onnx {

enum class Interpolation { Nearest, Linear, Cubic };

/// coordinate_transformation_mode.
enum class Coordinates {
  HalfPixel,
  HalfPixelSymmetric,
  PytorchHalfPixel,
  AlignCorners,
  Asymmetric,
  CropAndResize,
  TfHalfPixelForNn,
};
std::optional<Coordinates> parseCoordinates(llvm::StringRef name);

/// nearest_mode.
enum class NearestRounding { PreferFloor, PreferCeil, Floor, Ceil };
std::optional<NearestRounding> parseNearestRounding(llvm::StringRef name);

struct ResamplingOptions {
  Interpolation interpolation = Interpolation::Nearest;
  Coordinates coordinates = Coordinates::HalfPixel;
  NearestRounding rounding = NearestRounding::PreferFloor;
  float cubicCoefficient = -0.75f;
  bool excludesOutside = false;
  bool isAntialiased = false;
};

/// What the elements along an axis of the result are made of.
struct Resampling {
  int64_t inputSize;
  /// For each position.
  int64_t numTaps;
  /// Indices into the input, those of a position after each other.
  llvm::SmallVector<int64_t> taps;
  /// As many; none for the nearest element.
  llvm::SmallVector<float> weights;
  /// For each position, whether its coordinate is outside of the input and
  /// nothing is interpolated there.
  llvm::SmallVector<bool> isOutside;
};

/// `region` is the start and the end of the part that is resized, in sizes of
/// the input, for CropAndResize.
Resampling getResampling(const ResamplingOptions &options, int64_t inputSize,
                         int64_t resultSize, float scale,
                         llvm::ArrayRef<float> region);

} // namespace quantc::onnx

#endif // QUANTC_LIB_IMPORT_RESAMPLING_H
