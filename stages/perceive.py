"""Measure how different restorations look from the truth, if a network to look with is given."""

from pathlib import Path

from pipeline import coco, outcomes, params, perceive, store
from pipeline.deepfill import runtime
from pipeline.parallel import progress
from pipeline.perceive import PerceiveParams
from pipeline.tables import TableParams
from stages import fetching, fillings, run


def main(  # noqa: PLR0913  # one a path
    raw: Path, truth: Path, valid: Path, filled: Path, transplanted: Path, perceived: Path
) -> str:
    """Read what was put into every hole whose truth is known, write the distances."""
    settings = params.load(PerceiveParams, "perceive")
    work = []
    if settings.weights is not None:
        images = coco.load(valid).images
        work = fillings.holes(images, raw, truth / "clean", (filled, transplanted))
    rows = _measured(work, settings) if work else []
    table = outcomes.PERCEIVED.frame(rows)
    above = params.load(TableParams, "tables").parquet_above
    store.write_table(perceived, table, outcomes.PERCEIVED, above)
    if settings.weights is None:
        return "not measured: perceive.weights names no network to look with"
    means = table.groupby("method")["lpips"].mean()
    said = ", ".join(f"{name} {value:.3f}" for name, value in means.items())
    said = f"LPIPS over {len(work)} holes: {said or 'none of them can be looked at'}"
    return said + store.as_parquet(perceived)


def _measured(work: list[dict], settings: PerceiveParams) -> list[dict]:
    runtime.prepare(0, settings.threads)
    network = perceive.load(fetching.local(settings.weights, settings.sha256))
    rows = []
    for hole in progress(work, "look at restorations", len(work)):
        truth, where, made = fillings.read(hole)
        found = perceive.distances(network, truth, made, where, settings.side)
        about = {"file_name": hole["file_name"], "kind": hole["kind"]}
        rows += [about | {"method": method, "lpips": value} for method, value in found.items()]
    return rows


if __name__ == "__main__":
    run(main)
