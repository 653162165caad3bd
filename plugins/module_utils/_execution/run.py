# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a task over clusters: each is observed, planned and executed at its own pace, or none is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Generic, NamedTuple

from .._http.errors import ApiError
from .._http.threads import at_once
from .._palette.vms import ClusterVms
from .._validation.problems import Problem, option_problem
from .._vms.fleet import Part, Target, merged
from .execute import Execution
from .lane import Lane, Preparation
from .progress import Progress
from .waiting import Waiting
from .window import Window
from .work import M, Work

AUTO = "auto"
_DIGITS = 9
_NUMBER = re.compile(f"[0-9]{{1,{_DIGITS}}}")


class Pace(NamedTuple):
    """How fast a run may go. max_in_progress: in each cluster; None to find out."""

    waiting: Waiting
    concurrency: int
    max_in_progress: int | None


def pace_from(options: Mapping[str, Any], waiting: Waiting) -> Pace:
    """Return how fast to go, from checked options."""
    text = options["max_in_progress"]
    return Pace(waiting, options["concurrency"], None if text == AUTO else int(text))


def pace_problems(options: Mapping[str, Any]) -> list[Problem]:
    """Return the problems with concurrency and max_in_progress."""
    problems, text = concurrency_problems(options), options["max_in_progress"]
    if text == AUTO or (_NUMBER.fullmatch(text) and int(text)):
        return problems
    wrong = f"{text!r} is neither auto nor 1 or more, and at most {'9' * _DIGITS}"
    return [*problems, option_problem("max_in_progress", wrong, 50)]


def concurrency_problems(options: Mapping[str, Any]) -> list[Problem]:
    """Return the problem with concurrency."""
    wrong = options["concurrency"] < 1
    return [option_problem("concurrency", "must be 1 or more", 16)] if wrong else []


class ClusterRun(Generic[Part, M]):
    """The clusters of a task.

    fleet: what is observed. plan: makes members of what was observed in one cluster. work: what to
    do with them.
    """

    def __init__(
        self,
        targets: Sequence[Target],
        fleet: type[Part],
        observe: Callable[[Target], Part],
        plan: Callable[[Part], Iterable[M]],
        work: Callable[[ClusterVms, Waiting], Work[M]],
    ) -> None:
        self._targets = targets
        self._fleet = fleet
        self._work = work
        self._observe = observe
        self._plan = plan
        self._parts: dict[str, Part | ApiError] = {}
        self._lanes: dict[str, Lane[M]] = {}
        self._members: dict[str, list[M]] = {}

    @property
    def fleet(self) -> Part:
        """What is known of all clusters so far."""
        whole = merged(
            self._fleet,
            self._targets,
            [self._parts.get(target.title, self._fleet()) for target in self._targets],
        )
        for title, lane in self._lanes.items():
            if lane.failure:
                whole.failures.setdefault(title, lane.failure)
        return whole

    def observe_all(self) -> Part:
        """Observe all clusters at the same time, and return when the last one has ended.

        What was observed already is not asked again.
        """
        left = [target for target in self._targets if target.title not in self._parts]
        parts = at_once(self._observe, left)
        self._parts.update(zip((target.title for target in left), parts))
        return self.fleet

    def plan_all(self) -> None:
        """Plan for all that was observed."""
        for title in self._parts:
            self._plan_observed(title)

    def predict(self) -> None:
        """Observe and plan as execute does: what is wrong with one cluster stops no other."""
        self.observe_all()
        for title in self._parts:
            try:
                self._plan_observed(title)
            except ApiError as error:
                self._parts[title] = error

    def execute(self, pace: Pace, progress: Progress) -> None:
        """Carry out what was planned. A cluster that was not planned yet goes its own pace."""
        for target in self._targets:
            if not self._failed(target):
                self._lanes[target.title] = self._lane(target, pace)
        if len(self._targets) > 1:
            progress.clusters = {target.uid: target.title for target in self._targets}
        Execution(list(self._lanes.values()), pace.concurrency, progress.report).run()

    def _plan_observed(self, title: str) -> None:
        part = self._parts[title]
        if not isinstance(part, ApiError):
            self._members[title] = list(self._plan(part))

    def _failed(self, target: Target) -> bool:
        return isinstance(self._parts.get(target.title), ApiError)

    def _lane(self, target: Target, pace: Pace) -> Lane[M]:
        work, window = self._work(target.api, pace.waiting), Window(pace.max_in_progress)
        if target.title not in self._members:
            planned = partial(self._planned, target.title)
            preparation = Preparation(partial(self._observed, target), planned)
            return Lane(work, window, preparation)
        lane = Lane(work, window)
        lane.load(self._members[target.title])
        return lane

    def _observed(self, target: Target) -> Part | ApiError:
        return self._parts.get(target.title) or self._observe(target)

    def _planned(self, title: str, part: Part) -> Iterable[M]:
        planned = list(self._plan(part))
        self._parts[title] = part
        return planned
