"""How the detector's file is made: the published graph is run as it is meant, channels last."""

import subprocess
import sys

CODE = """
import io, json, sys, tarfile
import numpy as np
import tensorflow as tf
from pathlib import Path
from pretraining import nanodet

rng = np.random.default_rng(0)
kernel = rng.normal(size=(3, 3, 3, 4)).astype(np.float16)
bias = rng.normal(size=(1, 4, 1, 1)).astype(np.float32)
constants = {
    "last": np.array([0, 2, 3, 1], np.int32), "first": np.array([0, 3, 1, 2], np.int32),
    "kernel": kernel, "bias": bias, "edges": np.array([0, 0, 0, 0, 1, 1, 1, 1], np.int32),
    "axis": np.array(1, np.int32), "sizes": np.array([1, 3], np.int32),
}
words = {"VALID": "VkFMSUQ="}
whole = {"list": {"i": ["1", "1", "1", "1"]}}
def node(op, name, *inputs, **attr):
    return {"op": op, "name": name, "input": list(inputs), "attr": attr}
nodes = [
    {"op": "Placeholder", "name": "input_1"},
    *(node("Const", name) for name in constants),
    node("Pad", "padded", "input_1", "edges"),
    node("Transpose", "turned", "padded", "last"),
    node("Conv2D", "convolved", "turned", "kernel", strides=whole, padding={"s": words["VALID"]}),
    node("Transpose", "back", "convolved", "first"),
    node("AddV2", "added", "bias", "back"),
    node("LeakyRelu", "bent", "added", alpha={"f": 0.1}),
    node("ConcatV2", "both", "bent", "bent", "axis"),
    node("SplitV", "parts", "both", "sizes8", "axis"),
    node("Sigmoid", "chance", "parts"),
    node("Reshape", "flat", "chance", "sizes"),
    node("Identity", "Identity", "flat"),
    node("Identity", "Identity_1", "parts:1"),
]
constants["sizes8"] = np.array([2, 6], np.int32)
nodes.append(node("Const", "sizes8"))
weights, content = [], b""
for name, value in constants.items():
    kind = "int32" if value.dtype == np.int32 else "float32"
    one = {"name": name, "shape": list(value.shape), "dtype": kind}
    if value.dtype == np.float16:
        one["quantization"] = {"dtype": "float16", "original_dtype": "float32"}
    weights.append(one)
    content += value.tobytes()
graph = {"modelTopology": {"node": nodes}, "weightsManifest": [{"weights": weights}]}
path = Path(sys.argv[1])
with tarfile.open(path, "w:gz") as package:
    for name, text in ((".json", json.dumps(graph).encode()), (".bin", content)):
        entry = tarfile.TarInfo(nanodet.INSIDE + name)
        entry.size = len(text)
        package.addfile(entry, io.BytesIO(text))

picture = rng.normal(size=(1, 6, 5, 3)).astype(np.float32)
first, second = nanodet.Network(*nanodet.read(path), tf.constant(picture)).answers()

# The same by plain loops, channels first as the graph is written.
image = np.pad(picture[0], ((1, 1), (1, 1), (0, 0)))
expected = np.zeros((6, 5, 4))
for row in range(6):
    for column in range(5):
        window = image[row : row + 3, column : column + 3]
        expected[row, column] = np.einsum("abc,abcd->d", window, kernel.astype(float))
expected += bias.reshape(4)
expected = np.where(expected > 0, expected, 0.1 * expected)
expected = np.concatenate([expected, expected], axis=2)
assert np.allclose(first[0], 1 / (1 + np.exp(-expected[..., :2])), atol=1e-4)
assert np.allclose(second[0], expected[..., 2:], atol=1e-4)
"""


def test_a_graph_with_its_channels_first_gives_the_same_answers_run_channels_last(tmp_path):
    run = subprocess.run(  # TensorFlow gets a process of its own
        [sys.executable, "-c", CODE, str(tmp_path / "made.tgz")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert run.returncode == 0, run.stderr
