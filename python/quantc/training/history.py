"""What each epoch brought, and files of it."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from quantc import _quantc
from quantc.errors import Error

Row = dict[str, Any]


def check_log(path: Path) -> None:
    """Raise ``quantc.Error`` unless a log can have that name."""
    if path.suffix not in (".csv", ".json"):
        raise Error(f"{path}: cannot tell from the ending what to write; it must be .csv or .json")


def write_log(path: Path, history: list[Row]) -> None:
    """Write ``history`` as CSV or JSON, by the ending of ``path``."""
    if path.suffix == ".json":
        text = json.dumps(history, indent=2) + "\n"
    else:
        file = io.StringIO()
        writer = csv.DictWriter(file, list(history[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(history)
        text = file.getvalue()
    _quantc.write_file(path, text.encode())
