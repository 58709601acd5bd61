"""Roboflow's HTTP interface on a loopback socket, as SDK 1.7.3 asks it, with knobs for faults."""

import re
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import msgspec

KEY = "tEsTkEy0123456789abc"
SIGNED = "X-Goog-Signature"


@dataclass
class Knobs:
    """What the fake does; each test turns its own."""

    zip: bytes = b""
    key: str = KEY
    workspace: str = "lab"
    project: str = "people"
    version: int = 3
    versions: tuple[int, ...] = (1, 3)  # those that the project lists
    generating: int = 0  # looks at the version until it is generated
    packing: int = 0  # looks at the export until it is packed
    images: int = 2
    faults: dict[str, list[int]] = field(default_factory=dict)  # place -> statuses, one an answer
    headers: dict[str, str] = field(default_factory=dict)  # of the zip's answer
    retry_after: str = ""
    break_after: list[int] = field(default_factory=list)  # bytes after which answers break off
    stall_after: list[int] = field(default_factory=list)  # bytes after which answers stand still
    ranges: bool = True  # whether the storage honours Range
    shifted: int = 0  # bytes by which the storage misunderstands Range
    length: bool = True  # whether it tells Content-Length
    silent: str = ""  # place that never answers
    drip: str = ""  # place that answers a byte at a time, for ever
    link: str = ""  # instead of our own
    export: dict | None = None  # instead of the link's JSON
    pictures: list[dict] = field(default_factory=list)  # id, name, tags: what the project holds
    forgetful: bool = False  # whether a search ignores where it is to start
    updating: int = 0  # looks at an update until it is made
    outcome: str = "completed"  # of an update
    refused: dict[str, str] = field(default_factory=dict)  # image -> why it is not updated
    updates: list[list[dict]] = field(default_factory=list)  # that were sent
    asked: list[str] = field(default_factory=list)  # place and, of the zip, its Range


class Fake:
    """The server, while the ``with`` block lasts; ``url`` is what API_URL must be."""

    def __init__(self) -> None:
        self.knobs = Knobs()
        handler = type("Handler", (_Handler,), {"fake": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "Fake":
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    fake: Fake
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self._content = self.rfile.read(int(self.headers["Content-Length"] or 0))
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self) -> None:
        knobs = self.fake.knobs
        place = self._place()
        knobs.asked.append(place + (self.headers["Range"] or "" if place == "zip" else ""))
        if place == knobs.silent:
            time.sleep(3)
            self.close_connection = True
        elif place == knobs.drip:
            self._drip()
        elif knobs.faults.get(place):
            self._error(knobs.faults[place].pop(0))
        elif place == "zip":
            self._zip()
        elif parse_qs(urlsplit(self.path).query).get("api_key") != [knobs.key]:
            self._error(401)
        elif place.startswith("unknown"):
            self._error(404)
        else:
            getattr(self, f"_{place}")()

    def _place(self) -> str:
        """Name what is asked for."""
        knobs = self.fake.knobs
        parts = [part for part in urlsplit(self.path).path.split("/") if part]
        if parts[:1] == ["storage"]:
            return "zip"
        known = [knobs.workspace, knobs.project, str(knobs.version), "coco-segmentation"]
        if parts == [knobs.workspace, knobs.project, "search"]:
            return "search"
        if parts == [knobs.workspace, "images", "metadata"]:
            return "update"
        if parts[:2] == [knobs.workspace, "asynctasks"]:
            return "task"
        names = ["key", "workspace", "project", "version", "export"]
        return names[len(parts)] if parts == known[: len(parts)] else f"unknown {'/'.join(parts)}"

    def _key(self) -> None:
        self._json({"welcome": "hello", "workspace": self.fake.knobs.workspace})

    def _workspace(self) -> None:
        knobs = self.fake.knobs
        about = {"name": "Lab", "url": knobs.workspace, "projects": [], "members": 1}
        self._json({"workspace": about})

    def _project(self) -> None:
        knobs = self.fake.knobs
        path = f"{knobs.workspace}/{knobs.project}"
        about = {name: {} for name in ("annotation", "classes", "colors", "splits")}
        about |= {"created": 1.7e9, "updated": 1.7e9, "id": path, "images": 2, "name": "People"}
        about |= {"public": False, "type": "instance-segmentation", "unannotated": 0}
        versions = [{"id": f"{path}/{number}", "name": "v"} for number in knobs.versions]
        self._json({"project": about, "versions": versions})

    def _version(self) -> None:
        knobs = self.fake.knobs
        busy = knobs.generating > 0
        knobs.generating -= busy
        self._json({"version": {"generating": busy, "progress": 0.5, "images": knobs.images}})

    def _export(self) -> None:
        knobs = self.fake.knobs
        if knobs.packing > 0:
            knobs.packing -= 1
            self._json({"progress": 0.25}, 202)
            return
        link = knobs.link or f"{self.fake.url}/storage/people.zip?{SIGNED}=s3cr3t&key={knobs.key}"
        self._json({"export": {"link": link}} if knobs.export is None else knobs.export)

    def _search(self) -> None:
        knobs, asked = self.fake.knobs, self._body()
        start = 0 if knobs.forgetful else asked["offset"]
        found = knobs.pictures[start : start + asked["limit"]]
        self._json({"results": [{key: one[key] for key in asked["fields"]} for one in found]})

    def _update(self) -> None:
        knobs = self.fake.knobs
        updates = self._body()["updates"]
        knobs.updates.append(updates)
        by_id = {one["id"]: one for one in knobs.pictures}
        for update in updates:
            if update["imageId"] not in knobs.refused and knobs.outcome == "completed":
                tags = by_id[update["imageId"]]["tags"]
                tags[:] = [one for one in tags if one not in update.get("removeTags", [])]
                tags += update.get("addTags", [])
        self._json({"taskId": "task/7?", "url": "http://elsewhere.test/"}, 202)

    def _task(self) -> None:
        knobs = self.fake.knobs
        if knobs.updating > 0:
            knobs.updating -= 1
            self._json({"taskId": "task/7?", "status": "running"})
            return
        sent = {update["imageId"] for update in knobs.updates[-1]}
        failed = [
            {"imageId": key, "error": why} for key, why in knobs.refused.items() if key in sent
        ]
        result = {"succeeded": len(sent) - len(failed), "failed": len(failed)}
        self._json({"status": knobs.outcome, "result": result | {"failedItems": failed}})

    def _body(self) -> dict:
        return msgspec.json.decode(self._content)

    def _zip(self) -> None:
        knobs = self.fake.knobs
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers["Range"] or "")
        same = self.headers["If-Range"] in {None, knobs.headers.get("ETag")}
        start = int(asked[1]) if asked and knobs.ranges and same else 0
        whole = len(knobs.zip)
        if start >= whole > 0:
            self._nothing_behind(whole)
            return
        start += knobs.shifted if start else 0
        body = knobs.zip[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{whole - 1}/{whole}")
        for name, value in knobs.headers.items():
            self.send_header(name, value)
        if knobs.length:
            self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        broken = knobs.break_after.pop(0) if knobs.break_after else len(body)
        stalled = knobs.stall_after.pop(0) if knobs.stall_after else None
        self.wfile.write(body[: broken if stalled is None else stalled])
        if stalled is not None:
            self.wfile.flush()
            time.sleep(5)
        self.close_connection = True

    def _nothing_behind(self, whole: int) -> None:
        self.send_response(416)
        self.send_header("Content-Range", f"bytes */{whole}")
        self.send_header("Content-Length", "0")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True

    def _drip(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        for _ in range(60):
            self.wfile.write(b" ")
            self.wfile.flush()
            time.sleep(0.05)
        self.close_connection = True

    def _error(self, status: int) -> None:
        sent = parse_qs(urlsplit(self.path).query).get("api_key", [""])[0]
        words = f"refused; see https://docs.test/?api_key={sent} for {sent}"
        self._json({"error": {"message": words, "status": status}}, status)

    def _json(self, value: object, status: int = 200) -> None:
        body = msgspec.json.encode(value)
        self.send_response(status)
        if self.fake.knobs.retry_after:
            self.send_header("Retry-After", self.fake.knobs.retry_after)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
