# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual machines as hosts: what is known of them, their variables and their names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from ansible.utils.unsafe_proxy import wrap_var

from ..module_utils._palette.objects import read_time

Row = dict[str, Any]

# Both the group of the hosts that are stale, and the variable that says why.
UNREACHABLE = "palette_unreachable_clusters"

# What Palette as a whole may be, for a while.
_TRANSIENT = ("rate_limited", "server_error", "timeout", "unavailable", "unreachable")
# Patterns of hosts give the others a meaning, templates the braces, and a terminal the controls.
_NO_HOST = re.compile(r"[^\w./@+-]", re.ASCII)
_SECRET = "api_key"  # noqa: S105 - the option's name
_FORMAT = 1  # of what is cached


class Known(NamedTuple):
    """What is known of a project's VMs.

    vms: rows as of vm_info, with ``stale``: whether the row is from before its cluster could not be
    reached. unreachable: the clusters that were not reached, and why.
    """

    vms: Sequence[Row]
    unreachable: Sequence[Row] = ()

    @property
    def stale(self) -> int:
        """How many VMs are as they were last known."""
        return sum(row["stale"] for row in self.vms)

    @property
    def told(self) -> str:
        """What to warn of; empty if all clusters were reached."""
        if not self.unreachable:
            return ""
        texts = ", ".join(f"{each['cluster']} ({each['reason']})" for each in self.unreachable)
        kept = "their hosts are not in the inventory"
        if self.stale:
            kept = f"{self.stale} of their hosts are as they were last known (palette_stale: true)"
        return f"clusters that could not be reached: {texts}; {kept}"


def read(result: Row) -> Known:
    """Return what a result of vm_info tells, also a failed one."""
    rows = [{**row, "stale": False} for row in result.get("vms", ())]
    return Known(rows, _unreachable(result.get("clusters", {})))


def completed(known: Known, last: Known | None) -> Known:
    """Return what is known, with the last known VMs of the clusters that were not reached."""
    missing = {each["cluster"] for each in known.unreachable}
    kept = [row for row in last.vms if row["cluster"] in missing] if last else []
    return known._replace(vms=[*known.vms, *_stale(kept)])


def outlasting(failure: Row, last: Known | None) -> Known | None:
    """Return the last known VMs, if a failure is one of the clusters or may pass; else None."""
    if last is None or not last.vms:
        return None
    unreachable = read(failure).unreachable
    if unreachable:
        return completed(Known([], unreachable), last)
    if failure["reason"] not in _TRANSIENT:
        return None
    clusters = {row["cluster"]: row["cluster_uid"] for row in last.vms}
    why = {"reason": failure["reason"], "message": failure["msg"]}
    rows = [{"cluster": title, "cluster_uid": uid, **why} for title, uid in clusters.items()]
    return Known(_stale(last.vms), rows)


def cached(known: Known, options: Mapping[str, Any]) -> Row:
    """Return what to keep in a cache. options: what was asked for."""
    return {"asked": _asked(options), **known._asdict()}


def remembered(content: Any, options: Mapping[str, Any]) -> Known | None:
    """Return what a cache holds, if it is what the options ask for."""
    if not isinstance(content, Mapping) or content.get("asked") != _asked(options):
        return None
    return Known(content["vms"], content["unreachable"])


def variables_of(row: Row, now: datetime) -> Row:
    """Return the variables of a VM's host. Nothing in them is a template."""
    named = {f"palette_{key}": value for key, value in row.items()}
    named["palette_vm"] = entry_of(row)
    for newest in ("newest_snapshot", "newest_unusable"):
        named[f"palette_{newest}"] = _aged(row[newest], now)
    if row["addresses"]:
        named["ansible_host"] = row["addresses"][0]
    variables: Row = untrusted(named)
    return variables


def entry_of(row: Mapping[str, Any]) -> Row:
    """Return a VM as the option ``vms`` of modules takes it."""
    place = {"vm_name": row["vm_name"], "namespace": row["namespace"]}
    # With the uid, another project's cluster of the same name is refused.
    cluster = {"cluster": row["cluster"], "cluster_uid": row["cluster_uid"]}
    # Where several clusters have the same name, they are called by their uids.
    if row["cluster"] == row["cluster_uid"]:
        del cluster["cluster"]
    return {**place, **cluster}


def label_of(row: Row) -> str:
    """Return what a VM is called in messages: ``cluster/namespace/vm``."""
    return f"{row['cluster']}/{row['namespace']}/{row['vm_name']}"


def default_name(row: Row) -> str:
    """Return a host's name that no other VM has, now or later."""
    return f"{row['vm_name']}.{row['namespace']}.{row['cluster']}"


def safe_name(text: str) -> str:
    """Return a host's name that patterns of hosts can contain."""
    return _NO_HOST.sub("_", text.strip())


def untrusted(value: Any) -> Any:
    """Return a value whose texts are not templates, on every ansible-core.

    Only what looks like one is marked: older ones write the mark into what ansible-inventory shows.
    """
    if isinstance(value, Mapping):
        return {untrusted(key): untrusted(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [untrusted(item) for item in value]
    if isinstance(value, str) and ("{" in value or "}" in value):
        return wrap_var(value)
    return value


def _unreachable(clusters: Mapping[str, Row]) -> list[Row]:
    return [
        {
            "cluster": title,
            "cluster_uid": cluster["uid"],
            "reason": cluster["reason"],
            "message": cluster["message"],
        }
        for title, cluster in clusters.items()
        if not cluster["reachable"]
    ]


def _stale(rows: Sequence[Row]) -> list[Row]:
    return [{**row, "stale": True} for row in rows]


def _asked(options: Mapping[str, Any]) -> Row:
    """Return what decides about the hosts; without the key, as a cache keeps no secret."""
    return {"format": _FORMAT, **{k: v for k, v in options.items() if k != _SECRET}}


def _aged(snapshot: Row | None, now: datetime) -> Row | None:
    """Return a snapshot with its age now, which is more than when it was cached."""
    taken = read_time(snapshot["creation_time"]) if snapshot else None
    if snapshot is None or taken is None:
        return snapshot
    return {**snapshot, "age_seconds": max(int((now - taken).total_seconds()), 0)}
