// RUN: quant-opt %s --quant-emit-entry=name=9lives --split-input-file --verify-diagnostics

// expected-error@+1 {{expects a program that quant-plan-workspace has planned}}
module {
  func.func @main(%x: memref<4xf32> {quant.name = "x",
                                     quant.shape = affine_map<() -> (4)>})
      attributes {quant.dims = []} {
    return
  }
}

// -----

// expected-error@+1 {{'9lives' cannot begin C names; use letters, digits and '_'}}
module {
  func.func private @main_workspace_size() -> index {
    %c0 = arith.constant 0 : index
    return %c0 : index
  }
  func.func @main(%x: memref<4xf32> {quant.name = "x",
                                     quant.shape = affine_map<() -> (4)>},
                  %workspace: memref<?xi8> {quant.workspace})
      attributes {quant.dims = [], quant.workspace_size = @main_workspace_size} {
    return
  }
}
