"""``./dev bench``: measure our code and its peers, print tables, leave files in bench-output."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from bench import environments, limits, report
from bench.environments import ROOT
from bench.isolation import has_amx
from bench.loops import compile_loop
from bench.peers import OURS, PEERS
from bench.session import Settings, WorkerProcess, measure_case
from bench.workloads import REAL_MODELS, TITLES, list_cases
from quantc.progress import track
from real_models.model import MissingError

ROUNDS, QUICK_ROUNDS = 8, 4
SECONDS, QUICK_SECONDS = 0.25, 0.06
TABLE_WIDTH = 150


def main() -> None:
    """Run the benchmark."""
    arguments = _parse()
    # A narrow terminal wraps lines; it must not hide columns.
    console = Console(highlight=False, width=max(Console().width, TABLE_WIDTH))
    start = time.monotonic()
    skipped: dict[str, str] = {}
    pythons: dict[str, Path] = {}
    for peer in dict.fromkeys([OURS, *arguments.peers]):
        try:
            pythons[peer] = environments.prepare(peer)
        except environments.InstallError as error:
            skipped[peer] = str(error)
    installed = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        settings = Settings(
            arguments.rounds or (QUICK_ROUNDS if arguments.quick else ROUNDS),
            QUICK_SECONDS if arguments.quick else SECONDS,
            arguments.threads,
            Path(scratch),
            compile_loop("repeat", Path(scratch)),
        )
        found = report.Report(_measure_limits(settings), arguments.threads, skipped=skipped)
        found.versions = {peer: environments.describe(peer) for peer in pythons if peer != OURS}
        _measure(console, arguments, settings, pythons, found)
        # Something may have disturbed the first time.
        found.limits = found.limits.merge(_measure_limits(settings))
    report.print_summary(console, found)
    console.print(report.NOTE.replace("`", ""))
    console.print(
        f"{time.monotonic() - installed:.0f} s, after {installed - start:.0f} s of installing"
    )
    for path in report.write(found, arguments.output):
        console.print(f"  {path}")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few small cases of each workload")
    parser.add_argument(
        "--workloads", type=_split, default=list(TITLES), help=f"some of {','.join(TITLES)}"
    )
    parser.add_argument(
        "--shapes", type=_parse_shapes, default=(), help="ROWSxDEPTHxCOLUMNS,... of W1 to W4"
    )
    parser.add_argument(
        "--models", type=_split, default=list(REAL_MODELS), help=f"some of {','.join(REAL_MODELS)}"
    )
    parser.add_argument(
        "--peers", type=_split, default=list(PEERS), help=f"some of {','.join(PEERS[1:])}"
    )
    parser.add_argument("--rounds", type=int, help=f"times each entry is visited ({ROUNDS})")
    parser.add_argument("--threads", type=int, default=1, help="of every peer (1)")
    parser.add_argument("--output", type=Path, default=ROOT / "bench-output")
    arguments = parser.parse_args()
    for given, known in (
        (arguments.workloads, TITLES),
        (arguments.peers, PEERS),
        (arguments.models, REAL_MODELS),
    ):
        if unknown := set(given) - set(known):
            parser.error(f"no {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    return arguments


def _split(text: str) -> list[str]:
    return text.split(",")


def _parse_shapes(text: str) -> list[tuple[int, ...]]:
    shapes = [tuple(int(size) for size in shape.split("x")) for shape in text.split(",")]
    if any(len(shape) != 3 or min(shape) < 1 for shape in shapes):
        raise argparse.ArgumentTypeError("a shape is ROWSxDEPTHxCOLUMNS")
    return shapes


def _measure_limits(settings: Settings) -> limits.Limits:
    command = [sys.executable, "-m", "bench.limits", settings.folder]
    result = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return limits.from_json(result.stdout, settings.threads)


def _measure(
    console: Console,
    arguments: argparse.Namespace,
    settings: Settings,
    pythons: dict[str, Path],
    found: report.Report,
) -> None:
    """Measure all cases; print the table of each workload once it is complete."""
    variants = (True, False) if has_amx() else (False,)
    workers = [
        WorkerProcess(peer, python, amx, settings)
        for amx in variants
        for peer, python in pythons.items()
    ]
    # The others are compared with FP32.
    for workload in sorted(arguments.workloads, key=lambda workload: workload != "W4"):
        cases = list_cases([workload], arguments.shapes, arguments.quick)
        if workload == "W7":
            cases = [case for case in cases if case.mode in arguments.models]
        for case in track(cases, f"{workload} {TITLES[workload]}"):
            # W4 and W6 have the same rows with and without AMX; models take long to compile.
            once = ("W4", "W6", "W7")
            used = [w for w in workers if workload not in once or w.amx == variants[0]]
            try:
                results, failures = measure_case(case, used, settings)
            except MissingError as error:
                found.skipped[f"{workload} {case.mode}"] = str(error)
                continue
            found.results += results
            found.failures += failures
        report.print_workload(console, found, workload)
    for worker in workers:
        worker.stop()


if __name__ == "__main__":
    main()
