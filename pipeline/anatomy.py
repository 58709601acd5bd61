"""What a network is made of: a row a layer, as the network itself tells it.

Keras and PyTorch are asked in their own words and neither is imported: the stages that own a
network write its rows, and the report reads them without any framework.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from pipeline import store

FILE = "layers.json"


class Layer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One layer.

    Attributes:
        name: its own in the network.
        kind: the class that it is of.
        shape: height, width and channels of what it gives, pixels.
        parameters: how many numbers it holds, learnt or running.
        takes: names of the layers that it reads; empty where the network does not tell.
    """

    name: str
    kind: str
    shape: tuple[int, int, int]
    parameters: int
    takes: tuple[str, ...] = ()


def of_keras(network: Any, size: int) -> list[Layer]:  # noqa: ANN401  # a keras.Model
    """Return the layers of a Keras network for inputs of ``size`` pixels a side, inputs first."""
    told = network.__class__(network.inputs, [layer.output for layer in network.layers])
    shapes = told.compute_output_shape((1, size, size, 3))
    makers = {id(layer.output): layer.name for layer in network.layers}
    rows = []
    for layer, shape in zip(network.layers, shapes, strict=True):
        read = layer.input if isinstance(layer.input, (list, tuple)) else [layer.input]
        from_where = (makers.get(id(one), layer.name) for one in read)
        takes = tuple(name for name in from_where if name != layer.name)
        height, width, channels = (1, 1, *shape[1:])[-3:]  # a pooled layer has no sides
        kind, held = type(layer).__name__, layer.count_params()
        rows.append(Layer(layer.name, kind, (height, width, channels), held, takes))
    return rows


@contextmanager
def watched(network: Any) -> Iterator[list[Layer]]:  # noqa: ANN401  # a torch.nn.Module
    """Give a list that fills with the layers of a PyTorch network as they run, in that order.

    A layer is a module whose parts have no parts of their own: a convolution with its gate is one.
    """
    rows: list[Layer] = []
    atoms = [one for one in network.named_modules() if _deep(one[1]) <= 1]
    inner = {id(part) for _, atom in atoms for part in atom.modules() if part is not atom}
    hooks = [
        module.register_forward_hook(_noting(rows, name))
        for name, module in atoms
        if id(module) not in inner
    ]
    try:
        yield rows
    finally:
        for hook in hooks:
            hook.remove()


def write(folder: Path, rows: list[Layer]) -> None:
    """Write the rows beside the network's weights."""
    store.write_json(folder / FILE, msgspec.to_builtins(rows))


def read(folder: Path) -> list[Layer]:
    """Return the rows that lie beside a network's weights; none if none were written.

    Raises:
        TableError: the file is of another form.
    """
    path = folder / FILE
    return store.read_json(path, list[Layer]) if path.is_file() else []


def _deep(module: Any) -> int:  # noqa: ANN401
    return max((1 + _deep(part) for part in module.children()), default=0)


def _noting(rows: list[Layer], name: str) -> Any:  # noqa: ANN401  # PyTorch's hook
    def note(module: Any, _: object, given: Any) -> None:  # noqa: ANN401
        _, channels, height, width = given.shape
        held = sum(one.numel() for one in module.parameters())
        rows.append(Layer(name, type(module).__name__, (height, width, channels), held))

    return note
