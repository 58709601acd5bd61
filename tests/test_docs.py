"""What documents tell to type exists: commands, their options, parameters, targets, programs."""

import re
from pathlib import Path

import pytest
import typer
import yaml

from pipeline.parallel import ComputeParams
from stages import cli

ROOT = Path(__file__).parents[1]
PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
MAKE = (ROOT / "Makefile").read_text(encoding="utf-8")
FILES = {"csv", "html", "json", "py", "zip"}  # tag.py is no parameter
COMMANDS = typer.main.get_command(cli.app).commands
DOCS = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for folder in (".", "docs", "benchmarks", "pretraining")
    for path in sorted((ROOT / folder).glob("*.md"))
    if path.name != "CHANGELOG.md"  # of what was once
}
every_document = pytest.mark.parametrize("name", DOCS)


def typed(text):
    """Lines to type: those of blocks that begin with $, and what stands in backticks."""
    blocks = re.findall(r"^```\w*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    shown = [line[2:] for block in blocks for line in block.splitlines() if line[:2] == "$ "]
    prose = re.sub(r"^```\w*\n.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    shown += [code.replace("\n", " ") for code in re.findall(r"`([^`]+)`", prose)]
    return [re.sub(r"\s#\s.*", "", line) for line in shown]


def unknown(text):
    """What a document tells to type and does not exist."""
    for line in typed(text):
        words = line.split()
        yield from (name for name in re.findall(r"-S ([\w.]+)=", line) if not _parameter(name))
        key = re.fullmatch(r"(\w+)\.(\w+)(: .*)?", line)
        if (
            key
            and key[1] in PARAMS
            and key[2] not in FILES
            and not _parameter(f"{key[1]}.{key[2]}")
        ):
            yield f"{key[1]}.{key[2]}"
        if words[:1] == ["make"]:
            yield from _unmade(words[1:])
        if words[:1] == ["segment-restore"]:
            yield from _unheard(words[1:])
        if module := re.search(r"python -m ((?:benchmarks|stages|pretraining)[\w.]*)(.*)", line):
            yield from _unread(module[1], module[2])


def _parameter(name):
    section, _, leaf = name.partition(".")
    optional = ComputeParams.__struct_fields__ if section == "compute" else ()
    return leaf in PARAMS.get(section, {}) or leaf in optional


def _unmade(words):
    for word in words:
        name, given, _ = word.partition("=")
        rule = rf"^(export )?{name} *\??=" if given else rf"^{name}:"
        if re.fullmatch(r"[\w-]+", name) and not re.search(rule, MAKE, re.MULTILINE):
            yield f"make {word}"


def _unheard(words):
    command = COMMANDS[words[0] if words and words[0] in COMMANDS else "restore"]
    known = {"-h", "--help"}.union(*(option.opts for option in command.params))
    for word in words:
        name = word.partition("=")[0]
        if re.fullmatch(r"--?[a-z][\w-]*", name) and name not in known:
            yield f"segment-restore {command.name} {name}"


def _unread(module, rest):
    path = ROOT / Path(*module.rstrip(".").split("."))
    file = path / "__main__.py" if path.is_dir() else path.with_suffix(".py")
    if not file.is_file():
        yield module
        return
    source = file.read_text(encoding="utf-8")
    yield from (
        f"{module} {option}"
        for option in re.findall(r"--[a-z][\w-]*", rest)
        if option not in source
    )


@every_document
def test_what_it_tells_to_type_exists(name):
    assert sorted(unknown(DOCS[name])) == []


@every_document
def test_its_python_compiles(name):
    for block in re.findall(r"^```python\n(.*?)^```$", DOCS[name], re.MULTILINE | re.DOTALL):
        compile(block, name, "exec")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("`tag.dark_belo`", ["tag.dark_belo"]),
        ("```console\n$ dvc exp run -S compute.sheduler=x  # -S a.b=c\n```", ["compute.sheduler"]),
        ("`make clusters WORKER=2`", ["make WORKER=2", "make clusters"]),
        ("`segment-restore audit DIR --tuth x`", ["segment-restore audit --tuth"]),
        ("`segment-restore a.jpg --masks`", ["segment-restore restore --masks"]),
        ("`python -m benchmarks.scal`", ["benchmarks.scal"]),
        ("`python -m benchmarks.scale --image 1`", []),  # argparse takes the beginning of a word
        ("`python -m benchmarks.scale --picture 1`", ["benchmarks.scale --picture"]),
        ("`compute.patience: 60`, `validate.py`", []),
    ],
)
def test_what_does_not_exist_is_found(text, names):
    assert sorted(unknown(text)) == names
