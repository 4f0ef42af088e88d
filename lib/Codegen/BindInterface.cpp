//===- BindInterface.cpp - Programs on the caller's memory ----------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "quantc/Codegen/BoundProgram.h"
#include "quantc/Codegen/Passes.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace quantc {
#define GEN_PASS_DEF_BINDINTERFACEPASS
#include "quantc/Codegen/Passes.h.inc"
} // namespace quantc

using namespace quantc;

/// What an input or output may take for each 1 of the dynamic dimensions.
static constexpr int64_t kMaxPortBytes = int64_t(1) << 40;

/// Whether elements of `type` have a layout that a C program knows.
static bool isPortType(Type type) {
  if (auto integer = dyn_cast<IntegerType>(type))
    return integer.isSignless() &&
           llvm::is_contained({1u, 8u, 16u, 32u, 64u}, integer.getWidth());
  return isa<Float16Type, BFloat16Type, Float32Type, Float64Type>(type);
}

/// Whether `map` gives sizes of `type` from `numDims` dynamic dimensions.
static bool isShapeOf(AffineMap map, RankedTensorType type, size_t numDims) {
  if (map.getNumResults() != type.getRank() || map.getNumDims() != numDims ||
      map.getNumSymbols() != 0)
    return false;
  return llvm::all_of(llvm::zip_equal(map.getResults(), type.getShape()),
                      [](auto pair) {
                        auto [expr, size] = pair;
                        auto constant = dyn_cast<AffineConstantExpr>(expr);
                        return ShapedType::isDynamic(size) ||
                               (constant && constant.getValue() == size);
                      });
}

/// Whether the constant sizes of `type` alone are more than memory can hold.
static bool isTooLarge(RankedTensorType type) {
  int64_t bytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  for (int64_t size : type.getShape())
    if (!ShapedType::isDynamic(size) &&
        (llvm::MulOverflow(bytes, size, bytes) || bytes > kMaxPortBytes))
      return true;
  return false;
}

static LogicalResult verifyPort(func::FuncOp entry, const Port &port,
                                size_t numDims) {
  if (!isShapeOf(port.shape, port.type, numDims))
    return emitError(entry.getLoc(), "the ")
           << kShapeAttr << " of '" << port.name << "' does not fit "
           << port.type << " and " << numDims << " dynamic dimensions";
  if (port.type.getEncoding())
    return emitError(entry.getLoc(), "'")
           << port.name << "' has an encoding; inputs and "
           << "outputs are dense";
  if (!isPortType(port.type.getElementType()))
    return emitError(entry.getLoc(), "'")
           << port.name << "' has elements of type "
           << port.type.getElementType()
           << "; inputs and outputs hold i1, i8, i16, i32, i64, f16, bf16, f32 "
              "or f64";
  if (isTooLarge(port.type))
    return emitError(entry.getLoc(), "'")
           << port.name << "' is too large; the constant sizes of " << port.type
           << " make more than 2^40 bytes";
  return success();
}

static MemRefType getMemRefType(RankedTensorType type) {
  return MemRefType::get(type.getShape(), type.getElementType());
}

/// Makes argument `index` a memref that is only read.
static void bindInput(func::FuncOp entry, unsigned index, OpBuilder &builder) {
  BlockArgument arg = entry.getArgument(index);
  auto type = cast<RankedTensorType>(arg.getType());
  arg.setType(getMemRefType(type));
  auto tensor = bufferization::ToTensorOp::create(builder, arg.getLoc(), type,
                                                  arg, /*restrict=*/true);
  arg.replaceAllUsesExcept(tensor, tensor);
}

/// Appends an argument for `port` and writes `result` to it.
static LogicalResult bindOutput(func::FuncOp entry, const Port &port,
                                Value result, OpBuilder &builder) {
  SmallVector<NamedAttribute> attrs = getPortAttributes(port);
  attrs.push_back(builder.getNamedAttr(kOutputAttr, builder.getUnitAttr()));
  unsigned index = entry.getNumArguments();
  if (failed(entry.insertArgument(index, getMemRefType(port.type),
                                  builder.getDictionaryAttr(attrs),
                                  result.getLoc())))
    return failure();
  bufferization::MaterializeInDestinationOp::create(
      builder, result.getLoc(), /*result=*/Type(), result,
      entry.getArgument(index), /*restrict=*/true, /*writable=*/true);
  return success();
}

static LogicalResult bindInterface(ModuleOp module) {
  FailureOr<func::FuncOp> found = getEntry(module);
  if (failed(found))
    return failure();
  func::FuncOp entry = *found;
  if (!entry.getBody().hasOneBlock())
    return emitError(entry.getLoc(),
                     "expects one block; control flow is structured");
  if (!SymbolTable::symbolKnownUseEmpty(entry, module))
    return emitError(entry.getLoc(), "the public function must not be called");
  FailureOr<ProgramInterface> interface = getProgramInterface(entry);
  if (failed(interface))
    return failure();
  for (const Port &port :
       llvm::concat<const Port>(interface->inputs, interface->outputs))
    if (failed(verifyPort(entry, port, interface->dims.size())))
      return failure();
  setProgramInterface(entry, *interface);

  OpBuilder builder(entry.getContext());
  builder.setInsertionPointToStart(&entry.front());
  for (unsigned index : llvm::seq<unsigned>(interface->inputs.size()))
    bindInput(entry, index, builder);
  entry.setType(builder.getFunctionType(entry.front().getArgumentTypes(),
                                        entry.getResultTypes()));

  Operation *terminator = entry.front().getTerminator();
  builder.setInsertionPoint(terminator);
  for (auto [port, result] :
       llvm::zip_equal(interface->outputs, terminator->getOperands()))
    if (failed(bindOutput(entry, port, result, builder)))
      return failure();
  terminator->setOperands({});
  return entry.eraseResults(llvm::BitVector(entry.getNumResults(), true));
}

namespace {
struct BindInterface
    : public quantc::impl::BindInterfacePassBase<BindInterface> {
  void runOnOperation() override {
    if (failed(bindInterface(getOperation())))
      signalPassFailure();
  }
};
} // namespace
