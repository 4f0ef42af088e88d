"""The main job on real data: quantize, compile and evaluate an FP32 model in every mode.

``./dev demo`` runs this. It prints one table and leaves shared libraries, a C header, quantized
programs and an HTML report in ``demo-output``.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

import magika
import peers
import quantc
import training
from fashion_mnist import data
from quantc.progress import track
from quantc.timing import measure_interleaved, pin_to_one_core
from results import (
    BATCH_SIZES,
    OURS,
    TABLE_WIDTH,
    Result,
    Run,
    print_results,
    write_report,
)

ROOT = Path(__file__).resolve().parent.parent
MODEL = ROOT / "benchmark" / "fashion_mnist" / "mlp.onnx"

CALIBRATION_IMAGES = 1000
EVALUATION_BATCH = 256

Config = quantc.QuantizationConfig
CONFIGS = {
    "INT8 static": Config(weight_bits=8, mode="static"),
    "INT8 dynamic": Config(weight_bits=8, mode="dynamic"),
    "INT8 weight-only": Config(weight_bits=8, mode="weight_only"),
    "INT4 weight-only": Config(weight_bits=4, mode="weight_only"),
    "INT4 group 32 weight-only": Config(
        4, mode="weight_only", granularity="per_group", group_size=32
    ),
    "INT4 group 32 dynamic": Config(4, mode="dynamic", granularity="per_group", group_size=32),
    "INT4 group 32 static": Config(4, mode="static", granularity="per_group", group_size=32),
}
"""All with symmetric weights and, where not said otherwise, a scale for each output channel."""

SAVED = {"INT8 static": "model_int8", "INT4 group 32 static": "model_int4"}
"""What is left in the output folder, and under which name."""


def main() -> None:
    """Run the demo."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=ROOT / "demo-output")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    # A narrow terminal wraps lines; it must not hide columns.
    console = Console(highlight=False, width=max(Console().width, TABLE_WIDTH))
    try:
        # First, on all cores: measuring pins the process to one.
        sections = training.get_sections(arguments.output)
        results, models = run_fashion_mnist(arguments.output)
        print_results(console, results)
        training.print_sections(console, sections)
        write_report(arguments.output / "report.html", results, models, sections)
        magika.run(console)
    except (quantc.Error, FileNotFoundError) as error:
        raise SystemExit(f"error: {error}") from None
    console.print(f"\nLeft in {arguments.output}:")
    for path in sorted(arguments.output.iterdir()):
        console.print(f"  {path.name}  {path.stat().st_size:,} bytes")


def run_fashion_mnist(output: Path) -> tuple[list[Result], dict[str, quantc.Model]]:
    """Measure every mode and onnxruntime; return the results and our models by mode."""
    images, labels = data.load("test")
    calibration = data.load("train")[0][:CALIBRATION_IMAGES]

    model = quantc.load(MODEL)
    statistics = quantc.calibrate(model, np.array_split(calibration, 10))
    models = {"FP32": model}
    for mode, config in CONFIGS.items():
        models[mode] = quantc.quantize(model, config, statistics)

    with tempfile.TemporaryDirectory() as scratch:
        runs = [
            compile_mode(mode, quantized, Path(scratch))
            for mode, quantized in track(models.items(), "Compiling")
        ]
        runs += peers.make_runs(MODEL, calibration, Path(scratch))
    for mode, name in SAVED.items():
        models[mode].save(output / f"{name}.mlir")
        quantc.emit(models[mode], output / f"{name}.so", header=output / f"{name}.h")
    return measure(runs, images, labels), models


def compile_mode(mode: str, model: quantc.Model, folder: Path) -> Run:
    """Compile ``model`` for this machine, one thread."""
    program = quantc.compile(model)
    path = folder / "program.so"
    program.save(path)
    return Run(
        mode=mode,
        source=OURS,
        prepare=lambda batch: lambda: program(batch),
        predict=program,
        weight_bytes=sum(layer.weight_bytes for layer in model.layers.values()),
        file_bytes=path.stat().st_size,
    )


def measure(runs: list[Run], images: NDArray, labels: NDArray) -> list[Result]:
    """Evaluate all images and time every run, on one core."""
    pin_to_one_core()
    latencies: list[list[float]] = [[] for _ in runs]
    for size in track(BATCH_SIZES, "Measuring latency"):
        calls = [run.prepare(np.ascontiguousarray(images[:size])) for run in runs]
        for index, seconds in enumerate(measure_interleaved(calls)):
            latencies[index].append(seconds)
    return [
        Result(run, get_accuracy(run, images, labels), tuple(seconds))
        for run, seconds in zip(track(runs, "Evaluating"), latencies, strict=True)
    ]


def get_accuracy(run: Run, images: NDArray, labels: NDArray) -> float:
    """Return the fraction of ``images`` that are classified correctly."""
    correct = 0
    for start in range(0, len(images), EVALUATION_BATCH):
        rows = slice(start, start + EVALUATION_BATCH)
        correct += int((run.predict(images[rows]).argmax(axis=1) == labels[rows]).sum())
    return correct / len(images)


if __name__ == "__main__":
    main()
