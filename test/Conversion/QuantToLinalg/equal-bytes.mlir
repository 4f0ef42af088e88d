// The lowered operations have the bytes of the operations.
// RUN: quant-translate --interpret --split-input-file %s > %t.quant
// RUN: quant-opt --split-input-file --quant-lower-to-linalg --quant-fuse-multiply-add --quant-expand-math %s \
// RUN:   | quant-translate --interpret --split-input-file > %t.linalg
// RUN: diff %t.quant %t.linalg
// RUN: quant-opt --split-input-file --quant-set-target=target=x86-64-v3 --quant-lower-to-linalg --quant-fuse-multiply-add --quant-expand-math %s \
// RUN:   | quant-translate --interpret --split-input-file > %t.reciprocal
// RUN: diff %t.quant %t.reciprocal
// RUN: FileCheck %s --input-file %t.linalg --implicit-check-not=error

// CHECK: output0 = dense<{{.*}}> : tensor<3x8xi8>
func.func @quantize() -> (tensor<3x8xi8>, tensor<3x8xi8>, tensor<3x8xi8>) {
  %x = arith.constant dense<[[0.0, -0.0, 0x7FC00000, 0x7F800000, 0xFF800000, 1.0e-45, 3.0e38, -3.0e38], [0.25, 0.75, -0.25, 1.25, -1.75, 63.6, -64.2, 1000.0], [-2.1938, 2.0846, 1.5826, -1.4696, -0.0274, -0.3031, 0.9096, 1.7323]]> : tensor<3x8xf32>
  %s = arith.constant dense<0.5> : tensor<f32>
  %z = arith.constant dense<-7> : tensor<i8>
  %sr = arith.constant dense<[[1.7877], [0.7857], [1.2188]]> : tensor<3x1xf32>
  %zr = arith.constant dense<[[-127], [100], [8]]> : tensor<3x1xi8>
  %sg = arith.constant dense<[[1.4459, 0.4652], [1.8911, 1.8038], [0.0709, 0.0606]]> : tensor<3x2xf32>
  %0 = quant.quantize %x scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) : tensor<3x8xf32> -> tensor<3x8xi8>
  %1 = quant.quantize %x scale(%sr : tensor<3x1xf32>) zero_point(%zr : tensor<3x1xi8>) : tensor<3x8xf32> -> tensor<3x8xi8>
  %2 = quant.quantize %x scale(%sg : tensor<3x2xf32>) : tensor<3x8xf32> -> tensor<3x8xi8>
  return %0, %1, %2 : tensor<3x8xi8>, tensor<3x8xi8>, tensor<3x8xi8>
}

// -----

// CHECK: output0 = dense<{{.*}}> : tensor<3x8xf32>
func.func @fake_quant_and_i4() -> (tensor<3x8xf32>, tensor<3x8xf32>, tensor<3x8xf32>) {
  %x = arith.constant dense<[[0.0, -0.0, 0x7FC00000, 0x7F800000, 0xFF800000, 1.0e-45, 3.0e38, -3.0e38], [0.25, 0.75, -0.25, 1.25, -1.75, 63.6, -64.2, 1000.0], [-2.1938, 2.0846, 1.5826, -1.4696, -0.0274, -0.3031, 0.9096, 1.7323]]> : tensor<3x8xf32>
  %s = arith.constant dense<[[1.0874, 1.8789, 0.7686, 0.441, 0.85, 0.0678, 0.4512, 0.8814]]> : tensor<1x8xf32>
  %z = arith.constant dense<[[7, -1, 3, -1, -1, 6, 1, -8]]> : tensor<1x8xi8>
  %c = arith.constant dense<[[0.25], [0.25], [0.25]]> : tensor<3x1xf32>
  %m = arith.constant dense<[[2, 3], [11, 12], [14, 5]]> : tensor<3x2xi8>
  %0 = quant.fake_quant %x scale(%s : tensor<1x8xf32>) zero_point(%z : tensor<1x8xi8>) {bits = 4 : i64} : tensor<3x8xf32>
  %1 = quant.fake_quant %x scale(%c : tensor<3x1xf32>) multiplier(%m : tensor<3x2xi8>) {bits = 8 : i64} : tensor<3x8xf32>
  %q = quant.quantize %x scale(%c : tensor<3x1xf32>) multiplier(%m : tensor<3x2xi8>) : tensor<3x8xf32> -> tensor<3x8xi4>
  %2 = quant.dequantize %q scale(%c : tensor<3x1xf32>) multiplier(%m : tensor<3x2xi8>) : tensor<3x8xi4> -> tensor<3x8xf32>
  return %0, %1, %2 : tensor<3x8xf32>, tensor<3x8xf32>, tensor<3x8xf32>
}

// -----

// CHECK: output0 = dense<{{.*}}> : tensor<4x9xi8>
func.func @requantize() -> tensor<4x9xi8> {
  %q = arith.constant dense<[[-67, 42, 88, -31, 27, 17, 127, 73, -111], [117, -4, 78, 84, -40, 59, 63, -84, 96], [-73, -45, 73, 61, 122, -113, 112, -106, 29], [73, -41, -42, -12, -122, -26, -10, 79, 48]]> : tensor<4x9xi8>
  %s = arith.constant dense<0.1952> : tensor<f32>
  %z = arith.constant dense<9> : tensor<i8>
  %t = arith.constant dense<0.1353> : tensor<f32>
  %u = arith.constant dense<-1> : tensor<i8>
  %0 = quant.requantize %q input(%s, %z : tensor<f32>, tensor<i8>) output(%t, %u : tensor<f32>, tensor<i8>) {clamp_min = -20 : si64, clamp_max = 100 : si64} : tensor<4x9xi8>
  return %0 : tensor<4x9xi8>
}

// -----

// CHECK: output0 = dense<{{.*}}> : tensor<3x1x2xf32>
func.func @statistics() -> (tensor<3x1x2xf32>, tensor<2xf32>, tensor<3x2x2xf32>, tensor<3x1xf32>, tensor<3x1xi8>, tensor<3x2xf32>, tensor<65536xi64>) {
  %x = arith.constant dense<[[0.0, -0.0, 0x7FC00000, 0x7F800000, 0xFF800000, 1.0e-45, 3.0e38, -3.0e38], [0.25, 0.75, -0.25, 1.25, -1.75, 63.6, -64.2, 1000.0], [-2.1938, 2.0846, 1.5826, -1.4696, -0.0274, -0.3031, 0.9096, 1.7323]]> : tensor<3x8xf32>
  %0 = quant.observe %x : tensor<3x8xf32> -> tensor<3x1x2xf32>
  %1 = quant.observe %x : tensor<3x8xf32> -> tensor<2xf32>
  %2 = quant.observe %x : tensor<3x8xf32> -> tensor<3x2x2xf32>
  %s, %z = quant.choose_params %0 {bits = 8 : i64} : tensor<3x1x2xf32> -> tensor<3x1xf32>, tensor<3x1xi8>
  %t, %u = quant.choose_params %2 {bits = 4 : i64, symmetric} : tensor<3x2x2xf32> -> tensor<3x2xf32>, tensor<3x2xi8>
  %h = quant.histogram %x : tensor<3x8xf32> -> tensor<65536xi64>
  return %0, %1, %2, %s, %z, %t, %h : tensor<3x1x2xf32>, tensor<2xf32>, tensor<3x2x2xf32>, tensor<3x1xf32>, tensor<3x1xi8>, tensor<3x2xf32>, tensor<65536xi64>
}

// -----

// CHECK: output0 = dense<{{.*}}> : tensor<3x7xf32>
func.func @unpack() -> tensor<3x7xf32> {
  %b = arith.constant dense<[[-126, 68, -62, -23], [90, -100, 118, 58], [-26, 83, 120, 54]]> : tensor<3x4xi8>
  %s = arith.constant dense<0.5> : tensor<f32>
  %q = quant.unpack %b : tensor<3x4xi8> -> tensor<3x7xi4>
  %0 = quant.dequantize %q scale(%s : tensor<f32>) : tensor<3x7xi4> -> tensor<3x7xf32>
  return %0 : tensor<3x7xf32>
}

// -----

// CHECK: output0 = dense<{{.*}}> : tensor<3x5xf32>
func.func @linear_static() -> (tensor<3x5xf32>, tensor<3x5xf32>, tensor<3x5xf32>, tensor<3x5xf32>, tensor<3x5xi8>, tensor<3x5xi8>) {
  %x = arith.constant dense<[[2, 60, 45, 46, -70, 21, -8, 122], [-59, -75, 36, -108, 80, -91, 66, -53], [-64, 46, -70, 65, -89, -14, -87, 8]]> : tensor<3x8xi8>
  %w = arith.constant dense<[[-128, 41, 106, -114, -11, -38, -36, -82], [2, -112, -92, -86, -120, 103, -121, 15], [-1, 9, -72, -34, 48, 20, -93, -43], [-47, 2, -42, 11, 22, 104, 36, 126], [114, -70, -116, 31, 69, 47, 87, -32]]> : tensor<5x8xi8>
  %w4 = arith.constant dense<[[0, -5, 0, -2, 5, -8, -1, -8], [4, -4, -7, -3, 6, 5, -1, 6], [-1, -8, 4, 2, 5, -7, 1, -4], [-2, -7, 1, -6, -6, 1, 1, -3], [5, 0, -4, -8, -7, -2, 6, -3]]> : tensor<5x8xi4>
  %b = arith.constant dense<[1.9675, 2.2193, 1.6801, 0.7378, -2.7755]> : tensor<5xf32>
  %s1 = arith.constant dense<0.012> : tensor<f32>
  %sn = arith.constant dense<[[0.0189], [0.0616], [0.0907], [0.0632], [0.0543]]> : tensor<5x1xf32>
  %sg = arith.constant dense<[[0.0944, 0.0451], [0.0554, 0.0115], [0.0651, 0.0462], [0.0353, 0.0241], [0.0872, 0.083]]> : tensor<5x2xf32>
  %zn = arith.constant dense<[[-4], [2], [5], [-2], [0]]> : tensor<5x1xi8>
  %zg = arith.constant dense<[[-5, 4], [3, 7], [-1, -6], [-7, -6], [-4, -3]]> : tensor<5x2xi8>
  %m = arith.constant dense<[[3, 15], [9, 4], [5, 13], [6, 10], [9, 14]]> : tensor<5x2xi8>
  %sa = arith.constant dense<0.0428> : tensor<f32>
  %za = arith.constant dense<23> : tensor<i8>
  %sy = arith.constant dense<0.2564> : tensor<f32>
  %zy = arith.constant dense<-13> : tensor<i8>
  %0 = quant.linear %x, %w scale(%s1 : tensor<f32>) input(%sa, %za : tensor<f32>, tensor<i8>) : tensor<3x8xi8>, tensor<5x8xi8> -> tensor<3x5xf32>
  %1 = quant.linear %x, %w scale(%sn : tensor<5x1xf32>) zero_point(%zn : tensor<5x1xi8>) input(%sa, %za : tensor<f32>, tensor<i8>) bias(%b : tensor<5xf32>) : tensor<3x8xi8>, tensor<5x8xi8> -> tensor<3x5xf32>
  %2 = quant.linear %x, %w4 scale(%sn : tensor<5x1xf32>) multiplier(%m : tensor<5x2xi8>) input(%sa, %za : tensor<f32>, tensor<i8>) bias(%b : tensor<5xf32>) : tensor<3x8xi8>, tensor<5x8xi4> -> tensor<3x5xf32>
  %3 = quant.linear %x, %w4 scale(%sg : tensor<5x2xf32>) zero_point(%zg : tensor<5x2xi8>) input(%sa, %za : tensor<f32>, tensor<i8>) bias(%b : tensor<5xf32>) : tensor<3x8xi8>, tensor<5x8xi4> -> tensor<3x5xf32>
  %4 = quant.linear %x, %w scale(%sn : tensor<5x1xf32>) input(%sa, %za : tensor<f32>, tensor<i8>) bias(%b : tensor<5xf32>) output(%sy, %zy : tensor<f32>, tensor<i8>) : tensor<3x8xi8>, tensor<5x8xi8> -> tensor<3x5xi8>
  %5 = quant.linear %x, %w4 scale(%sn : tensor<5x1xf32>) multiplier(%m : tensor<5x2xi8>) input(%sa, %za : tensor<f32>, tensor<i8>) output(%sy, %zy : tensor<f32>, tensor<i8>) {clamp_min = -20 : si64} : tensor<3x8xi8>, tensor<5x8xi4> -> tensor<3x5xi8>
  return %0, %1, %2, %3, %4, %5 : tensor<3x5xf32>, tensor<3x5xf32>, tensor<3x5xf32>, tensor<3x5xf32>, tensor<3x5xi8>, tensor<3x5xi8>
}

// -----

// CHECK: output0 = dense<{{.*}}> : tensor<3x5xf32>
func.func @linear_dynamic() -> (tensor<3x5xf32>, tensor<3x5xf32>, tensor<3x5xf32>) {
  %f = arith.constant dense<[[-0.2534, -1.3369, 1.7221, 1.9666, -2.9257, 1.0225, -2.4499, -2.3094], [2.3104, -2.7599, -1.5622, 2.929, -0.4739, -2.3067, -1.9957, -1.5515], [1.464, -2.383, 2.4646, -0.7303, 2.8216, 2.4553, -1.2359, -1.4795]]> : tensor<3x8xf32>
  %w = arith.constant dense<[[-128, 41, 106, -114, -11, -38, -36, -82], [2, -112, -92, -86, -120, 103, -121, 15], [-1, 9, -72, -34, 48, 20, -93, -43], [-47, 2, -42, 11, 22, 104, 36, 126], [114, -70, -116, 31, 69, 47, 87, -32]]> : tensor<5x8xi8>
  %w4 = arith.constant dense<[[0, -5, 0, -2, 5, -8, -1, -8], [4, -4, -7, -3, 6, 5, -1, 6], [-1, -8, 4, 2, 5, -7, 1, -4], [-2, -7, 1, -6, -6, 1, 1, -3], [5, 0, -4, -8, -7, -2, 6, -3]]> : tensor<5x8xi4>
  %b = arith.constant dense<[1.9675, 2.2193, 1.6801, 0.7378, -2.7755]> : tensor<5xf32>
  %s1 = arith.constant dense<0.012> : tensor<f32>
  %sn = arith.constant dense<[[0.0189], [0.0616], [0.0907], [0.0632], [0.0543]]> : tensor<5x1xf32>
  %sg = arith.constant dense<[[0.0944, 0.0451], [0.0554, 0.0115], [0.0651, 0.0462], [0.0353, 0.0241], [0.0872, 0.083]]> : tensor<5x2xf32>
  %zn = arith.constant dense<[[-4], [2], [5], [-2], [0]]> : tensor<5x1xi8>
  %zg = arith.constant dense<[[-5, 4], [3, 7], [-1, -6], [-7, -6], [-4, -3]]> : tensor<5x2xi8>
  %m = arith.constant dense<[[3, 15], [9, 4], [5, 13], [6, 10], [9, 14]]> : tensor<5x2xi8>
  %range = quant.observe %f : tensor<3x8xf32> -> tensor<3x1x2xf32>
  %sa, %za = quant.choose_params %range {bits = 8 : i64} : tensor<3x1x2xf32> -> tensor<3x1xf32>, tensor<3x1xi8>
  %x = quant.quantize %f scale(%sa : tensor<3x1xf32>) zero_point(%za : tensor<3x1xi8>) : tensor<3x8xf32> -> tensor<3x8xi8>
  %0 = quant.linear %x, %w scale(%s1 : tensor<f32>) input(%sa, %za : tensor<3x1xf32>, tensor<3x1xi8>) bias(%b : tensor<5xf32>) : tensor<3x8xi8>, tensor<5x8xi8> -> tensor<3x5xf32>
  %1 = quant.linear %x, %w4 scale(%sn : tensor<5x1xf32>) multiplier(%m : tensor<5x2xi8>) input(%sa, %za : tensor<3x1xf32>, tensor<3x1xi8>) : tensor<3x8xi8>, tensor<5x8xi4> -> tensor<3x5xf32>
  %2 = quant.linear %x, %w4 scale(%sg : tensor<5x2xf32>) input(%sa, %za : tensor<3x1xf32>, tensor<3x1xi8>) bias(%b : tensor<5xf32>) : tensor<3x8xi8>, tensor<5x8xi4> -> tensor<3x5xf32>
  return %0, %1, %2 : tensor<3x5xf32>, tensor<3x5xf32>, tensor<3x5xf32>
}

// -----

// CHECK: output0 = dense<{{.*}}> : tensor<3x5xf32>
func.func @linear_weight_only() -> (tensor<3x5xf32>, tensor<3x5xf32>, tensor<3x5xf32>, tensor<3x5xf32>) {
  %x = arith.constant dense<[[-0.1379, -2.3992, 0.9123, -2.7623, -2.937, 2.8955, -1.2267, 0.5794], [-0.3009, -1.1203, -2.6222, 2.4804, 2.8189, 2.8188, -2.3318, -1.7088], [0.7068, 2.8797, 0.2575, 1.1291, 0.971, -1.4455, 0.2496, -1.1561]]> : tensor<3x8xf32>
  %w = arith.constant dense<[[-128, 41, 106, -114, -11, -38, -36, -82], [2, -112, -92, -86, -120, 103, -121, 15], [-1, 9, -72, -34, 48, 20, -93, -43], [-47, 2, -42, 11, 22, 104, 36, 126], [114, -70, -116, 31, 69, 47, 87, -32]]> : tensor<5x8xi8>
  %w4 = arith.constant dense<[[0, -5, 0, -2, 5, -8, -1, -8], [4, -4, -7, -3, 6, 5, -1, 6], [-1, -8, 4, 2, 5, -7, 1, -4], [-2, -7, 1, -6, -6, 1, 1, -3], [5, 0, -4, -8, -7, -2, 6, -3]]> : tensor<5x8xi4>
  %b = arith.constant dense<[1.9675, 2.2193, 1.6801, 0.7378, -2.7755]> : tensor<5xf32>
  %s1 = arith.constant dense<0.012> : tensor<f32>
  %sn = arith.constant dense<[[0.0189], [0.0616], [0.0907], [0.0632], [0.0543]]> : tensor<5x1xf32>
  %sg = arith.constant dense<[[0.0944, 0.0451], [0.0554, 0.0115], [0.0651, 0.0462], [0.0353, 0.0241], [0.0872, 0.083]]> : tensor<5x2xf32>
  %zn = arith.constant dense<[[-4], [2], [5], [-2], [0]]> : tensor<5x1xi8>
  %zg = arith.constant dense<[[-5, 4], [3, 7], [-1, -6], [-7, -6], [-4, -3]]> : tensor<5x2xi8>
  %m = arith.constant dense<[[3, 15], [9, 4], [5, 13], [6, 10], [9, 14]]> : tensor<5x2xi8>
  %0 = quant.linear %x, %w scale(%s1 : tensor<f32>) : tensor<3x8xf32>, tensor<5x8xi8> -> tensor<3x5xf32>
  %1 = quant.linear %x, %w4 scale(%sn : tensor<5x1xf32>) zero_point(%zn : tensor<5x1xi8>) bias(%b : tensor<5xf32>) : tensor<3x8xf32>, tensor<5x8xi4> -> tensor<3x5xf32>
  %2 = quant.linear %x, %w4 scale(%sg : tensor<5x2xf32>) zero_point(%zg : tensor<5x2xi8>) bias(%b : tensor<5xf32>) : tensor<3x8xf32>, tensor<5x8xi4> -> tensor<3x5xf32>
  %3 = quant.linear %x, %w4 scale(%sn : tensor<5x1xf32>) multiplier(%m : tensor<5x2xi8>) bias(%b : tensor<5xf32>) : tensor<3x8xf32>, tensor<5x8xi4> -> tensor<3x5xf32>
  return %0, %1, %2, %3 : tensor<3x5xf32>, tensor<3x5xf32>, tensor<3x5xf32>, tensor<3x5xf32>
}

// -----

// Parameters that are known only at run time: multipliers are computed there.
// CHECK: output0 = dense<{{.*}}> : tensor<3x5xi8>
func.func @linear_run_time_parameters() -> (tensor<3x5xi8>, tensor<3x5xi8>, tensor<3x5xf32>) {
  %x = arith.constant dense<[[-15, -72, 114, -128, 64, 24, -120, -55], [-50, -27, 29, 64, 97, 54, -93, -21], [58, 74, -45, 33, 62, -42, 114, 127]]> : tensor<3x8xi8>
  %w = arith.constant dense<[[-128, 41, 106, -114, -11, -38, -36, -82], [2, -112, -92, -86, -120, 103, -121, 15], [-1, 9, -72, -34, 48, 20, -93, -43], [-47, 2, -42, 11, 22, 104, 36, 126], [114, -70, -116, 31, 69, 47, 87, -32]]> : tensor<5x8xi8>
  %one = arith.constant dense<0.0123> : tensor<f32>
  %column = arith.constant dense<[[0.0189], [0.0616], [0.0907], [0.0632], [0.0543]]> : tensor<5x1xf32>
  %vector = arith.constant dense<[1.9675, 2.2193, 1.6801, 0.7378, -2.7755]> : tensor<5xf32>
  %seven = arith.constant dense<-7> : tensor<i8>
  %s = math.absf %one : tensor<f32>
  %sn = math.absf %column : tensor<5x1xf32>
  %b = math.absf %vector : tensor<5xf32>
  %z = math.absi %seven : tensor<i8>
  %0 = quant.linear %x, %w scale(%sn : tensor<5x1xf32>) input(%s, %z : tensor<f32>, tensor<i8>) bias(%b : tensor<5xf32>)
      output(%s, %z : tensor<f32>, tensor<i8>) {clamp_min = -100 : si64} : tensor<3x8xi8>, tensor<5x8xi8> -> tensor<3x5xi8>
  %1 = quant.linear %x, %w scale(%s : tensor<f32>) input(%one, %seven : tensor<f32>, tensor<i8>) output(%one, %seven : tensor<f32>, tensor<i8>) : tensor<3x8xi8>, tensor<5x8xi8> -> tensor<3x5xi8>
  %2 = quant.linear %x, %w scale(%column : tensor<5x1xf32>) input(%s, %seven : tensor<f32>, tensor<i8>) bias(%vector : tensor<5xf32>) : tensor<3x8xi8>, tensor<5x8xi8> -> tensor<3x5xf32>
  return %0, %1, %2 : tensor<3x5xi8>, tensor<3x5xi8>, tensor<3x5xf32>
}

// -----

// CHECK: output0 = dense<{{.*}}> : tensor<5x3xf32>
func.func @lora() -> (tensor<5x3xf32>, tensor<5x3xi8>) {
  %x = arith.constant dense<[[0.3, -1.7], [2.5, 0.125], [-0.0, 1.0e-40], [3.25, -4.5], [1.0, 1.1]]> : tensor<5x2xf32>
  %a = arith.constant dense<[[[0.1, 0.2], [0.3, -0.7]], [[1.5, 0.9], [2.1, 1.3]]]> : tensor<2x2x2xbf16>
  %b = arith.constant dense<[[[1.1, 0.4, 0.2], [0.7, -0.3, 0.6]], [[1.7, 0.1, 1.9], [0.8, 1.2, 1.3]]]> : tensor<2x2x3xbf16>
  %s = arith.constant dense<[1.1, 2.3]> : tensor<2xf32>
  %i = arith.constant dense<[1, -1, 0]> : tensor<3xi32>
  %d = quant.lora %x, %a, %b scale(%s : tensor<2xf32>) slots(%i : tensor<3xi32>)
      : tensor<5x2xf32>, tensor<2x2x2xbf16>, tensor<2x2x3xbf16> -> tensor<5x3xf32>
  %w = arith.constant dense<[[1, -2], [3, 4], [-5, 6]]> : tensor<3x2xi8>
  %sw = arith.constant dense<0.3> : tensor<f32>
  %z = arith.constant dense<3> : tensor<i8>
  %y = quant.linear %x, %w scale(%sw : tensor<f32>) addend(%d : tensor<5x3xf32>) : tensor<5x2xf32>, tensor<3x2xi8> -> tensor<5x3xf32>
  %q = quant.quantize %x scale(%sw : tensor<f32>) zero_point(%z : tensor<i8>) : tensor<5x2xf32> -> tensor<5x2xi8>
  %r = quant.linear %q, %w scale(%sw : tensor<f32>) input(%sw, %z : tensor<f32>, tensor<i8>) output(%sw, %z : tensor<f32>, tensor<i8>)
      addend(%d : tensor<5x3xf32>) {clamp_min = 3 : si64} : tensor<5x2xi8>, tensor<3x2xi8> -> tensor<5x3xi8>
  return %y, %r : tensor<5x3xf32>, tensor<5x3xi8>
}

// -----

// CHECK: output0 = dense<{{.*}}> : tensor<2x128xf32>
func.func @dequantize_normal_float() -> (tensor<2x128xf32>, tensor<1x64xf32>) {
  %bytes = arith.constant dense<[[16, 50, 84, 118, -104, -70, -36, -2, 0, 17, 34, 51, 68, 85, 102, 119, -120, -103, -86, -69, -52, -35, -18, -1, 1, 2, 3, 4, 5, 6, 7, 8,
      16, 50, 84, 118, -104, -70, -36, -2, 0, 17, 34, 51, 68, 85, 102, 119, -120, -103, -86, -69, -52, -35, -18, -1, 1, 2, 3, 4, 5, 6, 7, 8],
      [16, 50, 84, 118, -104, -70, -36, -2, 0, 17, 34, 51, 68, 85, 102, 119, -120, -103, -86, -69, -52, -35, -18, -1, 1, 2, 3, 4, 5, 6, 7, 8,
      16, 50, 84, 118, -104, -70, -36, -2, 0, 17, 34, 51, 68, 85, 102, 119, -120, -103, -86, -69, -52, -35, -18, -1, 1, 2, 3, 4, 5, 6, 7, 8]]> : tensor<2x64xi8>
  %q = quant.unpack %bytes : tensor<2x64xi8> -> tensor<2x128xi4>
  %c = arith.constant dense<77> : tensor<1x256xi8>
  %s = arith.constant dense<0.0131> : tensor<1x1xf32>
  %m = arith.constant dense<0.77> : tensor<f32>
  %w = quant.dequantize_normal_float %q magnitude(%c, %s, %m : tensor<1x256xi8>, tensor<1x1xf32>, tensor<f32>) : tensor<2x128xi4> -> tensor<2x128xf32>
  // A magnitude that would be negative is 0, and one block is no group.
  %one = arith.constant dense<7> : tensor<1x64xi4>
  %low = arith.constant dense<-127> : tensor<1x256xi8>
  %v = quant.dequantize_normal_float %one magnitude(%low, %s, %m : tensor<1x256xi8>, tensor<1x1xf32>, tensor<f32>) : tensor<1x64xi4> -> tensor<1x64xf32>
  return %w, %v : tensor<2x128xf32>, tensor<1x64xf32>
}
