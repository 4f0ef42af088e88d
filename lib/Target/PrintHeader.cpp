//===- PrintHeader.cpp - The C header of a program ------------------------===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmitObject.h"
#include "quantc/Target/EntryAbi.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace quantc;

/// The caller's threads, the same in every header, so under a guard of its own.
static constexpr StringLiteral kExecutor =
    R"(#ifndef QUANTC_EXECUTOR_DEFINED
#define QUANTC_EXECUTOR_DEFINED
/* The caller's threads. */
typedef struct quantc_executor {
  /* Calls task(data, i) once for each i in [0, count), in any order and on any
     threads, and returns when all calls have. */
  void (*parallel_for)(const struct quantc_executor *self,
                       void (*task)(void *data, int64_t i), void *data,
                       int64_t count);
  /* How many calls can run at the same time. */
  int64_t num_threads;
} quantc_executor;
#endif
)";

/// `name` as part of a macro.
static std::string getMacroName(StringRef name) {
  std::string macro;
  for (char c : name)
    macro.push_back(isAlnum(c) ? toUpper(c) : '_');
  return macro;
}

/// `text` for a comment, which it must not end.
static std::string getCommentText(StringRef text) {
  std::string safe;
  for (char c : text)
    safe.push_back(isPrint(c) && c != '*' ? c : '?');
  return safe;
}

static StringRef getCType(DataType type) {
  switch (type) {
  case DataType::F32:
    return "float";
  case DataType::F64:
    return "double";
  case DataType::Bool:
    return "uint8_t, 0 or 1";
  case DataType::I8:
    return "int8_t";
  case DataType::I16:
    return "int16_t";
  case DataType::I32:
    return "int32_t";
  case DataType::I64:
    return "int64_t";
  case DataType::I2:
    return "int8_t, from -2 to 1";
  case DataType::I4:
    return "int8_t, from -8 to 7";
  case DataType::U2:
    return "uint8_t, from 0 to 3";
  case DataType::U4:
    return "uint8_t, from 0 to 15";
  case DataType::F16:
  case DataType::BF16:
    return getNumpyName(type);
  case DataType::U8:
    return "uint8_t";
  case DataType::U16:
    return "uint16_t";
  case DataType::U32:
    return "uint32_t";
  case DataType::U64:
    return "uint64_t";
  }
  llvm_unreachable("all data types are handled");
}

static void printPorts(raw_ostream &os, StringRef prefix, StringRef kind,
                       ArrayRef<PortMetadata> ports,
                       ArrayRef<std::string> dims) {
  os << "#define " << prefix << "_NUM_" << kind << "S " << ports.size() << "\n";
  for (auto [index, port] : enumerate(ports)) {
    std::string macro = (prefix + "_" + kind + "_" + Twine(index)).str();
    os << "/* " << (kind == "INPUT" ? "inputs[" : "outputs[") << index
       << "]: \"" << getCommentText(port.name) << "\", " << getCType(port.type)
       << " [";
    interleaveComma(port.shape, os, [&](const SizeExpr &size) {
      os << getCommentText(size.str(dims));
    });
    os << "] */\n";
    os << "#define " << macro << "_NAME \"";
    os.write_escaped(port.name, /*UseHexEscapes=*/false);
    os << "\"\n#define " << macro << "_RANK " << port.shape.size() << "\n";
    for (auto [dim, size] : enumerate(port.shape))
      if (auto constant = size.getConstant())
        os << "#define " << macro << "_DIM_" << dim << " " << *constant << "\n";
    os << "#define " << macro << "_ELEMENT_BYTES " << getByteSize(port.type)
       << "\n";
  }
  os << "\n";
}

/// The layout of an adapter: sizes and offsets in bytes.
static void printAdapters(raw_ostream &os, StringRef prefix,
                          const AdapterLayout &layout) {
  std::string macro = (prefix + "_ADAPTER").str();
  os << "/* An adapter is one block of bytes, zero where nothing is said. All "
        "offsets are in\n   bytes. For each layer, A [rank, inputs] and B "
        "[outputs, rank] are transposed:\n     SCALE  float\n     A      "
     << getCType(layout.storage) << " [inputs][" << macro << "_MAX_RANK]\n"
     << "     B      " << getCType(layout.storage) << " [" << macro
     << "_MAX_RANK][outputs]\n";
  if (layout.hasStorageScales())
    os << "     A_SCALE, B_SCALE  float [" << macro
       << "_MAX_RANK], float [outputs]: factors of the integers\n"
       << "                       of a row of A and of a row of B\n";
  os << "   A layer that an adapter leaves alone has a SCALE of -0. */\n"
     << "#define " << macro << "_BYTES " << layout.size << "\n#define " << macro
     << "_MAX_RANK " << layout.maxRank << "\n#define " << macro
     << "_NUM_LAYERS " << layout.layers.size() << "\n";
  for (auto [index, layer] : enumerate(layout.layers)) {
    std::string stem = (macro + "_" + Twine(index)).str();
    auto define = [&](StringRef what, int64_t value) {
      os << "#define " << stem << "_" << what << " " << value << "\n";
    };
    os << "#define " << stem << "_LAYER \"";
    os.write_escaped(layer.name, /*UseHexEscapes=*/false);
    os << "\"\n";
    define("INPUTS", layer.numInputs);
    define("OUTPUTS", layer.numOutputs);
    define("SCALE", layer.scale);
    define("A", layer.down);
    define("B", layer.up);
    if (!layout.hasStorageScales())
      continue;
    define("A_SCALE", layer.downScale);
    define("B_SCALE", layer.upScale);
  }
  os << "\n";
}

std::string quantc::printHeader(const ProgramMetadata &program) {
  std::string text;
  raw_string_ostream os(text);
  std::string prefix = getMacroName(program.name);
  StringRef name = program.name;

  os << "/* " << name << ": compiled by quantc for ";
  if (program.variants.empty())
    os << program.target.str();
  interleave(
      program.variants, os, [&](const TargetSpec &t) { os << t.str(); },
      ";\n   ");
  os << " (" << program.target.triple << "). */\n"
     << "#ifndef QUANTC_PROGRAM_" << prefix << "_H\n#define QUANTC_PROGRAM_"
     << prefix << "_H\n\n#include <stddef.h>\n#include <stdint.h>\n\n"
     << "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n"
     << kExecutor << "\n"
     << "#define " << prefix << "_ABI_VERSION " << kAbiVersion << "\n\n"
     << "/* The most threads of the executor that a call uses. */\n#define "
     << prefix << "_MAX_THREADS " << program.threads << "\n\n";
  for (const EntryErrorInfo &error : kEntryErrors)
    os << "/* " << error.text << " */\n#define " << prefix << "_ERROR_"
       << error.name << " " << int(error.code) << "\n";
  os << "\n";

  os << "#define " << prefix << "_NUM_DIMS " << program.dims.size() << "\n";
  for (auto [index, dim] : enumerate(program.dims))
    os << "#define " << prefix << "_DIM_" << index << "_NAME \"" << dim
       << "\"\n";
  os << "\n";
  printPorts(os, prefix, "INPUT", program.inputs, program.dims);
  printPorts(os, prefix, "OUTPUT", program.outputs, program.dims);
  if (program.adapters)
    printAdapters(os, prefix, *program.adapters);
  if (program.parameters)
    os << "#define " << prefix << "_PARAMETERS_BYTES "
       << program.parameters->bytes << "\n\n";

  std::string variant =
      ("/* The index, among the " + Twine(program.variants.size()) +
       " targets above, of the code that runs on this machine;\n   -1 if none "
       "does. */\nint " +
       name + kVariantSuffix + "(void);\n\n")
          .str();
  auto getCount = [](size_t size) { return std::max<size_t>(size, 1); };
  os << "/* Fields that are not set must be zero. */\n"
     << "typedef struct " << name << "_args {\n"
     << "  /* dense, row-major; must not overlap the outputs */\n"
     << "  const void *inputs[" << getCount(program.inputs.size()) << "];\n"
     << "  void *outputs[" << getCount(program.outputs.size()) << "];\n"
     << "  /* " << prefix << "_NUM_DIMS sizes; null when there are none */\n"
     << "  const int64_t *dims;\n"
     << "  /* " << name << "_workspace_size(dims) bytes, 64-byte aligned */\n"
     << "  void *workspace;\n"
     << "  /* null runs serially */\n"
     << "  const quantc_executor *executor;\n";
  if (program.adapters)
    os << "  /* blocks of " << prefix << "_ADAPTER_BYTES, 64-byte aligned, one "
       << "after the other;\n     null: none */\n"
       << "  const void *adapters;\n"
       << "  /* for each row of the batch (the first size of inputs[0]) the "
       << "index of its\n     block, negative for none; null: all rows use the "
       << "first block */\n"
       << "  const int32_t *adapter_of_row;\n";
  if (program.parameters)
    os << "  /* what the file " << name << ".params holds, " << prefix
       << "_PARAMETERS_BYTES, 64-byte\n     aligned: mapped or read */\n"
       << "  const void *parameters;\n";
  os << "} " << name << "_args;\n\n"
     << "/* Returns 0 or " << prefix << "_ERROR_*. Safe to call from several "
     << "threads at a\n   time, each with its own workspace. */\n"
     << "int " << name << "_run(const " << name << "_args *args);\n\n"
     << "/* The bytes of workspace for these dims; 0 for dims out of range. "
        "*/\n"
     << "size_t " << name << "_workspace_size(const int64_t *dims);\n\n"
     << (program.variants.empty() ? "" : variant)
     << "/* What this header says, as JSON. */\n"
     << "extern const char " << name << "_metadata[];\n\n"
     << "#ifdef __cplusplus\n}\n#endif\n\n#endif\n";
  return text;
}
