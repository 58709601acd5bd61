"""The registry: all that can be wrong with an export, in the order in which it is looked for.

A check is one small function; its name is the code in ``issues.csv``. Add one where what it relies
on has been checked already: ids before references, rings before geometry, repair before twins.
"""

import pandas as pd

from pipeline.checks.base import REPAIRS, Check, Tables, ValidateParams, apply
from pipeline.checks.categories import (
    categories_differ,
    categorise,
    category_id_twice,
    category_malformed,
    category_name_alike,
    category_name_twice,
    category_unknown,
    category_unused,
    category_zero,
    group_category,
)
from pipeline.checks.files import (
    image_bare,
    image_damaged,
    image_dropped,
    image_elsewhere,
    image_emptied,
    image_empty,
    image_missing,
    image_rotated,
    image_size_wrong,
    image_truncated,
    image_unlisted,
    image_unreadable,
)
from pipeline.checks.leaks import (
    LEAKS,
    RESPLIT,
    balance_moved,
    found_leaks,
    leak_alike,
    leak_moved,
    leak_same,
    leak_source,
    propose,
    proposed,
    tie,
)
from pipeline.checks.records import (
    annotation_id_twice,
    annotation_id_wrong,
    annotation_malformed,
    annotation_orphan,
    file_name_long,
    image_file_twice,
    image_id_twice,
    image_id_wrong,
    image_malformed,
    image_path_outside,
    iscrowd_set,
    iscrowd_wrong,
)
from pipeline.checks.rings import (
    build,
    coordinates_huge,
    coordinates_odd,
    coordinates_wrong,
    ring_short,
    rle_empty,
    rle_mask,
    rle_size,
    rle_uncompressed,
    rle_wrong,
    segmentation_empty,
    segmentation_flat,
    segmentation_wrong,
)
from pipeline.checks.shapes import (
    annotation_tiny,
    annotation_unseen,
    area_wrong,
    bbox_missing,
    bbox_outside,
    bbox_wrong,
    box_shaped,
    let_go,
    outside_partly,
    outside_wholly,
    points_repeated,
    ring_within,
    ring_without_area,
    self_crossing,
    spike,
)
from pipeline.checks.start import start
from pipeline.checks.twins import (
    annotation_conflict,
    annotation_hidden,
    annotation_overlap,
    annotation_twice,
    image_twice,
    outline,
    split_carved,
    split_empty,
)
from pipeline.tables import ISSUES

__all__ = [
    "CHECKS",
    "LEAKS",
    "REPAIRS",
    "RESPLIT",
    "STEPS",
    "Check",
    "Tables",
    "ValidateParams",
    "found_leaks",
    "proposed",
    "run",
    "start",
]

STEPS = (
    image_unlisted,
    image_malformed,
    image_id_wrong,
    image_path_outside,
    file_name_long,
    image_file_twice,
    image_id_twice,
    annotation_malformed,
    annotation_id_wrong,
    annotation_id_twice,
    annotation_orphan,
    iscrowd_wrong,
    iscrowd_set,
    category_malformed,
    category_name_twice,
    category_name_alike,
    category_id_twice,
    categories_differ,
    group_category,
    category_unknown,
    category_zero,
    category_unused,
    categorise,
    image_bare,
    image_missing,
    image_empty,
    image_unreadable,
    image_truncated,
    image_damaged,
    image_size_wrong,
    image_rotated,
    image_elsewhere,
    segmentation_empty,
    segmentation_wrong,
    segmentation_flat,
    coordinates_wrong,
    coordinates_huge,
    coordinates_odd,
    ring_short,
    rle_wrong,
    rle_size,
    rle_empty,
    rle_uncompressed,
    rle_mask,
    build,
    points_repeated,
    spike,
    box_shaped,
    bbox_missing,
    bbox_wrong,
    bbox_outside,
    ring_without_area,
    self_crossing,
    area_wrong,
    let_go,
    outside_wholly,
    outside_partly,
    ring_within,
    annotation_tiny,
    annotation_unseen,
    outline,
    annotation_twice,
    annotation_conflict,
    annotation_overlap,
    image_dropped,
    annotation_hidden,
    image_emptied,
    split_carved,
    split_empty,
    propose,
    leak_moved,
    balance_moved,
    tie,
    image_twice,
    leak_same,
    leak_source,
    leak_alike,
)
CHECKS = tuple(step for step in STEPS if isinstance(step, Check))


def run(tables: Tables) -> tuple[Tables, pd.DataFrame, pd.DataFrame]:
    """Apply all steps in turn.

    Returns:
        The tables that are left, findings with columns as ``ISSUES`` and repairs with columns as
        ``REPAIRS``, both in the order in which they were made.
    """
    issues, repairs = [], []
    for step in STEPS:
        if isinstance(step, Check):
            tables, found, repaired = apply(step, tables)
            issues += found
            repairs += repaired
        else:
            waiting = [tables]
            del tables  # a step may let go of what it needs no more
            tables = step(waiting.pop())
    return tables, _together(issues, ISSUES.empty()), _together(repairs, REPAIRS.empty())


def _together(frames: list[pd.DataFrame], empty: pd.DataFrame) -> pd.DataFrame:
    return pd.concat(frames, ignore_index=True) if frames else empty
