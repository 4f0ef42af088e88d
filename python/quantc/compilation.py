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


def compile(
    model: Model,
    target: str = "native",
    threads: int = 1,
    *,
    max_constant_bytes: int = MAX_CONSTANT_BYTES,
) -> Program:
    """Compile ``model``, in float or integer form, to a program that can be called and saved.

    ``target`` is ``native`` (this machine), ``x86-64``, ``x86-64-v2`` to ``-v4``, ``aarch64`` or a
    CPU by its LLVM name, then features: ``aarch64+dotprod``. A program for another machine can
    only be saved. Results have the same bytes on every machine with a fused multiply-add.

    ``threads`` is the number of threads that a call uses; there is only 1.

    Constants of more than ``max_constant_bytes`` in all, by default 64 MiB, are not in the library
    but in a file of parameters beside it, which is mapped when the program is loaded.

    Raises ``quantc.Error`` for a target that does not exist.
    """
    if threads != 1:
        raise Error(f"threads={threads!r}; a program runs on 1 thread")
    return _quantc.compile_model(model, target, max_constant_bytes)


def emit(
    model: Model,
    path: str | os.PathLike[str],
    *,
    kind: str | None = None,
    target: str = "native",
    header: str | os.PathLike[str] | None = None,
    name: str | None = None,
    max_constant_bytes: int = MAX_CONSTANT_BYTES,
) -> None:
    """Compile ``model`` to a file.

    ``kind`` is ``obj``, ``asm``, ``llvm`` (LLVM IR) or ``so`` (shared library); without it the
    ending of ``path`` decides. ``header`` is where to write the C header. ``name`` is the prefix
    of the exported symbols: ``<name>_run`` and so on; the default is the stem of ``path``.
    Constants of more than ``max_constant_bytes`` in all go to a file of their own, with the stem
    of ``path`` and the ending ``.params``.

    Files are written whole or not at all. Raises ``quantc.Error`` for a target that does not
    exist and for a file that cannot be written.
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
    _quantc.emit_file(model, path, EmitKind[kind], target, header, name, max_constant_bytes)
