"""Modules of PyTorch by way of torch.export, against what they compute themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("onnx", reason="onnx is not installed")

from torch import Tensor, nn
from torch.nn import functional as F

import quantc
import quantc.torch as qt

Function = Callable[..., Any]


class Functions(nn.Module):
    """Computes each of ``functions`` on the same inputs."""

    def __init__(self, functions: dict[str, Function]) -> None:
        super().__init__()
        self.functions = functions

    def forward(self, *inputs: Tensor) -> dict[str, Any]:
        return {name: function(*inputs) for name, function in self.functions.items()}


def floats(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


def run(model: quantc.Model, *inputs: Tensor) -> dict[str, np.ndarray]:
    """The outputs of the interpreter, by name."""
    names = [port.name for port in model.inputs]
    result = quantc.interpret(model, dict(zip(names, (x.numpy() for x in inputs), strict=True)))
    return {"output": result} if isinstance(result, np.ndarray) else result


def flatten(prefix: str, value: Any) -> dict[str, Tensor]:
    if isinstance(value, Tensor):
        return {prefix: value}
    return {
        name: tensor
        for index, item in enumerate(value)
        for name, tensor in flatten(f"{prefix}_{index}", item).items()
    }


def check(functions: dict[str, Function], *inputs: Tensor, batch: bool = True,
          tolerance: float = 2e-6) -> quantc.Model:  # fmt: skip
    """Compare all outputs with torch, at another batch than that of the export."""
    module = Functions(functions)
    model = qt.load(module, inputs, dynamic_shapes=None if batch else {})
    if batch:
        inputs = tuple(torch.cat([x, x.flip(0)]) if x.ndim else x for x in inputs)
    actual = run(model, *inputs)
    expected = {
        key: tensor
        for name, value in module(*inputs).items()
        for key, tensor in flatten(name, value).items()
    }
    assert list(actual) == list(expected)
    for name, tensor in expected.items():
        reference = tensor.detach().numpy()
        assert actual[name].dtype == reference.dtype, name
        assert actual[name].shape == reference.shape, name
        np.testing.assert_allclose(actual[name], reference, tolerance, tolerance, err_msg=name)
    return model


def test_elementwise() -> None:
    check(
        {
            "add": lambda x, n: x + n,
            "add_alpha": lambda x, n: torch.add(x, n, alpha=2),
            "sub": lambda x, n: 1 - x,
            "sub_alpha": lambda x, n: torch.sub(x, x * 2, alpha=0.5),
            "mul": lambda x, n: 2 * x * n,
            "div": lambda x, n: n / 4,
            "floor": lambda x, n: torch.div(x, 0.5, rounding_mode="floor"),
            "trunc": lambda x, n: torch.div(n, 3, rounding_mode="trunc"),
            "floor_int": lambda x, n: [n // 2, n // -2, torch.div(x, 0.3, rounding_mode="trunc")],
            "remainder": lambda x, n: [x % 0.7, n % 3, x % -0.7, torch.fmod(x, 0.7), x.trunc()],
            "log2": lambda x, n: x.abs().log2() + x.abs().log10(),
            "pow": lambda x, n: x**2 + x.abs() ** 0.5 + 2**x,
            "sqrt": lambda x, n: x.abs().sqrt() + (1 + x.abs()).rsqrt(),
            "neg": lambda x, n: (-x).exp() + x.abs().log() + x.square(),
            "where": lambda x, n: torch.where(x > 0.5, x, 2.0),
            "masked": lambda x, n: x.masked_fill(n >= 1, -1),
            "clamp": lambda x, n: x.clamp(-0.5, 0.5) + x.clamp(min=0.1) + x.clamp_max(0.25),
            "clamp_tensor": lambda x, n: torch.clamp(x, x * 0.5, x + 0.5),
            "clamp_int": lambda x, n: n.clamp(0, 1),
            "compare": lambda x, n: [x < 0, x <= n, x >= 0, n > 0, n == 1, n != 1, x == n],
            "logic": lambda x, n: [
                (x < 0) & (n > 0), (x < 0) | (n > 0), ~(x < 0), torch.logical_not(n),
                torch.logical_xor(n, n > 0), n & 3,
            ],
            "cast": lambda x, n: [x.to(torch.int32), n.float(), x.double(), n.bool()],
            "minmax": lambda x, n: [torch.maximum(x, x * x), torch.minimum(x, n)],
            "sin": lambda x, n: x.sin() + x.cos() + x.erf() + x.floor() + x.ceil() + x.round(),
            "sign": lambda x, n: [x.sign(), x.isnan(), (1 / x).reciprocal()],
        },
        floats(2, 3, 5),
        torch.arange(30).reshape(2, 3, 5) % 4 - 1,
    )  # fmt: skip


def test_activations() -> None:
    check(
        {
            "relu": F.relu,
            "gelu": F.gelu,
            "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
            "silu": F.silu,
            "sigmoid": torch.sigmoid,
            "tanh": torch.tanh,
            "hardswish": F.hardswish,
            "hardsigmoid": F.hardsigmoid,
            "hardtanh": lambda x: F.hardtanh(x, -0.5, 0.25),
            "relu6": lambda x: F.relu6(4 * x),
            "leaky_relu": lambda x: F.leaky_relu(x, 0.2),
            "elu": lambda x: F.elu(x, 0.7),
            "selu": F.selu,
            "celu": lambda x: F.celu(x, 1.0),
            "mish": F.mish,
            "softplus": F.softplus,
            "softsign": F.softsign,
            "glu": lambda x: F.glu(x[..., :4]),
            "prelu": lambda x: F.prelu(x, torch.tensor([0.1, 0.2, 0.3])),
            "softmax": lambda x: x.softmax(-1) + F.softmax(x, 1),
            "log_softmax": lambda x: F.log_softmax(x, dim=-1),
            "dropout": lambda x: F.dropout(x, training=False),
        },
        floats(2, 3, 5),
    )


def test_shapes() -> None:
    check(
        {
            "view": lambda x: x.view(x.shape[0], 2, 2, 6).reshape(-1, 6),
            "permute": lambda x: x.permute(1, 0, 2).transpose(-1, -2),
            "expand": lambda x: (
                x[:, :, :1].expand(-1, -1, 4) + x[:, :1, :1].expand(x.shape[0], 4, 4)
            ),
            "slice": lambda x: x[:, 1:, ::2] + x[:, :-1, -3:],
            "select": lambda x: x[:, -1] + x.select(2, 0).sum(1, keepdim=True),
            "cat": lambda x: torch.cat([x, x[:, :1], torch.zeros(0)], 1),
            "stack": lambda x: torch.stack([x, -x], -1),
            "split": lambda x: x.split(3, 1),
            "split_sizes": lambda x: torch.split(x, [1, 3], dim=1),
            "chunk": lambda x: x.chunk(2, dim=-1),
            "unbind": lambda x: x.unbind(1),
            "squeeze": lambda x: [x[:, :1].squeeze(1), x[:, :1, :1].squeeze(), x.squeeze(-1)],
            "unsqueeze": lambda x: x.unsqueeze(-1).unsqueeze(0),
            "flatten": lambda x: [x.flatten(1), x.flatten(), x.unflatten(-1, (2, -1))],
            "repeat": lambda x: x.repeat(1, 2, 1) + x.repeat_interleave(2, 1),
            "flip": lambda x: x.flip(1, -1),
            "roll": lambda x: x.roll(1, -1),
            "pad": lambda x: F.pad(x, (1, 2, 0, 1), value=0.5),
            "pad_reflect": lambda x: F.pad(x, (2, 1), mode="reflect"),
            "pad_edge": lambda x: F.pad(x, (2, 1), mode="replicate"),
            "products": lambda x: x.reshape(x.shape[0] * 4, 6).view(x.shape[0], 4, -1, 2),
        },
        floats(2, 4, 6),
    )


def set_rows(x: Tensor) -> Tensor:
    y = x.clone()
    y[:, 0] = 1.0
    y[:, 1:3, 2] = x[:, 1:3, 0]
    return y


def test_indices() -> None:
    rows = torch.tensor([2, 0])
    check(
        {
            "embedding": lambda x, n: F.embedding(n, torch.arange(12.0).view(6, 2)),
            "index_select": lambda x, n: x.index_select(1, rows),
            "index": lambda x, n: [x[:, rows], x[:, :, [1, 2, 0]], x[:, rows, rows]],
            "gather": lambda x, n: x.gather(1, n.long()),
            "set": lambda x, n: set_rows(x),
            "arange": lambda x, n: torch.arange(x.shape[1]) + torch.arange(x.shape[0])[:, None],
            "full": lambda x, n: [
                torch.full((x.shape[0], 2), 0.5), torch.ones(2, 3), torch.zeros_like(x),
                x.new_zeros(x.shape[0]), torch.eye(3) + torch.linspace(0, 1, 3),
            ],
            "tril": lambda x, n: [x.tril(), x.triu(1), torch.ones(3, 3).tril()],
            "topk": lambda x, n: x.topk(2, -1),
            "sort": lambda x, n: [*x.sort(-1), torch.argsort(n, stable=True, dim=1, descending=True)],
            "scatter": lambda x, n: [
                torch.zeros_like(x).scatter(1, torch.ones_like(n), 2.0),
                x.scatter(1, torch.zeros_like(n[:, :1]), x[:, 2:]),
                x.scatter_add(1, n, x),
            ],
            "index_put": lambda x, n: torch.zeros(4, 6).index_put(
                (rows,), x[0, :2], accumulate=True
            ),
            "grid": lambda x, n: F.grid_sample(
                x[:, None], x[:, :, :2][:, None].tanh(), align_corners=False
            ),
        },
        floats(2, 3, 6),
        (torch.arange(36) % 3).reshape(2, 3, 6),
    )  # fmt: skip


def test_reductions() -> None:
    check(
        {
            "mean": lambda x: [x.mean(), x.mean(1), x.mean((1, 2), keepdim=True)],
            "sum": lambda x: [x.sum(), x.sum(-1, keepdim=True), (x > 0).sum(1)],
            "amax": lambda x: [x.amax(1), x.amin((1, -1)), x.max(), x.min()],
            "max": lambda x: [*x.max(1), *x.min(-1, keepdim=True)],
            "argmax": lambda x: [x.argmax(1), x.argmin(-1, keepdim=True), x.argmax()],
            "var": lambda x: [x.var(1), x.var(-1, correction=0), x.std(-1)],
            "var_mean": lambda x: torch.var_mean(x, (1, 2), keepdim=True),
            "norm": lambda x: [x.norm(dim=-1), F.normalize(x, dim=1), x.abs().prod(1)],
            "any": lambda x: [(x > 1).any(1), (x > -9).all()],
            "cumsum": lambda x: [x.cumsum(1), x.logsumexp(-1)],
        },
        floats(2, 3, 5),
    )


def test_products() -> None:
    weight, bias = floats(5, 4), floats(5)
    check(
        {
            "linear": lambda x, y: [F.linear(x, weight, bias), F.linear(x[:, 0], weight)],
            "matmul": lambda x, y: [x @ y, x @ y[0], torch.bmm(x, y), x[:, 0] @ weight.T],
            "addmm": lambda x, y: torch.addmm(bias, x[:, 0], weight.T, alpha=0.5, beta=2),
            "baddbmm": lambda x, y: torch.baddbmm(bias[:3], x, y[..., :3], alpha=0.5),
            "einsum": lambda x, y: torch.einsum("bij,bjk->bki", x, y),
            "outer": lambda x, y: x[:, 0, :, None] * y[:, None, 0],
        },
        floats(2, 3, 4),
        floats(2, 4, 5),
    )


def test_attention() -> None:
    mask = floats(5, 5) > 0
    mask[:, 0] = True
    attend = F.scaled_dot_product_attention
    check(
        {
            "plain": lambda q, k: attend(q, k, k),
            "causal": lambda q, k: attend(q, k, k, is_causal=True, scale=0.25),
            "mask": lambda q, k: attend(q, k, k, attn_mask=mask),
            "bias": lambda q, k: attend(q, k, k, attn_mask=mask.float()),
            "rows": lambda q, k: attend(q[:, 0], k[:, 0], k[:, 0], attn_mask=mask),
            "groups": lambda q, k: attend(q, k[:, :1], k[:, :1], enable_gqa=True),
        },
        floats(2, 2, 5, 4),
        floats(2, 2, 5, 4) * 0.7,
    )


class Convolutions(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(4, 6, 3, stride=2, padding=1, groups=2)
        self.conv2 = nn.Conv2d(4, 6, (3, 2), dilation=(1, 2), bias=False)
        self.conv3 = nn.Conv3d(2, 3, 2)
        self.same = nn.Conv1d(4, 2, 3, padding="same")
        self.up1 = nn.ConvTranspose1d(4, 2, 3, stride=2, padding=1, output_padding=1)
        self.up2 = nn.ConvTranspose2d(4, 4, 2, stride=2, groups=2)
        self.norm = nn.BatchNorm2d(4)
        self.group = nn.GroupNorm(2, 4)
        self.instance = nn.InstanceNorm2d(4, affine=True)
        self.layer = nn.LayerNorm((6, 6))
        self.plain = nn.LayerNorm(6, elementwise_affine=False)
        self.rms = nn.RMSNorm(6)
        self.norm.running_mean.copy_(floats(4))
        self.norm.running_var.copy_(floats(4).abs() + 0.5)

    def forward(self, x: Tensor) -> list[Tensor]:
        row = x[:, :, 0]
        return [
            self.conv1(row), self.conv2(x), self.conv3(x.unflatten(1, (2, 2))), self.same(row),
            self.up1(row), self.up2(x), self.norm(x), self.group(x), self.instance(x),
            self.layer(x), self.plain(x), self.rms(x),
            F.max_pool2d(x, 3, 2, 1), F.max_pool1d(row, 2, dilation=2), F.max_pool2d(x, 2),
            F.avg_pool2d(x, 3, 2, 1), F.avg_pool2d(x, 3, 2, 1, count_include_pad=False),
            F.avg_pool1d(row, 4, ceil_mode=True), F.adaptive_avg_pool2d(x, 1),
            F.adaptive_avg_pool2d(x, (3, 2)), F.adaptive_avg_pool2d(x, 4),
            F.adaptive_avg_pool1d(row, 4), F.adaptive_max_pool2d(x, 3),
            F.interpolate(x, scale_factor=2), F.interpolate(row, scale_factor=1.5),
            F.interpolate(x, size=(9, 4)),
            F.interpolate(x, scale_factor=2, mode="bilinear"),
            F.interpolate(x, size=(9, 4), mode="bilinear"),
            F.interpolate(x, size=(9, 4), mode="bilinear", align_corners=True),
            F.interpolate(x, scale_factor=2, mode="bicubic"),
            F.pixel_shuffle(x, 2),
        ]  # fmt: skip


def test_convolutions() -> None:
    module = Convolutions().eval()
    model = qt.load(module, floats(2, 4, 6, 6))
    x = floats(3, 4, 6, 6)
    for (name, actual), expected in zip(run(model, x).items(), module(x), strict=True):
        reference = expected.detach().numpy()
        assert actual.shape == reference.shape, name
        np.testing.assert_allclose(actual, reference, 1e-5, 2e-6, err_msg=name)
    layers = ["conv1", "conv2", "conv3", "same", "up1", "up2"]
    assert [name for name in model.layers if name in layers] == layers


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(4, 3, num_layers=2, bidirectional=True, batch_first=True)
        self.gru = nn.GRU(6, 3, batch_first=True)
        self.rnn = nn.RNN(3, 2, nonlinearity="relu", bias=False, batch_first=True)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        y, (h, c) = self.lstm(x)
        z, last = self.gru(y, h[:1])
        return y, h, c, z, last, *self.rnn(z)


def test_recurrent() -> None:
    module = Recurrent().eval()
    model = qt.load(module, floats(2, 5, 4))
    x = floats(3, 5, 4)
    for (name, actual), expected in zip(run(model, x).items(), module(x), strict=True):
        reference = expected.detach().numpy()
        assert actual.shape == reference.shape, name
        np.testing.assert_allclose(actual, reference, 2e-6, 2e-6, err_msg=name)
    assert {"lstm.l0", "lstm.l1", "gru", "rnn"} <= set(model.layers)


class Block(nn.Module):
    """One layer called twice, one with two names, and a weight that an embedding shares."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(11, 8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.body = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Dropout(), nn.Linear(8, 8))
        self.other = self.body[0]
        self.head = nn.Linear(8, 11, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, ids: Tensor, mask: Tensor) -> dict[str, Tensor]:
        x = self.embed(ids) * mask[..., None]
        x = x + self.attention(x, x, x, need_weights=False)[0]
        x = self.other(self.body(self.body(x)))
        return {"logits": self.head(x), "pooled": x.mean(1)}


BLOCK_LAYERS = ["embed", "attention.in_proj", "attention.scaled_dot_product_attention",
                "attention.out_proj", "body.0", "body.3", "body.0_1", "body.3_1", "body.0_2",
                "head"]  # fmt: skip


def make_ids(batch: int, length: int) -> Tensor:
    return torch.arange(batch * length).reshape(batch, length) % 11


def test_names() -> None:
    torch.manual_seed(0)
    module = Block()
    model = qt.load(module, {"mask": torch.ones(1, 4), "ids": make_ids(1, 4)})
    assert module.training and module.body[2].training
    assert list(model.layers) == BLOCK_LAYERS
    assert model.path == "Block" and ".onnx" not in model.mlir(elide_larger_than=8)
    assert [(port.name, port.shape) for port in model.inputs] == [
        ("ids", ("batch", 4)),
        ("mask", ("batch", 4)),
    ]
    assert [port.shape for port in model.outputs] == [("batch", 4, 11), ("batch", 8)]
    ids, mask = make_ids(3, 4), floats(3, 4)
    expected = module.eval()(ids, mask)
    actual = quantc.compile(model)({"ids": ids.numpy(), "mask": mask.numpy()})
    for name, values in run(model, ids, mask).items():
        assert actual[name].tobytes() == values.tobytes()
        np.testing.assert_allclose(values, expected[name].detach().numpy(), 1e-5, 1e-6)


@pytest.mark.filterwarnings("ignore")
def test_exported_program() -> None:
    """An exported program as it is, decomposed by its owner, and with two open dimensions."""
    module = Block().eval()
    inputs = (make_ids(2, 4), torch.ones(2, 4))
    shapes = {0: torch.export.Dim("rows"), 1: torch.export.Dim("length")}
    program = torch.export.export(module, inputs, dynamic_shapes=(shapes, shapes))
    model = qt.load(program)
    assert [port.shape for port in model.inputs] == [("ids_dim0", "ids_dim1")] * 2
    named = qt.load(module, inputs, dynamic_shapes={"mask": shapes, "ids": shapes})
    assert [port.shape for port in named.inputs] == [("rows", "length")] * 2
    ids, mask = make_ids(3, 5), floats(3, 5)
    expected = module(ids, mask)["logits"].detach().numpy()
    np.testing.assert_allclose(run(model, ids, mask)["logits"], expected, 1e-5, 1e-6)
    assert run(named, ids, mask)["logits"].tobytes() == run(model, ids, mask)["logits"].tobytes()
    fixed = qt.load(torch.export.export(module, inputs).run_decompositions())
    assert fixed.inputs[0].shape == (2, 4)
    assert {"attention.in_proj", "body.0", "head"} <= set(fixed.layers)


def test_quantize() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(),
                           nn.Linear(64, 3)).eval()  # fmt: skip
    x = floats(5, 2, 6, 6)
    model = qt.load(module, x)
    assert list(model.layers) == ["0", "4"]
    config = quantc.QuantizationConfig(mode="static", skip_first=False, skip_last=False)
    quantized = quantc.quantize(model, config, calibration_data=[x.numpy()])
    assert all(layer.mode == "static" for layer in quantized.layers.values())
    actual = quantc.compile(quantized)(x.numpy())
    assert actual.tobytes() == quantc.interpret(quantized, x.numpy()).tobytes()
    expected = module(x).detach().numpy()
    assert np.abs(actual - expected).max() < 0.02 * np.abs(expected).max() + 0.02


class Unknown(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.fft.fft(x).real


class Refused(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = Unknown()
        self.second = nn.Sequential(Unknown())
        self.register_buffer("count", torch.zeros(1))

    def forward(self, x: Tensor, kind: str = "unknown") -> Any:
        if kind == "unknown":
            return self.first(x) + self.second(x).expm1()
        if kind == "data":
            return x if x.sum() > 0 else -x
        if kind == "fixed":
            return x.reshape(6, -1)
        if kind == "mask":
            return x[x > 0]
        if kind == "double":
            return x.double().erf()
        if kind == "dropout":
            return F.dropout(x)
        if kind == "indices":
            return F.max_pool1d(x, 2, return_indices=True)
        self.count += 1
        return x


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (({},), "expects a torch.nn.Module or a torch.export.ExportedProgram, not dict"),
        ((nn.Linear,), "not Linear"),
        ((Refused(),), "Refused: has no example_inputs"),
        ((Refused(), 3), "example_inputs: is int"),
        ((Refused(), {"y": torch.ones(2, 3)}), "Refused: example_inputs do not fit forward"),
        ((nn.Linear(3, 2), torch.ones(2, 4)), "Linear: torch.export refuses it: a and b must"),
        (
            (Refused(), torch.ones(2, 3)),
            r"aten._fft_r2c.default in first, second.0; .*aten.expm1.default in the module itself",
        ),
        ((Refused(), (torch.ones(2, 3), "data")), "refuses it: Could not guard"),
        ((Refused(), (torch.ones(2, 3), "fixed")), r"refuses it: Constraints violated \(batch\) -"),
        ((Refused(), (torch.ones(2, 3), "mask")), "index: aten.index.Tensor: a mask"),
        ((Refused(), (torch.ones(2, 3), "dropout")), "is dropout in training mode"),
        ((Refused(), (torch.ones(2, 3, 4), "indices")), "result 1 is used"),
        ((Refused(), (torch.ones(2, 3), "count")), "count: is changed by the program"),
        ((nn.Identity(), torch.ones(2, 3, dtype=torch.cfloat)), "input: has elements of"),
        ((Refused(), (torch.ones(2, 3), "double")), "^Refused: erf: there is no formula"),
    ],
)
def test_errors(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(quantc.Error, match=message) as error:
        qt.load(*arguments)
    assert "\n" not in str(error.value)


def test_inputs_of_exported_program() -> None:
    program = torch.export.export(nn.Identity(), (torch.ones(2),))
    with pytest.raises(quantc.Error, match="has its shapes"):
        qt.load(program, torch.ones(2))


class Nested(nn.Module):
    def forward(self, pair: list[Tensor], output_1: dict[str, Tensor]) -> tuple[Any, ...]:
        return pair[0] + pair[1], {"twice": output_1["x"] * 2, "same": [pair[0]]}, None


def test_structures() -> None:
    """Inputs and outputs in lists and dictionaries are called after their places."""
    inputs = [floats(2, 3), floats(2, 3)]
    model = qt.load(Nested(), (inputs, {"x": floats(2)}))
    assert [port.name for port in model.inputs] == ["pair_0", "pair_1", "output_1_x"]
    assert [port.name for port in model.outputs] == [
        "output_0",
        "output_1_twice",
        "output_1_same_0",
    ]
    actual = run(model, *inputs, floats(2))
    np.testing.assert_array_equal(actual["output_1_twice"], floats(2).numpy() * 2)
