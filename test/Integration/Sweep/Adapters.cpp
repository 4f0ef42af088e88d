//===- Adapters.cpp - Random networks with LoRA adapters ------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Adapters.h"

#include "RandomText.h"
#include "mlir/Pass/PassManager.h"
#include "quantc/Dialect/Quant/IR/ProgramInterface.h"
#include "quantc/Dialect/Quant/Transforms/Passes.h"
#include "quantc/Target/AdapterBlock.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::sweep;

namespace {

class Writer : RandomText {
public:
  explicit Writer(unsigned seed) : RandomText(seed) {}

  InsertLoraOptions pickOptions() {
    InsertLoraOptions options;
    options.maxRank = pickOf({1, 3, 8, 16});
    options.storage = pickOf({DataType::F32, DataType::BF16, DataType::I8});
    return options;
  }

  /// Matrices for most layers, of any rank.
  llvm::Expected<std::vector<char>> makeBlock(const AdapterLayout &layout) {
    std::vector<LoraMatrices> matrices;
    std::vector<std::vector<float>> values;
    auto addValues = [&](int64_t count) -> ArrayRef<float> {
      std::vector<float> &added = values.emplace_back(count);
      for (float &value : added)
        value = pickFloat(-0.5f, 0.5f);
      return added;
    };
    for (const AdapterLayer &layer : layout.layers) {
      if (pick(0, 3) == 0)
        continue;
      int64_t rank = pick(1, layout.maxRank);
      matrices.push_back({layer.name, rank, layer.numInputs, layer.numOutputs,
                          addValues(rank * layer.numInputs),
                          addValues(rank * layer.numOutputs),
                          pickFloat(0.1f, 2.0f)});
    }
    return packAdapter(layout, matrices);
  }

  llvm::Expected<AdapterBlocks> write(const AdapterLayout &layout,
                                      int64_t rows) {
    int64_t count = pick(1, 3);
    AdapterBlocks result{layout.storage,
                         HostTensor(DataType::I8, {count, layout.size}),
                         HostTensor(DataType::I32, {rows})};
    result.blocks.bytes.clear();
    for (int64_t i = 0; i < count; ++i) {
      auto block = makeBlock(layout);
      if (!block)
        return block.takeError();
      llvm::append_range(result.blocks.bytes, *block);
    }
    for (int32_t &slot : result.slots.values<int32_t>())
      slot = pick(-1, count - 1);
    return result;
  }
};

} // namespace

FailureOr<AdapterBlocks> sweep::insertAdapters(ModuleOp module, int64_t rows,
                                               unsigned seed) {
  Writer writer(seed);
  PassManager pm(module.getContext());
  pm.addPass(createInsertLora(writer.pickOptions()));
  if (failed(pm.run(module)))
    return failure();
  FailureOr<func::FuncOp> entry = getEntry(module);
  if (failed(entry))
    return failure();
  FailureOr<ProgramInterface> interface = getProgramInterface(*entry);
  if (failed(interface) || !interface->adapters)
    return failure();
  auto blocks = writer.write(*interface->adapters, rows);
  if (!blocks)
    return module.emitError(llvm::toString(blocks.takeError()));
  return *blocks;
}

std::vector<HostTensor> sweep::getAdapterInputs(const AdapterBlocks &blocks) {
  auto view = [&](DataType type) {
    int64_t bytes = getByteSize(type);
    HostTensor tensor(type,
                      {blocks.blocks.shape[0], blocks.blocks.shape[1] / bytes});
    tensor.bytes = blocks.blocks.bytes;
    return tensor;
  };
  return {view(DataType::F32), view(blocks.storage), blocks.slots};
}
