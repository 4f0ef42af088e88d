"""Many workers that take turns: every round times every entry once."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.entry import Facts
from bench.problem import write_problem
from bench.results import Result
from bench.workloads import Case

SAMPLES = 6
"""The most means that a round takes of one entry."""

MAX_CALLS = 4000


class WorkerError(Exception):
    """A command failed; the message is the reason."""


class WorkerDiedError(WorkerError):
    """The process ended; the next command starts a new one, which knows nothing of this one."""


@dataclass
class Settings:
    """How much is measured."""

    rounds: int
    seconds: float
    """For all rounds of one entry of one case."""
    threads: int
    folder: Path
    """For data and compiled files."""
    loops: Path


@dataclass(eq=False)
class Candidate:
    """An entry of one worker that was checked."""

    worker: WorkerProcess
    name: str
    error: float
    facts: Facts | None = None
    calls: int = 1
    samples: int = 3
    seconds: float = field(default=float("inf"))


class WorkerProcess:
    """A peer's process, started when it is needed and again after it died."""

    def __init__(self, peer: str, python: Path, amx: bool, settings: Settings) -> None:
        self.peer = peer
        self.amx = amx
        self._python = python
        self._settings = settings
        self._folder = settings.folder / f"{peer}-{'amx' if amx else 'no-amx'}"
        self._process: subprocess.Popen[str] | None = None
        self.starts = True
        """Whether the library could be loaded, as far as is known."""

    def do(self, command: str, *arguments: object) -> Any:
        """Run a command of ``bench.worker`` and return its answer."""
        if self._process is None:
            self._start()
        return self._send({"do": command, "with": arguments})

    def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.communicate()
            self._process = None

    def _start(self) -> None:
        self._folder.mkdir(exist_ok=True)
        threads = str(self._settings.threads)
        environment = os.environ | {
            "PYTHONWARNINGS": "ignore",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            **{f"{name}_NUM_THREADS": threads for name in ("OMP", "MKL", "OPENBLAS")},
        }
        with (self._folder / "log").open("a") as log:
            self._process = subprocess.Popen(
                [self._python, "-m", "bench.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
                text=True,
            )
        start = [self.peer, self._settings.threads, self.amx]
        try:
            self._send({"start": [*start, str(self._folder), str(self._settings.loops)]})
        except WorkerError:
            self.starts = False
            self.stop()
            raise

    def _send(self, command: Mapping[str, object]) -> Any:
        assert self._process and self._process.stdin and self._process.stdout
        try:
            print(json.dumps(command), file=self._process.stdin, flush=True)
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            status = self._process.wait()
            self._process = None
            log = (self._folder / "log").read_text(encoding="utf-8", errors="replace")
            words = log.strip().splitlines()[-1:] or [""]
            raise WorkerDiedError(f"the process died with status {status}: {words[0][:200]}")
        reply = json.loads(line)
        if "failure" in reply:
            raise WorkerError(reply["failure"])
        return reply["answer"]


def measure_case(
    case: Case, workers: Sequence[WorkerProcess], settings: Settings
) -> tuple[list[Result], list[str]]:
    """Return the results of ``case`` and what failed."""
    folder = settings.folder / "problem"
    folder.mkdir(exist_ok=True)
    write_problem(case, folder)
    candidates: list[Candidate] = []
    failures: list[str] = []
    for worker in filter(lambda worker: worker.starts, workers):
        try:
            candidates += _build(worker, case, folder, failures)
        except WorkerError as error:
            failures.append(_describe(worker, case, "", error))
    _time(candidates, case, settings, failures)
    for path in folder.iterdir():
        path.unlink()
    return [
        Result(case, c.worker.peer, c.name, c.worker.amx, c.seconds, c.error, c.facts)
        for c in candidates
    ], failures


def _build(worker: WorkerProcess, case: Case, folder: Path, failures: list[str]) -> list[Candidate]:
    """Build and check what ``worker`` offers; after it died, build again what was good."""
    command = ("open", case.to_dict(), str(folder))
    built: list[Candidate] = []
    for name in worker.do(*command):
        try:
            answer = worker.do("build", name)
            facts = answer["facts"] and Facts(**answer["facts"])
            built.append(Candidate(worker, name, answer["error"], facts))
        except WorkerDiedError as error:
            failures.append(_describe(worker, case, name, error))
            worker.do(*command)
            for candidate in built:
                worker.do("build", candidate.name)
        except WorkerError as error:
            failures.append(_describe(worker, case, name, error))
    return built


def _time(candidates: list[Candidate], case: Case, settings: Settings, failures: list[str]) -> None:
    """Time all candidates in turn; those of a worker that fails are removed."""
    for candidate in list(candidates):
        seconds = _time_once(candidate, candidates, case, failures)
        wanted = settings.seconds / settings.rounds / max(seconds, 1e-7)
        calls = max(1, min(MAX_CALLS, round(wanted)))
        candidate.samples = min(calls, SAMPLES)
        candidate.calls = max(1, calls // candidate.samples)
    for _ in range(settings.rounds):
        for candidate in list(candidates):
            if settings.threads > 1:
                # Threads of the peer before this may still spin.
                time.sleep(0.002)
            seconds = _time_once(candidate, candidates, case, failures)
            candidate.seconds = min(candidate.seconds, seconds)


def _time_once(
    candidate: Candidate, candidates: list[Candidate], case: Case, failures: list[str]
) -> float:
    """Time a series; should that fail, remove all candidates of the worker."""
    if candidate not in candidates:
        return float("inf")
    worker = candidate.worker
    try:
        seconds: float = worker.do("time", candidate.name, candidate.calls, candidate.samples)
    except WorkerError as error:
        failures.append(_describe(worker, case, candidate.name, error))
        candidates[:] = [other for other in candidates if other.worker is not worker]
        return float("inf")
    return seconds


def _describe(worker: WorkerProcess, case: Case, name: str, error: WorkerError) -> str:
    hidden = "" if worker.amx else ", AMX hidden"
    entry = f"{worker.peer} {name}".strip()
    return f"{entry}{hidden}: {case.workload} {case.name}: {error}"
