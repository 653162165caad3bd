# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which virtual machines a task selects: listed one by one, or by filters."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from fnmatch import translate
from functools import lru_cache
from typing import Any, NamedTuple

from .._palette.settings import uid_problem
from .._validation.kubevirt import namespace_problem, snapshot_name_problem, vm_name_problem
from .._validation.problems import Problem, nearest, option_problem
from .._validation.selectors import Selector, parse_selector
from .model import VirtualMachine, VmKey

_SAME_SHOWN = 3  # namespaces that have a VM of the same name
_ENTRY_KEYS = ("vm_name", "namespace", "cluster", "cluster_uid", "name")
_SHELL = re.compile(r"[*?[]")
_NOTHING = re.compile(r"(?!)")
_UID = re.compile(r"[0-9a-f]{24}")
_NO_NAME = re.compile(r"[^a-z0-9.*?\[\]!/-]")
_REQUIRED = ("vm_name", "namespace")
_RULES = {
    "vm_name": vm_name_problem,
    "namespace": namespace_problem,
    "name": snapshot_name_problem,
    "cluster_uid": uid_problem,
}
_FILTERS = {
    "cluster": "vm-cluster-1",
    "cluster_uid": "66a1f0c2e4b0a1b2c3d4e5f6",
    "clusters": ["vm-cluster-1", "vm-cluster-2"],
    "namespace": "vms",
    "namespaces": ["vms", "prod"],
    "vm_names": ["db*"],
    "exclude": ["scratch-*"],
    "selector": "app=db",
    "snapshot_selector": "purpose=patch",
    "set": "nightly",
}
NAMESPACES = frozenset({"namespace", "namespaces"})  # the options that name them
_FOR_ALL = "must be set in this entry; or for all entries, set"
_EXAMPLE = "vms: [{vm_name: db1, namespace: vms, cluster: vm-cluster-1}]"


class Entry(NamedTuple):
    """A listed VM. name: its snapshot's name, where the task does not find that by itself."""

    vm_name: str
    namespace: str
    cluster: str | None
    cluster_uid: str | None
    name: str | None

    @property
    def given(self) -> VmKey:
        """The VM with its cluster as the task names it, by name or uid."""
        return VmKey(self.cluster or self.cluster_uid or "", self.namespace, self.vm_name)


@lru_cache(maxsize=256)
def shell_pattern(pattern: str) -> re.Pattern[str]:
    """Return what matches as a whole what a shell pattern matches."""
    try:
        return re.compile(translate(pattern))
    except re.error:
        # What newer Pythons make of a range such as [z-a].
        return _NOTHING


class Patterns:
    """Names or shell patterns of VMs: ``vm``, ``namespace/vm`` or ``cluster/namespace/vm``."""

    def __init__(self, patterns: Iterable[str]) -> None:
        # Plain names are looked up in a set: there may be thousands of names and of VMs.
        self._names, self._shell = set[str](), []
        for pattern in patterns:
            if _SHELL.search(pattern):
                self._shell.append((pattern, shell_pattern(pattern)))
            else:
                self._names.add(pattern)

    def __bool__(self) -> bool:
        return bool(self._names or self._shell)

    @property
    def bare(self) -> set[str]:
        """The names that say neither where a VM is, nor that it may be anywhere."""
        return {name for name in self._names if "/" not in name}

    @property
    def vm_names(self) -> set[str]:
        """The VMs' names where all are names and none is a pattern; empty otherwise."""
        return set() if self._shell else {name.rpartition("/")[2] for name in self._names}

    def match(self, key: VmKey, cluster: str) -> bool:
        """Say whether one of them matches a VM. cluster: what it is called in results."""
        forms = _forms(key, cluster)
        return not self._names.isdisjoint(forms) or any(
            shell.match(forms[min(pattern.count("/"), 2)]) for pattern, shell in self._shell
        )

    def may_match_in(self, cluster: str) -> bool:
        """Say whether one of them may match a VM of a cluster."""
        patterns = (*self._names, *(pattern for pattern, _shell in self._shell))
        return any(_may_be_in(pattern, [cluster]) for pattern in patterns)

    def match_all_of(self, cluster: str) -> bool:
        """Say whether one of them matches all VMs of a cluster, as ``cluster/*/*`` does."""
        return any(
            pattern.endswith("/*/*") and _may_be_in(pattern, [cluster])
            for pattern, _shell in self._shell
        )

    def unmatched(
        self, seen: Mapping[VmKey, str], unseen: Iterable[str] = ()
    ) -> Iterator[tuple[str, bool]]:
        """Yield each that matches none of the VMs, and whether it is a name.

        seen: the VMs, with what their cluster is called. unseen: the clusters whose VMs are not
        known, so that what names one of them may match.
        """
        forms = [_forms(key, cluster) for key, cluster in seen.items()]
        unseen = list(unseen)
        for name in sorted(self._names.difference(*forms)):
            if not _names_one_of(name, unseen):
                yield name, True
        for pattern, shell in self._shell:
            slashes = min(pattern.count("/"), 2)
            matched = any(shell.match(form[slashes]) for form in forms)
            if not (matched or _names_one_of(pattern, unseen)):
                yield pattern, False


class Filters(NamedTuple):
    """Filters of VMs. Empty ones match all; ``exclude`` removes the VMs that match it.

    Clusters of the same name are called by their uids. An exclusion by that name is of them all:
    it must not end because a second one gets it. namespaces_option: which option names them.
    """

    namespaces: Sequence[str]
    vm_names: Patterns
    exclude: Patterns
    selector: Selector | None
    namespaces_option: str = "namespaces"

    def match(self, key: VmKey, vm: VirtualMachine | None, cluster: str, name: str) -> bool:
        """Return whether a VM matches; by its labels only where it was observed.

        cluster: what its cluster is called in results. name: that cluster's own.
        """
        if vm and not self._match_labels(vm):
            return False
        if self.namespaces and key.namespace not in self.namespaces:
            return False
        if self.vm_names and not self.vm_names.match(key, cluster):
            return False
        return not any(self.exclude.match(key, each) for each in (cluster, name))

    def concern(self, cluster: str, name: str) -> bool:
        """Return whether VMs of a cluster may match. Those of others need not be looked at."""
        if self.vm_names and not self.vm_names.may_match_in(cluster):
            return False
        return not self.exclude_all_of(cluster, name)

    def exclude_all_of(self, cluster: str, name: str) -> bool:
        """Return whether all VMs of a cluster are excluded."""
        return any(self.exclude.match_all_of(each) for each in (cluster, name))

    def left(self, entries: Iterable[Entry]) -> list[Entry]:
        """Return the listed VMs that are not excluded."""
        return [e for e in entries if not self.exclude.match(e.given, e.given.cluster_uid)]

    def _match_labels(self, vm: VirtualMachine) -> bool:
        return not self.selector or (not vm.unreadable and self.selector.matches(vm.labels))


class Unmatched(NamedTuple):
    """A value of an option that matches nothing.

    exact: it names what should have been found. what: what it does not match, after "matches".
    advice: what to do with the nearest.
    """

    option: str
    value: str
    nearest: Sequence[str]
    exact: bool
    what: str = "nothing"
    advice: str = "nearest:"

    def __str__(self) -> str:
        hint = f"; {self.advice} {', '.join(self.nearest)}" if self.nearest else ""
        return f"{self.option}: {self.value!r} matches {self.what}{hint}"

    @property
    def result(self) -> dict[str, Any]:
        """What the user gets back of it."""
        return {"option": self.option, "value": self.value, "nearest": list(self.nearest)}


class Seen(NamedTuple):
    """What a task saw.

    vms: all VMs of the filters' namespaces, with what their cluster is called. names: the clusters'
    names, by what they are called. others: VMs that exist, where only those with snapshots count.
    unseen: what clusters are called that were left out or could not be reached. partial: whether
    any could not be reached.
    """

    vms: Mapping[VmKey, str]
    names: Mapping[str, str]
    others: Mapping[VmKey, str] = {}
    unseen: Sequence[str] = ()
    partial: bool = False


def perhaps_elsewhere(option: str, value: str) -> Unmatched:
    """Return a value that met nothing, but may be right: not all clusters could be reached."""
    return Unmatched(option, value, [], False, "nothing in the clusters that were reached")


def unmatched(filters: Filters, seen: Seen, namespaces: Collection[str]) -> list[Unmatched]:
    """Return which namespaces, names and patterns match none of the VMs.

    namespaces: all that have VMs.
    """
    option = filters.namespaces_option
    misses = [
        perhaps_elsewhere(option, namespace)
        if seen.partial
        else Unmatched(option, namespace, nearest(namespace, namespaces), True)
        for namespace in filters.namespaces
        if namespace not in namespaces
    ]
    for pattern, is_name in filters.vm_names.unmatched(seen.vms, seen.unseen):
        misses.append(_unmatched_pattern("vm_names", pattern, seen)._replace(exact=is_name))
    return [*misses, *unmatched_exclusions(filters, seen)]


def unmatched_exclusions(filters: Filters, seen: Seen) -> list[Unmatched]:
    """Return which exclusions match none of the VMs."""
    named = {key: seen.names.get(title, title) for key, title in seen.vms.items()}
    # What is excluded may be elsewhere, where nobody looked.
    here = f"nothing in {', '.join(filters.namespaces)}" if filters.namespaces else "nothing"
    return [
        _unmatched_pattern("exclude", pattern, seen, here)
        for pattern, _is_name in filters.exclude.unmatched(seen.vms, seen.unseen)
        # A VM that is excluded every night has no snapshot.
        if not (_matches_any(pattern, seen.others) or _matches_any(pattern, named))
    ]


def _unmatched_pattern(option: str, pattern: str, seen: Seen, what: str = "nothing") -> Unmatched:
    if _matches_any(pattern, seen.others):
        return Unmatched(option, pattern, [], False, "no VM that has a snapshot")
    meant = [other for other in _of_clusters(pattern, seen.names) if _matches_any(other, seen.vms)]
    if meant:
        return Unmatched(option, pattern, meant, False, advice="to name a cluster, write")
    if seen.partial and pattern.count("/") < 2:
        return perhaps_elsewhere(option, pattern)
    near = _nearest_clusters(pattern, (*seen.names, *seen.unseen))
    near = near or _nearest_vms(pattern, {**seen.vms, **seen.others})
    return Unmatched(option, pattern, near, False, what)


def _matches_any(pattern: str, vms: Mapping[VmKey, str]) -> bool:
    return bool(vms) and not any(Patterns([pattern]).unmatched(vms))


def _of_clusters(pattern: str, names: Mapping[str, str]) -> list[str]:
    """Return how to write a pattern whose first part is the name of a cluster."""
    cluster, slash, rest = pattern.partition("/")
    if not slash:
        return []
    vms = rest if "/" in rest else f"*/{rest}"
    return [f"{title}/{vms}" for title, name in names.items() if shell_pattern(cluster).match(name)]


def _nearest_clusters(pattern: str, clusters: Sequence[str]) -> list[str]:
    """Return a pattern of VMs for the clusters whose names are nearest to the one it names.

    Nothing if that is a cluster, or if it names one VM.
    """
    cluster, *rest = pattern.split("/")
    if not _SHELL.search("/".join(rest[1:])) or _may_be_in(pattern, clusters):
        return []
    return ["/".join((near, *rest)) for near in nearest(cluster, clusters)]


def _nearest_vms(pattern: str, seen: Mapping[VmKey, str]) -> list[str]:
    slashes = min(pattern.count("/"), 2)
    return nearest(pattern, {_forms(key, cluster)[slashes] for key, cluster in seen.items()})


def _names_one_of(pattern: str, clusters: Sequence[str]) -> bool:
    return pattern.count("/") == 2 and _may_be_in(pattern, clusters)


def _may_be_in(pattern: str, clusters: Sequence[str]) -> bool:
    """Say whether a name or pattern may match a VM of one of the clusters."""
    cluster, *rest = pattern.split("/")
    return len(rest) < 2 or any(map(shell_pattern(cluster).match, clusters))


def missing_vm(key: VmKey, cluster: str, seen: Iterable[VmKey]) -> str:
    """Return the text that a VM does not exist. seen: the VMs of its namespace, or of more."""
    seen = list(seen)
    where = f"in namespace {key.namespace} of cluster {cluster}"
    here = [other.vm_name for other in seen if other.namespace == key.namespace]
    if not here:
        namespaces = nearest(key.namespace, (other.namespace for other in seen))
        hint = f"; nearest: {', '.join(namespaces)}" if namespaces else ""
        return f"there is no VM {where}: check the namespace{hint}"
    # The namespace may be the wrong one.
    same = sorted({f"{o.namespace}/{o.vm_name}" for o in seen if o.vm_name == key.vm_name})
    names = [*same[:_SAME_SHOWN], *nearest(key.vm_name, here)]
    hint = f"; nearest: {', '.join(names)}" if names else ""
    return f"there is no VM {key.vm_name} {where}{hint}"


def entries_from(options: Mapping[str, Any]) -> tuple[list[Entry], list[Problem]]:
    """Return the entries of the option ``vms``, and all problems with them."""
    entries: list[Entry] = []
    problems: list[Problem] = []
    for position, given in enumerate(options["vms"] or ()):
        entry = _entry(given, options)
        faults = _entry_problems(f"vms[{position}]", given, entry)
        problems += faults
        if not faults:
            entries.append(entry)
    return entries, problems


def filters_from(options: Mapping[str, Any]) -> tuple[Filters, list[Problem]]:
    """Return the filters that the options describe, and all problems with them."""
    selector = None
    problems = [
        *_emptiness_problems(options),
        *_pattern_problems(options),
        *_character_problems(options),
    ]
    try:
        selector = parse_selector(options["selector"]) if options.get("selector") else None
    except ValueError as error:
        problems.append(option_problem("selector", str(error), "app=db,tier!=test"))
    filters = Filters(
        options.get("namespaces") or _one_namespace(options),
        Patterns(options.get("vm_names") or ()),
        Patterns(options.get("exclude") or ()),
        selector,
        "namespaces" if options.get("namespaces") else "namespace",
    )
    return filters, problems


def _one_namespace(options: Mapping[str, Any]) -> Sequence[str]:
    """Return the namespace to select from if no VMs are listed."""
    namespace = options.get("namespace")
    return [namespace] if namespace and options.get("vms") is None else ()


def _is_filter(name: str, options: Mapping[str, Any]) -> bool:
    """Say whether an option selects: namespace does not where it completes listed VMs."""
    return name != "namespace" or options.get("vms") is None


def _emptiness_problems(options: Mapping[str, Any]) -> list[Problem]:
    """Return the filters that are set but empty, or that contain an empty item.

    An empty filter must not select all. An empty ``exclude`` is fine.
    """
    problems = []
    for name, example in _FILTERS.items():
        given = options.get(name) if _is_filter(name, options) else None
        if given in ("", [], [""]):
            if name != "exclude":
                text = "must not be empty; leave it out to select all"
                problems.append(option_problem(name, text, example))
        elif isinstance(given, list) and "" in given:
            text = f"{given!r} contains an empty item; as key=value write db1,db2 without spaces"
            problems.append(option_problem(name, text, example))
    return problems


def _pattern_problems(options: Mapping[str, Any]) -> list[Problem]:
    """Return the patterns that cannot match, because only the cluster's uid is known."""
    uid = options.get("cluster_uid")
    if not uid:
        return []
    problems = []
    for name in ("vm_names", "exclude"):
        for pattern in options.get(name) or ():
            cluster, *rest = pattern.split("/")
            if len(rest) == 2 and not shell_pattern(cluster).match(uid):
                text = (
                    f"{pattern!r} cannot match: with cluster_uid, its first part must match {uid}"
                )
                problems.append(option_problem(name, text, ["/".join(rest)]))
    return problems


def _forms(key: VmKey, cluster: str) -> tuple[str, str, str]:
    """Return the ways to name a VM."""
    short = f"{key.namespace}/{key.vm_name}"
    return key.vm_name, short, f"{cluster}/{short}"


def _character_problems(options: Mapping[str, Any]) -> list[Problem]:
    """Return which names and patterns have a character that no name can have."""
    problems = []
    for name in ("vm_names", "exclude"):
        for pattern in options.get(name) or ():
            # What clusters may be called is Palette's business.
            wrong = _NO_NAME.search("/".join(pattern.split("/")[-2:]))
            if wrong:
                text = (
                    f"{pattern!r} contains {wrong.group()!r}, which VM names cannot contain: "
                    "allowed are a-z, 0-9, '-' and '.', and in patterns also * ? [ ]"
                )
                problems.append(option_problem(name, text, _FILTERS[name]))
            elif pattern.count("[") != pattern.count("]"):
                text = f"{pattern!r} has a bracket without its other; as text write db1,db2"
                problems.append(option_problem(name, text, _FILTERS[name]))
    return [*problems, *_namespace_problems(options)]


def _namespace_problems(options: Mapping[str, Any]) -> list[Problem]:
    given = [("namespaces", namespace) for namespace in options.get("namespaces") or ()]
    given += [("namespace", namespace) for namespace in _one_namespace(options)]
    texts = ((name, namespace_problem(namespace)) for name, namespace in given if namespace)
    return [
        option_problem(name, f"{text}; patterns are not known here", _FILTERS[name])
        for name, text in texts
        if text
    ]


def _entry(given: Any, options: Mapping[str, Any]) -> Entry:
    fields = dict(given) if isinstance(given, Mapping) else entry_of_text(given)
    # YAML reads a name such as 1001 as a number.
    for key in ("vm_name", "name"):
        if isinstance(fields.get(key), int) and not isinstance(fields[key], bool):
            fields[key] = str(fields[key])
    if not (fields.get("cluster") or fields.get("cluster_uid")):
        fields.update(cluster=options.get("cluster"), cluster_uid=options.get("cluster_uid"))
    fields["namespace"] = fields.get("namespace") or options.get("namespace")
    return Entry(*(fields.get(key) for key in _ENTRY_KEYS))  # type: ignore[arg-type]


def entry_of_text(given: Any) -> dict[str, Any]:
    """Return what a listed VM's text says: ``cluster/namespace/vm_name@snapshot``, or its end."""
    if not isinstance(given, str):
        return {"vm_name": given}
    *place, vm = given.rsplit("/", 2)
    vm_name, at, name = vm.partition("@")
    fields = {"vm_name": vm_name, **({"name": name} if at else {})}
    if place:
        fields["namespace"] = place.pop()
    if place:
        # As results call it, which is by its uid where its name is not enough.
        fields["cluster_uid" if _UID.fullmatch(place[0]) else "cluster"] = place[0]
    return fields


def _entry_problems(where: str, given: Any, entry: Entry) -> list[Problem]:
    if isinstance(given, bool) or not isinstance(given, (str, int, Mapping)):
        return [Problem(where, f"{given!r} is neither a name nor a mapping", _EXAMPLE)]
    texts = {key: _value_problem(key, getattr(entry, key)) for key in _ENTRY_KEYS}
    if not entry.namespace:
        texts["namespace"] = f"{_FOR_ALL} namespace"
    if isinstance(given, Mapping):
        texts.update({str(key): _unknown_key(key) for key in set(given) - set(_ENTRY_KEYS)})
    if not (entry.cluster or entry.cluster_uid):
        texts["cluster"] = f"{_FOR_ALL} cluster or cluster_uid"
    return [Problem(f"{where}.{key}", text, _EXAMPLE) for key, text in texts.items() if text]


def _unknown_key(key: Any) -> str:
    near = nearest(str(key).removeprefix("vm_snapshot_"), _ENTRY_KEYS, most=1)
    return f"is not a known key{f'; nearest: {near[0]!r}' if near else ''}"


def _value_problem(key: str, value: Any) -> str | None:
    if value is None:
        return "must be set" if key in _REQUIRED else None
    if not isinstance(value, str):
        return f"{value!r} is not text"
    return _RULES[key](value) if key in _RULES else None
