"""A network's layers -> blocks and lines of a drawing that a person takes in at once.

Layers in a row that give maps of one size are one block: as tall as the maps are large and as wide
as they have channels, both by their logarithm. Places are in the drawing's own units.
"""

import math
from dataclasses import dataclass, field

from pipeline.anatomy import Layer

STEP = 92  # from one block's middle to the next
LEVEL = 30  # a halving lies so much lower
TALL, SHORT = 132, 26  # of the largest and the smallest map
WIDE, NARROW = 52, 10  # of the most channels and the fewest
BELOW = 34  # for the two lines of text under a block
MARGIN = 16
ROW = TALL + BELOW + 26  # between branches
BRANCHES = ("ca_", "contextual_")  # DeepFillv2's branch that copies; see deepfill.generator
IMAGINED = ("conv_conv", "conv_down")  # and the one that imagines
INPUT = "InputLayer"


@dataclass(frozen=True)
class Block:
    """Layers of one size.

    Attributes:
        x: of its middle.
        y: of its middle.
        width: of the drawing.
        height: likewise.
        size: height and width of the maps, pixels.
        channels: most of any layer that learns.
        convolutions: how many of the layers are.
        parameters: of all its layers.
        special: a layer that a reader looks for, by its class; empty if there is none.
        role: of a block without work, ``given`` or ``gives``: the photo and what comes out.
    """

    x: float
    y: float
    width: float
    height: float
    size: tuple[int, int]
    channels: int
    convolutions: int
    parameters: int
    special: str = ""
    role: str = ""

    @property
    def text_y(self) -> float:
        """Return where the first line of text stands."""
        return self.y + self.height / 2 + 15


@dataclass(frozen=True)
class Blueprint:
    """A drawing.

    Attributes:
        width: of the whole.
        height: likewise.
        blocks: in the order of the work.
        flows: x1, y1, x2, y2 of arrows from a block to the next.
        skips: likewise, of maps that are handed over.
        lanes: x and y of a name over the first block of each lane, and the lane; none of a U.
        parameters: of all layers.
        layers: how many there are.
    """

    width: float
    height: float
    blocks: list[Block]
    flows: list[tuple[float, float, float, float]]
    skips: list[tuple[float, float, float, float]]
    lanes: list[tuple[float, float, str]]
    parameters: int
    layers: int


@dataclass
class _Run:
    lane: tuple[str, str]
    rows: list[Layer] = field(default_factory=list)

    @property
    def size(self) -> tuple[int, int]:
        return self.rows[-1].shape[:2]


def draw(layers: list[Layer]) -> Blueprint | None:
    """Return the drawing of a network of any depth; ``None`` of no layers.

    A network whose layers tell what they take is drawn as a U: what is handed over is a skip. Of
    one that does not, its stages and branches are told by the layers' names and drawn as lanes.
    """
    # A squeezed map of one pixel belongs to the block around it.
    runs = _runs([one for one in layers if max(one.shape[:2]) > 1])
    if all(one.kind == INPUT for run in runs for one in run.rows):
        return None
    lanes = {run.lane for run in runs}
    places = _in_a_u(runs) if len(lanes) == 1 else _in_lanes(runs)
    largest = max(max(run.size) for run in runs)
    channels = [_channels(run) for run in runs]
    blocks = [
        _block(run, place, largest, (min(channels), max(channels)))
        for run, place in zip(runs, places, strict=True)
    ]
    top = min(block.y - block.height / 2 for block in blocks) - MARGIN - 8
    shift = [_moved(block, -top) for block in blocks]
    flows = [_between(shift[one], shift[other]) for one, other in _followed(runs)]
    skips = [_across(shift[one], shift[other]) for one, other in _skipped(runs)]
    return Blueprint(
        max(block.x for block in shift) + STEP / 2 + MARGIN,
        max(block.y + block.height / 2 for block in shift) + BELOW + MARGIN,
        shift,
        flows,
        skips,
        _named(runs, shift) if len(lanes) > 1 else [],
        sum(layer.parameters for layer in layers),
        len(layers),
    )


def _lane(layer: Layer) -> tuple[str, str]:
    """Return the stage and the branch that a layer belongs to, empty texts where there is one."""
    stage, *rest = layer.name.split(".")
    if not rest:
        return "", ""
    copies, imagines = rest[0].startswith(BRANCHES), rest[0].startswith(IMAGINED)
    return stage, "copied" if copies else "imagined" if imagines else ""


def _runs(layers: list[Layer]) -> list[_Run]:
    runs: list[_Run] = []
    for layer in layers:
        lane = _lane(layer)
        if not runs or runs[-1].lane != lane or runs[-1].size != layer.shape[:2]:
            runs.append(_Run(lane))
        runs[-1].rows.append(layer)
    return runs


def _in_a_u(runs: list[_Run]) -> list[tuple[float, float]]:
    largest = max(max(run.size) for run in runs)
    return [
        (MARGIN + STEP * (number + 0.5), LEVEL * math.log2(largest / max(run.size)))
        for number, run in enumerate(runs)
    ]


def _in_lanes(runs: list[_Run]) -> list[tuple[float, float]]:
    """Return places: stages after each other, their branches below each other, then the joint."""
    places: dict[int, tuple[float, float]] = {}
    column = 0
    for stage in dict.fromkeys(run.lane[0] for run in runs):
        lanes: dict[str, list[int]] = {}
        for number, run in enumerate(runs):
            if run.lane[0] == stage:
                lanes.setdefault(run.lane[1], []).append(number)
        joint = lanes.pop("", [])
        for row, lane in enumerate(lanes.values()):
            y = (row - (len(lanes) - 1) / 2) * ROW
            places |= {number: (column + place, y) for place, number in enumerate(lane)}
        column += max(map(len, lanes.values()), default=0)
        places |= {number: (column + place, 0.0) for place, number in enumerate(joint)}
        column += len(joint)
    return [(MARGIN + STEP * (x + 0.5), y) for x, y in (places[each] for each in range(len(runs)))]


def _block(run: _Run, place: tuple[float, float], largest: int, channels: tuple[int, int]) -> Block:
    tall = SHORT + (TALL - SHORT) * (max(run.size) / largest) ** 0.6
    fewest, most = channels
    span = math.log2(max(2, most / fewest))
    wide = NARROW + (WIDE - NARROW) * math.log2(max(1, _channels(run) / fewest)) / span
    return Block(
        *place,
        round(wide, 1),
        round(tall, 1),
        run.size,
        _channels(run),
        sum("Conv" in one.kind or one.kind == "ToColour" for one in run.rows),
        sum(one.parameters for one in run.rows),
        next((one.kind for one in run.rows if "Attention" in one.kind), ""),
        "" if any(map(_works, run.rows)) else "given" if run.rows[0].kind == INPUT else "gives",
    )


def _works(layer: Layer) -> bool:
    return "Conv" in layer.kind or layer.kind == "ToColour" or layer.parameters > 0


def _channels(run: _Run) -> int:
    """Return the block's width: a joint of two maps is wider, but is no work."""
    learning = [layer.shape[2] for layer in run.rows if layer.parameters]
    return max(learning, default=run.rows[-1].shape[2])


def _moved(block: Block, down: float) -> Block:
    return Block(**{**vars(block), "y": round(block.y + down, 1), "x": round(block.x, 1)})


def _followed(runs: list[_Run]) -> list[tuple[int, int]]:
    """Return which block's maps the next work is done on."""
    pairs = []
    for number, run in enumerate(runs[1:], 1):
        before = runs[number - 1]
        if before.lane == run.lane:
            pairs.append((number - 1, number))
            continue
        ends = {one.lane: place for place, one in enumerate(runs[:number])}
        branches = [end for lane, end in ends.items() if lane[0] == run.lane[0] and lane[1]]
        earlier = [end for lane, end in ends.items() if lane[0] != run.lane[0]]
        pairs += [(end, number) for end in ([] if run.lane[1] else branches) or earlier[-1:]]
    return pairs


def _named(runs: list[_Run], blocks: list[Block]) -> list[tuple[float, float, str]]:
    """Return where each lane's name stands: its branch, or its stage where it is not parted."""
    firsts: dict[str, Block] = {}
    for run, block in zip(runs, blocks, strict=True):
        firsts.setdefault(run.lane[1] or run.lane[0], block)
    return [(one.x, round(one.y - one.height / 2 - 8, 1), lane) for lane, one in firsts.items()]


def _skipped(runs: list[_Run]) -> list[tuple[int, int]]:
    """Return what is handed over to a block other than the next."""
    home = {layer.name: number for number, run in enumerate(runs) for layer in run.rows}
    found = {
        (home[taken], number)
        for number, run in enumerate(runs)
        for layer in run.rows
        for taken in layer.takes
        if taken in home and home[taken] < number - 1
    }
    return sorted(found)


def _between(one: Block, other: Block) -> tuple[float, float, float, float]:
    gap = 5
    start, end = one.x + one.width / 2 + gap, other.x - other.width / 2 - gap
    return start, one.y, end, other.y


def _across(one: Block, other: Block) -> tuple[float, float, float, float]:
    """Return a level line from the top of one block, over those between, to another."""
    gap, y = 5, one.y - one.height / 2 + 8
    return one.x + one.width / 2 + gap, y, other.x - other.width / 2 - gap, y
