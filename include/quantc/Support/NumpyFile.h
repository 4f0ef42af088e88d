//===- NumpyFile.h - Tensors in .npy and .npz files -------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_SUPPORT_NUMPYFILE_H
#define QUANTC_SUPPORT_NUMPYFILE_H

#include "quantc/Support/HostTensor.h"
#include "llvm/Support/Error.h"
#include <string>
#include <utility>
#include <vector>

namespace quantc {

/// A tensor and its name in the archive.
using NamedTensor = std::pair<std::string, HostTensor>;

/// Reads one array from the bytes of a .npy file: little-endian, row-major, of
/// a data type that host tensors have.
llvm::Expected<HostTensor> parseNumpyArray(llvm::StringRef bytes);

/// Reads the arrays of an uncompressed .npz archive, in the order of its
/// directory.
llvm::Expected<std::vector<NamedTensor>>
parseNumpyArchive(llvm::StringRef bytes);

/// Reads a file of either kind, told apart by how it begins; the array of a
/// .npy file has no name. Messages begin with the path.
llvm::Expected<std::vector<NamedTensor>> readNumpyFile(llvm::StringRef path);

/// Writes a .npy file, wholly or not at all. I4 is written as i1 (int8); BF16,
/// which NumPy does not have, as its bits (u2).
llvm::Error writeNumpyFile(llvm::StringRef path, const HostTensor &tensor);

} // namespace quantc

#endif // QUANTC_SUPPORT_NUMPYFILE_H
