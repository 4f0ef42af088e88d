"""Reading and writing PEFT folders, and which layers they are for."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import quantc
from adapters import random_adapter, random_layer

PREFIX = "base_model.model."


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a small adapter of the layers ``fc1`` and ``block.fc2``."""
    random_adapter({"fc1": (3, 4), "block.fc2": (2, 3)}, rank=2).save(tmp_path / "adapter")
    return tmp_path / "adapter"


def set_config(folder: Path, **fields: Any) -> None:
    """Change fields of the configuration."""
    path = folder / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def set_tensors(folder: Path, tensors: dict[str, np.ndarray], dtype: str | None = None) -> None:
    """Write the tensors; ``dtype`` is what their bytes are taken for."""
    header: dict[str, Any] = {}
    content = b""
    for name, array in tensors.items():
        end = len(content) + array.nbytes
        header[name] = {
            "dtype": dtype or {"float32": "F32", "int8": "I8"}[str(array.dtype)],
            "shape": array.shape,
            "data_offsets": [len(content), end],
        }
        content += array.tobytes()
    path = folder / "adapter_model.safetensors"
    path.write_bytes(tensor_file(json.dumps(header).encode(), content))


def tensor_file(header: bytes, data: bytes = b"") -> bytes:
    """A file with a header as it is."""
    return struct.pack("<Q", len(header)) + header + data


def lora(module: str, a: Any, b: Any) -> dict[str, np.ndarray]:
    """The two tensors of a module."""
    return {f"{PREFIX}{module}.lora_A.weight": a, f"{PREFIX}{module}.lora_B.weight": b}


def assert_refused(folder: Path, *texts: str) -> None:
    """The folder is refused with one line that has all of ``texts``."""
    with pytest.raises(quantc.Error) as error:
        quantc.load_adapter(folder)
    message = str(error.value)
    assert "\n" not in message
    for text in texts:
        assert text in message


def test_round_trip(folder: Path, tmp_path: Path) -> None:
    adapter = quantc.load_adapter(folder)
    assert list(adapter.layers) == ["block.fc2", "fc1"]
    expected = random_layer(3, 4, 2, seed=0)
    layer = adapter.layers["fc1"]
    np.testing.assert_array_equal(layer.a, expected.a)
    np.testing.assert_array_equal(layer.b, expected.b)
    assert (layer.a.dtype, layer.b.dtype) == (np.float32, np.float32)
    assert (layer.scale, layer.rank, adapter.max_rank) == (2.0, 2, 2)
    adapter.save(tmp_path / "again")
    for file in folder.iterdir():
        assert file.read_bytes() == (tmp_path / "again" / file.name).read_bytes()


def test_written_bytes_do_not_depend_on_order(tmp_path: Path) -> None:
    layers = {"b": random_layer(2, 3, 1), "a": random_layer(3, 2, 2, scale=0.3)}
    quantc.Adapter(layers).save(tmp_path / "1")
    quantc.Adapter(dict(reversed(layers.items()))).save(tmp_path / "2")
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()


@settings(max_examples=25, deadline=None)
@given(
    ranks=st.dictionaries(
        st.sampled_from(["fc1", "fc10", "a.fc1", "a.b-c.0", "x+"]),
        st.tuples(st.integers(1, 5), st.floats(0.01, 100)),
        min_size=1,
    ),
    rslora=st.booleans(),
)
def test_ranks_and_scales_are_kept(
    tmp_path_factory: pytest.TempPathFactory, ranks: dict[str, tuple[int, float]], rslora: bool
) -> None:
    layers = {name: random_layer(3, 4, rank, scale=scale) for name, (rank, scale) in ranks.items()}
    folder = tmp_path_factory.mktemp("adapter")
    quantc.Adapter(layers, config={"use_rslora": rslora}).save(folder)
    loaded = quantc.load_adapter(folder)
    for name, (rank, scale) in ranks.items():
        assert loaded.layers[name].rank == rank
        assert np.float32(loaded.layers[name].scale) == pytest.approx(np.float32(scale), rel=1e-6)


def test_scales_follow_the_configuration(folder: Path) -> None:
    set_config(folder, lora_alpha=6)
    assert quantc.load_adapter(folder).layers["fc1"].scale == 3
    set_config(folder, use_rslora=True)
    assert quantc.load_adapter(folder).layers["fc1"].scale == 6 / 2**0.5
    set_config(folder, use_rslora=False, alpha_pattern={"block.fc2": 8, "fc.": 4}, r=9)
    set_config(folder, rank_pattern={"fc1|fc2": 2})
    layers = quantc.load_adapter(folder).layers
    assert (layers["fc1"].scale, layers["block.fc2"].scale) == (2, 4)


@pytest.mark.parametrize(
    "targets", [["fc1", "fc2"], ["fc1", "block.fc2"], "fc[12]", "all-linear", None]
)
def test_target_modules(folder: Path, targets: Any) -> None:
    set_config(folder, target_modules=targets)
    assert len(quantc.load_adapter(folder).layers) == 2


@pytest.mark.parametrize("dtype", ["F16", "BF16"])
def test_narrow_types_are_exact(folder: Path, dtype: str) -> None:
    a = np.array([[0.5, -1.5], [3, 2**-14]], np.float32)
    bits = a.astype(np.float16) if dtype == "F16" else (a.view(np.uint32) >> 16).astype("<u2")
    set_tensors(folder, lora("fc1", bits, bits), dtype)
    set_config(folder, target_modules=["fc1"])
    layer = quantc.load_adapter(folder).layers["fc1"]
    np.testing.assert_array_equal(layer.a, a)
    assert layer.a.dtype == np.float32


def test_biases_and_saved_modules(tmp_path: Path) -> None:
    bias, weight = np.arange(3, dtype=np.float32), np.ones((2, 3), np.float32)
    adapter = quantc.Adapter(
        {"fc1": random_layer(3, 4, 2)},
        biases={"fc1": bias},
        saved_modules={"head": quantc.SavedModule(weight, bias[:2])},
    )
    assert adapter.modules == ["fc1", "head"]
    adapter.save(tmp_path)
    loaded = quantc.load_adapter(tmp_path)
    assert loaded.config["bias"] == "lora_only"
    assert loaded.config["modules_to_save"] == ["head"]
    np.testing.assert_array_equal(loaded.biases["fc1"], bias)
    np.testing.assert_array_equal(loaded.saved_modules["head"].weight, weight)
    np.testing.assert_array_equal(loaded.saved_modules["head"].bias, bias[:2])


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"peft_type": "IA3"}, "peft_type is 'IA3'; only 'LORA' is supported"),
        ({"peft_type": "ADALORA"}, "peft_type is 'ADALORA'"),
        ({"use_dora": True}, "uses DoRA (use_dora)"),
        ({"lora_bias": True}, "lora_bias"),
        ({"trainable_token_indices": [1]}, "trainable tokens"),
        (
            {"init_lora_weights": "pissa"},
            "init_lora_weights='pissa' changes the weights of the base",
        ),
        ({"r": 0}, "r=0; it must be a positive whole number"),
        ({"r": 3}, "module 'block.fc2' has rank 2; adapter_config.json says 3"),
        ({"lora_alpha": "8"}, "lora_alpha='8'; it must be a number"),
        ({"bias": "some"}, "bias='some'"),
        ({"target_modules": 3}, "target_modules=3"),
        ({"target_modules": ["fc1", "fc2", "fc3"]}, "target module 'fc3' has no weights"),
        ({"target_modules": ["fc1"]}, "module 'block.fc2' is not among the target_modules"),
        ({"rank_pattern": {"fc": "2"}}, "rank_pattern="),
        ({"alpha_pattern": {"(": 2}}, "alpha_pattern: '(' is no pattern"),
    ],
)
def test_configurations_that_are_refused(folder: Path, fields: dict, text: str) -> None:
    set_config(folder, **fields)
    assert_refused(folder, text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("fc1.lora_embedding_A", "LoRA of an embedding"),
        ("fc1.lora_magnitude_vector", "DoRA"),
        ("fc1.lora_B.bias", "a bias of lora_B"),
        ("fc1.weight", "neither LoRA"),
        ("fc1.bias", "neither LoRA"),
        ("fc3.lora_A.weight", "module 'fc3' has no lora_B.weight"),
        ("fc3.lora_B.weight", "module 'fc3' has no lora_A.weight"),
    ],
)
def test_tensors_that_are_refused(folder: Path, name: str, text: str) -> None:
    ones = np.ones((2, 2), np.float32)
    set_tensors(folder, {**lora("fc1", ones, ones), PREFIX + name: ones})
    set_config(folder, target_modules=None)
    assert_refused(folder, "adapter_model.safetensors", text)


@pytest.mark.parametrize(
    ("a", "b", "text"),
    [
        (np.ones((2, 3)), np.ones((4, 1)), "A is [2, 3] and B [4, 1]"),
        (np.ones((0, 3)), np.ones((4, 0)), "A is [0, 3] and B [4, 0]"),
        (np.ones((2, 3, 1, 1)), np.ones((4, 2, 1, 1)), "A has 4 dimensions"),
        (np.full((2, 3), np.nan), np.ones((4, 2)), "has NaN or infinite elements"),
        (np.ones((2, 3)), np.full((4, 2), np.inf), "has NaN or infinite elements"),
    ],
)
def test_values_that_are_refused(folder: Path, a: Any, b: Any, text: str) -> None:
    set_tensors(folder, lora("fc1", a.astype(np.float32), b.astype(np.float32)))
    assert_refused(folder, text)


def test_other_element_types_are_refused(folder: Path) -> None:
    set_tensors(folder, lora("fc1", np.ones((2, 3), np.int8), np.ones((4, 2), np.int8)))
    assert_refused(folder, "elements of type I8; they must be F32, F16, BF16")


def entry(begin: int, end: int, shape: str = "[1]") -> str:
    """The JSON of one tensor."""
    return f'{{"dtype":"F32","shape":{shape},"data_offsets":[{begin},{end}]}}'


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x05\0\0",
        struct.pack("<Q", 2**63),
        struct.pack("<Q", 100) + b"{}",
        struct.pack("<Q", 17 << 20) + b" " * (17 << 20),
        tensor_file(b"[]"),
        tensor_file(b"\xff"),
        tensor_file(b"{" * 100_000),
        tensor_file(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
        tensor_file(b'{"a":{"dtype":"F32","shape":[' + b"9" * 5000 + b'],"data_offsets":[0,4]}}'),
        tensor_file(f'{{"a":{entry(0, 8)}}}'.encode(), b"12345678"),  # of another size
        tensor_file(f'{{"a":{entry(0, 4)}}}'.encode()),  # beyond the end
        tensor_file(f'{{"a":{entry(4, 0)}}}'.encode(), b"1234"),
        tensor_file(f'{{"a":{entry(-4, 0)}}}'.encode(), b"1234"),
        tensor_file(f'{{"a":{entry(0, 4)},"b":{entry(0, 4)}}}'.encode(), b"1234"),  # overlap
        tensor_file(f'{{"a":{entry(0, 4)},"b":{entry(8, 12)}}}'.encode(), b"1" * 12),  # hole
        tensor_file(f'{{"a":{entry(0, 4)}}}'.encode(), b"1" * 8),  # left over
        tensor_file(f'{{"a":{entry(0, 4)},"a":{entry(4, 8)}}}'.encode(), b"1" * 8),  # twice
        tensor_file(f'{{"a":{entry(0, 4, "[4294967296,4294967296]")}}}'.encode(), b"1234"),
        tensor_file(f'{{"a":{entry(0, 4, "[-1]")}}}'.encode(), b"1234"),
        tensor_file(f'{{"a\\nb":{entry(0, 4)}}}'.encode(), b"1234"),
        tensor_file(b'{"a":NaN}'),
    ],
)
def test_hostile_tensor_files(folder: Path, content: bytes) -> None:
    (folder / "adapter_model.safetensors").write_bytes(content)
    assert_refused(folder, "adapter_model.safetensors: ")


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_damaged_tensor_files(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("adapter", numbered=True)
    random_adapter({"fc1": (2, 2)}, rank=1).save(folder)
    path = folder / "adapter_model.safetensors"
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        quantc.load_adapter(folder)
    except quantc.Error as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize("content", ["", "[]", "{", '{"r": NaN}', '{"r": 1, "r": 2}', "[" * 10**5])
def test_hostile_configurations(folder: Path, content: str) -> None:
    (folder / "adapter_config.json").write_text(content)
    assert_refused(folder, "adapter_config.json: ")


def test_pickles_are_not_read(folder: Path) -> None:
    (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin")
    assert_refused(folder, "a pickle", "safe_serialization=True")


def test_missing_files(folder: Path, tmp_path: Path) -> None:
    assert_refused(tmp_path / "other", "no such folder")
    (folder / "adapter_model.safetensors").unlink()
    assert_refused(folder, "adapter_model.safetensors: cannot be read")
    (folder / "adapter_config.json").unlink()
    assert_refused(folder, "adapter_config.json: cannot be read")


def test_an_adapter_changes_something() -> None:
    with pytest.raises(quantc.Error, match="changes no layer"):
        quantc.Adapter({})


@pytest.mark.parametrize(
    ("module", "layers", "expected"),
    [
        ("fc1", ["fc1", "fc2"], "fc1"),
        ("fc1", ["a.fc1", "fc1"], "fc1"),
        ("fc1", ["/model/fc1/Gemm", "/model/fc2/Gemm"], "/model/fc1/Gemm"),
        (
            "model.layers.0.fc1",
            ["/layers.0/fc1/MatMul_3", "/layers.1/fc1/MatMul"],
            "/layers.0/fc1/MatMul_3",
        ),
        ("encoder.fc1", ["fc1", "xfc1"], "fc1"),
    ],
)
def test_matching(module: str, layers: list[str], expected: str) -> None:
    adapter = random_adapter({module: (2, 2)})
    assert adapter.match(layers) == {module: expected}
    assert list(adapter.for_layers(layers).layers) == [expected]


@pytest.mark.parametrize(
    ("modules", "layers", "text"),
    [
        (
            ["fc3"],
            ["fc1", "fc2"],
            "module 'fc3' is no layer of the model; the layers are 'fc1', 'fc2'",
        ),
        (["c1"], ["fc1"], "module 'c1' is no layer"),
        (["fc1"], ["a/fc1", "b/fc1"], "module 'fc1' could be any of the layers 'a/fc1', 'b/fc1'"),
        (["a.fc1", "b.fc1"], ["fc1"], "modules 'a.fc1' and 'b.fc1' are both layer 'fc1'"),
    ],
)
def test_modules_without_a_layer(modules: list[str], layers: list[str], text: str) -> None:
    adapter = random_adapter({module: (2, 2) for module in modules})
    with pytest.raises(quantc.Error) as error:
        adapter.match(layers)
    assert text in str(error.value)
