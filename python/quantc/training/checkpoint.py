"""Files that training resumes from."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from quantc import _quantc
from quantc.errors import Error
from quantc.training.data import Arrays

VERSION = 1


def write_checkpoint(path: Path, arrays: Arrays, facts: dict[str, Any]) -> None:
    """Write arrays and JSON as an ``.npz`` file without pickles, whole or not at all."""
    names = sorted(arrays)
    text = json.dumps({"version": VERSION, "names": names, **facts})
    file = io.BytesIO()
    # Layers may have names that are not good as names of files.
    numbered = {f"array{index}": arrays[name] for index, name in enumerate(names)}
    np.savez(file, trainer=np.frombuffer(text.encode(), np.uint8), **numbered)
    _quantc.write_file(path, file.getvalue())


def read_checkpoint(path: Path) -> tuple[Arrays, dict[str, Any]]:
    """Read what ``write_checkpoint`` wrote; raises ``quantc.Error`` for any other file."""
    if not path.exists():
        raise Error(f"{path}: no such file")
    try:
        with np.load(path, allow_pickle=False) as file:
            facts = json.loads(file["trainer"].tobytes())
            arrays = {name: file[f"array{i}"] for i, name in enumerate(facts["names"])}
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile):
        raise Error(f"{path}: not a checkpoint of a trainer") from None
    if facts.get("version") != VERSION:
        raise Error(f"{path}: version {facts.get('version')}; this quantc reads {VERSION}")
    return arrays, facts
