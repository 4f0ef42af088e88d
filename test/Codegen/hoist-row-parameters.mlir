// RUN: quant-opt %s --quant-hoist-row-parameters | FileCheck %s

#element = affine_map<(m, k) -> (m, k)>
#row = affine_map<(m, k) -> (m)>
#first = affine_map<(m, k) -> (0)>
#column = affine_map<(m, k) -> (k)>

// CHECK-LABEL: func @scale_for_each_row
//       CHECK:   scf.for
//       CHECK:     %[[SCALE:.+]] = tensor.extract %{{.+}} : tensor<1xf32>
//       CHECK:     linalg.generic {{.*}} ins(%{{.+}}, %[[SCALE]] : tensor<1x64xf32>, f32)
func.func @scale_for_each_row(%x: tensor<?x64xf32>, %s: tensor<?xf32>, %out: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %y = linalg.generic {indexing_maps = [#element, #row, #element], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : tensor<?x64xf32>, tensor<?xf32>) outs(%out : tensor<?x64xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %d = arith.divf %a, %b : f32
    linalg.yield %d : f32
  } -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// The parameter of a single row may be read by constants.
// CHECK-LABEL: func @single_row
//       CHECK:   %[[SCALE:.+]] = tensor.extract %{{.+}} : tensor<1xf32>
//       CHECK:   linalg.generic {{.*}} ins(%{{.+}}, %[[SCALE]] : tensor<1x64xf32>, f32)
func.func @single_row(%x: tensor<1x64xf32>, %s: tensor<1xf32>, %out: tensor<1x64xf32>) -> tensor<1x64xf32> {
  %y = linalg.generic {indexing_maps = [#element, #first, #element], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : tensor<1x64xf32>, tensor<1xf32>) outs(%out : tensor<1x64xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %d = arith.divf %a, %b : f32
    linalg.yield %d : f32
  } -> tensor<1x64xf32>
  return %y : tensor<1x64xf32>
}

// CHECK-LABEL: func @value_for_all_rows_untouched
//   CHECK-NOT:   scf.for
func.func @value_for_all_rows_untouched(%x: tensor<?x64xf32>, %s: tensor<1xf32>, %out: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %y = linalg.generic {indexing_maps = [#element, #first, #element], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : tensor<?x64xf32>, tensor<1xf32>) outs(%out : tensor<?x64xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %d = arith.divf %a, %b : f32
    linalg.yield %d : f32
  } -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// CHECK-LABEL: func @value_for_each_column_untouched
//   CHECK-NOT:   scf.for
func.func @value_for_each_column_untouched(%x: tensor<?x64xf32>, %s: tensor<64xf32>, %out: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %y = linalg.generic {indexing_maps = [#element, #column, #element], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : tensor<?x64xf32>, tensor<64xf32>) outs(%out : tensor<?x64xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %d = arith.divf %a, %b : f32
    linalg.yield %d : f32
  } -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// CHECK-LABEL: func @short_rows_untouched
//   CHECK-NOT:   scf.for
func.func @short_rows_untouched(%x: tensor<?x4xf32>, %s: tensor<?xf32>, %out: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %y = linalg.generic {indexing_maps = [#element, #row, #element], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : tensor<?x4xf32>, tensor<?xf32>) outs(%out : tensor<?x4xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %d = arith.divf %a, %b : f32
    linalg.yield %d : f32
  } -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
