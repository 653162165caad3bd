# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The request log and its counts: what tests assert on."""

from __future__ import annotations

from collections import Counter, deque
from io import TextIOBase
from typing import Any

import msgspec

_KEPT = 200_000


class Journal:
    """Entries of answered requests, newest last; also written to a JSON lines file if given."""

    def __init__(self, file: TextIOBase | None = None) -> None:
        self._file = file
        self._entries: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self.clear()

    def clear(self) -> None:
        """Forget entries and counts; the file keeps its lines."""
        self._entries.clear()
        self.operations: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.sources: set[int] = set()
        self.in_flight = 0
        self.most_in_flight = 0

    def enter(self) -> None:
        """Note that a request came in."""
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)

    def leave(self, entry: dict[str, Any]) -> None:
        """Note that a request was answered, or cut."""
        self.in_flight = max(0, self.in_flight - 1)
        self.operations[entry["operation"]] += 1
        self.statuses[entry["status"] or 0] += 1
        self.sources.add(entry["source_port"])
        self._entries.append(entry)
        if self._file:
            self._file.write(msgspec.json.encode(entry).decode() + "\n")
            self._file.flush()

    def entries(self) -> bytes:
        """All entries as a JSON array."""
        return msgspec.json.encode(list(self._entries))

    def stats(self) -> dict[str, Any]:
        """The counts."""
        return {
            "requests": self.operations.total(),
            "rate_limited": self.statuses[429],
            "operations": dict(self.operations),
            "statuses": {str(status): count for status, count in self.statuses.items()},
            "connections": len(self.sources),
            "most_in_flight": self.most_in_flight,
        }
