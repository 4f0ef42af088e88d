"""Quantization-aware training in PyTorch: the bytes that train are the bytes that ship."""

from __future__ import annotations

import copy
import io
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from torch import Tensor, nn

import quantc
import quantc.torch as qt
from quantc import QuantizationConfig
from quantc.compilation import TRAINING_TARGET

K = 72
"""No multiple of 16: the last group is padded."""


class Mlp(nn.Module):
    """Two pairs of layers that fuse, and between them one that does not."""

    def __init__(self, depth: int = K, hidden: int = 24) -> None:
        super().__init__()
        self.fc1 = nn.Linear(depth, hidden)
        self.fc2 = nn.Linear(hidden, 16)
        self.head = nn.ModuleList([nn.Linear(16, 8, bias=False), nn.Linear(8, 4)])

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.fc1(x))
        x = self.fc2(x)
        x = x + x.abs()
        return self.head[1](nn.functional.hardtanh(self.head[0](x), -0.5, 1.5))


def batches(count: int, *shape: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(*shape, generator=generator) for _ in range(count)]


def train(module: nn.Module, steps: int = 4, depth: int = K) -> nn.Module:
    """Take a few steps and freeze."""
    optimizer = torch.optim.Adam(module.parameters(), lr=3e-3)
    module.train()
    for x in batches(steps, 16, depth):
        optimizer.zero_grad()
        (module(x) - 1).square().mean().backward()
        optimizer.step()
    qt.freeze_observers(module)
    return module.eval()


def expect_same_bytes(module: nn.Module, model: quantc.Model, x: Tensor) -> None:
    expected = module(x).detach().numpy()
    assert quantc.interpret(model, x.numpy()).tobytes() == expected.tobytes()
    # Tiles give the same bytes (test/Integration/sweep.test) and compile twice as long.
    program = quantc.compile(model, TRAINING_TARGET)
    assert program(x.numpy()).tobytes() == expected.tobytes()


CONFIGS = [
    QuantizationConfig(weight_bits=bits, mode=mode, granularity=granularity, group_size=16)
    for bits in (8, 4)
    for mode in ("static", "dynamic", "weight_only")
    for granularity in ("per_tensor", "per_channel", "per_group")
] + [
    QuantizationConfig(symmetric_weights=False),
    QuantizationConfig(weight_bits=4, symmetric_weights=False, granularity="per_group"),
    QuantizationConfig(symmetric_activations=True),
    *[
        QuantizationConfig(weight_bits=bits, granularity=granularity, group_size=16,
                           learned_step_size=True)
        for bits in (8, 4)
        for granularity in ("per_tensor", "per_channel", "per_group")
    ],
    *[
        QuantizationConfig(weight_bits=4, mode=mode, learned_step_size=True,
                           granularity=granularity)
        for mode in ("dynamic", "weight_only")
        for granularity in ("per_channel", "per_group")
    ],
    QuantizationConfig(weight_bits=4, learned_step_size=True, symmetric_weights=False),
]  # fmt: skip


def describe(config: QuantizationConfig) -> str:
    return (
        f"{config.mode}-{config.weight_bits}-{config.granularity}"
        f"{'-lsq' * config.learned_step_size}{'-asymmetric' * (not config.symmetric_weights)}"
    )


@pytest.mark.parametrize("config", CONFIGS, ids=describe)
def test_bytes(config: QuantizationConfig) -> None:
    torch.manual_seed(0)
    module = train(qt.prepare_qat(Mlp(hidden=32), config))
    model = qt.convert(module, batches(1, 3, K)[0])
    assert list(model.layers) == ["fc1", "fc2", "head.0", "head.1"]
    has_float_groups = config.granularity == "per_group" and (
        config.weight_bits == 8 or not config.symmetric_weights
    )
    fuses = config.mode == "static" and not has_float_groups
    results = [layer.output_scale is not None for layer in model.layers.values()]
    assert results == [fuses, False, fuses, False]
    # Beyond the observed range too.
    expect_same_bytes(module, model, 2 * batches(1, 37, K)[0])


@pytest.mark.parametrize(("depth", "bits"), [(1040, 8), (1048, 8), (2048, 8), (2048, 4)])
def test_depths_that_floats_cannot_sum(depth: int, bits: int) -> None:
    # Sums of more than 1040 products of bytes are not exact in f32.
    torch.manual_seed(0)
    module = qt.prepare_qat(Mlp(depth), QuantizationConfig(weight_bits=bits))
    with torch.no_grad():
        module.fc1.weight.copy_(module.fc1.weight.abs())
    train(module, 2, depth)
    x = 3 + batches(1, 9, depth)[0].abs()
    expect_same_bytes(module, qt.convert(module, x), x)


def test_more_dimensions_and_reshapes() -> None:
    class Blocks(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.token = nn.Linear(16, 16)
            self.mix = nn.Linear(16, 8)
            self.fc = nn.Sequential(nn.Flatten(), nn.Linear(5 * 8, 16), nn.ReLU6(), nn.Dropout())
            self.out = nn.Linear(16, 3)

        def forward(self, x: Tensor) -> Tensor:
            x = self.mix(torch.clamp(self.token(x), min=0))
            x = self.fc(x.view(x.size(0), -1))
            return self.out(x)

    torch.manual_seed(0)
    module = qt.prepare_qat(Blocks(), QuantizationConfig())
    for x in batches(3, 6, 5, 16):
        module(x)
    module.eval()
    x = batches(1, 7, 5, 16)[0]
    model = qt.convert(module, x)
    results = [layer.output_scale is not None for layer in model.layers.values()]
    assert results == [True, True, True, False]
    expect_same_bytes(module, model, x)


class TwoReaders(nn.Module):
    """`a` has one reader when compiled: `b` and `c` quantize alike. torch sees two."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = (nn.Linear(8, 8) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.a(x))
        return self.b(x) + self.c(x)


class ClipAfterReshape(TwoReaders):
    def forward(self, x: Tensor) -> Tensor:
        return self.b(torch.relu(self.a(x).reshape(-1, 2, 4)).flatten(1))


class NotTraceable(TwoReaders):
    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.a(x))
        return self.b(x) if x.shape[0] > 1 else self.c(x)


class Shared(TwoReaders):
    def forward(self, x: Tensor) -> Tensor:
        return self.b(self.a(self.a(x)))


@pytest.mark.parametrize("kind", [TwoReaders, ClipAfterReshape, NotTraceable, Shared])
def test_results_that_stay_float(kind: type[nn.Module]) -> None:
    torch.manual_seed(0)
    module = qt.prepare_qat(kind(), QuantizationConfig())
    for x in [*batches(3, 6, 8), torch.randn(1, 8)]:
        module(x)
    module.eval()
    x = batches(1, 7, 8)[0]
    if kind is NotTraceable:
        with pytest.raises(quantc.Error, match="^c: not called in the exported program"):
            qt.convert(module, x)
        module = module.train()
        module.c = nn.Identity()
        module.eval()
    elif kind in (ClipAfterReshape, Shared):
        module.c = nn.Identity()
    model = qt.convert(module, x)
    assert all(layer.output_scale is None for layer in model.layers.values())
    expect_same_bytes(module, model, x)


def test_layer_in_two_places() -> None:
    torch.manual_seed(0)
    module = TwoReaders()
    module.c = module.b
    module = qt.prepare_qat(module, QuantizationConfig())
    assert module.c is module.b and isinstance(module.b, qt.QatLinear)
    x = batches(1, 7, 8)[0]
    module(x)
    model = qt.convert(module.eval(), x)
    assert list(model.layers) == ["a", "b"]  # Both calls are one: same weight, same input.
    expect_same_bytes(module, model, x)


def test_one_layer() -> None:
    module = qt.prepare_qat(nn.Linear(8, 3), QuantizationConfig(mode="dynamic"))
    x = batches(1, 5, 8)[0]
    model = qt.convert(module.eval(), x)
    assert list(model.layers) == ["linear"]
    expect_same_bytes(module, model, x)


def test_skipped_layers_and_convolutions() -> None:
    class Net(Mlp):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv1d(2, 2, 1, groups=2)

    torch.manual_seed(0)
    config = QuantizationConfig(mode="dynamic", skip_layers=["head.*"], skip_first=True)
    with pytest.warns(
        quantc.QuantizationWarning, match="^conv: this Conv1d stays float32"
    ) as caught:
        module = qt.prepare_qat(Net(), config)
    assert caught[0].filename == __file__
    assert [name for name, m in module.named_modules() if isinstance(m, qt.QatLinear)] == ["fc2"]
    model = qt.convert(module.eval(), batches(1, 3, K)[0])
    reasons = {name: bool(layer.skipped_because) for name, layer in model.layers.items()}
    assert reasons == {"fc1": True, "fc2": False, "head.0": True, "head.1": True}
    output = qt.prepare_qat(Mlp(), QuantizationConfig(skip_output=True, skip_last=True))
    assert type(output.head[1]) is nn.Linear and type(output.head[0]) is qt.QatLinear
    with pytest.warns(quantc.QuantizationWarning, match="'nothing' matches no layer"):
        qt.prepare_qat(Mlp(), QuantizationConfig(skip_layers=["nothing"]))


# Convolutions


class Cnn(nn.Module):
    """A pair of convolutions that fuse, one that does not, and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(2, 8, (3, 2), stride=(2, 1), padding=1)
        self.conv2 = nn.Conv2d(8, 4, 3, padding="same", dilation=2, bias=False)
        self.conv3 = nn.Conv1d(4, 8, 4)
        self.fc = nn.Linear(24, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv2(torch.relu(self.conv1(x)))
        x = self.conv3(x.amax(2))
        return self.fc(torch.relu(x).flatten(1))


@pytest.mark.parametrize(
    "config",
    [
        QuantizationConfig(),
        QuantizationConfig(mode="dynamic", weight_bits=4),
        QuantizationConfig(
            weight_bits=4, granularity="per_group", group_size=8, learned_step_size=True,
            skip_layers=["conv1"]
        ),
    ],
    ids=describe,
)  # fmt: skip
def test_convolutions(config: QuantizationConfig) -> None:
    torch.manual_seed(0)
    module = qt.prepare_qat(Cnn(), config, warm_up_steps=1)
    assert isinstance(module.conv3, qt.QatConvolution) and module.conv3.weight.shape == (8, 4, 4)
    optimizer = torch.optim.SGD(module.parameters(), lr=1e-2)
    before = module.conv2.weight.detach().clone()
    for x in batches(3, 5, 2, 7, 5):
        optimizer.zero_grad()
        module(x).square().mean().backward()
        optimizer.step()
    assert not torch.equal(before, module.conv2.weight)
    qt.freeze_observers(module.eval())
    x = 2 * batches(1, 3, 2, 7, 5)[0]
    model = qt.convert(module, x)
    assert list(model.layers) == ["conv1", "conv2", "conv3", "fc"]
    assert model.layers["conv3"].weight.shape == (8, 4, 4)
    expect_same_bytes(module, model, x)


# States


def test_original_is_untouched() -> None:
    module = Mlp()
    before = pickle.dumps(module.state_dict())
    train(qt.prepare_qat(module, QuantizationConfig()))
    assert pickle.dumps(module.state_dict()) == before and type(module.fc1) is nn.Linear


@pytest.mark.parametrize(
    "config",
    [
        QuantizationConfig(),
        QuantizationConfig(weight_bits=4, granularity="per_group", group_size=8),
        QuantizationConfig(weight_bits=4, learned_step_size=True),
    ],
    ids=describe,
)
def test_copies(config: QuantizationConfig) -> None:
    torch.manual_seed(0)
    module = train(qt.prepare_qat(Mlp(), config))
    x = batches(1, 5, K)[0]
    expected = module(x).detach()
    torch.manual_seed(1)
    loaded = qt.prepare_qat(Mlp(), config).eval()
    loaded.load_state_dict(module.state_dict())
    file = io.BytesIO()
    torch.save(module, file)
    file.seek(0)
    for other in (
        loaded,
        copy.deepcopy(module),
        pickle.loads(pickle.dumps(module)),
        torch.load(file, weights_only=False),
    ):
        assert torch.equal(other(x), expected)
        assert other.fc1.next_layer is other.fc2
        expect_same_bytes(other, qt.convert(other, x), x)


def test_observers() -> None:
    module = qt.prepare_qat(nn.Linear(4, 2), QuantizationConfig(), warm_up_steps=2)
    plain = nn.functional.linear
    x = torch.tensor([[1.0, -2.0, 3.0, float("nan")]])
    with pytest.raises(quantc.Error, match="linear: has seen no data"):
        module.eval()(x)
    module.train()
    x = torch.tensor([[1.0, -2.0, 3.0, 0.5]])
    assert torch.equal(module(x), plain(x, module.weight, module.bias))
    assert module.input_range.tolist() == [-2, 3]
    module(2 * x)
    torch.testing.assert_close(module.input_range, torch.tensor([-2.2, 3.3]))
    assert not torch.equal(module(x), plain(x, module.weight, module.bias))
    qt.freeze_observers(module)
    before = module.input_range.clone()
    module(100 * x)
    assert torch.equal(module.input_range, before)
    qt.enable_observers(module)
    module(100 * x)
    assert module.input_range[1] > 5
    qt.disable_fake_quant(module)
    assert torch.equal(module(x), plain(x, module.weight, module.bias))
    with pytest.raises(quantc.Error, match="fake quantization is disabled"):
        qt.convert(module, x)
    qt.enable_fake_quant(module)
    expect_same_bytes(module.eval(), qt.convert(module, x), x)


def test_groups_are_chosen_at_intervals() -> None:
    config = QuantizationConfig(weight_bits=4, granularity="per_group", group_size=8)
    module = qt.prepare_qat(nn.Linear(16, 2), config)
    first = module.group_multiplier.clone()
    with torch.no_grad():
        module.weight[:, :8] *= 9
    x = batches(1, 3, 16)[0]
    module(x)
    chosen = module.group_multiplier.clone()
    assert not torch.equal(chosen, first)
    with torch.no_grad():
        module.weight[:, :8] /= 81
    module(x)
    assert torch.equal(module.group_multiplier, chosen)
    qt.freeze_observers(module)
    for _ in range(100):
        module(x)
    assert torch.equal(module.group_multiplier, chosen)
    expect_same_bytes(module.eval(), qt.convert(module, x), x)


# Errors


def test_errors() -> None:
    config = QuantizationConfig(mode="dynamic")
    module = qt.prepare_qat(Mlp(), config)
    x = batches(1, 3, K)[0]
    with (
        torch.autocast("cpu", torch.bfloat16),
        pytest.raises(quantc.Error, match="^fc1: autocast is on; .*float32"),
    ):
        module(x)
    with pytest.raises(quantc.Error, match="^fc1: input is float16; quantized layers take float32"):
        module(x.half())
    with pytest.raises(quantc.Error, match="^fc1: weight is float16"):
        copy.deepcopy(module).half()(x)
    with pytest.raises(quantc.Error, match="^fc1: weight is on meta; .* run on the CPU"):
        copy.deepcopy(module).to("meta")(x)
    with pytest.raises(quantc.Error, match="^fc1: weight is bfloat16"):
        qt.prepare_qat(Mlp().bfloat16(), config)
    with pytest.raises(quantc.Error, match="has no nn.Linear"):
        qt.prepare_qat(nn.ReLU(), config)
    with pytest.raises(quantc.Error, match="fc1: groups of 20 leave 12 of K = 72"):
        qt.prepare_qat(Mlp(), QuantizationConfig(granularity="per_group", group_size=20))
    with pytest.raises(quantc.Error, match="Mlp: has no quantized layers"):
        qt.convert(Mlp(), x)
    with pytest.raises(quantc.Error, match="^fc1: has seen no data"):
        qt.convert(qt.prepare_qat(Mlp(), QuantizationConfig()), x)


def test_wrong_order_of_layers() -> None:
    torch.manual_seed(0)

    class Smooth(Mlp):
        is_smooth = False

        def forward(self, x: Tensor) -> Tensor:
            return self.fc2(torch.sigmoid(self.fc1(x))) if self.is_smooth else self.fc2(self.fc1(x))

    module = train(qt.prepare_qat(Smooth(), QuantizationConfig(skip_layers=["head.*"])))
    module.is_smooth = True
    with pytest.raises(quantc.Error, match="was trained with an integer result"):
        qt.convert(module, batches(1, 3, K)[0])


def test_everything_public_has_a_docstring() -> None:
    assert all(getattr(qt, name).__doc__ for name in qt.__all__)
    assert quantc.torch is qt


def test_no_warnings() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        module = qt.prepare_qat(Mlp(), QuantizationConfig(mode="dynamic")).eval()
        qt.convert(module, batches(1, 3, K)[0])


def test_accuracy_is_that_of_the_program() -> None:
    random = np.random.default_rng(0)
    centers = random.standard_normal((10, 64)).astype(np.float32)
    labels = torch.from_numpy(random.integers(0, 10, 400))
    x = torch.from_numpy(centers[labels.numpy()]) + 1.5 * batches(1, 400, 64)[0]
    module = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    module = qt.prepare_qat(
        module, QuantizationConfig(weight_bits=4, granularity="per_tensor"), warm_up_steps=10
    )
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-2)
    for step in range(60):
        if step == 40:
            qt.freeze_observers(module)
        optimizer.zero_grad()
        nn.functional.cross_entropy(module(x), labels).backward()
        optimizer.step()
    program = quantc.compile(qt.convert(module.eval(), x))
    predicted = program(x.numpy()).argmax(1)
    assert np.array_equal(predicted, module(x).argmax(1).numpy())
    assert (predicted == labels.numpy()).mean() > 0.9


def test_without_pytorch() -> None:
    script = (
        "import sys; sys.modules['torch'] = None; import quantc\n"
        "try: quantc.torch\n"
        "except ImportError as error: print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == "quantc.torch needs PyTorch; install it with `pip install torch`\n"
