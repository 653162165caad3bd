# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses that cloud-init gives a guest: the only ones that Palette's objects tell.

See docs/palette.md, "VM objects".
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from ipaddress import ip_interface
from typing import Any

from ansible.module_utils.common.yaml import HAS_YAML, yaml_load

from .._palette.objects import any_mapping_in, any_mappings_in, any_text_in, any_texts_in

_LARGEST = 16 * 1024  # characters, far more than a guest has network cards
# Without anchors, a text of this size cannot stand for millions of objects.
_ANCHOR = "&"
# The kinds of network cards in version 2 of cloud-init's network data.
_KINDS = ("ethernets", "bonds", "bridges", "vlans")


def network_data_in(source: Mapping[str, Any]) -> str:
    """Return cloud-init's network data of a volume's source; empty if it is not told."""
    plain = any_text_in(source, "networkData")
    if plain:
        return plain
    try:
        encoded = any_text_in(source, "networkDataBase64")
        return base64.b64decode(encoded, validate=True).decode("utf-8")
    except ValueError:
        return ""


def static_addresses(network_data: str) -> list[str]:
    """Return the addresses in cloud-init's network data, without their prefix lengths.

    What cannot be read has none: whether it is right is the guest's business.
    """
    content = _loaded(network_data)
    network = any_mapping_in(content, "network") or content
    found = map(_address, (*_of_version_2(network), *_of_version_1(network)))
    return list(dict.fromkeys(filter(None, found)))


def _loaded(text: str) -> Mapping[str, Any]:
    if not (text and HAS_YAML) or len(text) > _LARGEST or _ANCHOR in text:
        return {}
    try:
        content = yaml_load(text)
    except Exception:  # noqa: BLE001
        # PyYAML lets any error through that a value causes.
        return {}
    return content if isinstance(content, dict) else {}


def _of_version_2(network: Mapping[str, Any]) -> Iterator[str]:
    for kind in _KINDS:
        for card in any_mapping_in(network, kind).values():
            yield from any_texts_in(card, "addresses") if isinstance(card, dict) else ()


def _of_version_1(network: Mapping[str, Any]) -> Iterator[str]:
    for card in any_mappings_in(network, "config"):
        for subnet in any_mappings_in(card, "subnets"):
            yield any_text_in(subnet, "address")


def _address(text: str) -> str:
    """Return an address that others may reach the guest by; empty for all else."""
    try:
        address = ip_interface(text.strip()).ip
    except ValueError:
        return ""
    return "" if address.is_loopback or address.is_link_local else str(address)
