"""Train a convolutional network in FP32 on Fashion-MNIST with PyTorch; write it as ONNX.

Usage: ``PYTHONPATH=.. python train_cnn.py [--output cnn.onnx] [--epochs 10] [--seed 0]``

Two convolutions of 3x3, each with ReLU and pooling, and a linear layer. The number of epochs is
fixed, and the test set is only used at the end, to report the accuracy.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import nn

import data
from real_models.digits import export

CHANNELS = (32, 64)
BATCH, LEARNING_RATE, WEIGHT_DECAY = 64, 2e-3, 1e-2


def build() -> nn.Sequential:
    """Return the network with random weights: [n, 1, 28, 28] to [n, 10]."""
    first, second = CHANNELS
    return nn.Sequential(
        *(nn.Conv2d(1, first, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(first, second, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Dropout(0.3)),
        nn.Linear(second * 7 * 7, 10),
    )


def load(split: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Return images [n, 1, 28, 28] and labels of a split."""
    images, labels = data.load(split)
    return torch.from_numpy(images.reshape(-1, 1, 28, 28)), torch.from_numpy(labels)


def train(network: nn.Module, epochs: int) -> None:
    """Train by AdamW, with a schedule of one cycle."""
    images, labels = load("train")
    optimizer = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    steps = epochs * -(-len(images) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, steps)
    for epoch in range(1, epochs + 1):
        total = 0.0
        for batch in torch.randperm(len(images)).split(BATCH):
            loss = nn.functional.cross_entropy(network(images[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * len(batch)
        print(f"epoch {epoch}/{epochs}  train loss {total / len(images):.4f}", flush=True)


def main() -> None:
    """Train the network, report its test accuracy and write the ONNX file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("cnn.onnx"))
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    network = build()
    train(network, arguments.epochs)
    images, labels = load("test")
    with torch.no_grad():
        predicted = network.eval()(images).argmax(1)
    print(f"test accuracy {(predicted == labels).double().mean():.2%}")
    export(network, images[:2], "image", arguments.output)
    print(f"wrote {arguments.output}")


if __name__ == "__main__":
    main()
