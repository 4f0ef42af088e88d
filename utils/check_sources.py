"""Checks the rules of docs/Contributing.md that no other tool knows.

Prints one line `error: file: what is wrong; what would be right` for each
violation; the status is 1 if there is any.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
MAX_LINES = 600
MAX_TOOL_LINES = 40
PASS_NAME = re.compile(r"quant-[a-z]+(-[a-z]+)*")
CONSTRAINT = re.compile(r"\b([a-z_]+)_c(\d+)\b")
CONSTRAINT_RANGE = re.compile(r"\b([a-z_]+)_c(\d+)`?\s+(?:to|\.\.)\s+`?\1_c(\d+)\b")


def read(path: str) -> str:
    """Return the text of a file of the project."""
    return (ROOT / path).read_text(encoding="utf-8")


def list_files(*patterns: str) -> list[str]:
    """Return the files under version control that match."""
    command = ["git", "-C", ROOT, "ls-files", "-z", "--", *patterns]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [name for name in output.split("\0") if name and (ROOT / name).is_file()]


def check_files() -> Iterator[str]:
    """Files are short, licensed and finished; tools hold no logic."""
    for path in list_files("*.cpp", "*.h", "*.td", "*.py"):
        text = read(path)
        lines = text.count("\n")
        limit = MAX_TOOL_LINES if path.startswith("tools/") else MAX_LINES
        if lines > limit:
            yield f"{path}: has {lines} lines; split it below {limit}"
        if not path.endswith(".py") and "SPDX-License-Identifier" not in text:
            yield f"{path}: has no SPDX-License-Identifier; copy the header of another file"
        if path != "utils/check_sources.py" and re.search(r"\b(TODO|FIXME|XXX)\b", text):
            yield f"{path}: has something left open; do it or write an issue"


def check_components() -> Iterator[str]:
    """Components do not include what they must not know."""
    for path in list_files("include/quantc/Numerics", "lib/Numerics"):
        if re.search(r'#include [<"](mlir|quantc/(?!Numerics))', read(path)):
            yield f"{path}: includes more than the standard library; keep Numerics free of MLIR"


def check_passes() -> Iterator[str]:
    """Passes are called quant-verb or quant-verb-object, and a test runs each of them."""
    tests = "".join(read(path) for path in list_files("test/*.mlir", "test/*.test"))
    for path in list_files("*.td"):
        for name in re.findall(r': *Pass<"([^"]+)"', read(path)):
            if not PASS_NAME.fullmatch(name) or name.endswith("-pass"):
                yield f"{path}: pass '{name}' is badly named; expects quant-verb-object"
            if not re.search(rf"\b{name}(?![-\w])", tests):
                yield f"{path}: pass '{name}' is run by no test"


def find_constraints(text: str) -> set[str]:
    """Return the constraint IDs in `text`, those within ranges included."""
    found = {match[0] for match in CONSTRAINT.finditer(text)}
    for name, first, last in CONSTRAINT_RANGE.findall(text):
        found |= {f"{name}_c{i}" for i in range(int(first), int(last) + 1)}
    return found


def check_constraints() -> Iterator[str]:
    """Specification, operations and tests name the same constraints."""
    specified = find_constraints(read("docs/Numerics.md"))
    declared = find_constraints(read("include/quantc/Dialect/Quant/IR/QuantOps.td"))
    functions = re.findall(r"func @(\w+)", read("test/Dialect/Quant/invalid.mlir"))
    tested = {match[0] for name in functions if (match := re.match(r"[a-z_]+_c\d+", name))}
    for name in sorted(declared - specified):
        yield f"docs/Numerics.md: constraint {name} is missing"
    for name in sorted(specified - declared):
        yield f"include/quantc/Dialect/Quant/IR/QuantOps.td: constraint {name} is missing"
    for name in sorted(tested - declared):
        yield f"test/Dialect/Quant/invalid.mlir: constraint {name} does not exist"
    # Those of an elementwise operation are those of quantize, and share its code.
    for name in sorted(declared - tested):
        if not re.match("(dequantize|fake_quant)_c", name):
            yield f"test/Dialect/Quant/invalid.mlir: constraint {name} is not tested"


def main() -> int:
    """Run all checks and return the exit status."""
    status = 0
    for check in (check_files, check_components, check_passes, check_constraints):
        for message in check():
            print(f"error: {message}", file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
