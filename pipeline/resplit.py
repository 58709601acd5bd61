"""A split of the same sizes in which no group of tied pictures is parted."""

from dataclasses import dataclass

import numpy as np

MOVE = 0.5  # cost of moving an image; a size that is off by one image costs 1
LOOSE_MOST = 1000  # groups a split that lie in one split already and may move to keep its size
LESS = 1e-9  # a gain below this is rounding


@dataclass
class _Plan:
    """Groups on their way to splits, and by how much the splits are off.

    Attributes:
        members: ``(G, S)`` images of each group that lie in each split now.
        holds: ``(G, C)`` images of each group that show each category.
        goes: ``(G,)`` the split each group goes to.
        size: ``(S,)`` images that a split has too many.
        shown: ``(S, C)`` images of a category that a split has too many.
    """

    members: np.ndarray
    holds: np.ndarray
    goes: np.ndarray
    size: np.ndarray
    shown: np.ndarray

    def costs(self, groups: np.ndarray) -> np.ndarray:
        """Return ``(len(groups), S)`` by how much the cost grows if a group goes to a split."""
        count, here = self.members[groups].sum(axis=1), self.goes[groups]
        leave = _grown(self.size[here], -count)
        leave += _grown(self.shown[here], -self.holds[groups]).mean(axis=1)
        moved = self.members[groups, here][:, None] - self.members[groups]
        arrive = _grown(self.size[None], count[:, None])
        for split in range(len(self.size)):
            arrive[:, split] += _grown(self.shown[split], self.holds[groups]).mean(axis=1)
        costs = arrive + leave[:, None] + MOVE * moved
        costs[np.arange(len(groups)), here] = 0
        return costs

    def move(self, group: int, split: int) -> None:
        """Let a group go to a split."""
        count, here = self.members[group].sum(), self.goes[group]
        self.size[here] -= count
        self.shown[here] -= self.holds[group]
        self.size[split] += count
        self.shown[split] += self.holds[group]
        self.goes[group] = split


def resplit(members: np.ndarray, holds: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """Return the split that each group goes to, so that none is in two.

    A group that is parted goes where most of it is. Then groups move, always the one that helps
    most, while that brings the sizes of the splits, and the images of each category in them,
    nearer to what they are now, at ``MOVE`` an image moved. Of equal ones the first moves.

    Args:
        members: ``(G, S)`` images of each group in each split.
        holds: ``(G, C)`` images of each group that show each category; C is at least 1.
        shown: ``(S, C)`` images of each split that do.

    Returns:
        ``(G,)`` indices of splits. No split that has images is left empty; where there are fewer
        groups than such splits that cannot be, and all are -1: nothing is to be moved.
    """
    filled = members.sum(axis=0) > 0
    if len(members) < filled.sum():
        return np.full(len(members), -1)
    goes = members.argmax(axis=1)
    lies = np.eye(members.shape[1], dtype=np.int64)[goes]  # (G, S)
    size = lies.T @ members.sum(axis=1) - members.sum(axis=0)
    more = lies.T @ holds - shown
    plan = _Plan(members, holds, goes, size, more)
    parted = (members > 0).sum(axis=1) > 1
    groups = _movable(parted, goes)
    for split in np.flatnonzero(filled):
        _fill(plan, groups, split)
    while parted.any() and _improve(plan, groups):
        pass
    return plan.goes


def _movable(parted: np.ndarray, goes: np.ndarray) -> np.ndarray:
    """Return the parted groups, then some of each split that are whole."""
    whole = [np.flatnonzero(~parted & (goes == split))[:LOOSE_MOST] for split in np.unique(goes)]
    return np.concatenate([np.flatnonzero(parted), *whole])


def _fill(plan: _Plan, groups: np.ndarray, split: int) -> None:
    """Give a split that would be left empty the group that costs least."""
    if (plan.goes == split).any():
        return
    costs = plan.costs(groups)[:, split]
    costs[_alone(plan, groups)] = np.inf
    plan.move(groups[costs.argmin()], split)


def _improve(plan: _Plan, groups: np.ndarray) -> bool:
    """Make the one move that helps most; return whether there was one."""
    costs = plan.costs(groups)
    costs[_alone(plan, groups)] = 0
    best = costs.argmin()
    if costs.flat[best] > -LESS:
        return False
    row, split = divmod(int(best), costs.shape[1])
    plan.move(groups[row], split)
    return True


def _alone(plan: _Plan, groups: np.ndarray) -> np.ndarray:
    """Return ``(len(groups),)`` bool: the group is all that its split has."""
    counts = np.bincount(plan.goes, minlength=plan.members.shape[1])
    return counts[plan.goes[groups]] == 1


def _grown(off: np.ndarray, by: np.ndarray) -> np.ndarray:
    """Return by how much the distance from 0 grows."""
    return (np.abs(off + by) - np.abs(off)).astype(np.float64)
