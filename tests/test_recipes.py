"""What docs/cluster.md says of SLURM and Kubernetes does what it says, as far as one machine can.

Their libraries are no part of this project: each test installs its own into a folder of its own.
"""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from contextlib import suppress

import jsonschema
import pytest
import yaml
from test_clean import clean_set
from test_cluster import ROOT, settled
from test_cluster_stages import LIGHT, prepare, tree
from test_cluster_tls import BIN, run, shell, spoken

pytestmark = pytest.mark.slow
SBATCH = """#!/bin/sh
# Submits the script it is given: begins it in the background, in a group of its own.
cp "$1" "$SLURM/$$.sh"
setsid sh "$SLURM/$$.sh" >"$SLURM/$$.out" 2>&1 </dev/null &
echo $! >"$SLURM/$$.job"
echo "Submitted batch job $$"
"""
SCANCEL = """#!/bin/sh
for job; do kill -- "-$(cat "$SLURM/$job.job")"; echo "$job" >>"$SLURM/cancelled"; done
"""
PODS = """
import json, sys, yaml
from dask_kubernetes.operator.controller import controller
spec = yaml.safe_load(sys.stdin)["spec"]
scheduler = controller.build_scheduler_deployment_spec("restore", spec["scheduler"]["spec"], {}, {})
worker = controller.build_worker_deployment_spec(
    "restore-default", "ours", "restore", "1a2b", spec["worker"]["spec"], {}, {}
)
print(json.dumps([one["spec"]["template"]["spec"] for one in (scheduler, worker)]))
"""


def lines(heading):
    """The Python that docs/cluster.md has under a heading."""
    text = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
    return re.search(rf"^## {heading}\n.*?^```python\n(.*?)^```$", text, re.M | re.S)[1]


def install(heading, where, *options):
    """Install into a folder what the lines under a heading want; skip if no index answers."""
    (wanted,) = re.findall(r"# pip install (\S+)", lines(heading))
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--target", where, *options, wanted],
        capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        pytest.skip(f"{wanted} cannot be installed here: {done.stderr.strip().splitlines()[-1]}")
    return where


def changed(text, changes):
    """A text with other words, each of which it has once."""
    for old, new in changes.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


@pytest.fixture(scope="module")
def jobqueue(tmp_path_factory):
    return install("SLURM", tmp_path_factory.mktemp("jobqueue"), "--no-deps")


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A folder of an export, what stages say of it here, and what they write."""
    root = tmp_path_factory.mktemp("recipes")
    clean_set(root / "export", 20)
    local = prepare(root / "local", root / "export", {"workers": 2})
    return root, {stage: local.run(stage) for stage in LIGHT}, tree(local.folder)


@pytest.mark.parametrize("jobs", ["scale(jobs=2)", "adapt(minimum_jobs=1, maximum_jobs=2)"])
def test_stages_on_workers_of_slurm_write_the_same_bytes(jobqueue, told, tmp_path, jobs):
    root, said, written = told
    settings = spoken(tmp_path, shell())
    program = logged_in(tmp_path, jobqueue, settings, jobs)
    try:
        script = []
        while not (line := program.stdout.readline()).startswith("tls://"):
            assert line, "it ended"
            script.append(line)
        compute = {"backend": "dask", "workers": 0, "scheduler": line.strip()}
        place = prepare(root / jobs.partition("(")[0], root / "export", compute, settings)
        done = {stage: place.run(stage) for stage in LIGHT}
        program.communicate("\n", timeout=60)
    finally:
        program.kill()
        submitted = {path.stem: int(path.read_text()) for path in tmp_path.glob("*.job")}
        for job in submitted.values():
            end(job)

    assert {"#SBATCH --cpus-per-task=2\n", "#SBATCH --mem=4G\n"} < set(script)
    assert (done, tree(place.folder)) == (said, written)
    assert set((tmp_path / "cancelled").read_text().split()) == set(submitted)
    assert program.returncode == 0


def logged_in(where, library, settings, jobs):
    """Begin the program of the login node, with stand-ins for SLURM."""
    (where / "bin").mkdir()
    for name, text in (("sbatch", SBATCH), ("scancel", SCANCEL)):
        (where / "bin" / name).write_text(text)
        (where / "bin" / name).chmod(0o755)
    changes = {
        "cores=16": "cores=2", "processes=16": "processes=2", '"32GB"': '"4GB"',
        "/shared/project/.venv/bin/python": sys.executable, "scale(jobs=20)": jobs,
        '"port": 8786': '"host": "127.0.0.1", "port": 0',
        "print(": "print(cluster.job_script())\nprint(",
    }  # fmt: skip
    environment = settings | {
        "PATH": f"{where / 'bin'}{os.pathsep}{settings['PATH']}",
        "PYTHONPATH": f"{library}{os.pathsep}{ROOT}",
        "SLURM": str(where),
    }
    return subprocess.Popen(
        [sys.executable, "-c", changed(lines("SLURM"), changes)], cwd=where, env=environment,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def end(group):
    """End the processes of a group, if there are some."""
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


@pytest.fixture(scope="module")
def operator(tmp_path_factory):
    """The folder of the operator's library, and what kubectl is given."""
    target = tmp_path_factory.mktemp("operator")
    install("Kubernetes", target, "-c", ROOT / "constraints.txt")
    return target, python(target, lines("Kubernetes"))


def python(library, program, text=""):
    """What a program prints that has a library and a text to read."""
    environment = os.environ | {"PYTHONPATH": str(library)}
    words = [sys.executable, "-c", program]
    done = subprocess.run(words, input=text, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_kubernetes_gets_a_cluster_as_its_operator_knows_them(operator):
    target, text = operator
    (chart,) = target.glob("dask_kubernetes/operator/deployment/helm/*/crds/daskcluster.yaml")
    (version,) = yaml.safe_load(chart.read_text())["spec"]["versions"]
    schema, cluster = version["schema"]["openAPIV3Schema"], yaml.safe_load(text)

    jsonschema.validate(cluster, schema)

    cluster["spec"]["worker"]["spec"]["volumes"][0].pop("name")
    with pytest.raises(jsonschema.ValidationError, match="'name' is a required property"):
        jsonschema.validate(cluster, schema)


def test_what_its_pods_run_is_a_cluster(operator, tmp_path):
    scheduler, worker = json.loads(python(operator[0], PODS, operator[1]))
    assert worker["containers"][0]["volumeMounts"][0]["name"] == worker["volumes"][0]["name"]
    assert worker["containers"][0]["resources"]["limits"]["memory"] == "3Gi"
    processes = []
    try:
        more = ["--port", "0", "--dashboard-address", "127.0.0.1:0", "--scheduler-file", "s.json"]
        processes.append(begun(scheduler, {}, more, tmp_path))
        address = settled(tmp_path / "s.json")
        processes.append(begun(worker, {"DASK_SCHEDULER_ADDRESS": address}, [], tmp_path))

        assert run(address, dict(os.environ))[0] == "[0.0, 1.0, 1.4142135623730951]\n"
        (port,) = json.loads((tmp_path / "s.json").read_text())["services"].values()
        probe = scheduler["containers"][0]["readinessProbe"]["httpGet"]["path"]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{probe}", timeout=60) as healthy:
            assert healthy.status == 200
    finally:
        for process in processes:
            end(process.pid)
            process.wait()


def begun(pod, changes, more, where):
    """Begin what a pod's only container does, as its node would."""
    (container,) = pod["containers"]
    named = {one["name"]: one["value"] for one in container["env"]} | changes
    words = [
        re.sub(r"\$\((\w+)\)", lambda name: named[name[1]], word) for word in container["args"]
    ]
    words = ["127.0.0.1" if word == "0.0.0.0" else word for word in words]
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    return subprocess.Popen(
        [*words, *more], cwd=where, start_new_session=True, stderr=subprocess.DEVNULL,
        env=os.environ | named | {"PATH": path, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
