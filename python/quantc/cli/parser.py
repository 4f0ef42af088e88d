"""The commands of ``quantc`` and their options."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NoReturn

import quantc
from quantc import config
from quantc.cli import commands
from quantc.compilation import MAX_CONSTANT_BYTES, SUFFIXES

BATCH_SIZE = 256

DATA_HELP = "NumPy file: .npz with an array for each input name, or .npy for a single input"
TARGET_HELP = (
    "native, x86-64, x86-64-v2, x86-64-v3, x86-64-v4, aarch64 or a CPU by its LLVM name, "
    "then features: aarch64+dotprod; several for one program, separated by commas, best first; "
    "multi is all that pay for the architecture (default: native)"
)
THREADS_HELP = (
    "threads of a call (default: 1, or what a .so was compiled for; that is also its largest)"
)


class _Parser(argparse.ArgumentParser):
    """Reports wrong arguments as every other error: one line, status 1."""

    def error(self, message: str) -> NoReturn:
        self.exit(1, f"error: {message}; see '{self.prog} --help'\n")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser; what it parses has the command's function as ``run``."""
    parser = _Parser(
        prog="quantc",
        description="Quantizes a trained FP32 model and compiles it for CPUs.",
        epilog=_examples(
            "quantc quantize model.onnx --data calib.npz --mode static -o model_int8.mlir",
            "quantc eval model_int8.mlir --data test.npz --reference model.onnx",
            "quantc compile model_int8.mlir --emit obj -o model.o --header model.h",
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"quantc {quantc.__version__}")
    subparsers = parser.add_subparsers(metavar="<command>", required=True)
    _add_import(subparsers)
    _add_quantize(subparsers)
    _add_export(subparsers)
    _add_merge(subparsers)
    _add_train(subparsers)
    _add_compile(subparsers)
    _add_run(subparsers)
    _add_eval(subparsers)
    _add_inspect(subparsers)
    _add_report(subparsers)
    _add_bench(subparsers)
    return parser


def _examples(*lines: str) -> str:
    return "examples:\n" + "\n".join(f"  {line}" for line in lines)


def _add_command(subparsers, name: str, help: str, *examples: str) -> argparse.ArgumentParser:
    parser = subparsers.add_parser(
        name,
        help=help,
        description=f"{help[0].upper()}{help[1:]}.",
        epilog=_examples(*examples),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=getattr(commands, f"run_{name}"))
    return parser


def _add_model(parser: argparse.ArgumentParser, what: str = ".onnx, .mlir or .mlirbc") -> None:
    parser.add_argument("model", type=Path, help=what)


def _add_output(parser: argparse.ArgumentParser, help: str, required: bool = True) -> None:
    parser.add_argument("-o", "--output", type=Path, required=required, metavar="FILE", help=help)


def _add_data(parser: argparse.ArgumentParser, required: bool) -> None:
    parser.add_argument("--data", type=Path, required=required, metavar="FILE", help=DATA_HELP)
    parser.add_argument(
        "--batch-size",
        type=_positive,
        default=BATCH_SIZE,
        metavar="N",
        help=f"samples in a batch (default: {BATCH_SIZE})",
    )


def _add_target(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--target", default="native", help=TARGET_HELP)


def _add_threads(parser: argparse.ArgumentParser, description: str) -> None:
    parser.add_argument("--threads", type=_positive, metavar="N", help=description)


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError
    return value


_positive.__name__ = "positive number"


def _add_import(subparsers) -> None:
    parser = _add_command(
        subparsers,
        "import",
        "turn an ONNX model into MLIR, in float form",
        "quantc import model.onnx -o model.mlir",
        "quantc import model.onnx --constant shape=shape.npy -o model.mlir",
    )
    _add_model(parser, ".onnx")
    parser.add_argument(
        "--constant",
        action="append",
        default=[],
        metavar="NAME=FILE.npy",
        help="an input that becomes a constant, and its value: a shape or axes that the model "
        "takes when it runs; may be repeated",
    )
    _add_output(parser, ".mlir, or .mlirbc for bytecode (default: text on stdout)", required=False)


def _add_quantize(subparsers) -> None:
    parser = _add_command(
        subparsers,
        "quantize",
        "quantize a model after training",
        "quantc quantize model.onnx --data calib.npz -o model_int8.mlir",
        "quantc quantize model.onnx --mode dynamic --skip 'head.*' -o model_int8.mlir",
        "quantc quantize model.onnx --weight-bits 4 --group-size 32 --mode weight-only "
        "-o model_int4.mlir",
    )
    _add_model(parser)
    _add_output(parser, ".mlir, or .mlirbc for bytecode")
    _add_config(parser)
    defaults = config.QuantizationConfig()

    group = parser.add_argument_group("calibration, for --mode static")
    _add_data(group, required=False)
    group.add_argument(
        "--adapter",
        type=Path,
        action="append",
        default=[],
        metavar="FOLDER",
        help="a LoRA adapter that the model will run with: calibrate with it too; may be repeated",
    )
    group.add_argument(
        "--calibration-file",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="statistics from an earlier --save-calibration; several are merged, also with --data",
    )
    group.add_argument(
        "--save-calibration", type=Path, metavar="FILE", help="write the statistics, as JSON"
    )
    group.add_argument(
        "--calibration",
        metavar=_hyphenated(config.CALIBRATION_METHODS),
        help=f"how ranges follow from the statistics (default: {defaults.calibration})",
    )
    group.add_argument(
        "--percentile",
        type=float,
        metavar="P",
        help=f"for --calibration percentile (default: {defaults.percentile})",
    )


def _add_config(parser: argparse.ArgumentParser) -> None:
    """Add what ``QuantizationConfig`` has, but for calibration."""
    defaults = config.QuantizationConfig()

    group = parser.add_argument_group("what and how")
    group.add_argument(
        "--weight-bits", type=int, metavar="4|8", help=f"default: {defaults.weight_bits}"
    )
    group.add_argument(
        "--weight-format",
        metavar=_hyphenated(config.WEIGHT_FORMATS),
        help="nf4: 4 bits in groups of 64, weight-only, for training adapters (default: integer)",
    )
    group.add_argument(
        "--activation-bits", type=int, metavar="8|32", help="32 is the same as --mode weight-only"
    )
    group.add_argument(
        "--mode",
        metavar=_hyphenated(config.MODES),
        help=f"where the scales of activations come from (default: {defaults.mode})",
    )
    group.add_argument(
        "--granularity",
        metavar=_hyphenated(config.GRANULARITIES),
        help="weights that share a scale (default: per-channel; per-group with --group-size)",
    )
    group.add_argument(
        "--group-size", type=int, metavar="N", help=f"8 to 256 (default: {defaults.group_size})"
    )
    group.add_argument(
        "--symmetric-weights",
        action=argparse.BooleanOptionalAction,
        help="whether zero points of weights are 0 (default: yes)",
    )
    group.add_argument(
        "--symmetric-activations",
        action=argparse.BooleanOptionalAction,
        help="whether zero points of activations are 0 (default: what suits the mode)",
    )

    group = parser.add_argument_group("layers that stay float")
    group.add_argument(
        "--skip",
        dest="skip_layers",
        action="append",
        metavar="PATTERN",
        help="a name or a regular expression of whole names; may be repeated",
    )
    for name in ("first", "last", "embedding", "output"):
        group.add_argument(f"--skip-{name}", action="store_true", default=None)


def _add_train(subparsers) -> None:
    parser = _add_command(
        subparsers,
        "train",
        "train a model so that it is accurate once it is quantized, or in float32",
        "quantc train model.onnx --data train.npz --validation test.npz -o model_int8.mlir",
        "quantc train model.onnx --data train.npz --weight-bits 4 --epochs 10 --lr 5e-4 "
        "--schedule cosine -o model_int4.mlir",
        "quantc train model.onnx --data train.npz --float -o trained.mlir",
    )
    _add_model(parser)
    _add_output(parser, "the quantized model, or with --float the trained one: .mlir or .mlirbc")

    group = parser.add_argument_group("data")
    group.add_argument(
        "--data", type=Path, required=True, metavar="FILE", help=".npz of inputs and labels"
    )
    group.add_argument(
        "--validation", type=Path, metavar="FILE", help="the same, evaluated after each epoch"
    )
    group.add_argument(
        "--labels", default="labels", metavar="NAME", help="the array of labels (default: labels)"
    )

    group = parser.add_argument_group("training")
    group.add_argument(
        "--float", action="store_true", help="train in float32, without simulated quantization"
    )
    # What is not given is left to Trainer.
    for flag, kind, metavar, help in (
        ("--loss", str, "cross-entropy|mse", "default: cross-entropy"),
        ("--optimizer", str, "sgd|momentum|adam|adamw", "default: adam"),
        ("--lr", float, "RATE", "learning rate (default: 1e-3)"),
        ("--schedule", str, "constant|cosine|linear", "of the learning rate (default: constant)"),
        ("--batch-size", int, "N", "samples in a step (default: 64)"),
        ("--epochs", int, "N", "default: 5"),
        ("--seed", int, "N", "of the order of samples (default: 0)"),
        ("--warm-up", int, "N", "steps before quantization is simulated (default: 50)"),
        ("--patience", int, "N", "end after N epochs without a better validation"),
    ):
        group.add_argument(flag, type=kind, metavar=metavar, help=help)
    group.add_argument(
        "--learned-step-size", action="store_true", default=None, help="train scales too (LSQ)"
    )

    group = parser.add_argument_group("files")
    group.add_argument(
        "--save-model", type=Path, metavar="FILE", help="write the trained float model too"
    )
    group.add_argument("--log", type=Path, metavar="FILE", help="write the history: .csv or .json")
    group.add_argument(
        "--checkpoint", type=Path, metavar="FILE", help="written after each epoch, for --resume"
    )
    group.add_argument(
        "--resume", action="store_true", help="continue from --checkpoint, if it is there"
    )
    _add_config(parser)


def _hyphenated(choices: tuple[str, ...]) -> str:
    return "|".join(choices).replace("_", "-")


def _add_export(subparsers) -> None:
    parser = _add_command(
        subparsers,
        "export",
        "write a quantized model as ONNX, with its layers as QDQ",
        "quantc export model.onnx model_int8.mlir -o model_int8.onnx",
    )
    _add_model(parser, "the model that has been quantized: .onnx")
    parser.add_argument("quantized", type=Path, help="what it became: .mlir or .mlirbc")
    _add_output(parser, ".onnx")


def _add_merge(subparsers) -> None:
    parser = _add_command(
        subparsers,
        "merge",
        "merge a LoRA adapter into the weights of a model",
        "quantc merge model_int8.mlir adapter/ -o merged.mlir --report",
        "quantc merge model_int8.mlir adapter/ --data calib.npz -o merged.mlir --report",
    )
    _add_model(parser)
    parser.add_argument(
        "adapter",
        type=Path,
        help="PEFT folder with adapter_config.json and adapter_model.safetensors",
    )
    _add_output(parser, ".mlir, or .mlirbc for bytecode")
    parser.add_argument(
        "--report",
        action="store_true",
        help="print how much of the adapter is left in each layer after rounding, and advice",
    )
    parser.add_argument(
        "--keep-base",
        action="store_true",
        help="keep the weights of the base in the file, so that merging can be undone",
    )
    group = parser.add_argument_group("inputs of the layers, for --report")
    _add_data(group, required=False)


def _add_compile(subparsers) -> None:
    parser = _add_command(
        subparsers,
        "compile",
        "compile a model to an object file, assembly, LLVM IR or a shared library",
        "quantc compile model_int8.mlir -o model_int8.so",
        "quantc compile model_int8.mlir --target x86-64-v4 --emit obj -o model.o --header model.h",
        "quantc compile model_int8.mlir --target aarch64+dotprod --emit asm -o model.s",
    )
    _add_model(parser)
    _add_output(parser, "the file to write")
    _add_target(parser)
    _add_threads(parser, "the most threads that a call uses (default: 1)")
    parser.add_argument(
        "--emit",
        choices=list(SUFFIXES),
        help="what to write (default: by the ending of -o: " + ", ".join(SUFFIXES.values()) + ")",
    )
    parser.add_argument("--header", type=Path, metavar="FILE", help="write the C header too")
    parser.add_argument(
        "--name", help="prefix of the exported C symbols (default: the stem of the output file)"
    )
    parser.add_argument(
        "--max-constant-bytes",
        type=int,
        default=MAX_CONSTANT_BYTES,
        metavar="N",
        help="put more bytes of weights than this into a .params file (default: 64 MiB)",
    )


def _add_run(subparsers) -> None:
    parser = _add_command(
        subparsers,
        "run",
        "run a model on data",
        "quantc run model_int8.so --data test.npz -o outputs.npz",
        "quantc run model_int8.mlir --data test.npz --interpret",
    )
    _add_model(parser, ".onnx, .mlir, .mlirbc, or .so as made by quantc compile")
    _add_data(parser, required=True)
    _add_output(parser, ".npz with an array for each output (default: print them)", required=False)
    parser.add_argument(
        "--interpret", action="store_true", help="use the reference interpreter (slow)"
    )
    _add_threads(parser, THREADS_HELP)


def _add_eval(subparsers) -> None:
    parser = _add_command(
        subparsers,
        "eval",
        "measure the accuracy of a model on data",
        "quantc eval model_int8.mlir --data test.npz --reference model.onnx",
    )
    _add_model(parser, ".onnx, .mlir, .mlirbc, or .so as made by quantc compile")
    _add_data(parser, required=True)
    parser.add_argument(
        "--labels",
        default="labels",
        metavar="NAME",
        help="the array of --data with the class of each sample (default: labels)",
    )
    parser.add_argument(
        "--reference", type=Path, metavar="MODEL", help="another model to compare outputs with"
    )
    _add_threads(parser, THREADS_HELP)


def _add_inspect(subparsers) -> None:
    parser = _add_command(
        subparsers,
        "inspect",
        "list inputs, outputs and layers, and what became of each layer",
        "quantc inspect model_int8.mlir",
    )
    _add_model(parser, ".onnx, .mlir, .mlirbc, or .so as made by quantc compile")


def _add_report(subparsers) -> None:
    parser = _add_command(
        subparsers,
        "report",
        "write an HTML report on quantized models: scales and error of every layer",
        "quantc report model.onnx model_int8.mlir model_int4.mlir -o report.html",
    )
    _add_model(parser, "the float model: .onnx, .mlir or .mlirbc")
    parser.add_argument("quantized", type=Path, nargs="+", help=".mlir or .mlirbc")
    _add_output(parser, ".html")


def _add_bench(subparsers) -> None:
    parser = _add_command(
        subparsers,
        "bench",
        "compare the latency of models, on random data; on one core with one thread",
        "quantc bench model.onnx model_int8.mlir model_int4.mlir --batch 1 256",
    )
    parser.add_argument("models", type=Path, nargs="+", help=".onnx, .mlir, .mlirbc or .so")
    parser.add_argument(
        "--batch",
        type=_positive,
        nargs="+",
        default=[1, BATCH_SIZE],
        metavar="N",
        help=f"sizes of dynamic dimensions (default: 1 {BATCH_SIZE})",
    )
    _add_target(parser)
    _add_threads(parser, THREADS_HELP)
