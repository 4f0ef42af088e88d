//===- Kernel.cpp - Weights of more than two dimensions -------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Dialect/Quant/Transforms/Kernel.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/Builders.h"
#include "quantc/Support/Permute.h"

using namespace mlir;
using namespace quantc;

HostTensor Kernel::restore(const HostTensor &weight) const {
  HostTensor result(weight.type, shape);
  result.bytes = permuteElements(weight.bytes, getByteSize(weight.type),
                                 permuteShape(shape, order),
                                 invertPermutationVector(order));
  return result;
}

void quantc::setKernel(Operation *op, const Kernel &kernel) {
  Builder b(op->getContext());
  op->setAttr(
      kKernelAttr,
      b.getDictionaryAttr(
          {b.getNamedAttr("order", b.getDenseI64ArrayAttr(kernel.order)),
           b.getNamedAttr("shape", b.getDenseI64ArrayAttr(kernel.shape))}));
}

std::optional<Kernel> quantc::getKernel(Operation *op) {
  auto attr = op->getAttrOfType<DictionaryAttr>(kKernelAttr);
  auto order = attr ? attr.getAs<DenseI64ArrayAttr>("order") : nullptr;
  auto shape = attr ? attr.getAs<DenseI64ArrayAttr>("shape") : nullptr;
  if (!order || !shape || order.size() != shape.size() ||
      !isPermutationVector(order.asArrayRef()) ||
      llvm::any_of(shape.asArrayRef(), [](int64_t size) { return size < 1; }))
    return std::nullopt;
  return Kernel{llvm::to_vector(shape.asArrayRef()),
                llvm::to_vector(order.asArrayRef())};
}
