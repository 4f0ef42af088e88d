"""The convolutional network of ``fashion_mnist/train_cnn.py`` on the images of Fashion-MNIST."""

from __future__ import annotations

from pathlib import Path

from fashion_mnist import data
from real_models.model import MissingError, RealModel

MODEL = Path(data.__file__).with_name("cnn.onnx")
FIRST_LAYER = "/0/Conv"
CALIBRATION_IMAGES = 512


def make(samples: int = 10_000) -> RealModel:
    """Return the network with ``samples`` of the 10,000 test images."""
    try:
        (images, _), (tests, labels) = data.load("train"), data.load("test")
    except FileNotFoundError as error:
        raise MissingError(str(error)) from None
    shape = (-1, 1, 28, 28)
    return RealModel(
        name="fashion cnn",
        path=MODEL,
        metric="accuracy",
        samples={"image": tests[:samples].reshape(shape)},
        calibration={"image": images[:CALIBRATION_IMAGES].reshape(shape)},
        labels=labels[:samples],
    )
