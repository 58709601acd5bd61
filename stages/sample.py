"""Draw the built-in export, with its truth beside it."""

from functools import partial
from pathlib import Path

from pipeline import parallel, params, sample, store
from pipeline.tables import SPLITS
from stages import run


def main(export: Path) -> str:
    """Draw every picture, then write the annotations and the truth."""
    wanted = params.load(sample.SampleParams, "sample")
    compute = params.load(parallel.ComputeParams, "compute")
    draw = partial(_draw, wanted=wanted, export=export)
    taken = parallel.each(draw, sample.plan(wanted), compute, "sample")
    for split in SPLITS:
        mine = [one for one in taken if one.shot.split == split]
        document = sample.document(mine, wanted.size)
        store.write_json(export / split / "_annotations.coco.json", document)
    rows = sample.TRUTH.frame(sample.truth(taken))
    store.write_table(export / "truth" / "tags.csv", rows, sample.TRUTH)
    store.write_bytes(export / "README.roboflow.txt", sample.readme(taken).encode())
    people = sum(len(one.people) for one in taken)
    places = {one.shot.wish.place for one in taken}
    return f"{len(taken)} images of {len(places)} places, {people} people"


def _draw(shot: sample.Shot, wanted: sample.SampleParams, export: Path) -> sample.Taken:
    """Draw and write one picture; what comes back is small."""
    taken = sample.take(shot, wanted)
    store.write_bytes(export / shot.split / taken.file_name, taken.jpeg)
    plate = Path(taken.file_name).with_suffix(".png").name
    store.write_bytes(export / "truth" / "clean" / plate, taken.plate)
    return taken.without_pixels()


if __name__ == "__main__":
    run(main)
