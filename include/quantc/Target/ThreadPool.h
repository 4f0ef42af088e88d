//===- ThreadPool.h - Threads for compiled programs -------------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_TARGET_THREADPOOL_H
#define QUANTC_TARGET_THREADPOOL_H

#include "quantc/Target/EntryAbi.h"
#include <memory>

namespace llvm {
class ThreadPoolInterface;
} // namespace llvm

namespace quantc {

/// An executor on LLVM's thread pool. The calling thread works too, so that
/// `numThreads` is one more than there are in the pool; they start with the
/// first loop that is handed out. Several threads may call at the same time and
/// share the pool.
class ThreadPool : public Executor {
public:
  explicit ThreadPool(int64_t numThreads);
  ~ThreadPool();

private:
  std::unique_ptr<llvm::ThreadPoolInterface> pool;
};

} // namespace quantc

#endif // QUANTC_TARGET_THREADPOOL_H
