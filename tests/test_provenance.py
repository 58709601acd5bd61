"""What a page was made from."""

import hashlib
from importlib import metadata

from pipeline import provenance

PARAMS = """
compute: {workers: 3}
train: {epochs: 2, seed: 7, augment: {flip: true, seed: 8}}
tag: {}
pull: {export: null}
"""


def test_parameters_are_listed_but_for_those_on_which_nothing_depends(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(PARAMS, "utf-8")
    sections = provenance.parameters(path)

    assert sections == [
        ("train", [("epochs", 2), ("seed", 7), ("augment.flip", True), ("augment.seed", 8)]),
        ("pull", [("export", None)]),
    ]
    assert provenance.seeds(sections) == [("train.seed", 7), ("train.augment.seed", 8)]


def test_packages_are_those_installed_without_the_name_of_a_device():
    told = dict(provenance.packages())

    assert told["numpy"] == metadata.version("numpy")
    assert told["torch"] == metadata.version("torch").split("+")[0]
    assert told["Python"].count(".") == 1


def test_a_digest_is_the_beginning_of_the_sha_256_of_all_files(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_text(name, "utf-8")
    files = [tmp_path / "a", tmp_path / "b"]

    assert provenance.digest(files) == hashlib.sha256(b"ab").hexdigest()[:12]
    assert provenance.digest([]) is None
