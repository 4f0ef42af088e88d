//===- PackedBuilder.h - Operations on packed weights -----------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_CODEGEN_PACKEDBUILDER_H
#define QUANTC_LIB_CODEGEN_PACKEDBUILDER_H

#include "PackedLayout.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/PatternMatch.h"
#include "quantc/Conversion/Generic.h"
#include "quantc/Target/DotInstructions.h"

namespace quantc {

/// The loops of one operation and the sizes that they are tiled by.
class Loops {
public:
  explicit Loops(mlir::MLIRContext *context) : context(context) {}

  mlir::AffineExpr add(mlir::utils::IteratorType iterator, int64_t tileSize) {
    iterators.push_back(iterator);
    tileSizes.push_back(tileSize);
    return mlir::getAffineDimExpr(iterators.size() - 1, context);
  }
  mlir::AffineExpr parallel(int64_t tileSize = 0) {
    return add(mlir::utils::IteratorType::parallel, tileSize);
  }
  mlir::AffineExpr reduction(int64_t tileSize = 0) {
    return add(mlir::utils::IteratorType::reduction, tileSize);
  }
  /// The map of these loops to `exprs`; absent ones (null) are left out.
  mlir::AffineMap map(llvm::ArrayRef<mlir::AffineExpr> exprs) const {
    llvm::SmallVector<mlir::AffineExpr> present;
    llvm::copy_if(
        exprs, std::back_inserter(present),
        [](mlir::AffineExpr expr) { return static_cast<bool>(expr); });
    return mlir::AffineMap::get(iterators.size(), 0, present, context);
  }

  llvm::SmallVector<mlir::utils::IteratorType> iterators;
  llvm::SmallVector<int64_t> tileSizes;

private:
  mlir::MLIRContext *context;
};

/// `sizes` elements of `tensor` from `offsets` on.
mlir::Value extractPart(mlir::OpBuilder &builder, mlir::Location loc,
                        mlir::Value tensor,
                        llvm::ArrayRef<mlir::OpFoldResult> offsets,
                        llvm::ArrayRef<mlir::OpFoldResult> sizes);

/// What the packed forms of all layers share.
class PackedBuilder {
protected:
  PackedBuilder(mlir::PatternRewriter &rewriter, mlir::Location loc)
      : rewriter(rewriter), loc(loc) {}

  /// Sets the layout of an [N, K] weight but for its groups: panels for
  /// `accumulators`, `depth` elements of K in a step, `packing` steps to an
  /// element. `rowsAtOnce` are as the rows of `chooseBlock`.
  void setLayout(int64_t numColumns, int64_t depthK, int64_t depth,
                 const Accumulators &accumulators, int64_t rowsAtOnce,
                 StepPacking packing = StepPacking::None);

  /// The number of rows, if it is known and they are to share one reading of a
  /// weight of that many bytes, because the second cache does not hold it; 0
  /// otherwise.
  static int64_t getRowsAtOnce(int64_t numRows, int64_t weightBytes,
                               const VectorUnit &unit) {
    bool isStreamed = weightBytes > unit.cache;
    return isStreamed && !mlir::ShapedType::isDynamic(numRows) ? numRows : 0;
  }

  mlir::Value constant(mlir::Type element, llvm::ArrayRef<int64_t> shape,
                       llvm::ArrayRef<char> data);
  /// A packed constant; `shape` has 0 for dimensions that are left out.
  template <class T>
  mlir::Value packed(mlir::Type element, llvm::ArrayRef<int64_t> shape,
                     const std::vector<T> &values) {
    llvm::SmallVector<int64_t> present;
    llvm::copy_if(shape, std::back_inserter(present),
                  [](int64_t size) { return size != 0; });
    return constant(
        element, present,
        llvm::ArrayRef(reinterpret_cast<const char *>(values.data()),
                       values.size() * sizeof(T)));
  }
  /// How loops n, g and others read a parameter of rank 0, [N], [N, 1] or
  /// [N, G].
  mlir::AffineMap getParameterMap(mlir::Value parameter, unsigned numLoops = 2);
  /// One value for all columns, for each column or for each column and group,
  /// of rank 0, [N], [N, 1] or [N, groups], in the order [NB, groupDim, NR]
  /// with `groupDim` 0 (left out) or `groups`.
  mlir::Value packParameter(mlir::Value parameter, int64_t groups,
                            int64_t groupDim);
  /// `value` with zeros behind it up to the known sizes of `shape`, that of its
  /// first dimensions.
  mlir::Value padWithZeros(mlir::Value value, llvm::ArrayRef<int64_t> shape);

  /// A `linalg.generic` that carries the tile sizes of `loops`.
  mlir::Value createGeneric(const Loops &loops, mlir::ValueRange inputs,
                            mlir::Value init,
                            llvm::ArrayRef<mlir::AffineMap> maps,
                            EmitBody body);

  /// Where the epilogue writes, [M, NB, NR]: a view of the result before its
  /// padding is cut off, so that the result is written in place.
  mlir::Value createDestination(mlir::Type element);

  /// [M, NB, NR] -> [M, N].
  mlir::Value createResult(mlir::Value blocked, mlir::RankedTensorType type);

  /// [M, N] -> [M, NB, NR], padded with zeros: what `createResult` undoes.
  mlir::Value createBlocked(mlir::Value tensor);

  mlir::PatternRewriter &rewriter;
  mlir::Location loc;
  PackedLayout layout;
  RegisterBlock block;
  /// M, an index.
  mlir::Value numRows;
};

} // namespace quantc

#endif // QUANTC_LIB_CODEGEN_PACKEDBUILDER_H
