# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The restore of one virtual machine: the steps, done in order, and their state."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from .._execution.member import Member
from .._http.errors import ApiError
from .._snapshots.model import Snapshot
from .._snapshots.writes import new_request_id
from .._vms.model import VmKey
from .model import Restore
from .plan import Act, Step

# A VM is off while it waits for the storage, so few wait at a time.
_PATIENCE = 60.0  # seconds

_TRIES_AGAIN = "Operation cannot be fulfilled"
_WAITS_FOR = {
    Act.STOP: "to be off",
    Act.SNAPSHOT: "for its safety snapshot",
    Act.CLEAR: "for a restore to be gone",
    Act.RESTORE: "to be restored",
    Act.START: "to run",
}
RESTORED_AND_STARTED = "the VM is restored and was started"
_REVERTED = {
    Act.CLEAR: "the restore was deleted, so that it is not carried out later",
    Act.START: "the VM runs again",
    Act.CLOSE: RESTORED_AND_STARTED,
}


class RestoreMember(Member[Step]):
    """The steps of one virtual machine.

    restore: the one of this task, as last seen; uid: its uid. safety: the safety snapshot.
    sent_at: when a power call was last sent; give_up_at: when to send it no more. stopped: whether
    this task stopped it, or an interrupted one before. started: whether it was seen to be started.
    """

    def __init__(
        self,
        key: VmKey,
        steps: Iterable[Step],
        restore: Restore | None = None,
        stopped: bool = False,
    ) -> None:
        super().__init__(key, steps, _PATIENCE)
        self.restore = restore
        self.uid = restore.uid if restore else ""
        self.safety: Snapshot | None = None
        self.request_id = new_request_id()
        self.sent_at = -math.inf
        self.give_up_at = math.inf
        self.stopped = stopped
        self.started = False

    @property
    def loads_storage(self) -> bool:
        """Whether the storage has, or will have, work with it."""
        return self.active and any(step.act == Act.RESTORE for step in self.steps)

    @property
    def deleted(self) -> bool:
        """Whether the restore was given up, and is gone."""
        return _REVERTED[Act.CLEAR] in self.reverted

    @property
    def waits_for(self) -> str:
        """What it waits for, after "waiting"; empty if for nothing."""
        step = self.step
        return _WAITS_FOR.get(step.act, "") if step else ""

    @property
    def phase(self) -> str:
        """KubeVirt's words on the restore, which are shown and never judged."""
        step = self.step
        if step is None or step.act != Act.RESTORE or self.restore is None:
            return ""
        # KubeVirt writes down that it tries again, in words that sound like a failure.
        return "" if self.restore.text.startswith(_TRIES_AGAIN) else self.restore.text

    def advance(self) -> None:
        """Go on to the next step. After the last one of putting it back, fail."""
        if self.cause and self.steps[0].act in _REVERTED:
            self.reverted.append(_REVERTED[self.steps[0].act])
        super().advance()
        self.give_up_at = math.inf

    def do_first(self, steps: Sequence[Step]) -> None:
        """Do these steps before the next one."""
        self.steps.extendleft(reversed(steps))
        self.give_up_at = math.inf

    def put_back(self, cause: ApiError, steps: Iterable[Step]) -> None:
        """Give the restore up because of an error, and do these steps instead: at least one."""
        super().put_back(cause, steps)
        self.give_up_at = math.inf
