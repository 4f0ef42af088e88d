//===- Emit.cpp - The formulas as operations ------------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Conversion/Emit.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace quantc;
using arith::CmpFPredicate;
using arith::CmpIPredicate;

Emit::Emit(OpBuilder &builder, Location loc, VectorType shape)
    : builder(loc, builder), shape(shape) {}

Type Emit::getType(Type element) {
  return shape ? Type(shape.clone(element)) : element;
}

Value Emit::getConstant(TypedAttr value) {
  if (shape)
    value = DenseElementsAttr::get(shape.clone(value.getType()),
                                   cast<Attribute>(value));
  return arith::ConstantOp::create(builder, value);
}

Value Emit::constant(float value) {
  return getConstant(builder.getF32FloatAttr(value));
}
Value Emit::constantInt(int32_t value) {
  return getConstant(builder.getI32IntegerAttr(value));
}
Value Emit::constantLong(int64_t value) {
  return getConstant(builder.getI64IntegerAttr(value));
}

Value Emit::add(Value x, Value y) { return create<arith::AddFOp>(x, y); }
Value Emit::sub(Value x, Value y) { return create<arith::SubFOp>(x, y); }
Value Emit::mul(Value x, Value y) { return create<arith::MulFOp>(x, y); }
Value Emit::div(Value x, Value y) { return create<arith::DivFOp>(x, y); }
Value Emit::neg(Value x) { return create<arith::NegFOp>(x); }
Value Emit::fma(Value x, Value y, Value z) {
  return create<math::FmaOp>(x, y, z);
}
Value Emit::abs(Value x) { return create<math::AbsFOp>(x); }
Value Emit::sqrt(Value x) { return create<math::SqrtOp>(x); }
Value Emit::minimum(Value x, Value y) {
  return create<arith::MinimumFOp>(x, y);
}
Value Emit::maximum(Value x, Value y) {
  return create<arith::MaximumFOp>(x, y);
}
Value Emit::roundEven(Value x) { return create<math::RoundEvenOp>(x); }

Value Emit::toDouble(Value x) {
  return create<arith::ExtFOp>(getType(builder.getF64Type()), x);
}
Value Emit::toSingle(Value x) {
  return create<arith::TruncFOp>(getType(builder.getF32Type()), x);
}
Value Emit::mulDouble(Value x, Value y) { return create<arith::MulFOp>(x, y); }
Value Emit::divDouble(Value x, Value y) { return create<arith::DivFOp>(x, y); }

Value Emit::lessThan(Value x, Value y) {
  return create<arith::CmpFOp>(CmpFPredicate::OLT, x, y);
}
Value Emit::lessEqual(Value x, Value y) {
  return create<arith::CmpFOp>(CmpFPredicate::OLE, x, y);
}
Value Emit::equal(Value x, Value y) {
  return create<arith::CmpFOp>(CmpFPredicate::OEQ, x, y);
}
Value Emit::isNaN(Value x) {
  return create<arith::CmpFOp>(CmpFPredicate::UNO, x, x);
}
Value Emit::lessThanInt(Value x, Value y) {
  return create<arith::CmpIOp>(CmpIPredicate::slt, x, y);
}
Value Emit::equalInt(Value x, Value y) {
  return create<arith::CmpIOp>(CmpIPredicate::eq, x, y);
}
Value Emit::andBool(Value x, Value y) { return create<arith::AndIOp>(x, y); }
Value Emit::orBool(Value x, Value y) { return create<arith::OrIOp>(x, y); }

Value Emit::select(Value condition, Value x, Value y) {
  return create<arith::SelectOp>(condition, x, y);
}
Value Emit::selectInt(Value condition, Value x, Value y) {
  return create<arith::SelectOp>(condition, x, y);
}

Value Emit::toInt(Value x) {
  return create<arith::FPToSIOp>(getType(builder.getI32Type()), x);
}
Value Emit::toFloat(Value x) {
  return create<arith::SIToFPOp>(getType(builder.getF32Type()), x);
}

Value Emit::addInt(Value x, Value y) { return create<arith::AddIOp>(x, y); }
Value Emit::subInt(Value x, Value y) { return create<arith::SubIOp>(x, y); }
Value Emit::mulInt(Value x, Value y) { return create<arith::MulIOp>(x, y); }
Value Emit::andInt(Value x, Value y) { return create<arith::AndIOp>(x, y); }
Value Emit::orInt(Value x, Value y) { return create<arith::OrIOp>(x, y); }
Value Emit::xorInt(Value x, Value y) { return create<arith::XOrIOp>(x, y); }
Value Emit::shlInt(Value x, Value n) { return create<arith::ShLIOp>(x, n); }
Value Emit::ashrInt(Value x, Value n) { return create<arith::ShRSIOp>(x, n); }
Value Emit::minInt(Value x, Value y) { return create<arith::MinSIOp>(x, y); }
Value Emit::maxInt(Value x, Value y) { return create<arith::MaxSIOp>(x, y); }

Value Emit::toLong(Value x) {
  return create<arith::ExtSIOp>(getType(builder.getI64Type()), x);
}
Value Emit::truncate(Value x) {
  return create<arith::TruncIOp>(getType(builder.getI32Type()), x);
}
Value Emit::addLong(Value x, Value y) { return create<arith::AddIOp>(x, y); }
Value Emit::subLong(Value x, Value y) { return create<arith::SubIOp>(x, y); }
Value Emit::mulLong(Value x, Value y) { return create<arith::MulIOp>(x, y); }
Value Emit::shlLong(Value x, Value n) { return create<arith::ShLIOp>(x, n); }
Value Emit::ashrLong(Value x, Value n) { return create<arith::ShRSIOp>(x, n); }
Value Emit::minLong(Value x, Value y) { return create<arith::MinSIOp>(x, y); }
Value Emit::maxLong(Value x, Value y) { return create<arith::MaxSIOp>(x, y); }
Value Emit::selectLong(Value condition, Value x, Value y) {
  return create<arith::SelectOp>(condition, x, y);
}
Value Emit::longToFloat(Value x) {
  return create<arith::SIToFPOp>(getType(builder.getF32Type()), x);
}

Value Emit::bitcastToInt(Value x) {
  return create<arith::BitcastOp>(getType(builder.getI32Type()), x);
}
Value Emit::bitcastToFloat(Value x) {
  return create<arith::BitcastOp>(getType(builder.getF32Type()), x);
}

Value Emit::fromStorage(Value x) {
  return create<arith::ExtSIOp>(getType(builder.getI32Type()), x);
}
Value Emit::toStorage(Value x) {
  return create<arith::TruncIOp>(getType(builder.getI8Type()), x);
}
