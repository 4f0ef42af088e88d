"""Normalizations and softmax."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from quantc.torch.aten.graph import Tensor
from quantc.torch.aten.table import translates
from quantc.torch.aten.translator import Translator


def _ones(t: Translator, given: Tensor | None, shape: Sequence[int]) -> str:
    return t.constant(torch.ones(shape, dtype=t.dtype)) if given is None else given.name


def _zeros(t: Translator, given: Tensor | None, shape: Sequence[int]) -> str:
    return t.constant(torch.zeros(shape, dtype=t.dtype)) if given is None else given.name


@translates("aten._native_batch_norm_legit_no_training.default")
def batch_norm(t: Translator, x: Tensor, weight: Tensor | None, bias: Tensor | None, mean: Tensor,
               variance: Tensor, momentum: float, eps: float) -> list[str | None]:  # fmt: skip
    channels = [x.shape[1]]
    value = t.emit("BatchNormalization", x, _ones(t, weight, channels), _zeros(t, bias, channels),
                   mean, variance, epsilon=eps)  # fmt: skip
    return [value, None, None]


@translates("aten._native_batch_norm_legit_functional.default", "aten._native_batch_norm_legit.default",
            "aten._native_batch_norm_legit.no_stats")  # fmt: skip
def batch_norm_training(t: Translator, *_: object) -> str:
    raise t.refuse("takes the statistics of the batch; expects a program exported after eval()")


@translates("aten.instance_norm.default")
def instance_norm(t: Translator, x: Tensor, weight: Tensor | None, bias: Tensor | None,
                  mean: Tensor | None, variance: Tensor | None, use_input_stats: bool,
                  momentum: float, eps: float, cudnn: bool) -> str:  # fmt: skip
    channels = [x.shape[1]]
    scale, shift = _ones(t, weight, channels), _zeros(t, bias, channels)
    if use_input_stats:
        return t.emit("InstanceNormalization", x, scale, shift, epsilon=eps)
    return t.emit("BatchNormalization", x, scale, shift, mean, variance, epsilon=eps)


@translates("aten.layer_norm.default")
def layer_norm(t: Translator, x: Tensor, shape: Sequence[int], weight: Tensor | None,
               bias: Tensor | None, eps: float, cudnn: bool) -> str:  # fmt: skip
    scale = _ones(t, weight, shape)
    return t.emit("LayerNormalization", x, scale, bias, axis=-len(shape), epsilon=eps)


@translates("aten.native_layer_norm.default")
def native_layer_norm(t: Translator, x: Tensor, shape: Sequence[int], weight: Tensor | None,
                      bias: Tensor | None, eps: float) -> list[str | None]:  # fmt: skip
    return [layer_norm(t, x, shape, weight, bias, eps, False), None, None]


@translates("aten.rms_norm.default")
def rms_norm(t: Translator, x: Tensor, shape: Sequence[int], weight: Tensor | None,
             eps: float | None) -> str:  # fmt: skip
    epsilon = torch.finfo(x.dtype).eps if eps is None else eps
    return t.emit("RMSNormalization", x, _ones(t, weight, shape), axis=-len(shape), epsilon=epsilon)


@translates("aten.group_norm.default")
def group_norm(t: Translator, x: Tensor, groups: int, weight: Tensor | None, bias: Tensor | None,
               eps: float, cudnn: bool) -> str:  # fmt: skip
    channels = [x.shape[1]]
    scale, shift = _ones(t, weight, channels), _zeros(t, bias, channels)
    return t.emit("GroupNormalization", x, scale, shift, num_groups=groups, epsilon=eps)


@translates("aten._softmax.default", "aten._safe_softmax.default")
def softmax(t: Translator, x: Tensor, dim: int, *_: object) -> str:
    return t.emit("Softmax", t.cast(x, t.dtype), axis=dim)


@translates("aten._log_softmax.default")
def log_softmax(t: Translator, x: Tensor, dim: int, *_: object) -> str:
    return t.emit("LogSoftmax", t.cast(x, t.dtype), axis=dim)
