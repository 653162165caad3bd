# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the controller's clock can be trusted to tell a snapshot's age. Pure: takes the times."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from .._http.errors import ApiError
from .._palette.objects import write_time
from .model import Snapshot

_TOLERANCE = timedelta(minutes=5)


def clock_problem(
    now: datetime, skew: timedelta | None, snapshots: Iterable[Snapshot]
) -> str | None:
    """Return how this clock and Palette's differ, or None where they agree.

    skew: Palette's clock less this one, None if not known. A snapshot from the future shows that
    the clusters' clocks differ.
    """
    if skew is not None and abs(skew) > _TOLERANCE:
        return f"the clock here says {write_time(now)}, Palette's says {write_time(now + skew)}"
    ahead = [s for s in snapshots if s.taken_at is not None and s.taken_at > now + _TOLERANCE]
    if not ahead:
        return None
    latest = max(ahead, key=lambda s: (s.taken_at, s.name))
    return (
        f"the clock here says {write_time(now)}, but snapshot {latest.key.namespace}/{latest.name} "
        f"was taken at {write_time(latest.taken_at)}"
    )


def check_clock(problem: str | None, needed: bool, warn: Callable[[str], None]) -> None:
    """Stop a task that needs ages where the clocks differ, and warn another.

    problem: as clock_problem returns it. Raises ApiError ``clock_skew``.
    """
    if problem is None:
        return
    if needed:
        text = f"{problem}; nothing was changed: set the clocks right, then run again"
        raise ApiError("clock_skew", text, changed=False)
    warn(f"{problem}; set the clocks right")


def warn_of_ages(problem: str | None, warn: Callable[[str], None]) -> None:
    """Warn that the ages in a result may be wrong. problem: as clock_problem returns it."""
    if problem:
        warn(f"{problem}: set the clocks right before you trust ages")
