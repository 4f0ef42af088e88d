// RUN: quant-opt %s --quant-lower-to-linalg --canonicalize | FileCheck %s

// Two loops over the parts of the rows: the first gives x A^T, the second that
// times B^T and the scale, or -0 where there is no adapter.
// CHECK-LABEL: func @lora
//       CHECK:   %[[PARTS:.*]] = tensor.dim %arg4
//       CHECK:   arith.ceildivui
//       CHECK:   %[[U:.*]] = scf.for %{{.*}} = %{{.*}} to %[[PARTS]] {{.*}} -> (tensor<?x2xf32>)
//       CHECK:     %[[SLOT:.*]] = tensor.extract %arg4
//       CHECK:     arith.cmpi sge, %[[SLOT]]
//       CHECK:     scf.if
//       CHECK:       tensor.extract_slice %arg1{{.*}} : tensor<?x4x2xbf16> to tensor<4x2xbf16>
//       CHECK:       linalg.generic
//       CHECK:         arith.bitcast %{{.*}} : bf16 to i16
//       CHECK:         math.fma
//       CHECK:   scf.for {{.*}} -> (tensor<?x3xf32>)
//       CHECK:     scf.if
//       CHECK:       tensor.extract_slice %[[U]]
//       CHECK:       math.fma
//       CHECK:       arith.mulf
//       CHECK:     } else {
//       CHECK:       linalg.fill ins(%{{.*}} : f32)
func.func @lora(%x: tensor<?x4xf32>, %a: tensor<?x4x2xbf16>, %b: tensor<?x2x3xbf16>, %s: tensor<?xf32>, %i: tensor<?xi32>) -> tensor<?x3xf32> {
  %d = quant.lora %x, %a, %b scale(%s : tensor<?xf32>) slots(%i : tensor<?xi32>)
      : tensor<?x4xf32>, tensor<?x4x2xbf16>, tensor<?x2x3xbf16> -> tensor<?x3xf32>
  return %d : tensor<?x3xf32>
}
