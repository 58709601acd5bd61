"""How the generator is trained: the parameters of ``train_inpaint``."""

from typing import Annotated

from msgspec import Meta, field

from pipeline.params import Params

Share = Annotated[float, Meta(ge=0, le=1)]
Positive = Annotated[float, Meta(gt=0)]
Count = Annotated[int, Meta(ge=1)]


class TrainInpaintParams(Params):
    """How the generator is trained; ``params.yaml`` section ``train_inpaint``."""

    start: str = field(name="from")  # embedded, none = random weights, or a .safetensors' path
    seed: Annotated[int, Meta(ge=0)]
    threads: Count  # another number gives other rounding, so it is fixed here
    crop: Annotated[int, Meta(ge=32, multiple_of=8)]  # side of a training picture, pixels
    crops_per_image: Count
    batch: Count
    steps: Annotated[int, Meta(ge=0)]  # 0 = the starting weights are passed on as they are
    warmup: Share  # of the steps, while the learning rate rises
    learning_rate: Positive  # of the generator, at its highest
    critic_learning_rate: Positive
    critic_width: Count  # the published critic has 64
    critic_from: Share  # of the steps, after which the critic enters
    deceit_weight: Annotated[float, Meta(ge=0)]
    coarse_weight: Annotated[float, Meta(ge=0)]
    known_weight: Annotated[float, Meta(ge=0)]
    brush_share: Share  # of the holes that are brush strokes; the others have an object's outline
    smallest_hole: Share  # longer side of an object-shaped hole, share of the crop
    largest_hole: Share
    smallest_outline: Annotated[int, Meta(ge=2)]  # longer side of an outline worth using, pixels
    average: Share  # of the averaged weights that a step keeps
    report_every: Count  # steps a row of the history
    sheet_every: Annotated[int, Meta(ge=0)]  # steps a sheet of samples, with its row; 0 = none
    checks: Annotated[int, Meta(ge=0)]  # crops of the valid split that a row is checked on
