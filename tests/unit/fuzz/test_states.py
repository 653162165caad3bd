# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks in any order, among strangers, sick storage and lost answers: what is promised, holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ansible_collections.spectrocloud.palette.plugins.module_utils._module.vm_snapshot import (
    MODULE as SINGLE,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._module.vm_snapshot_retention import (  # noqa: E501
    MODULE as RETENTION,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._module.vm_snapshot_set import (
    MODULE as SET,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._vms.model import VmKey
from unit.builders import FAILED, READY, RUNNING, Json
from unit.fuzz import effort
from unit.fuzz.promises import (
    EXPIRES_AT,
    MANAGED_BY,
    PART_OF,
    REQUEST_ID,
    SCHEDULED,
    VM_RAN,
    Place,
    Seen,
    age,
    doomed,
)
from unit.fuzz.two_clusters import (
    CLUSTERS,
    EVERYTHING,
    HOUR,
    LISTED,
    SELECTIONS,
    VMS,
    Run,
    Selection,
    TwoClusters,
)
from unit.palette_in_memory import (
    BECOMES_READY,
    BROKEN,
    LOST,
    NEVER_READY,
    TIMED_OUT,
    Call,
    ready_after,
)

WAIT: Json = {"wait_timeout": 60}
AGES = ("1h", "20h", "2d", "3w")
FAILURES = ("failed", "blocked", "unknown")
UNTOUCHED = ("unchanged", "fresh", "absent", "blocked", "not_tried")
WRITES = {
    "created": ["POST"],
    "replaced": ["DELETE", "POST"],
    "updated": ["PUT"],
    **{outcome: [] for outcome in UNTOUCHED},
}
# What strangers write: nothing, labels they copied, all of ours but under another owner's label.
STRANGERS: tuple[tuple[dict[str, str], dict[str, str]], ...] = (
    ({}, {}),
    ({MANAGED_BY: "ansible", PART_OF: "nightly"}, {}),
    ({MANAGED_BY: "helm", PART_OF: "nightly"}, {REQUEST_ID: "copied"}),
    ({MANAGED_BY: "ansible", PART_OF: "nightly", SCHEDULED: "true"}, {REQUEST_ID: "copied"}),
)

# What is left of earlier tasks: statuses, and labels that make them somebody else's.
OLD: Mapping[str, tuple[Any, dict[str, str]]] = {
    "ready": ((READY,), {}),
    "failed": ((FAILED,), {}),
    "scheduled": ((READY,), {SCHEDULED: "true"}),
}

vms = st.sampled_from(sorted(VMS))
sets = st.sampled_from(("nightly", "patch"))
selections = st.sampled_from((*SELECTIONS, LISTED))
expiries = st.sampled_from((None, None, *AGES))
labels = st.sampled_from((None, {"purpose": "patch"}))
policies = st.sampled_from((None, None, "Retain"))
snapshot_names = st.sampled_from(("before", "db1-nightly", "web1-patch"))
counts = st.sampled_from((None, None, None, 0, 1, 2, 3))
rules_of_retention = st.fixed_dictionaries(
    {
        "keep_last": counts,
        "keep_hourly": counts,
        "keep_daily": counts,
        "keep_weekly": counts,
        "keep_monthly": counts,
        "keep_within": st.sampled_from((None, None, *AGES)),
        "delete_older_than": st.sampled_from((None, None, *AGES)),
    }
)
options_of_sets = st.fixed_dictionaries(
    {
        "set": sets,
        "unless_newer_than": st.sampled_from((None, "20h", "2d", "1w")),
        "name_template": st.sampled_from((None, None, "{set}-{vm}-{timestamp}")),
        "labels": labels,
        "deletion_policy": policies,
        "expire_after": expiries,
        "replace": st.booleans(),
        "on_error": st.sampled_from(("abort", "continue")),
        "wait": st.sampled_from((True, True, False)),
    }
)


# VM, set, age in hours, hours until it expires, and what it is like. Most are of one VM.
old_ones = st.tuples(
    st.just(min(VMS)) | vms,
    sets,
    st.sampled_from((1, 2, 19, 20, 21, 25, 48, 49, 72, 24 * 7, 24 * 21, 24 * 50)),
    st.sampled_from((None, None, None, None, -1, 0, 1)),
    st.sampled_from(("ready", "ready", "ready", "ready", "failed", "scheduled")),
)


class Snapshots(RuleBasedStateMachine):
    """Runs tasks; each is predicted by a check, judged by what was carried out, and run again."""

    @initialize(go_swagger=st.booleans(), history=st.lists(old_ones, min_size=8, max_size=24))
    def begin(self, go_swagger: bool, history: list[Any]) -> None:
        """Be a Palette of either style of JSON, where tasks have run for weeks."""
        effort.tried["runs of the state machine"] += 1
        self.clusters = TwoClusters(go_swagger)
        self.palette = self.clusters.palette
        for number, (vm, set_name, hours, left, kind) in enumerate(history):
            course, marks = OLD[kind]
            self.palette.add_snapshot(
                f"old-{number}",
                VmKey(*vm),
                {MANAGED_BY: "ansible", PART_OF: set_name, **marks},
                course=course,
                age=hours * HOUR,
                annotations={} if left is None else {EXPIRES_AT: self.clusters.time_in(left)},
            )

    # What happens meanwhile

    @rule(hours=st.sampled_from((1, 5, 24, 24 * 7, 24 * 40)))
    def time_passes(self, hours: int) -> None:
        self.clusters.pass_time(hours)

    @rule(vm=vms, name=snapshot_names, marks=st.sampled_from(STRANGERS), failed=st.booleans())
    def stranger_takes_one(self, vm: Place, name: str, marks: Any, failed: bool) -> None:
        if (*vm[:2], name) in self.palette.stored:
            return
        labels, annotations = marks
        course = (RUNNING, FAILED) if failed else (RUNNING, READY)
        self.palette.add_snapshot(
            name, VmKey(*vm), labels, course=course, annotations=annotations, request_id=None
        )

    @rule(which=st.integers(0, 20), at_once=st.booleans())
    def stranger_deletes_one(self, which: int, at_once: bool) -> None:
        places = sorted(self.palette.stored)
        if not places:
            return
        place = places[which % len(places)]
        if at_once:
            del self.palette.stored[place]
        else:
            self.palette.begin_deletion(self.palette.stored[place])

    @rule(vm=vms)
    def vm_is_deleted(self, vm: Place) -> None:
        self.palette.vms.pop(VmKey(*vm), None)

    @rule(vm=vms)
    def vm_is_made_again(self, vm: Place) -> None:
        self.clusters.make_again(vm)

    @rule(vm=vms, name=snapshot_names, set_name=sets)
    def snapshot_of_a_killed_run_fails(self, vm: Place, name: str, set_name: str) -> None:
        """Leave a VM off that ran until it was stopped for the snapshot."""
        if (*vm[:2], name) in self.palette.stored:
            return
        self.clusters.turn_off(vm)
        self.palette.add_snapshot(
            name,
            VmKey(*vm),
            {MANAGED_BY: "ansible", PART_OF: set_name},
            course=(FAILED,),
            annotations={VM_RAN: "true"},
        )

    @rule(vm=vms)
    def vm_is_stopped(self, vm: Place) -> None:
        self.clusters.turn_off(vm)

    @rule(vm=vms)
    def vm_is_started(self, vm: Place) -> None:
        self.clusters.turn_on(vm)

    @rule(
        name=st.sampled_from(("db1", "web1")),
        course=st.sampled_from(
            (BECOMES_READY, BECOMES_READY, (RUNNING, FAILED), ready_after(40), NEVER_READY)
        ),
    )
    def storage_changes(self, name: str, course: Any) -> None:
        self.palette.courses[name] = course

    @rule(seconds=st.sampled_from((2.0, 2.0, 0.0, 40.0, None)))
    def deletions_take(self, seconds: float | None) -> None:
        self.palette.gone_after = seconds

    @rule(
        method=st.sampled_from(("POST", "DELETE", "PUT")),
        error=st.sampled_from((LOST, TIMED_OUT, BROKEN)),
        when=st.sampled_from(("before", "after")),
    )
    def answer_will_be_lost(self, method: str, error: Any, when: str) -> None:
        self.palette.fail(method, error, when=when)

    # Tasks

    @rule(
        vm=vms,
        name=snapshot_names,
        labels=labels,
        deletion_policy=policies,
        expire_after=expiries,
        replace=st.booleans(),
        wait=st.sampled_from((True, True, False)),
    )
    def take_one(self, vm: Place, name: str, wait: bool, **options: Any) -> None:
        given = _of_one(vm, name, wait, **options)
        check, real = self.both(SINGLE, given)
        self.judge_one(real, vm, name)
        for seen in real.deleted():
            self.judge_replacement(seen, given)
        if real.failed:
            return
        assert _predicted(check) == _predicted(real)
        assert real.deeds_on(vm) == WRITES[real.result["outcome"]]
        self.assert_there(real, vm, name, wait)
        self.assert_nothing_to_do(SINGLE, given)

    @rule(vm=vms, name=snapshot_names, wait=st.sampled_from((True, True, False)))
    def delete_one(self, vm: Place, name: str, wait: bool) -> None:
        given = _of_one(vm, name, wait, state="absent")
        check, real = self.both(SINGLE, given)
        self.judge_one(real, vm, name)
        if real.failed:
            return
        assert _predicted(check) == _predicted(real)
        assert real.result["changed"] == (real.result["outcome"] == "deleted")
        left = real.left(vm, name)
        assert left is None or (left.deleting and not wait)
        self.assert_nothing_to_do(SINGLE, given)

    @rule(vm=vms)
    def take_one_more(self, vm: Place) -> None:
        given = {**_of_one(vm, None, True), "name_prefix": "more-"}
        _check, real = self.both(SINGLE, given)
        assert [deed.method for deed in real.deeds] == ["POST"] * real.result["changed"]
        if not real.failed:
            self.assert_there(real, vm, real.result["status"]["name"], True)

    @rule(selection=selections, options=options_of_sets)
    def complete_set(self, selection: Selection, options: Json) -> None:
        given = _of_set(selection, options)
        check, real = self.both(SET, given)
        self.judge_set(real, selection, given)
        self.judge_prediction(check, real)
        self.run_again(given, real)

    @rule(selection=st.sampled_from((*SELECTIONS, LISTED, EVERYTHING)), name=sets)
    def delete_set(self, selection: Selection, name: str) -> None:
        given: Json = {
            **selection.options,
            **WAIT,
            "set": name,
            "state": "absent",
            "members": "all",
        }
        check, real = self.both(SET, given)
        self.judge_prediction(check, real)
        chosen = self.chosen(selection, real)
        meant = {s.uid for s in real.before if s.vm in chosen and s.ours and s.set == name}
        assert {seen.uid for seen in real.deleted()} <= meant
        if not real.failed:
            assert not meant & {seen.uid for seen in real.after}
            self.assert_nothing_to_do(SET, given)

    @rule(
        selection=st.sampled_from((*SELECTIONS, EVERYTHING)),
        name=st.sampled_from((None, "nightly", "patch")),
        rules=rules_of_retention,
    )
    def retain(self, selection: Selection, name: str | None, rules: Json) -> None:
        given = {**selection.options, **WAIT, **_given(rules), **({"set": name} if name else {})}
        check, real = self.both(RETENTION, given)
        expected = self.judge_retention(real, selection, name, rules)
        predicted = {row["uid"] for row in check.result["snapshots"] if row["decision"] == "delete"}
        assert predicted == expected
        assert check.result["changed"] == bool(expected)
        if real.failed:
            return
        assert {seen.uid for seen in real.deleted()} == expected
        assert not expected & {seen.uid for seen in real.after}
        again = self.clusters.run(RETENTION, **given)
        # In the seconds since, one may have become too old, or ready.
        since = self.judge_retention(again, selection, name, rules)
        assert again.failed or {seen.uid for seen in again.deleted()} == since
        assert not since & expected
        assert again.result["changed"] == bool(again.deeds)

    @rule(selection=selections, options=options_of_sets, rules=rules_of_retention)
    def nightly_job(self, selection: Selection, options: Json, rules: Json) -> None:
        """Complete a set and then run its retention, as the role does."""
        given, filters = _of_set(selection, options), _as_filters(selection)
        deletion = {**filters, **WAIT, **_given(rules), "set": options["set"]}
        check = self.clusters.run(SET, check_mode=True, **given)
        to_delete = self.clusters.run(RETENTION, check_mode=True, **deletion, after=check.result)
        real = self.clusters.run(SET, **given)
        self.judge_set(real, selection, given)
        if "members" not in real.result:
            return
        deleted = self.clusters.run(RETENTION, **deletion, after=real.result)
        renewed = _renewed(real)
        of_renewed = [
            seen for seen in deleted.before if seen.vm in renewed and seen.set == options["set"]
        ]
        expected = doomed(of_renewed, rules, deleted.now)
        assert {seen.uid for seen in deleted.deleted()} <= expected
        if not deleted.failed:
            assert {seen.uid for seen in deleted.deleted()} == expected
        # In the seconds since, one may have become too old.
        as_before = doomed(of_renewed, rules, to_delete.now) == expected
        if as_before and _went_as_predicted(check, real) and options["wait"]:
            assert _decisions(to_delete) == _decisions(deleted) - _taken(real)

    @rule(selection=selections, options=options_of_sets, calls=st.integers(1, 12))
    def complete_set_after_a_kill(self, selection: Selection, options: Json, calls: int) -> None:
        """Kill a run at one of its requests; the next run completes what it began."""
        given = _of_set(selection, {**options, "name_template": None})
        before = {seen.uid for seen in self.clusters.run(SET, check_mode=True, **given).before}
        self.palette.before = _Killer(calls)
        try:
            self.clusters.run(SET, **given)
        except KeyboardInterrupt:
            pass
        finally:
            self.palette.before = lambda _call: None
        real = self.clusters.run(SET, **given)
        self.judge_set(real, selection, given)
        for vm in VMS:
            alive = [
                seen
                for seen in real.after
                if seen.vm == vm
                and seen.uid not in before
                and seen.phase != "Failed"
                and not seen.deleting
            ]
            assert len(alive) <= 1, "two snapshots for one wish"

    # What holds always

    @invariant()
    def nothing_is_deleted_beside_another(self) -> None:
        effort.tried["steps of the state machine"] += 1
        assert self.palette.deleted_together == []

    # Judging

    def both(self, module: Any, given: Json) -> tuple[Run, Run]:
        """Run a task in check mode and for real."""
        check = self.clusters.run(module, check_mode=True, **given)
        assert check.deeds == []
        assert check.before == check.after
        real = self.clusters.run(module, **given)
        assert real.now == check.now
        assert real.result.get("reason") != "internal_error", real.result
        assert real.result["changed"] == bool(real.deeds)
        return check, real

    def assert_nothing_to_do(self, module: Any, given: Json) -> None:
        again = self.clusters.run(module, **given)
        assert again.deeds == []
        assert not again.result["changed"]

    def assert_there(self, real: Run, vm: Place, name: str | None, wait: bool) -> None:
        """Assert that a snapshot that a task calls good is there, and is of this very VM."""
        there = real.left(vm, name)
        assert there
        useless = there.deleting or there.phase == "Failed" or self.clusters.former(there)
        assert not useless
        assert there.usable or not wait

    def judge_one(self, real: Run, vm: Place, name: str) -> None:
        """Assert that a task about one snapshot touched no other, and no usable one to replace."""
        assert {(deed.vm, deed.name) for deed in real.deeds} <= {(vm, name)}

    def chosen(self, selection: Selection, real: Run) -> set[Place]:
        """Return the VMs that a deletion is about: those that exist, or have snapshots."""
        if "selector" in selection.options:
            return selection.of(self.clusters.vms)
        return selection.of(self.clusters.vms | {seen.vm for seen in real.before})

    def judge_set(self, real: Run, selection: Selection, given: Json) -> None:
        """Compare each row with what was carried out on its VM."""
        rows = _rows(real)
        chosen = selection.of(VMS if selection is LISTED else self.clusters.vms)
        assert rows.keys() == chosen or (real.failed and not rows)
        assert {deed.vm for deed in real.deeds} <= rows.keys()
        for vm, row in rows.items():
            deeds = real.deeds_on(vm)
            assert row["changed"] == bool(deeds)
            assert deeds.count("POST") <= 1, "two snapshots for one wish"
            assert row["outcome"] in FAILURES or deeds == WRITES[row["outcome"]]
            self.judge_freshness(real, vm, row, given)
            if row["outcome"] not in (*FAILURES, "not_tried"):
                self.assert_there(real, vm, row["name"], given["wait"])
        for seen in real.deleted():
            self.judge_replacement(seen, given)

    def judge_freshness(self, real: Run, vm: Place, row: Json, given: Json) -> None:
        """Assert that a VM gets none that has one which is young enough, and else gets one."""
        bound = given.get("unless_newer_than")
        if bound is None:
            return
        fresh = [
            seen
            for seen in real.before
            if (seen.vm, seen.set) == (vm, given["set"])
            and seen.ours
            and (seen.usable or seen.to_come)
            and not self.clusters.former(seen)
            and real.now - seen.taken < age(bound)
        ]
        if fresh and row["outcome"] not in ("blocked", "not_tried"):
            assert real.deeds_on(vm) == []
        if row["outcome"] == "fresh":
            assert row["name"] in {seen.name for seen in fresh}

    def judge_replacement(self, seen: Seen, given: Json) -> None:
        """Assert that a task to take snapshots deletes only what is of no use to it."""
        policy = given.get("deletion_policy")
        differs = policy is not None and seen.policy != policy
        useless = seen.phase == "Failed" or differs or self.clusters.former(seen)
        own = seen.ours and seen.set == given.get("set", seen.set)
        assert useless
        assert given.get("replace") or (own and seen.phase == "Failed")

    def judge_prediction(self, check: Run, real: Run) -> None:
        """Assert that a check says of each VM what the task then says, unless that failed."""
        if "members" not in real.result:
            assert check.result["reason"] == real.result["reason"]
            return
        predicted, told = _rows(check), _rows(real)
        assert predicted.keys() == told.keys()
        for vm, row in told.items():
            if row["outcome"] not in ("failed", "unknown"):
                keys = ("outcome", "changed", "name")
                assert [predicted[vm][key] for key in keys] == [row[key] for key in keys]

    def run_again(self, given: Json, real: Run) -> None:
        """Run the same set again: what went well is left as it is."""
        if given.get("name_template") and not given.get("unless_newer_than"):
            return  # takes new ones each time
        again = self.clusters.run(SET, **given)
        if not real.failed:
            assert not again.result["changed"]
        for vm, row in _rows(real).items():
            if row["outcome"] not in (*FAILURES, "not_tried"):
                assert again.deeds_on(vm) == []

    def judge_retention(
        self, real: Run, selection: Selection, name: str | None, rules: Json
    ) -> set[str]:
        """Return what had to be deleted. Assert that no more was, and that each row is true."""
        chosen = self.chosen(selection, real)
        considered = [
            seen
            for seen in real.before
            if seen.vm in chosen and (name is None or (seen.ours and seen.set == name))
        ]
        expected = doomed(considered, rules, real.now)
        deleted = {seen.uid for seen in real.deleted()}
        assert deleted <= expected
        rows = {row["uid"]: row for row in real.result["snapshots"]}
        assert rows.keys() == {seen.uid for seen in considered}
        gone = rows.keys() - {seen.uid for seen in real.after}
        for uid, row in rows.items():
            if row["outcome"] in ("kept", "not_tried"):
                assert uid not in deleted
            if row["outcome"] == "deleted":
                assert uid in gone
        return expected


class _Killer:
    """Ends a run at one of its requests, as an interrupt does."""

    def __init__(self, calls: int) -> None:
        self._left = calls

    def __call__(self, _call: Call) -> None:
        self._left -= 1
        if self._left == 0:
            raise KeyboardInterrupt


def _given(options: Mapping[str, Any]) -> Json:
    return {name: value for name, value in options.items() if value is not None}


def _of_one(vm: Place, name: str | None, wait: bool, **options: Any) -> Json:
    place = {"cluster_uid": vm[0], "namespace": vm[1], "vm_name": vm[2], "name": name}
    return _given({**place, **WAIT, "wait": wait, **options})


def _of_set(selection: Selection, options: Json) -> Json:
    return {**selection.options, **WAIT, "members": "all", **_given(options)}


def _as_filters(selection: Selection) -> Json:
    if selection is not LISTED:
        return selection.options
    options = selection.options
    return {
        "cluster": options["cluster"],
        "namespaces": [options["namespace"]],
        "vm_names": options["vms"],
    }


def _predicted(run: Run) -> Json:
    return {key: run.result[key] for key in ("changed", "outcome")}


def _rows(run: Run) -> dict[Place, Json]:
    uids = {name: uid for uid, name in CLUSTERS.items()}
    places = {label: label.split("/") for label in run.result.get("members", {})}
    return {
        (uids[cluster], namespace, vm_name): run.result["members"][label]
        for label, (cluster, namespace, vm_name) in places.items()
    }


def _renewed(real: Run) -> set[Place]:
    """Return the VMs that have a usable snapshot by a set's task."""
    good = ("created", "replaced", "updated", "unchanged", "fresh")
    return {
        vm
        for vm, row in _rows(real).items()
        if row["outcome"] in good and row["status"]["ready_to_use"]
    }


def _went_as_predicted(check: Run, real: Run) -> bool:
    """Say whether all was at rest before a set was completed, and went well."""
    quiet = ("created", "updated", "unchanged", "fresh")
    at_rest = all(seen.usable or seen.phase == "Failed" for seen in real.before)
    return at_rest and all(row["outcome"] in quiet for row in _rows(real).values())


def _taken(real: Run) -> set[str]:
    return {deed.uid for deed in real.deeds if deed.method == "POST"}


def _decisions(run: Run) -> set[str]:
    return {row["uid"] for row in run.result["snapshots"] if row["decision"] == "delete"}


TestSnapshots = Snapshots.TestCase
TestSnapshots.settings = effort.of_states()
