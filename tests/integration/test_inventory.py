# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory plugin, as ansible-inventory and ansible-playbook use it, against HTTPS."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ansible_collections.spectrocloud.palette.plugins.inventory.vms import EXAMPLES
from integration.runs import Ansible, Run
from palette_simulator.launch import Simulator

KEY = "demo-key"
GROUP = "palette_unreachable_clusters"
SCOPE = {"project": "Default"}
ONE = {**SCOPE, "cluster": "vm-cluster-1"}
DB1 = "db1.vms.vm-cluster-1"
EDGE1 = "edge1.vms.vm-cluster-2"


class Seen(NamedTuple):
    """What ansible-inventory shows."""

    hosts: dict[str, dict[str, Any]]
    groups: dict[str, list[str]]
    output: str


def unwrapped(output: str) -> str:
    """Return an output on one line. Ansible wraps warnings, after hyphens too."""
    return " ".join(re.sub(r"-\n\s*", "-", output).split())


class Admin:
    """Somebody with an inventory file."""

    def __init__(self, home: Path, palette: Simulator) -> None:
        self.ansible = Ansible(home)
        self.file = home / "palette.yml"
        self.palette = palette
        self.environment: dict[str, str] = {
            "PALETTE_HOST": palette.url,
            "PALETTE_API_KEY": KEY,
            "PALETTE_CA_FILE": palette.ca_file or "",
            "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1",
        }

    def writes(self, **options: Any) -> None:
        """Write the inventory file."""
        content = {"plugin": "spectrocloud.palette.vms", **options}
        self.file.write_text(json.dumps(content), encoding="utf-8")

    def runs(self, *arguments: object, **environment: str) -> Run:
        """Run ansible-inventory; its JSON goes to a file."""
        file = self.ansible.home / "hosts.json"
        file.unlink(missing_ok=True)
        command = ["ansible-inventory", "--list", "--output", file, "-i", self.file, *arguments]
        return self.ansible.run(*command, **{**self.environment, **environment})

    def sees(self, *arguments: object, **environment: str) -> Seen:
        """Return what ansible-inventory shows, which must succeed."""
        output = self.runs(*arguments, **environment).ok().output
        text = (self.ansible.home / "hosts.json").read_text("utf-8")
        content = json.loads(text, object_hook=_without_mark)
        hosts: dict[str, dict[str, Any]] = content.pop("_meta")["hostvars"]
        groups = {name: group.get("hosts", []) for name, group in content.items()}
        return Seen(hosts, groups, output)

    def is_refused(self, *arguments: object, **environment: str) -> str:
        """Return in one line what ansible-inventory says, which must fail."""
        run = self.runs(*arguments, **environment)
        assert run.status != 0, run.output
        return unwrapped(run.output)

    def plays(self, *tasks: dict[str, Any], hosts: str = "all", option: str = "--diff") -> Run:
        """Run tasks on hosts of the inventory, which all are this machine."""
        play = {"hosts": hosts, "gather_facts": False, "connection": "local", "tasks": tasks}
        playbook = self.ansible.home / "play.json"
        playbook.write_text(json.dumps([play]), encoding="utf-8")
        return self.ansible.playbook(playbook, self.file, option, **self.environment)


def _without_mark(shown: dict[str, Any]) -> Any:
    """Return a text that ansible-inventory marks as no template: newer ones do it with all."""
    return shown.get("__ansible_unsafe", shown)


@pytest.fixture(scope="module")
def palette() -> Iterator[Simulator]:
    with Simulator.running("test", timing="fast", rate_limits="off", tls=True) as simulator:
        yield simulator


@pytest.fixture
def admin(tmp_path: Path, palette: Simulator) -> Admin:
    palette.reset()
    return Admin(tmp_path, palette)


def test_hosts_are_the_vms_of_all_clusters_with_the_rows_of_vm_info(admin: Admin) -> None:
    network = {"network_data": "ethernets: {eth0: {addresses: [192.0.2.11/24]}}"}
    volumes = [{"name": "rootdisk"}, {"name": "init", "kind": "cloudInitNoCloud", **network}]
    admin.palette.change_vm("vm-cluster-1", "vms", "db1", volumes=volumes)
    admin.writes(**SCOPE)
    seen = admin.sees()
    info = {"name": "list", "spectrocloud.palette.vm_info": SCOPE, "run_once": True}
    rows = admin.plays(info).ok().of("list")["vms"]
    assert len(seen.hosts) == len(rows)
    for row in rows:
        host = seen.hosts[f"{row['vm_name']}.{row['namespace']}.{row['cluster']}"]
        shown = {key: host[f"palette_{key}"] for key in row}
        for each in (row, shown):
            for newest in ("newest_snapshot", "newest_unusable"):
                each[newest] = {**(each[newest] or {}), "age_seconds": "any"}
        assert shown == row
    # Clusters of the same name are called by their uids.
    assert "left.vms.0123456789abcdef00000013" in seen.hosts
    assert seen.hosts[DB1]["ansible_host"] == "192.0.2.11"
    assert seen.hosts[DB1]["palette_stale"] is False
    assert seen.hosts[DB1][GROUP] == []
    assert "ansible_host" not in seen.hosts[EDGE1]
    newest = seen.hosts["history.vms.vm-cluster-1"]["palette_newest_snapshot"]
    assert (newest["name"], newest["set"]) == ("history-1h", "nightly")
    assert 3600 <= newest["age_seconds"] < 5400
    assert {"quiesced", "creation_time"} <= newest.keys()
    assert "[WARNING]" not in seen.output


def test_examples_run_as_they_stand(admin: Admin) -> None:
    named = [re.search(r"^# (\S+\.yml): ", text, re.M) for text in EXAMPLES.split("---\n")]
    files = {match[1]: match.string for match in named if match}
    assert len(files) == len(re.findall("^plugin: ", EXAMPLES, re.M))
    for name, content in files.items():
        admin.file = admin.ansible.home / name
        admin.file.write_text(content, encoding="utf-8")
        assert admin.sees().hosts
        if name == "prod.palette.yml":
            groups = admin.sees().groups
            assert "history.vms.vm-cluster-1" in groups["snapshot_0_days_old"]
            assert "made-again.vms.vm-cluster-1" in groups["snapshot_none"]
    assert "db1.vms" in admin.sees().hosts


def test_hosts_are_selected_grouped_and_composed_as_the_file_says(admin: Admin) -> None:
    admin.writes(
        project="{{ where }}",
        clusters=["vm-cluster-1", "vm-cluster-2"],
        vm_names=["db*", "web1", "edge1"],
        exclude=["prod/*"],
        hostname="{{ palette_vm_name }}",
        keyed_groups=[
            {"key": "palette_labels", "prefix": "label"},
            {"key": "palette_cluster", "prefix": "cluster"},
        ],
        groups={"bare": "palette_newest_snapshot is none", "databases": "where_from == 'db'"},
        compose={
            "where_from": "palette_labels.app | default('none')",
            "ansible_host": "palette_vm_name ~ '.example.com'",
        },
    )
    seen = admin.sees("-e", "where=Default")
    assert sorted(seen.hosts) == ["db1", "db2", "edge1", "web1"]
    assert seen.groups["label_app_db"] == ["db1", "db2"]
    assert seen.groups["databases"] == ["db1", "db2"]
    assert seen.groups["label_tier_frontend"] == ["web1"]
    assert seen.groups["cluster_vm_cluster_2"] == ["edge1"]
    assert sorted(seen.groups["bare"]) == sorted(seen.hosts)
    assert seen.hosts["web1"]["ansible_host"] == "web1.example.com"
    admin.writes(**ONE, selector="app=db,stage!=prod", namespaces=["vms"])
    assert sorted(admin.sees().hosts) == [DB1, "db2.vms.vm-cluster-1"]


def test_two_vms_of_one_name_are_an_error_and_no_host(admin: Admin) -> None:
    admin.writes(**ONE, hostname="{{ palette_vm_name }}")
    told = admin.is_refused()
    assert (
        "hostname: vm-cluster-1/prod/db1 and vm-cluster-1/vms/db1 would both be the host db1; for "
        'example: hostname: "{{ palette_vm_name }}.{{ palette_namespace }}.{{ palette_cluster }}"'
    ) in told
    assert admin.sees(ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED="0").hosts == {}


def test_strict_refuses_expressions_that_fail(admin: Admin) -> None:
    wrong = {**ONE, "vm_names": ["web1"], "compose": {"x": "palette_nothing.at_all"}}
    admin.writes(**wrong)
    (host,) = admin.sees().hosts.values()
    assert "x" not in host
    admin.writes(**wrong, strict=True)
    assert "Could not set x for host web1.vms.vm-cluster-1" in admin.is_refused()


def test_jinja_in_labels_is_text_wherever_it_goes(admin: Admin, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    evil = "{{ lookup('ansible.builtin.pipe', 'touch " + str(trap) + "') }}"
    admin.palette.make_vm("vm-cluster-1", "vms", "evil", labels={"app": evil, evil: "key"})
    admin.writes(
        **ONE,
        vm_names=["evil"],
        hostname="{{ palette_vm_name }}-{{ palette_labels.app }}",
        compose={"copied": "palette_labels.app", "joined": "'a' ~ palette_labels.app"},
        groups={"odd": "palette_labels.app != 'db'"},
        keyed_groups=[{"key": "palette_labels.app", "prefix": "app"}],
    )
    seen = admin.sees()
    (name,) = seen.hosts
    assert re.fullmatch(r"evil-[\w.@/+-]+", name)
    assert seen.groups["odd"] == [name]
    shown = {
        "name": "show",
        "ansible.builtin.debug": {
            "msg": ["{{ palette_labels.app }}", "{{ copied }}", "{{ joined }}"],
        },
    }
    keys = {"name": "keys", "ansible.builtin.debug": {"msg": "{{ palette_labels | list }}"}}
    run = admin.plays(shown, keys, hosts="odd").ok()
    assert run.of("show")["msg"] == [evil, evil, f"a{evil}"]
    assert evil in run.of("keys")["msg"]
    assert not trap.exists()


def test_sick_cluster_fails_the_file_or_is_told(admin: Admin) -> None:
    admin.palette.sicken("vm-cluster-2", "503")
    admin.writes(**SCOPE, retries=0)
    told = admin.is_refused()
    assert "cluster vm-cluster-2: " in told
    assert "HTTP 503" in told
    assert "on_error: continue" in told
    admin.writes(**SCOPE, retries=0, on_error="continue")
    seen = admin.sees()
    assert DB1 in seen.hosts
    assert EDGE1 not in seen.hosts
    assert "vm-cluster-2 (unavailable); their hosts are not in the inventory" in unwrapped(
        seen.output
    )
    (sick,) = seen.hosts[DB1][GROUP]
    assert (sick["cluster"], sick["reason"]) == ("vm-cluster-2", "unavailable")
    assert "HTTP 503" in sick["message"]


def cache_options(admin: Admin, timeout: int = 3600) -> dict[str, Any]:
    """Return the options of a cache in files."""
    return {
        "cache": True,
        "cache_plugin": "ansible.builtin.jsonfile",
        "cache_connection": str(admin.ansible.home / "cache"),
        "cache_timeout": timeout,
    }


def test_cache_saves_the_requests_of_the_same_selection(admin: Admin) -> None:
    admin.writes(**ONE, **cache_options(admin))
    first = admin.sees()
    admin.palette.clear_requests()
    assert admin.sees().hosts.keys() == first.hosts.keys()
    assert admin.palette.requests() == []
    (file,) = (admin.ansible.home / "cache").iterdir()
    assert KEY not in file.read_text("utf-8")
    # Another selection is another question, and --flush-cache asks anew.
    admin.writes(**ONE, **cache_options(admin), vm_names=["web1"])
    assert list(admin.sees().hosts) == ["web1.vms.vm-cluster-1"]
    admin.palette.make_vm("vm-cluster-1", "vms", "web1", labels={"app": "new"})
    show = {"name": "show", "ansible.builtin.debug": {"msg": "{{ palette_labels.app }}"}}
    (old,) = admin.sees().hosts.values()
    assert old["palette_labels"]["app"] == "web"
    assert admin.plays(show, option="--flush-cache").ok().of("show")["msg"] == "new"


def test_cache_outlasts_a_sick_cluster_and_a_palette_out_of_reach(admin: Admin) -> None:
    # Whatever is cached is older than that.
    sick = {**SCOPE, "retries": 0, "on_error": "continue", **cache_options(admin, timeout=-1)}
    admin.writes(**sick)
    whole = admin.sees()
    admin.palette.sicken("vm-cluster-2", "503")
    admin.palette.delete_vm("vm-cluster-1", "vms", "web1")
    # Twice: what was kept once is kept again.
    for _time in range(2):
        seen = admin.sees()
        assert whole.hosts.keys() - seen.hosts.keys() == {"web1.vms.vm-cluster-1"}
        assert seen.groups[GROUP] == [EDGE1]
        assert seen.hosts[EDGE1]["palette_stale"] is True
        assert seen.hosts[DB1]["palette_stale"] is False
        assert "1 of their hosts are as they were last known" in unwrapped(seen.output)
    shown = {"name": "show", "ansible.builtin.debug": {"msg": f"{{{{ {GROUP} }}}}"}}
    run = admin.plays(shown, hosts=f"db1*:edge1*:!{GROUP}").ok()
    assert {record["host"] for record in run.records} == {DB1, "db1.prod.vm-cluster-1"}
    # A proxy's page for every request: Palette itself cannot be reached.
    admin.palette.inject({"action": "status", "status": 503, "times": None})
    all_stale = admin.sees()
    assert all_stale.hosts.keys() == seen.hosts.keys()
    assert sorted(all_stale.groups[GROUP]) == sorted(seen.hosts)
    admin.palette.clear_faults()
    assert "HTTP 401" in admin.is_refused(PALETTE_API_KEY="wrong-key")
    admin.palette.heal("vm-cluster-2")
    # What was cached meanwhile does not count, though it has not expired.
    admin.writes(**{**sick, "cache_timeout": 3600})
    healed = admin.sees()
    assert healed.hosts[EDGE1]["palette_stale"] is False
    assert "[WARNING]" not in healed.output


def test_key_may_come_from_a_vault_or_a_lookup(admin: Admin) -> None:
    password = admin.ansible.home / "password"
    password.write_text("open\n", encoding="utf-8")
    vault = ("--vault-password-file", password)
    encrypted = admin.ansible.run("ansible-vault", "encrypt_string", *vault, KEY).ok().output
    text = encrypted[encrypted.index("!vault") :].partition("\n\n")[0]
    del admin.environment["PALETTE_API_KEY"]
    admin.writes()
    options = "plugin: spectrocloud.palette.vms\nproject: Default\nvm_names: [web1]\n"
    admin.file.write_text(f"{options}api_key: {text}\n", encoding="utf-8")
    assert list(admin.sees(*vault).hosts) == ["web1.vms.vm-cluster-1"]
    key = "\"{{ lookup('ansible.builtin.env', 'MY_KEY') }}\""
    admin.file.write_text(f"{options}api_key: {key}\n", encoding="utf-8")
    assert list(admin.sees(MY_KEY=KEY).hosts) == ["web1.vms.vm-cluster-1"]


def test_no_output_has_the_key(admin: Admin) -> None:
    admin.palette.switch(auth_error_style="key-echo-404")
    admin.writes(**ONE, api_key="sesame-open-4711")
    told = admin.is_refused("-vvvv")
    assert "check api_key" in told
    assert "sesame-open-4711" not in told


def test_bad_options_are_told_before_any_request(admin: Admin) -> None:
    admin.writes(**ONE, vm_names=[], selector="=")
    told = admin.is_refused()
    assert "vm_names: must not be empty; leave it out to select all" in told
    assert "selector: " in told
    admin.writes(**ONE, exlude=["db*"])
    assert "exlude is not an option of spectrocloud.palette.vms; nearest: exclude" in (
        admin.is_refused()
    )
    admin.writes(**ONE, project_uid="u", clusters=["a"])
    assert "parameters are mutually exclusive: project|project_uid" in admin.is_refused()
    admin.writes(project="{{ nobody_knows }}")
    assert "project: " in admin.is_refused()
    assert admin.palette.requests() == []


def test_scope_comes_from_the_environment_as_in_a_task(admin: Admin) -> None:
    admin.writes()
    host = {"PALETTE_HOST": "", "SPECTROCLOUD_HOST": admin.palette.url}
    seen = admin.sees(PALETTE_PROJECT="Second", **host)
    assert list(seen.hosts) == ["app1.vms.vm-cluster-3"]


def test_missing_library_is_told(admin: Admin, tmp_path: Path) -> None:
    folder = tmp_path / "missing"
    folder.mkdir()
    text = "raise ModuleNotFoundError(\"No module named 'jsonschema'\", name='jsonschema')\n"
    (folder / "jsonschema.py").write_text(text, encoding="utf-8")
    admin.writes(**ONE)
    told = admin.is_refused(PYTHONPATH=str(folder))
    assert "Failed to import the required Python library (jsonschema)" in told


def test_a_thousand_vms_cost_hardly_more_than_their_lists(tmp_path: Path) -> None:
    clusters, vms = 4, 1000
    with Simulator.running(
        "demo", rate_limits="off", tls=True, clusters=clusters, vms=vms
    ) as palette:
        admin = Admin(tmp_path, palette)
        admin.writes(**SCOPE)
        assert len(admin.sees().hosts) >= vms
        asked = len(palette.requests())
    # Pages of 50 VMs, and one of snapshots, for each; and the demo's own cluster.
    bare = clusters * (vms // clusters // 50 + 1) + 2
    assert bare <= asked <= 1.3 * bare
