# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of KubeVirt and Kubernetes that are not in a schema; each returns a problem or None."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .durations import parse_duration

# What this collection writes, snapshots and restores alike.
API_VERSION = "snapshot.kubevirt.io/v1beta1"
API_VERSIONS = (API_VERSION, "snapshot.kubevirt.io/v1alpha1")
KIND = "VirtualMachineSnapshot"
SOURCE_API_GROUP = "kubevirt.io"
SOURCE_KIND = "VirtualMachine"
DELETION_POLICIES = ("Delete", "Retain")

# Number of characters appended to a name_prefix: lower-case letters and digits.
NAME_SUFFIX_LENGTH = 8

# The server overwrites or rejects these fields in a create call.
SERVER_SET = frozenset(
    {
        ("status",),
        ("metadata", "creationTimestamp"),
        ("metadata", "deletionGracePeriodSeconds"),
        ("metadata", "deletionTimestamp"),
        ("metadata", "generation"),
        ("metadata", "managedFields"),
        ("metadata", "resourceVersion"),
        ("metadata", "selfLink"),
        ("metadata", "uid"),
    }
)

# Optional in Palette's model, but Kubernetes requires it: every object has a name.
NAMED: dict[str, Any] = {
    "properties": {"metadata": {"required": ["name"], "type": "object"}},
    "required": ["metadata"],
}
# KubeVirt's webhook rejects a source without its API group.
GROUPED_SOURCE: dict[str, Any] = {
    "properties": {"spec": {"properties": {"source": {"required": ["apiGroup"]}}}},
}

SUBDOMAIN_LIMIT = 253  # characters
_LABEL_LIMIT = 63
_ANNOTATIONS_LIMIT = 256 * 1024

_DNS_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?")
_DNS_SUBDOMAIN = re.compile(rf"{_DNS_LABEL.pattern}(?:\.{_DNS_LABEL.pattern})*")
_QUALIFIED = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?")

_SUBDOMAIN_FORM = (
    "must be lower-case letters, digits, '-' and '.',"
    " with a letter or digit at both ends and around each '.'"
)
_LABEL_FORM = "must be lower-case letters, digits and '-', with a letter or digit at both ends"
_QUALIFIED_FORM = "must be letters, digits, '-', '_' and '.', with a letter or digit at both ends"


# See docs/palette.md, "Names".
def snapshot_name_problem(value: str) -> str | None:
    """A snapshot's name is a DNS-1123 subdomain."""
    return _subdomain_problem(value)


def vm_name_problem(value: str) -> str | None:
    """A VM's name is a DNS-1123 subdomain."""
    return _subdomain_problem(value)


def namespace_problem(value: str) -> str | None:
    """A namespace is a DNS-1123 label."""
    return _length_problem(value, _LABEL_LIMIT) or _form_problem(value, _DNS_LABEL, _LABEL_FORM)


def name_prefix_problem(value: str) -> str | None:
    """A name prefix leaves room for the suffix, and makes a valid snapshot name with it."""
    problem = _length_problem(value, SUBDOMAIN_LIMIT - NAME_SUFFIX_LENGTH)
    if problem or snapshot_name_problem(value + "0" * NAME_SUFFIX_LENGTH) is None:
        return problem
    return f"{value!r} cannot start a name, which {_SUBDOMAIN_FORM}"


def label_key_problem(key: str) -> str | None:
    """A label's key is a qualified name."""
    problem = _qualified_name_problem(key)
    return f"the key {problem}" if problem else None


def label_value_problem(value: str) -> str | None:
    """A label's value is empty, or has the form of the name in a key."""
    return _name_part_problem(value) if value else None


def annotation_key_problem(key: str) -> str | None:
    """An annotation's key has the form of a label's, but its prefix may have capitals."""
    return label_key_problem(key.lower())


def annotations_problem(annotations: Mapping[str, str]) -> str | None:
    """The keys and values of all annotations have at most 256 KiB in total."""
    size = sum(
        len(text.encode(errors="surrogatepass")) for pair in annotations.items() for text in pair
    )
    if size <= _ANNOTATIONS_LIMIT:
        return None
    return f"have {size} bytes in total; at most {_ANNOTATIONS_LIMIT} are allowed"


def annotation_value_problem(_value: str) -> str | None:
    """An annotation's value is any text."""
    return None


def finalizer_problem(value: str) -> str | None:
    """A finalizer is a qualified name."""
    return _qualified_name_problem(value)


def failure_deadline_problem(value: str) -> str | None:
    """A failure deadline is a Go duration of zero (no deadline) or more."""
    try:
        nanoseconds = parse_duration(value)
    except ValueError as error:
        return str(error)
    if nanoseconds < 0:
        return f"{value!r} is negative: KubeVirt would fail the snapshot at once"
    return None


# See docs/palette.md, "Deletion policy".
def deletion_policy_problem(value: str) -> str | None:
    """A deletion policy is exactly Delete or Retain; KubeVirt treats all else as Retain."""
    if value in DELETION_POLICIES:
        return None
    return f"{value!r} is not a deletion policy (case matters)"


def api_version_problem(value: str) -> str | None:
    """The API version is one that KubeVirt serves."""
    if value in API_VERSIONS:
        return None
    return f"{value!r} is not an API version of KubeVirt's snapshots ({', '.join(API_VERSIONS)})"


def kind_problem(value: str) -> str | None:
    """The kind of the body is VirtualMachineSnapshot."""
    return None if value == KIND else f"{value!r} is not {KIND}"


def source_kind_problem(value: str) -> str | None:
    """The kind of the source is VirtualMachine."""
    return None if value == SOURCE_KIND else f"{value!r} cannot be snapshotted, only {SOURCE_KIND}"


def source_api_group_problem(value: str) -> str | None:
    """The API group of the source is kubevirt.io."""
    if value == SOURCE_API_GROUP:
        return None
    return f"{value!r} is not the API group of a {SOURCE_KIND} (it has no version)"


def _qualified_name_problem(value: str) -> str | None:
    """A qualified name of Kubernetes: an optional DNS prefix with '/', and a name."""
    prefix, slash, name = value.rpartition("/")
    if not slash:
        return _name_part_problem(name)
    problem = _subdomain_problem(prefix)
    if problem:
        return f"has an invalid prefix: {problem}"
    problem = _name_part_problem(name)
    return f"has an invalid name after its '/': {problem}" if problem else None


def _name_part_problem(value: str) -> str | None:
    return _length_problem(value, _LABEL_LIMIT) or _form_problem(value, _QUALIFIED, _QUALIFIED_FORM)


def _subdomain_problem(value: str) -> str | None:
    return _length_problem(value, SUBDOMAIN_LIMIT) or _form_problem(
        value, _DNS_SUBDOMAIN, _SUBDOMAIN_FORM
    )


def _length_problem(value: str, limit: int) -> str | None:
    if not value:
        return "must not be empty"
    if len(value) > limit:
        return f"has {len(value)} characters; at most {limit} are allowed"
    return None


def _form_problem(value: str, form: re.Pattern[str], words: str) -> str | None:
    return None if form.fullmatch(value) else f"{value!r} {words}"
