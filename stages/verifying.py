"""Compare every file of DVC's cache with its checksum: `make verify`."""

from pathlib import Path

from pipeline.errors import PipelineError
from stages import mending, run


def main(project: Path) -> str:
    """Read the whole cache of a project; remove what is damaged, so that DVC builds it anew."""
    with mending.alone(project / ".dvc/tmp/lock") as free:
        if not free:
            raise PipelineError(f"DVC is at work in {project}; wait until it has ended")
        every = mending.Cache(project).every()
        said = mending.cleared(every)
    return "; ".join(said) or f"all {len(every)} files of DVC's cache are what they were"


if __name__ == "__main__":
    run(main)
