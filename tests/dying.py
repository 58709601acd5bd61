"""Work that dies as a process does for which there is no memory; for ``test_apart``."""

import os
import signal

from pipeline.errors import PipelineError


def work(items, given):
    """Yield each item with ``given``; of some, what their name says."""
    if given == "dead":
        os.kill(os.getpid(), signal.SIGKILL)
    for place, item in enumerate(items):
        if item == "refused":
            raise PipelineError("no")
        # What is read ahead kills while the item before it is worked on.
        if item == "bomb" or items[place + 1 : place + 2] == ["ahead"] or item == "ahead":
            os.kill(os.getpid(), signal.SIGKILL)
        yield f"{item} {given}"
