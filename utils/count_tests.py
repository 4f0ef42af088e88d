"""Adds up JUnit XML files and prints `N passed, N failed, N skipped`.

The status is 1 when a test failed, when a file is missing or cannot be read
(the runner died) and when no test ran at all.
"""

import sys
from xml.etree import ElementTree


def count(path: str) -> tuple[int, int, int]:
    """Return how many test cases of a file passed, failed and were skipped."""
    passed = failed = skipped = 0
    for case in ElementTree.parse(path).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def main(paths: list[str]) -> int:
    """Print the sum over `paths` and return the exit status."""
    passed = failed = skipped = 0
    for path in paths:
        try:
            counts = count(path)
        except (OSError, ElementTree.ParseError) as error:
            print(f"error: {path}: {error}", file=sys.stderr)
            counts = (0, 1, 0)
        passed, failed, skipped = (
            total + part for total, part in zip((passed, failed, skipped), counts)
        )
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return int(failed > 0 or passed == 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
