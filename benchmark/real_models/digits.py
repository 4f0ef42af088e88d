"""Five kinds of networks on scikit-learn's digits: 8x8 pixels, trained here within seconds."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from real_models.model import MissingError, RealModel

if TYPE_CHECKING:
    import torch

NAMES = ("mlp", "cnn", "lstm", "gru", "vit")
TRAINING_IMAGES = 1000
"""Of 1,797; the others are the samples."""
EPOCHS, BATCH, LEARNING_RATE = 24, 50, 3e-3
CALIBRATION_IMAGES = 128


def load() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the images, float32 [n, 8, 8] in [0, 1], in a seeded order, and their labels."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise MissingError("the digits need the package scikit-learn") from None
    digits = load_digits()
    order = np.random.default_rng(0).permutation(len(digits.images))
    images = digits.images.astype(np.float32) / np.float32(16)
    return images[order], digits.target[order].astype(np.int64)


def make(name: str, folder: Path) -> RealModel:
    """Train the network ``name`` and write it to ``folder``."""
    images, labels = load()
    try:
        import torch
    except ImportError:
        raise MissingError("the digits are trained by the package torch") from None
    threads = torch.get_num_threads()
    # Sums in another order would train another network.
    torch.set_num_threads(1)
    try:
        module = _train(_build(name), images[:TRAINING_IMAGES], labels[:TRAINING_IMAGES])
        path = export(module, torch.from_numpy(images[:2]), "image", folder / f"digits-{name}.onnx")
    finally:
        torch.set_num_threads(threads)
    return RealModel(
        name=f"digits {name}",
        path=path,
        metric="accuracy",
        samples={"image": images[TRAINING_IMAGES:]},
        calibration={"image": images[:CALIBRATION_IMAGES]},
        labels=labels[TRAINING_IMAGES:],
    )


def export(module: torch.nn.Module, example: torch.Tensor, name: str, path: Path) -> Path:
    """Write ``module`` of one input ``name`` as ONNX with a batch of any size."""
    import torch

    with warnings.catch_warnings():
        # It is kept for operators such as LSTM, which the new exporter writes out.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            (example,),
            path,
            dynamo=False,
            input_names=[name],
            output_names=["output"],
            dynamic_axes={name: {0: "batch"}, "output": {0: "batch"}},
        )
    return path


def _train(
    module: torch.nn.Module, images: NDArray[np.float32], labels: NDArray[np.int64]
) -> torch.nn.Module:
    """Train by Adam with a cosine schedule."""
    import torch

    torch.manual_seed(0)
    module.apply(lambda part: getattr(part, "reset_parameters", lambda: None)())
    optimizer = torch.optim.Adam(module.parameters(), LEARNING_RATE)
    steps = EPOCHS * (len(images) // BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    x, y = torch.from_numpy(images), torch.from_numpy(labels)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(x)).split(BATCH):
            loss = torch.nn.functional.cross_entropy(module(x[batch]), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return module


def _build(name: str) -> torch.nn.Module:
    from torch import nn

    class Recurrent(nn.Module):
        """Reads the rows of an image from top to bottom."""

        def __init__(self, cell: type[nn.RNNBase]) -> None:
            super().__init__()
            self.cell = cell(8, 48, batch_first=True)
            self.classify = nn.Linear(48, 10)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.classify(self.cell(x)[0][:, -1])

    class Block(nn.Module):
        """A layer of a transformer, normalized first."""

        def __init__(self, width: int, heads: int) -> None:
            super().__init__()
            self.heads = heads
            self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
            self.qkv, self.project = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.expand, self.contract = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            _, tokens, width = x.shape
            parts = self.qkv(self.norm1(x)).reshape(-1, tokens, 3, self.heads, width // self.heads)
            query, key, value = parts.permute(2, 0, 3, 1, 4)
            scores = query @ key.transpose(-1, -2) / math.sqrt(width // self.heads)
            mixed = (scores.softmax(-1) @ value).transpose(1, 2).reshape(-1, tokens, width)
            x = x + self.project(mixed)
            hidden = nn.functional.gelu(self.expand(self.norm2(x)))
            return x + self.contract(hidden)

    class VisionTransformer(nn.Module):
        """Sixteen tokens of 2x2 pixels, two layers, the mean of the tokens."""

        def __init__(self, width: int = 32) -> None:
            super().__init__()
            self.embed = nn.Conv2d(1, width, 2, stride=2)
            self.place = nn.Embedding(16, width)
            self.blocks = nn.Sequential(Block(width, 4), Block(width, 4))
            self.norm, self.classify = nn.LayerNorm(width), nn.Linear(width, 10)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            tokens = self.embed(x[:, None]).flatten(2).transpose(1, 2) + self.place.weight
            return self.classify(self.norm(self.blocks(tokens)).mean(1))

    if name == "mlp":
        return nn.Sequential(
            nn.Flatten(),
            *(nn.Linear(64, 64), nn.ReLU()),
            *(nn.Linear(64, 32), nn.ReLU()),
            nn.Linear(32, 10),
        )
    if name == "cnn":
        return nn.Sequential(
            nn.Unflatten(1, (1, 8)),
            *(nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2)),
            nn.Flatten(),
            nn.Linear(128, 10),
        )
    if name in ("lstm", "gru"):
        return Recurrent(nn.LSTM if name == "lstm" else nn.GRU)
    return VisionTransformer()
