"""[network] The connection of this process to the scheduler of a Dask cluster.

How to speak to a scheduler that wants TLS is said by Dask's own settings, in the environment or a
file of its, as they are for the workers: a path of a key is no parameter of a result. What is wrong
with them is told before Dask would stumble over it, which it does at length, and for 20 seconds.
"""

import asyncio
import atexit
import logging
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from distributed import Client, Security
from distributed.comm import connect

from pipeline.errors import ParamsError, PipelineError

if TYPE_CHECKING:
    from pipeline.parallel import ComputeParams

ANSWERS = 10.0  # seconds within which a scheduler answers
# What a stage needs to speak TLS: names in the environment, and those of Dask for the same.
PREFIX = "DASK_DISTRIBUTED__COMM__"
FILES = {
    f"{PREFIX}TLS__CA_FILE": "tls_ca_file",
    f"{PREFIX}TLS__CLIENT__CERT": "tls_client_cert",
    f"{PREFIX}TLS__CLIENT__KEY": "tls_client_key",
}
HELP = "see Who may use it in docs/cluster.md"
INSTEAD = "start a cluster (make cluster), or set compute.backend: local"

_CLIENTS: dict[str, Client] = {}


def client(compute: "ComputeParams") -> Client:
    """Return the connection to the scheduler, one for all work of this process.

    Raises:
        ParamsError: no scheduler is named, its address is none, or it fits not what Dask is told of
            encryption.
        PipelineError: the scheduler does not answer, or does not take us; certificates cannot be
            read.
    """
    address = compute.scheduler
    if not address:
        raise ParamsError(
            "compute.backend is dask but compute.scheduler is empty; "
            "give the scheduler's address, such as tcp://127.0.0.1:8786"
        )
    known = _CLIENTS.get(address)
    if known is None or known.status != "running":
        known = _CLIENTS[address] = _connected(address)
    return known


def threads(client: Client) -> int:
    """Return how many batches the cluster can work on at once, 0 if it has no workers now.

    Raises:
        PipelineError: the scheduler does not answer.
    """
    try:
        return sum(client.sync(client.scheduler.ncores, callback_timeout=ANSWERS).values())
    except (OSError, TimeoutError, RuntimeError, TypeError, AttributeError) as error:
        raise lost(client) from error


def lost(client: Client) -> PipelineError:
    """Return what to raise of a scheduler that was there and is not any more."""
    address = next((name for name, one in _CLIENTS.items() if one is client), "")
    return PipelineError(
        f"compute.scheduler {address} is gone; start a cluster anew (make cluster) and run again, "
        "or set compute.backend: local; results that were written are whole"
    )


def reason(error: BaseException) -> str:
    """Return the first line of what an error says, no more than 200 characters; else its name."""
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def _connected(address: str) -> Client:
    _hush()
    security = _security(address)
    try:
        with ThreadPoolExecutor(1) as aside:  # a notebook's thread has a loop of its own
            aside.submit(asyncio.run, _greet(address, security)).result()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of versions, which we compare ourselves
            one = Client(address, timeout=ANSWERS, security=security, set_as_default=False)
    except ValueError as error:
        if "convert to SSL" in str(error):  # it spoke, unencrypted, before TLS was agreed
            raise PipelineError(_plain(address)) from error
        raise ParamsError(
            f"compute.scheduler {address!r} is no address: {error}; give one such as "
            "tcp://127.0.0.1:8786"
        ) from error
    except (OSError, ImportError, RuntimeError, TypeError) as error:
        raise PipelineError(_refused(address, security, error)) from error
    atexit.register(one.close, timeout=1)
    return one


async def _greet(address: str, security: Security) -> None:
    """Exchange first words with a scheduler: for them Dask's client would wait without end."""
    async with asyncio.timeout(ANSWERS):
        comm = await connect(address, timeout=ANSWERS, **security.get_connection_args("client"))
        await comm.close()


def _hush() -> None:
    """Let what becomes of a cluster be told by this project's errors alone."""
    for name in ("distributed", *logging.root.manager.loggerDict):
        if name.partition(".")[0] == "distributed":
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def _security(address: str) -> Security:
    """Return what Dask's settings say of encryption.

    Raises:
        ParamsError: they do not fit the address.
        PipelineError: a file they name cannot be read.
    """
    security = Security()
    given = {name: getattr(security, field) for name, field in FILES.items()}
    encrypted = address.startswith("tls://")
    if security.require_encryption and not encrypted:
        raise ParamsError(
            f"compute.scheduler {address} is not encrypted, as {PREFIX}REQUIRE_ENCRYPTION wants; "
            "give tls://HOST:PORT, or take that setting back"
        )
    *needed, _ = given  # a key may stand in the file of its certificate
    if encrypted and not all(given[name] for name in needed):
        raise ParamsError(
            f"compute.scheduler {address} is encrypted, and no certificates are set; export "
            f"{', '.join(FILES)} with the full paths of the cluster's, {HELP}"
        )
    try:
        security.get_connection_args("client")
    except OSError as error:  # that it is no certificate, too
        raise PipelineError(f"{_unread(given, error)}; give full paths, {HELP}") from error
    return security


def _unread(given: dict[str, str | None], error: OSError) -> str:
    """Return what to say of files of which Dask could not read one; it does not say which."""
    paths = {name: path for name, path in given.items() if path and "\n" not in path}
    absent = {name: path for name, path in paths.items() if not Path(path).is_file()}
    said = ", ".join(f"{name}={path}" for name, path in (absent or paths).items())
    return f"{said}: " + ("no such file" if absent else f"cannot be used ({reason(error)})")


def _plain(address: str) -> str:
    """Return what to say of a scheduler without TLS."""
    return (
        f"compute.scheduler {address} does not speak TLS; give tcp://HOST:PORT, or start it with "
        f"TLS, {HELP}"
    )


def _refused(address: str, security: Security, error: Exception) -> str:
    """Return what to say of a scheduler to which there is no connection."""
    told = f"compute.scheduler {address}"
    if isinstance(error, TimeoutError):
        return f"{told} does not answer within {ANSWERS:g} s; {INSTEAD}"
    if "Timed out" in str(error) or not isinstance(error, OSError):
        return f"{told} does not answer ({reason(error)}); {INSTEAD}"
    if not address.startswith("tls://"):
        return (
            f"{told} hangs up ({reason(error)}); if it was started with TLS give tls://HOST:PORT, "
            f"{HELP}; else {INSTEAD}"
        )
    if "certificate does not match" in str(error):
        return (
            f"{told} has a certificate of which {security.tls_ca_file} knows nothing; set "
            f"{PREFIX}TLS__CA_FILE to the cluster's own, {HELP}"
        )
    if "WRONG_VERSION" in str(error.__cause__):
        return _plain(address)
    return (
        f"{told} does not take {security.tls_client_cert} for a certificate of its cluster "
        f"({reason(error)}); set {PREFIX}TLS__CLIENT__CERT and KEY to one that the cluster's CA "
        f"has signed, {HELP}"
    )
