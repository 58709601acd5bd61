"""Keep the sound annotations, repair what can be, table the rest."""

from functools import partial
from pathlib import Path

from pipeline import checks, coco, parallel, params, raw, store, tables, validate
from stages import run


def main(export: Path, valid: Path, issues: Path) -> str:
    """Read the export, write the dataset, the repairs and every finding."""
    limits = params.load(checks.ValidateParams, "validate")
    compute = params.load(parallel.ComputeParams, "compute")
    files = {
        split: (path.relative_to(export).as_posix(), raw.read(path))
        for split, path in raw.annotation_files(export).items()
    }
    read = coco.read(files)
    paths = raw.picture_paths(export)
    pictures = raw.pictures(parallel.each(partial(raw.measure, export), paths, compute, "checking"))
    found = validate.sound(read, pictures, limits)
    coco.save(valid, found.dataset)
    store.write_table(valid / "repairs.csv", found.repairs, checks.REPAIRS)
    store.write_table(valid / "leaks.csv", found.leaks, checks.LEAKS)
    store.write_table(valid / "resplit.csv", found.resplit, checks.RESPLIT)
    store.write_table(issues, found.issues, tables.ISSUES)
    validate.refuse(found, limits.fail_on)
    return validate.summary(read, found)


if __name__ == "__main__":
    run(main)
