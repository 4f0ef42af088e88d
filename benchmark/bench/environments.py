"""An environment for each peer, in .venv-bench/<peer>, because their packages do not mix."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bench.peers import OURS

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".venv-bench"


class InstallError(Exception):
    """A peer cannot be installed; the message says why."""


def prepare(peer: str) -> Path:
    """Install what ``peer`` needs, if that is not done; return its Python."""
    if peer == OURS:
        return Path(sys.executable)
    folder = FOLDER / peer
    python = folder / "bin" / "python"
    requirements = folder / "requirements.txt"
    wanted = (Path(__file__).parent / "requirements" / f"{peer}.txt").read_text(encoding="utf-8")
    if requirements.is_file() and requirements.read_text(encoding="utf-8") == wanted:
        return python
    print(f"Installing {peer} into {folder.relative_to(ROOT)}", file=sys.stderr)
    if not python.is_file():
        run([getattr(sys, "_base_executable", sys.executable), "-m", "venv", folder])
    packages = [line for line in wanted.splitlines() if line and not line.startswith("#")]
    run([python, "-m", "pip", "install", "-qq", "--disable-pip-version-check", *packages])
    requirements.write_text(wanted, encoding="utf-8")
    return python


def run(command: list[str | Path], folder: Path | None = None) -> None:
    """Run ``command``, in ``folder``, and raise ``InstallError`` with its last words if it fails."""
    try:
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    except OSError as error:
        raise InstallError(str(error)) from None
    if result.returncode:
        words = (result.stderr or result.stdout).strip().splitlines() or ["no message"]
        raise InstallError(f"{Path(command[0]).name}: {words[-1][:200]}")
