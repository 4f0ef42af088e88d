"""Models of one input and one output compiled for AArch64 and run by qemu."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import quantc

COMPILER, EMULATOR = "aarch64-linux-gnu-gcc", "qemu-aarch64"

# Reads the input, and writes the output, whose sizes in bytes are the arguments.
DRIVER = """
#include "program.h"
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  int64_t dims[1] = {atoll(argv[1])};
  size_t input_bytes = atoll(argv[2]), output_bytes = atoll(argv[3]);
  void *input = malloc(input_bytes), *output = malloc(output_bytes);
  size_t workspace_bytes = program_workspace_size(dims);
  program_args args = {{input}, {output}};
  args.dims = dims;
  args.workspace = aligned_alloc(64, (workspace_bytes + 64) / 64 * 64);
  if (fread(input, 1, input_bytes, stdin) != input_bytes)
    return 100;
  int status = program_run(&args);
  return status ? status : fwrite(output, 1, output_bytes, stdout) != output_bytes;
}
"""


def is_available() -> bool:
    """Return whether AArch64 code can be linked and run here."""
    return bool(shutil.which(COMPILER) and shutil.which(EMULATOR))


def run_aarch64(
    model: quantc.Model, target: str, x: NDArray, output: NDArray, folder: Path
) -> NDArray:
    """Return what ``model``, compiled for ``target``, gives for ``x``, in an array like ``output``.

    The number of rows of ``x`` is the only size that the model may leave open.
    """
    quantc.emit(
        model, folder / "program.o", target=target, header=folder / "program.h", name="program"
    )
    (folder / "driver.c").write_text(DRIVER, encoding="ascii")
    sources = [folder / "driver.c", folder / "program.o"]
    command = [COMPILER, "-static", f"-I{folder}", *sources, "-o", folder / "driver"]
    subprocess.run(command, check=True)
    sizes = (len(x), x.nbytes, output.nbytes)
    command = [EMULATOR, "-cpu", "max", folder / "driver", *map(str, sizes)]
    result = subprocess.run(command, check=True, input=x.tobytes(), stdout=subprocess.PIPE)
    return np.frombuffer(result.stdout, output.dtype).reshape(output.shape)
