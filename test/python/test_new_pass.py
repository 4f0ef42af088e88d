"""`utils/new-pass`, in a copy of the folders that it writes to."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = Path("Dialect/Quant/Transforms")
DECLARATIONS = Path("include/quantc") / FOLDER / "Passes.td"
SOURCES = Path("lib") / FOLDER / "CMakeLists.txt"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a folder with the script and the files that it edits."""
    for path in (Path("utils/new-pass"), DECLARATIONS, SOURCES):
        (tmp_path / path).parent.mkdir(parents=True)
        shutil.copy(ROOT / path, tmp_path / path)
    return tmp_path


def run(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, tree / "utils" / "new-pass", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def test_makes_all_four_places(tree: Path) -> None:
    done = run(tree, str(FOLDER), "fold-some-thing")
    assert done.returncode == 0, done.stderr
    assert [Path(line) for line in done.stdout.splitlines()] == [
        DECLARATIONS,
        SOURCES,
        Path("lib") / FOLDER / "FoldSomeThing.cpp",
        Path("test") / FOLDER / "fold-some-thing.mlir",
    ]
    declarations = (tree / DECLARATIONS).read_text()
    assert 'def FoldSomeThing : Pass<"quant-fold-some-thing">' in declarations
    assert declarations.rstrip().endswith("#endif // QUANTC_DIALECT_QUANT_TRANSFORMS_PASSES")
    sources = [line for line in (tree / SOURCES).read_text().splitlines() if line.endswith(".cpp")]
    assert "  FoldSomeThing.cpp" in sources
    assert sources == sorted(sources)
    banner = (tree / "lib" / FOLDER / "FoldSomeThing.cpp").read_text().splitlines()[0]
    assert len(banner) == 80


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((str(FOLDER), "quant-fold"), "'quant-fold' is no pass name"),
        ((str(FOLDER), "Fold"), "'Fold' is no pass name"),
        (("Nowhere", "fold-it"), "'Nowhere' is no component with passes"),
    ],
)
def test_says_what_is_wrong(tree: Path, arguments: tuple[str, ...], reason: str) -> None:
    done = run(tree, *arguments)
    assert done.returncode == 2
    assert reason in done.stderr


def test_overwrites_nothing(tree: Path) -> None:
    assert run(tree, str(FOLDER), "fold-it").returncode == 0
    assert "exists already" in run(tree, str(FOLDER), "fold-it").stderr
