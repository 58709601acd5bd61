"""The command line: ``segment-restore PHOTO…``, and commands by name; see README: Run it."""

import sys
import tempfile
from pathlib import Path
from typing import Annotated

import click
import typer
from typer.core import TyperGroup

from pipeline import params, store
from pipeline.errors import PipelineError, WeightsError
from stages import of_disk, restoring


class _PhotosFirst(TyperGroup):
    """A group whose command may be left out: what is no command is a photo to restore."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in {"--help", "-h"}:
            args = ["restore", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_PhotosFirst,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Take people out of photos, or audit a Roboflow segmentation export. "
    "PHOTO… alone means restore PHOTO….",
)


@app.command()
def restore(  # noqa: PLR0913  # one parameter an option
    photos: Annotated[list[Path], typer.Argument(help="Photos, folders of photos, or patterns.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write into.")] = Path(
        "restored"
    ),
    mask: Annotated[
        Path | None, typer.Option(help="Your own mask of one photo: what is not black goes.")
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(
            help="Inpainting weights: a folder of train_inpaint, a .safetensors or a checkpoint, "
            "by path or by address with --sha256; those of inpaint.weights if left out."
        ),
    ] = None,
    sha256: Annotated[str | None, typer.Option(help="The weights' SHA-256.")] = None,
    model: Annotated[Path, typer.Option(help="The trained U-Net.")] = Path("data/model"),
    save_mask: Annotated[
        bool, typer.Option("--save-mask", help="Also write <stem>.mask.png.")
    ] = False,
    side_by_side: Annotated[
        bool, typer.Option("--side-by-side", help="Also write photo and result as one picture.")
    ] = False,
) -> None:
    """Find people in photos, remove them, and write <stem>.png."""
    paths, missing = restoring.find(photos)
    brought = _brought(weights, sha256)
    if mask is None:
        _need_network(model)
    elif len(paths) != 1:
        raise PipelineError(f"--mask is of one photo, but {len(paths)} are given")
    with tempfile.TemporaryDirectory() as scratch:
        work = _plan(paths, output, output if save_mask else Path(scratch), beside=side_by_side)
        if mask is None:
            work = restoring.alone(restoring.segment, work, model)
        else:
            store.write_mask(work[0].mask, (store.read_photo(mask).max(axis=2) > 0).astype("u1"))
        work = restoring.alone(restoring.inpaint, work, brought)
    _conclude(work + _gone(missing), output)


@app.command()
def serve(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8765,
    weights: Annotated[
        str | None, typer.Option(help="Inpainting weights, as of restore --weights.")
    ] = None,
    sha256: Annotated[str | None, typer.Option(help="The weights' SHA-256.")] = None,
    model: Annotated[Path, typer.Option(help="The trained U-Net.")] = Path("data/model"),
) -> None:
    """Restore photos on a page in the browser, on this computer only."""
    from stages import serving  # noqa: PLC0415  # as below

    serving.serve(port, model, _brought(weights, sha256), typer.echo)


@app.command()
def segment(
    photos: Annotated[list[Path], typer.Argument(help="Photos, or folders of photos.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write into.")] = Path(
        "masks"
    ),
    model: Annotated[Path, typer.Option(help="The trained U-Net.")] = Path("data/model"),
) -> None:
    """Find people in photos and write their label masks, <stem>.png, at the photos' sizes."""
    _need_network(model)
    paths, missing = restoring.find(photos)
    work = _plan(paths, output, output)
    work = [photo._replace(mask=photo.restored) for photo in work]
    work = restoring.alone(restoring.segment, work, model)
    _conclude(work + _gone(missing), output, "segmented")


@app.command()
def audit(  # noqa: PLR0913  # one a word of the command
    export: Annotated[
        Path, typer.Argument(help="A folder or .zip of an export, or a *.roboflow.yaml pin.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write into.")] = Path(
        "audit"
    ),
    formats: Annotated[
        list[str] | None,
        typer.Option("--format", help="Also the tags for cvat (and FiftyOne) or labelstudio."),
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option(
            help="A CSV of true tags, to say how often ours are right; see README: Tables."
        ),
    ] = None,
    suspects: Annotated[
        Path | None,
        typer.Option(help="reports/suspects.csv of a run on this export: the tag suspect_label."),
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("-S", "--set", help="A parameter for this run: tag.far_below=0.05."),
    ] = None,
) -> None:
    """Validate and tag one export: tables and a page, no training."""
    from stages import auditing  # noqa: PLC0415  # half a second that --help need not wait for

    for line in auditing.write(export, output, formats or [], truth, suspects, changes or []):
        typer.echo(line)


@app.command()
def export(
    dataset: Annotated[Path, typer.Argument(help="The checked dataset: data/valid.")],
    kind: Annotated[
        str, typer.Option("--format", help="coco (Roboflow), cvat, yolo or labelstudio.")
    ] = "coco",
    output: Annotated[Path, typer.Option("-o", "--output", help="The zip to write.")] = Path(
        "export.zip"
    ),
    pictures: Annotated[Path, typer.Option(help="The folder that pull wrote.")] = Path("data/raw"),
) -> None:
    """Pack the checked and repaired dataset into a zip that other tools import."""
    from stages import exporting  # noqa: PLC0415  # as above

    typer.echo(exporting.export(dataset, pictures, kind, output))


@app.command("export-model")
def export_model(
    model: Annotated[Path, typer.Argument(help="The trained U-Net: data/model.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The file, or the folder of a savedmodel.")
    ] = Path("model1.h5"),
    kind: Annotated[
        str,
        typer.Option(
            "--format",
            help="h5, savedmodel, tflite, tflite-float16 or tflite-int8; by the ending otherwise.",
        ),
    ] = "",
    check: Annotated[
        Path, typer.Option(help="Folder of raw, valid and masks; its test split is scored.")
    ] = Path("data"),
) -> None:
    """Write the trained network for Keras, TensorFlow or LiteRT, and say what IoU that costs."""
    from stages import sharing  # noqa: PLC0415  # as above

    for line in sharing.share(model, kind, output, check):
        typer.echo(line)


@app.command()
def prelabel(  # noqa: PLR0913  # one parameter an option
    folder: Annotated[Path, typer.Argument(help="Photos that nobody has outlined yet.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The zip to write.")] = Path(
        "labels.zip"
    ),
    kind: Annotated[
        str, typer.Option("--format", help="coco (Roboflow), cvat, yolo or labelstudio.")
    ] = "coco",
    model: Annotated[Path, typer.Option(help="The trained U-Net.")] = Path("data/model"),
    dataset: Annotated[Path, typer.Option(help="What is labelled already.")] = Path("data/valid"),
    pictures: Annotated[Path, typer.Option(help="Its pictures.")] = Path("data/raw"),
) -> None:
    """Outline people in photos for correction by hand, and say which to do first."""
    from stages import prelabelling  # noqa: PLC0415  # as above

    _need_network(model)
    for line in prelabelling.write(folder, output, kind, model, (dataset, pictures)):
        typer.echo(line)


@app.command()
def push(
    source: Annotated[
        Path,
        typer.Argument(help="reports, or an audit's folder; or an export or pin to be audited."),
    ],
    tags: Annotated[bool, typer.Option("--tags", help="Write the tags.")] = False,
    project: Annotated[
        str | None, typer.Option(help="WORKSPACE/PROJECT; a pin names it itself.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change; change nothing.")
    ] = False,
) -> None:
    """Write the tags to the images of a Roboflow project; the key is ROBOFLOW_API_KEY's."""
    from stages import pushing  # noqa: PLC0415  # as above

    if not tags:
        raise PipelineError("push what? --tags is all there is so far")
    done = pushing.tags(source, project, dry=dry_run)
    for line in done.failures:
        typer.echo(f"segment-restore: {line}", err=True)
    typer.echo(
        f"{done.changed} images {'would be' if dry_run else 'were'} changed, "
        f"{done.same} have the right tags already, {len(done.failures)} failed"
    )
    if done.failures:
        raise typer.Exit(1)


@app.command()
def parity(
    folder: Annotated[
        Path, typer.Argument(help="Cases: NAME_raw, NAME_mask (white: the hole) and NAME_output.")
    ],
    weights: Annotated[
        str, typer.Option(help="A checkpoint: a path, or an address with --sha256.")
    ],
    sha256: Annotated[str | None, typer.Option(help="The checkpoint's SHA-256.")] = None,
) -> None:
    """Compare what we paint with a checkpoint to what its own program painted with it."""
    from stages import parity  # noqa: PLC0415  # PyTorch, here alone

    told = parity.Judged(folder, weights, sha256)
    for line in told:
        typer.echo(line)
    if not told.good:
        raise typer.Exit(1)


@app.command()
def results() -> None:
    """Say where the report is, and its headline numbers."""
    from stages import naming  # noqa: PLC0415  # as above

    metrics, page = store.read_json(Path("reports/metrics.json")), Path("reports/index.html")
    iou, restored = metrics.get("iou", {}), metrics.get("restore", {})
    typer.echo(f"report     {page.resolve().as_uri()}")
    commit = naming.holder(page)
    typer.echo(
        f"commit     {commit[:7] if commit else 'none: no committed dvc.lock names this page'}"
    )
    if "mean" in iou:
        typer.echo("test IoU   {mean:.3f} (95 % interval {low:.3f} to {high:.3f})".format(**iou))
    for split in ("valid", "train"):
        if split in iou:
            typer.echo(f"{split + ' IoU':<10} {iou[split]['mean']:.3f}")
    if right := metrics.get("audit", {}).get("f1"):
        typer.echo(f"tags' F1   {', '.join(f'{tag} {f1:.2f}' for tag, f1 in right.items())}")
    if remaining := restored.pop("remaining", None):
        typer.echo(f"removed    all but {remaining['share']:.1%} of what was found")
    restored.pop("gain", None)
    for kind, methods in sorted(restored.items()):
        scores = ", ".join(f"{name} {of['ssim']:.3f}" for name, of in sorted(methods.items()))
        typer.echo(f"SSIM       {scores} ({kind} holes)")


def _need(path: Path, what: str, stage: str) -> None:
    if not path.exists():
        raise WeightsError(
            f"no {what} at {path}; run `dvc repro {stage}` in the project first, or name another"
        )


def _brought(weights: str | None, sha256: str | None) -> Path | None:
    """Return where the weights of the command line lie, fetched if they have an address."""
    from pipeline import download  # noqa: PLC0415  # as above
    from stages import fetching  # noqa: PLC0415

    if weights is None:
        return None
    if not download.is_url(weights):
        _need(Path(weights).expanduser(), "inpainting weights", "train_inpaint")
    return fetching.local(weights, sha256)


def _need_network(model: Path) -> None:
    """Refuse unless there is a trained network, or another is to find people."""
    if params.value(str, "segment", "model") == "unet":
        _need(model, "trained model", "train")


def _gone(missing: list[Path]) -> list[restoring.Photo]:
    """Return a failure for each path at which there is no photo."""
    return [restoring.Photo(path, path, path, failure="there is no such file") for path in missing]


def _plan(
    paths: list[Path], output: Path, masks: Path, *, beside: bool = False
) -> list[restoring.Photo]:
    """Give each photo its own output name; two photos of one name get a number."""
    taken: dict[str, int] = {}
    work = []
    for path in paths:
        taken[path.stem] = taken.get(path.stem, 0) + 1
        stem = path.stem if taken[path.stem] == 1 else f"{path.stem}.{taken[path.stem]}"
        restored = output / f"{stem}.png"
        if restored.resolve() == path.resolve():
            raise PipelineError(f"{restored} would replace the photo itself; choose another -o")
        side = output / f"{stem}.side-by-side.jpg" if beside else None
        work.append(restoring.Photo(path, masks / f"{stem}.mask.png", restored, side))
    return work


def _conclude(work: list[restoring.Photo], output: Path, done: str = "restored") -> None:
    """Say what failed, a line each, and how many are done; fail if any did."""
    failed = [photo for photo in work if photo.failure]
    for photo in failed:
        typer.echo(f"segment-restore: {photo.path}: {photo.failure}", err=True)
    typer.echo(f"{len(work) - len(failed)} of {len(work)} photos {done} into {output}")
    if failed:
        raise typer.Exit(1)


def main() -> None:
    """Run the command line; a mistake is one line, not a traceback."""
    try:
        app()
    except PipelineError as error:
        sys.exit(f"segment-restore: {error}")
    except OSError as error:
        sys.exit(f"segment-restore: {of_disk(error)}")
