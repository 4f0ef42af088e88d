//===- TargetSpec.cpp - The machine to compile for ------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Target/TargetSpec.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Target/TargetOptions.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

using namespace mlir;
using namespace quantc;

static constexpr StringLiteral kX86Features[] = {
#define QUANTC_X86_FEATURE(name, leaf, subleaf, output, bit, state) name,
#include "quantc/Target/CpuFeatures.def"
};
static constexpr StringLiteral kAArch64Features[] = {
#define QUANTC_AARCH64_FEATURE(name, reg, shift, lowest) name,
#include "quantc/Target/CpuFeatures.def"
};

/// What `multi` means, best first.
static constexpr StringLiteral kX86Multi =
    "x86-64-v4+avx512vnni+amx-int8,x86-64-v4+avx512vnni,x86-64-v4,"
    "x86-64-v3+avxvnniint8,x86-64-v3+avxvnni,x86-64-v3,x86-64-v2";
static constexpr StringLiteral kAArch64Multi =
    "aarch64+dotprod+i8mm+sve,aarch64+dotprod+i8mm,aarch64+dotprod,aarch64";

/// Features that the system has to be asked for.
static constexpr StringLiteral kTileFeatures[] = {"amx-tile", "amx-int8",
                                                  "amx-bf16", "amx-fp16"};

/// Ends a target that is its own fallback.
static constexpr StringLiteral kWithoutTiles = "+notiles";

static constexpr StringLiteral kTargets =
    "native, x86-64, x86-64-v2, x86-64-v3, x86-64-v4, aarch64, or a CPU such "
    "as sapphirerapids, znver4 or neoverse-n1";
static constexpr StringLiteral kX86Triple = "x86_64-unknown-linux-gnu";
static constexpr StringLiteral kAArch64Triple = "aarch64-unknown-linux-gnu";

static ArrayRef<StringLiteral> getKnownFeatures(const llvm::Triple &triple) {
  if (triple.isAArch64())
    return kAArch64Features;
  return kX86Features;
}

static StringRef getOldestCpu(const llvm::Triple &triple) {
  return triple.isAArch64() ? "generic" : "x86-64";
}

/// The triple of this machine, the same on every Linux.
static llvm::Triple getHostTriple() {
  llvm::Triple host(llvm::sys::getProcessTriple());
  return llvm::Triple(host.isAArch64() ? kAArch64Triple : kX86Triple);
}

static void initializeTargets() {
  static const bool initialized = [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    LLVMInitializeX86AsmParser();
    LLVMInitializeAArch64TargetInfo();
    LLVMInitializeAArch64Target();
    LLVMInitializeAArch64TargetMC();
    LLVMInitializeAArch64AsmPrinter();
    LLVMInitializeAArch64AsmParser();
    return true;
  }();
  (void)initialized;
}

static const llvm::Target *lookupTarget(const llvm::Triple &triple) {
  initializeTargets();
  std::string error;
  return llvm::TargetRegistry::lookupTarget(triple, error);
}

static std::unique_ptr<llvm::MCSubtargetInfo>
getSubtarget(const llvm::Triple &triple, StringRef cpu, StringRef features) {
  return std::unique_ptr<llvm::MCSubtargetInfo>(
      lookupTarget(triple)->createMCSubtargetInfo(triple, cpu, features));
}

static bool isKnownCpu(const llvm::Triple &triple, StringRef cpu) {
  std::unique_ptr<llvm::MCSubtargetInfo> any = getSubtarget(triple, "", "");
  if (!any->isCPUStringValid(cpu))
    return false;
  // The i386 has a name too.
  return !triple.isX86() ||
         getSubtarget(triple, cpu, "")->checkFeatures("+64bit");
}

//===----------------------------------------------------------------------===//
// TargetSpec
//===----------------------------------------------------------------------===//

bool TargetSpec::hasFeature(StringRef feature) const {
  return llvm::is_contained(features, ("+" + feature).str());
}

std::string TargetSpec::getFeatureString() const {
  return llvm::join(features, ",");
}

std::string TargetSpec::str() const {
  llvm::Triple parsed(triple);
  std::unique_ptr<llvm::MCSubtargetInfo> plain = getSubtarget(parsed, cpu, "");
  std::string text =
      parsed.isAArch64() && cpu == getOldestCpu(parsed) ? "aarch64" : cpu;
  std::vector<StringRef> missing;
  for (StringRef feature : features) {
    if (feature.starts_with("-"))
      missing.push_back(feature.drop_front());
    else if (!plain->checkFeatures(feature.str()))
      text += feature;
  }
  if (!missing.empty())
    text += " without " + llvm::join(missing, ", ");
  return text;
}

bool TargetSpec::hasFusedMultiplyAdd() const {
  return llvm::Triple(triple).isAArch64() || hasFeature("fma");
}

bool TargetSpec::hasRounding() const {
  return llvm::Triple(triple).isAArch64() || hasFeature("sse4.1");
}

bool TargetSpec::hasFloat16Conversion() const {
  return llvm::Triple(triple).isAArch64() || hasFeature("f16c");
}

bool TargetSpec::hasByteMultiply() const {
  return llvm::Triple(triple).isAArch64();
}

/// Completes `features` ("+a,-b") by what `cpu` has.
static FailureOr<TargetSpec> resolve(const llvm::Triple &triple, StringRef cpu,
                                     StringRef features,
                                     EmitErrorFn emitError) {
  if (!isKnownCpu(triple, cpu))
    return emitError() << "unknown CPU '" << cpu << "' for " << triple.str()
                       << "; targets are " << kTargets;
  ArrayRef<StringLiteral> known = getKnownFeatures(triple);
  std::unique_ptr<llvm::MCSubtargetInfo> plain = getSubtarget(triple, cpu, "");
  SmallVector<StringRef> parts;
  features.split(parts, ',', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
  for (StringRef part : parts) {
    StringRef name = part.drop_front();
    if ((part.front() != '+' && part.front() != '-') ||
        llvm::none_of(plain->getAllProcessorFeatures(),
                      [&](const auto &entry) { return entry.Key == name; }))
      return emitError() << "unknown feature '" << part << "' for "
                         << triple.getArchName()
                         << "; features that matter are "
                         << llvm::join(known, ", ");
  }
  std::unique_ptr<llvm::MCSubtargetInfo> full =
      getSubtarget(triple, cpu, features);
  TargetSpec spec{triple.str(), cpu.str(), {}};
  for (StringRef name : known) {
    std::string plus = ("+" + name).str();
    if (full->checkFeatures(plus))
      spec.features.push_back(plus);
    else if (plain->checkFeatures(plus))
      spec.features.push_back(("-" + name).str());
  }
  llvm::sort(spec.features);
  return spec;
}

/// The features that matter of this machine, as "+a,-b".
static std::string getHostFeatures(const llvm::Triple &host) {
  llvm::StringMap<bool> has = llvm::sys::getHostCPUFeatures();
  std::vector<std::string> features;
  for (StringRef name : getKnownFeatures(host))
    if (has.contains(name))
      features.push_back((has.lookup(name) ? "+" : "-") + name.str());
  return llvm::join(features, ",");
}

FailureOr<TargetSpec> quantc::parseTarget(StringRef text,
                                          EmitErrorFn emitError) {
  if (text.consume_back(kWithoutTiles)) {
    FailureOr<TargetSpec> target = parseTarget(text, emitError);
    return failed(target) ? target : getFallback(*target);
  }
  if (text == "multi" || text.ends_with("-multi") || text.contains(','))
    return emitError() << "'" << text
                       << "' is several targets; a pass compiles for one, an "
                          "object file may hold several";
  StringRef base = text.take_until([](char c) { return c == '+'; });
  std::string features = text.substr(base.size()).str();
  for (size_t at = 1; (at = features.find('+', at)) != std::string::npos;
       at += 2)
    features.replace(at, 1, ",+");

  if (base == "native") {
    llvm::Triple host = getHostTriple();
    std::string all = getHostFeatures(host);
    if (!features.empty())
      all += "," + features;
    StringRef cpu = llvm::sys::getHostCPUName();
    return resolve(host, isKnownCpu(host, cpu) ? cpu : getOldestCpu(host), all,
                   emitError);
  }
  if (base == "aarch64")
    return resolve(llvm::Triple(kAArch64Triple), "generic", features,
                   emitError);
  for (StringRef name : {kX86Triple, kAArch64Triple}) {
    llvm::Triple triple(name);
    if (isKnownCpu(triple, base))
      return resolve(triple, base, features, emitError);
  }
  return emitError() << "unknown target '" << text << "'; targets are "
                     << kTargets
                     << ", each with +feature to add one, or +notiles";
}

TargetSpec quantc::getFallback(const TargetSpec &target) {
  if (llvm::none_of(kTileFeatures,
                    [&](StringRef name) { return target.hasFeature(name); }))
    return target;
  std::unique_ptr<llvm::MCSubtargetInfo> plain =
      getSubtarget(llvm::Triple(target.triple), target.cpu, "");
  TargetSpec fallback = target;
  llvm::erase_if(fallback.features, [](StringRef feature) {
    return llvm::is_contained(kTileFeatures, feature.drop_front());
  });
  for (StringRef name : kTileFeatures)
    if (plain->checkFeatures(("+" + name).str()))
      fallback.features.push_back(("-" + name).str());
  llvm::sort(fallback.features);
  return fallback;
}

void quantc::addFallbacks(std::vector<TargetSpec> &targets) {
  std::vector<TargetSpec> all;
  for (const TargetSpec &target : targets)
    for (const TargetSpec &next : {target, getFallback(target)})
      if (!llvm::is_contained(all, next))
        all.push_back(next);
  targets = std::move(all);
}

FailureOr<std::vector<TargetSpec>> quantc::parseTargets(StringRef text,
                                                        EmitErrorFn emitError) {
  if (text == "multi")
    text = getHostTriple().isAArch64() ? "aarch64-multi" : "x86-64-multi";
  if (text == "x86-64-multi")
    text = kX86Multi;
  if (text == "aarch64-multi")
    text = kAArch64Multi;
  std::vector<TargetSpec> targets;
  for (StringRef one : llvm::split(text, ',')) {
    FailureOr<TargetSpec> target = parseTarget(one, emitError);
    if (failed(target))
      return failure();
    if (!targets.empty() && target->triple != targets.front().triple)
      return emitError() << "an object is for one architecture, not for "
                         << targets.front().cpu << " and " << target->cpu;
    targets.push_back(std::move(*target));
  }
  addFallbacks(targets);
  return targets;
}

FailureOr<TargetSpec> quantc::makeTarget(StringRef triple, StringRef cpu,
                                         StringRef features,
                                         EmitErrorFn emitError) {
  llvm::Triple parsed = triple.empty()
                            ? getHostTriple()
                            : llvm::Triple(llvm::Triple::normalize(triple));
  bool isKnown = parsed.getArch() == llvm::Triple::x86_64 ||
                 parsed.getArch() == llvm::Triple::aarch64;
  if (!isKnown || !parsed.isOSLinux())
    return emitError() << "unknown triple '" << triple << "'; triples are "
                       << kX86Triple << " and " << kAArch64Triple;
  return resolve(parsed, cpu.empty() ? getOldestCpu(parsed) : cpu, features,
                 emitError);
}

//===----------------------------------------------------------------------===//
// The attribute, and LLVM's view
//===----------------------------------------------------------------------===//

TargetSpec quantc::getTarget(ModuleOp module) {
  auto attr = module->getAttrOfType<LLVM::TargetAttr>(
      LLVM::LLVMDialect::getTargetAttrName());
  TargetSpec spec;
  if (!attr) {
    llvm::Triple host = getHostTriple();
    spec.triple = host.str();
    spec.cpu = getOldestCpu(host).str();
    return spec;
  }
  spec.triple = attr.getTriple().str();
  spec.cpu = attr.getChip().str();
  if (attr.getFeatures())
    for (StringAttr feature : attr.getFeatures().getFeatures())
      spec.features.push_back(feature.str());
  return spec;
}

void quantc::setTarget(ModuleOp module, const TargetSpec &target) {
  MLIRContext *context = module.getContext();
  context->getOrLoadDialect<LLVM::LLVMDialect>();
  SmallVector<StringRef> features(target.features.begin(),
                                  target.features.end());
  module->setAttr(
      LLVM::LLVMDialect::getTargetAttrName(),
      LLVM::TargetAttr::get(context, StringAttr::get(context, target.triple),
                            StringAttr::get(context, target.cpu),
                            LLVM::TargetFeaturesAttr::get(context, features)));
}

std::unique_ptr<llvm::TargetMachine>
quantc::createTargetMachine(const TargetSpec &target) {
  llvm::Triple triple(target.triple);
  const llvm::Target *llvmTarget = lookupTarget(triple);
  if (!llvmTarget)
    return nullptr;
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  return std::unique_ptr<llvm::TargetMachine>(llvmTarget->createTargetMachine(
      triple, target.cpu, target.getFeatureString(), options, llvm::Reloc::PIC_,
      /*CM=*/std::nullopt, llvm::CodeGenOptLevel::Aggressive));
}

std::vector<std::string>
quantc::getMissingHostFeatures(ArrayRef<std::string> required) {
  llvm::StringMap<bool> host = llvm::sys::getHostCPUFeatures();
  // ARM machines are not asked for what every one of them has.
  if (getHostTriple().isAArch64())
    host["fp-armv8"] = host["neon"] = true;
  std::vector<std::string> missing;
  for (StringRef feature : required)
    if (feature.consume_front("+") && !host.lookup(feature))
      missing.push_back(feature.str());
  return missing;
}
