"""LoRA adapters as data: PEFT folders, and whose layers they are for."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from quantc._quantc import write_file
from quantc.errors import Error
from quantc.peft_config import Config, check_config, get_rank, get_scale, read_config, update_config
from quantc.tensor_file import read_tensors, write_tensors

FloatArray = NDArray[np.float32]

CONFIG_FILE = "adapter_config.json"
TENSOR_FILE = "adapter_model.safetensors"
PICKLE_FILE = "adapter_model.bin"

PREFIX = "base_model.model."
"""What PEFT puts before the names of modules."""

UNSUPPORTED_TENSORS = {
    ".lora_magnitude_vector": "DoRA",
    ".lora_embedding_A": "LoRA of an embedding",
    ".lora_embedding_B": "LoRA of an embedding",
    ".lora_A.bias": "a bias of lora_A",
    ".lora_B.bias": "a bias of lora_B",
}


class AdapterLayer(NamedTuple):
    """What an adapter adds to one linear layer: ``scale * b @ a`` to its [N, K] weight."""

    a: FloatArray
    """float32 [rank, K]."""
    b: FloatArray
    """float32 [N, rank]."""
    scale: float

    @property
    def rank(self) -> int:
        """The rows of ``a``, the columns of ``b``."""
        return self.a.shape[0]


@dataclass(frozen=True, eq=False)
class SavedModule:
    """A linear layer that was trained as a whole: it takes the place of the base's."""

    weight: FloatArray | None = None
    """float32 [N, K]."""
    bias: FloatArray | None = None
    """float32 [N]."""


@dataclass(frozen=True, eq=False)
class Adapter:
    """A LoRA adapter. Names are those of modules in PyTorch: ``encoder.0.fc1``."""

    layers: Mapping[str, AdapterLayer]
    biases: Mapping[str, FloatArray] = field(default_factory=dict)
    """Biases, float32 [N], that take the place of the base's."""
    saved_modules: Mapping[str, SavedModule] = field(default_factory=dict)
    config: Config = field(default_factory=dict)
    """The fields of ``adapter_config.json``."""
    path: str = "adapter"
    """What errors call it: the folder that it was read from."""

    def __post_init__(self) -> None:
        check_config(self.config, self.path)
        if not (self.layers or self.biases or self.saved_modules):
            raise Error(f"{self.path}: changes no layer")
        for name, layer in self.layers.items():
            _check_layer(layer, f"{self.path}: {name}")

    @property
    def modules(self) -> list[str]:
        """The names of all modules that the adapter changes."""
        return list(dict.fromkeys([*self.layers, *self.biases, *self.saved_modules]))

    @property
    def max_rank(self) -> int:
        """The largest rank of a layer, 0 without layers."""
        return max((layer.rank for layer in self.layers.values()), default=0)

    def match(self, names: Iterable[str]) -> dict[str, str]:
        """Return which of the layers ``names`` of a model each module is.

        A module is the layer of the same name, or the one layer whose name ends in that of the
        module, or the other way round, at ``.`` or ``/``: ``model.fc1`` is ``/fc1/Gemm``, since
        what the operator is called does not count. Raises ``quantc.Error`` for a module that is
        no layer or could be several, and for two modules that are the same layer.
        """
        names = list(names)
        matches = {module: _match(module, names, self.path) for module in self.modules}
        owners: dict[str, str] = {}
        for module, layer in matches.items():
            if owners.setdefault(layer, module) != module:
                raise Error(
                    f"{self.path}: modules '{owners[layer]}' and '{module}' are both layer "
                    f"'{layer}' of the model"
                )
        return matches

    def for_layers(self, names: Iterable[str]) -> Adapter:
        """Return the same adapter with the names of the layers ``names``, as ``match`` finds them."""
        layers = self.match(names)
        return replace(
            self,
            layers={layers[name]: layer for name, layer in self.layers.items()},
            biases={layers[name]: bias for name, bias in self.biases.items()},
            saved_modules={layers[name]: saved for name, saved in self.saved_modules.items()},
        )

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write a folder that ``load_adapter`` and PEFT read; the same adapter gives the same bytes.

        The folder is made if it is missing. Raises ``quantc.Error`` if it cannot be written.
        """
        folder = Path(folder)
        layers = {name: (layer.rank, layer.scale) for name, layer in self.layers.items()}
        bias = "none"
        if self.biases:
            bias = "lora_only" if set(self.biases) <= set(self.layers) else "all"
        config = update_config(self.config, layers, self.saved_modules, bias)
        text = json.dumps(config, indent=2, sort_keys=True) + "\n"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Error(f"{folder}: cannot be written: {error.strerror}") from None
        write_tensors(folder / TENSOR_FILE, self._get_tensors())
        write_file(folder / CONFIG_FILE, text.encode())

    def _get_tensors(self) -> dict[str, FloatArray]:
        tensors = {}
        for name, layer in self.layers.items():
            tensors[f"{PREFIX}{name}.lora_A.weight"] = layer.a
            tensors[f"{PREFIX}{name}.lora_B.weight"] = layer.b
        for name, bias in self.biases.items():
            owner = f"{name}.base_layer" if name in self.layers else name
            tensors[f"{PREFIX}{owner}.bias"] = bias
        for name, module in self.saved_modules.items():
            for part, tensor in (("weight", module.weight), ("bias", module.bias)):
                if tensor is not None:
                    tensors[f"{PREFIX}{name}.{part}"] = tensor
        return tensors


def load_adapter(folder: str | os.PathLike[str]) -> Adapter:
    """Read a LoRA adapter that PEFT wrote: ``adapter_config.json`` and ``adapter_model.safetensors``.

    Raises ``quantc.Error``, one line, for a file that is missing or damaged, for NaN and
    infinities, for what is not plain LoRA of linear layers, and where the two files disagree.
    Pickles (``adapter_model.bin``) are not read.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise Error(f"{folder}: no such folder")
    if not (folder / TENSOR_FILE).exists() and (folder / PICKLE_FILE).exists():
        raise Error(
            f"{folder}: has its weights in {PICKLE_FILE}, a pickle, which can run any code when it "
            "is read; save the adapter again with safe_serialization=True"
        )
    config = read_config(folder / CONFIG_FILE)
    parts = _Parts(config, f"{folder / TENSOR_FILE}")
    for name, tensor in read_tensors(folder / TENSOR_FILE).items():
        parts.add(name, tensor)
    layers = parts.make_layers()
    _check_targets(config, layers, str(folder))
    return Adapter(layers, parts.biases, parts.make_saved_modules(), config, str(folder))


class _Parts:
    """The tensors of an adapter by what they are."""

    def __init__(self, config: Config, where: str) -> None:
        self.config = config
        self.where = where
        self.a: dict[str, FloatArray] = {}
        self.b: dict[str, FloatArray] = {}
        self.biases: dict[str, FloatArray] = {}
        self.saved: dict[str, dict[str, FloatArray]] = {}

    def add(self, name: str, tensor: FloatArray) -> None:
        """Put one tensor where it belongs."""
        path = name.removeprefix(PREFIX)
        for suffix, what in UNSUPPORTED_TENSORS.items():
            if path.endswith(suffix):
                raise Error(
                    f"{self.where}: {name!r}: {what}; only LoRA of linear layers is supported"
                )
        module, _, part = path.rpartition(".")
        if module.endswith(".original_module"):
            return  # What the base has anyway.
        if path.endswith(".lora_A.weight"):
            self.a[module.removesuffix(".lora_A")] = tensor
        elif path.endswith(".lora_B.weight"):
            self.b[module.removesuffix(".lora_B")] = tensor
        elif part in ("weight", "bias") and self._is_saved(module):
            owner = module.removesuffix(".modules_to_save")
            if owner != module or part not in self.saved.get(owner, {}):
                self.saved.setdefault(owner, {})[part] = tensor
        elif part == "bias" and self.config.get("bias", "none") != "none":
            self.biases[module.removesuffix(".base_layer")] = tensor
        else:
            raise Error(
                f"{self.where}: {name!r}: neither LoRA of a linear layer nor what bias and "
                "modules_to_save name"
            )

    def _is_saved(self, module: str) -> bool:
        return module.endswith(".modules_to_save") or any(
            _ends_in(module, name) for name in self.config.get("modules_to_save") or ()
        )

    def make_layers(self) -> dict[str, AdapterLayer]:
        """Pair A with B."""
        layers = {}
        for name in sorted({*self.a, *self.b}):
            if name not in self.a or name not in self.b:
                missing = "lora_B" if name in self.a else "lora_A"
                raise Error(f"{self.where}: module '{name}' has no {missing}.weight")
            layer = AdapterLayer(self.a[name], self.b[name], get_scale(self.config, name))
            _check_layer(layer, f"{self.where}: {name}")
            if (rank := get_rank(self.config, name)) != layer.rank:
                raise Error(
                    f"{self.where}: module '{name}' has rank {layer.rank}; {CONFIG_FILE} says {rank}"
                )
            layers[name] = layer
        return layers

    def make_saved_modules(self) -> dict[str, SavedModule]:
        """The modules of modules_to_save."""
        return {name: SavedModule(**parts) for name, parts in self.saved.items()}


def _check_layer(layer: AdapterLayer, where: str) -> None:
    for name, array in (("A", layer.a), ("B", layer.b)):
        if array.ndim != 2:
            raise Error(
                f"{where}: {name} has {array.ndim} dimensions; only LoRA of linear layers is supported"
            )
    if layer.a.shape[0] != layer.b.shape[1] or layer.rank == 0:
        raise Error(
            f"{where}: A is {_format_shape(layer.a)} and B {_format_shape(layer.b)}; they must be "
            "[rank, K] and [N, rank]"
        )


def _format_shape(array: NDArray) -> str:
    return str(list(array.shape))


def _check_targets(config: Config, layers: Mapping[str, AdapterLayer], where: str) -> None:
    """The names that target_modules lists are those of the layers. Patterns are not tried."""
    targets = config.get("target_modules")
    if not isinstance(targets, list):
        return
    for target in targets:
        if not any(_ends_in(name, target) for name in layers):
            raise Error(
                f"{where}: target module '{target}' has no weights; {_format_names(layers)} have"
            )
    for name in layers:
        if not any(_ends_in(name, target) for target in targets):
            raise Error(f"{where}: module '{name}' is not among the target_modules")


def _ends_in(name: str, end: str) -> bool:
    return name == end or name.endswith(f".{end}")


def _format_names(names: Iterable[str]) -> str:
    names = list(names)
    shown = ", ".join(f"'{name}'" for name in names[:10])
    return f"{shown} and {len(names) - 10} more" if len(names) > 10 else shown or "no others"


def _split(name: str) -> list[str]:
    """The parts of a name, without that of the ONNX operator at its end."""
    parts = [part for part in re.split(r"[./]", name) if part]
    if len(parts) > 1 and re.fullmatch(r"(Gemm|MatMul)(_\d+)?", parts[-1]):
        parts.pop()
    return parts


def _match(module: str, names: list[str], where: str) -> str:
    if module in names:
        return module
    parts = _split(module)

    def is_match(name: str) -> bool:
        other = _split(name)
        length = min(len(parts), len(other))
        return length > 0 and parts[-length:] == other[-length:]

    found = [name for name in names if is_match(name)]
    if not found:
        raise Error(
            f"{where}: module '{module}' is no layer of the model; the layers are "
            f"{_format_names(names)}"
        )
    if len(found) > 1:
        raise Error(
            f"{where}: module '{module}' could be any of the layers {_format_names(found)}; "
            "name it as the layer"
        )
    return found[0]
