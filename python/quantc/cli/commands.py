"""What each command of ``quantc`` does."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import quantc
from quantc.cli import tables
from quantc.cli.data import Batch, Dataset, read_array
from quantc.errors import Error
from quantc.progress import track

Runner = quantc.Model | quantc.Program


def run_import(arguments: argparse.Namespace) -> None:
    """``quantc import``."""
    constants = {}
    for text in arguments.constant:
        name, _, path = text.partition("=")
        if not name or not path:
            raise Error(f"--constant {text}: expected NAME=FILE.npy")
        constants[name] = read_array(Path(path))
    model = quantc.load(arguments.model, constants=constants)
    if arguments.output:
        model.save(arguments.output)
    else:
        sys.stdout.write(model.mlir())


def run_quantize(arguments: argparse.Namespace) -> None:
    """``quantc quantize``."""
    config = _get_config(arguments)
    model = quantc.load(arguments.model)
    statistics = _get_statistics(arguments, model, config) if config.mode == "static" else None
    quantized = quantc.quantize(model, config, calibration_data=statistics)
    if arguments.save_calibration and statistics:
        statistics.save(arguments.save_calibration)
    quantized.save(arguments.output)


def _get_config(arguments: argparse.Namespace) -> quantc.QuantizationConfig:
    values = {
        field.name: value
        for field in fields(quantc.QuantizationConfig)
        if (value := getattr(arguments, field.name, None)) is not None
    }
    if "group_size" in values:
        values.setdefault("granularity", "per_group")
    return quantc.QuantizationConfig(**values)


def _get_statistics(
    arguments: argparse.Namespace, model: quantc.Model, config: quantc.QuantizationConfig
) -> quantc.CalibrationTable:
    histogram = config.calibration == "percentile"
    tables = [quantc.CalibrationTable.load(path) for path in arguments.calibration_file]
    if arguments.data:
        data = Dataset(arguments.data, model.inputs, arguments.batch_size)
        adapters = [quantc.load_adapter(folder) for folder in arguments.adapter]
        tables.append(
            quantc.calibrate(
                model, data, histogram=histogram, adapters=adapters, source=str(arguments.data)
            )
        )
    if not tables:
        raise Error(
            f"{arguments.model}: static quantization needs the ranges of activations; "
            "give --data or --calibration-file, or choose --mode dynamic"
        )
    merged = tables[0]
    for table in tables[1:]:
        merged = merged.merge(table)
    return merged


def run_export(arguments: argparse.Namespace) -> None:
    """``quantc export``."""
    quantized = quantc.load(arguments.quantized)
    quantc.export_onnx(arguments.model, quantized, arguments.output)


def run_merge(arguments: argparse.Namespace) -> None:
    """``quantc merge``."""
    model = quantc.load(arguments.model)
    data = None
    if arguments.data:
        data = Dataset(arguments.data, model.inputs, arguments.batch_size)
    merged, survival = quantc.merge_lora(
        model, arguments.adapter, keep_base=arguments.keep_base, calibration_data=data
    )
    merged.save(arguments.output)
    if arguments.report:
        print(survival)


TRAINER_OPTIONS = [
    "loss",
    "optimizer",
    "lr",
    "schedule",
    "batch_size",
    "epochs",
    "seed",
    "warm_up",
    "patience",
    "learned_step_size",
]


def run_train(arguments: argparse.Namespace) -> None:
    """``quantc train``."""
    config = None if arguments.float else _get_config(arguments)
    # Training takes long; what could not be written is said before it.
    for path in (arguments.output, arguments.save_model, arguments.log, arguments.checkpoint):
        if path is not None and not path.parent.is_dir():
            raise Error(f"{path}: cannot be written: No such file or directory")
    model = quantc.load(arguments.model)
    options = {
        name: value.replace("-", "_") if isinstance(value, str) else value
        for name in TRAINER_OPTIONS
        if (value := getattr(arguments, name)) is not None
    }
    trainer = quantc.Trainer(model, config, **options)
    if arguments.resume:
        if arguments.checkpoint is None:
            raise Error("--resume continues from a checkpoint; name it with --checkpoint")
        if arguments.checkpoint.exists():
            trainer.load(arguments.checkpoint)
    x, labels = _read_samples(arguments, arguments.data, model)
    validation = None
    if arguments.validation:
        validation = _read_samples(arguments, arguments.validation, model)
    try:
        trainer.fit(x, labels, validation, log=arguments.log, checkpoint=arguments.checkpoint)
    except Error as error:
        # Errors name the argument where the file is meant.
        files = {"x: ": arguments.data, "validation: ": arguments.validation}
        messages = error.messages
        for opening, path in files.items():
            messages = [
                f"{path}: {m.removeprefix(opening)}" if m.startswith(opening) else m
                for m in messages
            ]
        raise Error(*messages) from None
    if arguments.save_model:
        trainer.model().save(arguments.save_model)
    trainer.convert().save(arguments.output)
    tables.print_history(trainer.history)


def _read_samples(
    arguments: argparse.Namespace, path: Path, model: quantc.Model
) -> tuple[Batch, NDArray]:
    data = Dataset(path, model.inputs, 1, arguments.labels)
    if data.labels is None:
        raise Error(f"{path}: no array '{arguments.labels}'; name the labels with --labels")
    return data.arrays, data.labels


def run_compile(arguments: argparse.Namespace) -> None:
    """``quantc compile``."""
    quantc.emit(
        quantc.load(arguments.model),
        arguments.output,
        kind=arguments.emit,
        target=arguments.target,
        threads=arguments.threads or 1,
        header=arguments.header,
        name=arguments.name,
        max_constant_bytes=arguments.max_constant_bytes,
    )


def run_run(arguments: argparse.Namespace) -> None:
    """``quantc run``."""
    runner = _load_runner(arguments.model, arguments.threads)
    call = _get_call(runner, arguments.threads, interpret=arguments.interpret)
    data = Dataset(arguments.data, runner.inputs, arguments.batch_size)
    outputs = _run_batches(runner, call, data)
    if arguments.output:
        tables.write_arrays(arguments.output, outputs)
        return
    for name, array in outputs.items():
        print(f"{name}: {array.dtype}{array.shape}")
        print(np.array2string(array, threshold=100, edgeitems=3, precision=6))


def run_eval(arguments: argparse.Namespace) -> None:
    """``quantc eval``."""
    runner = _load_runner(arguments.model, arguments.threads)
    data = Dataset(arguments.data, runner.inputs, arguments.batch_size, arguments.labels)
    if data.labels is None and arguments.reference is None:
        raise Error(
            f"{arguments.data}: no array '{arguments.labels}' with the classes; "
            "name it with --labels, or give --reference"
        )
    outputs = _run_batches(runner, _get_call(runner, arguments.threads), data)
    rows = [("samples", f"{data.samples}")]
    if data.labels is not None:
        rows.append(("accuracy", f"{_get_accuracy(outputs, data.labels):.2%}"))
    if arguments.reference:
        reference = _load_runner(arguments.reference, arguments.threads)
        expected = _run_batches(reference, _get_call(reference, arguments.threads), data)
        if data.labels is not None:
            accuracy = _get_accuracy(expected, data.labels)
            rows.append(("accuracy of the reference", f"{accuracy:.2%}"))
        for name in expected:
            if name not in outputs or outputs[name].shape != expected[name].shape:
                raise Error(f"{arguments.reference}: output '{name}' is not one of both models")
            rows += _compare(name, outputs[name], expected[name])
    tables.print_pairs(rows)


def _get_accuracy(outputs: Batch, labels: NDArray) -> float:
    scores = next(iter(outputs.values()))
    return float((scores.reshape(len(labels), -1).argmax(axis=1) == labels).mean())


def _compare(name: str, actual: NDArray, expected: NDArray) -> list[tuple[str, str]]:
    difference = actual.astype(np.float64) - expected
    return [
        (f"{name}: largest difference", f"{np.abs(difference).max():.4g}"),
        (f"{name}: signal to noise", tables.format_decibels(expected, difference)),
    ]


def run_inspect(arguments: argparse.Namespace) -> None:
    """``quantc inspect``."""
    runner = _load_runner(arguments.model)
    if isinstance(runner, quantc.Program):
        tables.print_program(runner, arguments.model.stat().st_size)
    else:
        tables.print_model(runner)


def run_report(arguments: argparse.Namespace) -> None:
    """``quantc report``."""
    from quantc.report.report import Report

    model = quantc.load(arguments.model)
    report = Report(f"{arguments.model.name}, quantized")
    for path in arguments.quantized:
        report.add_model(path.stem, quantc.load(path), model)
    report.save(arguments.output)


def run_bench(arguments: argparse.Namespace) -> None:
    """``quantc bench``."""
    from quantc.timing import measure, pin_to_one_core

    programs = {
        str(path): _load_program(path, arguments.target, arguments.threads)
        for path in arguments.models
    }
    if all(program.threads == 1 for program in programs.values()):
        pin_to_one_core()
    rows: dict[str, list[float]] = {}
    for path, program in track(list(programs.items()), "Measuring"):
        batches = [_get_random_inputs(program, size) for size in arguments.batch]
        rows[path] = [measure(partial(program, inputs)) for inputs in batches]
    tables.print_latencies(rows, arguments.batch)


def _get_random_inputs(program: quantc.Program, size: int) -> Batch:
    random = np.random.default_rng(0)
    inputs = {}
    for port in program.inputs:
        shape = [size if isinstance(dim, str) else dim for dim in port.shape]
        # Integers are likely to be indices; 0 exists in every table.
        inputs[port.name] = (
            random.random(shape).astype(port.dtype)
            if port.dtype.startswith("float")
            else np.zeros(shape, port.dtype)
        )
    return inputs


def _load_runner(path: Path, threads: int | None = None) -> Runner:
    return quantc.load_program(path, threads) if path.suffix == ".so" else quantc.load(path)


def _load_program(path: Path, target: str, threads: int | None) -> quantc.Program:
    runner = _load_runner(path, threads)
    if isinstance(runner, quantc.Program):
        return runner
    return quantc.compile(runner, target, threads or 1)


def _get_call(
    runner: Runner, threads: int | None, interpret: bool = False
) -> Callable[[Batch], object]:
    if isinstance(runner, quantc.Program):
        if interpret:
            raise Error("a compiled program cannot be interpreted; give the .mlir or .onnx model")
        return runner
    return (
        (lambda inputs: quantc.interpret(runner, inputs))
        if interpret
        else quantc.compile(runner, threads=threads or 1)
    )


def _run_batches(runner: Runner, call: Callable[[Batch], object], data: Dataset) -> Batch:
    """Run every batch; return each output with the batches joined along its first dimension."""
    parts: dict[str, list[NDArray]] = {port.name: [] for port in runner.outputs}
    for index, batch in enumerate(track(data, "Running")):
        try:
            results = call(batch)
        except Error as error:
            raise Error(*(f"{data.path}: batch {index}: {m}" for m in error.messages)) from None
        if not isinstance(results, dict):
            results = {runner.outputs[0].name: results}
        for name, array in results.items():
            parts[name].append(array)
    return {
        name: arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
        for name, arrays in parts.items()
    }
