"""[network] Fetch the zip of one pinned Roboflow version, through Roboflow's own SDK.

The SDK finds the account, the project, the version and the link of its export. Its ``download``
is not used: it waits for ever, reports success where the folder exists, and never looks at what
it fetched.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import msgspec

from pipeline import params, roboflow_sdk
from pipeline.door import Door, Patience
from pipeline.errors import ParamsError, PullError
from pipeline.roboflow_sdk import Account

FORMAT = "coco-segmentation"
POLL = 2.0  # seconds between two looks at what Roboflow is still making
CURE = "correct the pin by the address in the browser: app.roboflow.com/WORKSPACE/PROJECT"
Slug = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]+$")]


class Pin(params.Params):
    """One immutable version of one Roboflow project, as its address in the browser names them."""

    workspace: Slug
    project: Slug
    version: Annotated[int, msgspec.Meta(ge=1)]


def read(path: Path) -> Pin:
    """Read a pin: YAML with exactly ``workspace``, ``project`` and ``version``.

    Raises:
        ParamsError: it is not.
    """
    if not path.is_file():
        raise ParamsError(f"{path} does not exist; pull.export names it")
    try:
        values = msgspec.yaml.decode(path.read_bytes())
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        values = None
    if not isinstance(values, dict):  # the parser's own words would quote the file
        raise ParamsError(f"{path} is not YAML with the keys workspace, project and version")
    if any("key" in str(name).lower() for name in values):
        raise ParamsError(f"{path} holds a key; keep that in ROBOFLOW_API_KEY, out of any file")
    return params.convert(Pin, values, str(path))


def download(pin: Pin, into: Path, patience: Patience, account: Account) -> None:
    """Fetch the version's COCO Segmentation zip to the file ``into``.

    Raises:
        PullError: there is no key, or Roboflow refuses it; there is no such workspace, project
            or version; the version is not generated; the server fails or is too slow.
    """
    key = roboflow_sdk.checked(account.key)
    door = Door(patience)
    roboflow_sdk.discreetly(key, lambda: door.download(_link(pin, key, door), into, account.told))


def _link(pin: Pin, key: str, door: Door) -> str:
    """Ask the SDK, step by step, for the address of the version's zip."""
    with roboflow_sdk.sdk(door) as (roboflow, rfapi):
        failures = (*roboflow_sdk.SDK_ERRORS, rfapi.RoboflowError)
        ask = roboflow_sdk.Desk(door, failures, PullError, CURE).ask
        account = ask("the key", lambda: roboflow.Roboflow(api_key=key))
        workspace = ask(f"workspace '{pin.workspace}'", lambda: account.workspace(pin.workspace))
        what = f"project '{pin.project}' in workspace '{pin.workspace}'"
        project = ask(what, lambda: workspace.project(pin.project))
        _listed(pin, ask(what, lambda: _versions(project)))
        where = (key, pin.workspace, pin.project, str(pin.version))
        what = f"version {pin.version} of {what}"
        _await_version(
            lambda: ask(what, lambda: dict(rfapi.get_version(*where)["version"])), door, what
        )
        return _await_link(
            lambda: ask(what, lambda: dict(rfapi.get_version_export(*where, FORMAT))), door, what
        )


def _versions(project: object) -> list[int]:
    """Return the numbers of a project's versions; Roboflow calls them workspace/project/number."""
    listed = (about["id"].rsplit("/", 1)[-1] for about in project.get_version_information())
    return sorted(int(number) for number in listed if number.isdigit())


def _listed(pin: Pin, versions: list[int]) -> None:
    if pin.version in versions:
        return
    known = f"its last are {', '.join(map(str, versions[-5:]))}" if versions else "it has none yet"
    raise PullError(
        f"project '{pin.project}' has no version {pin.version}; {known}; "
        "correct the pin, or generate the version in Roboflow"
    )


def _await_version(look: Callable[[], dict], door: Door, what: str) -> None:
    """Return when Roboflow has generated the version."""
    while (about := look()).get("generating"):
        door.wait(POLL, f"{what} is still being generated{_share(about)}")
    if not about.get("images"):
        raise PullError(f"{what} holds no pictures; generate it in Roboflow, then pull again")


def _await_link(look: Callable[[], dict], door: Door, what: str) -> str:
    """Return the address of the zip when Roboflow has packed it."""
    while (about := look()).get("ready") is False:
        door.wait(POLL, f"{what} is still being packed{_share(about)}")
    link = about.get("export", {}).get("link") if isinstance(about.get("export"), dict) else None
    if not isinstance(link, str):
        raise PullError(f"Roboflow names no download for {what} as {FORMAT}; export it there once")
    return link


def _share(about: dict) -> str:
    done = about.get("progress")
    return f" ({done:.0%})" if isinstance(done, int | float) else ""
