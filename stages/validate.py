"""Keep the sound annotations, repair what can be, table the rest."""

import gc
from functools import partial
from pathlib import Path

from pipeline import looking, parallel, params
from stages import run


def main(export: Path, valid: Path, issues: Path) -> str:
    """Read the export, write the dataset, the repairs and every finding."""
    compute = params.load(parallel.ComputeParams, "compute")
    with parallel.ahead(partial(looking.rows, export, compute), compute) as looked:
        # Loaded while the pictures are being looked at: it takes a third of the time they do.
        from pipeline import checks, coco, store, tables, validate  # noqa: PLC0415

        limits = params.load(checks.ValidateParams, "validate")
        read, found = validate.run(export, limits, looked)
    coco.save(valid, found.dataset)
    above = params.load(tables.TableParams, "tables").parquet_above
    written = {
        valid / "repairs.csv": (found.repairs, checks.REPAIRS),
        valid / "leaks.csv": (found.leaks, checks.LEAKS),
        valid / "resplit.csv": (found.resplit, checks.RESPLIT),
        issues: (found.issues, tables.ISSUES),
    }
    for path, (frame, columns) in written.items():
        store.write_table(path, frame, columns, above)
    validate.refuse(found, limits.fail_on)
    return validate.summary(read, found) + store.as_parquet(*written)


if __name__ == "__main__":
    gc.disable()  # it would look through millions of living lists again and again
    run(main)
