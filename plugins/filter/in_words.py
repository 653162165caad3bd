# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that sums up a result in a few sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils._validation.printable import LONGEST_MESSAGE, first_few, printable
from ..plugin_utils.role_variables import PREFIX, with_variables
from ..plugin_utils.short_rows import short_rows

DOCUMENTATION = r"""
name: in_words
short_description: Sum up the result of a task in a few sentences
version_added: 1.0.0
author:
  - Contributors to the spectrocloud.palette collection (@spectrocloud)
description:
  - Counts what was done or, in check mode, would be. Names what matched nothing, and says why a
    retention had nothing to delete. Groups what failed by its cause.
options:
  _input:
    description:
      - The registered result of M(spectrocloud.palette.vm_snapshot_set),
        M(spectrocloud.palette.vm_snapshot_retention), M(spectrocloud.palette.vm_snapshot_info),
        M(spectrocloud.palette.vm_info), M(spectrocloud.palette.vm_restore_set) or
        M(spectrocloud.palette.vm_power).
    type: dict
    required: true
  variables:
    description:
      - Whether to name the variables of the role P(spectrocloud.palette.vm_snapshot#role), such as
        C(vm_snapshot_set), where a message names options of its modules.
    type: bool
    default: false
seealso:
  - module: spectrocloud.palette.vm_snapshot_set
  - plugin: spectrocloud.palette.table
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Take snapshots
  spectrocloud.palette.vm_snapshot_set:
    project: Default
    cluster: vm-cluster-1
    set: nightly
    selector: app=db
    unless_newer_than: 20h
  register: nightly

- name: Show how it went
  ansible.builtin.debug:
    msg: "{{ nightly | spectrocloud.palette.in_words }}"
"""

RETURN = r"""
_value:
  description:
    - The counts, and a sentence for each cause of failures with the names of a few that have it. If
      the task failed before it looked up the virtual machines, its message.
  type: list
  elements: str
  sample:
    - "3 VMs: 1 created, 2 blocked"
    - "nothing was found for vm_names dbl (nearest: db1)"
    - "not_snapshottable: 2 VMs (vm-cluster-1/vms/a, vm-cluster-1/vms/b): no volume"
"""

_NAMES_SHOWN = 5
_SWITCHED = ("started", "stopped", "paused", "resumed", "restarted")
_DONE = ("created", "replaced", "updated", "deleted", "restored", *_SWITCHED)
_AS_BEFORE = ("unchanged", "fresh", "absent", "not_tried")
_FAILED = ("blocked", "failed", "unknown")
_NOT_DELETED = {
    "failed": "could not be deleted",
    "unknown": "perhaps deleted",
    "not_tried": "not tried",
}
_KEPT = {
    "not_ours": "not taken by this collection",
    "scheduled_by_palette": "of Palette's scheduler",
    "being_deleted": "being deleted already",
    "in_progress": "in progress",
    "not_ready": "not ready yet",
    "newest_usable": "the newest usable of its VM and set (stays under any rule)",
    "not_expired": "not expired yet",
    "expiry_unreadable": "with an expiry that cannot be read",
    "no_rule": "that no rule is for",
    "no_new_snapshot": "of VMs without a new usable snapshot",
    "vm_left_off": "of VMs that were stopped for it and are off",
    "vm_unreadable": "of VMs that were stopped for it and cannot be read",
}
_STATES = ("ready", "not_ready", "in_progress", "failed")
_BLOCKED_WHERE = {"cluster", "namespace", "vm_name", "blocked_by"}
_OF_VMS = {
    "blocked": "cannot be snapshotted now",
    "without_snapshot": "without a usable snapshot",
}


def in_words(result: Mapping[str, Any], *, variables: bool = False) -> list[str]:
    """Return sentences on a result: counts, then the causes of failures."""
    if not isinstance(result, Mapping):
        raise AnsibleFilterError(f"in_words takes a dictionary, not a {type(result).__name__}")
    # Without a full stop, such as a server's text may have: the sentences are joined to one text.
    return [printable(text, LONGEST_MESSAGE).rstrip(" .") for text in _sentences(result, variables)]


def _message(text: Any, variables: bool) -> str:
    """Return the message of a module, with the names that the user of the role knows."""
    return with_variables(str(text)) if variables else str(text)


def _sentences(result: Mapping[str, Any], variables: bool) -> list[str]:
    if "members" in result or _is_of_power(result):
        rows = short_rows({"summary": {}, **result})
        causes = _causes(rows, "vm_name", "VM", variables)
        return [_set_counts(result), *_not_seen(result, variables), *causes]
    if "by_why" in result.get("summary", ()):
        rows = short_rows(result["snapshots"])
        counts = [
            _retention_counts(result),
            *_kept_by(result["summary"]),
            *_rules(result),
            *_why_none(result["summary"]),
        ]
        causes = _causes(rows, "name", "snapshot", variables)
        return [*counts, *_not_seen(result, variables), *causes]
    if "summary" in result:
        causes = _causes(_blocked(result), "vm_name", "VM", variables)
        return [_info_counts(result["summary"]), *_not_seen(result, variables), *causes]
    # Such a message has the cause.
    clusters = {name: {**c, "message": ""} for name, c in (result.get("clusters") or {}).items()}
    silent = _unreachable({"clusters": clusters}, variables)
    return [_message(result.get("msg", ""), variables), *silent]


def _is_of_power(result: Mapping[str, Any]) -> bool:
    """Return whether a result is of vm_power, which counts power states."""
    return _SWITCHED[0] in result.get("summary", ())


def counted(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _set_counts(result: Mapping[str, Any]) -> str:
    # The result of a failure may hold the rows of what failed only; its summary counts all.
    counts = result["summary"]
    would = "would be " if result.get("check_mode") else ""
    texts = [
        f"{counts[outcome]} {would if outcome in _DONE else ''}{outcome.replace('_', ' ')}"
        for outcome in (*_DONE, *_AS_BEFORE, *_FAILED)
        if counts.get(outcome)
    ]
    return f"{counted(counts['total'], 'VM')}: {', '.join(texts) or 'nothing to do'}"


def _retention_counts(result: Mapping[str, Any]) -> str:
    counts = result["summary"]
    # The result may lack rows; its summary counts all.
    clusters = sum(bool(c["counts"].get("deleted")) for c in result["clusters"].values())
    in_sets = f" in {counted(counts['sets'], 'set')}" if counts["sets"] else ""
    of_clusters = f" of {counted(clusters, 'cluster')}" if clusters else ""
    verb = "would delete" if result.get("check_mode") else "deleted"
    texts = [
        f"{verb} {counted(counts['deleted'], 'snapshot')}{in_sets}{of_clusters}",
        f"{'would keep' if result.get('check_mode') else 'kept'} {counts['kept']}{_new(counts)}",
        *(f"{counts[word]} {text}" for word, text in _NOT_DELETED.items() if counts.get(word)),
    ]
    return "retention: " + ", ".join(texts)


def _kept_by(counts: Mapping[str, Any]) -> list[str]:
    """Return a sentence on why snapshots stay, where others are deleted."""
    if not counts["by_rule"] or counts["kept"] == counts["seen"]:
        return []
    return [f"what stays: {_reasons_to_keep(counts)}"]


def _new(counts: Mapping[str, Any]) -> str:
    """Return the words for the snapshots that a check predicts."""
    number = counts.get("to_come", 0)
    if not number:
        return ""
    return " and the new one" if number == 1 else f" and the {number} new ones"


def _rules(result: Mapping[str, Any]) -> list[str]:
    """Return a sentence if no rule was given."""
    if result.get("rules") != {}:
        return []
    return ["no rule was given, such as keep_last: only failed and expired snapshots are deleted"]


def _why_none(counts: Mapping[str, Any]) -> list[str]:
    """Return a sentence on why nothing was to be deleted, if that is so."""
    if counts["kept"] < counts["seen"]:
        return []
    if not counts["seen"]:
        return ["nothing to delete: no snapshot was found"]
    return [f"nothing to delete: {_reasons_to_keep(counts)}"]


def _reasons_to_keep(counts: Mapping[str, Any]) -> str:
    """Return how many stay, and why: each counts once, but for those that several rules keep."""
    by_rule = counts["by_rule"]
    texts = {**_KEPT, "kept": f"kept by {_by_rule(by_rule, counts['by_why'].get('kept', 0))}"}
    reasons = Counter({why: n for why, n in counts["by_why"].items() if why in texts})
    return ", ".join(f"{number} {texts[why]}" for why, number in reasons.most_common())


def _by_rule(counts: Mapping[str, int], kept: int) -> str:
    if len(counts) < 2:
        return "".join(counts)
    texts = [f"{rule} ({count})" for rule, count in sorted(counts.items())]
    several = ", some by several" if sum(counts.values()) > kept else ""
    return f"{' and '.join(texts)}{several}"


def _info_counts(counts: Mapping[str, Any]) -> str:
    if "vms" not in counts:
        return _vm_counts(counts)
    total = f"{counted(counts['total'], 'snapshot')} of {counted(counts['vms'], 'VM')}"
    states = [f"{counts[s]} {s.replace('_', ' ')}" for s in _STATES if counts.get(s)]
    deleting = f"; {counts['deleting']} being deleted" if counts.get("deleting") else ""
    return f"{total}{': ' if states else ''}{', '.join(states)}{deleting}"


def _vm_counts(counts: Mapping[str, Any]) -> str:
    texts = [f"{counts[count]} {text}" for count, text in _OF_VMS.items() if counts.get(count)]
    return f"{counted(counts['total'], 'VM')}{': ' if texts else ''}{', '.join(texts)}"


def _blocked(result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the listed VMs of which no snapshot can be taken, as rows that failed.

    Rows with few fields may not tell it, or not where the VM is.
    """
    told = [vm for vm in result.get("vms", ()) if vm.keys() >= _BLOCKED_WHERE]
    vms = [vm for vm in told if vm["blocked_by"]]
    return [{**vm, "reason": vm["blocked_by"], "msg": vm.get("blocked_msg") or ""} for vm in vms]


def _not_seen(result: Mapping[str, Any], variables: bool) -> list[str]:
    """Return sentences on what could not be seen, and on what was asked for and is not there."""
    return [*_unreachable(result, variables), *_unmatched(result, variables)]


def _unmatched(result: Mapping[str, Any], variables: bool) -> list[str]:
    misses = result.get("unmatched")
    if not misses:
        return []
    exclusions = [miss for miss in misses if miss["option"] == "exclude"]
    others = [miss for miss in misses if miss not in exclusions]
    # What is in a cluster that was not reached is no mistake.
    where = " in the clusters that were reached" if _silent(result) else ""
    told = (
        (f"nothing was found{where} for", others),
        (f"nothing{where} is excluded by", exclusions),
    )
    prefix = PREFIX if variables else ""
    return [
        f"{what} {first_few([f'{prefix}{_miss(miss)}' for miss in group], _NAMES_SHOWN)}"
        for what, group in told
        if group
    ]


def _miss(miss: Mapping[str, Any]) -> str:
    hint = f" (nearest: {', '.join(miss['nearest'])})" if miss["nearest"] else ""
    return f"{miss['option']} {miss['value']}{hint}"


def _unreachable(result: Mapping[str, Any], variables: bool) -> list[str]:
    """Return a sentence on the clusters that could not be reached, and why, if there are any."""
    clusters, silent = result.get("clusters") or {}, _silent(result)
    if not silent:
        return []
    names = first_few([f"{name} ({c['reason']})" for name, c in silent.items()], _NAMES_SHOWN)
    causes = list(dict.fromkeys(filter(None, (c.get("message") for c in silent.values()))))
    example = "for example: " if len(causes) > 1 else ""
    cause = f": {example}{_message(causes[0], variables)}" if causes else ""
    return [f"not reached: {len(silent)} of {counted(len(clusters), 'cluster')}: {names}{cause}"]


def _silent(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the clusters that could not be reached."""
    clusters = result.get("clusters") or {}
    return {name: cluster for name, cluster in clusters.items() if not cluster["reachable"]}


def _causes(rows: Iterable[Mapping[str, Any]], key: str, noun: str, variables: bool) -> list[str]:
    """Return a sentence for each reason that rows have, the most frequent first."""
    failed = [row for row in rows if row["reason"]]
    return [
        _cause(reason, [row for row in failed if row["reason"] == reason], key, noun, variables)
        for reason, _count in Counter(row["reason"] for row in failed).most_common()
    ]


def _cause(
    reason: str, rows: Sequence[Mapping[str, Any]], key: str, noun: str, variables: bool
) -> str:
    names = [f"{row['cluster']}/{row['namespace']}/{row[key]}" for row in rows]
    texts = {row["msg"] for row in rows} - {""}
    example = "for example: " if len(texts) > 1 else ""
    shown = first_few(names, _NAMES_SHOWN)
    message = _message(rows[0]["msg"], variables)
    return f"{reason}: {counted(len(rows), noun)} ({shown}): {example}{message}"


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Return the filters of this file."""
        return {"in_words": in_words}
