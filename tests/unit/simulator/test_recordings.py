# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What KubeVirt's own controllers did is what the simulator does: objects, texts and order.

Each case does what was done then, and the changes of all objects are compared; see recordings/.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from unit.simulator.bench import PATHS, Answer, Bench
from unit.simulator.views import Event, in_another_order, of_each_object

_RECORDINGS = Path(__file__).parent / "recordings"
_TOLERANCE = 0.15  # seconds: the recorder watched each kind of object by itself
_ROOT = {"name": "rootdisk", "kind": "persistentVolumeClaim", "claim": "root"}
_CLOUD_INIT = {"name": "cloudinit", "kind": "cloudInitNoCloud"}
_STOPPED = {"power": "Stopped", "volumes": [_ROOT, _CLOUD_INIT]}
_RUNNING = {"power": "Running", "volumes": [_ROOT, _CLOUD_INIT]}

Patch = pytest.MonkeyPatch


class Replay:
    """A case: what was recorded, and the bench it is done again on."""

    def __init__(self, bench: Bench, name: str) -> None:
        self.bench = bench
        recorded = json.loads((_RECORDINGS / f"{name}.json").read_text(encoding="utf-8"))
        assert bench.watcher.views() == recorded["start"]
        self._recorded = [Event(*event) for event in recorded["events"]]
        self._answers = recorded["answers"]

    def ready_snapshot(self, name: str) -> None:
        """Take a snapshot, and wait until it is ready and the VM is free."""
        self.bench.snapshot(name)
        self.answers(201)
        self.bench.pass_by(2)

    def restored(self, name: str, snapshot: str, **spec: Any) -> None:
        """Restore, and wait for the end."""
        self.answered(self.bench.restore(name, snapshot, **spec))
        self.bench.pass_by(6)
        assert self.bench.get("VirtualMachineRestore", name)["status"]["complete"] is True

    def deleted(self, name: str) -> None:
        """Delete a restore, and wait until it is gone."""
        self.answered(self.bench.delete_restore(name))
        self.bench.pass_by(1)

    def answered(self, answer: Answer) -> None:
        """Compare an answer with the next one that was recorded."""
        self.bench.look()
        status, body = answer
        message = body["message"] if status >= 400 else None
        assert [status, self.named(message)] == self._answers.pop(0)[1:]

    def answers(self, *statuses: int) -> None:
        """Leave out answers of Palette's, or of what the simulator's API does not have."""
        self.bench.look()
        for status in statuses:
            assert self._answers.pop(0)[1] == status

    def named(self, text: Any) -> Any:
        """Have names instead of uids."""
        return self.bench.watcher.named(text)

    def ends(self) -> None:
        """Compare everything that happened."""
        assert self._answers == []
        simulated = self.bench.watcher.events
        recorded = of_each_object(self._recorded)
        assert of_each_object(simulated) == recorded
        assert in_another_order(self._recorded, simulated, _TOLERANCE) == []


def test_r01_a_stopped_vm_twice(monkeypatch: Patch) -> None:
    disks = [_ROOT, {"name": "datadisk", "kind": "persistentVolumeClaim", "claim": "data"}]
    vm = {"power": "Stopped", "volumes": [*disks, _CLOUD_INIT]}
    bench = Bench(monkeypatch, vm, restore_passes="all")
    replay = Replay(bench, "r01_stopped")
    replay.ready_snapshot("snap1")
    extra = {"name": "extra", "kind": "persistentVolumeClaim", "claim": "extra"}
    bench.change_vm(cores=4, volumes=[*vm["volumes"], extra])
    replay.answers(200, 200)
    replay.answered(bench.restore("r1", "snap1"))
    bench.pass_by(0.3)
    replay.answered(bench.power("start"))
    replay.answers(422)  # a PUT of the VM
    bench.pass_by(6)
    assert bench.cluster.vms["ns", "vm1"].cores == 1
    bench.palette.switch({"restore_passes": "none"})
    replay.restored("r2", "snap1")
    replay.answered(bench.restore("r1", "snap1"))
    replay.deleted("r1")
    replay.answered(bench.power("start"))
    bench.pass_by(4)
    replay.ends()


def test_r02_data_volume_templates_and_in_place(monkeypatch: Patch) -> None:
    disk = {"name": "rootdisk", "kind": "dataVolume", "claim": "dv-root", "template": True}
    bench = Bench(monkeypatch, {"power": "Stopped", "volumes": [disk, _CLOUD_INIT]})
    replay = Replay(bench, "r02_dvtemplates")
    replay.ready_snapshot("snap1")
    replay.answers(200)  # a label
    replay.restored("r1", "snap1")
    bench.palette.switch({"restore_passes": "exists"})
    replay.restored("rin", "snap1", volumeRestorePolicy="InPlace")
    replay.ends()


def test_r03c_a_running_vm_is_stopped(monkeypatch: Patch) -> None:
    bench = Bench(monkeypatch, _RUNNING)
    replay = Replay(bench, "r03c_stop")
    replay.ready_snapshot("snap1")
    replay.restored("r1", "snap1", targetReadinessPolicy="StopTarget")
    replay.answered(bench.power("start"))
    bench.pass_by(4)
    replay.ends()


def test_r03d_a_running_vm_fails_at_once(monkeypatch: Patch) -> None:
    bench = Bench(monkeypatch, _RUNNING)
    replay = Replay(bench, "r03d_fail")
    replay.ready_snapshot("snap1")
    replay.answered(bench.restore("r1", "snap1", targetReadinessPolicy="FailImmediate"))
    bench.pass_by(1)
    replay.answered(bench.restore("r2", "snap1", targetReadinessPolicy="StopTarget"))
    replay.deleted("r1")
    replay.restored("r2", "snap1", targetReadinessPolicy="StopTarget")
    replay.ends()


def test_r04_snapshots_that_are_not_fit(monkeypatch: Patch) -> None:
    bench = Bench(monkeypatch, _STOPPED)
    replay = Replay(bench, "r04_bad_snapshot")
    bench.change_vm(timing={**bench.cluster.vms["ns", "vm1"].timing, "ready": 5.5})
    bench.snapshot("slow")
    replay.answers(201)
    bench.pass_by(0.2)
    replay.answered(bench.restore("early", "slow"))
    bench.pass_by(20)
    replay.answered(bench.restore("ghost", "nothere"))
    bench.pass_by(3)
    replay.answered(bench.restore("second", "slow"))
    replay.deleted("ghost")
    never = {**bench.cluster.vms["ns", "vm1"].timing, "cut": 3600}
    bench.change_vm(timing=never)
    bench.snapshot("bad", failureDeadline="3s")
    replay.answers(201)
    bench.pass_by(4)
    replay.answered(bench.restore("fromfailed", "bad"))
    bench.pass_by(4)
    replay.deleted("fromfailed")
    bench.snapshot("running")
    replay.answers(201)
    bench.pass_by(2)
    replay.answered(bench.restore("fromprogress", "running"))
    replay.answered(bench.restore("newvm", "running", "fresh"))
    bench.pass_by(3)
    replay.answered(bench.delete_restore("fromprogress"))
    bench.drop_snapshot("running")
    replay.answers(200)
    bench.snapshot("later", vm="ghostvm")
    replay.answers(201)
    replay.answered(bench.restore("nostatus", "later", "fresh"))
    bench.pass_by(10)
    replay.ends()


def test_r06_two_at_a_time(monkeypatch: Patch) -> None:
    vm = {"power": "Stopped", "volumes": [_ROOT], "timing": {"bind": 6}}
    bench = Bench(monkeypatch, vm)
    replay = Replay(bench, "r06_two")
    replay.ready_snapshot("snap1")
    replay.answered(bench.restore("r1", "snap1"))
    replay.answered(bench.restore("r2", "snap1"))
    path = PATHS["VirtualMachineRestore"] + "?dryRun=All"
    body = {**bench.get("VirtualMachineRestore", "r1"), "metadata": {"name": "r3"}}
    replay.answered(bench.call("POST", path, body))
    bench.pass_by(7)
    replay.answered(bench.restore("r2", "snap1"))
    bench.pass_by(7)
    bench.palette.switch({"restore_webhook_lag": 1, "restore_passes": "exists"})
    replay.answered(bench.restore("ra", "snap1"))
    bench.palette.switch({"restore_passes": "none"})
    for name in ("rb", "rc"):
        replay.answered(bench.restore(name, "snap1"))
    bench.pass_by(15)
    replay.ends()


def test_r07_deletions(monkeypatch: Patch) -> None:
    bench = Bench(monkeypatch, {"power": "Stopped", "volumes": [_ROOT]})
    replay = Replay(bench, "r07_delete")
    replay.ready_snapshot("snap1")
    replay.ready_snapshot("snap2")
    pace = bench.cluster.vms["ns", "vm1"].timing
    bench.change_vm(timing={**pace, "bind": 3600})
    replay.answered(bench.restore("r1", "snap2"))
    bench.pass_by(4)
    replay.ready_snapshot("during")
    replay.answered(bench.power("start"))
    bench.drop_snapshot("snap2")
    replay.answers(200)
    bench.pass_by(3)
    replay.deleted("r1")
    bench.change_vm(timing=pace)
    replay.restored("r2", "snap1")
    bench.drop_vm()
    replay.answers(200)
    bench.pass_by(5)
    replay.ends()


def test_r14_a_restore_during_a_snapshot(monkeypatch: Patch) -> None:
    bench = Bench(monkeypatch, {**_STOPPED, "timing": {"cut": 8, "ready": 1.2}})
    replay = Replay(bench, "r14_lostrace")
    for name, seconds in (("old", 10.0), ("new", 1.5)):
        bench.snapshot(name)
        replay.answers(201)
        bench.pass_by(seconds)
    replay.answered(bench.restore("r1", "old"))
    bench.pass_by(10)
    replay.ends()


def test_s04_waiting_for_the_lock(monkeypatch: Patch) -> None:
    timing = {"cut": 4.5, "ready": 1.8, "lock": 0.04, "lock_retry": 0.035}
    bench = Bench(monkeypatch, {**_STOPPED, "timing": timing})
    replay = Replay(bench, "s04_two_at_once")
    # KubeVirt lets any of them have the lock, the simulator the one that was created first.
    bench.snapshot("second")
    bench.snapshot("first")
    bench.snapshot("third", failureDeadline="3s")
    replay.answers(201, 201, 201)
    bench.pass_by(12)
    replay.ends()


def test_s05_deadlines(monkeypatch: Patch) -> None:
    bench = Bench(monkeypatch, {**_STOPPED, "timing": {"cut": 3600}})
    replay = Replay(bench, "s05_deadline")
    bench.snapshot("snap1", failureDeadline="8s")
    replay.answers(201)
    bench.pass_by(11)
    bench.drop_snapshot("snap1")
    replay.answers(409, 200)
    bench.pass_by(1)
    bench.snapshot("neg", failureDeadline="-5s")
    replay.answers(201)
    bench.pass_by(0.5)
    bench.snapshot("keep", failureDeadline="4s", deletionPolicy="Retain")
    replay.answers(201)
    bench.pass_by(7)
    replay.ends()


def test_s15b_a_guest_that_cannot_be_frozen(monkeypatch: Patch) -> None:
    disk = {"name": "rootdisk", "kind": "persistentVolumeClaim", "claim": "a"}
    vm = {"volumes": [disk], "guest_agent": True, "freeze": "fails", "timing": {"cut": 0.03}}
    bench = Bench(monkeypatch, vm, durations="verbatim")
    replay = Replay(bench, "s15b_freeze")
    bench.snapshot("s1", failureDeadline="20s")
    replay.answers(201)
    bench.pass_by(21)
    bench.snapshot("s2", failureDeadline="60s")
    replay.answers(201)
    bench.pass_by(5)
    bench.change_vm(freeze="ok")
    bench.pass_by(2)
    replay.ends()


def test_s15b_a_paused_guest_is_not_frozen(monkeypatch: Patch) -> None:
    disk = {"name": "rootdisk", "kind": "persistentVolumeClaim", "claim": "b"}
    vm = {"name": "vm2", "volumes": [disk], "guest_agent": True, "power": "Paused"}
    bench = Bench(monkeypatch, vm)
    replay = Replay(bench, "s15b_paused")
    bench.snapshot("paused", vm="vm2")
    replay.answers(201)
    bench.pass_by(3)
    replay.ends()


def test_s20_power(monkeypatch: Patch) -> None:
    disk = {"name": "rootdisk", "kind": "persistentVolumeClaim", "claim": "a"}
    bench = Bench(monkeypatch, {"power": "Stopped", "volumes": [disk]})
    replay = Replay(bench, "s20_power")
    for verb in ("stop", "pause", "unpause", "restart", "start"):
        replay.answered(bench.power(verb))
    bench.pass_by(4)
    replay.answered(bench.power("start"))
    replay.answered(bench.power("unpause"))
    for verb in ("start", "stop"):
        replay.answered(bench.power(verb, "nothere"))
    replay.answers(200)  # freeze
    replay.answered(bench.power("stop"))
    bench.pass_by(0.4)
    replay.answered(bench.power("stop"))
    bench.pass_by(4)
    replay.ends()
