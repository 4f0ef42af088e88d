"""The nine architectures of convolutional networks in the ``onnx`` wheel, with weights by chance.

The wheel has them without weights: every constant is made by a ConstantOfShape. Here they get
He-normal weights, statistics of BatchNormalization from one pass over images, a last layer whose
outputs have a standard deviation of 1 and are the outputs of the model (quantizers differ in what
they make of a softmax of a thousand small numbers), a batch of any size, and opset 13, which scales
for each channel need.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from real_models.model import RealModel

NAMES = (
    *("bvlc_alexnet", "densenet121", "inception_v1", "inception_v2", "resnet50"),
    *("shufflenet", "squeezenet", "vgg19", "zfnet512"),
)
OPSET = 13
SIZE = 224
STATISTICS_IMAGES, CALIBRATION_IMAGES = 8, 4
WEIGHTS = ("Conv", "Gemm")


def get_path(name: str) -> Path:
    """Return the file of the wheel."""
    return Path(onnx.__file__).parent / "backend" / "test" / "data" / "light" / f"light_{name}.onnx"


def make(name: str, folder: Path, samples: int = 8) -> RealModel:
    """Write the architecture ``name`` with weights to ``folder``."""
    network = _Network(onnx.load(get_path(name)))
    network.set_statistics(make_images(STATISTICS_IMAGES, seed=1))
    path = folder / f"{name}.onnx"
    onnx.save(network.build(), path)
    return RealModel(
        name=name,
        path=path,
        metric="snr",
        samples={network.input: make_images(samples, seed=2)},
        calibration={network.input: make_images(CALIBRATION_IMAGES, seed=3)},
        step=4,
    )


def make_images(count: int, seed: int) -> NDArray[np.float32]:
    """Return images [n, 3, 224, 224] by chance, with more in low frequencies, of variance 1."""
    random = np.random.default_rng(seed)
    images = np.zeros((count, 3, SIZE, SIZE), np.float32)
    for cells in (7, 28, 112):
        noise = random.standard_normal((count, 3, cells, cells), dtype=np.float32)
        images += noise.repeat(SIZE // cells, axis=2).repeat(SIZE // cells, axis=3)
    return images / images.std()


class _Network:
    """A graph whose constants can still change."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._random = np.random.default_rng(0)
        self._constants = {
            each.name: numpy_helper.to_array(each) for each in model.graph.initializer
        }
        self._nodes: list[onnx.NodeProto] = []
        inputs = [each.name for each in model.graph.input if each.name not in self._constants]
        (self.input,) = inputs
        self._fill(model.graph.node)
        (self._output,) = self._nodes[-1].output

    def set_statistics(self, images: NDArray[np.float32]) -> None:
        """Take mean and variance of every BatchNormalization, and the last scale, from a pass."""
        last = next(node for node in reversed(self._nodes) if node.op_type in WEIGHTS)
        nodes, wanted = [], [last.output[0]]
        for node in self._nodes:
            if node.op_type == "BatchNormalization":
                wanted += node.input[3:5]
                nodes += self._normalize_by_data(node)
            else:
                nodes.append(node)
        outputs = [helper.make_empty_tensor_value_info(name) for name in wanted]
        replaced = set(wanted)
        model = self._build(nodes, outputs, replaced)
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), providers=["CPUExecutionProvider"]
        )
        result, *statistics = session.run(wanted, {self.input: images})
        self._constants |= dict(zip(wanted[1:], map(np.ravel, statistics), strict=True))
        weight = last.input[1]
        self._constants[weight] = self._constants[weight] / result.std()

    def build(self) -> onnx.ModelProto:
        """Return the model."""
        output = helper.make_tensor_value_info(self._output, TensorProto.FLOAT, None)
        return self._build(self._nodes, [output])

    def _build(
        self,
        nodes: list[onnx.NodeProto],
        outputs: list[onnx.ValueInfoProto],
        without: set[str] = frozenset(),
    ) -> onnx.ModelProto:
        used = {name for node in nodes for name in node.input} - without
        shape = ["batch", 3, SIZE, SIZE]
        graph = helper.make_graph(
            nodes,
            "network",
            [helper.make_tensor_value_info(self.input, TensorProto.FLOAT, shape)],
            outputs,
            [
                numpy_helper.from_array(array, name)
                for name, array in self._constants.items()
                if name in used
            ],
        )
        opsets = [helper.make_opsetid("", OPSET)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8)

    def _fill(self, nodes: list[onnx.NodeProto]) -> None:
        """Make the constants, and the nodes what they are in opset 13."""
        roles = dict(self._list_roles(nodes))
        same: dict[str, str] = {}
        for node in nodes:
            for index, name in enumerate(node.input):
                node.input[index] = same.get(name, name)
            if node.op_type == "ConstantOfShape":
                shape = self._constants[node.input[0]]
                self._constants[node.output[0]] = self._make(roles[node.output[0]], tuple(shape))
            elif node.op_type == "Unsqueeze":
                axes = tuple(helper.get_node_attr_value(node, "axes"))
                array = self._constants[node.input[0]]
                self._constants[node.output[0]] = np.expand_dims(array, axes)
            elif node.op_type == "Reshape" and node.input[0] in self._constants:
                array, shape = (self._constants[name] for name in node.input)
                self._constants[node.output[0]] = array.reshape(shape)
            elif node.op_type == "Dropout":
                same[node.output[0]] = node.input[0]
            elif node.op_type == "Reshape":
                # The batch stays what it is.
                self._constants[node.input[1]] = np.array([0, *self._constants[node.input[1]][1:]])
                self._nodes.append(node)
            elif node.op_type != "Softmax":
                self._nodes.append(node)

    @staticmethod
    def _list_roles(nodes: list[onnx.NodeProto]) -> Iterator[tuple[str, str]]:
        """Say of each constant what reads it and where."""
        shapes = ("Unsqueeze", "Reshape")
        sources = {node.output[0]: node.input[0] for node in nodes if node.op_type in shapes}
        for node in nodes:
            for index, name in enumerate(node.input):
                if node.op_type not in shapes:
                    yield sources.get(name, name), f"{node.op_type} {index}"

    def _make(self, role: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
        if role in ("Conv 1", "Gemm 1"):
            fan_in = shape[-1] if role == "Gemm 1" else np.prod(shape[1:])
            return self._draw(shape, 0, float(np.sqrt(2 / fan_in)))
        if role in ("BatchNormalization 1", "Mul 1"):
            return self._draw(shape, 1, 0.1)
        if role in ("BatchNormalization 2", "Add 1", "Conv 2", "Gemm 2"):
            return self._draw(shape, 0, 0.1)
        return np.ones(shape, np.float32)

    def _draw(self, shape: tuple[int, ...], mean: float, deviation: float) -> NDArray[np.float32]:
        values = self._random.standard_normal(shape, dtype=np.float32)
        return values * np.float32(deviation) + np.float32(mean)

    def _normalize_by_data(self, node: onnx.NodeProto) -> Iterator[onnx.NodeProto]:
        """Write out a BatchNormalization that computes its mean and its variance."""
        x, scale, bias, mean, variance = node.input
        (y,) = node.output
        attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
        epsilon = np.float32(attributes.get("epsilon", 1e-5))
        constants = {"shape": np.array([1, -1, 1, 1]), "epsilon": epsilon}
        self._constants |= {f"{y}.{name}": value for name, value in constants.items()}

        def add(operator: str, inputs: list[str], output: str, **attributes: object) -> None:
            made.append(helper.make_node(operator, inputs, [output], **attributes))

        made: list[onnx.NodeProto] = []
        add("ReduceMean", [x], mean, axes=[0, 2, 3])
        add("Sub", [x, mean], f"{y}.centred")
        add("Mul", [f"{y}.centred"] * 2, f"{y}.square")
        add("ReduceMean", [f"{y}.square"], variance, axes=[0, 2, 3])
        add("Add", [variance, f"{y}.epsilon"], f"{y}.sum")
        add("Sqrt", [f"{y}.sum"], f"{y}.root")
        add("Div", [f"{y}.centred", f"{y}.root"], f"{y}.unit")
        for name in (scale, bias):
            add("Reshape", [name, f"{y}.shape"], f"{name}.column")
        add("Mul", [f"{y}.unit", f"{scale}.column"], f"{y}.scaled")
        add("Add", [f"{y}.scaled", f"{bias}.column"], y)
        yield from made
