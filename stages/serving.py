"""A small web page on this computer: drop a photo, correct what is found, restore, download.

The server itself loads no framework. TensorFlow looks in one process and PyTorch paints in another,
each started when it is first needed and kept.
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from aiohttp import web

from pipeline import originals, params, store
from pipeline.errors import PipelineError
from stages.restoring import FAILURES, TRAINED

HOST = "127.0.0.1"  # nobody else's computer reaches it
PAGE = Path(__file__).with_name("web")
FILES = {"": "text/html", "app.css": "text/css", "app.js": "text/javascript"}
LARGEST = 256 * 2**20  # of an upload, bytes
RED = (255, 0, 0)
# Nothing is loaded from elsewhere, and no other page may frame or read this one.
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; "
    "frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Workers:
    """The two processes, and where their networks are."""

    def __init__(self, model: Path, weights: Path | None) -> None:
        self.model, self.weights = model, weights
        self._pools: dict[str, ProcessPoolExecutor] = {}

    async def do(self, kind: str, work: Callable[..., bytes], *arguments: object) -> bytes:
        """Run ``work`` in the process of a kind, a name of your choice.

        Raises:
            PipelineError: the work raised one, or the process died.
        """
        pool = self._pools.get(kind) or ProcessPoolExecutor(1, mp_context=get_context("spawn"))
        self._pools[kind] = pool
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, work, *arguments)
        except BrokenProcessPool as error:
            self._pools.pop(kind).shutdown(wait=False)
            raise PipelineError(
                f"the process that should {kind} died, most likely for want of memory; "
                "give a smaller photo"
            ) from error

    async def close(self, _: web.Application) -> None:
        """End both processes."""
        for pool in self._pools.values():
            pool.shutdown(cancel_futures=True)


def find(content: bytes, name: str, model: Path) -> bytes:
    """Return what is taken for people as a PNG, red there and transparent elsewhere."""
    found = _eye(model).find(originals.decode(content, name).rgb) > 0
    shown = np.zeros((*found.shape, 4), np.uint8)
    shown[found] = (*RED[::-1], 255)
    return cv2.imencode(".png", shown)[1].tobytes()


def restore(content: bytes, name: str, marked: bytes, weights: Path | None) -> bytes:
    """Return the photo without what is marked, as PNG; ``marked`` is a PNG, opaque there."""
    from pipeline import inpaint  # noqa: PLC0415  # PyTorch, in its own process

    generator, settings = _generator(weights)
    original = originals.decode(content, name)
    shown = originals.decode(marked, "the mask")
    alpha = np.zeros(original.rgb.shape[:2], np.uint8) if shown.alpha is None else shown.alpha
    mask = (alpha > 127).astype(np.uint8)
    hole = inpaint.hole_of([mask], [1], settings, original.rgb)
    filled = inpaint.fill(generator, original.rgb, hole, settings)
    return originals.restored(original, filled, hole)


@cache
def _eye(model: Path):  # noqa: ANN202  # its module loads TensorFlow, in its own process alone
    from pipeline import segment, unet  # noqa: PLC0415

    settings = params.load(segment.SegmentParams, "segment")
    if settings.model == "unet":
        unet.prepare(0, settings.threads)
    return segment.eye(settings, model, ["background", "person"])


@cache
def _generator(weights: Path | None) -> tuple:
    from pipeline import inpaint  # noqa: PLC0415
    from pipeline.deepfill import runtime  # noqa: PLC0415
    from pipeline.deepfill import weights as files  # noqa: PLC0415
    from stages import weighing  # noqa: PLC0415

    settings = params.load(inpaint.InpaintParams, "inpaint")
    runtime.prepare(settings.seed, settings.threads)
    generator = files.load(weights) if weights else weighing.load(settings, TRAINED)
    return generator, settings


def application(model: Path, weights: Path | None) -> web.Application:
    """Return the server: the page, and ``preview``, ``find`` and ``restore`` of posted photos."""
    workers = Workers(model, weights)

    async def page(request: web.Request) -> web.Response:
        name = request.match_info.get("name", "")
        if name not in FILES:
            raise web.HTTPNotFound(text="there is no such page")
        content = (PAGE / (name or "index.html")).read_bytes()
        return web.Response(body=content, content_type=FILES[name], charset="utf-8")

    async def preview(request: web.Request) -> web.Response:
        content, name, _ = await _posted(request)
        image = await asyncio.to_thread(lambda: originals.decode(content, name).rgb)
        return web.Response(body=store.encode_image(image, ".jpg", 92), content_type="image/jpeg")

    async def found(request: web.Request) -> web.Response:
        content, name, _ = await _posted(request)
        if params.value(str, "segment", "model") == "unet" and not model.exists():
            raise PipelineError(f"no trained model at {model}: mark the people with the brush")
        return _png(await workers.do("find people", find, content, name, model))

    async def restored(request: web.Request) -> web.Response:
        content, name, marked = await _posted(request)
        return _png(await workers.do("restore", restore, content, name, marked, weights))

    app = web.Application(client_max_size=LARGEST, middlewares=[_guarded])
    app.router.add_get("/", page)
    app.router.add_get("/{name}", page)
    app.router.add_post("/preview", preview)
    app.router.add_post("/find", found)
    app.router.add_post("/restore", restored)
    app.on_cleanup.append(workers.close)
    return app


def _png(content: bytes) -> web.Response:
    return web.Response(body=content, content_type="image/png")


async def _posted(request: web.Request) -> tuple[bytes, str, bytes]:
    """Return the photo, its name and the mask of a form; what is missing is empty."""
    fields = await request.post()
    photo, mask = (fields.get(name) for name in ("photo", "mask"))
    name = getattr(photo, "filename", "") or "the photo"
    contents = [part.file.read() if hasattr(part, "file") else b"" for part in (photo, mask)]
    return contents[0], name, contents[1]


@web.middleware
async def _guarded(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Refuse what another site sends through the browser, and turn failures into their message."""
    own = {f"{host}:{request.url.port}" for host in (HOST, "localhost")}
    origin = request.headers.get("Origin", "")
    if request.host not in own or (origin and origin.removeprefix("http://") not in own):
        return web.Response(status=403, text="this page serves its own computer only")
    try:
        response = await handler(request)
    except FAILURES as error:
        response = web.Response(status=422, text=" ".join(str(error).split()))
    response.headers.update(HEADERS)
    return response


def serve(port: int, model: Path, weights: Path | None, say: Callable[[str], None]) -> None:
    """Serve until interrupted.

    Args:
        port: to listen at; 0 takes a free one.
        model: folder of the trained U-Net; without it people are marked by hand.
        weights: of the restoration; None for those that ``inpaint.weights`` names.
        say: is given the line that names the address.

    Raises:
        PipelineError: the port is taken.
    """

    async def run() -> None:
        runner = web.AppRunner(application(model, weights))
        await runner.setup()
        site = web.TCPSite(runner, HOST, port)
        try:
            await site.start()
            taken = runner.addresses[0][1]
            say(f"open http://{HOST}:{taken}/ in a browser; Ctrl-C ends")
            await asyncio.Event().wait()
        except OSError as error:
            raise PipelineError(f"port {port}: {error.strerror}; choose another --port") from error
        finally:
            await runner.cleanup()

    try:
        asyncio.run(run())
    except KeyboardInterrupt:
        say("ended")
