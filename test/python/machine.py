"""What programs this machine can run."""

from __future__ import annotations

import pytest

from bench.isolation import list_cpu_features

X86_TARGETS = {
    "x86-64": set(),
    "x86-64-v2": set(),
    "x86-64-v3": {"avx2", "fma"},
    "x86-64-v3+avxvnni": {"avx_vnni"},
    "x86-64-v4": {"avx512f"},
    "x86-64-v4+avx512vnni": {"avx512_vnni"},
    "x86-64-v4+avx512vnni+amx-int8": {"amx_int8"},
}
"""The levels, and what the machine must have beyond the least of x86-64 to run them."""


def can_run(target: str) -> bool:
    """Whether this machine has what one of ``X86_TARGETS`` needs."""
    return X86_TARGETS[target] <= list_cpu_features()


def require(target: str) -> None:
    """Skip the test unless this machine runs ``target``."""
    if not can_run(target):
        pytest.skip(f"this machine does not run {target}")
