//===- TensorData.cpp - Tensors of a file to attributes -------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TensorData.h"

#include "ElementTypes.h"
#include "SymbolicShape.h"

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::onnx;

static llvm::Error makeError(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

/// The number of elements, or an error for sizes that no tensor has.
static llvm::Expected<int64_t> getNumElements(const TensorProto &tensor) {
  if (tensor.dims.size() > kMaxRank)
    return makeError("tensor has rank " + llvm::Twine(tensor.dims.size()) +
                     "; at most " + llvm::Twine(kMaxRank) + " is supported");
  // A size of 0 must not hide an overflow of the other sizes.
  int64_t bound = 1;
  bool isEmpty = false;
  for (int64_t dim : tensor.dims) {
    isEmpty |= dim == 0;
    if (dim < 0 || llvm::MulOverflow(bound, std::max<int64_t>(dim, 1), bound) ||
        bound > kMaxElements)
      return makeError("tensor has a dimension of " + llvm::Twine(dim) +
                       "; expects sizes of at least 0 and at most 2^40 "
                       "elements in all");
  }
  return isEmpty ? 0 : bound;
}

/// The integers of int32_data, int64_data or uint64_data as raw data of
/// elements of `size` bytes.
static SmallVector<char, 0> toRawData(ArrayRef<int64_t> integers,
                                      unsigned size) {
  SmallVector<char, 0> bytes(integers.size() * size);
  for (auto [index, value] : llvm::enumerate(integers)) {
    char buffer[8];
    llvm::support::endian::write64le(buffer, value);
    std::copy_n(buffer, size, bytes.begin() + index * size);
  }
  return bytes;
}

/// Elements of `bits` bits, several to a byte with the first one lowest, as a
/// byte each.
static SmallVector<char, 0> unpackBits(StringRef data, int64_t numElements,
                                       unsigned bits) {
  unsigned perByte = 8 / bits;
  SmallVector<char, 0> bytes(numElements);
  for (int64_t i = 0; i < numElements; ++i)
    bytes[i] = (data[i / perByte] >> (i % perByte * bits)) & ((1 << bits) - 1);
  return bytes;
}

llvm::Expected<DenseElementsAttr>
onnx::readTensorData(const TensorProto &tensor, ExternalData &external,
                     MLIRContext *context) {
  Type elementType = getMlirType(tensor.type, context);
  if (!elementType)
    return makeError("tensor has the unsupported element type " +
                     getName(tensor.type));
  llvm::Expected<int64_t> numElements = getNumElements(tensor);
  if (!numElements)
    return numElements.takeError();
  unsigned bits = getBitWidth(tensor.type);
  uint64_t size =
      llvm::divideCeil(static_cast<uint64_t>(*numElements) * bits, 8);

  SmallVector<char, 0> converted;
  std::unique_ptr<llvm::MemoryBuffer> mapped;
  StringRef data;
  if (tensor.isExternal) {
    llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> read =
        external.read(tensor, size);
    if (!read)
      return read.takeError();
    mapped = std::move(*read);
    data = mapped->getBuffer();
  } else if (tensor.rawData) {
    data = *tensor.rawData;
  } else if (tensor.type == ElementType::Float ||
             tensor.type == ElementType::Double) {
    data = StringRef(tensor.floatBytes.data(), tensor.floatBytes.size());
  } else {
    converted = toRawData(tensor.integers, std::max(bits / 8, 1u));
    data = StringRef(converted.data(), converted.size());
  }
  if (data.size() != size)
    return makeError("tensor has " + llvm::Twine(data.size()) +
                     " bytes of data; its shape and type take " +
                     llvm::Twine(size));

  auto type = RankedTensorType::get(tensor.dims, elementType);
  if (*numElements == 0)
    return DenseElementsAttr::get(type, ArrayRef<Attribute>());
  if (tensor.type == ElementType::Bool)
    return DenseElementsAttr::get(
        type, llvm::map_to_vector(data, [](char byte) { return byte != 0; }));
  SmallVector<char, 0> unpacked;
  if (bits < 8) {
    unpacked = unpackBits(data, *numElements, bits);
    data = StringRef(unpacked.data(), unpacked.size());
  }
  return DenseElementsAttr::getFromRawBuffer(
      type, ArrayRef<char>(data.data(), data.size()));
}
