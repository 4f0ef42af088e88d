//===- RandomConvolutions.h - Random convolutional networks -----*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_TEST_INTEGRATION_SWEEP_RANDOMCONVOLUTIONS_H
#define QUANTC_TEST_INTEGRATION_SWEEP_RANDOMCONVOLUTIONS_H

#include "RandomProgram.h"

namespace quantc::sweep {

/// A network of one to four blocks in the float form as importers write it,
/// channels first, and how to quantize it: a block is a convolution (in groups,
/// depthwise, strided, dilated, padded), perhaps with a bias, a normalization
/// by channels, an activation and a shortcut, or a pooling. The same for a seed
/// on every machine.
FloatProgram makeConvolutionNetwork(unsigned seed);

} // namespace quantc::sweep

#endif // QUANTC_TEST_INTEGRATION_SWEEP_RANDOMCONVOLUTIONS_H
