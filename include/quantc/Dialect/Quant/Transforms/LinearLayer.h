//===- LinearLayer.h - Finding layers in the float form ---------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_DIALECT_QUANT_TRANSFORMS_LINEARLAYER_H
#define QUANTC_DIALECT_QUANT_TRANSFORMS_LINEARLAYER_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "quantc/Dialect/Quant/Transforms/Lookup.h"
#include <optional>

namespace quantc {

/// result[m, n] = sum_k input[m, k] * weight[n, k], all f32: a linalg.matmul or
/// an equal linalg.generic, and the transposition of its weight if that is an
/// operation of its own.
///
/// With G groups of features, as in a convolution in groups, the input is
/// [M, G * K], and group n / (N / G) of its columns makes result n:
///
///   result[m, n] = sum_k input[m, n floordiv (N / G) * K + k] * weight[n, k]
///
/// which is a linalg.generic with these maps.
struct LinearLayer {
  mlir::Operation *op = nullptr;
  mlir::Value weight;
  /// `weight` is [K, N].
  bool isWeightTransposed = false;
  int64_t featureGroups = 1;

  /// Read from the operation: it changes when the layer before it is replaced.
  mlir::Value getInput() const { return op->getOperand(0); }
  int64_t getK() const { return getDim(isWeightTransposed ? 0 : 1); }
  int64_t getN() const { return getDim(isWeightTransposed ? 1 : 0); }

private:
  int64_t getDim(unsigned dim) const {
    return mlir::cast<mlir::RankedTensorType>(weight.getType()).getDimSize(dim);
  }
};

/// Matches the structure of a linear layer, whatever produces its weight.
/// Otherwise sets `reason` to what is in the way, in words for users.
mlir::FailureOr<LinearLayer> matchLinearLayer(mlir::Operation *op,
                                              std::string &reason);

/// Whether a sum that starts with `init` starts with 0 everywhere.
bool startsFromZero(mlir::Value init);

/// The indexing maps of a layer of `groups` groups of features, whose weight is
/// [numOutputs, depth], in the loops m, n and k.
llvm::SmallVector<mlir::AffineMap>
getFeatureGroupMaps(mlir::MLIRContext *context, int64_t groups,
                    int64_t numOutputs, int64_t depth);

/// Creates the operation of a layer of `groups` groups of features that adds to
/// `init`; `weight` is [N, K].
mlir::Operation *createLinearLayer(mlir::OpBuilder &builder, mlir::Location loc,
                                   mlir::Value input, mlir::Value weight,
                                   mlir::Value init, int64_t groups = 1);

/// The value that the weight `value` is in another shape: behind its transposes
/// and reshapes, which turn the kernel of a convolution into a matrix.
mlir::Value getWeightSource(mlir::Value value);

/// Whether `value` is an input of the program that training changes, perhaps
/// transposed, reshaped and padded.
bool isTrainedWeight(mlir::Value value);

/// Marks an operation whose result is a weight with a trained adapter in it.
inline constexpr llvm::StringLiteral kMergedWeightAttr = "quant.merged_weight";

/// An operation with weights.
struct Layer {
  mlir::Operation *op = nullptr;
  /// Set if the layer can be quantized: it is linear, its weight constant or a
  /// parameter that training changes.
  std::optional<LinearLayer> linear;
  /// Set if the layer looks up rows of a constant matrix, which can be
  /// quantized as a weight [N, K] of N rows.
  std::optional<Lookup> lookup;
  /// Otherwise, what is in the way.
  std::string reason;
  /// It reads a constant table: `lookup`, or other elements than whole rows.
  bool isEmbedding = false;

  bool canBeQuantized() const { return linear || lookup; }
};

/// `op` as a layer; none if it is not one: it contracts or convolves nothing
/// and looks up no constant.
std::optional<Layer> matchLayer(mlir::Operation *op);

/// All layers under `root` in the order of the program.
llvm::SmallVector<Layer> findLayers(mlir::Operation *root);

/// Whether `pattern` is the name itself or a regular expression for all of it.
bool matchesName(llvm::StringRef pattern, llvm::StringRef name);

/// Gives each of `layers` a name of its own, the location `loc("name")`. A
/// layer without one becomes linear_<n>; of two with the same, the later gets a
/// number.
void nameLayers(llvm::ArrayRef<Layer> layers);

} // namespace quantc

#endif // QUANTC_DIALECT_QUANT_TRANSFORMS_LINEARLAYER_H
