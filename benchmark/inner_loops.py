"""Prints the innermost loops of an assembly file that contain an instruction.

inner_loops.py INSTRUCTION [FILE]    a loop a paragraph; of the standard input without a file
"""

import re
import sys
from pathlib import Path

LABEL = re.compile(r"^(\.L\w+):")
BRANCH = re.compile(r"^\s+(?:j|b|cbn?z|tbn?z)\S*\s.*?(\.L\w+)\s*$")


def find_inner_loops(assembly: str, instruction: str) -> list[list[str]]:
    """Return the lines of each innermost loop that contains ``instruction``, a mnemonic.

    A loop goes from a label to a branch back to it; it is an innermost one if none lies inside.
    """
    lines = assembly.splitlines()
    places = {match[1]: i for i, line in enumerate(lines) if (match := LABEL.match(line))}
    loops = [
        (places[match[1]], i)
        for i, line in enumerate(lines)
        if (match := BRANCH.match(line)) and places.get(match[1], i) < i
    ]
    is_inner = {
        (start, end): not any(
            start <= other[0] and other[1] <= end for other in loops if other != (start, end)
        )
        for start, end in loops
    }
    bodies = [lines[start : end + 1] for (start, end), inner in is_inner.items() if inner]
    has = re.compile(rf"^\s+(?:\{{vex\}}\s+)?{re.escape(instruction)}\s")
    return [body for body in bodies if any(has.match(line) for line in body)]


def main(arguments: list[str]) -> int:
    """Print the loops and return the exit status."""
    text = Path(arguments[1]).read_text(encoding="utf-8") if arguments[1:] else sys.stdin.read()
    print("\n\n".join("\n".join(loop) for loop in find_inner_loops(text, arguments[0])))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
