// RUN: quant-opt %s --canonicalize --cse --quant-tile-batch --resolve-shaped-type-result-dims --canonicalize --cse | FileCheck %s

#rows = affine_map<(d0, d1) -> (d0, d1)>
#mk = affine_map<(m, n, k) -> (m, k)>
#nk = affine_map<(m, n, k) -> (n, k)>
#mn = affine_map<(m, n, k) -> (m, n)>
#sum = affine_map<(n, s, c) -> (n, s, c)>
#kept = affine_map<(n, s, c) -> (n, c)>
#batch = affine_map<(n, s, c) -> (s, c)>
#row_loop = affine_map<(m, n) -> (m, n)>

module attributes {llvm.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64-v3", features = <["+avx2", "+fma"]>>} {

// The second layer of a classifier reads its weights once, for all samples. The
// batch is in the loop, and no size in it is unknown.
// CHECK-LABEL: func @unknown_batch(
//  CHECK-SAME:     %[[X:.+]]: tensor<?x1024x16xf32>, %[[W:.+]]: tensor<64x16xf32>, %[[V:.+]]: tensor<10x64xf32>)
//       CHECK:   %[[N:.+]] = tensor.dim %[[X]], %c0
//       CHECK:   %[[EMPTY:.+]] = tensor.empty(%[[N]]) : tensor<?x64xf32>
//       CHECK:   %[[SUMS:.+]] = scf.for %[[I:.+]] = %c0 to %[[N]] step %c1 iter_args(%[[ALL:.+]] = %[[EMPTY]])
//       CHECK:     %[[PART:.+]] = tensor.extract_slice %[[X]][%[[I]], 0, 0] [1, 1024, 16] [1, 1, 1]
//       CHECK:     %[[ROWS:.+]] = tensor.collapse_shape %[[PART]] {{.+}} into tensor<1024x16xf32>
//       CHECK:     %[[ROOM:.+]] = tensor.empty() : tensor<1024x64xf32>
//       CHECK:     %[[ZERO:.+]] = linalg.fill {{.*}} outs(%[[ROOM]] :
//       CHECK:     %[[Y:.+]] = linalg.matmul {{.*}} ins(%[[ROWS]], %[[W]] : {{.+}}) outs(%[[ZERO]] : tensor<1024x64xf32>)
//       CHECK:     %[[SPLIT:.+]] = tensor.expand_shape %[[Y]] {{.+}} output_shape [1, 1024, 64]
//       CHECK:     %[[SUM:.+]] = linalg.generic {{.*}} ins(%[[SPLIT]] : {{.+}}) outs(%{{.+}} : tensor<1x64xf32>)
//       CHECK:     %[[NEXT:.+]] = tensor.insert_slice %[[SUM]] into %[[ALL]][%[[I]], 0] [1, 64] [1, 1]
//       CHECK:     scf.yield %[[NEXT]]
//       CHECK:   } {quant.parallel, quant.samples}
//       CHECK:   linalg.matmul {{.*}} ins(%[[SUMS]], %[[V]] : tensor<?x64xf32>, tensor<10x64xf32>)
func.func @unknown_batch(%x: tensor<?x1024x16xf32>, %w: tensor<64x16xf32>, %v: tensor<10x64xf32>) -> tensor<?x10xf32> {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %c1024 = arith.constant 1024 : index
  %n = tensor.dim %x, %c0 : tensor<?x1024x16xf32>
  %m = arith.muli %n, %c1024 : index
  %r = tensor.collapse_shape %x [[0, 1], [2]] : tensor<?x1024x16xf32> into tensor<?x16xf32>
  %e = tensor.empty(%m) : tensor<?x64xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x64xf32>) -> tensor<?x64xf32>
  %y = linalg.matmul indexing_maps = [#mk, #nk, #mn] ins(%r, %w : tensor<?x16xf32>, tensor<64x16xf32>) outs(%f : tensor<?x64xf32>) -> tensor<?x64xf32>
  %split = tensor.expand_shape %y [[0, 1], [2]] output_shape [%n, 1024, 64] : tensor<?x64xf32> into tensor<?x1024x64xf32>
  %room = tensor.empty(%n) : tensor<?x64xf32>
  %none = linalg.fill ins(%zero : f32) outs(%room : tensor<?x64xf32>) -> tensor<?x64xf32>
  %sum = linalg.generic {indexing_maps = [#sum, #kept], iterator_types = ["parallel", "reduction", "parallel"]}
      ins(%split : tensor<?x1024x64xf32>) outs(%none : tensor<?x64xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.addf %o, %a : f32
    linalg.yield %s : f32
  } -> tensor<?x64xf32>
  %e10 = tensor.empty(%n) : tensor<?x10xf32>
  %f10 = linalg.fill ins(%zero : f32) outs(%e10 : tensor<?x10xf32>) -> tensor<?x10xf32>
  %z = linalg.matmul indexing_maps = [#mk, #nk, #mn] ins(%sum, %v : tensor<?x64xf32>, tensor<10x64xf32>) outs(%f10 : tensor<?x10xf32>) -> tensor<?x10xf32>
  return %z : tensor<?x10xf32>
}

// What quantizes the input of a classifier by row stays with it: one value leaves
// the loop, not integers, scales and zero points.
// CHECK-LABEL: func @dynamic_classifier(
//       CHECK:   %[[SUMS:.+]] = scf.for {{.*}} -> (tensor<?x64xf32>) {
//   CHECK-NOT:     quant.observe
//       CHECK:   } {quant.parallel, quant.samples}
//       CHECK:   quant.observe %[[SUMS]]
//       CHECK:   quant.choose_params
//       CHECK:   quant.quantize %[[SUMS]]
//       CHECK:   quant.linear
func.func @dynamic_classifier(%x: tensor<?x1024x16xf32>, %w: tensor<64x16xf32>, %v: tensor<10x64xi8>, %sv: tensor<10x1xf32>) -> tensor<?x10xf32> {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %c1024 = arith.constant 1024 : index
  %n = tensor.dim %x, %c0 : tensor<?x1024x16xf32>
  %m = arith.muli %n, %c1024 : index
  %r = tensor.collapse_shape %x [[0, 1], [2]] : tensor<?x1024x16xf32> into tensor<?x16xf32>
  %e = tensor.empty(%m) : tensor<?x64xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x64xf32>) -> tensor<?x64xf32>
  %y = linalg.matmul indexing_maps = [#mk, #nk, #mn] ins(%r, %w : tensor<?x16xf32>, tensor<64x16xf32>) outs(%f : tensor<?x64xf32>) -> tensor<?x64xf32>
  %split = tensor.expand_shape %y [[0, 1], [2]] output_shape [%n, 1024, 64] : tensor<?x64xf32> into tensor<?x1024x64xf32>
  %room = tensor.empty(%n) : tensor<?x64xf32>
  %none = linalg.fill ins(%zero : f32) outs(%room : tensor<?x64xf32>) -> tensor<?x64xf32>
  %sum = linalg.generic {indexing_maps = [#sum, #kept], iterator_types = ["parallel", "reduction", "parallel"]}
      ins(%split : tensor<?x1024x64xf32>) outs(%none : tensor<?x64xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.addf %o, %a : f32
    linalg.yield %s : f32
  } -> tensor<?x64xf32>
  %range = quant.observe %sum : tensor<?x64xf32> -> tensor<?x1x2xf32>
  %si, %zi = quant.choose_params %range {bits = 8 : i64} : tensor<?x1x2xf32> -> tensor<?x1xf32>, tensor<?x1xi8>
  %q = quant.quantize %sum scale(%si : tensor<?x1xf32>) zero_point(%zi : tensor<?x1xi8>) : tensor<?x64xf32> -> tensor<?x64xi8>
  %z = quant.linear %q, %v scale(%sv : tensor<10x1xf32>) input(%si, %zi : tensor<?x1xf32>, tensor<?x1xi8>)
      : tensor<?x64xi8>, tensor<10x64xi8> -> tensor<?x10xf32>
  return %z : tensor<?x10xf32>
}

// Blocks of two samples, 30 rows of 64 floats each. What has so many rows and is no batch
// is sliced; what has parameters for each row is, too.
// CHECK-LABEL: func @blocks(
//  CHECK-SAME:     %[[X:.+]]: tensor<6x30x16xf32>, %[[W:.+]]: tensor<64x16xi8>, %{{.+}}: tensor<64x1xf32>, %[[POSITIONS:.+]]: tensor<180x16xf32>)
//       CHECK:   scf.for %[[I:.+]] = %c0 to %c3 step %c1
//       CHECK:     %[[START:.+]] = affine.apply #{{.+}}(%[[I]])
//       CHECK:     tensor.extract_slice %[[X]][%[[START]], 0, 0] [2, 30, 16]
//       CHECK:     %[[ROW:.+]] = affine.apply #{{.+}}(%[[I]])
//       CHECK:     tensor.extract_slice %[[POSITIONS]][%[[ROW]], 0] [60, 16] [1, 1]
//       CHECK:     quant.observe {{.+}} : tensor<60x16xf32> -> tensor<60x1x2xf32>
//       CHECK:     quant.choose_params {{.+}} -> tensor<60x1xf32>, tensor<60x1xi8>
//       CHECK:     quant.quantize {{.+}} : tensor<60x16xf32> -> tensor<60x16xi8>
//       CHECK:     quant.linear {{.+}}, %[[W]] {{.+}} : tensor<60x16xi8>, tensor<64x16xi8> -> tensor<60x64xf32>
//       CHECK:     tensor.insert_slice %{{.+}} into %{{.+}}[%[[ROW]], 0] [60, 64] [1, 1]
func.func @blocks(%x: tensor<6x30x16xf32>, %w: tensor<64x16xi8>, %s: tensor<64x1xf32>, %positions: tensor<180x16xf32>) -> tensor<180x64xf32> {
  %r = tensor.collapse_shape %x [[0, 1], [2]] : tensor<6x30x16xf32> into tensor<180x16xf32>
  %e = tensor.empty() : tensor<180x16xf32>
  %a = linalg.add ins(%r, %positions : tensor<180x16xf32>, tensor<180x16xf32>) outs(%e : tensor<180x16xf32>) -> tensor<180x16xf32>
  %range = quant.observe %a : tensor<180x16xf32> -> tensor<180x1x2xf32>
  %si, %zi = quant.choose_params %range {bits = 8 : i64} : tensor<180x1x2xf32> -> tensor<180x1xf32>, tensor<180x1xi8>
  %q = quant.quantize %a scale(%si : tensor<180x1xf32>) zero_point(%zi : tensor<180x1xi8>) : tensor<180x16xf32> -> tensor<180x16xi8>
  %y = quant.linear %q, %w scale(%s : tensor<64x1xf32>) input(%si, %zi : tensor<180x1xf32>, tensor<180x1xi8>)
      : tensor<180x16xi8>, tensor<64x16xi8> -> tensor<180x64xf32>
  return %y : tensor<180x64xf32>
}

// A sample has as many rows as its sequence is long.
// CHECK-LABEL: func @sequences(
//  CHECK-SAME:     %[[X:.+]]: tensor<?x?x64xf32> {{.+}}, %[[W:.+]]: tensor<256x64xf32>
//   CHECK-DAG:   %[[N:.+]] = tensor.dim %[[X]], %c0
//   CHECK-DAG:   %[[S:.+]] = tensor.dim %[[X]], %c1
//       CHECK:   %[[EMPTY:.+]] = tensor.empty(%[[N]], %[[S]]) : tensor<?x?x256xf32>
//       CHECK:   scf.for %[[I:.+]] = %c0 to %[[N]] step %c1 iter_args(%[[ALL:.+]] = %[[EMPTY]])
//       CHECK:     %[[PART:.+]] = tensor.extract_slice %[[X]][%[[I]], 0, 0] [1, %[[S]], 64] [1, 1, 1] : {{.+}} to tensor<1x?x64xf32>
//       CHECK:     %[[ROWS:.+]] = tensor.collapse_shape %[[PART]] {{.+}} into tensor<?x64xf32>
//       CHECK:     linalg.matmul {{.*}} ins(%[[ROWS]], %[[W]] : {{.+}}) outs(%{{.+}} : tensor<?x256xf32>)
//       CHECK:     %[[Y:.+]] = tensor.expand_shape %{{.+}} output_shape [1, %[[S]], 256] : tensor<?x256xf32> into tensor<1x?x256xf32>
//       CHECK:     tensor.insert_slice %[[Y]] into %[[ALL]][%[[I]], 0, 0] [1, %[[S]], 256]
func.func @sequences(%x: tensor<?x?x64xf32> {quant.shape = affine_map<(d0, d1) -> (d0, d1, 64)>},
                     %w: tensor<256x64xf32> {quant.shape = affine_map<(d0, d1) -> (256, 64)>})
    -> (tensor<?x?x256xf32> {quant.shape = affine_map<(d0, d1) -> (d0, d1, 256)>}) attributes {quant.dims = ["n", "s"]} {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tensor.dim %x, %c0 : tensor<?x?x64xf32>
  %s = tensor.dim %x, %c1 : tensor<?x?x64xf32>
  %m = arith.muli %n, %s : index
  %r = tensor.collapse_shape %x [[0, 1], [2]] : tensor<?x?x64xf32> into tensor<?x64xf32>
  %e = tensor.empty(%m) : tensor<?x256xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x256xf32>) -> tensor<?x256xf32>
  %y = linalg.matmul indexing_maps = [#mk, #nk, #mn] ins(%r, %w : tensor<?x64xf32>, tensor<256x64xf32>) outs(%f : tensor<?x256xf32>) -> tensor<?x256xf32>
  %split = tensor.expand_shape %y [[0, 1], [2]] output_shape [%n, %s, 256] : tensor<?x256xf32> into tensor<?x?x256xf32>
  return %split : tensor<?x?x256xf32>
}

// Padding, slices and concatenation along other dimensions.
// CHECK-LABEL: func @slices(
//       CHECK:   scf.for
//       CHECK:     linalg.matmul {{.*}} outs(%{{.+}} : tensor<1024x64xf32>)
//       CHECK:     tensor.extract_slice %{{.+}}[0, 0, 0] [1, 1024, 32] [1, 1, 1]
//       CHECK:     tensor.pad %{{.+}} low[0, 1, 0] high[0, 1, 0]
//       CHECK:     } : tensor<1x1024x32xf32> to tensor<1x1026x32xf32>
//       CHECK:     tensor.insert_slice %{{.+}} into %{{.+}}[0, 1, 0] [1, 1024, 64] [1, 1, 1] : {{.+}} into tensor<1x1026x64xf32>
//       CHECK:     tensor.insert_slice %{{.+}} into %{{.+}}[0, 0, 0] [1, 1026, 32] [1, 1, 1] : {{.+}} into tensor<1x1026x64xf32>
//       CHECK:     tensor.insert_slice %{{.+}} into %{{.+}}[%{{.+}}, 0, 0] [1, 1026, 64] [1, 1, 1] : {{.+}} into tensor<?x1026x64xf32>
func.func @slices(%x: tensor<?x1024x16xf32>, %w: tensor<64x16xf32>) -> tensor<?x1026x64xf32> {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %c1024 = arith.constant 1024 : index
  %n = tensor.dim %x, %c0 : tensor<?x1024x16xf32>
  %m = arith.muli %n, %c1024 : index
  %r = tensor.collapse_shape %x [[0, 1], [2]] : tensor<?x1024x16xf32> into tensor<?x16xf32>
  %e = tensor.empty(%m) : tensor<?x64xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x64xf32>) -> tensor<?x64xf32>
  %y = linalg.matmul indexing_maps = [#mk, #nk, #mn] ins(%r, %w : tensor<?x16xf32>, tensor<64x16xf32>) outs(%f : tensor<?x64xf32>) -> tensor<?x64xf32>
  %split = tensor.expand_shape %y [[0, 1], [2]] output_shape [%n, 1024, 64] : tensor<?x64xf32> into tensor<?x1024x64xf32>
  %part = tensor.extract_slice %split[0, 0, 0] [%n, 1024, 32] [1, 1, 1] : tensor<?x1024x64xf32> to tensor<?x1024x32xf32>
  %pad = tensor.pad %part low[0, 1, 0] high[0, 1, 0] {
  ^bb0(%i: index, %j: index, %k: index):
    tensor.yield %zero : f32
  } : tensor<?x1024x32xf32> to tensor<?x1026x32xf32>
  %room = tensor.empty(%n) : tensor<?x1026x64xf32>
  %one = tensor.insert_slice %split into %room[0, 1, 0] [%n, 1024, 64] [1, 1, 1] : tensor<?x1024x64xf32> into tensor<?x1026x64xf32>
  %two = tensor.insert_slice %pad into %one[0, 0, 0] [%n, 1026, 32] [1, 1, 1] : tensor<?x1026x32xf32> into tensor<?x1026x64xf32>
  return %two : tensor<?x1026x64xf32>
}

// Stored pairs of values are along the last dimension.
// CHECK-LABEL: func @unpacked(
//       CHECK:   scf.for
//       CHECK:     quant.unpack %{{.+}} : tensor<1x1024x8xi8> -> tensor<1x1024x16xi4>
//       CHECK:     quant.dequantize %{{.+}} -> tensor<1x1024x16xf32>
func.func @unpacked(%x: tensor<4x1024x8xi8>, %w: tensor<64x16xf32>) -> tensor<4096x64xf32> {
  %zero = arith.constant 0.0 : f32
  %scale = arith.constant dense<0.5> : tensor<f32>
  %u = quant.unpack %x : tensor<4x1024x8xi8> -> tensor<4x1024x16xi4>
  %d = quant.dequantize %u scale(%scale : tensor<f32>) : tensor<4x1024x16xi4> -> tensor<4x1024x16xf32>
  %r = tensor.collapse_shape %d [[0, 1], [2]] : tensor<4x1024x16xf32> into tensor<4096x16xf32>
  %e = tensor.empty() : tensor<4096x64xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<4096x64xf32>) -> tensor<4096x64xf32>
  %y = linalg.matmul indexing_maps = [#mk, #nk, #mn] ins(%r, %w : tensor<4096x16xf32>, tensor<64x16xf32>) outs(%f : tensor<4096x64xf32>) -> tensor<4096x64xf32>
  return %y : tensor<4096x64xf32>
}

// A sum over the batch comes behind the loop, and so does what depends on it.
// CHECK-LABEL: func @sum_over_batch(
//       CHECK:   %[[Y:.+]] = scf.for
//       CHECK:   } {quant.parallel, quant.samples}
//       CHECK:   %[[SUM:.+]] = linalg.generic {{.*}} ins(%{{.+}} : tensor<4x1024x64xf32>) outs(%{{.+}} : tensor<1024x64xf32>)
//       CHECK:   linalg.matmul {{.*}} ins(%[[SUM]], %{{.+}} : tensor<1024x64xf32>
func.func @sum_over_batch(%x: tensor<4x1024x16xf32>, %w: tensor<64x16xf32>, %v: tensor<64x64xf32>) -> tensor<1024x64xf32> {
  %zero = arith.constant 0.0 : f32
  %r = tensor.collapse_shape %x [[0, 1], [2]] : tensor<4x1024x16xf32> into tensor<4096x16xf32>
  %e = tensor.empty() : tensor<4096x64xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<4096x64xf32>) -> tensor<4096x64xf32>
  %y = linalg.matmul indexing_maps = [#mk, #nk, #mn] ins(%r, %w : tensor<4096x16xf32>, tensor<64x16xf32>) outs(%f : tensor<4096x64xf32>) -> tensor<4096x64xf32>
  %split = tensor.expand_shape %y [[0, 1], [2]] output_shape [4, 1024, 64] : tensor<4096x64xf32> into tensor<4x1024x64xf32>
  %room = tensor.empty() : tensor<1024x64xf32>
  %none = linalg.fill ins(%zero : f32) outs(%room : tensor<1024x64xf32>) -> tensor<1024x64xf32>
  %sum = linalg.generic {indexing_maps = [#sum, #batch], iterator_types = ["reduction", "parallel", "parallel"]}
      ins(%split : tensor<4x1024x64xf32>) outs(%none : tensor<1024x64xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.addf %o, %a : f32
    linalg.yield %s : f32
  } -> tensor<1024x64xf32>
  %z = linalg.matmul indexing_maps = [#mk, #nk, #mn] ins(%sum, %v : tensor<1024x64xf32>, tensor<64x64xf32>) outs(%none : tensor<1024x64xf32>) -> tensor<1024x64xf32>
  return %z : tensor<1024x64xf32>
}

// The index of a row is another one in a block.
// CHECK-LABEL: func @row_index_untouched(
//   CHECK-NOT:   scf.for
func.func @row_index_untouched(%x: tensor<4096x16xf32>, %w: tensor<64x16xf32>) -> tensor<4096x64xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4096x64xf32>
  %e16 = tensor.empty() : tensor<4096x16xf32>
  %i = linalg.generic {indexing_maps = [#rows, #rows], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<4096x16xf32>) outs(%e16 : tensor<4096x16xf32>) {
  ^bb0(%a: f32, %o: f32):
    %row = linalg.index 0 : index
    %int = arith.index_cast %row : index to i32
    %float = arith.sitofp %int : i32 to f32
    %s = arith.addf %float, %a : f32
    linalg.yield %s : f32
  } -> tensor<4096x16xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<4096x64xf32>) -> tensor<4096x64xf32>
  %y = linalg.matmul indexing_maps = [#mk, #nk, #mn] ins(%i, %w : tensor<4096x16xf32>, tensor<64x16xf32>) outs(%f : tensor<4096x64xf32>) -> tensor<4096x64xf32>
  return %y : tensor<4096x64xf32>
}

// Samples are padded: rows are not where they were.
// CHECK-LABEL: func @padded_batch_untouched(
//   CHECK-NOT:   scf.for
func.func @padded_batch_untouched(%x: tensor<4x1024x16xf32>, %w: tensor<64x16xf32>) -> tensor<5120x64xf32> {
  %zero = arith.constant 0.0 : f32
  %pad = tensor.pad %x low[1, 0, 0] high[0, 0, 0] {
  ^bb0(%i: index, %j: index, %k: index):
    tensor.yield %zero : f32
  } : tensor<4x1024x16xf32> to tensor<5x1024x16xf32>
  %r = tensor.collapse_shape %pad [[0, 1], [2]] : tensor<5x1024x16xf32> into tensor<5120x16xf32>
  %e = tensor.empty() : tensor<5120x64xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<5120x64xf32>) -> tensor<5120x64xf32>
  %y = linalg.matmul indexing_maps = [#mk, #nk, #mn] ins(%r, %w : tensor<5120x16xf32>, tensor<64x16xf32>) outs(%f : tensor<5120x64xf32>) -> tensor<5120x64xf32>
  return %y : tensor<5120x64xf32>
}

// All samples fit the cache.
// CHECK-LABEL: func @small_untouched(
//   CHECK-NOT:   scf.for
func.func @small_untouched(%x: tensor<4x16x16xf32>, %w: tensor<64x16xf32>) -> tensor<64x64xf32> {
  %zero = arith.constant 0.0 : f32
  %r = tensor.collapse_shape %x [[0, 1], [2]] : tensor<4x16x16xf32> into tensor<64x16xf32>
  %e = tensor.empty() : tensor<64x64xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<64x64xf32>) -> tensor<64x64xf32>
  %y = linalg.matmul indexing_maps = [#mk, #nk, #mn] ins(%r, %w : tensor<64x16xf32>, tensor<64x16xf32>) outs(%f : tensor<64x64xf32>) -> tensor<64x64xf32>
  return %y : tensor<64x64xf32>
}

// A sample is one row, and all read the weights together.
// CHECK-LABEL: func @rows_untouched(
//   CHECK-NOT:   scf.for
func.func @rows_untouched(%x: tensor<?x1024xf32>, %w: tensor<4096x1024xf32>) -> tensor<?x4096xf32> {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x1024xf32>
  %e = tensor.empty(%n) : tensor<?x4096xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x4096xf32>) -> tensor<?x4096xf32>
  %y = linalg.matmul indexing_maps = [#mk, #nk, #mn] ins(%x, %w : tensor<?x1024xf32>, tensor<4096x1024xf32>) outs(%f : tensor<?x4096xf32>) -> tensor<?x4096xf32>
  return %y : tensor<?x4096xf32>
}

}
