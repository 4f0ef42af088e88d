"""What to quantize, and how."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from quantc.errors import Error

Mode = Literal["static", "dynamic", "weight_only"]
Granularity = Literal["per_tensor", "per_channel", "per_group"]
CalibrationMethod = Literal["minmax", "percentile"]

WEIGHT_BITS = (4, 8)
ACTIVATION_BITS = (8, 32)
MODES: tuple[str, ...] = get_args(Mode)
GRANULARITIES: tuple[str, ...] = get_args(Granularity)
WEIGHT_FORMATS = ("integer", "nf4")
CALIBRATION_METHODS: tuple[str, ...] = get_args(CalibrationMethod)
GROUP_SIZES = range(8, 257)
NF4_FIELDS = {
    "weight_bits": 4,
    "mode": "weight_only",
    "granularity": "per_group",
    "group_size": 64,
    "symmetric_weights": True,
}
"""What ``weight_format="nf4"`` says of the other fields."""


@dataclass(frozen=True)
class QuantizationConfig:
    """What to quantize, and how.

    Every field is checked when the configuration is made; a value that does not exist raises
    ``quantc.Error``, which names those that do. Names may be written with ``-`` for ``_``.
    """

    weight_bits: int = 8
    """Bits of a stored weight: 4 or 8."""

    activation_bits: int = 8
    """8, or 32 for activations that stay float32: the same as ``mode="weight_only"``."""

    mode: str = "static"
    """Where the scales of activations come from: ``static`` (calibration), ``dynamic`` (each row,
    when the program runs), ``weight_only`` (activations stay float32). ``qat`` is another name of
    ``static`` for training; ``float`` is ``static`` without quantization-aware training."""

    granularity: str = "per_channel"
    """Which weights share a scale: ``per_tensor``, ``per_channel`` (an output channel) or
    ``per_group`` (``group_size`` consecutive weights of an output channel)."""

    group_size: int = 32
    """Weights in a group, 8 to 256; used with ``granularity="per_group"``. It divides the inputs of
    every layer, or leaves a multiple of 8: then the last group is shorter."""

    symmetric_weights: bool = True
    """Whether the zero points of weights are 0."""

    symmetric_activations: bool | None = None
    """Whether the zero points of activations are 0; None lets the compiler choose."""

    calibration: str = "minmax"
    """How a range follows from calibration data: ``minmax`` or ``percentile``."""

    percentile: float = 99.99
    """The elements that the range holds, in percent (50 to 100); used with
    ``calibration="percentile"``."""

    learned_step_size: bool = False
    """Whether training learns the scales (LSQ) instead of taking them from ranges."""

    weight_format: str = "integer"
    """What a stored weight is: ``integer`` (times a scale), or ``nf4``, 4-bit NormalFloat with double
    quantization: for a base that is frozen while adapters are trained. ``nf4`` is
    ``weight_bits=4, mode="weight_only", granularity="per_group", group_size=64``."""

    skip_layers: Sequence[str] = ()
    """Layers that stay float32: names, or POSIX extended regular expressions that
    match a whole name."""

    skip_first: bool = False
    """Whether the first layer stays float32."""

    skip_last: bool = False
    """Whether the last layer stays float32."""

    skip_embedding: bool = False
    """Whether embedding tables stay float32, as they always do in training."""

    skip_output: bool = False
    """Whether layers that compute an output of the model stay float32."""

    enable_quantization_aware_training: bool = True
    """Whether ``Trainer`` simulates quantization; otherwise it trains in float32."""

    quantization_bits: int | None = None
    """Another name of ``weight_bits``, which it replaces."""

    def __post_init__(self) -> None:
        self._resolve_aliases()
        for name, choices in (
            ("weight_bits", WEIGHT_BITS),
            ("activation_bits", ACTIVATION_BITS),
            ("mode", MODES),
            ("granularity", GRANULARITIES),
            ("calibration", CALIBRATION_METHODS),
            ("weight_format", WEIGHT_FORMATS),
        ):
            self._set(name, _check_choice(name, getattr(self, name), choices))
        for field in fields(self):
            if field.type == "bool":
                _check_type(field.name, getattr(self, field.name), (bool,), "True or False")
        if self.symmetric_activations is not None:
            _check_type(
                "symmetric_activations", self.symmetric_activations, (bool,), "True, False or None"
            )
        if not _is_int(self.group_size) or self.group_size not in GROUP_SIZES:
            raise Error(
                f"group_size={self.group_size!r}; it must be a whole number from "
                f"{GROUP_SIZES.start} to {GROUP_SIZES.stop - 1}"
            )
        _check_type("percentile", self.percentile, (int, float), "a number from 50 to 100")
        if not 50 <= self.percentile <= 100:
            raise Error(f"percentile={self.percentile!r}; it must be from 50 to 100")
        self._set("skip_layers", _check_patterns(self.skip_layers))
        if self.weight_format == "nf4":
            for name, value in NF4_FIELDS.items():
                self._set(name, value)
        self._unify_activations()

    def _resolve_aliases(self) -> None:
        """Replace what is another name of something else."""
        if self.mode in ("qat", "float"):
            if self.mode == "float":
                self._set("enable_quantization_aware_training", False)
            self._set("mode", "static")
        if self.quantization_bits is not None:
            _check_choice("quantization_bits", self.quantization_bits, WEIGHT_BITS)
            self._set("weight_bits", self.quantization_bits)
            self._set("quantization_bits", None)

    def _unify_activations(self) -> None:
        """Make ``activation_bits`` and ``mode`` say the same, whichever of them is given."""
        if self.activation_bits == 32 and self.mode == "dynamic":
            raise Error(
                "activation_bits=32 with mode='dynamic'; activations that stay float32 are "
                "mode='weight_only'"
            )
        if self.activation_bits == 32:
            self._set("mode", "weight_only")
        elif self.mode == "weight_only":
            self._set("activation_bits", 32)

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _check_choice(name: str, value: Any, choices: tuple[Any, ...]) -> Any:
    normalized = value.replace("-", "_") if isinstance(value, str) else value
    if isinstance(normalized, bool) or normalized not in choices:
        raise Error(f"{name}={value!r}; it must be {format_choices(choices)}")
    return normalized


def _check_type(name: str, value: object, types: tuple[type, ...], expected: str) -> None:
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        raise Error(f"{name}={value!r}; it must be {expected}")


def _check_patterns(patterns: str | Iterable[str]) -> tuple[str, ...]:
    single = isinstance(patterns, str) or not isinstance(patterns, Iterable)
    checked = (patterns,) if single else tuple(patterns)
    for pattern in checked:
        _check_type("skip_layers", pattern, (str,), "names or regular expressions")
    return checked


def format_choices(choices: Sequence[object]) -> str:
    """``a``, ``a or b``, ``a, b or c``."""
    *rest, last = map(repr, choices)
    return f"{', '.join(rest)} or {last}" if rest else last
