"""What is measured: layers and networks, with their shapes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

MLP_SIZES = (784, 128, 10)
"""Inputs, hidden units and outputs of the network of W5."""

TITLES = {
    "W1": "static INT8: i8 in, i8 out",
    "W2": "dynamic INT8: f32 in, f32 out",
    "W3": "INT4 weights in groups: f32 in, f32 out",
    "W4": "FP32",
    "W5": "whole network 784-128-10 with ReLU: f32 in, f32 out",
    "W6": "between layers, FP32: softmax, LayerNorm, GELU",
    "W7": "real models: f32 in, f32 out",
}

_SHAPES = ((784, 128), (768, 768), (1024, 4096), (4096, 4096))
_INT4_SHAPES = ((1024, 4096), (4096, 4096), (4096, 11008))
_ROWS = (1, 8, 64, 256)
_INT4_ROWS = (1, 8, 64)
_GROUPS = (32, 128)
_REAL_ROWS = (1, 16)
_FUNCTION_SHAPES = ((1, 768), (64, 768), (256, 1024))
REAL_MODELS = (
    *(f"digits-{name}" for name in ("mlp", "cnn", "lstm", "gru", "vit")),
    *("fashion-cnn", "magika", "minilm"),
    *("bvlc_alexnet", "densenet121", "inception_v1", "inception_v2", "resnet50"),
    *("shufflenet", "squeezenet", "vgg19", "zfnet512"),
)
"""The models of W7; ``real_models.suite`` makes them."""

FUNCTIONS = ("softmax", "layer_norm", "gelu")
"""What W6 computes of rows."""

_MODES = ("static", "dynamic", "float")
_INTERFACES = ("C", "Python")


@dataclass(frozen=True)
class Case:
    """One piece of work, on ``rows`` inputs at a time."""

    workload: str
    rows: int
    depth: int
    columns: int
    group_size: int = 0
    """Weights that share a scale, or 0: one scale for each column."""
    mode: str = ""
    """How the network of W5 is quantized: ``static``, ``dynamic`` or ``float``; of W6, the
    function; of W7, the model."""
    interface: str = "C"
    """Whether calls come from C, or from Python with arrays of NumPy."""

    @property
    def name(self) -> str:
        """What tells it from the other cases of its workload."""
        if self.workload == "W5":
            return f"batch {self.rows} {self.mode} {self.interface}"
        if self.workload == "W6":
            return f"{self.mode} {self.rows}x{self.depth}"
        if self.workload == "W7":
            return f"{self.mode} batch {self.rows}"
        group = f" g{self.group_size}" if self.group_size else ""
        return f"{self.rows}x{self.depth}x{self.columns}{group}"

    @property
    def weights(self) -> int:
        """The number of weights."""
        if self.workload == "W5":
            inputs, hidden, outputs = MLP_SIZES
            return inputs * hidden + hidden * outputs
        return self.depth * self.columns

    @property
    def operations(self) -> int:
        """Multiplications and additions, those of biases and scales not counted."""
        return 2 * self.rows * self.weights

    @property
    def is_float(self) -> bool:
        """Whether nothing is quantized."""
        return self.workload in ("W4", "W6") or self.mode == "float"

    @property
    def weight_bytes(self) -> float:
        """The bytes of weights that have to be read; INT4 counts as 4.5 bits, scales included.

        W6 has no weights: the bytes of its input and of its output.
        """
        if self.workload == "W6":
            return 8.0 * self.rows * self.depth
        if self.is_float:
            return 4.0 * self.weights
        return self.weights * (4.5 / 8 if self.group_size else 1.0)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields, for JSON; ``Case(**fields)`` takes them back."""
        return asdict(self)


def list_cases(
    workloads: Iterable[str], shapes: Sequence[tuple[int, ...]] = (), quick: bool = False
) -> list[Case]:
    """Return the cases of ``workloads``, or a few small ones of each when ``quick``.

    ``shapes`` (rows, depth, columns) limits those of single layers and overrides ``quick``.
    """
    cases = []
    for workload in workloads:
        if shapes:
            cases += _list_shapes(workload, shapes)
        else:
            cases += [
                case for case in _list_all(workload) if not quick or case in _list_quick(workload)
            ]
    return cases


def _list_shapes(workload: str, shapes: Sequence[tuple[int, ...]]) -> list[Case]:
    if workload in ("W5", "W6", "W7"):
        return _list_all(workload)
    groups = _GROUPS if workload == "W3" else (0,)
    return [Case(workload, *shape, group_size=group) for shape in shapes for group in groups]


def _list_all(workload: str) -> list[Case]:
    if workload == "W5":
        return [
            Case(workload, rows, MLP_SIZES[0], MLP_SIZES[-1], mode=mode, interface=interface)
            for mode in _MODES
            for rows in (1, 256)
            for interface in _INTERFACES
        ]
    if workload == "W6":
        return [
            Case(workload, *shape, columns=0, mode=function)
            for function in FUNCTIONS
            for shape in _FUNCTION_SHAPES
        ]
    if workload == "W7":
        return [
            Case(workload, rows, depth=0, columns=0, mode=model)
            for model in REAL_MODELS
            for rows in _REAL_ROWS
        ]
    if workload == "W3":
        return [
            Case(workload, rows, *shape, group_size=group)
            for shape in _INT4_SHAPES
            for group in _GROUPS
            for rows in _INT4_ROWS
        ]
    return [Case(workload, rows, *shape) for shape in _SHAPES for rows in _ROWS]


def _list_quick(workload: str) -> list[Case]:
    if workload == "W5":
        return [case for case in _list_all(workload) if case.mode == "static"]
    if workload == "W6":
        return [case for case in _list_all(workload) if case.rows == 64]
    if workload == "W7":
        quick = ("digits-cnn", "digits-gru", "fashion-cnn")
        return [case for case in _list_all(workload) if case.mode in quick and case.rows == 1]
    if workload == "W3":
        rows_and_groups = ((1, 32), (8, 128))
        return [Case(workload, rows, 1024, 4096, group) for rows, group in rows_and_groups]
    return [Case(workload, 1, 784, 128), Case(workload, 64, 768, 768)]
