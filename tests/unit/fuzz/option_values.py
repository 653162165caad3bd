# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of options: right ones as people type them, wrong ones, and hostile ones."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from hypothesis import strategies as st

Strategy = st.SearchStrategy[Any]

# Nothing of this may end up in a path, a crash or a terminal.
HOSTILE = (
    "", " ", "\n", "\t", "0", "-0", "-1", "1e999", "nan", "null", "None", "true", "~",
    "9" * 40, "9" * 5000, "a" * 64, "a" * 300, "1" * 20 + "w", "292y",
    "..", ".", "../..", "../../v1/users", "a/b", "a/b/c", "a/b/c/d", "/", "//", "%2e%2e%2f",
    "a%2Fb",
    "a?b=c", "a#b", "a b", "a;b", "a&b", "a\\b", "a\nb", "a\r\nHost: x", "a\0b", "$(id)", "`id`",
    "{{ 1 }}", "{vm}", "{", "}", "{}", "{0}", "{vm!r}", "{vm.__class__}", "{vm:>9999999999}",
    "*", "**", "?", "[", "]", "[a", "a]", "[]", "[!", "[z-a]", "[[a]", "a[&&b]", "(",
    "a in (", "a in (b",
    ",", ",,", "a,,b", "a,", "=", "a=", "=a", "a==b==c", "!", "!!a", "a notin ()", "a in (b))",
    "\u202egnp", "\ud800", "\x1b[2J", "\u0661\u0662", "\uff11", "\u00b2", "\u0130", "\U0001f4a5",
    "::1", "localhost", "http://[::1", "https://user:pw@host", "ftp://host", "host:0", "host:99999",
    "h\\@evil.example", "https://h/../p", "file:///etc/passwd", "~root", "~nobody-of-this-name/x",
    "/etc/passwd", "/dev/null", "/proc/self/mem", "a" * 5000,
)  # fmt: skip

_ALPHABET = "abz019-._/\\%?#@:[]{}()!*=,<> \n\t\0\u00e9\u202e\U0001f4a5\ud800"
hostile_texts: Strategy = st.sampled_from(HOSTILE) | st.text(_ALPHABET, max_size=12) | st.text()
_scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats()
    | hostile_texts
    | st.just(date(2026, 1, 2))
)
_keys = hostile_texts | st.sampled_from(
    ("metadata", "spec", "status", "source", "name", "labels", "members", "summary", "total")
)
anything: Strategy = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_keys, inner, max_size=4),
    max_leaves=12,
)

_BY_TYPE: Mapping[str, tuple[list[Any], list[Any]]] = {
    "bool": ([True, False, "yes", "no", "True", 1, "0"], ["maybe", 7, "ja", [True], {"a": 1}]),
    "int": ([0, 1, "5", 50], [-1, "-3", "1.5", "many", "inf", [1], {"a": 1}, "٣x", "0x10"]),
    "float": (
        [1, 30, "60", 2.5, "1e2"],
        [-1, "-0.5", "nan", "inf", "-inf", "soon", [1], "5s", float("inf"), float("nan")],
    ),
    "dict": ([], [5, [1], "text", True]),
}
_AGES = (
    ["20h", "7d", "2w", "1h30m", " 36h ", "0"],
    ["7", "7 d", "d", "7y", "-1d", "1d-", "∞", "9" * 30 + "w"],
)
_SELECTORS = (
    ["app=db", "tier in (db, web)", "!legacy", "tier!=test,tier", " tier=db "],
    ["a b", "=x", "tier in db", "tier in (db", "a=b c", "-a=b", "a=b=c", "a>1", ",", "é=1"],
)
_NAMES = ["", "A", "a b", "-a", "a-", "../x", "a/b", "a\nb", "é", "a_b", "a" * 300]
_PATTERNS = (
    [
        ["db1"],
        ["db*", "web1"],
        "db1,web1",
        "db1, web1",
        "vms/db1",
        ["cluster-1/vms/*"],
        "db1\nweb1",
        ["db[12]"],
    ],
    [
        ["Db1"],
        ["a b"],
        "db_1",
        ["db1,web1["],
        [""],
        ["db1", ""],
        ["é"],
        ["a\\b"],
        [{"name": "db1"}],
    ],
)

# By option, whatever the module: right values, and wrong ones.
_BY_NAME: Mapping[str, tuple[list[Any], list[Any]]] = {
    "host": (
        [
            "palette.example",
            "https://palette.example:8443/",
            " palette.example ",
            "http://127.0.0.1:80",
        ],
        [
            "ftp://h",
            "https://u:p@h",
            "h/path",
            "a b",
            "h\\@evil",
            "http://h",
            "h:0",
            "https://[::1",
            "h?x",
            "h#f",
        ],
    ),
    "api_key": (["a-key", " a-key\n"], ["", " ", "a\nb", "ключ", "a\0b"]),
    "project": (["project-1", " project-1 "], []),
    "project_uid": (["p1"], ["a\nb", "é", "a\0b"]),
    "ca_path": ([__file__], ["/nowhere/ca.pem", "/dev/null", "\0"]),
    "cluster": (["cluster-1", " cluster-1"], ["", " "]),
    "cluster_uid": (["c1"], ["", " ", "..", "a/b", "a b", "a?b", "é", "a\\b"]),
    "clusters": ([["cluster-1"], "cluster-1, cluster-2"], [[], "", [""], ["cluster-1", ""]]),
    "namespaces": (
        [["vms"], "vms,prod", ["vms", "prod"]],
        [[], "", ["a/b"], ["v*"], ["A"], ["vms", ""]],
    ),
    "vm_names": (_PATTERNS[0], [*_PATTERNS[1], [], ""]),
    "exclude": ([*_PATTERNS[0], [], ""], [each for each in _PATTERNS[1] if each != [""]]),
    "selector": (_SELECTORS[0], [*_SELECTORS[1], "", " "]),
    "snapshot_selector": (_SELECTORS[0], [*_SELECTORS[1], "", " "]),
    "set": (["nightly", "before-patch", 1001], ["", " ", "a b", "é", "-a", "a/b", "a" * 64]),
    "namespace": (["vms", " vms"], _NAMES),
    "vm_name": (["db1", "web1"], _NAMES),
    "name": (["before", "before.1", 1001, date(2026, 1, 2)], _NAMES),
    "name_prefix": (["before-"], ["", "A", "é", "-a", "a/", "a b", "a" * 246]),
    "snapshot": (["before", "before.1", 1001], _NAMES),
    "restore_name": (["back", "back.1", 1001], _NAMES),
    "kubeconfig": (["/etc/palette/kubeconfig"], []),
    "vms": (
        [
            ["db1"],
            "db1,web1",
            "cluster-1/vms/db1@mine,web1",
            ["db1", {"vm_name": "web1", "name": "mine"}],
        ],
        [
            [True],
            [None],
            [1.5],
            [["db1"]],
            [{}],
            [{"vm": "db1"}],
            [{"vm_name": ["a"]}],
            ["A"],
            ["db1@"],
            [{"vm_name": "db1", 5: 6}],
        ],
    ),
    "name_template": (
        ["{vm}-{set}", "{set}-{vm}-{timestamp}", "{vm}"],
        ["{", "{name}", "{vm!r}", "{vm:5}", "{0}", "{}", "{vm.key}", "{vm}_{set}", "", "É-{vm}"],
    ),
    "labels": (
        [{"tier": "db"}, {}, "tier=db", '{"tier": "db"}', {"example.com/tier": ""}],
        [{"a b": "x"}, {"tier": 5}, {"tier": None}, {"tier": "a b"}, {"": "x"}, {"tier": {"a": 1}}],
    ),
    "annotations": (
        [{"note": "any text\n"}, {}, {"example.com/Note": "é"}],
        [{"a b": "x"}, {"note": 5}, {"note": ["x"]}, {"note": "x" * 300_000}],
    ),
    "definition": (
        [{}, {"spec": {"deletionPolicy": "Retain"}}, {"metadata": {"labels": {"tier": "db"}}}],
        [
            {"status": {}},
            {"spec": 5},
            {"spec": {"source": []}},
            {"metadata": None},
            {"a": {"b": {}}},
            {"metadata": {"uid": "x"}},
            {"kind": "Pod"},
            {"spec": {"deletionPolicy": "Delete it"}},
            {"metadata": {"finalizers": [5, "a b"]}},
            {"metadata": {"labels": [1]}},
        ],
    ),
    "deletion_policy": (["Delete", "Retain"], ["delete", "Keep", "", "Retain it"]),
    "failure_deadline": (["10m", "1h30m", "0"], ["10", "-1m", "1d", "", "m", "∞"]),
    "expire_after": _AGES,
    "unless_newer_than": _AGES,
    "older_than": (["7d"], _AGES[1]),
    "newer_than": (["30d"], _AGES[1]),
    "keep_within": _AGES,
    "delete_older_than": _AGES,
    "max_in_progress": (
        ["auto", "50", 5, " auto "],
        ["0", "-1", "many", "1.5", "", "²", "٣", "9" * 5000],
    ),
    "concurrency": ([1, "16", 1000], [0, -1, "many"]),
    "request_timeout": ([1, "30", 0.5], [0, -1, "nan", "inf", 90_000]),
    "rate_limit": ([0, 50, "0.5"], [-1, "nan", "inf", 0.001]),
    "wait_timeout": ([60, "600", 0.001], [0, -1, "nan", "inf", 1e300]),
    "poll_interval": ([5, "0.1", 1e-9], [0, -1, "nan", "inf", 1e300]),
    "group_by": (["tier", "no such label"], []),
    "fields": (
        [["vm_name"], "vm_name, cluster", ["namespace", "vm_name"], []],
        ["vm", ["labels", ""], [" "], [{"vm_name": "db1"}], "-vm_name"],
    ),
    "sort": (
        [["-creation_time"], "namespace,-vm_name", ["cluster", "vm_name"], []],
        ["labels", ["-"], ["--vm_name"], [""], "vm_name desc", [["vm_name"]]],
    ),
    "phase": (
        [["Succeeded"], "InProgress,Failed", "Failed\r\nSucceeded\r\n", []],
        ["succeeded", ["Gone"], "Failed\nGone\n", [""]],
    ),
    "after": (
        [
            {"members": {}, "summary": {"total": 0}},
            {"members": {"a": {"outcome": "failed", "status": None}}, "summary": {"total": 1}},
        ],
        [
            {},
            {"members": {}},
            {"members": [], "summary": {}},
            {"members": {"a": {}}, "summary": {"total": 2}},
            {"members": {"a": 1}, "summary": {"total": 1}},
            {"members": {"a": {"outcome": "created", "status": "ready"}}, "summary": {"total": 1}},
        ],
    ),
}


# In these modules, the options select, so that a value which nothing can have matches nothing.
# Of VMs whose snapshots do not matter, and so have no names.
_NAMELESS: tuple[list[Any], list[Any]] = (
    [["db1"], "db1,vms/web1", ["db1", {"vm_name": "web1", "namespace": "vms"}]],
    [
        ["db1@mine"],
        [{"vm_name": "db1", "name": "mine"}],
        [{"namespace": "vms"}],
        [5.5],
        [{"vm": "db1"}],
    ],
)
_OF_MODULES: Mapping[tuple[str, str], tuple[list[Any], list[Any]]] = {
    ("vm_power", "vms"): _NAMELESS,
    # It leads to one cluster, and none is named.
    ("vm_restore_set", "kubeconfig"): ([], ["/etc/palette/kubeconfig"]),
    ("vm_snapshot_info", "name"): (["db1-*", "", 1001, "[z-a]", "a/b", "A"], []),
    ("vm_snapshot_info", "set"): (["nightly", "a b", "-a", "a/b"], ["", " "]),
    ("vm_snapshot_retention", "set"): (["nightly", "a b", "-a", "a/b"], ["", " "]),
}


def right(module: str, name: str, spec: Mapping[str, Any]) -> list[Any]:
    """Return right values of a module's option."""
    return _values(module, name, spec)[0]


def wrong(module: str, name: str, spec: Mapping[str, Any]) -> list[Any]:
    """Return values of a module's option that must be refused."""
    return _values(module, name, spec)[1]


def _values(module: str, name: str, spec: Mapping[str, Any]) -> tuple[list[Any], list[Any]]:
    if (module, name) in _OF_MODULES:
        return _OF_MODULES[module, name]
    if "choices" in spec:
        return list(spec["choices"]), ["neither", "", 5, spec["choices"][0].upper()]
    if name in _BY_NAME:
        good, bad = _BY_NAME[name]
        return good, [*bad, *_BY_TYPE.get(spec["type"], ([], []))[1]]
    return _BY_TYPE[spec["type"]]
