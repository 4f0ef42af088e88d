"""Training by compiled programs: plain, and with simulated quantization."""

from quantc.training.trainer import Trainer

__all__ = ["Trainer"]
