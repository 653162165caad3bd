# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lists of one cluster, complete whatever Palette makes of their filters.

The contract knows several values in a filter. Whether a server takes all of them, and pages them
rightly, is not known, and nobody would miss what it loses. So each filter has one value at most,
and nothing is concluded from an empty list while the filter may be why it is empty. See
docs/palette.md, "Paging".
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple, Protocol, TypeVar

from .._http.errors import ApiError
from .._http.session import Query
from .._http.threads import at_once
from .client import PAGE

# What a list is expected to have before it was read once, in pages.
_PAGES_OF_A_VM = 1
_PAGES_OF_A_NAMESPACE = 2
_PAGES_OF_A_CLUSTER = 20

_AT_ONCE = 16  # requests


class Key(Protocol):
    """Where an object is."""

    @property
    def namespace(self) -> str:
        """Its namespace."""

    @property
    def vm_name(self) -> str:
        """The VM that it is, or is of."""


class Listed(Protocol):
    """An item of a list, as read."""

    @property
    def key(self) -> Key:
        """Where it is."""


Item = TypeVar("Item", bound=Listed)
Read = Callable[[Any], Item]


class Where(NamedTuple):
    """What one request asks for; an empty filter matches all."""

    namespace: str = ""
    vm_name: str = ""

    @property
    def query(self) -> dict[str, str]:
        """The filters that the request has."""
        filters = {"namespace": self.namespace, "vmName": self.vm_name}
        return {name: value for name, value in filters.items() if value}

    @property
    def wider(self) -> Where:
        """The same with one filter less."""
        return Where(self.namespace) if self.vm_name else EVERYWHERE

    def covers(self, other: Where) -> bool:
        """Say whether all that another request asks for is here, too."""
        return all(mine in ("", others) for mine, others in zip(self, other))

    def may_cover(self, place: Where) -> bool:
        """Say whether what is there may be here. What is empty in the place is not known."""
        return all("" in (mine, others) or mine == others for mine, others in zip(self, place))


EVERYWHERE = Where()


class ClusterList:
    """One list of a cluster. ask: sends one request for it, page by page. Thread-safe."""

    def __init__(self, ask: Callable[[Read[Any], Query], list[Any]]) -> None:
        self._ask = ask
        # For what is learned: other threads learn meanwhile.
        self._lock = threading.Lock()
        # How many pages a request had when it was last sent.
        self._pages: dict[Where, int] = {}
        # The sum of those that were not for one VM, of which there may be thousands.
        self._known_pages = 0
        # Requests whose answers had what they asked for.
        self._answered: set[Where] = set()
        self._namespaces_work = False
        self._vm_names_work = False

    def items(
        self, read: Read[Item], wanted: Collection[Where], believe_empty: bool = False
    ) -> list[Item]:
        """Return at least what is wanted, nothing twice.

        believe_empty: do not ask again with fewer filters where there is nothing.
        """
        found: dict[Where, list[Item]] = {}
        with self._lock:
            asked = self._fewest(wanted)
        while asked:
            found.update(self._send(read, asked))
            for where in asked:
                self._learn(where, found[where])
            doubtful = () if believe_empty else filter(self._doubtful, asked)
            asked = {where.wider for where in doubtful} - found.keys()
        self._try_vm_names(read, found)
        return _joined(found)

    def _send(self, read: Read[Item], asked: Iterable[Where]) -> Mapping[Where, list[Item]]:
        ordered = sorted(asked)
        answers = at_once(lambda where: self._ask(read, where.query), ordered, _AT_ONCE)
        found = {}
        for where, answer in zip(ordered, answers):
            if isinstance(answer, ApiError):
                raise answer
            found[where] = answer
        return found

    def _learn(self, where: Where, items: list[Any]) -> None:
        pages = max(-(-len(items) // PAGE), 1)
        answered = any(where.covers(_place(item)) for item in items)
        with self._lock:
            self._note_pages(where, pages)
            if where.wider in self._pages:
                # What has come since is there, too.
                self._note_pages(where.wider, max(self._pages[where.wider], pages))
            if answered:
                self._answered.add(where)
                self._namespaces_work = self._namespaces_work or bool(where.namespace)
                self._vm_names_work = self._vm_names_work or bool(where.vm_name)

    def _note_pages(self, where: Where, pages: int) -> None:
        if not where.vm_name:
            self._known_pages += pages - self._pages.get(where, 0)
        self._pages[where] = pages

    def _try_vm_names(self, read: Read[Item], found: Mapping[Where, list[Item]]) -> None:
        """Ask for a VM that is there, where others were looked for in vain.

        If the filter finds it, the next empty list is believed. Else each of many VMs would take a
        list of its whole namespace.
        """
        if self._vm_names_work or not any(where.vm_name for where in found):
            return
        places = (_place(item) for items in found.values() for item in items)
        there = next((place for place in places if all(place)), None)
        if there:
            with suppress(ApiError):
                self._learn(there, self._ask(read, there.query))

    def _doubtful(self, where: Where) -> bool:
        """Say whether an empty answer may be the filter's fault."""
        if where in self._answered:
            return False
        in_vm_name = bool(where.vm_name) and not self._vm_names_work
        return in_vm_name or (bool(where.namespace) and not self._namespaces_work)

    def _fewest(self, wanted: Collection[Where]) -> set[Where]:
        """Return the fewest requests for what is wanted, by what is known of their pages."""
        by_namespace: dict[str, set[Where]] = {}
        for where in wanted:
            by_namespace.setdefault(where.namespace, set()).add(where)
        asked: set[Where] = set()
        for namespace, places in by_namespace.items():
            whole = Where(namespace)
            single = whole not in places and self._sum(places) <= self._expected(whole)
            asked |= places if single else {whole}
        return asked if self._sum(asked) <= self._expected(EVERYWHERE) else {EVERYWHERE}

    def _sum(self, places: Iterable[Where]) -> int:
        return sum(map(self._expected, places))

    def _expected(self, where: Where) -> int:
        """Return how many pages a request is likely to have."""
        if where in self._pages:
            return self._pages[where]
        if where.vm_name:
            return _PAGES_OF_A_VM
        if where.namespace:
            return _PAGES_OF_A_NAMESPACE
        return _PAGES_OF_A_CLUSTER + self._known_pages


def _joined(found: Mapping[Where, list[Item]]) -> list[Item]:
    """Return all that was found, nothing twice, also if a filter was ignored."""
    if len(found) == 1:
        # One answer has nothing twice, and callers filter.
        return next(iter(found.values()))
    joined: list[Item] = []
    taken: list[Where] = []
    # The widest first: what the others have is there, too.
    for where in sorted(found):
        for item in found[where]:
            place = _place(item)
            if where.may_cover(place) and not any(other.covers(place) for other in taken):
                joined.append(item)
        taken.append(where)
    return joined


def _place(item: Listed) -> Where:
    return Where(item.key.namespace, item.key.vm_name)
