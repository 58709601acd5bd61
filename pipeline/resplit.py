"""A split of the same sizes in which no group of tied pictures is parted."""

from dataclasses import dataclass

import numpy as np

MOVE = 0.5  # cost of moving an image; a size that is off by one image costs 1
LOOSE_MOST = 1000  # groups a split that lie in one split already and may move to keep its size
EXCHANGED_MOST = 300  # groups of which any two may change places
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

    The parted groups are placed one by one, the largest first, where they cost least. Then groups
    move, or two change places, always what helps most, while that lowers the cost: by how much the
    sizes of the splits, and the images of each category in them, differ from what they are now,
    and ``MOVE`` for each image that moves. Of equal groups and splits the first is taken.

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
    parted = (members > 0).sum(axis=1) > 1
    plan = _start(members, holds, shown, parted)
    groups = _movable(parted, plan.goes)
    for split in np.flatnonzero(filled):
        _fill(plan, groups, split)
    while parted.any() and (_improve(plan, groups) or _exchange(plan, groups[:EXCHANGED_MOST])):
        pass
    return plan.goes


def _start(members: np.ndarray, holds: np.ndarray, shown: np.ndarray, parted: np.ndarray) -> _Plan:
    """Return a plan in which whole groups stay and the others lie where they cost least."""
    goes = members.argmax(axis=1)
    size, more = -members.sum(axis=0), -shown
    np.add.at(size, goes[~parted], members[~parted].sum(axis=1))
    np.add.at(more, goes[~parted], holds[~parted])
    counts = members.sum(axis=1)
    groups = np.flatnonzero(parted)
    for group in groups[np.argsort(-counts[groups], kind="stable")]:
        costs = _grown(size, counts[group]) + _grown(more, holds[group]).mean(axis=1)
        costs -= MOVE * members[group]
        goes[group] = split = costs.argmin()
        size[split] += counts[group]
        more[split] += holds[group]
    return _Plan(members, holds, goes, size, more)


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


def _exchange(plan: _Plan, groups: np.ndarray) -> bool:
    """Let the two groups change places that it helps most; return whether there were any."""
    here, count = plan.goes[groups], plan.members[groups].sum(axis=1)
    more = count[None] - count[:, None]  # (K, K) images that the row's split gains
    gain = _grown(plan.size[here][:, None], more)
    for category in range(plan.holds.shape[1]):
        holds = plan.holds[groups, category]
        off = plan.shown[here, category][:, None]
        gain += _grown(off, holds[None] - holds[:, None]) / plan.holds.shape[1]
    stays = plan.members[groups, here]
    gain += MOVE * (stays[:, None] - plan.members[groups][:, here])
    cost = gain + gain.T
    cost[here[:, None] == here[None]] = 0
    best = cost.argmin()
    if cost.flat[best] > -LESS:
        return False
    one, other = divmod(int(best), len(groups))
    plan.move(groups[one], here[other])
    plan.move(groups[other], here[one])
    return True


def _alone(plan: _Plan, groups: np.ndarray) -> np.ndarray:
    """Return ``(len(groups),)`` bool: the group is all that its split has."""
    counts = np.bincount(plan.goes, minlength=plan.members.shape[1])
    return counts[plan.goes[groups]] == 1


def _grown(off: np.ndarray, by: np.ndarray) -> np.ndarray:
    """Return by how much the distance from 0 grows."""
    return (np.abs(off + by) - np.abs(off)).astype(np.float64)
