# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses in cloud-init's network data: both versions, and all that is none."""

from __future__ import annotations

import base64

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._vms.addresses import (
    network_data_in,
    static_addresses,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._vms.model import read_vm
from unit.builders import key_of, vm_manifest

VERSION_1 = """
version: 1
config:
  - type: physical
    name: eth0
    subnets:
      - {type: static, address: 192.0.2.11, netmask: 255.255.255.0}
      - {type: static6, address: "2001:db8::11/64"}
  - {type: nameserver, address: [192.0.2.1]}
"""
VERSION_2 = """
network:
  version: 2
  ethernets:
    eth0: {match: {name: "en*"}, addresses: [192.0.2.12/24, "2001:db8::12/64"]}
    eth1: {dhcp4: true}
  bonds:
    bond0: {interfaces: [eth2], addresses: [198.51.100.12/24]}
"""


@pytest.mark.parametrize(
    ("network_data", "addresses"),
    [
        (VERSION_1, ["192.0.2.11", "2001:db8::11"]),
        (VERSION_2, ["192.0.2.12", "2001:db8::12", "198.51.100.12"]),
        ("ethernets: {e: {addresses: [192.0.2.1/24, 192.0.2.1/24]}}", ["192.0.2.1"]),
        ("ethernets: {e: {addresses: [127.0.0.1/8, 169.254.1.1/16, 'fe80::1/64']}}", []),
        ("ethernets: {e: {addresses: [192.0.2.300/24, 7, {192.0.2.1/24: {label: a}}]}}", []),
        ("ethernets: {e: {dhcp4: true}}", []),
        ("", []),
        ("text", []),
        ("[1, 2]", []),
        ("{", []),
        ("network: {ethernets: [e], config: {a: b}}", []),
        ("ethernets: {e: [192.0.2.1/24]}", []),
        ("config: [{subnets: [{address: 7}, 8]}, 9]", []),
        ("ethernets: {e: &e {addresses: [192.0.2.1/24]}, f: *e}", []),
        (f"{VERSION_1}#{' ' * 20_000}", []),
        ("[" * 8_000, []),
    ],
)
def test_static_addresses(network_data: str, addresses: list[str]) -> None:
    assert static_addresses(network_data) == addresses


def test_network_data_is_read_plain_and_in_base64() -> None:
    encoded = base64.b64encode(VERSION_2.encode()).decode()
    assert network_data_in({"networkData": VERSION_1}) == VERSION_1
    assert network_data_in({"networkDataBase64": encoded}) == VERSION_2
    for none in ({}, {"networkData": 7}, {"networkDataBase64": "?"}, {"networkDataBase64": "/w=="}):
        assert network_data_in(none) == ""


@pytest.mark.parametrize("kind", ["cloudInitNoCloud", "cloudInitConfigDrive"])
def test_vm_has_the_addresses_of_its_volumes(kind: str) -> None:
    manifest = vm_manifest(key_of())
    volumes = [
        {"name": "init", kind: {"networkData": VERSION_1, "userData": "password: secret"}},
        {"name": "again", kind: {"networkData": VERSION_1}},
    ]
    manifest["spec"] = {"template": {"spec": {"volumes": volumes}}}
    assert read_vm("c1", manifest).addresses == ["192.0.2.11", "2001:db8::11"]
    assert read_vm("c1", vm_manifest(key_of())).addresses == []
