"""[disk] Networks on disk: ours as safetensors with their layout, and published checkpoints."""

import pickle
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec
import safetensors
import safetensors.torch
import torch
from torch import Tensor

from pipeline import store
from pipeline.deepfill import families
from pipeline.deepfill.families import FUSE, Family
from pipeline.deepfill.generator import Generator
from pipeline.deepfill.layout import Layout
from pipeline.errors import WeightsError

FILE = "generator.safetensors"
# What this package ships; half precision, so that it stays small enough for git.
EMBEDDED = Path(__file__).parents[1] / "weights" / "deepfill.safetensors"
NAMED = 5  # names that a message holds at most
# What a training program puts around the generator's own tensors.
CONTAINERS = ("G", "generator", "netG", "state_dict", "model")
UNREADABLE = (
    pickle.UnpicklingError, zipfile.BadZipFile, EOFError, RuntimeError, ValueError, TypeError,
    LookupError, safetensors.SafetensorError, AttributeError, ImportError, OverflowError,
)  # fmt: skip  # what ``torch.load`` raises at files that are none


def save(generator: Generator, folder: Path) -> None:
    """Write ``generator.safetensors`` and ``generator.json``; the same weights, the same bytes.

    The layout stands in both, so that the first may go alone.
    """
    path = folder / FILE
    tensors = {name: tensor.contiguous() for name, tensor in generator.state_dict().items()}
    layout = msgspec.json.encode(generator.layout, order="sorted").decode()
    store.write_bytes(path, safetensors.torch.save(tensors, {"layout": layout}))
    store.write_json(path.with_suffix(".json"), {"layout": msgspec.to_builtins(generator.layout)})


def located(name: str, trained: Path) -> Path:
    """Return where weights are that a parameter names: ``embedded``, ``trained`` or a path."""
    return {"embedded": EMBEDDED, "trained": trained}.get(name, Path(name).expanduser())


def load(path: Path, *, fuse: bool | None = None) -> Generator:
    """Read a generator, ready to paint; half precision is read as single.

    Args:
        path: a folder that ``save`` wrote, the ``.safetensors`` file in it, or ``EMBEDDED``; or a
            published checkpoint of one of ``families.FAMILIES``, which is told by its names. The
            layout of ours is the file's own metadata ``layout``, or else that of the JSON beside.
        fuse: whether the attention fuses, where that is to differ from the family's way.

    Raises:
        WeightsError: a file is missing, damaged or of no family, or the weights do not fit.
    """
    path = path / FILE if path.is_dir() else path
    if path == EMBEDDED and not path.is_file():
        raise WeightsError(
            f"this installation lacks the embedded weights, {path}; take them from the repository, "
            "or train your own: train_inpaint.from: none, some train_inpaint.steps and "
            "inpaint.weights: trained"
        )
    if not path.is_file():
        raise WeightsError(
            f"{path} does not exist; run dvc repro train_inpaint, or correct inpaint.weights"
        )
    with path.open("rb") as file:
        start = file.read(9)
    made = _ours(path) if start[8:] == b"{" else _published(path)
    if fuse is not None and made.layout.graph == "branches":
        layout = msgspec.structs.replace(made.layout, fuse=fuse)
        made.stage2.contextual_attention.layout = made.layout = layout
    return made.eval().requires_grad_(requires_grad=False)


def _ours(path: Path) -> Generator:
    """Read a safetensors file, of ours or of a family; it begins with its length and a brace."""
    try:
        with safetensors.safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            layout = (file.metadata() or {}).get("layout")
    except safetensors.SafetensorError as error:
        raise WeightsError(f"{path} is damaged ({error}); train or fetch it again") from error
    beside, family = path.with_suffix(".json"), families.told(tensors)
    if layout is None and not beside.is_file() and family is not families.FAMILIES[0]:
        return _of_family(_unwrapped(tensors, path), path)
    if layout is None and not beside.is_file():
        raise WeightsError(f"{beside} does not exist, and {path.name} names no layout itself")
    generator = Generator(_layout(layout, beside))
    _fit(generator, tensors, path)
    return generator


def _published(path: Path) -> Generator:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except UNREADABLE as error:
        first = str(error).strip().split("\n")[0][:120]
        raise WeightsError(
            f"{path} is damaged, or holds more than tensors ({type(error).__name__}: {first}); "
            "code in a file is never run: fetch it again, or save the network's state_dict() alone"
        ) from error
    return _of_family(_unwrapped(content, path), path)


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


def _of_family(tensors: dict[str, Tensor], path: Path) -> Generator:
    family = families.told(tensors)
    if family is None:
        raise WeightsError(
            f"{path} is of no family that is known; it holds {_some(tensors) or 'nothing'}; "
            f"known are {', '.join(family.name for family in families.FAMILIES)}"
        )
    _complete(family, tensors, path)
    width = family.width(tensors)
    if not 4 <= width <= 192 or width % 4:
        raise WeightsError(f"{path}: {width} features at half resolution; 4 to 192 are possible")
    generator = Generator(family.layout(width))
    try:
        converted = family.converted(tensors)
    except RuntimeError as error:  # shapes that do not go together
        raise WeightsError(f"{path} does not fit {family.name}: {error}") from error
    buffer = {FUSE: generator.state_dict()[FUSE]} if FUSE in generator.state_dict() else {}
    _fit(generator, converted | buffer, path)
    generator.notice = family.notice
    return generator


def _complete(family: Family, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Refuse a file that lacks a name of its family's or has one too many."""
    expected = family.names()
    missing = [name for name in expected if name not in tensors]
    unexpected = sorted(set(tensors) - set(expected) - {FUSE})
    wrong = [f"lacks {_some(missing)}"] * bool(missing)
    wrong += [f"has {_some(unexpected)} too many"] * bool(unexpected)
    if wrong:
        raise WeightsError(f"{path} is of {family.name} and {' and '.join(wrong)}")


def _layout(text: str | None, beside: Path) -> Layout:
    """Return the layout that stands in the weights, else the one beside them."""
    try:
        plain = msgspec.json.decode(text) if text else store.read_json(beside)["layout"]
        return msgspec.convert(plain, Layout)
    except (KeyError, TypeError, msgspec.MsgspecError) as error:
        raise WeightsError(
            f"{beside} describes no layout ({error}); train or fetch it again"
        ) from error


def _fit(generator: Generator, tensors: dict[str, Tensor], path: Path) -> None:
    expected = {name: tuple(tensor.shape) for name, tensor in generator.state_dict().items()}
    came = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    wrong = [name for name in sorted(expected | came) if expected.get(name) != came.get(name)]
    if wrong:
        details = (
            f"{name} is {came.get(name, 'missing')}, expected {expected.get(name, 'no such name')}"
            for name in wrong
        )
        raise WeightsError(
            f"{path} does not fit its layout at {len(wrong)} names: {_some(details)}; "
            "keep the .json that was written with it"
        )
    whole = [name for name, tensor in tensors.items() if not tensor.is_floating_point()]
    infinite = [
        name for name in tensors if name not in whole and not tensors[name].isfinite().all()
    ]
    if whole or infinite:
        raise WeightsError(f"{path} holds what no weights are: {_some([*whole, *infinite])}")
    generator.load_state_dict(tensors)


def _some(names: Iterable[str]) -> str:
    """Return a few of the names, and how many more there are."""
    names = list(names)
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
