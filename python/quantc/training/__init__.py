"""Training by compiled programs: plain, with simulated quantization, and of adapters."""

from quantc.training.adapter_trainer import AdapterTrainer
from quantc.training.trainer import Trainer

__all__ = ["AdapterTrainer", "Trainer"]
