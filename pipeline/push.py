"""[network] Tags back to where the annotators work: onto the images of a Roboflow project.

Every tag is written with ``PREFIX``, so that ours are told from people's own: what has such a tag
and no longer the problem loses it, nothing else is touched. So a second push changes nothing.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

import pandas as pd

from pipeline import roboflow_sdk, splits
from pipeline.door import Door, Patience
from pipeline.errors import ParamsError, PushError
from pipeline.roboflow_sdk import Desk
from pipeline.rules import NAMES

PREFIX = "audit-"
PAGE = 100  # images an answer; Roboflow's own default
BATCH = 1000  # images an update; Roboflow's own limit
POLL = 2.0  # seconds between two looks at an update that Roboflow is still making
BUSY = {"created", "pending", "queued", "running", "in_progress"}  # as the SDK has them
CURE = "correct --project by the address in the browser: app.roboflow.com/WORKSPACE/PROJECT"
SLUG = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Target:
    """A project, as its address in the browser names it."""

    workspace: str
    project: str


@dataclass(frozen=True)
class Plan:
    """What a push is to do.

    Attributes:
        updates: what Roboflow is asked to change, an image each, sorted by its id.
        names: what each image to change is called here, by its id.
        same: how many images have the right tags already.
        failures: what cannot be done, a line each.
    """

    updates: list[dict]
    names: dict[str, str]
    same: int
    failures: list[str]


@dataclass(frozen=True)
class Pushed:
    """What a push did: how many images it changed and left, and what failed, a line each."""

    changed: int
    same: int
    failures: list[str]


def target(text: str) -> Target:
    """Read ``WORKSPACE/PROJECT``.

    Raises:
        ParamsError: it is not that.
    """
    parts = text.strip().strip("/").split("/")
    if len(parts) != 2 or not all(map(SLUG.fullmatch, parts)):
        raise ParamsError(f"--project is {text!r}; give WORKSPACE/PROJECT, as in its address")
    return Target(*parts)


def wanted(tagged: pd.DataFrame) -> dict[str, set[str]]:
    """Return the tags of each source picture, by its file name or what is left of that.

    Versions that Roboflow made of one picture share its tags: there is one image to write to.

    Args:
        tagged: ``file_name`` and a boolean column a tag.
    """
    tags = [tag for tag in NAMES if tag in tagged]
    result: dict[str, set[str]] = {}
    for name, row in zip(tagged["file_name"], tagged[tags].to_numpy(bool), strict=True):
        source = splits.source(name) if splits.MARK in name else name
        result.setdefault(source, set()).update(
            _ours(tag) for tag, has in zip(tags, row, strict=True) if has
        )
    return result


def unknown(tagged: pd.DataFrame) -> frozenset[str]:
    """Return our tags of which the table says nothing: those of a push that knew more stay."""
    return frozenset(_ours(tag) for tag in NAMES if tag not in tagged)


def _ours(tag: str) -> str:
    return PREFIX + tag.replace("_", "-")


def plan(tags: dict[str, set[str]], images: list[dict], keep: frozenset[str] = frozenset()) -> Plan:
    """Compare what is wanted with what the project has.

    Args:
        tags: as ``wanted`` gives them.
        images: ``id``, ``name`` and ``tags`` of every image of the project.
        keep: tags of ours to leave as they are, of ``unknown``.
    """
    known: dict[str, list[dict]] = {}
    for image in images:
        known.setdefault(_spelt(image["name"]), []).append(image)
    updates, names, failures, same = {}, {}, [], 0
    for name in sorted(tags):
        found = known.get(_spelt(name), [])
        if len(found) != 1:
            many = f"{len(found)} images of the project have" if found else "no image has"
            failures.append(f"{name}: {many} this name")
            continue
        if update := _update(found[0], tags[name], keep):
            updates[update["imageId"]] = update
            names[update["imageId"]] = name
        else:
            same += 1
    return Plan([updates[key] for key in sorted(updates)], names, same, failures)


def push(  # noqa: PLR0913  # what, where to, and how
    tags: dict[str, set[str]],
    to: Target,
    key: str | None,
    patience: Patience,
    *,
    dry: bool,
    keep: frozenset[str] = frozenset(),
) -> Pushed:
    """Write the tags to the project's images.

    Args:
        tags: as ``wanted`` gives them.
        to: the project.
        key: the private API key.
        patience: with the server.
        dry: only look, and say what would be done.
        keep: as ``plan`` takes it.

    Raises:
        PushError: there is no such project, or not for this key; the server fails or is too slow;
            the message says how many images were written before.
        PullError: there is no key, or the server does not answer.
    """
    key = roboflow_sdk.checked(key)
    door = Door(patience)

    def work() -> Pushed:
        with roboflow_sdk.sdk(door) as (roboflow, rfapi):
            failures = (*roboflow_sdk.SDK_ERRORS, rfapi.RoboflowError)
            desk = Desk(door, failures, PushError, CURE)
            ask = desk.ask
            account = ask("the key", lambda: roboflow.Roboflow(api_key=key))
            what = f"workspace '{to.workspace}'"
            workspace = ask(what, lambda: account.workspace(to.workspace))
            what = f"project '{to.project}' in {what}"
            project = ask(what, lambda: workspace.project(to.project))
            todo = plan(tags, _images(lambda start: ask(what, lambda: _page(project, start))), keep)
            if dry:
                return Pushed(len(todo.updates), todo.same, todo.failures)
            return _write(todo, _Writer(rfapi, key, to.workspace, desk))

    return roboflow_sdk.discreetly(key, work)


@dataclass(frozen=True)
class _Writer:
    """Sends updates and waits until they are made."""

    rfapi: ModuleType
    key: str
    workspace: str
    desk: Desk

    def __call__(self, updates: list[dict]) -> dict[str, str]:
        """Return why each image that was not updated was not, by its id."""
        what, where = f"{len(updates)} updates", (self.key, self.workspace)
        sent = self.desk.ask(
            what, lambda: dict(self.rfapi.batch_update_image_metadata(*where, updates))
        )
        task = str(sent.get("taskId", ""))
        look = lambda: dict(self.rfapi.get_async_task(*where, task))  # noqa: E731
        while (about := self.desk.ask(what, look)).get("status") in BUSY:
            self.desk.door.wait(POLL, f"{what} are still being made")
        result = about.get("result")
        if about.get("status") != "completed" or not isinstance(result, dict):
            raise PushError(f"Roboflow gave up {what} ({about.get('status')}); push again later")
        failed = [one for one in result.get("failedItems") or [] if isinstance(one, dict)]
        return {str(one.get("imageId")): str(one.get("error", "refused")) for one in failed}


def _write(todo: Plan, send: _Writer) -> Pushed:
    done, failures = 0, list(todo.failures)
    for start in range(0, len(todo.updates), BATCH):
        part = todo.updates[start : start + BATCH]
        try:
            refused = send(part)
        except PushError as error:
            raise PushError(f"{error} ({done} images were written before)") from None
        failures += [f"{todo.names.get(key, key)}: {why}" for key, why in sorted(refused.items())]
        done += len(part) - len(refused)
    return Pushed(done, todo.same, failures)


def _page(project: object, start: int) -> list[dict]:
    found = project.search(offset=start, limit=PAGE, fields=["id", "name", "tags"])
    return [{"id": str(one["id"]), "name": str(one["name"]), "tags": _list(one)} for one in found]


def _list(image: dict) -> list[str]:
    tags = image.get("tags")
    return [str(tag) for tag in tags] if isinstance(tags, list) else []


def _images(page: Callable[[int], list[dict]]) -> list[dict]:
    """Return every image of a project; a page that brings none that is new is the last."""
    images: dict[str, dict] = {}
    asked = 0
    while True:
        found = page(asked)
        before = len(images)
        images |= {image["id"]: image for image in found}
        asked += len(found)
        if len(found) < PAGE or len(images) == before:
            return [images[key] for key in sorted(images)]


def _update(image: dict, tags: set[str], keep: frozenset[str]) -> dict | None:
    """Return what to change about one image; None if nothing."""
    ours = {tag for tag in image["tags"] if tag.startswith(PREFIX)} - keep
    if ours == tags:
        return None
    update: dict[str, object] = {"imageId": image["id"]}
    if tags - ours:
        update["addTags"] = sorted(tags - ours)
    if ours - tags:
        update["removeTags"] = sorted(ours - tags)
    return update


def _spelt(name: str) -> str:
    """Return what is left of a name when Roboflow exports it: letters and digits of ASCII."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^0-9a-z]+", "-", plain).strip("-")
