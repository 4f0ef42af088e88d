//===- ToLLVM.cpp - From a program to LLVM's dialect ----------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Pipelines/ToLLVM.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Conversion/VectorToSCF/VectorToSCF.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "quantc/Codegen/Passes.h"
#include "quantc/Conversion/Passes.h"
#include "quantc/Dialect/Quant/Transforms/Passes.h"
#include "quantc/Target/EntryAbi.h"
#include "quantc/Target/Passes.h"

using namespace mlir;
using namespace quantc;

static void addCleanup(OpPassManager &pm) {
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

/// From operations of any form to linalg, vectors and loops on tensors.
static void addTensorPasses(OpPassManager &pm) {
  pm.addPass(createInlinerPass());
  pm.addPass(createConvertConvToMatmul());
  pm.addPass(createSinkTransposes());
  pm.addPass(memref::createResolveShapedTypeResultDimsPass());
  addCleanup(pm);
  pm.addNestedPass<func::FuncOp>(createTileBatchPass());
  pm.addPass(createExpandDepthwisePass());
  pm.addNestedPass<func::FuncOp>(createExpandWindowsPass());
  pm.addNestedPass<func::FuncOp>(createSplitFeatureGroupsPass());
  // Sizes of results come from what they are computed from: nothing but an
  // epilogue reads the result of its layer.
  pm.addPass(memref::createResolveShapedTypeResultDimsPass());
  pm.addPass(createFuseElementwisePass({/*elementwiseOnly=*/true}));
  pm.addPass(createFlattenEpiloguesPass());
  pm.addPass(memref::createResolveShapedTypeResultDimsPass());
  pm.addNestedPass<func::FuncOp>(createTilePatchesPass());
  // Layers with constant weights take the packed path, all else the plain one.
  pm.addPass(createPackPass());
  pm.addPass(createLowerToLinalg());
  pm.addPass(createConvertElementwiseToLinalgPass());
  pm.addPass(createFuseMultiplyAdd());
  // A size that is asked for is no reader.
  pm.addPass(memref::createResolveShapedTypeResultDimsPass());
  pm.addPass(createFuseElementwisePass());
  pm.addPass(memref::createResolveShapedTypeResultDimsPass());
  pm.addPass(createFuseEpiloguesPass());
  pm.addPass(createFoldRanges());
  pm.addPass(createExpandMath());
  addCleanup(pm);
  pm.addPass(createExpandLoopResultsPass());
  pm.addNestedPass<func::FuncOp>(createTileWindowsPass());
  pm.addNestedPass<func::FuncOp>(createTileRowsPass());
  // What two operations of a block read is computed for each of them.
  addCleanup(pm);
  pm.addNestedPass<func::FuncOp>(createHoistRowParametersPass());
  pm.addNestedPass<func::FuncOp>(createTileLinearPass());
  pm.addNestedPass<func::FuncOp>(createVectorizePass());
  pm.addNestedPass<func::FuncOp>(createUnrollShortLoopsPass());
  pm.addPass(createFlattenNarrowVectorsPass());
  pm.addPass(createExpandByteProductsPass());
  addCleanup(pm);
  pm.addPass(createDecodeNibblesPass());
  pm.addPass(createLowerContractionsPass());
  // What is padded is placed with the outputs.
  pm.addPass(createDecomposePadsPass());
}

/// From tensors to the caller's memory and one workspace.
static void addBufferPasses(OpPassManager &pm, const CodegenOptions &codegen) {
  pm.addPass(createBindInterfacePass());
  pm.addPass(createPlaceOutputsPass());
  pm.addPass(createCopyCarriedTensorsPass());
  bufferization::OneShotBufferizePassOptions options;
  options.bufferizeFunctionBoundaries = true;
  options.functionBoundaryTypeConversion =
      bufferization::LayoutMapOption::IdentityLayoutMap;
  options.bufferAlignment = kBufferAlignment;
  pm.addPass(bufferization::createOneShotBufferizePass(options));
  addCleanup(pm);
  pm.addPass(createExternalizeConstantsPass({codegen.maxConstantBytes}));
  pm.addPass(createFlattenConstantsPass());
  pm.addPass(createExpandStridedCopiesPass());
  if (codegen.threads > 1) {
    DistributeParallelLoopsPassOptions distribute;
    distribute.maxThreads = codegen.threads;
    distribute.threadWork = codegen.threadWork;
    pm.addPass(createDistributeParallelLoopsPass(distribute));
  }
  pm.addPass(createPlanWorkspacePass());
}

/// From linalg and vectors on memrefs to loops and simple vectors.
static void addLoopPasses(OpPassManager &pm) {
  pm.addPass(createLowerTileContractionsPass());
  pm.addPass(createVectorizeReductionsPass());
  pm.addPass(createVectorizeTransposesPass());
  pm.addPass(createLowerTransposesPass());
  pm.addPass(createConvertLinalgToLoopsPass());
  // Contiguity is only known on memrefs.
  pm.addPass(createFlattenTransfersPass());
  addCleanup(pm);
  pm.addPass(createLoopInvariantCodeMotionPass());
  pm.addPass(createPrefetchPanelsPass());
  pm.addPass(createConvertVectorToSCFPass(
      VectorTransferToSCFOptions().setTargetRank(1).enableFullUnroll()));
  pm.addPass(createExpandFloatOpsPass());
  addCleanup(pm);
}

/// From everything to LLVM's dialect.
static void addLLVMPasses(OpPassManager &pm, const CodegenOptions &options) {
  EmitEntryPassOptions entry;
  entry.name = options.name;
  pm.addPass(createEmitEntryPass(entry));
  if (options.threads > 1)
    pm.addPass(createOutlineParallelLoopsPass());
  pm.addPass(createShareLoopsPass());
  pm.addPass(createExpandReshapesPass());
  pm.addPass(memref::createExpandStridedMetadataPass());
  pm.addPass(createLowerAffinePass());
  pm.addPass(createSCFToControlFlowPass());
  pm.addPass(createConvertVectorToLLVMPass());
  // All that is left in one step: tile types in block arguments are known to
  // the dialects together, not to control flow alone.
  pm.addPass(createConvertToLLVMPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
  addCleanup(pm);
}

void quantc::buildToLLVMPipeline(OpPassManager &pm,
                                 const CodegenOptions &options) {
  SetTargetPassOptions target;
  target.target = options.target;
  pm.addPass(createSetTargetPass(target));
  addTensorPasses(pm);
  addBufferPasses(pm, options);
  addLoopPasses(pm);
  addLLVMPasses(pm, options);
}

void quantc::registerToLLVMPipeline() {
  PassPipelineRegistration<CodegenOptions>(
      "quant-to-llvm", "Lower a program of any form to LLVM's dialect",
      buildToLLVMPipeline);
}
