"""[disk] Tensors by their names, out of files that may come from anywhere."""

import pickle
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import safetensors
import torch
from torch import Tensor, nn

from pipeline.errors import WeightsError

NAMED = 5  # names that a message holds at most
# What a training program puts around the generator's own tensors.
CONTAINERS = ("G", "generator", "netG", "state_dict", "model")
UNREADABLE = (
    pickle.UnpicklingError, zipfile.BadZipFile, EOFError, RuntimeError, ValueError, TypeError,
    LookupError, safetensors.SafetensorError, AttributeError, ImportError, OverflowError,
)  # fmt: skip  # what ``torch.load`` raises at files that are none


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, str] | None]:
    """Return a file's tensors and the words with them, which only safetensors have; else None.

    Args:
        path: safetensors, or what ``torch.save`` wrote: tensors by name, or those under one of
            ``CONTAINERS``, or either with ``module.`` before each name. Code is never run.

    Raises:
        WeightsError: the file is missing or damaged, or holds anything else.
    """
    if not path.is_file():
        raise WeightsError(f"{path} does not exist; correct the path, or fetch the file")
    with path.open("rb") as file:
        start = file.read(9)
    if start[8:] == b"{":  # after its length, in eight bytes
        return _safe(path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except UNREADABLE as error:
        first = str(error).strip().split("\n")[0][:120]
        raise WeightsError(
            f"{path} is damaged, or holds more than tensors ({type(error).__name__}: {first}); "
            "code in a file is never run: fetch it again, or save the network's state_dict() alone"
        ) from error
    return _unwrapped(content, path), None


def fit(network: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Give a network its tensors, all of them and no other.

    Raises:
        WeightsError: a name is missing or one too many, a shape is another, or a number is none.
    """
    places = network.state_dict()
    expected = {name: tuple(tensor.shape) for name, tensor in places.items()}
    came = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    wrong = [name for name in sorted(expected | came) if expected.get(name) != came.get(name)]
    if wrong:
        details = (
            f"{name} is {came.get(name, 'missing')}, expected {expected.get(name, 'no such name')}"
            for name in wrong
        )
        raise WeightsError(
            f"{path} does not fit its layout at {len(wrong)} names: {some(details)}; "
            "keep the .json that was written with it"
        )
    odd = [
        name
        for name, tensor in tensors.items()
        if tensor.is_floating_point() != places[name].is_floating_point()
        or not tensor.isfinite().all()
    ]
    if odd:
        raise WeightsError(f"{path} holds numbers that are no weights: {some(odd)}")
    network.load_state_dict(dict(tensors))


def some(names: Iterable[str]) -> str:
    """Return a few of the names, and how many more there are."""
    names = list(names)
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _safe(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        with safetensors.safe_open(path, "pt") as file:
            found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return _unwrapped(found, path), file.metadata() or {}
    except safetensors.SafetensorError as error:
        raise WeightsError(f"{path} is damaged ({error}); train or fetch it again") from error


def _unwrapped(content: object, path: Path) -> dict[str, Tensor]:
    """Return the generator's tensors, out of what training programs put around them."""
    for name in CONTAINERS:
        if isinstance(content, Mapping) and isinstance(content.get(name), Mapping):
            content = content[name]
            break
    if not isinstance(content, Mapping) or not all(
        isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in content.items()
    ):
        raise WeightsError(f"{path} holds no tensors by name; it is no network's state_dict()")
    parallel = bool(content) and all(name.startswith("module.") for name in content)
    return {name.removeprefix("module.") if parallel else name: content[name] for name in content}
