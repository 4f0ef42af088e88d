// RUN: quant-opt %s --quant-vectorize-reductions | FileCheck %s

#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
#column = affine_map<(d0, d1) -> (d1)>

module attributes {llvm.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64-v4", features = <["+avx2", "+avx512bw", "+avx512f", "+fma"]>>} {

// Any order: 64 elements, four registers of them, at a time; 16 and 4 of the 20
// that are left join when there are as many lanes.
// CHECK-LABEL: func @maximum(
//  CHECK-SAME:     %[[X:.+]]: memref<?x148xf32>, %[[Y:.+]]: memref<?xf32>)
//       CHECK:   scf.for %[[M:.+]] =
//       CHECK:     %[[FIRST:.+]] = vector.load %[[X]][%[[M]], %{{.+}}] : memref<?x148xf32>, vector<64xf32>
//       CHECK:     %[[LANES:.+]] = scf.for {{.*}} iter_args(%[[ACC:.+]] = %[[FIRST]]) -> (vector<64xf32>)
//       CHECK:       %[[NEXT:.+]] = vector.load %[[X]]
//       CHECK:       arith.maximumf %[[ACC]], %[[NEXT]] : vector<64xf32>
//       CHECK:     arith.maximumf %{{.+}}, %{{.+}} : vector<32xf32>
//       CHECK:     arith.maximumf %{{.+}}, %{{.+}} : vector<16xf32>
//       CHECK:     vector.load {{.*}}, vector<16xf32>
//       CHECK:     arith.maximumf %{{.+}}, %{{.+}} : vector<16xf32>
//       CHECK:     arith.maximumf %{{.+}}, %{{.+}} : vector<8xf32>
//       CHECK:     arith.maximumf %{{.+}}, %{{.+}} : vector<4xf32>
//       CHECK:     vector.load {{.*}}, vector<4xf32>
//       CHECK:     arith.maximumf %{{.+}}, %{{.+}} : vector<1xf32>
//       CHECK:     %[[OLD:.+]] = memref.load %[[Y]][%[[M]]]
//       CHECK:     %[[RESULT:.+]] = arith.maximumf %[[OLD]], %{{.+}} : f32
//       CHECK:     memref.store %[[RESULT]], %[[Y]][%[[M]]]
//   CHECK-NOT:   linalg.generic
func.func @maximum(%x: memref<?x148xf32>, %y: memref<?xf32>) {
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<?x148xf32>) outs(%y : memref<?xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.maximumf %out, %in : f32
    linalg.yield %0 : f32
  }
  return
}

// Two results, of terms that are computed once.
// CHECK-LABEL: func @marked(
//       CHECK:   scf.for {{.*}} -> (vector<64xf32>, vector<64xf32>)
//       CHECK:     math.absf
//       CHECK:     arith.cmpf olt
//       CHECK:     arith.select
//       CHECK:     arith.cmpf olt
//       CHECK:     arith.select
//   CHECK-NOT:   linalg.generic
func.func @marked(%x: memref<8x128xf32>, %y: memref<8xf32>, %z: memref<8xf32>) {
  linalg.generic {indexing_maps = [#id, #row, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<8x128xf32>) outs(%y, %z : memref<8xf32>, memref<8xf32>) attrs = {quant.any_order} {
  ^bb0(%in: f32, %min: f32, %max: f32):
    %a = math.absf %in : f32
    %0 = arith.cmpf olt, %a, %min : f32
    %1 = arith.select %0, %a, %min : f32
    %2 = arith.cmpf olt, %max, %a : f32
    %3 = arith.select %2, %a, %max : f32
    linalg.yield %1, %3 : f32, f32
  }
  return
}

// A sum of floats takes its terms in order: 16 rows side by side, then 4, then
// one.
// CHECK-LABEL: func @sum_of_squares(
//  CHECK-SAME:     %[[X:.+]]: memref<?x40xf32>, %[[MEAN:.+]]: memref<?xf32>, %[[Y:.+]]: memref<?xf32>)
//       CHECK:   scf.for %[[M:.+]] =
//       CHECK:     %[[START:.+]] = vector.load %[[Y]][%[[M]]] : memref<?xf32>, vector<16xf32>
//       CHECK:     scf.for %{{.+}} = {{.*}} iter_args(%[[ACC:.+]] = %[[START]]) -> (vector<16xf32>)
//       CHECK:       %[[D:.+]] = arith.subf %{{.+}}, %{{.+}} : vector<16xf32>
//       CHECK:       arith.mulf %[[D]], %[[D]] : vector<16xf32>
//       CHECK:       %[[T:.+]] = vector.transpose %{{.+}}, [1, 0] : vector<16x16xf32>
//       CHECK:       %[[T0:.+]] = vector.extract %[[T]][0]
//       CHECK:       %[[S0:.+]] = arith.addf %[[ACC]], %[[T0]] : vector<16xf32>
//       CHECK:       %[[T1:.+]] = vector.extract %[[T]][1]
//       CHECK:       arith.addf %[[S0]], %[[T1]] : vector<16xf32>
//       CHECK:     vector.from_elements
//       CHECK:     vector.store {{.*}} : memref<?xf32>, vector<16xf32>
//       CHECK:   scf.for
//       CHECK:     vector.transpose %{{.+}}, [1, 0] : vector<4x4xf32>
//       CHECK:     vector.store {{.*}} : memref<?xf32>, vector<4xf32>
//       CHECK:   scf.for
//       CHECK:     vector.store {{.*}} : memref<?xf32>, vector<1xf32>
//   CHECK-NOT:   linalg.generic
func.func @sum_of_squares(%x: memref<?x40xf32>, %mean: memref<?xf32>, %y: memref<?xf32>) {
  linalg.generic {indexing_maps = [#id, #row, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x, %mean : memref<?x40xf32>, memref<?xf32>) outs(%y : memref<?xf32>) {
  ^bb0(%in: f32, %m: f32, %out: f32):
    %0 = arith.subf %in, %m : f32
    %1 = arith.mulf %0, %0 : f32
    %2 = arith.addf %out, %1 : f32
    linalg.yield %2 : f32
  }
  return
}

// CHECK-LABEL: func @few_rows_untouched(
//       CHECK:   linalg.generic
func.func @few_rows_untouched(%x: memref<3x40xf32>, %y: memref<3xf32>) {
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<3x40xf32>) outs(%y : memref<3xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.addf %out, %in : f32
    linalg.yield %0 : f32
  }
  return
}

// Columns are lanes as they are.
// CHECK-LABEL: func @outer_reduction_untouched(
//       CHECK:   linalg.generic
func.func @outer_reduction_untouched(%x: memref<8x40xf32>, %y: memref<40xf32>) {
  linalg.generic {indexing_maps = [#id, #column], iterator_types = ["reduction", "parallel"]}
      ins(%x : memref<8x40xf32>) outs(%y : memref<40xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.addf %out, %in : f32
    linalg.yield %0 : f32
  }
  return
}

// CHECK-LABEL: func @strided_untouched(
//       CHECK:   linalg.generic
func.func @strided_untouched(%x: memref<8x40xf32, strided<[1, 8]>>, %y: memref<8xf32>) {
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<8x40xf32, strided<[1, 8]>>) outs(%y : memref<8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.addf %out, %in : f32
    linalg.yield %0 : f32
  }
  return
}

// CHECK-LABEL: func @bits_untouched(
//       CHECK:   linalg.generic
func.func @bits_untouched(%x: memref<8x40xi1>, %y: memref<8xi32>) {
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<8x40xi1>) outs(%y : memref<8xi32>) {
  ^bb0(%in: i1, %out: i32):
    %0 = arith.extui %in : i1 to i32
    %1 = arith.addi %out, %0 : i32
    linalg.yield %1 : i32
  }
  return
}

// CHECK-LABEL: func @two_accumulators_meet_untouched(
//       CHECK:   linalg.generic
func.func @two_accumulators_meet_untouched(%x: memref<8x40xf32>, %y: memref<8xf32>, %z: memref<8xf32>) {
  linalg.generic {indexing_maps = [#id, #row, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<8x40xf32>) outs(%y, %z : memref<8xf32>, memref<8xf32>) {
  ^bb0(%in: f32, %a: f32, %b: f32):
    %0 = arith.addf %a, %in : f32
    %1 = arith.mulf %b, %0 : f32
    linalg.yield %0, %1 : f32, f32
  }
  return
}

}
