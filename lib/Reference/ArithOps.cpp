//===- ArithOps.cpp - The arith dialect in the interpreter ----------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScalarOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "quantc/Support/TensorAttribute.h"
#include "llvm/ADT/APFloat.h"

using namespace mlir;
using namespace quantc;
using namespace quantc::reference;
using numerics::Evaluate;

//===----------------------------------------------------------------------===//
// Constants and selection
//===----------------------------------------------------------------------===//

static LogicalResult runConstant(arith::ConstantOp op, Frame &frame) {
  if (auto elements = dyn_cast<ElementsAttr>(op.getValue())) {
    FailureOr<HostTensor> tensor = getHostTensor(elements);
    if (failed(tensor))
      return op.emitError("the interpreter cannot read a constant of ")
             << op.getType();
    frame.set(op, std::move(*tensor));
    return success();
  }
  Scalar value{};
  if (auto integer = dyn_cast<IntegerAttr>(op.getValue()))
    value.integer = integer.getValue().getSExtValue();
  else if (op.getType().isF64())
    value.f64 = cast<FloatAttr>(op.getValue()).getValueAsDouble();
  else
    value.f32 = cast<FloatAttr>(op.getValue()).getValueAsDouble();
  frame.set(op.getResult(), value);
  return success();
}

static LogicalResult runSelect(const ScalarOp &, ArrayRef<Scalar> x,
                               Scalar &y) {
  y = x[0].integer ? x[1] : x[2];
  return success();
}

//===----------------------------------------------------------------------===//
// Comparisons
//===----------------------------------------------------------------------===//

static LogicalResult compareIntegers(const ScalarOp &op, ArrayRef<Scalar> x,
                                     Scalar &y) {
  int64_t a = x[0].integer, b = x[1].integer;
  // Sign extension keeps the order of unsigned integers.
  uint64_t ua = a, ub = b;
  auto compare = [&] {
    switch (cast<arith::CmpIOp>(op.op).getPredicate()) {
    case arith::CmpIPredicate::eq:
      return a == b;
    case arith::CmpIPredicate::ne:
      return a != b;
    case arith::CmpIPredicate::slt:
      return a < b;
    case arith::CmpIPredicate::sle:
      return a <= b;
    case arith::CmpIPredicate::sgt:
      return a > b;
    case arith::CmpIPredicate::sge:
      return a >= b;
    case arith::CmpIPredicate::ult:
      return ua < ub;
    case arith::CmpIPredicate::ule:
      return ua <= ub;
    case arith::CmpIPredicate::ugt:
      return ua > ub;
    case arith::CmpIPredicate::uge:
      return ua >= ub;
    }
    llvm_unreachable("all predicates are handled");
  };
  y.integer = compare() ? -1 : 0;
  return success();
}

/// f32 is exact in f64, so one comparison serves both.
static LogicalResult compareFloats(const ScalarOp &op, ArrayRef<Scalar> x,
                                   Scalar &y) {
  bool isDouble = op.operandType == DataType::F64;
  double a = isDouble ? x[0].f64 : x[0].f32;
  double b = isDouble ? x[1].f64 : x[1].f32;
  bool unordered = std::isnan(a) || std::isnan(b);
  auto compare = [&] {
    switch (cast<arith::CmpFOp>(op.op).getPredicate()) {
    case arith::CmpFPredicate::AlwaysFalse:
      return false;
    case arith::CmpFPredicate::OEQ:
      return a == b;
    case arith::CmpFPredicate::OGT:
      return a > b;
    case arith::CmpFPredicate::OGE:
      return a >= b;
    case arith::CmpFPredicate::OLT:
      return a < b;
    case arith::CmpFPredicate::OLE:
      return a <= b;
    case arith::CmpFPredicate::ONE:
      return !unordered && a != b;
    case arith::CmpFPredicate::ORD:
      return !unordered;
    case arith::CmpFPredicate::UEQ:
      return unordered || a == b;
    case arith::CmpFPredicate::UGT:
      return unordered || a > b;
    case arith::CmpFPredicate::UGE:
      return unordered || a >= b;
    case arith::CmpFPredicate::ULT:
      return unordered || a < b;
    case arith::CmpFPredicate::ULE:
      return unordered || a <= b;
    case arith::CmpFPredicate::UNE:
      return a != b;
    case arith::CmpFPredicate::UNO:
      return unordered;
    case arith::CmpFPredicate::AlwaysTrue:
      return true;
    }
    llvm_unreachable("all predicates are handled");
  };
  y.integer = compare() ? -1 : 0;
  return success();
}

//===----------------------------------------------------------------------===//
// Conversions
//===----------------------------------------------------------------------===//

/// An integer operand as unsigned, from its own width.
static LogicalResult extendUnsigned(const ScalarOp &op, ArrayRef<Scalar> x,
                                    Scalar &y) {
  y.integer =
      wrapInteger(zeroExtend(x[0].integer, op.operandType), op.resultType);
  return success();
}

/// extsi, trunci and index_cast: a sign-extended integer, wrapped.
static LogicalResult convertInteger(const ScalarOp &op, ArrayRef<Scalar> x,
                                    Scalar &y) {
  y.integer = wrapInteger(x[0].integer, op.resultType);
  return success();
}

/// Converts a number to the float type of the result, rounding once.
template <class T>
static LogicalResult convertToFloat(const ScalarOp &op, T number, Scalar &y) {
  if (op.resultType == DataType::F64) {
    y.f64 = static_cast<double>(number);
    return success();
  }
  if (op.resultType == DataType::F32) {
    y.f32 = static_cast<float>(number);
    return success();
  }
  return op.op->emitError("the interpreter does not convert integers to ")
         << getName(op.resultType);
}

static LogicalResult convertSigned(const ScalarOp &op, ArrayRef<Scalar> x,
                                   Scalar &y) {
  return convertToFloat(op, x[0].integer, y);
}

static LogicalResult convertUnsigned(const ScalarOp &op, ArrayRef<Scalar> x,
                                     Scalar &y) {
  return convertToFloat(op, zeroExtend(x[0].integer, op.operandType), y);
}

/// extf and truncf. A 16-bit result is rounded here and held as f32.
static LogicalResult convertFloat(const ScalarOp &op, ArrayRef<Scalar> x,
                                  Scalar &y) {
  // The upper half of an f32, so that only its place changes.
  if (op.operandType == DataType::BF16 && op.resultType == DataType::F32) {
    y = x[0];
    return success();
  }
  double number = op.operandType == DataType::F64 ? x[0].f64 : x[0].f32;
  if (op.resultType == DataType::F64) {
    y.f64 = number;
    return success();
  }
  if (op.resultType == DataType::F32) {
    y.f32 = static_cast<float>(number);
    return success();
  }
  APFloat value(number);
  bool losesInfo;
  value.convert(op.resultType == DataType::F16 ? APFloat::IEEEhalf()
                                               : APFloat::BFloat(),
                APFloat::rmNearestTiesToEven, &losesInfo);
  value.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven,
                &losesInfo);
  y.f32 = value.convertToFloat();
  return success();
}

/// fptosi and fptoui. A value that the result cannot hold is poison in LLVM,
/// and targets differ in what they give: an error here.
static LogicalResult convertToInteger(const ScalarOp &op, ArrayRef<Scalar> x,
                                      Scalar &y) {
  double number = op.operandType == DataType::F64 ? x[0].f64 : x[0].f32;
  bool isSigned = isa<arith::FPToSIOp>(op.op);
  unsigned width = getElementTypeOrSelf(op.op->getResult(0).getType())
                       .getIntOrFloatBitWidth();
  double end = std::ldexp(1.0, isSigned ? width - 1 : width);
  double truncated = std::trunc(number);
  if (!(truncated >= (isSigned ? -end : 0.0) && truncated < end))
    return op.op->emitError("converts ")
           << number << " to " << getName(op.resultType)
           << ", which cannot hold it";
  uint64_t bits = isSigned ? static_cast<uint64_t>(static_cast<int64_t>(number))
                           : static_cast<uint64_t>(number);
  y.integer = wrapInteger(bits, op.resultType);
  return success();
}

/// The bits of a 32- or 64-bit value as those of another type.
static LogicalResult runBitcast(const ScalarOp &op, ArrayRef<Scalar> x,
                                Scalar &y) {
  bool fromFloat = op.operandType == DataType::F32;
  bool toFloat = op.resultType == DataType::F32;
  if (fromFloat && op.resultType == DataType::I32)
    y.integer = Evaluate::bitcastToInt(x[0].f32);
  else if (toFloat && op.operandType == DataType::I32)
    y.f32 = Evaluate::bitcastToFloat(x[0].integer);
  else if (op.operandType == DataType::BF16 && op.resultType == DataType::I16)
    y.integer = Evaluate::bitcastToInt(x[0].f32) >> 16;
  else if (getByteSize(op.operandType) == 8 || op.operandType == op.resultType)
    y = x[0];
  else
    return op.op->emitError("the interpreter does not bitcast ")
           << getName(op.operandType) << " to " << getName(op.resultType);
  return success();
}

//===----------------------------------------------------------------------===//
// Integer arithmetic
//===----------------------------------------------------------------------===//

/// An operation that is undefined for some arguments, for which `f` gives none.
template <class Op, class F>
static void addPartial(OpTable &table, bool isUnsigned, F f) {
  table.addScalar<Op>([f, isUnsigned](const ScalarOp &op, ArrayRef<Scalar> x,
                                      Scalar &y) -> LogicalResult {
    int64_t a = x[0].integer, b = x[1].integer;
    if (isUnsigned) {
      a = zeroExtend(a, op.operandType);
      b = zeroExtend(b, op.operandType);
    }
    std::optional<uint64_t> result = f(a, b);
    if (!result)
      return op.op->emitError("divides by zero");
    y.integer = wrapInteger(*result, op.resultType);
    return success();
  });
}

/// The quotient of signed integers, rounded towards zero; the one that
/// overflows wraps.
static std::optional<uint64_t> divide(int64_t x, int64_t y) {
  if (y == 0)
    return std::nullopt;
  return y == -1 ? -static_cast<uint64_t>(x) : x / y;
}

static std::optional<uint64_t> remainderOf(int64_t x, int64_t y) {
  if (y == 0)
    return std::nullopt;
  return y == -1 ? 0 : x % y;
}

/// The quotient plus one where the remainder says that truncation rounded the
/// other way: `up` for positive exact quotients, else for negative ones.
static std::optional<uint64_t> divideToward(int64_t x, int64_t y, bool up) {
  std::optional<uint64_t> quotient = divide(x, y);
  std::optional<uint64_t> rest = remainderOf(x, y);
  if (!quotient || *rest == 0 || ((x < 0) == (y < 0)) != up)
    return quotient;
  return *quotient + (up ? 1 : -1);
}

static std::optional<uint64_t> divideUnsigned(uint64_t x, uint64_t y) {
  if (y == 0)
    return std::nullopt;
  return x / y;
}

static std::optional<uint64_t> divideUnsignedUp(uint64_t x, uint64_t y) {
  if (y == 0)
    return std::nullopt;
  return x / y + (x % y != 0);
}

static std::optional<uint64_t> remainderUnsigned(uint64_t x, uint64_t y) {
  if (y == 0)
    return std::nullopt;
  return x % y;
}

/// A shift by the width or more is poison in LLVM.
template <class Op, class F>
static void addShift(OpTable &table, F f) {
  table.addScalar<Op>(
      [f](const ScalarOp &op, ArrayRef<Scalar> x, Scalar &y) -> LogicalResult {
        uint64_t amount = zeroExtend(x[1].integer, op.operandType);
        unsigned width = llvm::popcount(zeroExtend(-1, op.operandType));
        if (amount >= width)
          return op.op->emitError("shifts ") << width << " bits by " << amount;
        y.integer = wrapInteger(f(x[0].integer, amount, op), op.resultType);
        return success();
      });
}

static void addIntegerOps(OpTable &table) {
  // Sign-extended operands: unsigned arithmetic wraps as two's complement does.
  auto add = [](uint64_t x, uint64_t y) { return x + y; };
  auto sub = [](uint64_t x, uint64_t y) { return x - y; };
  auto mul = [](uint64_t x, uint64_t y) { return x * y; };
  addInteger<arith::AddIOp>(table, add);
  addInteger<arith::SubIOp>(table, sub);
  addInteger<arith::MulIOp>(table, mul);
  addInteger<arith::AndIOp>(table, [](auto x, auto y) { return x & y; });
  addInteger<arith::OrIOp>(table, [](auto x, auto y) { return x | y; });
  addInteger<arith::XOrIOp>(table, [](auto x, auto y) { return x ^ y; });
  addInteger<arith::MinSIOp>(
      table, [](int64_t x, int64_t y) { return std::min(x, y); });
  addInteger<arith::MaxSIOp>(
      table, [](int64_t x, int64_t y) { return std::max(x, y); });
  // Sign extension keeps the order of unsigned integers.
  addInteger<arith::MinUIOp>(
      table, [](uint64_t x, uint64_t y) { return std::min(x, y); });
  addInteger<arith::MaxUIOp>(
      table, [](uint64_t x, uint64_t y) { return std::max(x, y); });

  addPartial<arith::DivSIOp>(table, false, divide);
  addPartial<arith::RemSIOp>(table, false, remainderOf);
  addPartial<arith::FloorDivSIOp>(table, false, [](int64_t x, int64_t y) {
    return divideToward(x, y, /*up=*/false);
  });
  addPartial<arith::CeilDivSIOp>(table, false, [](int64_t x, int64_t y) {
    return divideToward(x, y, /*up=*/true);
  });
  addPartial<arith::DivUIOp>(table, true, divideUnsigned);
  addPartial<arith::RemUIOp>(table, true, remainderUnsigned);
  addPartial<arith::CeilDivUIOp>(table, true, divideUnsignedUp);

  addShift<arith::ShLIOp>(
      table, [](uint64_t x, uint64_t n, const ScalarOp &) { return x << n; });
  addShift<arith::ShRSIOp>(
      table, [](int64_t x, uint64_t n, const ScalarOp &) { return x >> n; });
  addShift<arith::ShRUIOp>(table,
                           [](int64_t x, uint64_t n, const ScalarOp &op) {
                             return zeroExtend(x, op.operandType) >> n;
                           });
}

//===----------------------------------------------------------------------===//
// Float arithmetic
//===----------------------------------------------------------------------===//

/// minimumf and maximumf of f64: NaN if one is NaN, and -0 is less than +0.
static double minimumDouble(double x, double y) {
  if (std::isnan(x) || std::isnan(y))
    return x + y;
  return x < y || (x == y && std::signbit(x)) ? x : y;
}

static double maximumDouble(double x, double y) {
  return -minimumDouble(-x, -y);
}

/// minnumf and maxnumf: the other operand where one is NaN.
template <class T, T (*select)(T, T)>
static T selectNumber(T x, T y) {
  if (std::isnan(x))
    return y;
  return std::isnan(y) ? x : select(x, y);
}

/// The remainder with the sign of x, which is exact. There is one NaN for all
/// invalid operands.
template <class T>
static T remainderOfFloats(T x, T y) {
  if (std::isnan(x) || std::isnan(y) || std::isinf(x) || y == 0)
    return std::numeric_limits<T>::quiet_NaN();
  return std::fmod(x, y);
}

static void addFloatOps(OpTable &table) {
  addFloat<arith::AddFOp>(table, Evaluate::add,
                          [](double x, double y) { return x + y; });
  addFloat<arith::SubFOp>(table, Evaluate::sub,
                          [](double x, double y) { return x - y; });
  addFloat<arith::MulFOp>(table, Evaluate::mul,
                          [](double x, double y) { return x * y; });
  addFloat<arith::DivFOp>(table, Evaluate::div,
                          [](double x, double y) { return x / y; });
  addFloat<arith::NegFOp>(table, Evaluate::neg, [](double x) { return -x; });
  addFloat<arith::RemFOp>(table, remainderOfFloats<float>,
                          remainderOfFloats<double>);
  addFloat<arith::MinimumFOp>(table, Evaluate::minimum, minimumDouble);
  addFloat<arith::MaximumFOp>(table, Evaluate::maximum, maximumDouble);
  addFloat<arith::MinNumFOp>(table, selectNumber<float, Evaluate::minimum>,
                             selectNumber<double, minimumDouble>);
  addFloat<arith::MaxNumFOp>(table, selectNumber<float, Evaluate::maximum>,
                             selectNumber<double, maximumDouble>);
}

void reference::addArithOps(OpTable &table) {
  table.add<arith::ConstantOp>(runConstant);
  table.addScalar<arith::SelectOp>(runSelect);
  table.addScalar<arith::CmpIOp>(compareIntegers);
  table.addScalar<arith::CmpFOp>(compareFloats);
  table.addScalar<arith::ExtUIOp>(extendUnsigned);
  table.addScalar<arith::IndexCastUIOp>(extendUnsigned);
  table.addScalar<arith::ExtSIOp>(convertInteger);
  table.addScalar<arith::TruncIOp>(convertInteger);
  table.addScalar<arith::IndexCastOp>(convertInteger);
  table.addScalar<arith::SIToFPOp>(convertSigned);
  table.addScalar<arith::UIToFPOp>(convertUnsigned);
  table.addScalar<arith::ExtFOp>(convertFloat);
  table.addScalar<arith::TruncFOp>(convertFloat);
  table.addScalar<arith::FPToSIOp>(convertToInteger);
  table.addScalar<arith::FPToUIOp>(convertToInteger);
  table.addScalar<arith::BitcastOp>(runBitcast);
  addIntegerOps(table);
  addFloatOps(table);
}
