# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A VM's power as a pure function of time: what its status says, and whether it has an instance.

A VM that is told to stop still shows Running, then Stopping, then Stopped; its instance goes last.
One that is told to start shows Stopped for a moment.
"""

from __future__ import annotations

from typing import NamedTuple

from palette_simulator.lifecycle import NEVER

_NOTICE_SHARE, _NOTICE_SECONDS = 0.05, 0.1
_START = ((0.2, "Pending"), (0.5, "Scheduling"), (1.0, "Scheduled"))
"""Until which part of a start the instance has which phase"""


class Change(NamedTuple):
    """The last change of a VM's power: when it began, when the VM is so, when its instance goes."""

    since: float
    settles: float
    gone: float
    before: str
    """the power that it shows until KubeVirt has noticed"""


class Instance(NamedTuple):
    """A VirtualMachineInstance at a moment."""

    phase: str
    deleting: bool = False

    @property
    def is_final(self) -> bool:
        """Whether it will not run any more."""
        return self.phase in ("Succeeded", "Failed")

    @property
    def stays(self) -> bool:
        """Whether it has ended, and is there until its VM is started."""
        return self.is_final and not self.deleting


class Sight(NamedTuple):
    """What a VM shows of its power at a moment."""

    printable: str
    instance: Instance | None

    @property
    def runs(self) -> bool:
        """Whether its guest runs, paused or not."""
        return self.instance is not None and self.instance.phase == "Running"


# See docs/palette.md, "Power".
def sight(power: str, change: Change, now: float) -> Sight:
    """What a VM shows of the power it has, or is on its way to."""
    takes = change.settles - change.since
    if now < change.since + min(_NOTICE_SECONDS, takes * _NOTICE_SHARE):
        return Sight(change.before, None if change.before == "Stopped" else Instance("Running"))
    if power == "Stopped":
        return _stopping(change, now)
    if now >= change.settles:
        return Sight(power, Instance("Running"))
    part = (now - change.since) / takes
    phase = next(phase for until, phase in _START if part < until)
    return Sight("ErrorPvcNotFound" if takes == NEVER else "Starting", Instance(phase))


def _stopping(change: Change, now: float) -> Sight:
    if now < change.settles:
        return Sight("Stopping", Instance("Running", deleting=True))
    if now < change.gone:
        return Sight("Stopped", Instance("Succeeded", deleting=change.gone < NEVER))
    return Sight("Stopped", None)
