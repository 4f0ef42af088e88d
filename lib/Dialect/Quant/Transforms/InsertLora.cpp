//===- InsertLora.cpp - Adapters as arguments -----------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "quantc/Dialect/Quant/IR/ProgramInterface.h"
#include "quantc/Dialect/Quant/IR/QuantOps.h"
#include "quantc/Dialect/Quant/Transforms/FoldedLayer.h"
#include "quantc/Dialect/Quant/Transforms/LoraLayers.h"
#include "quantc/Dialect/Quant/Transforms/Passes.h"
#include "quantc/Support/Diagnostics.h"
#include "quantc/Support/TensorAttribute.h"

using namespace mlir;

namespace quantc {
#define GEN_PASS_DEF_INSERTLORA
#include "quantc/Dialect/Quant/Transforms/Passes.h.inc"
} // namespace quantc

using namespace quantc;

llvm::cl::ValuesClass quantc::getAdapterStorageValues() {
  return llvm::cl::values(
      clEnumValN(DataType::F32, "f32", "32-bit floats"),
      clEnumValN(DataType::BF16, "bf16", "Rounded to bfloat16"),
      clEnumValN(DataType::I8, "i8",
                 "8-bit integers with a scale for each row of A and of B"));
}

//===----------------------------------------------------------------------===//
// The arguments
//===----------------------------------------------------------------------===//

namespace {
/// The adapters of a program, seen from its layers.
class AdapterArguments {
public:
  /// Adds the arguments to `entry`, whose interface is `interface`.
  static FailureOr<AdapterArguments> add(func::FuncOp entry,
                                         ProgramInterface interface,
                                         const AdapterLayout &layout);

  /// The delta of `layer` for `input`, created at `builder`.
  Value createDelta(OpBuilder &builder, Location loc, const AdapterLayer &layer,
                    Value input, RankedTensorType type) const;

private:
  /// `count` elements at `offset` bytes of each block in `bank`, as `result`.
  Value slice(OpBuilder &builder, Location loc, Value bank, int64_t offset,
              int64_t count, RankedTensorType result) const;
  /// One element of each block, [S], and several, [S, count].
  Value sliceNumber(OpBuilder &builder, Location loc, Value bank,
                    int64_t offset) const;
  Value sliceVector(OpBuilder &builder, Location loc, Value bank,
                    int64_t offset, int64_t count) const;
  /// The same as a matrix of each block.
  Value sliceMatrix(OpBuilder &builder, Location loc, Value bank,
                    int64_t offset, int64_t rows, int64_t columns) const;

  AdapterLayout layout;
  Value scales, values, slots;
};
} // namespace

FailureOr<AdapterArguments> AdapterArguments::add(func::FuncOp entry,
                                                  ProgramInterface interface,
                                                  const AdapterLayout &layout) {
  MLIRContext *context = entry.getContext();
  Builder builder(context);
  unsigned numDims = interface.dims.size() + ProgramInterface::kNumAdapterDims;
  for (SmallVector<Port> *ports : {&interface.inputs, &interface.outputs})
    for (Port &port : *ports)
      port.shape = AffineMap::get(numDims, 0, port.shape.getResults(), context);
  AffineExpr numAdapters = builder.getAffineDimExpr(interface.dims.size());
  AffineExpr numParts = builder.getAffineDimExpr(interface.dims.size() + 1);
  interface.dims.append({"adapters", "adapter_parts"});

  AdapterArguments arguments;
  auto addArgument = [&](StringRef name, Type element, ArrayRef<int64_t> sizes,
                         ArrayRef<AffineExpr> shape) -> FailureOr<Value> {
    auto type = RankedTensorType::get(sizes, element);
    unsigned index = entry.getNumArguments();
    if (failed(entry.insertArgument(index, type, {}, entry.getLoc())))
      return failure();
    interface.inputs.push_back(
        {name.str(), type, AffineMap::get(numDims, 0, shape, context)});
    return Value(entry.getArgument(index));
  };
  auto addBank = [&](StringRef name, DataType type) {
    int64_t width = layout.size / getByteSize(type);
    return addArgument(name, getElementType(context, type),
                       {ShapedType::kDynamic, width},
                       {numAdapters, builder.getAffineConstantExpr(width)});
  };
  FailureOr<Value> scales = addBank("adapter_scales", DataType::F32);
  FailureOr<Value> values = addBank("adapter_values", layout.storage);
  FailureOr<Value> slots = addArgument("adapter_slots", builder.getI32Type(),
                                       ShapedType::kDynamic, numParts);
  if (failed(scales) || failed(values) || failed(slots))
    return failure();
  arguments.layout = layout;
  arguments.scales = *scales;
  arguments.values = *values;
  arguments.slots = *slots;
  interface.adapters = layout;
  setProgramInterface(entry, interface);
  return arguments;
}

Value AdapterArguments::slice(OpBuilder &builder, Location loc, Value bank,
                              int64_t offset, int64_t count,
                              RankedTensorType result) const {
  auto type = cast<RankedTensorType>(bank.getType());
  int64_t bytes = type.getElementTypeBitWidth() / 8;
  SmallVector<OpFoldResult> offsets = {builder.getIndexAttr(0),
                                       builder.getIndexAttr(offset / bytes)};
  SmallVector<OpFoldResult> sizes = {
      tensor::getMixedSize(builder, loc, bank, 0), builder.getIndexAttr(count)};
  SmallVector<OpFoldResult> strides(2, builder.getIndexAttr(1));
  return tensor::ExtractSliceOp::create(builder, loc, result, bank, offsets,
                                        sizes, strides);
}

Value AdapterArguments::sliceNumber(OpBuilder &builder, Location loc,
                                    Value bank, int64_t offset) const {
  return slice(
      builder, loc, bank, offset, 1,
      RankedTensorType::get(ShapedType::kDynamic, getElementTypeOrSelf(bank)));
}

Value AdapterArguments::sliceVector(OpBuilder &builder, Location loc,
                                    Value bank, int64_t offset,
                                    int64_t count) const {
  return slice(builder, loc, bank, offset, count,
               RankedTensorType::get({ShapedType::kDynamic, count},
                                     getElementTypeOrSelf(bank)));
}

Value AdapterArguments::sliceMatrix(OpBuilder &builder, Location loc,
                                    Value bank, int64_t offset, int64_t rows,
                                    int64_t columns) const {
  auto type = RankedTensorType::get({ShapedType::kDynamic, rows, columns},
                                    getElementTypeOrSelf(bank));
  SmallVector<ReassociationIndices> split = {{0}, {1, 2}};
  Value flat = sliceVector(builder, loc, bank, offset, rows * columns);
  return tensor::ExpandShapeOp::create(builder, loc, type, flat, split);
}

Value AdapterArguments::createDelta(OpBuilder &builder, Location loc,
                                    const AdapterLayer &layer, Value input,
                                    RankedTensorType type) const {
  int64_t rank = layout.maxRank;
  Value scale = sliceNumber(builder, loc, scales, layer.scale);
  Value down =
      sliceMatrix(builder, loc, values, layer.down, layer.numInputs, rank);
  Value up =
      sliceMatrix(builder, loc, values, layer.up, rank, layer.numOutputs);
  Value downScale, upScale;
  if (layout.hasStorageScales()) {
    downScale = sliceVector(builder, loc, scales, layer.downScale, rank);
    upScale =
        sliceVector(builder, loc, scales, layer.upScale, layer.numOutputs);
  }
  return LoraOp::create(builder, loc, type, input, down, up, scale, downScale,
                        upScale, slots);
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {
struct InsertLora : quantc::impl::InsertLoraBase<InsertLora> {
  using InsertLoraBase::InsertLoraBase;

  void runOnOperation() override {
    if (failed(insertLora()))
      signalPassFailure();
  }

private:
  LogicalResult insertLora();
};
} // namespace

LogicalResult InsertLora::insertLora() {
  FailureOr<func::FuncOp> entry = getEntry(getOperation());
  if (failed(entry))
    return failure();
  FailureOr<ProgramInterface> interface = getProgramInterface(*entry);
  if (failed(interface))
    return failure();
  if (interface->adapters)
    return emitError(entry->getLoc(), "takes adapters already");
  if (maxRank < 1)
    return emitError(entry->getLoc(), "there are no adapters of rank ")
           << maxRank.getValue() << "; max-rank is at least 1";
  FailureOr<SmallVector<LoraLayer>> chosen = chooseLoraLayers(*entry, layers);
  if (failed(chosen))
    return failure();

  AdapterLayout layout;
  layout.storage = storage;
  layout.maxRank = maxRank;
  for (const LoraLayer &layer : *chosen)
    layout.addLayer(layer.getName(), layer.getNumInputs(),
                    layer.getDeltaType().getDimSize(1));
  FailureOr<AdapterArguments> arguments =
      AdapterArguments::add(*entry, std::move(*interface), layout);
  if (failed(arguments))
    return failure();
  for (auto [layer, place] : llvm::zip_equal(*chosen, layout.layers)) {
    OpBuilder builder(layer.getOperation());
    Location loc = layer.getOperation()->getLoc();
    Value input = layer.createInput(builder);
    Value delta = arguments->createDelta(builder, loc, place, input,
                                         layer.getDeltaType());
    layer.addDelta(builder, foldDelta(builder, layer.getOperation(), delta));
  }
  return success();
}
