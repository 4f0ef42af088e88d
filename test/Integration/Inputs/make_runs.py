"""Writes the file of runs for sweep-guards.test: make_runs.py FILE

Program i of beyond.c is run i. Every buffer is at the end of memory for those that go too far
(even i), and at its start for others.
"""

import struct
import sys
from pathlib import Path

# struct run of Sweep/driver.c: program, rows, threads, at_end, inputs, buffers of adapters,
# the bytes of up to four of both, those of the output.
runs = [struct.pack("<11q", i, -1, 0, i % 2 == 0, 1, 0, 4, 0, 0, 0, 4) for i in range(9)]
Path(sys.argv[1]).write_bytes(b"".join(runs))
