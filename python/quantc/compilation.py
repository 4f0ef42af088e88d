"""From models to programs and files."""

from __future__ import annotations

import os
from pathlib import Path

from quantc import _quantc
from quantc._quantc import MAX_CONSTANT_BYTES, EmitKind, Model, Program
from quantc.config import format_choices
from quantc.errors import Error

SUFFIXES = {"obj": ".o", "asm": ".s", "llvm": ".ll", "so": ".so"}
"""What ``emit`` can write, and the ending of such a file."""

TRAINING_TARGET = "native+notiles"
"""What is trained runs in this process only; with tiles, which it hardly uses, it would be
compiled twice."""


def compile(
    model: Model,
    target: str = "native",
    threads: int = 1,
    *,
    max_constant_bytes: int = MAX_CONSTANT_BYTES,
) -> Program:
    """Compile ``model``, in float or integer form, to a program that can be called and saved.

    ``target`` is ``native`` (this machine), ``x86-64``, ``x86-64-v2`` to ``-v4``, ``aarch64`` or a
    CPU by its LLVM name, then features: ``aarch64+dotprod``. ``+notiles`` at the end leaves out
    AMX, for which a program needs a second code because the system may refuse it. A program for
    another machine can only be saved. Results have the same bytes on every machine with a fused multiply-add.

    One program may have code for several targets, separated by commas with the best first, and
    runs the first that the machine can run; ``multi`` stands for all that pay for this
    architecture, as do ``x86-64-multi`` and ``aarch64-multi``.

    Constants of more than ``max_constant_bytes`` in all, by default 64 MiB, are not in the library
    but in a file of parameters beside it, which is mapped when the program is loaded.

    ``threads`` is the number of threads that a call uses, the calling one among them, at least 1.
    Calls at the same time share them. They start with the first loop that is worth it; results
    have the same bytes with any number. A process that forks must do so before that.

    Raises ``quantc.Error`` for a target that does not exist and for a number below 1.
    """
    return _quantc.compile_model(model, target, _check_threads(threads), max_constant_bytes)


def _check_threads(threads: int) -> int:
    if not isinstance(threads, int) or threads < 1:
        raise Error(f"threads={threads!r}; it must be an integer of at least 1")
    return threads


def emit(
    model: Model,
    path: str | os.PathLike[str],
    *,
    kind: str | None = None,
    target: str = "native",
    threads: int = 1,
    header: str | os.PathLike[str] | None = None,
    name: str | None = None,
    max_constant_bytes: int = MAX_CONSTANT_BYTES,
) -> None:
    """Compile ``model`` to a file.

    ``kind`` is ``obj``, ``asm``, ``llvm`` (LLVM IR) or ``so`` (shared library); without it the
    ending of ``path`` decides. ``target`` is as for ``compile``. ``threads`` is the most threads
    that a call uses: those of the caller's executor in C, at least 1. ``header`` is where to write
    the C header. ``name`` is the prefix of the exported symbols: ``<name>_run`` and so on; the
    default is the stem of ``path``.
    Constants of more than ``max_constant_bytes`` in all go to a file of their own, with the stem
    of ``path`` and the ending ``.params``.

    Files are written whole or not at all. Raises ``quantc.Error`` for a target that does not
    exist, a number below 1 and a file that cannot be written.
    """
    if kind is None:
        kinds = {suffix: kind for kind, suffix in SUFFIXES.items()}
        kind = kinds.get(Path(path).suffix)
        if kind is None:
            raise Error(
                f"{os.fspath(path)}: cannot tell from the ending what to write; it must be "
                f"{format_choices(tuple(kinds))}, or give the kind"
            )
    if kind not in SUFFIXES:
        raise Error(f"kind={kind!r}; it must be {format_choices(tuple(SUFFIXES))}")
    _quantc.emit_file(
        model,
        path,
        EmitKind[kind],
        target,
        _check_threads(threads),
        header,
        name,
        max_constant_bytes,
    )
