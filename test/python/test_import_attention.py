"""Einsum, RMSNormalization, RotaryEmbedding and Attention, against onnxruntime.

The node tests of `onnx` cover their attributes; these are what those leave out: constant weights,
broadcasting, dynamic sizes, and errors.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import quantc
from test_import_ops import Case, bools, case, check, floats, ints

SEQUENCE = {i: ("batch", 2, "length", 4) for i in range(3)}

CASES = [
    case("Einsum", floats(2, 3, 4), floats(4, 5), equation="bij,jk->bik", constant=(1,)),
    case("Einsum", floats(2, 3, 2, 4), floats(2, 4, 5), equation="bshd,hde->bse", constant=(1,),
         dims={0: ("batch", "length", 2, 4)}),
    case("Einsum", floats(3, 4, 2), floats(4, 5), equation="bij,ik->bjk", constant=(1,)),
    case("Einsum", floats(2, 3, 4), floats(2, 5, 4), equation="bij,bkj->ikb"),
    case("Einsum", floats(2, 3, 4), floats(3, 5, 4), equation="b i j, i k j -> b k i"),
    case("Einsum", floats(3, 4, 2, 5), floats(4, 2, 5), equation="aijb,ijb->aj"),
    case("Einsum", floats(2, 1, 3, 4), floats(1, 5, 4, 2), equation="...ij,...jk"),
    case("Einsum", floats(3, 3, 4), equation="iij->j"),
    case("Einsum", floats(3), floats(4), floats(4, 3), equation="i,j,ji->ij"),
    case("Einsum", floats(3, 4), floats(3, 4), floats(4, 2), equation="ij,ij,jk->k"),
    case("Einsum", floats(5, 4), floats(4), equation="ij,j->i"),
    case("Einsum", floats(5, 4), floats(5, 4), equation="bi,bi->b"),
    case("Einsum", np.arange(6).reshape(2, 3), np.arange(12).reshape(3, 4), equation="ij,jk"),
    case("MatMul", floats(3, 2, 1, 4, 5), floats(2, 6, 5, 2), dims={0: ("batch", 2, 1, 4, 5)}),
    case("RMSNormalization", floats(2, 3, 4), floats(4), opset=23, dims={0: ("batch", 3, 4)}),
    case("RMSNormalization", floats(2, 3, 4), floats(3, 4), opset=23, axis=1, epsilon=0.1),
    case("RotaryEmbedding", floats(2, 3, 5, 8), floats(9, 4), floats(9, 4),
         ints([[0, 3, 8, 1, 1], [2, 4, 6, 7, 5]]), opset=23, constant=(1, 2),
         dims={0: ("batch", 3, "length", 8), 3: ("batch", "length")}),
    case("RotaryEmbedding", floats(2, 5, 24), floats(2, 5, 3), floats(2, 5, 3), opset=23,
         num_heads=3, rotary_embedding_dim=6, interleaved=1),
    case("Attention", floats(3, 2, 5, 4), floats(3, 2, 5, 4), floats(3, 2, 5, 4), opset=23,
         dims=SEQUENCE, is_causal=1),
    case("Attention", floats(2, 5, 12), floats(2, 7, 6), floats(2, 7, 4), bools(5, 7) | True,
         opset=23, q_num_heads=4, kv_num_heads=2, softcap=1.5, scale=0.3,
         dims={0: ("batch", 5, 12), 1: ("batch", 7, 6), 2: ("batch", 7, 4)}),
    case("Attention", floats(2, 3, 8), floats(2, 3, 8), floats(2, 3, 8), None, floats(2, 2, 4, 4),
         floats(2, 2, 4, 4), opset=23, q_num_heads=2, kv_num_heads=2, outputs=3),
]  # fmt: skip


class FusedCase(Case):
    """A node of onnxruntime's own operators."""

    def model(self) -> onnx.ModelProto:
        """Return the model of this node."""
        model = super().model()
        model.graph.node[0].domain = "com.microsoft"
        model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
        return model


ROWS = {i: ("batch", 3, 8) for i in range(2)}

FUSED = [
    FusedCase("SkipLayerNormalization",
              [floats(2, 3, 8), floats(2, 3, 8), floats(8), floats(8), floats(8)], dims=ROWS),
    FusedCase("SkipLayerNormalization", [floats(2, 3, 8), floats(2, 3, 8), floats(8)],
              constant=(2,), attributes={"epsilon": 0.1}),
    FusedCase("SkipSimplifiedLayerNormalization", [floats(2, 3, 8), floats(2, 3, 8), floats(8)]),
]  # fmt: skip


@pytest.mark.parametrize("sample", CASES + FUSED, ids=str)
def test_operator_agrees_with_onnxruntime(sample: Case, tmp_path: Path) -> None:
    check(sample, tmp_path)


ERRORS = [
    (case("Einsum", floats(2, 3), floats(4, 5), equation="ij,jk->ik"),
     "Einsum 'ij,jk->ik' with sizes [3] and [4] for one name; expects equal ones, or 1"),
    (case("Einsum", floats(2, 3), equation="ij,jk->ik"),
     "Einsum 'ij,jk->ik' of 1 inputs; expects one term for each"),
    (case("Einsum", floats(2, 3), equation="ijk->i"),
     "Einsum term 'ijk' for shape [2, 3]; expects a letter for each dimension"),
    (case("Einsum", floats(2, 3), equation="i1->i"),
     "Einsum with term 'i1'; expects letters and at most one ellipsis"),
    (case("Einsum", floats(2, 3), equation="ij->ik"),
     "Einsum result 'ik'; expects names of the terms, each once"),
    (case("Attention", floats(2, 5, 12), floats(2, 7, 6), floats(2, 7, 4), opset=23),
     "Attention of rank 3 without numbers of heads; expects q_num_heads and kv_num_heads"),
    (case("Attention", floats(1, 3, 5, 4), floats(1, 2, 5, 4), floats(1, 2, 5, 4), opset=23),
     "Attention of [3] query heads and [2] key heads; expects a multiple of the latter"),
    (case("Attention", floats(1, 2, 5, 4), floats(1, 2, 5, 4), floats(1, 2, 5, 4), floats(9, 5),
          opset=23),
     "shapes [1, 2, 5, 5] and [9, 5] do not broadcast; expects equal sizes, or 1"),
    (case("RotaryEmbedding", floats(2, 3, 5, 8), floats(2, 4, 4), floats(2, 5, 4), opset=23),
     "RotaryEmbedding with angles of shape [2, 4, 4]; expects [2, 5, 4]"),
    (case("RMSNormalization", floats(2, 3), floats(2, 2, 3), opset=23),
     "normalization of [2, 3] with a larger scale or bias; expects ones that broadcast to it"),
]  # fmt: skip


@pytest.mark.parametrize(("sample", "message"), ERRORS, ids=[error for _, error in ERRORS])
def test_unsupported_is_one_line(sample: Case, message: str, tmp_path: Path) -> None:
    path = tmp_path / "case.onnx"
    node = helper.make_node(
        sample.op, [f"x{i}" for i in range(len(sample.inputs))], ["y"], "node", **sample.attributes
    )
    inputs = [
        helper.make_tensor_value_info(f"x{i}", TensorProto.FLOAT, x.shape)
        for i, x in enumerate(sample.inputs)
    ]
    graph = helper.make_graph([node], "case", inputs, [onnx.ValueInfoProto(name="y")])
    opset = [helper.make_opsetid("", sample.opset)]
    onnx.save(helper.make_model(graph, ir_version=9, opset_imports=opset), path)
    with pytest.raises(quantc.Error) as error:
        quantc.load(path)
    assert str(error.value) == f"{path}: node: {message}"


def block() -> onnx.ModelProto:
    """Return a decoder block: norms, projections, rotations, grouped attention, a gate."""
    nodes = [
        helper.make_node("RMSNormalization", ["x", "norm"], ["n"], "norm"),
        *(
            helper.make_node("Einsum", ["n", f"w{i}"], [i], i, equation="bse,hde->bshd")
            for i in "qkv"
        ),
        *(helper.make_node("Transpose", [i], [f"{i}t"], perm=[0, 2, 1, 3]) for i in "qkv"),
        *(
            helper.make_node("RotaryEmbedding", [f"{i}t", "cos", "sin", "position"], [f"{i}r"])
            for i in "qk"
        ),
        helper.make_node("Attention", ["qr", "kr", "vt"], ["a"], "attention", is_causal=1),
        helper.make_node("Einsum", ["a", "wo"], ["o"], "o", equation="bhsd,hde->bse"),
        helper.make_node("Add", ["x", "o"], ["y"]),
    ]
    weights = {
        "norm": floats(24),
        "wq": floats(4, 6, 24) / 10,
        "wk": floats(2, 6, 24) / 10,
        "wv": floats(2, 6, 24),
        "wo": floats(4, 6, 24),
        "cos": floats(16, 3),
        "sin": floats(16, 3),
    }
    graph = helper.make_graph(
        nodes,
        "block",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, (2, 7, 24)),
            helper.make_tensor_value_info("position", TensorProto.INT64, (2, 7)),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (2, 7, 24))],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    return helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 23)])


def test_decoder_block_is_compiled_to_the_bytes_of_the_interpreter(tmp_path: Path) -> None:
    path = tmp_path / "block.onnx"
    onnx.save(block(), path)
    feeds = {"x": floats(2, 7, 24), "position": np.arange(14).reshape(2, 7)}
    model = quantc.load(path)
    assert model.layers["q"].skipped_because is None
    expected = quantc.interpret(model, feeds)
    np.testing.assert_array_equal(quantc.compile(model)(feeds), expected)

    config = quantc.QuantizationConfig(mode="static", weight_bits=8)
    quantized = quantc.quantize(model, config, calibration_data=[feeds])
    assert quantized.layers["q"].weight.shape == (24, 24)
    actual = quantc.interpret(quantized, feeds)
    np.testing.assert_array_equal(quantc.compile(quantized)(feeds), actual)
    noise = np.linalg.norm(actual - expected) / np.linalg.norm(expected)
    assert noise < 0.05
