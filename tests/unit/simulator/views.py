# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a recording and the simulator are compared by: the fields that a client reads, and order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

Body = dict[str, Any]
View = dict[str, Any]


class Event(NamedTuple):
    """A change of an object: which fields have which values now; None: it is gone."""

    at: float
    object: str
    """its kind and name"""
    now: View | None


def _conditions(body: Body) -> View:
    found = body.get("status", {}).get("conditions") or []
    return {each["type"]: f"{each['status']} {each.get('reason', '')}" for each in found}


def _deletion(body: Body) -> View:
    return {"deleting": "deletionTimestamp" in body["metadata"]}


def _owners(body: Body) -> View:
    owners = body["metadata"].get("ownerReferences", [])
    return {"owners": [f"{owner['kind']}/{owner['name']}" for owner in owners]}


def _annotations(body: Body) -> View:
    found = body["metadata"].get("annotations") or {}
    return {key: text for key, text in found.items() if key.startswith("restore.kubevirt.io/")}


def _restore(body: Body) -> View:
    status = body.get("status") or {}
    view = {
        key: status[key] for key in ("complete", "restores", "deletedDataVolumes") if key in status
    }
    view |= {"finalizers": body["metadata"].get("finalizers", []), "spec": body["spec"]}
    view["finished"] = "restoreTime" in status
    return {**view, **_conditions(body), **_deletion(body), **_owners(body)}


def _snapshot(body: Body) -> View:
    status = body.get("status") or {}
    kept = ("phase", "readyToUse", "indications", "sourceUID", "virtualMachineSnapshotContentName")
    view = {key: status[key] for key in kept if key in status}
    view |= status.get("snapshotVolumes") or {}
    view |= {"cut": "creationTime" in status, "spec": body["spec"]}
    return {**view, **_conditions(body)}


def _vm(body: Body) -> View:
    status, spec = body.get("status") or {}, body["spec"]
    kept = ("printableStatus", "snapshotInProgress", "restoreInProgress")
    view = {key: status[key] for key in kept if key in status}
    volumes = body.get("volumes") or spec["template"]["spec"]["volumes"]
    view |= {"volumes": [_volume(volume) for volume in volumes]}
    return {**view, "runStrategy": spec.get("runStrategy"), **_annotations(body)}


def _volume(volume: Body) -> str:
    claim = volume.get("persistentVolumeClaim", {}).get("claimName")
    return f"{volume['name']}: {claim or volume.get('dataVolume', {}).get('name', '')}"


def _instance(body: Body) -> View:
    return {"phase": body["status"].get("phase"), **_deletion(body)}


def _claim(body: Body) -> View:
    return {"phase": body["status"].get("phase"), **_annotations(body), **_owners(body)}


VIEWS: dict[str, Callable[[Body], View]] = {
    "VirtualMachine": _vm,
    "VirtualMachineInstance": _instance,
    "VirtualMachineSnapshot": _snapshot,
    "VirtualMachineRestore": _restore,
    "PersistentVolumeClaim": _claim,
}


class Watcher:
    """Turns the states of objects, as they come, into events."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._views: dict[str, View] = {}
        self._names: dict[str, str] = {}

    def see(self, at: float, kind: str, body: Body) -> None:
        """Note the state of an object."""
        name, uid = body["metadata"]["name"], body["metadata"].get("uid")
        if uid:
            self._names[uid] = f"<{kind} {name}>"
        self._note(at, f"{kind} {name}", VIEWS[kind](body))

    def see_all(self, at: float, kind: str, bodies: Iterable[Body]) -> None:
        """Note the states of all objects of a kind; those not among them are gone."""
        here = set()
        for body in bodies:
            self.see(at, kind, body)
            here.add(f"{kind} {body['metadata']['name']}")
        for key in [k for k in self._views if k.startswith(f"{kind} ") and k not in here]:
            self.lose(at, key)

    def lose(self, at: float, key: str) -> None:
        """Note that an object is gone."""
        if self._views.pop(key, None) is not None:
            self.events.append(Event(at, self.named(key), None))

    def views(self) -> dict[str, View]:
        """What all objects look like now."""
        return {self.named(key): self.named(view) for key, view in self._views.items()}

    def _note(self, at: float, key: str, view: View) -> None:
        old = self._views.get(key, {})
        changes = {field: value for field, value in view.items() if old.get(field) != value}
        changes |= {field: None for field in old if field not in view}
        if changes:
            self.events.append(Event(at, self.named(key), self.named(changes)))
        self._views[key] = view

    def named(self, value: Any) -> Any:
        """Have names instead of uids, which are others each time."""
        if isinstance(value, dict):
            return {self.named(key): self.named(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.named(each) for each in value]
        if isinstance(value, str):
            for uid, name in self._names.items():
                value = value.replace(uid, name)
        return value


def of_each_object(events: Iterable[Event]) -> dict[str, list[View | None]]:
    """The changes of each object, in order."""
    found: dict[str, list[View | None]] = {}
    for event in events:
        found.setdefault(event.object, []).append(event.now)
    return found


def in_another_order(recorded: list[Event], simulated: list[Event], tolerance: float) -> list[str]:
    """Pairs of changes, of two objects, that came clearly one after the other, and here do not."""
    moments: dict[tuple[str, int], float] = {}
    seen: dict[str, int] = {}
    for event in simulated:
        number = seen[event.object] = seen.get(event.object, -1) + 1
        moments[event.object, number] = event.at
    counted: dict[str, int] = {}
    before: list[tuple[Event, float]] = []
    wrong = []
    for event in recorded:
        number = counted[event.object] = counted.get(event.object, -1) + 1
        here = moments.get((event.object, number), event.at)
        wrong += [
            f"{event} came after {earlier}"
            for earlier, there in before
            if event.at - earlier.at > tolerance and here < there
        ]
        before.append((event, here))
    return wrong
