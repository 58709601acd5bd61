"""A picture: a place, its light, the people in it and what stands before them."""

from dataclasses import dataclass

import cv2
import numpy as np

from pipeline.errors import PipelineError
from pipeline.scenes import (
    body,
    camera,
    canvas,
    casting,
    furniture,
    light,
    occluders,
    places,
    shade,
)
from pipeline.scenes.camera import Frame
from pipeline.scenes.casting import Role
from pipeline.scenes.sheet import Sheet

TRIES = 24  # castings before giving up; one in a few is refused as unclear


@dataclass(frozen=True)
class Wish:
    """What a picture is to show; the booleans are the truth that goes with it."""

    place: str
    far: bool = False
    crowd: bool = False
    blurred_background: bool = False
    scene_time: bool = False
    occluded: bool = False
    soft: bool = False  # the whole picture is a little soft, which is no blurred background


@dataclass(frozen=True)
class Picture:
    """A finished picture and what is known about it.

    Attributes:
        photo: ``(size, size, 3)`` uint8, with sensor noise.
        plate: the same without people and their shadows, and without noise. What stands in front
            of people stays: only people are removed when scenery is restored.
        silhouettes: what is visible of each person, ``(size, size)`` float32, 0..1, back to front.
        look: the light it was taken in.
    """

    photo: np.ndarray
    plate: np.ndarray
    silhouettes: list[np.ndarray]
    look: light.Look


@dataclass(frozen=True)
class Stage:
    """People and objects in their places, not yet lit."""

    frame: Frame
    cast: casting.Cast
    sheets: list[Sheet]
    front: canvas.Canvas | None
    visible: list[np.ndarray]


def picture(wish: Wish, size: int, seed: tuple[int, ...]) -> Picture:
    """Compose a picture; the same arguments give the same pixels.

    Raises:
        PipelineError: no casting satisfied the wish, which no seed tried so far has caused.
    """
    rng = np.random.default_rng(seed)
    looks = places.looks(wish.place, usual=not wish.scene_time)
    look = looks[int(rng.integers(len(looks)))]
    for _ in range(TRIES):
        stage = _set(wish, look, size, rng)
        if _clear(wish, stage):
            return _shoot(wish, stage, look, rng)
    raise PipelineError(f"no clear picture of {wish} from seed {seed}; choose another sample.seed")


def _set(wish: Wish, look: light.Look, size: int, rng: np.random.Generator) -> Stage:
    frame = camera.aim(rng, size, low=True)
    cast = casting.cast(wish, look, frame, rng)
    sheets = [_draw(role, frame) for role in cast.roles]
    front = None
    if wish.occluded:
        front = _front(cast, frame, rng)
    return Stage(frame, cast, sheets, front, _visible(sheets, front, size))


def _draw(role: Role, frame: Frame) -> Sheet:
    """Draw one person on the part of the picture the figure can reach."""
    scale = role.scale * frame.scale * role.person.height / body.TALL
    x, y = role.foot[0] * frame.scale, role.foot[1] * frame.scale
    left, right = (casting.REACH[kind] + 0.2 for kind in (role.pose.left, role.pose.right))
    box = (
        int(max(x - left * scale, 0)),
        int(max(y - 2.08 * scale, 0)),
        int(min(x + right * scale + 2, frame.size)),
        int(min(y + 0.1 * scale + 2, frame.size)),
    )
    sheet = Sheet(box, (x, y), scale)
    body.draw(sheet, role.person, role.pose)
    return sheet


def _front(cast: casting.Cast, frame: Frame, rng: np.random.Generator) -> canvas.Canvas:
    role = cast.roles[-1]
    painters = occluders.NEAR if cast.near else occluders.WHOLE
    panel = canvas.Canvas(camera.FRAME, camera.FRAME, frame.scale)
    nearer = role.scale * 1.06
    target = furniture.Target(role.foot[0], role.foot[1] + 0.06 * role.scale, nearer)
    painters[int(rng.integers(len(painters)))](panel, target, rng)
    return panel


def _visible(sheets: list[Sheet], front: canvas.Canvas | None, size: int) -> list[np.ndarray]:
    """Return what is seen of each person behind the nearer ones and the object in front."""
    free = np.ones((size, size), np.float32)
    if front is not None:
        free -= front.data[canvas.SOLID]
    shown = []
    for sheet in reversed(sheets):
        left, top, right, bottom = sheet.box
        whole = np.zeros((size, size), np.float32)
        whole[top:bottom, left:right] = sheet.alpha
        shown.append(whole * free)
        free *= 1 - whole
    return shown[::-1]


def _clear(wish: Wish, stage: Stage) -> bool:
    """Whether the picture shows its wish plainly, and nothing of what it is not to show."""
    area = stage.frame.size**2
    shares = [float(seen.sum()) / area for seen in stage.visible]
    whole = [float(sheet.alpha.sum()) / area for sheet in stage.sheets]
    hidden = [1 - share / max(full, 1e-9) for share, full in zip(shares, whole, strict=True)]
    if wish.far:
        return all(0.004 < share < 0.02 for share in shares) and max(shares) > 0.005
    if max(shares) < 0.065 or min(shares) < 0.006:
        return False
    if wish.occluded:
        return 0.125 < hidden[-1] < 0.55 and max(hidden[:-1], default=0) < 0.6
    return max(hidden) < 0.05


def _shoot(wish: Wish, stage: Stage, look: light.Look, rng: np.random.Generator) -> Picture:
    """Light the stage and take the photo."""
    frame, size = stage.frame, stage.frame.size
    scene = camera.scenery(
        places.lit(
            wish.place,
            frame.scale,
            (look.hour, look.season),
            0 if wish.scene_time else int(rng.integers(2)),
        ),
        frame,
    )
    if wish.blurred_background:
        scene = camera.defocus(scene, rng.uniform(4.5, 7.5) * frame.scale)
    shown = _shadowed(scene, stage, wish, look)
    for sheet in stage.sheets:
        left, top, right, bottom = sheet.box
        part = shown[top:bottom, left:right]
        part += sheet.alpha[..., None] * (shade.lit(sheet, look) - part)
    if stage.front is not None:
        near = light.nearby(stage.front.data, look, np.random.default_rng(5))
        cover = stage.front.data[canvas.SOLID][..., None]
        scene = scene + cover * (near - scene)
        shown += cover * (near - shown)
    gain = (
        camera.vignette(size, rng.uniform(0.1, 0.3))
        * rng.uniform(0.93, 1.07)
        * (1.5 if look.dark else 1.0)
    )
    blur = rng.uniform(0.75, 1.0) * frame.scale if wish.soft else 0.0
    plate, photo = (camera.develop(_softened(value * gain, blur)) for value in (scene, shown))
    strength = rng.uniform(2.6, 4.2) if look.dark else rng.uniform(1.2, 2.4)
    return Picture(camera.noisy(photo, strength, rng), plate, stage.visible, look)


def _softened(value: np.ndarray, blur: float) -> np.ndarray:
    return cv2.GaussianBlur(value, (0, 0), blur) if blur else value


def _shadowed(scene: np.ndarray, stage: Stage, wish: Wish, look: light.Look) -> np.ndarray:
    """Return the scenery with the shadows of those whose feet are in the picture."""
    shown = scene.copy()
    standing = [sheet for sheet in stage.sheets if sheet.foot[1] < stage.frame.size * 1.02]
    if not standing:
        return shown
    ground = camera.seen(places.built(wish.place, stage.frame.scale)[canvas.GROUND], stage.frame)
    dark = np.zeros(ground.shape, np.float32)
    for sheet in standing:
        dark = np.maximum(dark, shade.cast(sheet, look, ground.shape))
    shown *= 1 - (0.85 * dark * (ground.astype(np.float32) / 255))[..., None]
    return shown
