"""Gradients of the quantized layers in PyTorch, against their definition written for autograd."""

from __future__ import annotations

import copy

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from torch import Tensor, nn

import quantc
import quantc.torch as qt
from quantc import QuantizationConfig

ROWS, K, N = 12, 32, 8


def round_straight(x: Tensor) -> Tensor:
    """Rounds; the gradient passes."""
    return x + (torch.round(x) - x).detach()


def fake_quant(x: Tensor, scale: Tensor, zero_point: Tensor, bits: int) -> Tensor:
    """dequantize(quantize(x)); autograd makes STE and LSQ of it."""
    qmax = 2.0 ** (bits - 1) - 1
    z = zero_point.to(torch.float32)
    return (torch.clamp(round_straight(x / scale) + z, -qmax - 1, qmax) - z) * scale


def choose(x: Tensor, dims: tuple[int, ...], bits: int, symmetric: bool) -> tuple[Tensor, Tensor]:
    """Scale and zero point of each block, without gradients."""
    x = x.detach()
    low, high = x.amin(dims, True).clamp(max=0), x.amax(dims, True).clamp(min=0)
    qmax = 2 ** (bits - 1) - 1
    if symmetric:
        return torch.maximum(-low, high) / qmax, torch.zeros_like(low)
    scale = (high - low) / (2 * qmax + 1)
    return scale, torch.round(-qmax - 1 - low / scale)


def reference(layer: qt.QatLinear, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """The result of `layer` by the operations of torch, and the leaves that it depends on."""
    config = layer.config
    leaves = {"x": x.clone().requires_grad_()}
    leaves |= {name: p.detach().clone().requires_grad_() for name, p in layer.named_parameters()}

    def scale_of(name: str, value: Tensor, qmax: int) -> Tensor:
        """The gradient of a learned scale is divided by sqrt(N qmax)."""
        leaf = leaves[name]
        factor = (value.numel() / leaf.numel() * qmax) ** -0.5
        return leaf * factor + (leaf * (1 - factor)).detach()

    activations, bits = leaves["x"], config.weight_bits
    if config.mode == "dynamic":
        # Symmetric with float group scales, where nothing else is said.
        symmetric = config.granularity == "per_group" and bits == 8
        scale, zero = choose(activations, (1,), 8, symmetric)
        activations = fake_quant(activations, scale, zero, 8)
    elif config.mode == "static" and config.learned_step_size:
        scale = scale_of("input_scale", activations, 127)
        activations = fake_quant(activations, scale, layer.input_zero_point, 8)
    elif config.mode == "static":
        scale, zero = choose(layer.input_range, (0,), 8, False)
        activations = fake_quant(activations, scale, zero, 8)

    weight = leaves["weight"]
    qmax = 2 ** (bits - 1) - 1
    groups = weight.reshape(N, -1, config.group_size)
    if config.granularity == "per_group" and config.symmetric_weights and bits == 4:
        learned = config.learned_step_size
        scale = scale_of("weight_scale", weight, qmax) if learned else layer.weight_scale
        scale = (scale * layer.group_multiplier).unsqueeze(2)
        weight = fake_quant(groups, scale, torch.zeros(()), bits).reshape(N, K)
    elif config.learned_step_size:
        scale = scale_of("weight_scale", weight, qmax)
        zero = torch.zeros(())
        if config.granularity == "per_group":
            scale, weight = scale.unsqueeze(2), groups
        weight = fake_quant(weight, scale, zero, bits).reshape(N, K)
    else:
        dims = {"per_tensor": (0, 1), "per_channel": (1,), "per_group": (2,)}[config.granularity]
        weight = groups if config.granularity == "per_group" else weight
        scale, zero = choose(weight, dims, bits, config.symmetric_weights)
        weight = fake_quant(weight, scale, zero, bits).reshape(N, K)
    return activations @ weight.T + leaves["bias"], leaves


CONFIGS = [
    QuantizationConfig(weight_bits=bits, mode=mode, granularity=granularity, group_size=8,
                       learned_step_size=learned)
    for bits in (8, 4)
    for mode in ("static", "dynamic", "weight_only")
    for granularity in ("per_tensor", "per_channel", "per_group")
    for learned in (False, True)
] + [QuantizationConfig(weight_bits=4, symmetric_weights=False)]  # fmt: skip


def describe(config: QuantizationConfig) -> str:
    return (
        f"{config.mode}-{config.weight_bits}-{config.granularity}"
        f"{'-lsq' * config.learned_step_size}{'-asymmetric' * (not config.symmetric_weights)}"
    )


@pytest.mark.parametrize("config", CONFIGS, ids=describe)
def test_gradients(config: QuantizationConfig) -> None:
    torch.manual_seed(0)
    layer = qt.prepare_qat(nn.Linear(K, N), config)
    x = torch.randn(ROWS, K)
    layer(x)  # Observes, and lets learned scales begin.
    qt.freeze_observers(layer)
    x = 1.5 * x  # Some of it is beyond the range.
    if config.learned_step_size:
        with torch.no_grad():
            for name, parameter in layer.named_parameters():
                if name.endswith("scale"):
                    parameter *= 0.7
    cotangent = torch.randn(ROWS, N)
    expected, leaves = reference(layer, x)
    expected.backward(cotangent)
    inputs = x.clone().requires_grad_()
    actual = layer(inputs)
    actual.backward(cotangent)
    torch.testing.assert_close(actual, expected, rtol=1e-5, atol=1e-5)
    for name, leaf in leaves.items():
        gradient = inputs.grad if name == "x" else layer.get_parameter(name).grad
        torch.testing.assert_close(gradient, leaf.grad, rtol=1e-4, atol=1e-4, msg=name)
    if config.mode == "static":
        assert (inputs.grad == 0).any() and (inputs.grad != 0).any()


def test_gradient_of_an_integer_result_is_cut() -> None:
    torch.manual_seed(0)
    module = qt.prepare_qat(nn.Sequential(nn.Linear(K, N), nn.Linear(N, 1)), QuantizationConfig())
    x = torch.randn(ROWS, K)
    module(x)
    module.eval()
    first, second = module
    assert first.next_layer is second
    with torch.no_grad():
        first.bias += 1
    x = (0.9 * x).requires_grad_()
    y = first(x)
    scale, zero_point = (float(p) for p in second.get_input_parameters())
    steps = torch.round(y / scale) + zero_point
    y.backward(torch.ones_like(y))
    saturated = (steps <= -128) | (steps >= 127)
    assert saturated.any() and not saturated.all()
    expected = (~saturated).float() @ first.weight.detach()
    torch.testing.assert_close(x.grad, expected, rtol=0, atol=0.02)


def test_second_derivatives_are_refused() -> None:
    layer = qt.prepare_qat(nn.Linear(K, N), QuantizationConfig(mode="dynamic"))
    x = torch.randn(ROWS, K, requires_grad=True)
    cotangent = torch.ones(ROWS, N, requires_grad=True)
    (gradient,) = torch.autograd.grad(layer(x), x, cotangent, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()


def test_two_ranks_are_one(tmp_path: object) -> None:
    """Two processes with half of the batch each observe and learn what one does with all of it."""
    import torch.multiprocessing as mp

    torch.manual_seed(0)
    config = QuantizationConfig()
    module = qt.prepare_qat(
        nn.Sequential(nn.Linear(K, N), nn.ReLU(), nn.Linear(N, 2)), config, warm_up_steps=1
    )
    data = torch.randn(3, 8, K)
    expected = _train_steps(copy.deepcopy(module), data)
    results = mp.get_context("spawn").SimpleQueue()
    processes = mp.spawn(
        _run_rank, (f"{tmp_path}/rendezvous", module, data, results), nprocs=2, join=False
    )
    states = [results.get(), results.get()]
    while not processes.join():
        pass
    for state in states:
        assert state.keys() == expected.keys()
        for name, value in expected.items():
            actual = torch.from_numpy(state[name])
            if value.is_floating_point():
                torch.testing.assert_close(actual, value, rtol=1e-4, atol=1e-4, msg=name)
            else:
                assert torch.equal(actual, value), name
    first = "0.input_range"
    assert (states[0][first] == states[1][first]).all()
    assert (states[0][first] == expected[first].numpy()).all()


def _train_steps(module: nn.Module, data: Tensor) -> dict[str, Tensor]:
    optimizer = torch.optim.SGD(module.parameters(), lr=1e-2)
    for x in data:
        optimizer.zero_grad()
        module(x).square().mean().backward()
        optimizer.step()
    return {name.removeprefix("module."): value for name, value in module.state_dict().items()}


def _run_rank(rank: int, rendezvous: str, module: nn.Module, data: Tensor, results: object) -> None:
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{rendezvous}", rank=rank, world_size=2
    )
    # torch lets processes share the memory of what it sends them.
    parallel = nn.parallel.DistributedDataParallel(copy.deepcopy(module))
    state = _train_steps(parallel, data[:, 4 * rank : 4 * rank + 4])
    results.put({name: value.numpy() for name, value in state.items()})
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


def test_learned_scales_in_parallel(tmp_path: object) -> None:
    """Parameters without a gradient would be an error; the warm-up gives learned scales one of 0."""
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{tmp_path}/rendezvous", rank=0, world_size=1
    )
    try:
        config = QuantizationConfig(learned_step_size=True)
        module = qt.prepare_qat(nn.Linear(K, N), config, warm_up_steps=2)
        parallel = nn.parallel.DistributedDataParallel(module)
        before = module.input_scale.clone()
        _train_steps(parallel, torch.randn(2, 8, K))
        assert torch.equal(module.input_scale, before)
        _train_steps(parallel, torch.randn(2, 8, K))
        assert not torch.equal(module.input_scale, before)
    finally:
        torch.distributed.destroy_process_group()
    assert quantc.interpret(
        qt.convert(module.eval(), torch.ones(1, K)), torch.ones(1, K).numpy()
    ).tobytes() == module(torch.ones(1, K)).detach().numpy().tobytes()  # fmt: skip
