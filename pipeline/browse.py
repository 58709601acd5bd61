"""Lay all photos out on one page: sorted, filtered, judged against limits that can be moved."""

from pipeline import facts, parallel, tables, thumbs, wall, words
from pipeline.page import render
from pipeline.parallel import ComputeParams
from pipeline.run import Run

SCRIPTS = ("wall", "address", "judge", "photo", "pairs", "begin")  # of the page, in this order


def page(run: Run, setting: wall.Setting, drawer: thumbs.Drawer, compute: ComputeParams) -> str:
    """Draw the small pictures and return the page that shows them.

    Args:
        run: tables of an audit.
        setting: limits, language and neighbours of the page.
        drawer: where the photos lie; it draws into ``thumbs.FOLDER`` below the page's folder,
            which the caller writes.
        compute: where to draw.
    """
    images = tables.ordered(run.dataset.images).reset_index(drop=True)
    plan = thumbs.plan(run.dataset, images)
    drawn = parallel.each(drawer, plan, compute, "drawing", threads=True)
    data = wall.wall(run, setting.limits)
    data |= {"folder": thumbs.FOLDER, "raw": setting.raw._asdict(), "pairs": wall.pairs(run)}
    data["photos"] |= {
        "broken": [row for row, one in enumerate(drawn) if not one.size],
        "shown": [one.size or (1, 1) for one in drawn],
        "outlines": [one.outlines for one in drawn],
    }
    contexts = [
        facts.facts(run, say)
        | {"words": wall.words(run, say, wall.SAID), "pages": setting.pages}
        | {"pairs": len(data["pairs"])}
        for say in words.both(setting.language)
    ]
    return render("audit.html", contexts, extras=SCRIPTS, data=data)
