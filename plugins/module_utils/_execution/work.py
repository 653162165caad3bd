# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an execution does with its members: the part that differs from domain to domain."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from .._http.errors import ApiError
from .._palette.vms import ClusterVms
from .._vms.model import VmKey
from .member import Member
from .waiting import Waiting

# After one of these, all other writes to Palette would fail the same way.
STOPS_ALL = ("unauthorized", "tls_error", "rate_limited")
# A poll that fails with one of these is not retried: it would fail again.
PERMANENT = ("unauthorized", "forbidden", "project_not_found", "tls_error")

M = TypeVar("M", bound=Member[Any])


class Work(ABC, Generic[M]):
    """The work on one cluster's members.

    begin, poll and probe run in threads, all else does not.
    """

    def __init__(self, api: ClusterVms, waiting: Waiting) -> None:
        self.api = api
        self.waiting = waiting

    def expect(self, members: Sequence[M]) -> None:
        """Be told of members before the first of them begins."""
        del members

    @abstractmethod
    def begin(self, member: M) -> None:
        """Do the write of a member's next step. An error becomes the member's failure."""

    @abstractmethod
    def poll(self, members: Sequence[M]) -> Any:
        """Return what is there of these members, or raise ApiError."""

    @abstractmethod
    def probe(self, key: VmKey) -> object:
        """Ask the cluster for something about a VM, or raise ApiError: it may answer again."""

    def asks_palette(self, member: M) -> bool:
        """Say whether a member's step is a request to Palette, and not to the cluster's own API."""
        del member
        return True

    @abstractmethod
    def read(self, member: M, found: Any, now: float) -> None:
        """Go on with a member by what a poll returned."""

    @abstractmethod
    def give_up(self, member: M, poll_error: str) -> None:
        """Fail a member whose time is over. poll_error: the last poll's message, if it failed."""

    def fail(self, member: M, error: ApiError) -> None:
        """Fail a member whose polls are refused."""
        member.failure = member.doubt.end if member.doubt else error

    def drop(self, member: M, error: ApiError) -> None:
        """Fail a member that shall do no more. What it has to put back, it may do first."""
        member.failure = error

    def abandon(self, member: M, error: ApiError) -> None:
        """Fail a member at once, because nothing will be done or polled any more."""
        member.failure = error

    def overrun(self, late: Sequence[M], pace: float) -> Callable[[M], ApiError] | None:
        """Return what to fail all others with, if they would run out of time as these members did.

        pace: how many members a second the storage has finished lately.
        """
        del late, pace
        return None
