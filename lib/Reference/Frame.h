//===- Frame.h - Values and operations of the interpreter -------*- C++ -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An operation is interpreted by one small function in a table. There are two
// kinds: a handler reads operands from a frame and sets results there; a scalar
// function maps scalars to a scalar, and the interpreter applies it to each
// element where operands are tensors.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_REFERENCE_FRAME_H
#define QUANTC_LIB_REFERENCE_FRAME_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Operation.h"
#include "quantc/Support/HostTensor.h"
#include <functional>
#include <memory>
#include <unordered_map>

namespace quantc::reference {

class Frame;

/// A scalar. Its data type says which member it is: integers of every width
/// are sign-extended (i1 true is -1), f16 and bf16 are held as f32.
union Scalar {
  int64_t integer;
  float f32;
  double f64;
};

/// Element `index` of `tensor`, and the opposite.
Scalar load(const HostTensor &tensor, int64_t index);
void store(HostTensor &tensor, int64_t index, Scalar value);

/// `value` as a signed and as an unsigned integer of as many bits as `type`.
int64_t wrapInteger(uint64_t value, DataType type);
uint64_t zeroExtend(int64_t value, DataType type);

/// An operation as a scalar function sees it: with the data types of its first
/// operand (of its result if it has none) and of its result.
struct ScalarOp {
  mlir::Operation *op = nullptr;
  DataType operandType = DataType::I64;
  DataType resultType = DataType::I64;
};

using Handler = std::function<llvm::LogicalResult(mlir::Operation *, Frame &)>;
using ScalarFunction = std::function<llvm::LogicalResult(
    const ScalarOp &, llvm::ArrayRef<Scalar>, Scalar &)>;

/// From operation names to what interprets them.
class OpTable {
public:
  /// The table of all operations that are known.
  static const OpTable &get();

  template <class Op, class F>
  void add(F run) {
    handlers[mlir::TypeID::get<Op>()] = [run](mlir::Operation *op,
                                              Frame &frame) {
      return run(llvm::cast<Op>(op), frame);
    };
  }
  template <class Op>
  void addScalar(ScalarFunction run) {
    scalars[mlir::TypeID::get<Op>()] = std::move(run);
  }
  /// Terminators do nothing: what encloses a block reads their operands.
  template <class... Ops>
  void addTerminators() {
    (add<Ops>([](Ops, Frame &) { return llvm::success(); }), ...);
  }

  /// What interprets `op`, or null.
  const Handler *getHandler(mlir::Operation *op) const;
  const ScalarFunction *getScalarFunction(mlir::Operation *op) const;

private:
  llvm::DenseMap<mlir::TypeID, Handler> handlers;
  llvm::DenseMap<mlir::TypeID, ScalarFunction> scalars;
};

void addAffineOps(OpTable &table);
void addArithOps(OpTable &table);
void addControlFlowOps(OpTable &table);
void addLinalgOps(OpTable &table);
void addMathOps(OpTable &table);
void addQuantOps(OpTable &table);
void addQuantLinearOp(OpTable &table);
void addQuantLoraOp(OpTable &table);
void addTensorOps(OpTable &table);
void addTensorSliceOps(OpTable &table);

/// Interprets any linalg operation on tensors through its indexing maps and its
/// body.
llvm::LogicalResult runStructured(mlir::Operation *op, Frame &frame);

/// One operation, looked up in the table, with its operands as slots.
struct Step : ScalarOp {
  const Handler *handler = nullptr;
  const ScalarFunction *scalar = nullptr;
  /// Whether the scalar function is applied to elements of tensors.
  bool isElementwise = false;
  llvm::SmallVector<unsigned, 3> operands;
  unsigned result = 0;
};
using Steps = std::vector<Step>;

/// The values of one activation of a function.
class Frame {
public:
  explicit Frame(unsigned callDepth = 0) : callDepth(callDepth) {}

  /// The number of calls that this activation is inside of.
  unsigned getCallDepth() const { return callDepth; }

  // Scalars. An index may be a constant or a value.
  Scalar getScalar(mlir::Value value) { return slots[getSlot(value)].scalar; }
  int64_t getIndex(mlir::OpFoldResult value);
  llvm::SmallVector<int64_t>
  getIndices(llvm::ArrayRef<mlir::OpFoldResult> values);
  llvm::SmallVector<int64_t> getIndices(mlir::ValueRange values);

  // Tensors.
  const HostTensor &getTensor(mlir::Value value) {
    return *slots[getSlot(value)].tensor;
  }
  /// The tensor `value` for its user `op` to change: moved if no other
  /// operation and no later iteration can read it, else a copy.
  HostTensor takeTensor(mlir::Value value, mlir::Operation *op);

  void set(mlir::Value value, Scalar scalar) {
    slots[getSlot(value)].scalar = scalar;
  }
  void set(mlir::Value value, HostTensor tensor);
  /// Sets each of `to` to the value that its counterpart in `from` had before.
  void assign(mlir::ValueRange to, mlir::ValueRange from) {
    assignFrom(*this, to, from);
  }
  /// The same with `from` in another activation.
  void assignFrom(Frame &other, mlir::ValueRange to, mlir::ValueRange from);

  /// Runs the operations of `block` in order.
  llvm::LogicalResult run(mlir::Block &block);

  /// The two halves of `run`, for a block that runs often: null after an error
  /// because of an operation that is not known.
  const Steps *getSteps(mlir::Block &block);
  llvm::LogicalResult run(const Steps &steps);

  /// Scalars by slot: what a value is looked up in once, for many accesses.
  llvm::SmallVector<unsigned> getSlots(mlir::ValueRange values);
  Scalar getScalar(unsigned slot) const { return slots[slot].scalar; }
  void setScalar(unsigned slot, Scalar scalar) { slots[slot].scalar = scalar; }

  /// The indices of the structured operation that is running.
  llvm::ArrayRef<int64_t> point;

private:
  struct Slot {
    Scalar scalar{};
    std::shared_ptr<HostTensor> tensor;
  };

  unsigned getSlot(mlir::Value value);
  llvm::LogicalResult runElementwise(const Step &step);

  unsigned callDepth;
  std::vector<Slot> slots;
  llvm::DenseMap<mlir::Value, unsigned> slotOf;
  std::unordered_map<mlir::Block *, Steps> stepsOf;
};

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

/// A zero tensor, or an error at `op` for an element type that host tensors do
/// not have and for an absurd shape.
mlir::FailureOr<HostTensor> makeTensor(mlir::Operation *op,
                                       mlir::Type elementType,
                                       llvm::ArrayRef<int64_t> shape);

/// The sizes of `type`, dynamic ones from `dynamic` in order.
llvm::SmallVector<int64_t> fillDynamic(mlir::RankedTensorType type,
                                       llvm::ArrayRef<int64_t> dynamic);

/// The position of `point` in a row-major tensor of `shape`.
int64_t getPosition(llvm::ArrayRef<int64_t> point,
                    llvm::ArrayRef<int64_t> shape);

/// Whether `point` lies inside of `shape`.
bool isInside(llvm::ArrayRef<int64_t> point, llvm::ArrayRef<int64_t> shape);

/// Calls `body` for each point of the box `sizes`, the last index fastest,
/// until one fails.
llvm::LogicalResult forEachPoint(
    llvm::ArrayRef<int64_t> sizes,
    llvm::function_ref<llvm::LogicalResult(llvm::ArrayRef<int64_t>)> body);

/// Copies one element between tensors of the same type.
void copyElement(HostTensor &to, int64_t toIndex, const HostTensor &from,
                 int64_t fromIndex);

} // namespace quantc::reference

#endif // QUANTC_LIB_REFERENCE_FRAME_H
