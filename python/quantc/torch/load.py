"""From a module of PyTorch to a model, through ``torch.export``."""

from __future__ import annotations

import importlib.util
import inspect
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

from quantc._quantc import Model, import_onnx
from quantc.errors import Error
from quantc.torch.torchao import find_integer_layers

Inputs = Tensor | Sequence[Any] | Mapping[str, Any]

BATCH_NAME = "batch"


def load(
    module: nn.Module | ExportedProgram,
    example_inputs: Inputs | None = None,
    *,
    dynamic_shapes: Any = None,
) -> Model:
    """Return the float form of ``module``, in evaluation mode, or of an exported program.

    ``example_inputs`` is one input of ``forward``, a sequence of them, or a dictionary by the
    names of its parameters. ``dynamic_shapes`` is that of ``torch.export.export``; None leaves
    dimension 0 of every tensor open, as the batch, and an empty dictionary none. An exported
    program has its shapes already and takes neither. What maps the outputs of a layer by constants,
    such as a batch normalization, becomes a part of the layer; ``Layer.folded`` names it.

    Layers are called as their submodules (``encoder.layer.0.attention.query``), with ``_1`` and so
    on for further calls of one; inputs as the parameters of ``forward``, outputs ``output``,
    ``output_0`` and so on or the keys of a dictionary. Programs of PT2E keep their integers and
    give the simulated form, of which ``quantc.quantize`` makes layers.

    Raises ``quantc.Error`` for what is no module, for one that ``torch.export`` does not take, with
    its reason, and, all at once, for operators that are not supported. Needs the package ``onnx``.
    """
    if importlib.util.find_spec("onnx") is None:
        raise Error("quantc.torch.load needs the package onnx; install it with `pip install onnx`")
    if isinstance(module, ExportedProgram):
        if example_inputs is not None or dynamic_shapes is not None:
            raise Error(
                "load: an exported program has its shapes; example_inputs and dynamic_shapes are "
                "for modules"
            )
        return _load_program(module, _get_name(module.graph_module), [], {})
    return load_module(module, example_inputs, dynamic_shapes=dynamic_shapes)


def load_module(
    module: nn.Module,
    example_inputs: Inputs | None,
    *,
    dynamic_shapes: Any = None,
    fold_affine: bool = True,
) -> Model:
    """Do what ``load`` does with a module, perhaps with all that follows its layers left as it is."""
    if not isinstance(module, nn.Module):
        raise Error(
            f"load: expects a torch.nn.Module or a torch.export.ExportedProgram, not "
            f"{getattr(module, '__name__', type(module).__name__)}"
        )
    if example_inputs is None:
        raise Error(
            f"{_get_name(module)}: has no example_inputs; expects a tensor, a sequence of tensors "
            "or a dictionary of them, to be exported with"
        )
    if layers := find_integer_layers(module):
        # The exported program would have their floats.
        raise Error(
            f"{', '.join(name or _get_name(module) for name in layers)}: has integer weights of "
            "torchao; quantc.torch.convert(quantc.torch.from_torchao(module), ...) keeps them"
        )
    args, kwargs = _split(example_inputs)
    if dynamic_shapes is None:
        args, kwargs = _repeat_single(args), _repeat_single(kwargs)
    arguments = _bind(module, args, kwargs)
    # In the order of forward, which is that of the inputs.
    names = [name for name in arguments if name in kwargs]
    kwargs = {**{name: kwargs[name] for name in names}, **kwargs}
    if dynamic_shapes is None:
        dynamic_shapes = _open_batch(arguments)
    program = _export(module, args, kwargs, dynamic_shapes or None)
    dim_names = _get_dim_names(arguments, dynamic_shapes)
    return _load_program(
        program, _get_name(module), dim_names, _find_aliases(module), fold_affine=fold_affine
    )


def _get_name(module: nn.Module) -> str:
    return type(module).__name__


def _split(inputs: Inputs) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Arguments by position and by name."""
    if isinstance(inputs, Tensor):
        return (inputs,), {}
    if isinstance(inputs, Mapping):
        return (), dict(inputs)
    if isinstance(inputs, Sequence) and not isinstance(inputs, str):
        return tuple(inputs), {}
    raise Error(
        f"example_inputs: is {type(inputs).__name__}; expects a tensor, a sequence of tensors or "
        "a dictionary of them"
    )


def _repeat_single(inputs: Any) -> Any:
    """Batches of one twice: a size of 1 would become a constant of the exported program."""
    return torch.utils._pytree.tree_map_only(
        Tensor, lambda x: torch.cat([x, x]) if x.shape[:1] == (1,) else x, inputs
    )


def _bind(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of ``forward`` by its parameters, in their order."""
    try:
        return dict(inspect.signature(module.forward).bind(*args, **kwargs).arguments)
    except TypeError as error:
        raise Error(f"{_get_name(module)}: example_inputs do not fit forward: {error}") from None


def _open_batch(arguments: dict[str, Any]) -> Any:
    """Shapes with one open size as dimension 0 of all."""
    batch = {0: torch.export.Dim(BATCH_NAME)}
    return torch.utils._pytree.tree_map(
        lambda x: batch if isinstance(x, Tensor) and x.ndim else None, arguments
    )


def _find_aliases(module: nn.Module) -> dict[str, str]:
    """The first name of each submodule that has several, by the others."""
    first: dict[nn.Module, str] = {}
    return {
        name: first[child]
        for name, child in module.named_modules(remove_duplicate=False)
        if first.setdefault(child, name) != name
    }


def _get_dim_names(value: Any, shapes: Any) -> list[dict[int, str]]:
    """What ``shapes`` calls the dimensions of each tensor in ``value``."""
    if isinstance(value, Tensor):
        if not isinstance(shapes, Mapping):
            shapes = dict(enumerate(shapes or ()))
        return [{dim: size.__name__ for dim, size in shapes.items() if hasattr(size, "__name__")}]
    if isinstance(value, Mapping):
        if isinstance(shapes, Sequence):
            shapes = dict(zip(value, shapes, strict=False))
        items = [(item, (shapes or {}).get(key)) for key, item in value.items()]
    elif isinstance(value, tuple | list):
        items = list(zip(value, shapes or [None] * len(value), strict=False))
    else:
        return [{}]
    return [names for item in items for names in _get_dim_names(*item)]


def _export(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any],
            dynamic_shapes: Any) -> ExportedProgram:  # fmt: skip
    """Export ``module`` in evaluation mode, and leave it in the mode that it is in."""
    modes = {child: child.training for child in module.modules()}
    has_fast_path = torch.backends.mha.get_fastpath_enabled()
    # The fast path of nn.MultiheadAttention is an operator that hides the layers.
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        if not isinstance(module, torch.fx.GraphModule):
            module.eval()
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.export.export(module, args, kwargs, dynamic_shapes=dynamic_shapes)
    except Exception as error:  # The module's own code runs: anything may be raised.
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = lines[0] if lines else type(error).__name__
        if reason.startswith("Constraints violated"):
            reason = " ".join([reason.partition("!")[0], *lines[1:2]])
        raise Error(
            f"{_get_name(module)}: torch.export refuses it: {reason}; expects a module that it "
            "takes, with the open dimensions of dynamic_shapes ({} for none)"
        ) from error
    finally:
        torch.backends.mha.set_fastpath_enabled(has_fast_path)
        for child, mode in modes.items():
            child.training = mode


def _load_program(program: ExportedProgram, name: str, dim_names: list[dict[int, str]],
                  aliases: dict[str, str], *, fold_affine: bool = True) -> Model:  # fmt: skip
    # Needs onnx.
    from quantc.torch import aten

    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = program.run_decompositions(aten.get_decompositions())
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{name}.onnx"
            aten.translate(program, path, dim_names, aliases)
            return import_onnx(path, name, fold_affine)
