"""Layers as compiled programs whose weights and parameters are arguments.

All numbers of a layer in PyTorch come from here: these are the operations that quantization after
training makes of a layer, and the compiler lowers them in the same way. Each program is compiled
when it is first called for and kept.
"""

from __future__ import annotations

import atexit
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from torch import nn

from quantc._quantc import Model, Program
from quantc.compilation import TRAINING_TARGET, compile
from quantc.config import QuantizationConfig


def is_normal_float(config: QuantizationConfig) -> bool:
    """Whether weights have the format nf4."""
    return config.weight_format == "nf4"


def has_two_level_scales(config: QuantizationConfig) -> bool:
    """Whether groups have an integer multiplier each, and channels a scale."""
    return (
        config.granularity == "per_group"
        and config.weight_bits == 4
        and config.symmetric_weights
        and not is_normal_float(config)
    )


def has_float_group_scales(config: QuantizationConfig) -> bool:
    """Whether groups have a float scale each."""
    return (
        config.granularity == "per_group"
        and not has_two_level_scales(config)
        and not is_normal_float(config)
    )


def has_symmetric_activations(config: QuantizationConfig) -> bool:
    """What ``symmetric_activations`` comes to: None leaves it to the compiler."""
    if config.symmetric_activations is not None:
        return config.symmetric_activations
    return config.mode == "dynamic" and has_float_group_scales(config)


@dataclass(frozen=True)
class LayerKind:
    """All that the programs of a layer depend on."""

    inputs: int
    """K, with the zeros that fill the last group."""
    outputs: int
    has_bias: bool
    config: QuantizationConfig
    has_samples: bool = False
    """Whether rows are patches of samples, which in mode ``dynamic`` have parameters."""

    @classmethod
    def of(
        cls, linear: nn.Linear, config: QuantizationConfig, has_samples: bool = False
    ) -> LayerKind:
        """Return the kind that ``linear`` becomes."""
        depth = linear.in_features
        if config.granularity == "per_group":
            depth = -(-depth // config.group_size) * config.group_size
        return cls(depth, linear.out_features, linear.bias is not None, config, has_samples)

    @property
    def finds_parameters(self) -> bool:
        """Whether the program finds the parameters of its input: those of rows."""
        return self.config.mode == "dynamic" and not self.has_samples

    @property
    def scale_shape(self) -> tuple[int, ...]:
        """The shape of the scale of the weight, and of its zero point."""
        if self.config.granularity == "per_tensor":
            return ()
        if self.config.granularity == "per_channel" or has_two_level_scales(self.config):
            return (self.outputs, 1)
        return (self.outputs, self.inputs // self.config.group_size)


class _Program:
    """The text of a program: what its arguments and results are called, and its operations."""

    def __init__(self) -> None:
        self.arguments: list[str] = []
        self.body: list[str] = []
        self.results: list[str] = []
        self.types: dict[str, str] = {}

    def argument(self, name: str, shape: Sequence[int | str], element: str = "f32") -> None:
        self._set_type(name, shape, element)
        self.arguments.append(f'{self(name)} {{quant.name = "{name}"}}')

    def define(self, name: str, shape: Sequence[int | str], element: str, operation: str) -> None:
        """Add an operation with one result: what is left of its text is the result's type."""
        self._set_type(name, shape, element)
        self.body.append(f"%{name} = {operation} -> {self.types[name]}")

    def choose_parameters(self, name: str, shape: Sequence[int | str], bits: int,
                          symmetric: bool) -> None:  # fmt: skip
        """Choose ``<name>_scale`` and ``<name>_zero_point`` from ``<name>_range``."""
        self._set_type(f"{name}_scale", shape, "f32")
        self._set_type(f"{name}_zero_point", shape, "i8")
        attributes = f"bits = {bits} : i64" + (", symmetric" if symmetric else "")
        self.body.append(
            f"%{name}_scale, %{name}_zero_point = quant.choose_params %{name}_range "
            f"{{{attributes}}} : {self.types[f'{name}_range']} -> "
            f"{self.types[f'{name}_scale']}, {self.types[f'{name}_zero_point']}"
        )

    def fill(self, name: str, shape: Sequence[int | str]) -> None:
        """Define a tensor of zeros, with as many rows as ``x`` where that is ``?``."""
        size = ""
        if "?" in shape:
            self.body += [
                "%first = arith.constant 0 : index",
                f"%rows = tensor.dim %x, %first : {self.types['x']}",
            ]
            size = "%rows"
        self._set_type(name, shape, "f32")
        type_ = self.types[name]
        self.body += [
            "%zero = arith.constant 0.0 : f32",
            f"%{name}_empty = tensor.empty({size}) : {type_}",
            f"%{name} = linalg.fill ins(%zero : f32) outs(%{name}_empty : {type_}) -> {type_}",
        ]

    def define_elementwise(self, name: str, shape: Sequence[int | str],
                           operands: Mapping[str, str], body: Sequence[str]) -> None:  # fmt: skip
        """Add an operation over the elements ``i, j`` of [rows, columns].

        ``operands`` says which of them belong to an element of each; in ``body`` they are ``%e0``
        and so on, and its last operation defines ``%sum``.
        """
        maps = [f"affine_map<(i, j) -> ({indices})>" for indices in operands.values()]
        elements = ", ".join(f"%e{index}: f32" for index in range(len(operands)))
        self.define(
            name,
            shape,
            "f32",
            f"linalg.generic {{indexing_maps = [{', '.join([*maps, 'affine_map<(i, j) -> (i, j)>'])}], "
            'iterator_types = ["parallel", "parallel"]} '
            f"ins({self(*operands)}) outs({self('zeros')}) {{\n  ^bb0({elements}, %out: f32):\n    "
            + "\n    ".join([*body, "linalg.yield %sum : f32"])
            + "\n  }",
        )

    def __call__(self, *names: str) -> str:
        """The operands ``names`` with their types."""
        values = ", ".join(f"%{name}" for name in names)
        return f"{values} : {', '.join(self.types[name] for name in names)}"

    def compile(self, *results: str) -> Program:
        """Compile the program with these results."""
        declared = ", ".join(f'{self.types[name]} {{quant.name = "{name}"}}' for name in results)
        body = "\n  ".join([*self.body, f"return {self(*results)}"])
        arguments = ", ".join(argument.replace(" : ", ": ", 1) for argument in self.arguments)
        text = f"func.func @layer({arguments}) -> ({declared}) {{\n  {body}\n}}\n"
        return compile(Model.parse(text, "layer"), TRAINING_TARGET)

    def _set_type(self, name: str, shape: Sequence[int | str], element: str) -> None:
        self.types[name] = "tensor<" + "".join(f"{size}x" for size in shape) + element + ">"


@cache
def get_observer() -> Program:
    """Values [M] to ``input_range`` [2], the smallest and the largest that is finite."""
    program = _Program()
    program.argument("values", ("?",))
    program.define("input_range", (2,), "f32", f"quant.observe {program('values')}")
    return program.compile("input_range")


@cache
def get_parameter_chooser(symmetric: bool) -> Program:
    """``input_range`` [2] to ``input_scale`` and ``input_zero_point``, of 8 bits."""
    program = _Program()
    program.argument("input_range", (2,))
    program.choose_parameters("input", (), 8, symmetric)
    return program.compile("input_scale", "input_zero_point")


@cache
def get_row_parameters(symmetric: bool) -> Program:
    """``rows`` [M, K] to the ``input_scale`` [M, 1] and ``input_zero_point`` of each, of 8 bits."""
    program = _Program()
    program.argument("rows", ("?", "?"))
    program.define("input_range", ("?", 1, 2), "f32", f"quant.observe {program('rows')}")
    program.choose_parameters("input", ("?", 1), 8, symmetric)
    return program.compile("input_scale", "input_zero_point")


@cache
def get_weight_quantizer(kind: LayerKind, has_given_scale: bool) -> Program:
    """``weight`` [N, K] to ``integers`` and, unless that is given, ``weight_scale``.

    A given scale comes with its ``group_multiplier`` or its ``weight_zero_point``, if there is one.
    """
    config = kind.config
    shape = (kind.outputs, kind.inputs)
    program = _Program()
    program.argument("weight", shape)
    if has_given_scale:
        operands = _add_weight_parameters(program, kind)
        results = []
    else:
        range_shape = (*kind.scale_shape, 2)
        program.define("weight_range", range_shape, "f32", f"quant.observe {program('weight')}")
        program.choose_parameters(
            "weight", kind.scale_shape, config.weight_bits, config.symmetric_weights
        )
        operands = f"scale({program('weight_scale')})"
        results = ["weight_scale"]
        if not config.symmetric_weights:
            operands += f" zero_point({program('weight_zero_point')})"
            results.append("weight_zero_point")
    quantize = f"quant.quantize %weight {operands} : {program.types['weight']}"
    program.define("integers", shape, f"i{config.weight_bits}", quantize)
    return program.compile("integers", *results)


@cache
def get_weight_dequantizer(kind: LayerKind) -> Program:
    """``integers``, packed, to ``weight`` [N, K]."""
    program = _Program()
    if is_normal_float(kind.config):
        _add_normal_float_weight(program, kind)
        return program.compile("weight")
    _add_integers(program, kind, is_packed=True)
    operands = _add_weight_parameters(program, kind)
    dequantize = f"quant.dequantize %integers {operands} : {program.types['integers']}"
    program.define("weight", (kind.outputs, kind.inputs), "f32", dequantize)
    return program.compile("weight")


@cache
def get_layer(kind: LayerKind, has_integer_result: bool, is_packed: bool = False) -> Program:
    """``x`` [M, K] and the ``integers`` of the weight to ``y`` [M, N].

    In mode ``static`` the parameters of the input are arguments, in mode ``dynamic`` too where they
    are those of samples; those of rows are results. An integer result is rounded to ``output_scale`` and ``output_zero_point``, the
    parameters that the next layer has for its input, and given as floats.
    """
    config = kind.config
    if is_normal_float(config):
        return _compile_normal_float_layer(kind)
    program = _Program()
    program.argument("x", ("?", kind.inputs))
    value, parameters, results = "x", "", ["y"]
    if config.mode != "weight_only":
        shape: tuple[int | str, ...] = () if config.mode == "static" else ("?", 1)
        if not kind.finds_parameters:
            program.argument("input_scale", shape)
            program.argument("input_zero_point", shape, "i8")
        else:
            program.define("input_range", (*shape, 2), "f32", f"quant.observe {program('x')}")
            program.choose_parameters("input", shape, 8, has_symmetric_activations(config))
            results += ["input_scale", "input_zero_point"]
        value = "xq"
        program.define(
            value,
            ("?", kind.inputs),
            "i8",
            f"quant.quantize %x scale({program('input_scale')}) "
            f"zero_point({program('input_zero_point')}) : {program.types['x']}",
        )
        parameters = f" input({program('input_scale', 'input_zero_point')})"
    _add_integers(program, kind, is_packed)
    weight = _add_weight_parameters(program, kind)
    if kind.has_bias:
        program.argument("bias", (kind.outputs,))
        parameters += f" bias({program('bias')})"
    if has_integer_result:
        program.argument("output_scale", ())
        program.argument("output_zero_point", (), "i8")
        parameters += f" output({program('output_scale', 'output_zero_point')})"
    types = f"{program.types[value]}, {program.types['integers']}"
    linear = f"quant.linear %{value}, %integers {weight}{parameters} : {types}"
    shape = ("?", kind.outputs)
    if not has_integer_result:
        program.define("y", shape, "f32", linear)
        return program.compile(*results)
    program.define("yq", shape, "i8", linear)
    program.define(
        "y",
        shape,
        "f32",
        f"quant.dequantize %yq scale({program('output_scale')}) "
        f"zero_point({program('output_zero_point')}) : {program.types['yq']}",
    )
    return program.compile(*results)


@cache
def get_merger(outputs: int, inputs: int, rank: int) -> Program:
    """``weight`` [N, K], ``a`` [R, K], ``b`` [N, R] and ``scale`` to ``merged`` (merge_a1)."""
    program = _Program()
    shape = (outputs, inputs)
    program.argument("weight", shape)
    program.argument("a", (rank, inputs))
    program.argument("b", (outputs, rank))
    program.argument("scale", ())
    program.fill("zeros", shape)
    program.define(
        "product",
        shape,
        "f32",
        f"linalg.matmul ins({program('b', 'a')}) outs({program('zeros')})",
    )
    program.define_elementwise(
        "merged",
        shape,
        {"weight": "i, j", "product": "i, j", "scale": ""},
        ["%scaled = arith.mulf %e2, %e1 : f32", "%sum = arith.addf %e0, %scaled : f32"],
    )
    return program.compile("merged")


@atexit.register
def _free_programs() -> None:
    """Free the programs while the extension module is still there."""
    for get in (
        get_observer,
        get_parameter_chooser,
        get_row_parameters,
        get_weight_quantizer,
        get_weight_dequantizer,
        get_layer,
        get_merger,
    ):
        get.cache_clear()


def _add_integers(program: _Program, kind: LayerKind, is_packed: bool) -> None:
    """Add the integers of the weight as an argument; packed, those of 4 bits are two to a byte."""
    shape, element = (kind.outputs, kind.inputs), f"i{kind.config.weight_bits}"
    if not is_packed or kind.config.weight_bits == 8:
        program.argument("integers", shape, element)
        return
    program.argument("packed", (kind.outputs, (kind.inputs + 1) // 2), "i8")
    program.define("integers", shape, element, f"quant.unpack {program('packed')}")


def _add_weight_parameters(program: _Program, kind: LayerKind) -> str:
    """Add the parameters of the weight as arguments; return them as operands."""
    config = kind.config
    program.argument("weight_scale", kind.scale_shape)
    operands = f"scale({program('weight_scale')})"
    if has_two_level_scales(config):
        groups = (kind.outputs, kind.inputs // config.group_size)
        program.argument("group_multiplier", groups, "i8")
        operands += f" multiplier({program('group_multiplier')})"
    elif not config.symmetric_weights:
        program.argument("weight_zero_point", kind.scale_shape, "i8")
        operands += f" zero_point({program('weight_zero_point')})"
    return operands


def _add_normal_float_weight(program: _Program, kind: LayerKind) -> None:
    """Define ``weight`` [N, K] from ``packed`` integers of the format nf4 and their magnitudes."""
    count = -(-kind.outputs * kind.inputs // (64 * 256))
    _add_integers(program, kind, is_packed=True)
    program.argument("magnitude", (count, 256), "i8")
    program.argument("magnitude_scale", (count, 1))
    program.argument("magnitude_mean", ())
    magnitudes = program("magnitude", "magnitude_scale", "magnitude_mean")
    program.define(
        "weight",
        (kind.outputs, kind.inputs),
        "f32",
        f"quant.dequantize_normal_float %integers magnitude({magnitudes}) "
        f": {program.types['integers']}",
    )


def _compile_normal_float_layer(kind: LayerKind) -> Program:
    """``x`` [M, K] and the weight of the format nf4 to ``y`` [M, N]: a product of floats."""
    program = _Program()
    shape = ("?", kind.outputs)
    program.argument("x", ("?", kind.inputs))
    _add_normal_float_weight(program, kind)
    program.fill("zeros", shape)
    maps = ", ".join(f"affine_map<(m, n, k) -> ({dims})>" for dims in ("m, k", "n, k", "m, n"))
    program.define(
        "product",
        shape,
        "f32",
        f"linalg.matmul indexing_maps = [{maps}] ins({program('x', 'weight')}) "
        f"outs({program('zeros')})",
    )
    if not kind.has_bias:
        return program.compile("product")
    program.argument("bias", (kind.outputs,))
    program.define_elementwise(
        "y", shape, {"product": "i, j", "bias": "j"}, ["%sum = arith.addf %e0, %e1 : f32"]
    )
    return program.compile("y")
