"""Gradients of quantization against the straight-through estimator and LSQ in PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import quantc
from gradients import Array, differentiate, floats, run_both

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed; its autograd is the reference"
)

I8 = (-128, 127)
I4 = (-8, 7)


class FakeQuantize(torch.autograd.Function):
    """ste_a1, lsq_a1 and lsq_a2; `s` broadcasts to `x` and is `step` times constants."""

    @staticmethod
    def forward(ctx: Any, x: Any, step: Any, factor: Any, z: Any, qmin: int, qmax: int) -> Any:
        s = (step * factor).expand(x.shape)
        t = x / s
        rounded = torch.round(t) + z
        q = torch.clamp(rounded, qmin, qmax)
        ctx.inside = rounded == q
        ctx.slope = torch.where(ctx.inside, q - z - t, q - z) * factor
        ctx.gradient_scale = (x.numel() / step.numel() * min(qmax, 127)) ** -0.5
        ctx.step_shape = step.shape
        return (q - z) * s

    @staticmethod
    def backward(ctx: Any, dq: Any) -> Any:
        ds = (dq * ctx.slope).sum_to_size(ctx.step_shape) * ctx.gradient_scale
        return dq * ctx.inside, ds, None, None, None, None


def fake_quantize(x: Any, s: Any, z: Any = 0, limits: tuple[int, int] = I8, factor: Any = 1) -> Any:
    """`x` rounded to the grid of `s`, in groups along the last dimension if there are several."""
    factor = torch.as_tensor(factor, dtype=torch.float32)
    groups = max(s.shape[-1] if s.ndim == x.ndim else 1, factor.shape[-1] if factor.ndim else 1)
    if groups == 1:
        return FakeQuantize.apply(x, s, factor, z, *limits)
    grouped = x.reshape(*x.shape[:-1], groups, -1)
    s = s.unsqueeze(-1) if s.ndim else s
    factor = factor.unsqueeze(-1) if factor.ndim else factor
    return FakeQuantize.apply(grouped, s, factor, z, *limits).reshape(x.shape)


def make_program(arguments: Mapping[str, str], body: str, shape: str, path: Path) -> quantc.Model:
    """Return the program with `body`, which defines %y of `shape`; the loss is its weighted sum."""
    ports = ", ".join(
        f'%{name}: tensor<{type}> {{quant.name = "{name}"}}' for name, type in arguments.items()
    )
    path.write_text(f"""
func.func @main({ports}, %weights: tensor<{shape}xf32> {{quant.name = "weights"}})
    -> (tensor<f32> {{quant.name = "loss"}}) {{
  %zero = arith.constant dense<0.0> : tensor<f32>
  {body}
  %empty = tensor.empty() : tensor<{shape}xf32>
  %weighted = linalg.mul ins(%y, %weights : tensor<{shape}xf32>, tensor<{shape}xf32>)
      outs(%empty : tensor<{shape}xf32>) -> tensor<{shape}xf32>
  %loss = linalg.reduce {{ arith.addf }} ins(%weighted : tensor<{shape}xf32>)
      outs(%zero : tensor<f32>) dimensions = [0, 1]
  return %loss : tensor<f32>
}}
""")
    return quantc.load(path)


def constant(name: str, values: Array, element: str) -> str:
    """A constant tensor."""
    shape = "x".join([*map(str, values.shape), element])
    return f"%{name} = arith.constant dense<{np.asarray(values).tolist()}> : tensor<{shape}>"


def check(
    outputs: Mapping[str, Array], inputs: Mapping[str, Array], function: Callable[..., Any]
) -> None:
    """Compare loss and gradients with PyTorch's, which round as we do: in f32."""
    names = [name.removesuffix(".gradient") for name in outputs if name != "loss"]
    tensors = {name: torch.tensor(value) for name, value in inputs.items()}
    for name in names:
        tensors[name].requires_grad_()
    weights = tensors.pop("weights")
    loss = (function(**tensors) * weights).sum()
    loss.backward()
    np.testing.assert_allclose(outputs["loss"], loss.detach().numpy(), 1e-4, 1e-5)
    for name in names:
        expected = tensors[name].grad.numpy()
        np.testing.assert_allclose(outputs[f"{name}.gradient"], expected, 1e-4, 1e-5, err_msg=name)
        assert np.any(expected), name


GRANULARITIES: dict[str, Array] = {
    "per-tensor": np.array(0.02),
    "per-channel": np.array([[0.01], [0.02], [0.03], [0.005]]),
    "per-group": np.array([[0.01, 0.02], [0.03, 0.01], [0.01, 0.005], [0.02, 0.01]]),
}


@pytest.mark.parametrize("granularity", GRANULARITIES)
@pytest.mark.parametrize("spelling", ["fake_quant", "quantize"])
def test_quantization(granularity: str, spelling: str, tmp_path: Path) -> None:
    """Some values are clamped; some scales share more elements than others."""
    s = GRANULARITIES[granularity].astype(np.float32)
    z = np.full(s.shape, 5, np.int8)
    scale = "x".join([*map(str, s.shape), ""])
    parameters = f"scale(%s : tensor<{scale}f32>) zero_point(%z : tensor<{scale}i8>)"
    if spelling == "fake_quant":
        body = f"%y = quant.fake_quant %x {parameters} {{bits = 8 : i64}} : tensor<4x6xf32>"
    else:
        body = f"""
  %q = quant.quantize %x {parameters} : tensor<4x6xf32> -> tensor<4x6xi8>
  %y = quant.dequantize %q {parameters} : tensor<4x6xi8> -> tensor<4x6xf32>"""
    arguments = {"x": "4x6xf32", "s": f"{scale}f32", "z": f"{scale}i8"}
    model = make_program(arguments, body, "4x6", tmp_path / "model.mlir")
    inputs = {"x": floats(4, 6), "s": s, "z": z, "weights": floats(4, 6, seed=1)}

    learned = differentiate(model, ["x", "s"], tmp_path / "m.mlir", "learned-step-size")
    check(run_both(learned, inputs), inputs, lambda x, s, z: fake_quantize(x, s, 5))

    fixed = run_both(differentiate(model, ["x", "s"], tmp_path / "m.mlir"), inputs)
    assert not np.any(fixed["s.gradient"])
    check(
        {"loss": fixed["loss"], "x.gradient": fixed["x.gradient"]},
        inputs,
        lambda x, s, z: fake_quantize(x, s, 5),
    )


@pytest.mark.parametrize("bits", [4, 8])
def test_multiplier(bits: int, tmp_path: Path) -> None:
    """Groups with a multiplier share the scale of their channel."""
    limits = I4 if bits == 4 else I8
    multiplier = np.array([[1, 15], [3, 7]], np.int8)
    body = f"""%y = quant.fake_quant %x scale(%s : tensor<2x1xf32>)
      multiplier(%m : tensor<2x2xi8>) {{bits = {bits} : i64}} : tensor<2x6xf32>"""
    arguments = {"x": "2x6xf32", "s": "2x1xf32", "m": "2x2xi8"}
    model = make_program(arguments, body, "2x6", tmp_path / "model.mlir")
    inputs = {
        "x": floats(2, 6),
        "s": np.array([[0.02], [0.04]], np.float32),
        "m": multiplier,
        "weights": floats(2, 6, seed=1),
    }
    learned = differentiate(model, ["x", "s"], tmp_path / "m.mlir", "learned-step-size")
    check(
        run_both(learned, inputs),
        inputs,
        lambda x, s, m: fake_quantize(x, s, 0, limits, multiplier),
    )


def test_not_finite(tmp_path: Path) -> None:
    """Infinities are clamped, NaN is not rounded to anything: none has a gradient."""
    body = "%y = quant.fake_quant %x scale(%s : tensor<f32>) {bits = 8 : i64} : tensor<1x4xf32>"
    arguments = {"x": "1x4xf32", "s": "f32"}
    model = make_program(arguments, body, "1x4", tmp_path / "model.mlir")
    inputs = {
        "x": np.array([[np.inf, -np.inf, np.nan, 0.1]], np.float32),
        "s": np.array(1, np.float32),
        "weights": np.ones((1, 4), np.float32),
    }
    learned = differentiate(model, ["x", "s"], tmp_path / "m.mlir", "learned-step-size")
    outputs = run_both(learned, inputs)
    np.testing.assert_array_equal(outputs["x.gradient"], [[0, 0, 0, 1]])
    slope = np.float32(127 - 128 - np.float32(0.1))
    np.testing.assert_allclose(outputs["s.gradient"], slope / np.sqrt(4 * 127), 1e-6)


def test_requantize(tmp_path: Path) -> None:
    body = f"""
  {constant("s", np.array(0.02), "f32")}
  {constant("t", np.array(0.05), "f32")}
  {constant("z", np.array(3), "i8")}
  %q = quant.quantize %x scale(%s : tensor<f32>) zero_point(%z : tensor<i8>)
      : tensor<4x6xf32> -> tensor<4x6xi8>
  %r = quant.requantize %q input(%s, %z : tensor<f32>, tensor<i8>)
      output(%t, %z : tensor<f32>, tensor<i8>) {{clamp_min = -20 : si64}} : tensor<4x6xi8>
  %y = quant.dequantize %r scale(%t : tensor<f32>) zero_point(%z : tensor<i8>)
      : tensor<4x6xi8> -> tensor<4x6xf32>"""
    model = make_program({"x": "4x6xf32"}, body, "4x6", tmp_path / "model.mlir")
    inputs = {"x": floats(4, 6), "weights": floats(4, 6, seed=1)}

    def function(x: Any) -> Any:
        first = fake_quantize(x, torch.tensor(0.02), 3)
        return fake_quantize(first, torch.tensor(0.05), 3, (-20, 127))

    outputs = run_both(differentiate(model, ["x"], tmp_path / "m.mlir"), inputs)
    check(outputs, inputs, function)


LAYER = {"x": "3x8xf32", "w": "4x8xf32", "b": "4xf32"}


def layer_inputs() -> dict[str, Array]:
    return {
        "x": floats(3, 8),
        "w": floats(4, 8),
        "b": floats(4),
        "weights": floats(3, 4, seed=1),
    }


def check_layer(body: str, function: Callable[..., Any], path: Path, options: str = "") -> None:
    """Differentiate a layer by all three of its arguments."""
    model = make_program(LAYER, body, "3x4", path / "model.mlir")
    gradients = differentiate(model, list(LAYER), path / "m.mlir", options)
    inputs = layer_inputs()
    check(run_both(gradients, inputs), inputs, function)


STATIC = f"""
  {constant("sx", np.array(0.015), "f32")}
  {constant("zx", np.array(-7), "i8")}
  {constant("sw", np.array([[0.01], [0.02], [0.015], [0.03]]), "f32")}
  %a = quant.quantize %x scale(%sx : tensor<f32>) zero_point(%zx : tensor<i8>)
      : tensor<3x8xf32> -> tensor<3x8xi8>
  %q = quant.quantize %w scale(%sw : tensor<4x1xf32>) : tensor<4x8xf32> -> tensor<4x8xi8>"""


def static_layer(x: Any, w: Any, b: Any) -> Any:
    a = fake_quantize(x, torch.tensor(0.015), -7)
    q = fake_quantize(w, torch.tensor([[0.01], [0.02], [0.015], [0.03]]))
    return a @ q.T + b


def test_static_layer(tmp_path: Path) -> None:
    body = f"""{STATIC}
  %y = quant.linear %a, %q scale(%sw : tensor<4x1xf32>) input(%sx, %zx : tensor<f32>, tensor<i8>)
      bias(%b : tensor<4xf32>) : tensor<3x8xi8>, tensor<4x8xi8> -> tensor<3x4xf32>"""
    check_layer(body, static_layer, tmp_path)


def test_integer_result(tmp_path: Path) -> None:
    """The bounds are those of a ReLU and of the range; the bias is not constant."""
    body = f"""{STATIC}
  {constant("sy", np.array(0.02), "f32")}
  {constant("zy", np.array(-100), "i8")}
  {constant("bias", np.array([0.5, -0.5, 1, 0]), "f32")}
  %r = quant.linear %a, %q scale(%sw : tensor<4x1xf32>) input(%sx, %zx : tensor<f32>, tensor<i8>)
      bias(%bias : tensor<4xf32>) output(%sy, %zy : tensor<f32>, tensor<i8>)
      {{clamp_min = -100 : si64}} : tensor<3x8xi8>, tensor<4x8xi8> -> tensor<3x4xi8>
  %y = quant.dequantize %r scale(%sy : tensor<f32>) zero_point(%zy : tensor<i8>)
      : tensor<3x4xi8> -> tensor<3x4xf32>"""

    def function(x: Any, w: Any, b: Any) -> Any:
        bias = torch.tensor([0.5, -0.5, 1, 0])
        return fake_quantize(static_layer(x, w, bias), torch.tensor(0.02), -100, (-100, 127))

    model = make_program(LAYER, body, "3x4", tmp_path / "model.mlir")
    inputs = layer_inputs()
    outputs = run_both(differentiate(model, ["x", "w"], tmp_path / "m.mlir"), inputs)
    check(outputs, inputs, function)


def test_dynamic_layer(tmp_path: Path) -> None:
    """The parameters of a row are constants, whatever the row."""
    body = f"""
  {constant("sw", np.array(0.02), "f32")}
  %range = quant.observe %x : tensor<3x8xf32> -> tensor<3x1x2xf32>
  %sx, %zx = quant.choose_params %range {{bits = 8 : i64}}
      : tensor<3x1x2xf32> -> tensor<3x1xf32>, tensor<3x1xi8>
  %a = quant.quantize %x scale(%sx : tensor<3x1xf32>) zero_point(%zx : tensor<3x1xi8>)
      : tensor<3x8xf32> -> tensor<3x8xi8>
  %q = quant.quantize %w scale(%sw : tensor<f32>) : tensor<4x8xf32> -> tensor<4x8xi8>
  %y = quant.linear %a, %q scale(%sw : tensor<f32>)
      input(%sx, %zx : tensor<3x1xf32>, tensor<3x1xi8>) bias(%b : tensor<4xf32>)
      : tensor<3x8xi8>, tensor<4x8xi8> -> tensor<3x4xf32>"""

    def function(x: Any, w: Any, b: Any) -> Any:
        rows = x.detach()
        low = rows.amin(1, keepdim=True).clamp(max=0)
        high = rows.amax(1, keepdim=True).clamp(min=0)
        s = (high - low) / 255
        z = torch.round(-128 - low / s).clamp(-128, 127)
        return fake_quantize(x, s, z) @ fake_quantize(w, torch.tensor(0.02)).T + b

    check_layer(body, function, tmp_path)


def test_weight_only_layer(tmp_path: Path) -> None:
    """INT4 in groups, with float group scales."""
    s = np.array([[0.2, 0.3], [0.4, 0.25], [0.2, 0.1], [0.3, 0.2]])
    body = f"""
  {constant("sw", s, "f32")}
  %q = quant.quantize %w scale(%sw : tensor<4x2xf32>) : tensor<4x8xf32> -> tensor<4x8xi4>
  %y = quant.linear %x, %q scale(%sw : tensor<4x2xf32>) bias(%b : tensor<4xf32>)
      : tensor<3x8xf32>, tensor<4x8xi4> -> tensor<3x4xf32>"""

    def function(x: Any, w: Any, b: Any) -> Any:
        return x @ fake_quantize(w, torch.tensor(s, dtype=torch.float32), 0, I4).T + b

    check_layer(body, function, tmp_path)


def test_two_level_layer(tmp_path: Path) -> None:
    """INT4 in groups with integer multipliers, on integers."""
    multiplier = np.array([[4, 9], [8, 5], [3, 2], [7, 7]])
    body = f"""{STATIC}
  {constant("m", multiplier, "i8")}
  {constant("sg", np.array([[0.0625], [0.03125], [0.0625], [0.03125]]), "f32")}
  %g = quant.quantize %w scale(%sg : tensor<4x1xf32>) multiplier(%m : tensor<4x2xi8>)
      : tensor<4x8xf32> -> tensor<4x8xi4>
  %y = quant.linear %a, %g scale(%sg : tensor<4x1xf32>) multiplier(%m : tensor<4x2xi8>)
      input(%sx, %zx : tensor<f32>, tensor<i8>) bias(%b : tensor<4xf32>)
      : tensor<3x8xi8>, tensor<4x8xi4> -> tensor<3x4xf32>"""

    def function(x: Any, w: Any, b: Any) -> Any:
        s = torch.tensor([[0.0625], [0.03125], [0.0625], [0.03125]])
        g = fake_quantize(w, s, 0, I4, multiplier)
        return fake_quantize(x, torch.tensor(0.015), -7) @ g.T + b

    check_layer(body, function, tmp_path)


def test_learned_scales_of_a_layer(tmp_path: Path) -> None:
    """Scales learn through the quantizers, not through the layer that reads them."""
    body = """
  %a = quant.quantize %x scale(%sx : tensor<f32>) : tensor<3x8xf32> -> tensor<3x8xi8>
  %q = quant.quantize %w scale(%sw : tensor<4x1xf32>) : tensor<4x8xf32> -> tensor<4x8xi8>
  %zx = arith.constant dense<0> : tensor<i8>
  %y = quant.linear %a, %q scale(%sw : tensor<4x1xf32>) input(%sx, %zx : tensor<f32>, tensor<i8>)
      bias(%b : tensor<4xf32>) : tensor<3x8xi8>, tensor<4x8xi8> -> tensor<3x4xf32>"""
    arguments = {**LAYER, "sx": "f32", "sw": "4x1xf32"}
    model = make_program(arguments, body, "3x4", tmp_path / "model.mlir")
    learned = differentiate(model, list(arguments), tmp_path / "m.mlir", "learned-step-size")
    inputs = {
        **layer_inputs(),
        "sx": np.array(0.015, np.float32),
        "sw": np.array([[0.01], [0.02], [0.015], [0.03]], np.float32),
    }

    def function(x: Any, w: Any, b: Any, sx: Any, sw: Any) -> Any:
        return fake_quantize(x, sx) @ fake_quantize(w, sw).T + b

    check(run_both(learned, inputs), inputs, function)


def test_simulated_layer(tmp_path: Path) -> None:
    """The simulated form has the gradients of the integer form."""
    simulated = f"""
  {constant("sx", np.array(0.015), "f32")}
  {constant("zx", np.array(-7), "i8")}
  {constant("sw", np.array([[0.01], [0.02], [0.015], [0.03]]), "f32")}
  %a = quant.fake_quant %x scale(%sx : tensor<f32>) zero_point(%zx : tensor<i8>) {{bits = 8 : i64}}
      : tensor<3x8xf32>
  %q = quant.fake_quant %w scale(%sw : tensor<4x1xf32>) {{bits = 8 : i64}} : tensor<4x8xf32>
  %rows = tensor.empty() : tensor<3x4xf32>
  %start = linalg.broadcast ins(%b : tensor<4xf32>) outs(%rows : tensor<3x4xf32>) dimensions = [0]
  %y = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>,
                                      affine_map<(m, n, k) -> (n, k)>,
                                      affine_map<(m, n, k) -> (m, n)>]
      ins(%a, %q : tensor<3x8xf32>, tensor<4x8xf32>) outs(%start : tensor<3x4xf32>)
      -> tensor<3x4xf32>"""
    check_layer(simulated, static_layer, tmp_path)


def test_adapters_on_a_frozen_base(tmp_path: Path) -> None:
    """Two layers of constant INT4 in groups; only their low-rank adapters have gradients."""
    random = np.random.default_rng(5)
    sizes = {1: (8, 6), 2: (6, 4)}
    weights = {i: random.integers(-8, 8, (out, inputs)) for i, (inputs, out) in sizes.items()}
    scales = {i: random.uniform(0.05, 0.1, (sizes[i][1], 2)).round(3) for i in sizes}
    maps = "affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>"

    def product(name: str, x: str, w: str, shape: tuple[int, int, int]) -> str:
        m, n, k = shape
        return f"""
  %{name}_zeros = arith.constant dense<0.0> : tensor<{m}x{n}xf32>
  %{name} = linalg.matmul indexing_maps = [{maps}]
      ins(%{x}, %{w} : tensor<{m}x{k}xf32>, tensor<{n}x{k}xf32>)
      outs(%{name}_zeros : tensor<{m}x{n}xf32>) -> tensor<{m}x{n}xf32>"""

    body = ""
    for i, (inputs, outputs) in sizes.items():
        x = "x" if i == 1 else "active"
        body += f"""
  {constant(f"w{i}", weights[i], "i4")}
  {constant(f"s{i}", scales[i], "f32")}
  %base{i} = quant.linear %{x}, %w{i} scale(%s{i} : tensor<{outputs}x2xf32>)
      : tensor<3x{inputs}xf32>, tensor<{outputs}x{inputs}xi4> -> tensor<3x{outputs}xf32>
  {product(f"u{i}", x, f"a{i}", (3, 2, inputs))}
  {product(f"delta{i}", f"u{i}", f"b{i}", (3, outputs, 2))}
  %y{i} = arith.addf %base{i}, %delta{i} : tensor<3x{outputs}xf32>"""
        if i == 1:
            body += "\n  %active = math.tanh %y1 : tensor<3x6xf32>"
    body += "\n  %y = tensor.cast %y2 : tensor<3x4xf32> to tensor<3x4xf32>"
    adapters = {"a1": (2, 8), "b1": (6, 2), "a2": (2, 6), "b2": (4, 2)}
    arguments = {"x": "3x8xf32"} | {name: f"{m}x{n}xf32" for name, (m, n) in adapters.items()}
    model = make_program(arguments, body, "3x4", tmp_path / "model.mlir")
    gradients = differentiate(model, list(adapters), tmp_path / "m.mlir")
    inputs = {name: floats(*shape) for name, shape in adapters.items()}
    inputs |= {"x": floats(3, 8), "weights": floats(3, 4, seed=1)}

    def function(x: Any, a1: Any, b1: Any, a2: Any, b2: Any) -> Any:
        def base(i: int) -> Any:
            return torch.tensor(weights[i] * np.repeat(scales[i], sizes[i][0] // 2, 1)).float()

        active = torch.tanh(x @ base(1).T + x @ a1.T @ b1.T)
        return active @ base(2).T + active @ a2.T @ b2.T

    check(run_both(gradients, inputs), inputs, function)
