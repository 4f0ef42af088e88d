"""The process that runs one peer: commands come in and answers go out as lines of JSON.

It starts with every core in its mask, because libraries look at the mask to choose what they use;
entries are pinned to the measured cores once they have run.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from bench import isolation


class Worker:
    """What the commands act on."""

    def __init__(self, peer: str, threads: int, amx: bool, folder: Path, loops: Path) -> None:
        if not amx and isolation.has_amx():
            isolation.deny_amx()
        # Libraries are loaded from here on.
        from bench.entry import Context, Entry
        from bench.peers import load_peer

        self._all_cores = os.sched_getaffinity(0)
        self._cores = sorted(self._all_cores)[-threads:]
        self._peer = load_peer(peer)(Context(threads, amx, folder, loops))
        self._makers: dict[str, Callable[[], Entry]] = {}
        self._entries: dict[str, Entry] = {}

    def open(self, case: dict[str, Any], folder: str) -> list[str]:
        """Release what there is; return the names of the entries for ``case``."""
        from bench.problem import open_problem
        from bench.workloads import Case

        for entry in self._entries.values():
            entry.release()
        self._entries.clear()
        self._makers.clear()
        gc.collect()
        self._problem = open_problem(Case(**case), Path(folder))
        self._makers = self._peer.list_entries(self._problem)
        return list(self._makers)

    def build(self, name: str) -> dict[str, Any]:
        """Make an entry, run it and check it; say what is known of it beside its time."""
        isolation.pin(self._all_cores)
        from bench.problem import LEAST_SCORES

        entry = self._makers[name]()
        entry.run(1)
        isolation.pin(self._cores)
        entry.run(1)
        if entry.facts:
            score = self._problem.score(entry.evaluate(self._problem))
            if not score >= LEAST_SCORES[self._problem.metric]:
                raise ValueError(f"wrong result: {self._problem.metric} is {score:.2f}")
            self._entries[name] = entry
            return {"error": 0.0, "facts": asdict(replace(entry.facts, score=score))}
        error = entry.get_error(self._problem)
        tolerance = entry.get_tolerance(self._problem.case)
        if not error <= tolerance:
            raise ValueError(
                f"wrong result: off by {error:.2g} of the largest, not {tolerance:.2g}"
            )
        self._entries[name] = entry
        return {"error": error, "facts": None}

    def time(self, name: str, calls: int, samples: int) -> float:
        """Return the seconds of one call: the least of ``samples`` means over ``calls``."""
        entry = self._entries[name]
        return min(entry.time(calls) for _ in range(samples))


def main() -> None:
    """Serve the commands on standard input until it ends."""
    answers = os.fdopen(os.dup(1), "w")
    # What libraries print must not get between the answers.
    os.dup2(2, 1)
    worker: Worker | None = None
    for line in sys.stdin:
        command = json.loads(line)
        try:
            if worker is None:
                peer, threads, amx, folder, loops = command["start"]
                worker = Worker(peer, threads, amx, Path(folder), Path(loops))
                answer: object = None
            else:
                answer = getattr(worker, command["do"])(*command["with"])
            reply = {"answer": answer}
        except Exception as error:  # noqa: BLE001 - whatever a library raises is an answer too
            reply = {"failure": f"{type(error).__name__}: {error}".splitlines()[0][:300]}
        print(json.dumps(reply), file=answers, flush=True)


if __name__ == "__main__":
    main()
