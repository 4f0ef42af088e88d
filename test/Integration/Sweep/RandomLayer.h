//===- RandomLayer.h - Random single layers ---------------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_TEST_INTEGRATION_SWEEP_RANDOMLAYER_H
#define QUANTC_TEST_INTEGRATION_SWEEP_RANDOMLAYER_H

#include "RandomProgram.h"

namespace quantc::sweep {

/// One layer of any mode, with sizes around those that the tables of
/// DotInstructions.h cut it into and with calls of several numbers of rows, on
/// ordinary and extreme values. The same for a seed on every machine, as long
/// as the tables are.
RandomProgram makeRandomLayer(unsigned seed);

} // namespace quantc::sweep

#endif // QUANTC_TEST_INTEGRATION_SWEEP_RANDOMLAYER_H
