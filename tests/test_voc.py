import pytest

from pipeline import voc


def test_the_classes_are_those_of_pascal_voc_in_their_order():
    assert len(voc.CLASSES) == 21
    assert voc.CLASSES[0] == "background"
    assert voc.CLASSES[15] == "person"  # as the public DeepLabv3 weights have it
    assert voc.CLASSES[20] == "tvmonitor"


@pytest.mark.parametrize(
    "name", ["person", "Person", "people", "Tourists", "con người", "Người", "pedestrian", "WOMAN"]
)
def test_people_are_known_by_many_names(name):
    assert voc.people(["kite", name]) == [2]
    assert voc.matched([name]) == {1: 15}


def test_what_is_no_such_class_is_left_out():
    assert voc.matched(["background", "statue", "dining table", "TV", "personnel"]) == {
        3: 11,
        4: 20,
    }
    assert voc.people(["dog"]) == []


def test_no_alias_names_two_classes():
    names = [alias for aliases in voc.ALIASES.values() for alias in aliases]

    assert len(names) == len(set(names) - set(voc.CLASSES))
    assert set(voc.ALIASES) == set(voc.CLASSES[1:])
