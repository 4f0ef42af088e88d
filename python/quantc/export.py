"""Quantized models as ONNX files that other tools run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from quantc._quantc import Layer, Model
from quantc.errors import Error

if TYPE_CHECKING:
    import onnx

OPSET = 13
"""The first with scales for each channel."""
OPSET_OF_BLOCKS = 21
"""The first with integers of 4 bits and scales for each block."""
AVERAGES = ("AveragePool", "GlobalAveragePool")
"""Pools that add up integers where they can."""
MAX_FILE_BYTES = 2**31 - 2**20
"""Larger weights go to a file beside the model: protobuf ends at 2 GiB."""


def export_onnx(
    source: str | os.PathLike[str], quantized: Model, path: str | os.PathLike[str]
) -> None:
    """Write the ONNX model ``source`` with the layers of ``quantized`` as QDQ to ``path``.

    ``quantized`` is what ``quantc.quantize`` or ``Trainer.convert`` made of ``source``. Each of its
    layers gets QuantizeLinear and DequantizeLinear on its input (mode ``static``) and integers
    behind DequantizeLinear for its weight, per tensor, per channel or in blocks. Nodes that are a
    part of a layer (``Layer.folded``) are left out, and the layer has its bias, as an Add behind
    a MatMul. Average pools of what layers alone read beside them read it from the same
    DequantizeLinear; all other nodes stay as they are. What runs the file computes products of
    floats, or of integers that it makes of them, so results differ from ours by a step of a
    quantized tensor here and there.

    The opset is raised to 13, or to 21 for weights of 4 bits or in groups. Weights beyond 2 GiB go
    to ``path`` with ``.data`` appended.

    Raises ``quantc.Error`` for layers in mode ``dynamic`` (their scales are per row, which QDQ
    cannot say), of the format nf4, or that ``source`` does not have. Needs the package ``onnx``.
    """
    onnx = _import_onnx()
    source = Path(source)
    try:
        model = onnx.load(source)
    except (OSError, ValueError, onnx.checker.ValidationError) as error:
        raise Error(f"{source}: cannot be read as an ONNX model: {error}") from None
    except Exception as error:  # What protobuf raises has no public type.
        if type(error).__name__ != "DecodeError":
            raise
        raise Error(f"{source}: is truncated or not an ONNX model") from None
    layers = {name: layer for name, layer in quantized.layers.items() if layer.mode is not None}
    for name, layer in layers.items():
        _check_layer(name, layer)
    needs_blocks = any(layer.weight_bits == 4 or layer.group_size for layer in layers.values())
    model = _raise_opset(model, OPSET_OF_BLOCKS if needs_blocks else OPSET)
    _Rewriter(model, source).run(layers)
    _save(model, Path(path))


def _import_onnx() -> Any:
    try:
        import onnx
    except ImportError:
        raise Error("exporting needs the package onnx; install it with: pip install onnx") from None
    return onnx


def _check_layer(name: str, layer: Layer) -> None:
    if layer.weight_format != "integer":
        raise Error(f"{name}: a layer of format {layer.weight_format}; ONNX has integer weights")
    if layer.kind == "product":
        raise Error(f"{name}: a product of two activations; expects layers with weights")
    if layer.mode == "dynamic":
        raise Error(
            f"{name}: a layer in mode dynamic has a scale for each row of its input, which QDQ "
            "cannot say; quantize in mode static or weight_only"
        )


def _raise_opset(model: onnx.ModelProto, opset: int) -> onnx.ModelProto:
    onnx = _import_onnx()
    current = next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    if current < opset:
        from onnx import version_converter

        try:
            model = version_converter.convert_version(model, opset)
        except RuntimeError as error:
            raise Error(f"cannot raise opset {current} to {opset}: {error}") from None
    model.ir_version = max(
        model.ir_version, onnx.helper.find_min_ir_version_for(model.opset_import)
    )
    return model


class _Rewriter:
    """Inserts nodes and initializers into the graph of a model."""

    def __init__(self, model: onnx.ModelProto, source: Path) -> None:
        self.onnx = _import_onnx()
        self.graph = model.graph
        self.source = source
        self.names = {name for node in self.graph.node for name in (*node.input, *node.output)}
        self.names.update(tensor.name for tensor in self.graph.initializer)
        self.quantized_inputs: dict[tuple, str] = {}
        self.nodes: list[onnx.NodeProto] = []

    def run(self, layers: dict[str, Layer]) -> None:
        missing = dict(layers)
        # Outputs, which are names, change on the way.
        nodes = [(node.name or node.output[0], node) for node in self.graph.node]
        folded = {name for layer in layers.values() for name in layer.folded}
        averaged = self.find_averaged(layers)
        for index, (name, node) in enumerate(nodes):
            layer = missing.pop(name, None)
            if layer is not None and layer.folded:
                self.unlink(node, nodes[index + 1 :], layer)
            if layer is not None:
                self.rewrite(node, layer)
            elif node.op_type in AVERAGES and node.input[0] in averaged:
                node.input[0] = self.quantize_input(node.input[0], averaged[node.input[0]])
            if name not in folded:
                self.nodes.append(node)
            if layer is not None and layer.folded:
                self.set_bias(node, layer)
        if missing:
            raise Error(
                f"{self.source}: there is no layer '{next(iter(missing))}'; expects the model that "
                "has been quantized"
            )
        del self.graph.node[:]
        self.graph.node.extend(self.nodes)
        used = {name for node in self.graph.node for name in node.input}
        used.update(output.name for output in self.graph.output)
        kept = [tensor for tensor in self.graph.initializer if tensor.name in used]
        del self.graph.initializer[:]
        self.graph.initializer.extend(kept)

    def find_averaged(self, layers: dict[str, Layer]) -> dict[str, Layer]:
        """Return a layer of mode static for each tensor that only such and averages read."""
        readers: dict[str, Layer] = {}
        others = {output.name for output in self.graph.output}
        for node in self.graph.node:
            layer = layers.get(node.name or node.output[0])
            if layer is not None and layer.mode == "static":
                readers[node.input[0]] = layer
                others.update(node.input[1:])
            elif node.op_type not in AVERAGES:
                others.update(node.input)
        return {tensor: layer for tensor, layer in readers.items() if tensor not in others}

    def unlink(
        self, node: onnx.NodeProto, following: list[tuple[str, onnx.NodeProto]], layer: Layer
    ) -> None:
        """Let what precedes each node that is a part of ``layer`` make its output."""
        missing = set(layer.folded)
        # What makes each tensor that comes from the layer.
        producers = {node.output[0]: node}
        for name, other in following:
            inputs = [tensor for tensor in other.input if tensor in producers]
            if not missing or not inputs:
                continue
            if name not in missing:
                producers.update(dict.fromkeys(other.output, other))
                continue
            missing.remove(name)
            producer = producers.pop(inputs[0])
            index = list(producer.output).index(inputs[0])
            producer.output[index] = other.output[0]
            producers[other.output[0]] = producer
        if missing:
            raise Error(
                f"{self.source}: there is no node '{min(missing)}' behind layer "
                f"'{layer.name}'; expects the model that has been quantized"
            )

    def set_bias(self, node: onnx.NodeProto, layer: Layer) -> None:
        """Give ``node``, which has been appended, the bias of ``layer``."""
        bias = layer.bias
        if bias is None:
            return
        constant = self.add_constant(f"{layer.name}.bias_folded", bias)
        if node.op_type == "MatMul":
            output = node.output[0]
            node.output[0] = self.make_name(f"{output}_product")
            add = self.onnx.helper.make_node(
                "Add",
                [node.output[0], constant],
                [output],
                name=self.make_name(f"{layer.name}.bias"),
            )
            self.nodes.append(add)
            return
        del node.input[2:]
        node.input.append(constant)
        for attribute in node.attribute:
            if attribute.name == "beta":
                attribute.f = 1.0

    def rewrite(self, node: onnx.NodeProto, layer: Layer) -> None:
        name = layer.name
        attributes = {attribute.name: attribute for attribute in node.attribute}
        if node.op_type not in ("Conv", "Gather", "Gemm", "MatMul"):
            raise Error(
                f"{self.source}: {name}: cannot export a quantized {node.op_type}; expects Conv, "
                "Gather, Gemm or MatMul"
            )
        is_row_major = node.op_type == "Gemm" and "transB" in attributes and attributes["transB"].i
        if "alpha" in attributes:
            # It is in the integers.
            attributes["alpha"].f = 1.0
        if layer.mode == "static":
            node.input[0] = self.quantize_input(node.input[0], layer)
        if node.op_type == "Gather":
            node.input[0] = self.dequantize_weight(name, layer, is_row_major=True)
        elif node.op_type == "Conv":
            node.input[1] = self.dequantize_kernel(name, layer)
        else:
            node.input[1] = self.dequantize_weight(name, layer, bool(is_row_major))

    def quantize_input(self, tensor: str, layer: Layer) -> str:
        """Return the name of ``tensor`` quantized and dequantized; layers share it."""
        scale, zero_point = np.float32(layer.input_scale), np.int8(layer.input_zero_point)
        key = (tensor, scale.tobytes(), zero_point.tobytes())
        if key not in self.quantized_inputs:
            parameters = [
                self.add_constant(f"{tensor}_scale", np.asarray(scale)),
                self.add_constant(f"{tensor}_zero_point", np.asarray(zero_point)),
            ]
            quantized = self.add_node("QuantizeLinear", tensor, *parameters, result="quantized")
            self.quantized_inputs[key] = self.add_node(
                "DequantizeLinear", quantized, *parameters, result="dequantized"
            )
        return self.quantized_inputs[key]

    def dequantize_weight(self, name: str, layer: Layer, is_row_major: bool) -> str:
        """Return the name of the float weight: [N, K] if it is row-major, else [K, N]."""
        weight = layer.weight.T if layer.is_weight_transposed else layer.weight
        scale, zero_point = _get_weight_parameters(layer)
        attributes = {}
        if layer.group_size:
            attributes = {"axis": 1 if is_row_major else 0, "block_size": layer.group_size}
        elif scale.ndim:
            scale, zero_point = scale.reshape(-1), zero_point.reshape(-1)
            attributes = {"axis": 0 if is_row_major else 1}
        arrays: list[NDArray] = [weight, scale, zero_point]
        if not is_row_major:
            arrays = [array.T for array in arrays]
        return self.add_weight(name, layer, *arrays, **attributes)

    def dequantize_kernel(self, name: str, layer: Layer) -> str:
        """Return the name of the float weight of a convolution, [N, C, window...]."""
        outputs, channels, *window = layer.weight.shape
        scale, zero_point = _get_weight_parameters(layer)
        attributes = {}
        if layer.group_size:
            if channels % layer.group_size:
                raise Error(
                    f"{name}: groups of {layer.group_size} do not divide the {channels} channels, "
                    "and blocks of ONNX end with them; choose a group size that does"
                )
            # Groups run along the channels of one place of the window.
            shape = (outputs, *window, channels // layer.group_size)
            scale, zero_point = (
                np.moveaxis(array.reshape(shape), -1, 1) for array in (scale, zero_point)
            )
            attributes = {"axis": 1, "block_size": layer.group_size}
        elif scale.ndim:
            scale, zero_point = scale.reshape(-1), zero_point.reshape(-1)
            attributes = {"axis": 0}
        return self.add_weight(name, layer, layer.weight, scale, zero_point, **attributes)

    def add_weight(
        self,
        name: str,
        layer: Layer,
        weight: NDArray,
        scale: NDArray,
        zero_point: NDArray,
        **attributes: int,
    ) -> str:
        """Return the name of ``weight`` as floats."""
        operands = [
            self.add_constant(f"{name}.weight_quantized", self.as_stored(weight, layer)),
            self.add_constant(f"{name}.weight_scale", scale),
        ]
        if zero_point.any():
            stored = self.as_stored(zero_point, layer)
            operands.append(self.add_constant(f"{name}.weight_zero_point", stored))
        return self.add_node("DequantizeLinear", *operands, result="dequantized", **attributes)

    def as_stored(self, array: NDArray, layer: Layer) -> NDArray:
        """Return small integers in the type that the file has them in."""
        types = self.onnx.TensorProto
        stored = types.INT4 if layer.weight_bits == 4 else types.INT8
        return array.astype(self.onnx.helper.tensor_dtype_to_np_dtype(stored))

    def add_constant(self, name: str, array: NDArray) -> str:
        name = self.make_name(name)
        array = np.ascontiguousarray(array).reshape(array.shape)
        self.graph.initializer.append(self.onnx.numpy_helper.from_array(array, name))
        return name

    def add_node(self, op: str, *inputs: str, result: str, **attributes: int) -> str:
        output = self.make_name(f"{inputs[0].removesuffix('_quantized')}_{result}")
        node = self.onnx.helper.make_node(op, inputs, [output], name=output, **attributes)
        self.nodes.append(node)
        return output

    def make_name(self, name: str) -> str:
        """Return ``name``, or with a number if the graph has it."""
        unique, number = name, 1
        while unique in self.names:
            unique, number = f"{name}_{number}", number + 1
        self.names.add(unique)
        return unique


def _get_weight_parameters(layer: Layer) -> tuple[NDArray, NDArray]:
    """Return scale and zero point of the stored weights, with multipliers of groups in the scale."""
    if layer.group_multiplier is None:
        return layer.weight_scale, layer.weight_zero_point
    # Exact: the scales have room for the multipliers.
    multipliers = layer.group_multiplier
    scale = layer.weight_scale.reshape(-1, 1) * multipliers.astype(np.float32)
    return scale, np.zeros_like(multipliers)


def _save(model: onnx.ModelProto, path: Path) -> None:
    """Write ``model``, checked; nothing half-written stays behind."""
    onnx = _import_onnx()
    size = sum(len(tensor.raw_data) for tensor in model.graph.initializer)
    is_large = size > MAX_FILE_BYTES
    if not is_large:
        try:
            onnx.checker.check_model(model, full_check=True)
        except onnx.checker.ValidationError as error:
            raise Error(f"{path}: the exported model is not valid: {error}") from None
    partial = path.with_name(path.name + ".partial")
    try:
        if is_large:
            data = path.name + ".data"
            onnx.save(model, partial, save_as_external_data=True, location=data)
        else:
            onnx.save(model, partial)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise Error(f"{path}: cannot write: {error.strerror or error}") from None
