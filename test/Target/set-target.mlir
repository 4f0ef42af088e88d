// RUN: quant-opt %s --quant-set-target=target=x86-64-v2 | FileCheck %s --check-prefix=V2
// RUN: quant-opt %s --quant-set-target=target=aarch64+i8mm | FileCheck %s --check-prefix=ARM
// RUN: quant-opt %s --quant-set-target | FileCheck %s --check-prefix=KEPT
// RUN: not quant-opt %s --quant-set-target=target=z80 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// V2: llvm.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64-v2", features = <["+popcnt", "+sse3", "+sse4.1", "+sse4.2", "+ssse3"]>>
// ARM: llvm.target = #llvm.target<triple = "aarch64-unknown-linux-gnu", chip = "generic", features = <["+fp-armv8", "+i8mm", "+neon"]>>
// KEPT: llvm.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64">
// UNKNOWN: error: unknown target 'z80'; targets are native,
module attributes {llvm.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64">} {
}
