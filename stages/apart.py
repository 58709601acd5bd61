"""Work in a process of its own, so that TensorFlow and PyTorch never share one."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import ParamSpec, TypeVar

from pipeline.errors import PipelineError

Given = ParamSpec("Given")
Result = TypeVar("Result")


def apart(work: Callable[Given, Result], *given: Given.args, **named: Given.kwargs) -> Result:
    """Return ``work(*given, **named)``, done in a fresh process.

    Args:
        work: a function of a module; it imports its framework itself.
        given: picklable.
        named: picklable.

    Raises:
        PipelineError: the process raised one, or died.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        try:
            return pool.submit(work, *given, **named).result()
        except BrokenProcessPool as error:
            raise PipelineError(
                f"{work.__name__} died, most likely for want of memory; close other programs, "
                "or give smaller pictures"
            ) from error
