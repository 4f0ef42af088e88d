//===- Compile.cpp - Programs to object files -----------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Target/Compile.h"

#include "EmitObject.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "quantc/Pipelines/ToLLVM.h"
#include "quantc/Target/EntryAbi.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace quantc;

/// Brings `module` to LLVM's dialect, unless it is there.
static LogicalResult lowerToLLVM(ModuleOp module,
                                 const CompileOptions &options) {
  if (module.getOps<func::FuncOp>().empty())
    return success();
  CodegenOptions codegen;
  codegen.name = options.name;
  codegen.maxConstantBytes = options.maxConstantBytes;
  codegen.threads = options.threads;
  codegen.threadWork = options.threadWork;
  PassManager pm(module.getContext());
  // Between passes that is a quarter of the time; the tests of passes do it.
  pm.enableVerifier(false);
  buildToLLVMPipeline(pm, codegen);
  return success(succeeded(pm.run(module)) && succeeded(verify(module)));
}

/// What `module`, in LLVM's dialect, says of itself.
static FailureOr<ProgramMetadata> readMetadata(ModuleOp module) {
  for (auto global : module.getOps<LLVM::GlobalOp>()) {
    auto text = dyn_cast_or_null<StringAttr>(global.getValueOrNull());
    if (!text || !global.getName().ends_with(kMetadataSuffix))
      continue;
    llvm::Expected<ProgramMetadata> metadata =
        ProgramMetadata::fromJson(text.getValue().rtrim('\0'));
    if (!metadata)
      return emitError(module.getLoc(), llvm::toString(metadata.takeError()));
    return std::move(*metadata);
  }
  return emitError(
      module.getLoc(),
      "expects a program: one public function, or code in LLVM's dialect "
      "that quant-emit-entry gave its C interface");
}

/// The bytes of `module`, which is optimized.
static llvm::Expected<std::string>
emit(llvm::Module &module, const TargetSpec &target, EmitKind kind) {
  if (kind == EmitKind::LLVMIR) {
    std::string text;
    llvm::raw_string_ostream os(text);
    module.print(os, nullptr);
    return text;
  }
  llvm::Expected<std::string> code = emitCode(module, target, kind);
  if (!code || kind == EmitKind::Assembly)
    return code;
  if (llvm::Error error = checkUndefinedSymbols(*code))
    return error;
  return kind == EmitKind::Object ? std::move(code) : linkShared(*code);
}

/// Tells `variant` where its parameters start.
static void setParametersStart(llvm::Module &variant, StringRef name,
                               int64_t start) {
  std::string symbol = (name + kParametersStartSuffix).str();
  if (llvm::GlobalVariable *global =
          variant.getGlobalVariable(symbol, /*AllowInternal=*/true))
    global->setInitializer(
        llvm::ConstantInt::get(global->getValueType(), start));
}

/// Compiles `module`, which it consumes, for one target: that of the module if
/// `target` is null. Adds its parameters to `parameters`.
static FailureOr<Variant> compileVariant(ModuleOp module,
                                         const CompileOptions &options,
                                         const TargetSpec *target,
                                         llvm::LLVMContext &context,
                                         ParameterBlocks &parameters) {
  bool isLowered = module.getOps<func::FuncOp>().empty();
  if (target && !isLowered)
    setTarget(module, *target);
  if (failed(lowerToLLVM(module, options)))
    return failure();
  FailureOr<ProgramMetadata> metadata = readMetadata(module);
  if (failed(metadata))
    return failure();
  if (target && !(*target == metadata->target))
    return emitError(module.getLoc(), "is code for ")
           << metadata->target.cpu << " already; compile the program again for "
           << target->cpu;
  std::unique_ptr<llvm::Module> translated =
      translateModuleToLLVMIR(module, context, metadata->name);
  if (!translated)
    return emitError(module.getLoc(), "cannot translate to LLVM IR");
  setParametersStart(
      *translated, metadata->name,
      parameters.add(module->getAttrOfType<ArrayAttr>(kParametersAttr)));
  // Without tiles, a target that has them is its fallback.
  if (!usesTiles(*translated))
    metadata->target = getFallback(metadata->target);
  optimize(*translated, metadata->target);
  return Variant{std::move(translated), std::move(*metadata)};
}

/// The targets to compile `module` for.
static FailureOr<std::vector<TargetSpec>>
getTargets(ModuleOp module, const CompileOptions &options) {
  std::vector<TargetSpec> targets = options.targets;
  if (!targets.empty())
    return targets;
  if (module->hasAttr(LLVM::LLVMDialect::getTargetAttrName())) {
    targets.push_back(getTarget(module));
    addFallbacks(targets);
    return targets;
  }
  return parseTargets("native", [&] { return emitError(module.getLoc()); });
}

/// Compiles `module`, which it consumes, for each of the targets.
static FailureOr<std::vector<Variant>>
compileVariants(ModuleOp module, const CompileOptions &options,
                llvm::LLVMContext &context, ParameterBlocks &parameters) {
  std::vector<Variant> variants;
  if (module.getOps<func::FuncOp>().empty()) {
    FailureOr<Variant> variant = compileVariant(
        module, options,
        options.targets.empty() ? nullptr : &options.targets.front(), context,
        parameters);
    if (failed(variant))
      return failure();
    variants.push_back(std::move(*variant));
    return variants;
  }
  FailureOr<std::vector<TargetSpec>> targets = getTargets(module, options);
  if (failed(targets))
    return failure();
  for (const TargetSpec &target : *targets) {
    if (!variants.empty() && variants.back().metadata.target == target)
      continue;
    OwningOpRef<ModuleOp> copy;
    if (&target != &targets->back())
      copy = module.clone();
    FailureOr<Variant> variant = compileVariant(copy ? *copy : module, options,
                                                &target, context, parameters);
    if (failed(variant))
      return failure();
    variants.push_back(std::move(*variant));
  }
  return variants;
}

FailureOr<CompiledProgram> quantc::compile(ModuleOp module,
                                           const CompileOptions &options) {
  Location loc = module.getLoc();
  if (options.threads < 1)
    return emitError(loc, "threads must be at least 1, not ")
           << options.threads;
  llvm::LLVMContext context;
  ParameterBlocks parameters;
  FailureOr<std::vector<Variant>> variants =
      compileVariants(module, options, context, parameters);
  if (failed(variants))
    return failure();
  if (usesTiles(*variants->back().module))
    return emitError(loc, "uses AMX, which the system may refuse; compile the "
                          "program again, from a form before LLVM's dialect, "
                          "so that the object gets a fallback");
  CompiledProgram program;
  if (ArrayAttr all = parameters.getAll()) {
    program.parameters = createParameters(all);
    variants->back().metadata.parameters =
        getParametersInfo(*program.parameters);
  }
  auto linked = linkVariants(*variants, program.metadata);
  if (!linked)
    return emitError(loc, llvm::toString(linked.takeError()));
  llvm::Expected<std::string> bytes =
      emit(**linked, program.metadata.target, options.emit);
  if (!bytes)
    return emitError(loc, llvm::toString(bytes.takeError()));
  program.bytes = std::move(*bytes);
  program.header = printHeader(program.metadata);
  return program;
}

std::string quantc::getProgramName(StringRef path) {
  std::string name;
  for (char c : llvm::sys::path::stem(path))
    name.push_back(llvm::isAlnum(c) ? c : '_');
  if (name.empty() || llvm::isDigit(name.front()))
    name.insert(name.begin(), '_');
  return name;
}

LogicalResult quantc::writeFile(ModuleOp module, StringRef path,
                                StringRef bytes,
                                llvm::function_ref<LogicalResult()> finish) {
  bool finished = true;
  llvm::Error error =
      llvm::writeToOutput(path, [&](llvm::raw_ostream &os) -> llvm::Error {
        os << bytes;
        // After a failure the stream outlives its file.
        os.flush();
        finished = !finish || succeeded(finish());
        return finished ? llvm::Error::success()
                        : llvm::errorCodeToError(std::make_error_code(
                              std::errc::operation_canceled));
      });
  if (!error)
    return success();
  std::string reason = llvm::errorToErrorCode(std::move(error)).message();
  if (!finished)
    return failure();
  return emitError(FileLineColLoc::get(module.getContext(), path, 0, 0),
                   "cannot write: ")
         << reason;
}

LogicalResult quantc::writeFiles(ModuleOp module,
                                 const CompiledProgram &program, StringRef path,
                                 StringRef header) {
  std::vector<std::pair<std::string, StringRef>> files = {
      {path.str(), program.bytes}};
  if (program.parameters)
    files.emplace_back(getParametersPath(path),
                       program.parameters->getBuffer());
  if (!header.empty())
    files.emplace_back(header.str(), program.header);
  // Each file appears when those before it have; one that cannot takes them
  // away again.
  SmallVector<StringRef> written;
  std::function<LogicalResult(size_t)> writeFirst = [&](size_t count) {
    if (count == 0)
      return success();
    const auto &[name, bytes] = files[count - 1];
    LogicalResult result =
        writeFile(module, name, bytes, [&] { return writeFirst(count - 1); });
    if (succeeded(result))
      written.push_back(name);
    return result;
  };
  if (succeeded(writeFirst(files.size())))
    return success();
  for (StringRef name : written)
    (void)llvm::sys::fs::remove(name);
  return failure();
}

LogicalResult quantc::compileToFile(ModuleOp module,
                                    const CompileOptions &options,
                                    StringRef path, StringRef header) {
  CompileOptions named = options;
  if (named.name.empty())
    named.name = getProgramName(path);
  FailureOr<CompiledProgram> program = compile(module, named);
  if (failed(program))
    return failure();
  return writeFiles(module, *program, path, header);
}
