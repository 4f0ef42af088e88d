// RUN: quant-opt %s --quant-pack --split-input-file | FileCheck %s
// RUN: quant-opt %s --quant-pack --canonicalize --quant-lower-to-linalg --split-input-file | FileCheck %s --check-prefix=LEFT

// A target without dot instruction: steps of one, one panel.
// w = [[1, 2, 3], [4, 5, -6]], so the accumulators start at -za * sum(w):
// -3 * 6 and -3 * 3.
module attributes {llvm.target = #llvm.target<triple = "riscv64-unknown-linux-gnu", chip = "generic-rv64">} {
// CHECK-LABEL: func @static_layer
//   CHECK-DAG:   arith.constant dense<{{\[\[\[\[}}1], [4]], {{\[\[}}2], [5]], {{\[\[}}3], [-6]]]]> : tensor<1x3x2x1xi8>
//   CHECK-DAG:   arith.constant dense<{{\[\[}}-18, -9]]> : tensor<1x2xi32>
//   CHECK-NOT:   quant.linear
//       CHECK:   linalg.generic {{.*}}"reduction", "reduction"]} ins({{.*}} : tensor<?x3x1xi8>, tensor<1x3x2x1xi8>)
//  CHECK-SAME:     quant.tile_sizes = array<i64: 0, 0, 0, 1, 0>
//       CHECK:   linalg.generic {{.*}} outs({{.*}} : tensor<?x1x2xf32>) attrs = {quant.tile_sizes = array<i64: 2, 1, 0>}
func.func @static_layer(%x: tensor<?x3xi8>) -> tensor<?x2xf32> {
  %w = arith.constant dense<[[1, 2, 3], [4, 5, -6]]> : tensor<2x3xi8>
  %sw = arith.constant dense<[[0.5], [0.25]]> : tensor<2x1xf32>
  %sa = arith.constant dense<2.0> : tensor<f32>
  %za = arith.constant dense<3> : tensor<i8>
  %y = quant.linear %x, %w scale(%sw : tensor<2x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>)
      : tensor<?x3xi8>, tensor<2x3xi8> -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}
}

// -----

// An instruction that takes a + 128: -(128 + za) * sum(w) = -131 * 6, -131 * 3;
// K is padded to one step of four.
module attributes {llvm.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64-v4", features = <["+avx512vnni"]>>} {
// CHECK-LABEL: func @unsigned_activations
//   CHECK-DAG:   arith.constant dense<{{\[\[}}-786, -393, 0
//   CHECK-DAG:   arith.xori
//   CHECK-DAG:   tensor.insert_slice {{.*}} : tensor<?x1x3xi8> into tensor<?x1x4xi8>
//       CHECK:   arith.extui
func.func @unsigned_activations(%x: tensor<?x3xi8>) -> tensor<?x2xf32> {
  %w = arith.constant dense<[[1, 2, 3], [4, 5, -6]]> : tensor<2x3xi8>
  %sw = arith.constant dense<[[0.5], [0.25]]> : tensor<2x1xf32>
  %sa = arith.constant dense<2.0> : tensor<f32>
  %za = arith.constant dense<3> : tensor<i8>
  %y = quant.linear %x, %w scale(%sw : tensor<2x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>)
      : tensor<?x3xi8>, tensor<2x3xi8> -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// What is copied several times is shifted before.
// CHECK-LABEL: func @unsigned_patches
//  CHECK-SAME:     %[[X:.+]]: tensor<6x4xi8>
//       CHECK:   %[[S:.+]] = linalg.generic {{.*}} ins(%[[X]] : tensor<6x4xi8>) outs(%{{.+}} : tensor<6x4xi8>)
//       CHECK:     arith.xori
//       CHECK:   %[[P:.+]] = linalg.generic {{.*}} ins(%[[S]] : tensor<6x4xi8>) outs(%{{.+}} : tensor<4x3x4xi8>)
//       CHECK:   tensor.collapse_shape %[[P]]
//   CHECK-NOT:   arith.xori
//       CHECK:   return
func.func @unsigned_patches(%x: tensor<6x4xi8>) -> tensor<4x2xf32> {
  %w = arith.constant dense<1> : tensor<2x12xi8>
  %sw = arith.constant dense<[[0.5], [0.25]]> : tensor<2x1xf32>
  %sa = arith.constant dense<2.0> : tensor<f32>
  %za = arith.constant dense<3> : tensor<i8>
  %e = tensor.empty() : tensor<4x3x4xi8>
  %p = linalg.generic {indexing_maps = [affine_map<(h, i, c) -> (h + i, c)>, affine_map<(h, i, c) -> (h, i, c)>], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : tensor<6x4xi8>) outs(%e : tensor<4x3x4xi8>) {
  ^bb0(%a: i8, %o: i8):
    linalg.yield %a : i8
  } -> tensor<4x3x4xi8>
  %r = tensor.collapse_shape %p [[0], [1, 2]] : tensor<4x3x4xi8> into tensor<4x12xi8>
  %y = quant.linear %r, %w scale(%sw : tensor<2x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>)
      : tensor<4x12xi8>, tensor<2x12xi8> -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}
}

// -----

// Two steps of one to a byte, each higher by 8: 1 and 2 make 0xA9 (-87), 3 and 0
// make 0x8B; 4 and 5 make 0xDC, -6 and 0 make 0x82. The multipliers are applied
// while unpacking, in registers for few rows, once for a panel for many.
module attributes {llvm.target = #llvm.target<triple = "riscv64-unknown-linux-gnu", chip = "generic-rv64">} {
// CHECK-LABEL: func @nibbles
//       CHECK:   arith.constant dense<{{\[\[\[\[}}-87], [-36]], {{\[\[}}-117], [-126]]]]> : tensor<1x2x2x1xi8>
//       CHECK:   %[[FEW:.+]] = arith.cmpi ule, %{{.+}}, %c12
//       CHECK:   scf.if %[[FEW]]
//   CHECK-NOT:     quant.per_panel
//       CHECK:     %[[U:.+]] = arith.andi {{.*}} %c15
//       CHECK:     %[[M:.+]] = arith.andi {{.*}} %c15
//       CHECK:     %[[P:.+]] = arith.muli %[[U]], %[[M]]
//       CHECK:     %[[Z:.+]] = arith.muli %[[M]], %c8
//       CHECK:     arith.subi %[[P]], %[[Z]]
//       CHECK:     linalg.generic {{.*}} tensor<1x2x2x2x1xi8>
//       CHECK:   } else {
//       CHECK:     quant.per_panel
func.func @nibbles(%x: tensor<?x3xi8>) -> tensor<?x2xf32> {
  %bytes = arith.constant dense<[[33, 3], [84, 10]]> : tensor<2x2xi8>
  %w = quant.unpack %bytes : tensor<2x2xi8> -> tensor<2x3xi4>
  %m = arith.constant dense<[[2], [3]]> : tensor<2x1xi8>
  %sw = arith.constant dense<[[0.5], [0.25]]> : tensor<2x1xf32>
  %sa = arith.constant dense<2.0> : tensor<f32>
  %za = arith.constant dense<3> : tensor<i8>
  %y = quant.linear %x, %w scale(%sw : tensor<2x1xf32>) multiplier(%m : tensor<2x1xi8>) input(%sa, %za : tensor<f32>, tensor<i8>)
      : tensor<?x3xi8>, tensor<2x3xi4> -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}
}

// -----

// A single row multiplies with what is stored, without sign, and applies the
// multipliers to the sums of groups: m_g (acc_g - 8 sum_g a).
module attributes {llvm.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64-v4", features = <["+avx512vnni"]>>} {
// CHECK-LABEL: func @one_row_of_nibbles
//   CHECK-NOT:   quant.per_panel
//   CHECK-NOT:   arith.xori
//       CHECK:   %[[ACC:.+]] = linalg.generic {{.*}}"reduction"]} ins({{.*}} outs({{.*}} : tensor<1x1x2x16xi32>)
//   CHECK-DAG:     arith.extsi
//   CHECK-DAG:     arith.extui
//       CHECK:   linalg.generic {{.*}} ins(%[[ACC]], {{.*}} : tensor<1x1x2x16xi32>, tensor<1x2x16xi8>, tensor<1x2xi32>) outs({{.*}} : tensor<1x1x16xi32>)
//       CHECK:     %[[OFFSET:.+]] = arith.muli %{{.+}}, %c8{{.*}}
//       CHECK:     arith.subi %{{.+}}, %[[OFFSET]] : i32
func.func @one_row_of_nibbles(%x: tensor<1x16xi8>) -> tensor<1x2xf32> {
  %bytes = arith.constant dense<33> : tensor<2x8xi8>
  %w = quant.unpack %bytes : tensor<2x8xi8> -> tensor<2x16xi4>
  %pairs = arith.constant dense<[[82], [-13]]> : tensor<2x1xi8>
  %m = quant.unpack %pairs : tensor<2x1xi8> -> tensor<2x2xi8>
  %sw = arith.constant dense<[[0.5], [0.25]]> : tensor<2x1xf32>
  %sa = arith.constant dense<2.0> : tensor<f32>
  %za = arith.constant dense<3> : tensor<i8>
  %y = quant.linear %x, %w scale(%sw : tensor<2x1xf32>) multiplier(%m : tensor<2x2xi8>) input(%sa, %za : tensor<f32>, tensor<i8>)
      : tensor<1x16xi8>, tensor<2x16xi4> -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}
}

// -----

// The multipliers of two groups share a byte, 2 and 5 make 0x52, 3 and 15 make
// 0xF3, which the even group shifts by 0 and the odd one by 4.
module attributes {llvm.target = #llvm.target<triple = "riscv64-unknown-linux-gnu", chip = "generic-rv64">} {
// CHECK-LABEL: func @multiplier_pairs
//   CHECK-DAG:   arith.constant dense<{{\[\[}}[82, -13]]]> : tensor<1x1x2xi8>
//       CHECK:   linalg.index 1
//       CHECK:   arith.shrui
func.func @multiplier_pairs(%x: tensor<?x4xi8>) -> tensor<?x2xf32> {
  %bytes = arith.constant dense<[[33, 3], [84, 10]]> : tensor<2x2xi8>
  %w = quant.unpack %bytes : tensor<2x2xi8> -> tensor<2x4xi4>
  %pairs = arith.constant dense<[[82], [-13]]> : tensor<2x1xi8>
  %m = quant.unpack %pairs : tensor<2x1xi8> -> tensor<2x2xi8>
  %sw = arith.constant dense<[[0.5], [0.25]]> : tensor<2x1xf32>
  %sa = arith.constant dense<2.0> : tensor<f32>
  %za = arith.constant dense<3> : tensor<i8>
  %y = quant.linear %x, %w scale(%sw : tensor<2x1xf32>) multiplier(%m : tensor<2x2xi8>) input(%sa, %za : tensor<f32>, tensor<i8>)
      : tensor<?x4xi8>, tensor<2x4xi4> -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}
}

// -----

// Nibbles that become floats are stored as they are where they can be looked up,
// eight to a word, and multipliers are floats: 1 2 3 4 is 0x4321, 4 5 -6 0 is
// 0xA54. Two rows decode in registers, more read what is decoded once.
module attributes {llvm.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64-v4", features = <["+avx512f"]>>} {
// CHECK-LABEL: func @words
//       CHECK:   arith.constant dense<{{\[\[\[}}17185, 2644, 0, {{.*}} : tensor<1x1x16xi32>
//       CHECK:   %[[FEW:.+]] = arith.cmpi ule, %{{.+}}, %c2
//       CHECK:   scf.if %[[FEW]]
//   CHECK-NOT:     quant.per_panel
//       CHECK:     arith.shli
//       CHECK:     %[[Q:.+]] = arith.shrsi {{.*}} %c28
//       CHECK:     %[[F:.+]] = arith.sitofp %[[Q]]
//       CHECK:     arith.mulf %[[F]], %{{.+}} : f32
//       CHECK:   } else {
//       CHECK:     quant.per_panel
//   CHECK-NOT:     scf.if
func.func @words(%x: tensor<?x4xf32>) -> tensor<?x2xf32> {
  %bytes = arith.constant dense<[[33, 67], [84, 10]]> : tensor<2x2xi8>
  %w = quant.unpack %bytes : tensor<2x2xi8> -> tensor<2x4xi4>
  %m = arith.constant dense<[[2], [3]]> : tensor<2x1xi8>
  %sw = arith.constant dense<[[0.5], [0.25]]> : tensor<2x1xf32>
  %y = quant.linear %x, %w scale(%sw : tensor<2x1xf32>) multiplier(%m : tensor<2x1xi8>)
      : tensor<?x4xf32>, tensor<2x4xi4> -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}
}

// -----

// What is known only at run time is packed there: the weight and the sums that undo the zero point of the input.
// LEFT-LABEL: func @run_time_weight
// CHECK-LABEL: func @run_time_weight
//       CHECK:   %[[W:.+]] = linalg.generic {{.*}} outs({{.*}} : tensor<1x3x2x1xi8>)
//       CHECK:   %[[SUMS:.+]] = linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction"]} {{.*}} outs({{.*}} : tensor<2x1xi32>)
//       CHECK:   %[[SUMS_PACKED:.+]] = tensor.collapse_shape {{.*}} into tensor<1x2xi32>
//       CHECK:   %[[ACC:.+]] = linalg.generic {{.*}} ins({{.*}}, %[[W]] : tensor<?x3x1xi8>, tensor<1x3x2x1xi8>)
//       CHECK:     arith.extf
//       CHECK:   linalg.generic {{.*}} ins(%[[ACC]], {{.*}}, %arg4, %[[SUMS_PACKED]] :
//   CHECK-NOT:   quant.linear
func.func @run_time_weight(%x: tensor<?x3xi8>, %w: tensor<2x3xi8>, %sw: tensor<2x1xf32>, %sa: tensor<f32>, %za: tensor<i8>) -> tensor<?x2xf32> {
  %y = quant.linear %x, %w scale(%sw : tensor<2x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>)
      : tensor<?x3xi8>, tensor<2x3xi8> -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// Layers of many rows multiply with tiles, which take activations as they are,
// on the same weights; few rows do not.
module attributes {llvm.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64-v4", features = <["+amx-int8", "+avx512vnni"]>>} {
// CHECK-LABEL: func @tiles
//       CHECK:   %[[MANY:.+]] = arith.cmpi uge, %{{.+}}, %c8
//       CHECK:   scf.if %[[MANY]]
//   CHECK-NOT:     arith.xori
//       CHECK:     linalg.generic {{.*}} attrs = {quant.on_memory, quant.tile_sizes = array<i64: 0, 0, 0>}
//       CHECK:     linalg.generic {{.*}} attrs = {quant.on_memory, quant.tile_instruction = "amxint8_16x16x64_i32_s8_s8", quant.tile_sizes = array<i64: 0, 0, 0, 1, 0>}
//   CHECK-NOT:     arith.extui
//       CHECK:     linalg.generic {{.*}} attrs = {quant.inner_tile_sizes = array<i64: 1, 1, 0>, quant.tile_sizes = array<i64: 256, 1, 0>}
//       CHECK:   } else {
//       CHECK:     arith.xori
//       CHECK:     quant.dot_instruction = "avx512vnni_1x16x4_i32_u8_s8"
//       CHECK:     arith.extui
func.func @tiles(%x: tensor<?x4xi8>) -> tensor<?x2xf32> {
  %w = arith.constant dense<[[1, 2, 3, 4], [4, 5, -6, 7]]> : tensor<2x4xi8>
  %sw = arith.constant dense<[[0.5], [0.25]]> : tensor<2x1xf32>
  %sa = arith.constant dense<2.0> : tensor<f32>
  %za = arith.constant dense<3> : tensor<i8>
  %y = quant.linear %x, %w scale(%sw : tensor<2x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>)
      : tensor<?x4xi8>, tensor<2x4xi8> -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// Many rows read a panel that is unpacked once, few unpack in registers.
// CHECK-LABEL: func @tiles_of_nibbles
//       CHECK:   %[[MANY:.+]] = arith.cmpi uge, %{{.+}}, %c8
//       CHECK:   scf.if %[[MANY]]
//       CHECK:     %[[PANEL:.+]] = linalg.generic {{.*}} attrs = {quant.per_panel, {{.*}}}
//       CHECK:     linalg.generic {{.*}} ins(%{{.+}}, %[[PANEL]] : {{.*}} attrs = {quant.on_memory, quant.tile_instruction = "amxint8_16x16x64_i32_s8_s8"
//       CHECK:   } else {
//   CHECK-NOT:     quant.per_panel
//       CHECK:   return
func.func @tiles_of_nibbles(%x: tensor<?x8xi8>) -> tensor<?x2xf32> {
  %w = arith.constant dense<[[1, 2, 3, 4, 5, 6, 7, -7], [4, 5, -6, 7, 1, 2, 3, 4]]> : tensor<2x8xi4>
  %m = arith.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi8>
  %sw = arith.constant dense<[[0.5], [0.25]]> : tensor<2x1xf32>
  %sa = arith.constant dense<2.0> : tensor<f32>
  %za = arith.constant dense<3> : tensor<i8>
  %y = quant.linear %x, %w scale(%sw : tensor<2x1xf32>) multiplier(%m : tensor<2x2xi8>) input(%sa, %za : tensor<f32>, tensor<i8>)
      : tensor<?x8xi8>, tensor<2x8xi4> -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// CHECK-LABEL: func @few_rows
//   CHECK-NOT:   quant.tile_instruction
//       CHECK:   return
func.func @few_rows(%x: tensor<7x4xi8>) -> tensor<7x2xf32> {
  %w = arith.constant dense<[[1, 2, 3, 4], [4, 5, -6, 7]]> : tensor<2x4xi8>
  %sw = arith.constant dense<[[0.5], [0.25]]> : tensor<2x1xf32>
  %sa = arith.constant dense<2.0> : tensor<f32>
  %za = arith.constant dense<3> : tensor<i8>
  %y = quant.linear %x, %w scale(%sw : tensor<2x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>)
      : tensor<7x4xi8>, tensor<2x4xi8> -> tensor<7x2xf32>
  return %y : tensor<7x2xf32>
}
}

// -----

// A row of the table for any number of rows leaves no choice at run time, and no
// rows to the dot instruction.
module attributes {llvm.target = #llvm.target<triple = "aarch64-unknown-linux-gnu", chip = "generic", features = <["+dotprod", "+neon", "+sve"]>>} {
// CHECK-LABEL: func @any_rows
//   CHECK-NOT:   scf.if
//   CHECK-NOT:   quant.dot_instruction
//       CHECK:   linalg.generic {{.*}} attrs = {quant.on_memory, quant.tile_instruction = "sve_4x4x16_i32_s8_s8", quant.tile_sizes = array<i64: 0, 0, 0, 1, 0>}
//   CHECK-NOT:   quant.dot_instruction
//       CHECK:   return
func.func @any_rows(%x: tensor<?x4xi8>) -> tensor<?x2xf32> {
  %w = arith.constant dense<[[1, 2, 3, 4], [4, 5, -6, 7]]> : tensor<2x4xi8>
  %sw = arith.constant dense<[[0.5], [0.25]]> : tensor<2x1xf32>
  %sa = arith.constant dense<2.0> : tensor<f32>
  %za = arith.constant dense<3> : tensor<i8>
  %y = quant.linear %x, %w scale(%sw : tensor<2x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>)
      : tensor<?x4xi8>, tensor<2x4xi8> -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// A panel is wider than what vectors hold of a row: the epilogue takes parts.
// CHECK-LABEL: func @wide_panel
//       CHECK:   linalg.generic {{.*}}quant.tile_instruction
//       CHECK:   linalg.generic {{.*}} attrs = {quant.inner_tile_sizes = array<i64: 1, 1, 16>, quant.tile_sizes = array<i64: 64, 1, 0>}
func.func @wide_panel(%x: tensor<?x4xi8>) -> tensor<?x64xf32> {
  %w = arith.constant dense<1> : tensor<64x4xi8>
  %sw = arith.constant dense<0.5> : tensor<64x1xf32>
  %sa = arith.constant dense<2.0> : tensor<f32>
  %za = arith.constant dense<3> : tensor<i8>
  %y = quant.linear %x, %w scale(%sw : tensor<64x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>)
      : tensor<?x4xi8>, tensor<64x4xi8> -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}
}
