"""An environment for each peer, in .venv-bench/<peer>, because their packages do not mix."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from bench.peers import OURS

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".venv-bench"
REQUIREMENTS = Path(__file__).parent / "requirements"

LLAMA = "llama-cpp-python==0.3.36"
"""Its sources have ggml in ``vendor/llama.cpp/ggml``."""

GGML_OPTIONS = (
    *("-GNinja", "-DCMAKE_BUILD_TYPE=Release", "-DBUILD_SHARED_LIBS=ON"),
    *("-DGGML_NATIVE=ON", "-DGGML_OPENMP=OFF"),
    *("-DGGML_BUILD_TESTS=OFF", "-DGGML_BUILD_EXAMPLES=OFF"),
)


class InstallError(Exception):
    """A peer cannot be installed; the message says why."""


def prepare(peer: str) -> Path:
    """Install what ``peer`` needs, if that is not done; return its Python."""
    if peer == OURS:
        return Path(sys.executable)
    folder = FOLDER / peer
    python, stamp = folder / "bin" / "python", folder / "requirements.txt"
    wanted = (REQUIREMENTS / f"{peer}.txt").read_text(encoding="utf-8")
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    print(f"Installing {peer} into {folder.relative_to(ROOT)}", file=sys.stderr)
    try:
        if not python.is_file():
            # Not from the environment that runs this.
            _run([Path(sys.base_prefix) / "bin" / "python3", "-m", "venv", folder])
        _run_pip(python, "install", *wanted.split())
        if peer == "ggml":
            _build_ggml(python, folder / "build")
    except (OSError, ValueError, tarfile.TarError) as error:
        raise InstallError(f"{type(error).__name__}: {error}") from None
    stamp.write_text(wanted, encoding="utf-8")
    return python


def describe(peer: str) -> str:
    """Return the packages of ``peer``, with versions."""
    packages = (REQUIREMENTS / f"{peer}.txt").read_text(encoding="utf-8").split()
    return ", ".join([*packages, *([LLAMA] if peer == "ggml" else [])])


def _build_ggml(python: Path, build: Path) -> None:
    """Build ggml by clang: what gcc 12 makes of its set-up of AMX crashes."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        package = LLAMA.partition("==")[0]
        _run_pip(python, "download", "--no-deps", "--no-binary", package, "-d", folder, LLAMA)
        (archive,) = folder.glob("*.tar.gz")
        source = _extract_ggml(archive, folder)
        # Its installation, which we do not do, needs a file that the archive lacks.
        (source / "ggml.pc.in").touch()
        compilers = {"CC": "clang-22", "CXX": "clang++-22"}
        _run(["cmake", "-S", source, "-B", build, *GGML_OPTIONS], compilers)
        _run(["ninja", "-C", build, "-j", os.environ.get("JOBS", str(os.cpu_count()))])


def _extract_ggml(archive: Path, folder: Path) -> Path:
    """Take only ggml out of the sources of llama-cpp-python."""
    with tarfile.open(archive) as file:
        for member in file:
            parts = PurePosixPath(member.name).parts
            if parts[1:4] == ("vendor", "llama.cpp", "ggml") and ".." not in parts:
                file.extract(member, folder)
    (source,) = folder.glob("*/vendor/llama.cpp/ggml")
    return source


def _run_pip(python: Path, command: str, *arguments: str | Path) -> None:
    _run([python, "-m", "pip", command, "-qq", "--disable-pip-version-check", *arguments])


def _run(command: list[str | Path], environment: Mapping[str, str] | None = None) -> None:
    """Run ``command`` and raise ``InstallError`` with its last words if it fails."""
    variables = {**os.environ, **(environment or {})}
    result = subprocess.run(
        command,
        env=variables,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if result.returncode:
        words = result.stdout.strip().splitlines() or ["no message"]
        raise InstallError(f"{Path(command[0]).name}: {words[-1][:200]}")
