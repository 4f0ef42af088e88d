//===- LowerTileContractions.cpp - Contractions to tile registers ---------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Contractions whose registers are tiles, or of a length that is not known,
// stay whole until buffers are known. Here their loops are called, which are in
// functions of their own (PanelLoops.h). See Passes.td.
//
//===----------------------------------------------------------------------===//

#include "PanelLoops.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "quantc/Target/Passes.h"

using namespace mlir;

namespace quantc {
#define GEN_PASS_DEF_LOWERTILECONTRACTIONSPASS
#include "quantc/Target/Passes.h.inc"
} // namespace quantc

using namespace quantc;

//===----------------------------------------------------------------------===//
// Functions with loops
//===----------------------------------------------------------------------===//

namespace {
/// The functions of a module that have loops, each once.
class LoopFunctions {
public:
  explicit LoopFunctions(ModuleOp module) : module(module), symbols(module) {}

  /// The one for blocks of `rows` rows, or of at most as many in tile
  /// registers.
  func::FuncOp get(Location loc, const TileInstruction &instruction,
                   ContractionShape shape, int64_t rows) {
    for (const Entry &entry : entries)
      if (entry.instruction == &instruction && entry.shape == shape &&
          entry.rows == rows)
        return entry.func;
    auto builder = ImplicitLocOpBuilder::atBlockEnd(loc, module.getBody());
    func::FuncOp func =
        instruction.isScalable()
            ? buildScalableLoops(builder, instruction, shape, rows, kName)
            : buildTileLoops(builder, instruction, shape, kName);
    symbols.insert(func);
    entries.push_back({&instruction, shape, rows, func});
    return func;
  }

private:
  static constexpr StringLiteral kName = "tile_contraction";

  struct Entry {
    const TileInstruction *instruction;
    ContractionShape shape;
    int64_t rows;
    func::FuncOp func;
  };

  ModuleOp module;
  SymbolTable symbols;
  SmallVector<Entry> entries;
};
} // namespace

//===----------------------------------------------------------------------===//
// Calling them
//===----------------------------------------------------------------------===//

/// Where `memref` starts.
static Value getPointer(ImplicitLocOpBuilder &b,
                        TypedValue<MemRefType> memref) {
  auto metadata = memref::ExtractStridedMetadataOp::create(b, memref);
  Value base = memref::ExtractAlignedPointerAsIndexOp::create(b, memref);
  Value size = arith::ConstantIndexOp::create(
      b, memref.getType().getElementTypeBitWidth() / 8);
  Value bytes = arith::MulIOp::create(b, metadata.getOffset(), size);
  Value address = arith::IndexCastOp::create(
      b, b.getI64Type(), arith::AddIOp::create(b, base, bytes));
  return LLVM::IntToPtrOp::create(b, LLVM::LLVMPointerType::get(b.getContext()),
                                  address);
}

namespace {
/// Replaces a contraction by calls of functions with its loops.
class ContractionCalls {
public:
  ContractionCalls(const TileContraction &contraction,
                   const TileInstruction &instruction, LoopFunctions &functions)
      : contraction(contraction), instruction(instruction),
        functions(functions), shape(contraction.shape),
        b(linalg::GenericOp(contraction.op).getLoc(), contraction.op) {}

  void emit();

private:
  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(b, value);
  }
  Value toI64(Value value) {
    return arith::IndexCastOp::create(b, b.getI64Type(), value);
  }
  Value divide(Value lhs, Value rhs) {
    return b.createOrFold<arith::DivUIOp>(lhs, rhs);
  }
  Value getRest(Value lhs, Value rhs) {
    return b.createOrFold<arith::RemUIOp>(lhs, rhs);
  }
  /// The row behind which there are `rest` rows.
  Value getFirst(Value rest) {
    return b.createOrFold<arith::SubIOp>(numRows, rest);
  }
  void emitTiles();
  void emitScalable();
  void emitCall(Value firstRow, Value rows, Value blocks, int64_t mostRows);

  const TileContraction &contraction;
  const TileInstruction &instruction;
  LoopFunctions &functions;
  ContractionShape shape;
  ImplicitLocOpBuilder b;
  /// Where they start, and the distances of rows in bytes.
  Value lhs, rhs, start, acc;
  Value lhsStride, startStride, accStride;
  Value numRows;
};
} // namespace

/// Multiplies `blocks` blocks of `rows` rows each, from `firstRow` on, by the
/// function for `mostRows`, unless there are none.
void ContractionCalls::emitCall(Value firstRow, Value rows, Value blocks,
                                int64_t mostRows) {
  std::optional<int64_t> known = getConstantIntValue(blocks);
  if (known && *known == 0)
    return;
  OpBuilder::InsertionGuard guard(b);
  if (!known) {
    Value isAny =
        arith::CmpIOp::create(b, arith::CmpIPredicate::ne, blocks, index(0));
    auto branch = scf::IfOp::create(b, isAny, /*withElseRegion=*/false);
    b.setInsertionPointToStart(branch.thenBlock());
  }
  auto advance = [&](Value base, Value stride) -> Value {
    Value bytes = arith::MulIOp::create(b, toI64(firstRow), stride);
    return LLVM::GEPOp::create(b, base.getType(), b.getI8Type(), base,
                               ArrayRef<LLVM::GEPArg>{bytes});
  };
  func::FuncOp loops = functions.get(b.getLoc(), instruction, shape, mostRows);
  func::CallOp::create(
      b, loops,
      ValueRange{
          advance(lhs, lhsStride), lhsStride, rhs, advance(start, startStride),
          startStride, advance(acc, accStride),
          arith::IndexCastOp::create(b, b.getIntegerType(16), rows), blocks});
}

/// One call for whole tiles and one with what is left over in a tile. A number
/// of rows that is not known is that of a full block.
void ContractionCalls::emitTiles() {
  int64_t most = instruction.rowBlock / instruction.rows;
  std::optional<int64_t> known = getConstantIntValue(numRows);
  shape.rowTiles =
      known ? std::clamp<int64_t>(*known / instruction.rows, 1, most) : most;
  Value rows = index(instruction.rows);
  Value rest = getRest(numRows, rows);
  emitCall(index(0), rows, divide(numRows, rows), instruction.rows);
  emitCall(getFirst(rest), rest, b.createOrFold<arith::MinUIOp>(rest, index(1)),
           instruction.rows);
}

/// One call for whole blocks, and what is left over in blocks of powers of two.
void ContractionCalls::emitScalable() {
  Value rest = numRows;
  for (int64_t most = instruction.rows; most; most /= 2) {
    Value rows = index(most);
    emitCall(getFirst(rest), rows, divide(rest, rows), most);
    rest = getRest(rest, rows);
  }
}

void ContractionCalls::emit() {
  lhs = getPointer(b, contraction.getLhs());
  auto metadata =
      memref::ExtractStridedMetadataOp::create(b, contraction.getLhs());
  lhsStride = toI64(metadata.getStrides().front());
  rhs = getPointer(b, contraction.getRhs());
  acc = start = getPointer(b, contraction.getAcc());
  accStride = startStride = arith::ConstantIntOp::create(
      b, contraction.shape.accStride * sizeof(int32_t), /*width=*/64);
  linalg::GenericOp op = contraction.op, init = contraction.init;
  if (init) {
    start = getPointer(
        b, cast<TypedValue<MemRefType>>(init.getDpsInputs().front()));
    startStride = arith::ConstantIntOp::create(b, 0, /*width=*/64);
  }
  numRows = b.createOrFold<memref::DimOp>(contraction.getAcc(), index(0));
  if (instruction.isScalable())
    emitScalable();
  else
    emitTiles();
  if (init)
    init.erase();
  op.erase();
}

//===----------------------------------------------------------------------===//
// Pass
//===----------------------------------------------------------------------===//

namespace {
struct LowerTileContractions
    : quantc::impl::LowerTileContractionsPassBase<LowerTileContractions> {
  void runOnOperation() override {
    SmallVector<linalg::GenericOp> ops;
    getOperation().walk([&](linalg::GenericOp op) {
      if (getTileInstruction(op))
        ops.push_back(op);
    });
    LoopFunctions functions(getOperation());
    for (linalg::GenericOp op : ops) {
      FailureOr<TileContraction> contraction = matchTileContraction(op);
      if (failed(contraction))
        return signalPassFailure();
      ContractionCalls(*contraction, *getTileInstruction(op), functions).emit();
    }
  }

  /// The row of the table that `op` is for, if there is one.
  static const TileInstruction *getTileInstruction(linalg::GenericOp op) {
    auto name = op->getAttrOfType<StringAttr>(kTileInstructionAttr);
    return name ? lookupTileInstruction(name) : nullptr;
  }
};
} // namespace
