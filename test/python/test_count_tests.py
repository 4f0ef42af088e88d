"""The one line that `./dev test` ends with."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "utils" / "count_tests.py"

MIXED = """<testsuites><testsuite>
<testcase name="a"/><testcase name="b"/>
<testcase name="c"><failure/></testcase><testcase name="d"><error/></testcase>
<testcase name="e"><skipped/></testcase>
</testsuite></testsuites>"""


def run(*paths: Path) -> tuple[str, int]:
    """Return what the script prints for `paths`, and its exit status."""
    done = subprocess.run(
        [sys.executable, SCRIPT, *paths], capture_output=True, text=True, check=False
    )
    return done.stdout, done.returncode


def test_sums_all_files(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(MIXED)
    (tmp_path / "b.xml").write_text('<testsuite><testcase name="f"/></testsuite>')
    assert run(tmp_path / "a.xml", tmp_path / "b.xml") == (
        "3 passed, 2 failed, 1 skipped\n",
        1,
    )


def test_all_passed(tmp_path: Path) -> None:
    (tmp_path / "b.xml").write_text('<testsuite><testcase name="f"/></testsuite>')
    assert run(tmp_path / "b.xml") == ("1 passed, 0 failed, 0 skipped\n", 0)


def test_missing_or_broken_file_fails(tmp_path: Path) -> None:
    (tmp_path / "good.xml").write_text('<testsuite><testcase name="f"/></testsuite>')
    (tmp_path / "broken.xml").write_text("<testsuite><testcase")
    for bad in (tmp_path / "broken.xml", tmp_path / "missing.xml"):
        assert run(tmp_path / "good.xml", bad) == ("1 passed, 1 failed, 0 skipped\n", 1)


def test_nothing_ran_fails(tmp_path: Path) -> None:
    (tmp_path / "none.xml").write_text("<testsuite/>")
    assert run(tmp_path / "none.xml") == ("0 passed, 0 failed, 0 skipped\n", 1)
