//===- SimulationPasses.td - Passes on fake quantization ---*- tablegen -*-===//
//
// Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_DIALECT_QUANT_TRANSFORMS_SIMULATIONPASSES
#define QUANTC_DIALECT_QUANT_TRANSFORMS_SIMULATIONPASSES

include "mlir/Pass/PassBase.td"

def InsertFakeQuant : Pass<"quant-insert-fake-quant", "::mlir::ModuleOp"> {
  let summary = "Fake-quantize the operands of selected layers";
  let description = [{
    From the float to the simulated form for training. Each operand of a layer
    with `quant.config` goes through `quant.fake_quant`. In mode `dynamic` the
    parameters of the input are found when the program runs, for each row. The
    option says where others come from:

    * `observed`: from the values, when the program runs: per tensor for the
      input in mode `static`, as `granularity` says for the weight. Two-level
      integer scales are those of a constant weight;
    * `inputs`: the range of the input in mode `static` is an input of the
      program, `<layer>.input.range`. Two-level scales are the inputs
      `<layer>.weight.scale` and `<layer>.weight.multiplier`. All else is found
      when the program runs;
    * `learned`: `<layer>.input.scale` and `<layer>.input.zero_point` are inputs,
      and so is `<layer>.weight.scale` (and `<layer>.weight.zero_point` if it is
      not symmetric). Scales are `quant.trainable` and at least 1e-8
      (`quant.minimum`). Two-level scales are trained as well, and keep the last
      four mantissa bits zero (`quant.two_level_scale`); their multipliers,
      `<layer>.weight.multiplier`, stay as they are.

    Example, mode `weight-only`:

    ```mlir
    %r = quant.observe %w : tensor<128x784xf32> -> tensor<128x1x2xf32>
    %s, %z = quant.choose_params %r {bits = 8 : i64, symmetric}
        : tensor<128x1x2xf32> -> tensor<128x1xf32>, tensor<128x1xi8>
    %f = quant.fake_quant %w scale(%s : tensor<128x1xf32>) {bits = 8 : i64}
        : tensor<128x784xf32>
    %y = linalg.matmul indexing_maps = [#mk, #nk, #mn] {quant.config = {...}}
             ins(%x, %f : tensor<?x784xf32>, tensor<128x784xf32>)
             outs(%zero : tensor<?x128xf32>) -> tensor<?x128xf32>
    ```
  }];
  let options = [
    Option<"parameters", "parameters", "::quantc::ParameterSource",
           "::quantc::ParameterSource::Observed",
           "Where the parameters of static inputs and of weights come from",
           "::quantc::getParameterSourceValues()">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::quant::QuantDialect",
                           "::mlir::tensor::TensorDialect"];
}

def DecomposeFakeQuant : Pass<"quant-decompose-fake-quant"> {
  let summary = "Fake quantization as quantization and dequantization";
  let description = [{
    From the simulated form of training to that of inference, which
    quant-convert-to-integer takes:

        fake_quant(x; s, z) -> dequantize(quantize(x; s, z); s, z)

    No bit changes: it is what `quant.fake_quant` is defined to be
    (fake_quant_a1 in docs/Numerics.md).

    Example:

    ```mlir
    %y = quant.fake_quant %x scale(%s : tensor<f32>) zero_point(%z : tensor<i8>)
        {bits = 8 : i64} : tensor<?x784xf32>
    ```

    becomes

    ```mlir
    %q = quant.quantize %x scale(%s : tensor<f32>) zero_point(%z : tensor<i8>)
        : tensor<?x784xf32> -> tensor<?x784xi8>
    %y = quant.dequantize %q scale(%s : tensor<f32>)
        zero_point(%z : tensor<i8>) : tensor<?x784xi8> -> tensor<?x784xf32>
    ```
  }];
  let dependentDialects = ["::mlir::quant::QuantDialect"];
}

#endif // QUANTC_DIALECT_QUANT_TRANSFORMS_SIMULATIONPASSES
