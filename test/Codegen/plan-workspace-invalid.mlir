// RUN: quant-opt %s --quant-plan-workspace --split-input-file --verify-diagnostics

// expected-error@+1 {{expects a program that quant-bind-interface has bound to memrefs}}
module {
  func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
    return %x : tensor<4xf32>
  }
}

// -----

func.func @main(
    %x: memref<1xindex> {quant.name = "x", quant.shape = affine_map<() -> (1)>})
    attributes {quant.dims = []} {
  %c0 = arith.constant 0 : index
  %n = memref.load %x[%c0] : memref<1xindex>
  // expected-error@+1 {{cannot bound the size of a temporary buffer by the dimensions of the inputs}}
  %a = memref.alloc(%n) : memref<?xf32>
  %zero = arith.constant 0.0 : f32
  memref.store %zero, %a[%c0] : memref<?xf32>
  return
}

// -----

func.func @main(
    %x: memref<4xf32> {quant.name = "x", quant.shape = affine_map<() -> (4)>})
    attributes {quant.dims = []} {
  // expected-error@+1 {{expects temporary buffers without layout}}
  %a = memref.alloc() : memref<4xf32, strided<[2]>>
  memref.copy %x, %a : memref<4xf32> to memref<4xf32, strided<[2]>>
  return
}

// -----

// expected-error@+1 {{expects one block; control flow is structured}}
func.func @main(
    %x: memref<4xf32> {quant.name = "x", quant.shape = affine_map<() -> (4)>})
    attributes {quant.dims = []} {
  cf.br ^exit
^exit:
  return
}
