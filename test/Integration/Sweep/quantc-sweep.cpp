//===- quantc-sweep.cpp - Random programs give the same bytes everywhere --===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs random networks, of convolutions if asked, or single layers, in the
// reference interpreter and compiled for several targets, and compares the
// outputs byte for byte. A target that this machine cannot run is a skip that
// is counted.
//
//   quantc-sweep --count=300 --first=0 --print=false
//   quantc-sweep --layers --count=100 --stride=4
//   quantc-sweep --convolutions --count=100 --stride=4
//
//===----------------------------------------------------------------------===//

#include "RandomConvolutions.h"
#include "RandomLayer.h"
#include "Sweep.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CommandLine.h"

using namespace quantc::sweep;

static llvm::cl::opt<unsigned> count("count", llvm::cl::init(40),
                                     llvm::cl::desc("How many programs"));
static llvm::cl::opt<unsigned> first("first", llvm::cl::init(0),
                                     llvm::cl::desc("The seed of the first"));
static llvm::cl::opt<bool> print("print",
                                 llvm::cl::desc("Print the programs too"));
static llvm::cl::opt<bool>
    layers("layers", llvm::cl::desc("Single layers instead of networks"));
static llvm::cl::opt<bool>
    convolutions("convolutions",
                 llvm::cl::desc("Convolutional networks instead"));
static llvm::cl::opt<unsigned>
    stride("stride", llvm::cl::init(1),
           llvm::cl::desc("Each program on one target of that many"));

static llvm::cl::list<std::string>
    only("only", llvm::cl::desc("A target to run on; all by default"));

/// Ends with an error if `only` names a target that does not exist.
static void checkTargets() {
  auto names = llvm::map_range(
      getSweepTargets(), [](const SweepTarget &target) { return target.name; });
  for (const std::string &name : only)
    if (!llvm::is_contained(names, name)) {
      llvm::errs() << "error: no target '" << name << "'; expects one of "
                   << llvm::join(names, " ") << "\n";
      std::exit(1);
    }
}

int main(int argc, char **argv) {
  llvm::cl::ParseCommandLineOptions(argc, argv, "random programs\n");
  checkTargets();
  Sweep sweep(stride, print);
  for (unsigned seed = first; seed < first + count; ++seed) {
    if (layers)
      sweep.add(seed, makeRandomLayer(seed));
    else if (convolutions)
      sweep.add(seed, makeConvolutionNetwork(seed));
    // Every other network comes from the quantization pipeline.
    else if (seed % 2)
      sweep.add(seed, makeFloatProgram(seed));
    else
      sweep.add(seed, makeIntegerProgram(seed));
  }
  for (const SweepTarget &target : getSweepTargets())
    if (only.empty() || llvm::is_contained(only, target.name))
      sweep.runOn(target);
  return sweep.finish(layers ? "layers" : "networks");
}
