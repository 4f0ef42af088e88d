"""Multiply-accumulates per cycle of our inner loops, by LLVM's models of the cores.

PYTHONPATH=benchmark python benchmark/throughput.py [--build build] [--xnnpack DIR] [--kleidiai DIR]

Compiles one layer for each row of the table of dot instructions, finds its inner loops in the
assembly and lets llvm-mca say how many cycles an iteration takes on each core. See docs/Benchmark.md.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from inner_loops import find_inner_loops

ROOT = Path(__file__).parents[1]
LLVM = Path("/usr/lib/llvm-22/bin")
TRIPLES = {"arm": "aarch64-linux-gnu", "x86": "x86_64-linux-gnu"}
DOTPROD_CORES = ("neoverse-n1", "neoverse-v1", "neoverse-v2", "apple-m1", "cortex-a76")
I8MM_CORES = ("neoverse-v1", "neoverse-v2")
SVE_BITS = {"neoverse-v1": 256, "neoverse-v2": 128, "a64fx": 512}
"""The registers of the cores that have scalable ones."""
ITERATIONS = 200
PANEL = 64
"""The columns of a panel for scalable registers."""
BYTES = 16
"""The activations of a row that one load has there."""


@dataclass(frozen=True)
class Row:
    """A row of the table of dot instructions, and what to measure it on."""

    name: str
    target: str
    arch: str
    instruction: str
    """The one that multiplies, once for each instruction of the table."""
    cores: tuple[str, ...]
    helpers: tuple[str, ...] = ()
    """What else each instruction of the table takes."""
    lowest: int = -127
    """The least of the weights: -128 where a better row has to be ruled out."""
    is_scalable: bool = False
    """Whether what is said of an instruction is said of 128 bits of a register."""

    @property
    def dots(self) -> tuple[str, ...]:
        """The mnemonics that multiply: of halves of registers, and with sums."""
        others = ("smull2", "smlal", "smlal2") if self.instruction == "smull" else ()
        return (self.instruction, *others)

    @property
    def tile(self) -> tuple[int, ...]:
        """The rows, columns and depth of the instruction, from its name."""
        return tuple(map(int, re.findall(r"_(\d+)x(\d+)x(\d+)_", self.name)[0]))

    def count_products(self, core: str) -> int:
        """Return the multiply-accumulates of one instruction."""
        rows, columns, depth = self.tile
        return rows * columns * depth * (SVE_BITS[core] // 128 if self.is_scalable else 1)


ROWS = (
    Row("i8mm_2x2x8_i32_s8_s8", "aarch64+i8mm", "arm", "smmla", I8MM_CORES),
    Row("dotprod_1x4x4_i32_s8_s8", "aarch64+dotprod", "arm", "sdot", DOTPROD_CORES),
    Row(
        "svei8mm_2x2x8_i32_s8_s8",
        "aarch64+sve+i8mm",
        "arm",
        "smmla",
        I8MM_CORES,
        is_scalable=True,
    ),
    Row(
        "sve_1x4x4_i32_s8_s8",
        "aarch64+sve",
        "arm",
        "sdot",
        tuple(SVE_BITS),
        is_scalable=True,
    ),
    Row("neon_1x4x2_i32_s8_s8", "aarch64", "arm", "smull", DOTPROD_CORES, ("sadalp", "saddlp")),
    Row(
        "avx512vnni_1x16x4_i32_u8_s8",
        "x86-64-v4+avx512vnni",
        "x86",
        "vpdpbusd",
        ("icelake-server", "sapphirerapids", "znver4"),
    ),
    Row("avxvnniint8_1x8x4_i32_s8_s8", "x86-64-v3+avxvnniint8", "x86", "vpdpbssd", ("lunarlake",)),
    Row(
        "avxvnni_1x8x4_i32_u8_s8",
        "x86-64-v3+avxvnni",
        "x86",
        "vpdpbusd",
        ("alderlake", "sapphirerapids"),
    ),
    Row(
        "avx512bw_1x16x2_i32_s8_s8",
        "x86-64-v4",
        "x86",
        "vpmaddwd",
        ("skylake-avx512", "znver4"),
        ("vpaddd",),
    ),
    Row(
        "avx2_1x8x4_i32_s8_s8",
        "x86-64-v3",
        "x86",
        "vpmaddubsw",
        ("haswell", "skylake", "znver2", "znver3"),
        ("vpsignb", "vpmaddwd", "vpaddd"),
    ),
    Row(
        "avx2_1x8x4_i32_u8_s8",
        "x86-64-v3",
        "x86",
        "vpmaddubsw",
        ("haswell", "skylake", "znver2", "znver3"),
        ("vpmaddwd", "vpaddd"),
        lowest=-64,
    ),
    Row(
        "avx2_1x8x2_i32_s16_s16",
        "x86-64-v3",
        "x86",
        "vpmaddwd",
        ("haswell", "skylake", "znver2", "znver3"),
        ("vpaddd",),
    ),
    Row(
        "avx2_1x8x2_i32_s8_s8",
        "x86-64-v3",
        "x86",
        "vpmaddwd",
        ("haswell", "skylake", "znver2", "znver3"),
        ("vpaddd",),
        lowest=-128,
    ),
)

XNNPACK = "src/qd8-f32-qc8w-gemm/gen/qd8-f32-qc8w-gemm-{}.c"
KLEIDIAI = "kai/ukernels/matmul/matmul_clamp_f32_qai8dxp_qsi8cxp/kai_matmul_clamp_f32_qai8dxp{}"
PEERS = {
    "dotprod_1x4x4_i32_s8_s8": {
        "xnnpack": [XNNPACK.format(f"{rows}x16c4-minmax-neondot") for rows in (1, 4, 6, 8)],
        "kleidiai": [
            KLEIDIAI.format("1x8_qsi8cxp4x8_1x4_neon_dotprod.c"),
            KLEIDIAI.format("4x4_qsi8cxp4x4_16x4_neon_dotprod.c"),
        ],
    },
    "i8mm_2x2x8_i32_s8_s8": {
        "xnnpack": [XNNPACK.format(f"{rows}x16c8-minmax-neoni8mm") for rows in (1, 4, 6, 8)],
        "kleidiai": [KLEIDIAI.format("4x8_qsi8cxp4x8_16x4_neon_i8mm_asm.S")],
    },
}
"""The published kernels on the same instruction, in the sources of the libraries."""


@dataclass
class Result:
    """An inner loop on a core."""

    kernel: str
    core: str
    instructions: int
    """Of an iteration."""
    dots: int
    """Of them, those that multiply."""
    rate: float
    """Multiply-accumulates per cycle."""
    peak: float
    """The same of the multiplications alone."""
    spills: int = field(default=0)


def run(*command: str | Path, text: str | None = None) -> str:
    """Return what a command prints."""
    return subprocess.run(
        [str(part) for part in command], input=text, capture_output=True, text=True, check=True
    ).stdout


def simulate(loop: list[str], arch: str, core: str) -> dict[str, float]:
    """Return what llvm-mca says of ``loop`` on ``core`` in sum."""
    command = [LLVM / "llvm-mca", f"-mtriple={TRIPLES[arch]}", f"-mcpu={core}", "-json"]
    report = json.loads(run(*command, f"-iterations={ITERATIONS}", text="\n".join(loop)))
    return report["CodeRegions"][0]["SummaryView"]


def count_cycles(loop: list[str], arch: str, core: str) -> float:
    """Return the cycles that an iteration of ``loop`` takes on ``core``."""
    return simulate(loop, arch, core)["TotalCycles"] / ITERATIONS


def get_mnemonic(line: str) -> str:
    """Return the mnemonic of a line of assembly; empty for a label."""
    words = line.replace("{vex}", "").split()
    return "" if not words or words[0].endswith(":") else words[0]


def measure_peak(loop: list[str], row: Row, core: str) -> float:
    """Return the multiply-accumulates per cycle of nothing but what multiplies and adds.

    None waits for another: what counts is how many the units of the core take.
    """
    kept = [line for line in loop if get_mnemonic(line) in (*row.dots, *row.helpers)]
    products = count_dots(loop, row) * row.count_products(core)
    return products / simulate(kept, row.arch, core)["BlockRThroughput"]


def count_dots(loop: list[str], row: Row) -> int:
    """Return the instructions of the table in an iteration."""
    return sum(get_mnemonic(line) in row.dots for line in loop)


def measure(kernel: str, loop: list[str], row: Row, core: str, peak: float) -> Result:
    """Return how fast ``loop`` is on ``core``."""
    stack = re.compile(r"\(%rsp|\[sp")
    dots = count_dots(loop, row)
    return Result(
        kernel=kernel,
        core=core,
        instructions=sum(bool(get_mnemonic(line)) for line in loop),
        dots=dots,
        rate=dots * row.count_products(core) / count_cycles(loop, row.arch, core),
        peak=peak,
        spills=sum(bool(stack.search(line)) for line in loop),
    )


def compile_row(row: Row, build: Path, folder: Path) -> str:
    """Return the assembly of a layer of 128 columns."""
    layer = folder / "layer.mlir"
    make_layer = ROOT / "test/Target/Inputs/make_layer.py"
    layer.write_text(run(sys.executable, make_layer, "128", "256", str(row.lowest)))
    translate = build / "bin/quant-translate"
    return run(translate, "--quant-to-object", f"--target={row.target}", "--emit=asm", layer)


def compile_peer(source: Path, root: Path, folder: Path) -> str:
    """Return what clang makes of a published kernel, as assembly.

    Disassembled, because some kernels have their instructions as numbers.
    """
    march = "armv8.2-a+i8mm+dotprod+fp16"
    includes = [f"-I{root / path}" for path in (".", "include", "src")]
    includes.append("-I/usr/aarch64-linux-gnu/include")
    clang = (LLVM / "clang", f"--target={TRIPLES['arm']}", f"-march={march}", "-O3", "-DNDEBUG")
    run(*clang, *includes, "-c", "-o", folder / "kernel.o", source)
    objdump = (LLVM / "llvm-objdump", "-d", "--no-show-raw-insn", "--no-leading-addr")
    text = run(*objdump, "--symbolize-operands", "--mattr=+all", folder / "kernel.o")
    text = re.sub(r"^<(\w+)>:", r".L\1:", text, flags=re.MULTILINE)
    return re.sub(r"(?:0x[0-9a-f]+ )?<(\w+)>.*", r".L\1", text)


def sort_loops(assembly: str, row: Row) -> list[list[str]]:
    """Return the inner loops of ``row``, that with the most multiplications first."""
    loops = find_inner_loops(assembly, row.instruction)
    return sorted(loops, key=lambda loop: -count_dots(loop, row))


def choose_loops(loops: list[list[str]], row: Row, core: str) -> tuple[list[str], list[str]]:
    """Return the loop of a block of rows and that of a single one.

    Of scalable loops, those for the most columns that a panel has.
    """
    if not row.is_scalable:
        return loops[0], loops[-1]

    def count_rows(loop: list[str]) -> int:
        return sum(get_mnemonic(line) == "ld1rqb" for line in loop)

    def count_columns(loop: list[str]) -> int:
        products = count_dots(loop, row) * row.count_products(core)
        return products // (max(count_rows(loop), row.tile[0]) * BYTES)

    fitting = [loop for loop in loops if count_columns(loop) <= PANEL]
    block = max(fitting, key=lambda loop: (count_rows(loop), count_columns(loop)))
    single = min(fitting, key=lambda loop: (count_rows(loop), -count_columns(loop)))
    return block, single


def measure_row(row: Row, folder: Path, arguments: argparse.Namespace) -> Iterator[Result]:
    """Yield ours, of a block of rows and of a single one, and the peers'."""
    loops = sort_loops(compile_row(row, arguments.build, folder), row)
    peaks = {}
    for core in row.cores:
        block, single = choose_loops(loops, row, core)
        peaks[core] = measure_peak(block, row, core)
        yield measure("ours, block", block, row, core, peaks[core])
        yield measure("ours, one row", single, row, core, peaks[core])
    for peer, sources in PEERS.get(row.name, {}).items():
        if root := getattr(arguments, peer):
            for source in sources:
                loop = sort_loops(compile_peer(root / source, root, folder), row)[0]
                kernel = f"{peer} {Path(source).stem}"
                for core, peak in peaks.items():
                    yield measure(kernel, loop, row, core, peak)


def print_table(row: Row, results: list[Result]) -> None:
    """Print one line for each loop and core."""
    print(f"\n### {row.name}\n")
    print("| core | kernel | instructions | dots | MAC/cycle | peak | % peak | stack |")
    print("|---|---|---|---|---|---|---|---|")
    for result in sorted(results, key=lambda result: row.cores.index(result.core)):
        share = 100 * result.rate / result.peak
        print(
            f"| {result.core} | {result.kernel} | {result.instructions} | {result.dots} "
            f"| {result.rate:.1f} | {result.peak:.1f} | {share:.0f} | {result.spills} |"
        )


def main() -> None:
    """Measure every row and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=ROOT / "build", help="the build folder")
    parser.add_argument("--xnnpack", type=Path, help="the sources of XNNPACK, to compare with")
    parser.add_argument("--kleidiai", type=Path, help="the sources of KleidiAI, to compare with")
    parser.add_argument("--rows", default="", help="a part of the names of the rows to measure")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for row in ROWS:
            if arguments.rows in row.name:
                print_table(row, list(measure_row(row, Path(folder), arguments)))


if __name__ == "__main__":
    main()
