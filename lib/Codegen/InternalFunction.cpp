//===- InternalFunction.cpp - Functions that take pointers ----------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "InternalFunction.h"
#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

void quantc::setInternal(func::FuncOp function) {
  function.setPrivate();
  function->setAttr(
      "llvm.linkage",
      LLVM::LinkageAttr::get(function.getContext(), LLVM::Linkage::Internal));
}

func::FuncOp quantc::createInternalFunction(OpBuilder &builder, Location loc,
                                            const Twine &name,
                                            ArrayRef<Type> arguments,
                                            ArrayRef<Type> results) {
  auto function = func::FuncOp::create(
      builder, loc, name.str(), builder.getFunctionType(arguments, results));
  setInternal(function);
  function.addEntryBlock();
  return function;
}

Value quantc::castTo(OpBuilder &builder, Location loc, Type type, Value value) {
  if (value.getType() == type)
    return value;
  return UnrealizedConversionCastOp::create(builder, loc, type, value)
      .getResult(0);
}

Value quantc::createMemref(OpBuilder &builder, Location loc, MemRefType type,
                           Value pointer, ValueRange sizes) {
  LLVMTypeConverter converter(builder.getContext());
  int64_t rank = type.getRank();
  // After both pointers and the offset: sizes, then strides.
  SmallVector<Value> shape(2 * rank);
  Value stride = arith::ConstantIndexOp::create(builder, loc, 1);
  for (int64_t dim = rank - 1; dim >= 0; --dim) {
    if (type.isDynamicDim(dim)) {
      shape[dim] = sizes.back();
      sizes = sizes.drop_back();
    } else {
      shape[dim] =
          arith::ConstantIndexOp::create(builder, loc, type.getDimSize(dim));
    }
    shape[rank + dim] = stride;
    stride = arith::MulIOp::create(builder, loc, stride, shape[dim]);
  }
  Value offset = arith::ConstantOp::create(
      builder, loc, builder.getIntegerAttr(converter.getIndexType(), 0));
  SmallVector<Value> fields = {pointer, pointer, offset};
  for (Value value : shape)
    fields.push_back(castTo(builder, loc, converter.getIndexType(), value));
  return castTo(builder, loc, type,
                MemRefDescriptor::pack(builder, loc, converter, type, fields));
}

Value quantc::getPointer(OpBuilder &builder, Location loc, Value memref) {
  LLVMTypeConverter converter(builder.getContext());
  Value descriptor =
      castTo(builder, loc, converter.convertType(memref.getType()), memref);
  return MemRefDescriptor(descriptor).alignedPtr(builder, loc);
}

void quantc::setPointerAttrs(func::FuncOp function, unsigned index,
                             bool isReadOnly) {
  Builder builder(function.getContext());
  SmallVector<NamedAttribute> attrs = {builder.getNamedAttr(
      LLVM::LLVMDialect::getNoAliasAttrName(), builder.getUnitAttr())};
  if (isReadOnly)
    attrs.push_back(builder.getNamedAttr(
        LLVM::LLVMDialect::getReadonlyAttrName(), builder.getUnitAttr()));
  function.setArgAttrs(index, attrs);
}
