//===- TranslateMain.cpp - The driver of quant-translate ------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "quantc/Support/TranslateMain.h"

#include "mlir/IR/AsmState.h"
#include "mlir/Support/ToolUtilities.h"
#include "mlir/Tools/mlir-translate/Translation.h"
#include "quantc/Support/Diagnostics.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/WithColor.h"

using namespace mlir;
using namespace quantc;

namespace cl = llvm::cl;

namespace {
struct Options {
  cl::opt<const Translation *, false, TranslationParser> translation{
      "", cl::desc("Translations")};
  cl::opt<std::string> input{cl::Positional, cl::desc("<input file>"),
                             cl::init("-")};
  cl::opt<std::string> output{"o", cl::desc("Output file"),
                              cl::value_desc("file"), cl::init("-")};
  cl::opt<bool> splitInput{
      "split-input-file",
      cl::desc("Translate each part of the input, between lines `// -----`, "
               "on its own")};
  cl::opt<bool> verifyDiagnostics{
      "verify-diagnostics",
      cl::desc("Check that diagnostics are those of the expected-* comments")};
};
} // namespace

static LogicalResult fail(StringRef path, const llvm::Twine &reason) {
  llvm::WithColor::error() << path << ": " << reason << "\n";
  return failure();
}

static void print(Diagnostic &diagnostic) {
  switch (diagnostic.getSeverity()) {
  case DiagnosticSeverity::Error:
    llvm::WithColor::error() << format(diagnostic) << "\n";
    return;
  case DiagnosticSeverity::Warning:
    llvm::WithColor::warning() << format(diagnostic) << "\n";
    return;
  case DiagnosticSeverity::Note:
  case DiagnosticSeverity::Remark:
    return;
  }
}

static LogicalResult translate(std::unique_ptr<llvm::MemoryBuffer> buffer,
                               llvm::raw_ostream &os, const Options &options) {
  auto sources = std::make_shared<llvm::SourceMgr>();
  sources->AddNewSourceBuffer(std::move(buffer), llvm::SMLoc());
  MLIRContext context;
  context.printOpOnDiagnostic(false);
  if (!options.verifyDiagnostics) {
    ScopedDiagnosticHandler handler(&context, print);
    return (*options.translation)(sources, os, &context);
  }
  SourceMgrDiagnosticVerifierHandler handler(*sources, &context);
  // A failure is right where an error is expected.
  (void)(*options.translation)(sources, os, &context);
  return handler.verify();
}

LogicalResult quantc::translateMain(int argc, char **argv, StringRef overview) {
  llvm::InitLLVM init(argc, argv);
  Options options;
  registerTranslationCLOptions();
  registerAsmPrinterCLOptions();
  std::string mistakes;
  llvm::raw_string_ostream mistakeStream(mistakes);
  if (!cl::ParseCommandLineOptions(argc, argv, overview, &mistakeStream)) {
    llvm::WithColor::error() << StringRef(mistakes).split('\n').first << "\n";
    return failure();
  }
  if (!options.translation)
    return fail("quant-translate",
                "expects a translation, such as --import-onnx; see --help");

  llvm::ErrorOr<std::unique_ptr<llvm::MemoryBuffer>> input =
      llvm::MemoryBuffer::getFileOrSTDIN(
          options.input, /*IsText=*/false, /*RequiresNullTerminator=*/true,
          (*options.translation).getInputAlignment());
  if (!input)
    return fail(options.input, "cannot open: " + input.getError().message());

  auto process = [&](std::unique_ptr<llvm::MemoryBuffer> buffer,
                     llvm::raw_ostream &os) {
    return translate(std::move(buffer), os, options);
  };
  // The linker resets options when it is used.
  const std::string path = options.output;
  // The output is known to be writable before anything is translated.
  bool translated = true;
  llvm::Error error = llvm::writeToOutput(path, [&](llvm::raw_ostream &os) {
    StringRef marker = options.splitInput ? kDefaultSplitMarker : "";
    translated = succeeded(
        splitAndProcessBuffer(std::move(*input), process, os, marker));
    // After a failure the stream outlives its file.
    os.flush();
    return translated ? llvm::Error::success()
                      : llvm::errorCodeToError(std::make_error_code(
                            std::errc::operation_canceled));
  });
  if (!error)
    return success();
  std::string reason = llvm::errorToErrorCode(std::move(error)).message();
  return translated ? fail(path, "cannot write: " + reason) : failure();
}
