"""``adapter_config.json``: what PEFT says of a LoRA adapter."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from quantc.errors import Error
from quantc.strict_json import parse_object

Config = dict[str, Any]

DEFAULTS: Config = {
    "alpha_pattern": {},
    "bias": "none",
    "fan_in_fan_out": False,
    "inference_mode": True,
    "init_lora_weights": True,
    "lora_alpha": 8,
    "lora_dropout": 0.0,
    "modules_to_save": None,
    "peft_type": "LORA",
    "r": 8,
    "rank_pattern": {},
    "target_modules": None,
    "task_type": None,
    "use_dora": False,
    "use_rslora": False,
}
"""Fields that a written configuration always has."""

UNSUPPORTED = {
    "use_dora": "DoRA",
    "use_qalora": "QA-LoRA",
    "use_bdlora": "BD-LoRA",
    "alora_invocation_tokens": "activated LoRA",
    "arrow_config": "Arrow",
    "kasa_config": "KaSA",
    "monteclora_config": "MonteCLoRA",
    "layer_replication": "layer replication",
    "lora_bias": "a bias of lora_B",
    "target_parameters": "LoRA of parameters that are no modules",
    "trainable_token_indices": "trainable tokens",
}
"""Fields that make something else of an adapter, and what that is called."""

PLAIN_INITIALIZATIONS = (True, False, None, "gaussian", "eva", "orthogonal", "mica")
"""Those that leave the weights of the base as they are."""


def read_config(path: Path) -> Config:
    """Return the fields of the file; raise ``quantc.Error`` unless it is plain LoRA."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Error(f"{path}: cannot be read: {error.strerror}") from None
    config = parse_object(content, str(path))
    check_config(config, str(path))
    return config


def check_config(config: Config, where: str) -> None:
    """Raise ``quantc.Error``, which begins with ``where``, unless it is plain LoRA."""
    kind = config.get("peft_type", "LORA")
    if kind != "LORA":
        raise Error(f"{where}: peft_type is {kind!r}; only 'LORA' is supported")
    for field, name in UNSUPPORTED.items():
        if config.get(field):
            raise Error(f"{where}: uses {name} ({field}); only plain LoRA is supported")
    initialization = config.get("init_lora_weights")
    if initialization not in PLAIN_INITIALIZATIONS:
        raise Error(
            f"{where}: init_lora_weights={initialization!r} changes the weights of the base; "
            "convert the adapter to plain LoRA when it is saved"
        )
    for field, is_valid, expected in _RULES:
        value = config.get(field)
        if value is not None and not is_valid(value):
            raise Error(f"{where}: {field}={value!r}; it must be {expected}")
    for field in ("rank_pattern", "alpha_pattern"):
        for pattern in config.get(field) or {}:
            try:
                re.compile(pattern)
            except re.error as error:
                raise Error(f"{where}: {field}: {pattern!r} is no pattern: {error}") from None


def get_rank(config: Mapping[str, Any], module: str) -> int:
    """Return the rank of ``module``."""
    return _find(config.get("rank_pattern"), module, config.get("r") or DEFAULTS["r"])


def get_scale(config: Mapping[str, Any], module: str) -> float:
    """Return what ``module`` multiplies B A by: alpha / rank, or alpha / sqrt(rank) for rsLoRA."""
    alpha = config.get("lora_alpha")
    alpha = _find(
        config.get("alpha_pattern"), module, DEFAULTS["lora_alpha"] if alpha is None else alpha
    )
    return alpha / _get_divisor(config, get_rank(config, module))


def update_config(
    config: Mapping[str, Any],
    modules: Mapping[str, tuple[int, float]],
    saved: Iterable[str],
    bias: str,
) -> Config:
    """Return ``config`` changed where it does not say what is to be written.

    ``modules`` are ranks and scales by module, ``saved`` the modules that are saved whole.
    """
    result = {**DEFAULTS, **config}
    if result["target_modules"] is None:
        result["target_modules"] = sorted(modules)
    if not config.get("r"):
        result["r"] = max((rank for rank, _ in modules.values()), default=DEFAULTS["r"])
    if config.get("lora_alpha") is None and modules:
        rank, scale = modules[min(modules)]
        result["lora_alpha"] = _get_alpha(result, rank, scale)
    if bias != "none" and result["bias"] == "none":
        result["bias"] = bias
    if not result["modules_to_save"]:
        result["modules_to_save"] = sorted(saved) or None
    ranks = {m: rank for m, (rank, _) in modules.items() if get_rank(result, m) != rank}
    result["rank_pattern"] = _add_exact(result["rank_pattern"], ranks)
    alphas = {
        m: _get_alpha(result, rank, scale)
        for m, (rank, scale) in modules.items()
        if get_scale(result, m) != scale
    }
    result["alpha_pattern"] = _add_exact(result["alpha_pattern"], alphas)
    return result


def _get_alpha(config: Mapping[str, Any], rank: int, scale: float) -> float:
    alpha = scale * _get_divisor(config, rank)
    return int(alpha) if alpha == int(alpha) else alpha


def _get_divisor(config: Mapping[str, Any], rank: int) -> float:
    return math.sqrt(rank) if config.get("use_rslora") else rank


def _find(patterns: Mapping[str, Any] | None, module: str, default: Any) -> Any:
    """The value of the first pattern that matches the end of ``module``, as PEFT looks it up."""
    for pattern, value in (patterns or {}).items():
        if re.match(rf"(.*\.)?({pattern})$", module):
            return value
    return default


def _add_exact(patterns: Mapping[str, Any] | None, values: Mapping[str, Any]) -> dict[str, Any]:
    """``values`` before ``patterns``, so that they are found first."""
    exact = {f"^{re.escape(module)}": value for module, value in sorted(values.items())}
    return {**exact, **(patterns or {})}


def _is_rank(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_alpha(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_bool(value: object) -> bool:
    return isinstance(value, bool)


def _is_names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


_RULES = (
    ("r", _is_rank, "a positive whole number"),
    ("lora_alpha", _is_alpha, "a number"),
    ("use_rslora", _is_bool, "true or false"),
    ("fan_in_fan_out", _is_bool, "true or false"),
    ("bias", lambda v: v in ("none", "all", "lora_only"), "'none', 'all' or 'lora_only'"),
    (
        "target_modules",
        lambda v: isinstance(v, str) or _is_names(v),
        "a pattern or a list of names",
    ),
    ("modules_to_save", _is_names, "a list of names"),
    (
        "rank_pattern",
        lambda v: isinstance(v, dict) and all(map(_is_rank, v.values())),
        "positive whole numbers by pattern",
    ),
    (
        "alpha_pattern",
        lambda v: isinstance(v, dict) and all(map(_is_alpha, v.values())),
        "numbers by pattern",
    ),
)
"""Fields, what holds of their values, and how to say it. null is a missing field."""
