"""What distinguishes one family of DeepFillv2 generators from another."""

from typing import Annotated, Literal

import msgspec

from pipeline.params import Params

STRIDE = 8  # the network halves its input twice, its attention once more: 2 * 2 * 2
RANGE = (-1.0, 1.0)  # of every picture that enters or leaves ``Generator.forward``

Width = Annotated[int, msgspec.Meta(ge=4, le=192, multiple_of=4)]
Fill = Literal["smooth", "grey", "white"]


class DeepfillParams(Params):
    """The generator that this project trains; ``params.yaml`` section ``deepfill``."""

    width: Width  # features at half resolution; the published network has 48
    fill: Fill  # what the networks see in a hole; grey is the paper's, smooth converges in minutes
    fuse: bool  # attention prefers patches whose neighbours match too
    edges: bool  # one more channel holds edges: of the surroundings, straight ones drawn through


class Layout(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One family's shape and conventions; written beside the weights, so that they can be read.

    Attributes:
        graph: ``branches`` has a refining network of two branches, one with attention; ``straight``
            has two equal chains of layers, normalised, without attention.
        width: features at half resolution; twice as many at a quarter, half as many at full.
        inputs: channels that the coarse and the refining network take: 5 is colour, ones and
            mask, 4 is colour and mask, 3 is colour alone.
        gated: convolutions have gates; those of the first DeepFill have none.
        gated_rgb: the last convolution is gated too.
        bound: what keeps the colours in range, the hyperbolic tangent or a cut.
        low: the network's value of black; white is 1.
        fill: what the hole holds at first. ``smooth`` spreads the surroundings into it, and makes
            both networks predict a correction to what they are given.
        padding: ``symmetric`` zeros, or TensorFlow's ``same``, which pads even sizes at the end.
        corners: the attention samples its keys and its mask from corner to corner.
        floor: smallest length that a patch is divided by.
        added: added to a patch's squared length before the root.
        fuse: attention prefers patches whose neighbours match too.
        edges: one more channel holds the edges of ``edges.guide``.
        sharpness: factor of the scores in the attention's softmax.
    """

    graph: Literal["branches", "straight"] = "branches"
    width: Width
    inputs: tuple[int, int] = (5, 3)
    gated: bool = True
    gated_rgb: bool = False
    bound: Literal["tanh", "clip"] = "tanh"
    low: float = -1.0
    fill: Fill = "grey"
    padding: Literal["symmetric", "same"] = "symmetric"
    corners: bool = False
    floor: float = 1e-4
    added: float = 0.0
    fuse: bool = True
    sharpness: float = 10.0
    edges: bool = False

    def channels(self, stage: int) -> int:
        """Return how many the network of stage 0 or 1 takes in all."""
        return self.inputs[stage] + self.edges


def chosen(params: DeepfillParams) -> Layout:
    """Return the layout of the generator that ``params`` asks for."""
    return Layout(width=params.width, fill=params.fill, fuse=params.fuse, edges=params.edges)
