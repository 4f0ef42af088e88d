"""From an exported program to an ONNX model."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import fx
from torch.export import ExportedProgram
from torch.export.graph_signature import ConstantArgument, InputKind, OutputKind, TensorArgument
from torch.utils import _pytree as pytree

from quantc.errors import Error
from quantc.torch.aten.graph import ELEMENT_TYPES, Graph, Size, Tensor
from quantc.torch.aten.table import TABLE
from quantc.torch.prepare import SINGLE_LAYER

SIZE_OPERATORS = {
    operator.add: "Add",
    operator.sub: "Sub",
    operator.mul: "Mul",
    operator.floordiv: "Div",
    operator.mod: "Mod",
}
"""Arithmetic on sizes; all of them are at least 0, so that divisions round down."""


class Translator:
    """What the function of an operator sees: the node at hand, and the graph to add to."""

    def __init__(self, program: ExportedProgram, data: Path,
                 dim_names: Sequence[Mapping[int, str]], aliases: Mapping[str, str],
                 ) -> None:  # fmt: skip
        self.graph = Graph(data)
        self.node: fx.Node = next(iter(program.graph.nodes))
        self.name = ""
        """The layer that is being translated, which its nodes are named after."""
        self._program = program
        self._tensors: dict[fx.Node, Any] = {}
        self._constants: dict[fx.Node, Any] = {}
        self._values: dict[str, torch.Tensor] = {}
        self._parameters: dict[fx.Node, str] = {}
        self._sizes: dict[fx.Node, Size] = {}
        self._calls: Counter[str] = Counter()
        self._symbols: dict[str, str] = {}
        self._aliases = aliases
        self._foldable = _find_foldable(program)
        inputs = [spec.arg.name for spec in program.graph_signature.input_specs
                  if spec.kind == InputKind.USER_INPUT]  # fmt: skip
        self._dim_names = dict(zip(inputs, dim_names, strict=False))

    # What functions of operators call.

    @property
    def result(self) -> Any:
        """The result of the node in the exported program: type and shape, no elements."""
        return self.node.meta["val"]

    @property
    def dtype(self) -> torch.dtype:
        """The element type of the result, of the first one where there are several."""
        result = self.result
        return (result[0] if isinstance(result, tuple | list) else result).dtype

    def emit(self, operator: str, *inputs: Any, **attributes: Any) -> str:
        """Add a node with one output; an input is a tensor, its name, or None for none."""
        return self.emit_many(operator, 1, *inputs, **attributes)[0]

    def emit_many(self, operator: str, outputs: int, *inputs: Any, **attributes: Any) -> list[str]:
        """The same with several outputs."""
        names = [
            "" if value is None else value if isinstance(value, str) else value.name
            for value in inputs
        ]
        while names and not names[-1]:
            names.pop()
        return self.graph.add_node(operator, names, self.name, outputs, **attributes)

    def ints(self, values: Sequence[int | Size]) -> str:
        """A tensor of int64 and rank 1, of constants and sizes."""
        if not any(isinstance(value, Size) for value in values):
            return self.constant(torch.tensor(values, dtype=torch.int64))
        parts = [value.name if isinstance(value, Size) else self.ints([value]) for value in values]
        return parts[0] if len(parts) == 1 else self.emit("Concat", *parts, axis=0)

    def constant(self, value: torch.Tensor, element_type: int | None = None) -> str:
        """A constant of the graph."""
        return self.graph.add_constant(value, f"{self.name}.constant", element_type)

    def scalar(self, value: Any, dtype: torch.dtype) -> str:
        """A constant of rank 0."""
        return self.constant(torch.tensor(value, dtype=dtype))

    def cast(self, value: Any, dtype: torch.dtype) -> str:
        """``value``, a tensor, a size or a number, with elements of ``dtype``."""
        if isinstance(value, Tensor):
            if value.dtype == dtype:
                return value.name
            return self.emit("Cast", value, to=ELEMENT_TYPES[dtype])
        if isinstance(value, Size):
            scalar = self.emit("Squeeze", value.name, self.ints([0]))
            return self.cast(Tensor(scalar, torch.int64, ()), dtype)
        return self.scalar(value, dtype)

    def value_of(self, tensor: Tensor | None) -> torch.Tensor | None:
        """The elements of a constant; None where they are not known, and for None."""
        return None if tensor is None else self._values.get(tensor.name)

    def is_zero(self, argument: Any) -> bool:
        """Whether an argument of the node, not yet translated, is full of zeros."""
        if not isinstance(argument, fx.Node):
            return False
        if argument in self._constants:
            return not bool(torch.count_nonzero(self._constants[argument]))
        fills = (torch.ops.aten.full.default, torch.ops.aten.zeros.default)
        return argument.target in fills and (len(argument.args) < 2 or argument.args[1] == 0)

    def refuse(self, reason: str) -> Error:
        """The error to raise: ``reason`` says what is wrong and what would be right."""
        return Error(f"{self.name}: {self.node.target}: {reason}")

    # The graph.

    def run(self) -> None:
        """Translate all of the program."""
        program = self._program
        specs = {spec.arg.name: spec for spec in program.graph_signature.input_specs}
        self._check_signature()
        self._check_operators()
        for node in program.graph.nodes:
            if node.op == "placeholder":
                self._read_placeholder(node, specs[node.name])
            elif node.op == "get_attr":
                self._constants[node] = getattr(program.graph_module, str(node.target))
            elif node.op == "call_function":
                self._translate(node)
        self._add_outputs()

    def _check_signature(self) -> None:
        for spec in self._program.graph_signature.output_specs:
            if spec.kind not in (OutputKind.USER_OUTPUT, OutputKind.TOKEN):
                raise Error(
                    f"{spec.target}: is changed by the program, as in training mode; expects "
                    "one that only reads its buffers and inputs, after eval()"
                )

    def _check_operators(self) -> None:
        """Raise one error for all operators that are not known."""
        unknown: dict[str, list[str]] = {}
        for node in self._program.graph.nodes:
            if node.op == "call_function" and not _has_no_tensor(node) and not (
                str(node.target) in TABLE or node.target is operator.getitem or node in self._foldable
            ):  # fmt: skip
                names = unknown.setdefault(str(node.target), [])
                if (name := _get_path(node) or "the module itself") not in names:
                    names.append(name)
        if unknown:
            listed = "; ".join(f"{name} in {', '.join(paths)}" for name, paths in unknown.items())
            raise Error(
                f"operators that are not supported: {listed}; expects those of docs/PyTorch.md"
            )

    def _read_placeholder(self, node: fx.Node, spec: Any) -> None:
        program = self._program
        if spec.kind in (InputKind.PARAMETER, InputKind.BUFFER):
            values = program.constants if spec.target in program.constants else program.state_dict
            self._constants[node] = values[spec.target]
            self._parameters[node] = spec.target
        elif spec.kind == InputKind.CONSTANT_TENSOR:
            self._constants[node] = program.constants[spec.target]
            self._parameters[node] = spec.target
        elif isinstance(spec.arg, TensorArgument):
            value = node.meta["val"]
            if value.dtype not in ELEMENT_TYPES:
                raise Error(f"{node.name}: has elements of {value.dtype}; expects real numbers")
            shape = [self._get_dim(node, dim, size) for dim, size in enumerate(value.shape)]
            name = self.graph.add_input(node.name, value.dtype, shape)
            self._tensors[node] = Tensor(name, value.dtype, tuple(value.shape))
        elif not isinstance(spec.arg, ConstantArgument):
            raise Error(f"{node.name}: is a number that is not constant; expects tensors as inputs")

    def _get_dim(self, node: fx.Node, dim: int, size: Any) -> int | str:
        """The size of an input, or the name of one that is open."""
        if isinstance(size, int):
            return size
        text = str(size.node.expr)
        if not size.node.expr.is_symbol:
            raise Error(
                f"{node.name}: size {dim} is {text}; expects sizes that do not depend on others"
            )
        if text not in self._symbols:
            name = self._dim_names.get(node.name, {}).get(dim)
            if name is None or name in self._symbols.values():
                name = f"{node.name}_dim{dim}"
            self._symbols[text] = name
        return self._symbols[text]

    def _translate(self, node: fx.Node) -> None:
        if _has_no_tensor(node):
            return
        self.node = node
        if node in self._foldable:
            self._fold(node)
            return
        if node.target is operator.getitem:
            self._get_item(node)
            return
        self.name = self._name_layer(node)
        schema = node.target._schema.arguments
        arguments = [
            node.args[index]
            if index < len(node.args)
            else node.kwargs.get(argument.name, argument.default_value)
            for index, argument in enumerate(schema)
        ]
        names = TABLE[str(node.target)](self, *[self._get(argument) for argument in arguments])
        value = node.meta["val"]
        if isinstance(names, str):
            self._tensors[node] = Tensor(names, value.dtype, tuple(value.shape))
        else:
            self._tensors[node] = [
                None if name is None else Tensor(name, item.dtype, tuple(item.shape))
                for name, item in zip(names, value, strict=False)
            ]

    def _get_item(self, node: fx.Node) -> None:
        source, index = node.args
        items = self._tensors[source]
        if index >= len(items) or items[index] is None:
            self.node = source
            raise self.refuse(f"result {index} is used; expects only the first to be")
        self._tensors[node] = items[index]

    def _fold(self, node: fx.Node) -> None:
        """Compute a node whose arguments are all constant."""
        args, kwargs = fx.map_arg((node.args, node.kwargs), lambda arg: self._constants[arg])
        with torch.no_grad():
            self._constants[node] = node.target(*args, **kwargs)
        if len(node.all_input_nodes) == 1 and node.all_input_nodes[0] in self._parameters:
            self._parameters[node] = self._parameters[node.all_input_nodes[0]]

    def _get(self, argument: Any) -> Any:
        """An argument of a node as the function of its operator sees it."""
        if isinstance(argument, list | tuple):
            return [self._get(item) for item in argument]
        if not isinstance(argument, fx.Node):
            return argument
        if argument in self._constants and argument not in self._tensors:
            value = self._constants[argument]
            if not isinstance(value, torch.Tensor):
                return value
            name = self._parameters.get(argument, argument.name)
            name = self.graph.add_constant(value, name)
            self._values[name] = value
            self._tensors[argument] = Tensor(name, value.dtype, tuple(value.shape))
        if argument in self._tensors:
            return self._tensors[argument]
        return self._get_size(argument)

    def _get_size(self, node: fx.Node) -> int | Size:
        """A number of the program that comes from the sizes of its inputs."""
        value = node.meta["val"]
        if isinstance(value, int):
            return value
        if node not in self._sizes:
            if node.target is torch.ops.aten.sym_size.int:
                tensor, dim = self._get(node.args[0]), node.args[1]
                dim %= tensor.rank
                name = self.emit("Shape", tensor, start=dim, end=dim + 1)
            elif isinstance(value, torch.SymInt) and node.target in SIZE_OPERATORS:
                operands = [self.ints([self._get(argument)]) for argument in node.args]
                name = self.emit(SIZE_OPERATORS[node.target], *operands)
            else:
                raise self.refuse(
                    f"depends on {node.target} of sizes; expects sums, differences, products and "
                    "whole quotients of them"
                )
            self._sizes[node] = Size(name)
        return self._sizes[node]

    def _add_outputs(self) -> None:
        specs = self._program.graph_signature.output_specs
        (nodes,) = next(node for node in self._program.graph.nodes if node.op == "output").args
        names = _name_outputs(self._program, len(nodes))
        for node, name, spec in zip(nodes, names, specs, strict=True):
            if spec.kind != OutputKind.USER_OUTPUT or node is None:
                continue
            value = self._get(node)
            if not isinstance(value, Tensor):
                raise Error(f"{name}: is a number and no tensor; expects tensors as outputs")
            self.graph.add_output(name, value.name)

    # Names of layers.

    def _find_weight(self, node: fx.Node) -> str | None:
        """The name of the constant that a node takes as its weight, maybe dequantized.

        Empty for one without a name of its own, as in programs of PT2E; None without a weight.
        """
        arguments = zip(node.target._schema.arguments, node.args, strict=False)
        weight = next((value for argument, value in arguments if argument.name == "weight"), None)
        for argument in node.all_input_nodes:
            source = argument
            while "dequantize" in str(source.target) and source.all_input_nodes:
                source = source.all_input_nodes[0]
            name = self._parameters.get(source, "")
            if "weight" in name.rpartition(".")[2]:
                return name
            if argument is weight and source in self._foldable:
                return ""
        return None

    def _name_layer(self, node: fx.Node) -> str:
        """The path of the submodule that a node belongs to, with a number after the first call.

        A node without a weight of its own is called after its operator too, and one whose weight
        is called otherwise than ``weight`` after that: ``attention.in_proj``.
        """
        path = _get_path(node)
        path = self._aliases.get(path, path)
        weight = self._find_weight(node)
        operation = node.target._schema.name.split("::")[1].strip("_")
        if weight is None:
            name = f"{path}.{operation}" if path else operation
        elif not weight.startswith(f"{path}." if path else "") or not weight:
            name = path or operation
        elif weight.endswith("weight"):
            name = weight.removesuffix("weight").rstrip("._") or SINGLE_LAYER
        else:
            name = weight.rpartition(".")[0] or operation
        calls = self._calls[name]
        self._calls[name] += 1
        return f"{name}_{calls}" if calls else name


def translate(program: ExportedProgram, path: Path, dim_names: Sequence[Mapping[int, str]] = (),
              aliases: Mapping[str, str] | None = None) -> None:  # fmt: skip
    """Write ``program`` as an ONNX model in ``path``, with a file of weights beside it.

    ``dim_names`` has the names of the open dimensions of each input, ``aliases`` the names of
    submodules by others that they have. Raises ``quantc.Error``, one for all operators that are not
    supported.
    """
    translator = Translator(program, path.with_suffix(".data"), dim_names, aliases or {})
    translator.run()
    translator.graph.save(path)


def _has_no_tensor(node: fx.Node) -> bool:
    """Whether a node computes sizes or checks them."""
    value = node.meta.get("val")
    return value is None or isinstance(
        value, int | float | torch.SymInt | torch.SymBool | torch.SymFloat
    )


def _find_foldable(program: ExportedProgram) -> set[fx.Node]:
    """Return the nodes whose arguments are all constant.

    Not what dequantizes: the integers of weights are what layers are made of.
    """
    inputs = set(program.graph_signature.user_inputs)
    found: set[fx.Node] = set()
    for node in program.graph.nodes:
        if node.op == "get_attr" or (node.op == "placeholder" and node.name not in inputs):
            found.add(node)
        elif node.op == "call_function" and all(arg in found for arg in node.all_input_nodes):
            target = node.target
            is_pure = isinstance(target, torch._ops.OpOverload) and not (
                torch.Tag.nondeterministic_seeded in target.tags
                or "dequantize" in target._schema.name
            )
            if (is_pure or target is operator.getitem) and not _has_no_tensor(node):
                found.add(node)
    return found


def _get_path(node: fx.Node) -> str:
    """The name of the submodule that made a node; empty for the module itself."""
    stack = node.meta.get("nn_module_stack") or {}
    path = str(list(stack.values())[-1][0]) if stack else ""
    if path.startswith("_empty_nn_module_stack"):
        return ""
    # The second call of a submodule is marked by a number.
    return ".".join(
        part.partition("@")[0] for part in path.removeprefix("L['self']").strip(".").split(".")
    )


def _name_outputs(program: ExportedProgram, count: int) -> list[str]:
    """The names of the outputs: keys of dictionaries and numbers in sequences."""
    spec = program.call_spec.out_spec
    if spec is None or spec.num_leaves != count or count == 1:
        return ["output"] if count == 1 else [f"output_{index}" for index in range(count)]
    tree = pytree.tree_unflatten(list(range(count)), spec)
    names = []
    for keys, _ in pytree.tree_flatten_with_path(tree)[0]:
        parts = [
            str(getattr(key, "key", getattr(key, "idx", getattr(key, "name", "")))) for key in keys
        ]
        name = "_".join(parts)
        names.append(f"output_{name}" if name[:1].isdigit() else name)
    return names
