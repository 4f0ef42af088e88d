// RUN: quant-opt %s --quant-distribute-parallel-loops=max-threads=2 --verify-diagnostics

// expected-error @below {{expects a program that quant-bind-interface has bound to memrefs}}
module {
  func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
    return %x : tensor<4xf32>
  }
}
