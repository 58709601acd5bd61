"""The rules of the house, read from the code itself."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
VERBS = set(STAGES)
DOORS = {
    "cli",
    "auditing",
    "portable",
    "__init__",
}  # they call several steps, for a person instead of DVC
PACKAGE = ROOT / "pipeline" / "__init__.py"  # imports nothing until it is asked for the audit
HEAVY = {
    "tensorflow": {
        "unet",
        "encoders",
        "losses",
        "portable",
        "recipes",
        "starts",
        "steps",
        "train",
        "workers",
        "segment",
    },
    "torch": {"deepfill", "deeplab", "baselines", "train_inpaint", "inpaint", "perceive"},
}
# All that goes out, by the door: pull and push through Roboflow's SDK, weights through download.
NETWORK = {"door", "download", "push", "roboflow_pin", "roboflow_sdk"}
DATA = {  # what is read beside modules
    **{stage: {"pipeline/templates"} for stage in ("browse", "gallery")},
    "report": {"pipeline/templates", "pipeline/vega"},
    **{stage: {"pipeline/weights/deepfill.safetensors"} for stage in ("train_inpaint", "inpaint")},
    "tag": {"pipeline/weights/nanodet.tflite"},
    "perceive": {"pipeline/weights/lpips.safetensors"},
    **{
        stage: {"pipeline/weights/unet.safetensors"}
        for stage in ("train", "suspect", "learning_curve")
    },
}


def _file(module):
    """The file of a dotted module of ours, or None."""
    path = ROOT / Path(*module.split("."))
    if path.with_suffix(".py").is_file():
        return path.with_suffix(".py")
    return path / "__init__.py" if (path / "__init__.py").is_file() else None


def _imports(path):
    """Dotted names a file imports anywhere, ours as far down as they are modules."""
    package = ".".join(path.relative_to(ROOT).parent.parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parts, *([base] if base else [])])
            for alias in node.names:
                full = f"{base}.{alias.name}"
                yield full if _file(full) else base


def _ours(path):
    """Files of this project that a file imports, with the packages that hold them."""
    found = set()
    for name in _imports(path):
        parts = name.split(".")
        if parts[0] in {"pipeline", "stages"}:
            for depth in range(1, len(parts) + 1):
                if file := _file(".".join(parts[:depth])):
                    found.add(file)
    return found


def _closure(path):
    reached, waiting = set(), {path}
    while waiting:
        file = waiting.pop()
        reached.add(file)
        waiting |= _ours(file) - reached - {PACKAGE}
    return reached


def _modules(folder):
    return sorted((ROOT / folder).rglob("*.py"))


def _name(path):
    """The step or noun a file of the library belongs to."""
    return path.relative_to(ROOT / "pipeline").parts[0].removesuffix(".py")


LIBRARY = _modules("pipeline")


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: str(path.relative_to(ROOT)))
def test_steps_import_nouns_and_nouns_import_no_step(path):
    ours = {file for file in _ours(path) if file.is_relative_to(ROOT / "pipeline")} - {PACKAGE}
    imported = {_name(file) for file in ours}

    steps = (imported & (VERBS | DOORS)) - {_name(path)}
    assert not steps or _name(path) in DOORS


def test_the_network_is_touched_by_pull_push_and_the_download_of_weights_only():
    sockets = {"requests", "urllib3", "http", "socket", "ssl", "roboflow"}
    for path in LIBRARY:
        names = {name.split(".")[0] for name in _imports(path)} | set(_imports(path))
        assert not names & (sockets | {"urllib.request"}) or _name(path) in NETWORK, path
        doors = {_name(file) for file in _ours(path)} & {"door"}
        assert not doors or _name(path) in NETWORK, path


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_library_never_imports_a_stage(path):
    assert not {name for name in _imports(path) if name.split(".")[0] == "stages"}


def test_each_framework_is_imported_only_by_its_own_modules():
    for path in LIBRARY:
        tops = {name.split(".")[0] for name in _imports(path)}
        for framework, allowed in HEAVY.items():
            names = {"tensorflow": {"tensorflow", "keras"}, "torch": {"torch"}}[framework]
            assert not tops & names or _name(path) in allowed, f"{path} imports {framework}"


def test_light_modules_load_no_framework():
    heavy = set().union(*HEAVY.values())
    light = sorted(
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in LIBRARY
        if _name(path) not in heavy and path.name != "__init__.py"
    )
    code = f"import sys, importlib\nfor name in {light!r}: importlib.import_module(name)\n"
    code += "print(*sorted({'tensorflow', 'torch', 'keras', 'roboflow'} & set(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_declares_exactly_the_code_it_imports(stage):
    code = _closure(ROOT / "stages" / f"{stage}.py")
    expected = {str(path.relative_to(ROOT)) for path in code} | DATA.get(stage, set())
    declared = {dep for dep in STAGES[stage]["deps"] if dep.startswith(("pipeline/", "stages/"))}

    assert declared == expected, f"deps of {stage}: {sorted(expected)}"


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_declares_exactly_the_sections_it_loads(stage):
    files = [
        path for path in _closure(ROOT / "stages" / f"{stage}.py") if path.parent.name == "stages"
    ]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    loaded = set(re.findall(r'params\.(?:load|value)\(\s*[\w.\[\]]+,\s*"(\w+)"', text)) - {
        "compute",
        "download",
    }
    declared = {name.split(".")[0] for name in STAGES[stage].get("params", [])}

    assert declared == loaded


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_passes_every_path_it_declares_and_declares_every_path_it_passes(stage):
    """Paths stand in dvc.yaml alone, so its arguments are its dependencies and outputs."""
    spec = STAGES[stage]
    passed = set(spec["cmd"].split()[3:])
    flat = [item if isinstance(item, str) else next(iter(item)) for item in spec["outs"]]
    flat += [next(iter(item)) for item in spec.get("metrics", [])]
    read = {dep for dep in spec["deps"] if not dep.startswith(("pipeline/", "stages/"))}

    assert spec["desc"].endswith(".")
    assert {out for out in flat if not out.startswith(tuple(f"{p}/" for p in passed))} <= passed
    assert {p for p in passed if p not in flat and p != "reports"} <= read


def test_every_package_that_is_imported_is_declared_and_the_other_way_round():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    lines = [*project["dependencies"], *extras["models"], *extras["pipeline"], *extras["cluster"]]
    lines += extras["heif"]
    declared = {re.match(r"[\w.-]+", line)[0].lower() for line in lines}
    # dvc is the command that runs us; dask arrives through distributed; msgspec reads YAML with
    # PyYAML; keras is part of tensorflow.
    unseen = {"dvc", "dask", "pyyaml"}
    known = packages_distributions()
    tops = {name.split(".")[0] for path in LIBRARY + _modules("stages") for name in _imports(path)}
    third = {top for top in tops if top not in sys.stdlib_module_names} - {"pipeline", "stages"}
    used = {known[top][0].lower().replace("_", "-") for top in third} - {"keras"}

    assert used - declared == set()
    assert declared - used - unseen == set()


def test_the_library_reads_no_clock_and_prints_nothing():
    for path in LIBRARY:
        names = set(_imports(path))
        assert "time" not in names or _name(path) == "door", path
        assert "datetime" not in names, path
