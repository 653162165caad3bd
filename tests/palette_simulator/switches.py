# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The switches: every way in which a real Palette may answer differently from another."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Rate = Annotated[float, msgspec.Meta(ge=0)]
Burst = Annotated[int, msgspec.Meta(ge=1)]


# See docs/palette.md, "Not known".
class Switches(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """One answer to each open question about Palette; README.md explains each."""

    palette_version: Literal["4.8", "4.9"] = "4.8"
    error_style: Literal["palette", "kubernetes"] = "palette"
    json_style: Literal["go-swagger", "kubernetes"] = "go-swagger"
    auth_error_style: Literal["invalid-key", "key-echo-401", "key-echo-404"] = "invalid-key"
    contract_status: Literal["400", "422"] = "400"
    unknown_fields: Literal["ignore", "reject"] = "ignore"
    missing_vm_on_post: Literal["accept", "reject"] = "accept"
    missing_source: Literal["reject", "fill"] = "reject"
    source_mismatch: Literal["reject", "accept"] = "reject"
    foreign_vm: Literal["accept", "reject"] = "accept"
    generate_name: Literal["accept", "reject"] = "reject"
    put: Literal["replace", "merge"] = "replace"
    put_without_version: Literal["reject", "accept"] = "reject"
    durations: Literal["normalised", "verbatim"] = "normalised"
    managed_fields: Literal["list", "text", "none"] = "list"
    indications: Literal["told", "dropped"] = "told"
    vm_creation_time: Literal["told", "dropped"] = "told"
    snapshot_gate: Literal["on", "off"] = "on"
    kubevirt: Literal["1.6", "1.5", "1.4", "1.4.0"] = "1.6"
    restore_grace: float = 300.0
    restore_passes: Literal["all", "exists", "modified", "none"] = "all"
    restore_webhook_lag: float = 0.0
    cluster_rights: Literal["all", "no-claims", "view", "none"] = "all"
    direct_access: Literal["on", "off"] = "on"
    kubeconfigs: Literal["present", "missing"] = "present"
    kubeconfig_form: Literal["plain", "base64"] = "plain"
    admin_login: Literal["certificate", "token"] = "certificate"
    admin_address: Literal["direct", "proxy"] = "direct"
    user_login: Literal["exec", "certificate", "token"] = "exec"
    tenant_scope: Literal["tenant-only", "all"] = "tenant-only"
    foreign_scope: Literal["404", "500"] = "404"
    project_list: Literal["any-key", "tenant-access"] = "any-key"
    rate_limits: Literal["documented", "off"] = "documented"
    retry_after: Literal["none", "seconds", "http-date"] = "none"
    rate_limit_body: Literal["json", "text"] = "json"
    several_values: Literal["all", "last", "unsplit"] = "all"
    repeated_values: Literal["last", "all"] = "last"
    several_namespaces: Literal["together", "first"] = "together"
    clock_offset: float = 0.0
    continue_lifetime: float = 300.0
    latency: float = 0.0
    timing: str = "real"
    time_scale: float = 1.0
    cuts_per_second: Rate | None = None
    cut_burst: Burst = 1
    log_bodies: bool = False

    def but(self, changes: object) -> Switches:
        """A copy with some switches changed; ValueError names a wrong one."""
        if not isinstance(changes, dict):
            raise ValueError("switches are an object of switch: value")
        return msgspec.convert({**msgspec.structs.asdict(self), **changes}, Switches)
