//===- ThreadPool.cpp - Threads for compiled programs ---------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Target/ThreadPool.h"

#include "llvm/Support/ThreadPool.h"
#include <atomic>

using namespace quantc;

ThreadPool::ThreadPool(int64_t numThreads)
    : pool(std::make_unique<llvm::DefaultThreadPool>(
          llvm::hardware_concurrency(numThreads - 1))) {
  this->numThreads = numThreads;
  parallelFor = [](const Executor *self, void (*task)(void *, int64_t),
                   void *data, int64_t count) {
    // Who is free takes the next task; none waits for a thread that is busy
    // with another call.
    std::atomic<int64_t> next = 0;
    auto work = [&] {
      for (int64_t i; (i = next.fetch_add(1)) < count;)
        task(data, i);
    };
    auto *threads = static_cast<const ThreadPool *>(self);
    llvm::ThreadPoolTaskGroup group(*threads->pool);
    for (int64_t i = 1; i < std::min(count, self->numThreads); ++i)
      group.async(work);
    work();
    group.wait();
  };
}

ThreadPool::~ThreadPool() = default;
