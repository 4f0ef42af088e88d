// RUN: quant-opt %s --quant-copy-carried-tensors | FileCheck %s

// The new state is copied to where the old one was, once it is computed.
// CHECK-LABEL: func @state
//       CHECK:   scf.for {{.*}} iter_args(%[[STATE:.+]] = %{{.+}}, %[[ALL:.+]] = %{{.+}})
//       CHECK:     %[[NEXT:.+]] = linalg.exp
//       CHECK:     %[[ROWS:.+]] = tensor.insert_slice %[[NEXT]] into %[[ALL]]
//       CHECK:     %[[KEPT:.+]] = bufferization.materialize_in_destination %[[NEXT]] in %[[STATE]]
//       CHECK:     scf.yield %[[KEPT]], %[[ROWS]]
func.func @state(%x: tensor<8xf32>, %y: tensor<4x8xf32>) -> (tensor<8xf32>, tensor<4x8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %empty = tensor.empty() : tensor<8xf32>
  %r:2 = scf.for %i = %c0 to %c4 step %c1 iter_args(%h = %x, %all = %y) -> (tensor<8xf32>, tensor<4x8xf32>) {
    %next = linalg.exp ins(%h : tensor<8xf32>) outs(%empty : tensor<8xf32>) -> tensor<8xf32>
    %rows = tensor.insert_slice %next into %all[%i, 0] [1, 8] [1, 1] : tensor<8xf32> into tensor<4x8xf32>
    scf.yield %next, %rows : tensor<8xf32>, tensor<4x8xf32>
  }
  return %r#0, %r#1 : tensor<8xf32>, tensor<4x8xf32>
}

// So is one that another place holds.
// CHECK-LABEL: func @swap
//       CHECK:   scf.for {{.*}} iter_args(%[[A:.+]] = %{{.+}}, %[[B:.+]] = %{{.+}})
//       CHECK:     bufferization.materialize_in_destination %[[B]] in %[[A]]
//       CHECK:     bufferization.materialize_in_destination %[[A]] in %[[B]]
func.func @swap(%x: tensor<8xf32>, %y: tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %r:2 = scf.for %i = %c0 to %c4 step %c1 iter_args(%a = %x, %b = %y) -> (tensor<8xf32>, tensor<8xf32>) {
    scf.yield %b, %a : tensor<8xf32>, tensor<8xf32>
  }
  return %r#0, %r#1 : tensor<8xf32>, tensor<8xf32>
}

// So is one that something else may be computed in as well.
// CHECK-LABEL: func @overwritten
//       CHECK:   scf.for {{.*}} iter_args(%[[STATE:.+]] = %{{.+}})
//       CHECK:     %[[NEXT:.+]] = linalg.add
//       CHECK:     bufferization.materialize_in_destination %[[NEXT]] in %[[STATE]]
func.func @overwritten(%x: tensor<8xf32>) -> tensor<8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %r = scf.for %i = %c0 to %c4 step %c1 iter_args(%h = %x) -> tensor<8xf32> {
    %e = linalg.exp ins(%h : tensor<8xf32>) outs(%h : tensor<8xf32>) -> tensor<8xf32>
    %s = linalg.sqrt ins(%h : tensor<8xf32>) outs(%h : tensor<8xf32>) -> tensor<8xf32>
    %next = linalg.add ins(%e, %s : tensor<8xf32>, tensor<8xf32>) outs(%e : tensor<8xf32>) -> tensor<8xf32>
    scf.yield %next : tensor<8xf32>
  }
  return %r : tensor<8xf32>
}

// Destinations of operations, loops and choices are traced to their start.
// CHECK-LABEL: func @in_place_untouched
//   CHECK-NOT:   materialize_in_destination
//       CHECK:   return
func.func @in_place_untouched(%x: tensor<8x8xf32>, %y: tensor<8x8xf32>, %s: f32, %condition: i1) -> (tensor<8x8xf32>, f32) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %r:2 = scf.for %i = %c0 to %c4 step %c1 iter_args(%h = %y, %t = %s) -> (tensor<8x8xf32>, f32) {
    %inner = scf.for %j = %c0 to %c4 step %c1 iter_args(%g = %h) -> tensor<8x8xf32> {
      %e = linalg.matmul ins(%x, %x : tensor<8x8xf32>, tensor<8x8xf32>) outs(%g : tensor<8x8xf32>) -> tensor<8x8xf32>
      scf.yield %e : tensor<8x8xf32>
    }
    %chosen = scf.if %condition -> tensor<8x8xf32> {
      %e = linalg.matmul ins(%x, %x : tensor<8x8xf32>, tensor<8x8xf32>) outs(%inner : tensor<8x8xf32>) -> tensor<8x8xf32>
      scf.yield %e : tensor<8x8xf32>
    } else {
      scf.yield %inner : tensor<8x8xf32>
    }
    %u = arith.negf %t : f32
    scf.yield %chosen, %u : tensor<8x8xf32>, f32
  }
  return %r#0, %r#1 : tensor<8x8xf32>, f32
}
