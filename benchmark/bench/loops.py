"""The loops in ../loops: LLVM IR, compiled for this machine."""

from __future__ import annotations

import subprocess
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "loops"
COMPILER = "clang-22"


def compile_loop(name: str, folder: Path) -> Path:
    """Make a shared library of ``name``.ll in ``folder`` and return its path."""
    library = folder / f"{name}.so"
    command = [
        COMPILER,
        "-O2",
        "-march=native",
        "-shared",
        "-fPIC",
        "-nostdlib",
        "-fuse-ld=lld",
        "-w",
    ]
    subprocess.run([*command, FOLDER / f"{name}.ll", "-o", library], check=True)
    return library
