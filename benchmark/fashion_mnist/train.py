"""Train a 784-128-10 ReLU MLP in FP32 on Fashion-MNIST with NumPy; write it as ONNX.

Usage: ``OPENBLAS_NUM_THREADS=1 python train.py [--output mlp.onnx] [--epochs 25] [--seed 0]``

The run is seeded, the number of epochs is fixed, and the test set takes no part in training: it
is only used at the end, to report the accuracy. Repeated runs write identical bytes as long as
NumPy's matrix product rounds alike, which takes the same BLAS, thread count and kind of CPU.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

import data

Array = NDArray[np.float32]
Params = dict[str, Array]

INPUTS, HIDDEN, CLASSES = 784, 128, 10
BATCH = 64
LEARNING_RATE = 1e-3
WEIGHT_DECAY = 0.01
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8
OPSET, IR_VERSION = 17, 8


def init_params(rng: np.random.Generator) -> Params:
    """Return He-initialised weights, [outputs, inputs], and zero biases."""

    def weight(outputs: int, inputs: int) -> Array:
        return rng.standard_normal((outputs, inputs), dtype=np.float32) * np.float32(
            np.sqrt(2 / inputs)
        )

    return {
        "fc1.weight": weight(HIDDEN, INPUTS),
        "fc1.bias": np.zeros(HIDDEN, np.float32),
        "fc2.weight": weight(CLASSES, HIDDEN),
        "fc2.bias": np.zeros(CLASSES, np.float32),
    }


def forward(params: Params, images: Array) -> tuple[Array, Array]:
    """Return the hidden activations and the logits."""
    hidden = np.maximum(images @ params["fc1.weight"].T + params["fc1.bias"], 0)
    return hidden, hidden @ params["fc2.weight"].T + params["fc2.bias"]


def loss_and_grads(
    params: Params, images: Array, labels: NDArray[np.int64]
) -> tuple[float, Params]:
    """Return the mean cross-entropy of a batch and its gradients."""
    hidden, logits = forward(params, images)
    rows = np.arange(len(labels))
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -float(log_probs[rows, labels].mean())

    d_logits = np.exp(log_probs)
    d_logits[rows, labels] -= 1
    d_logits /= len(labels)
    d_hidden = (d_logits @ params["fc2.weight"]) * (hidden > 0)
    return loss, {
        "fc1.weight": d_hidden.T @ images,
        "fc1.bias": d_hidden.sum(axis=0),
        "fc2.weight": d_logits.T @ hidden,
        "fc2.bias": d_logits.sum(axis=0),
    }


def train(images: Array, labels: NDArray[np.int64], epochs: int, seed: int) -> Params:
    """Train with Adam, decoupled weight decay and a cosine learning-rate schedule."""
    rng = np.random.default_rng(seed)
    params = init_params(rng)
    mean = {name: np.zeros_like(value) for name, value in params.items()}
    var = {name: np.zeros_like(value) for name, value in params.items()}
    total_steps = epochs * -(-len(images) // BATCH)
    step = 0

    for epoch in range(1, epochs + 1):
        order = rng.permutation(len(images))
        loss_sum = 0.0
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            loss, grads = loss_and_grads(params, images[batch], labels[batch])
            loss_sum += loss * len(batch)
            rate = LEARNING_RATE * 0.5 * (1 + float(np.cos(np.pi * step / total_steps)))
            step += 1
            for name, grad in grads.items():
                mean[name] += (1 - BETA1) * (grad - mean[name])
                var[name] += (1 - BETA2) * (grad * grad - var[name])
                mean_hat = mean[name] / (1 - BETA1**step)
                var_hat = var[name] / (1 - BETA2**step)
                if name.endswith(".weight"):
                    params[name] *= 1 - rate * WEIGHT_DECAY
                params[name] -= rate * mean_hat / (np.sqrt(var_hat) + EPSILON)
        print(f"epoch {epoch:2d}/{epochs}  train loss {loss_sum / len(images):.4f}", flush=True)
    return params


def accuracy(params: Params, images: Array, labels: NDArray[np.int64]) -> float:
    """Return the fraction of images classified correctly."""
    return float((forward(params, images)[1].argmax(axis=1) == labels).mean())


def build_model(params: Params) -> onnx.ModelProto:
    """Return the checked ONNX model; it holds nothing that depends on the date or machine."""
    nodes = [
        helper.make_node(
            "Gemm", ["image", "fc1.weight", "fc1.bias"], ["fc1_out"], name="fc1", transB=1
        ),
        helper.make_node("Relu", ["fc1_out"], ["relu1_out"], name="relu1"),
        helper.make_node(
            "Gemm", ["relu1_out", "fc2.weight", "fc2.bias"], ["logits"], name="fc2", transB=1
        ),
    ]
    graph = helper.make_graph(
        nodes,
        "fashion_mnist_mlp",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", INPUTS])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", CLASSES])],
        [numpy_helper.from_array(value, name) for name, value in params.items()],
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="quantc-benchmark",
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def main() -> None:
    """Train the network, report its test accuracy and write the ONNX file."""
    parser = argparse.ArgumentParser(description="Train the Fashion-MNIST MLP; write it as ONNX.")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("mlp.onnx"))
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    try:
        train_set, test_set = data.load("train"), data.load("test")
    except FileNotFoundError as error:
        raise SystemExit(f"error: {error}") from None
    params = train(*train_set, epochs=args.epochs, seed=args.seed)
    print(f"test accuracy {accuracy(params, *test_set):.2%}")
    args.output.write_bytes(build_model(params).SerializeToString(deterministic=True))
    print(f"wrote {args.output}")


if __name__ == "__main__":
    main()
