"""What SECURITY.md promises: that its tests exist, and those that belong nowhere else."""

import ast
import json
import re
import resource
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np
import pytest
from packaging.requirements import Requirement

from pipeline import foreign, params
from pipeline.errors import ParamsError

ROOT = Path(__file__).parents[1]
SECURITY = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
FAULTS = (ROOT / "docs/faults.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", SECURITY + FAULTS)))


@pytest.mark.parametrize(("file", "name"), NAMED, ids=[name for _, name in NAMED])
def test_each_test_that_is_named_exists(file, name):
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))

    assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("text", [SECURITY, FAULTS], ids=["SECURITY.md", "docs/faults.md"])
def test_every_threat_and_fault_names_a_test(text):
    rows = [line for line in text.splitlines() if line.startswith("| ")][1:]

    assert len(rows) >= 12
    assert all(re.search(r"`tests/[\w/]+\.py::\w+`", row) for row in rows)


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)


def test_yaml_runs_no_code_and_aliases_do_not_grow(tmp_path):
    """In a process of 2 GiB, which 9 ** 12 names would not fit."""
    marker = tmp_path / "run"
    (tmp_path / "code").mkdir()
    (tmp_path / "code/data.yaml").write_text(f"names: !!python/object/apply:os.mkdir [{marker}]\n")
    (tmp_path / "bomb").mkdir()
    (tmp_path / "bomb/data.yaml").write_text(BOMB + "names: *a11\n")
    code = (
        "import sys; from pathlib import Path; from pipeline import foreign\n"
        "print([foreign._yolo_names(Path(one)) for one in sys.argv[1:]])"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "code", tmp_path / "bomb"], cwd=ROOT, timeout=60,
        capture_output=True, text=True, preexec_fn=lambda: bounded(2 * 2**30),
    )  # fmt: skip

    assert done.stdout.strip() == "[{}, {}]", done.stderr
    assert not marker.exists()
    (tmp_path / "data.yaml").write_text("names: {0: person, 1: 7}\n")
    assert foreign._yolo_names(tmp_path) == {1: "person", 2: "7"}


def bounded(size):
    resource.setrlimit(resource.RLIMIT_AS, (size, size))


def test_yaml_parameters_run_no_code(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(f"pull: !!python/object/apply:os.mkdir ['{tmp_path / 'run'}']\n")

    with pytest.raises(ParamsError):
        params.value(str, "pull", "export", path)
    assert not (tmp_path / "run").exists()


OUTSIDE = [
    "../../secret.png", "a/../../../secret.png", "/etc/secret.png", "..\\..\\secret.png",
    "C:\\s.png",
]  # fmt: skip


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_name_in_the_json_reads_and_writes_nothing_outside(tmp_path, name):
    """The picture that the name leads to exists, so that whoever follows it would find it."""
    export = tmp_path / "box" / "export"
    for split in ("train", "valid", "test"):
        (export / split).mkdir(parents=True)
        record = {
            "images": [
                {"id": 0, "file_name": "good.png", "width": 40, "height": 30},
                {"id": 1, "file_name": name, "width": 40, "height": 30},
            ],
            "annotations": [
                {"id": n, "image_id": n, "category_id": 1, "iscrowd": 0, "area": 80,
                 "bbox": [2, 2, 8, 10], "segmentation": [[2, 2, 10, 2, 10, 12, 2, 12]]}
                for n in (0, 1)
            ],
            "categories": [{"id": 1, "name": "person", "supercategory": ""}],
        }  # fmt: skip
        (export / split / "_annotations.coco.json").write_text(json.dumps(record))
        noise = np.random.default_rng(len(split)).integers(0, 256, (30, 40, 3)).astype(np.uint8)
        cv2.imwrite(str(export / split / "good.png"), noise)
        cv2.imwrite(str(export.parent / "secret.png"), noise[::-1])
    command = [sys.executable, "-c", "from stages.cli import main; main()"]
    before = {path for path in tmp_path.rglob("*") if path.is_file()}

    done = subprocess.run(
        [*command, "audit", export, "-o", "o"], cwd=tmp_path, capture_output=True, text=True,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path / "o")},
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "o/issues.csv").read_text().count("image_path_outside") == 3
    new = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    assert new
    assert all(path.is_relative_to(tmp_path / "o") for path in new)
    assert not [path for path in new if "secret" in path.name]


def test_no_file_of_the_repository_looks_like_it_holds_a_key():
    """Names of secrets beside long values; tests' own, which say what they are, are left out."""
    looks = re.compile(
        r"(?:api[_-]?key|secret|token|password)[\"']?\s*[=:]\s*[\"']?([A-Za-z0-9_\-]{16,})",
        re.IGNORECASE,
    )
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("this is no git repository")
    found = []
    for name in listed.stdout.split():
        path = ROOT / name
        if name.startswith("tests/") or path.suffix in {".safetensors", ".jpg"}:
            continue
        text = path.read_text("utf-8", "replace") if path.is_file() else ""
        found += [(name, hit[1]) for hit in looks.finditer(text) if re.search(r"\d", hit[1])]

    assert found == []
    assert looks.search("ROBOFLOW_API_KEY=abcd1234abcd1234abcd")


def test_every_package_that_is_declared_is_pinned_to_one_version_that_fits():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    names = {name.lower().replace("_", "-") for name in pins}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = [*project["dependencies"]]
    for extra in project["optional-dependencies"].values():
        declared += extra

    absent = project["optional-dependencies"]["s3"]  # `make install` leaves it out

    assert len(names) == len(pins), "a package is pinned twice"
    for line in declared:
        wanted = Requirement(line)
        (pin,) = (v for n, v in pins.items() if n.lower().replace("_", "-") == wanted.name.lower())
        assert wanted.specifier.contains(pin), f"{line} is pinned to {pin}"
        assert line in absent or version(wanted.name).split("+")[0] == pin, f"{line}: make install"


WEAK = {"id": "PYSEC-1", "fix_versions": ["2.0"], "aliases": [], "description": ""}
SOUND = {"name": "sound", "version": "1.0", "vulns": []}
ANSWERS = {  # what pip-audit prints, and its exit status: what is said, and ours
    "all are well": (json.dumps({"dependencies": [SOUND]}), 0, "1 of 1", 0),
    "one is weak": (
        json.dumps({"dependencies": [SOUND, {"name": "w", "version": "1.0", "vulns": [WEAK]}]}),
        1, "w 1.0: PYSEC-1, mended in 2.0", 1,
    ),
    "the database knows nothing": (
        json.dumps({"dependencies": [{"name": "a", "skip_reason": "not found on PyPI"}]}),
        0, "no answer about 1 of 1 pinned versions (not found on PyPI)", 1,
    ),
    "no network": ("", 1, "gave no answer (ConnectionError: no route)", 1),
}  # fmt: skip


@pytest.mark.parametrize(("answer", "status", "said", "expected"), ANSWERS.values(), ids=ANSWERS)
def test_pins_that_nobody_could_be_asked_about_are_a_failure_in_one_line(
    tmp_path, answer, status, said, expected
):
    """A stand-in for pip-audit prints what that printed, without a network and with one."""
    program = tmp_path / "pip-audit"
    program.write_text(
        f"#!{sys.executable}\nimport sys\nprint({answer!r})\n"
        "print('Traceback\\n  File x\\nConnectionError: no route', file=sys.stderr)\n"
        f"sys.exit({status})\n"
    )
    program.chmod(0o755)

    words = [sys.executable, str(ROOT / "tests/pins.py"), str(program), "constraints.txt"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)

    assert done.returncode == expected
    assert said in done.stdout + done.stderr
    assert len(done.stderr.splitlines()) <= 1
    assert "Traceback" not in done.stderr
