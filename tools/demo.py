# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Show the collection at work: installed as a user would, run against a simulated Palette."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
STAGE = CHECKOUT / "build" / "demo"
COLLECTIONS = STAGE / "collections"
REPORT = STAGE / "report.html"

sys.path.insert(0, str(CHECKOUT / "tests"))
from palette_simulator.build import derived_uid  # noqa: E402 - found by the line above
from palette_simulator.launch import Simulator  # noqa: E402

API_KEY = "demo-key"
PLACE = {"vm_snapshot_project": "Default", "vm_snapshot_cluster": "vm-cluster-1"}
# The playbook of the README's first screen, with a patch that goes wrong.
GUARDED = "patch.yml"
PATCHED = ("db1", "web1")
PROJECT = derived_uid("project", "Default")
CLUSTER = derived_uid("cluster", PROJECT, "vm-cluster-1")
VMS = f"v1/spectroclusters/{CLUSTER}/vms"
PATCH_TASKS = """
- name: Patch, that is to give the simulated VM other CPUs
  ansible.builtin.uri:
    url: "{{ lookup('env', 'PALETTE_HOST') }}/_simulator/vms/vm-cluster-1/vms/{{ item }}"
    method: POST
    body_format: json
    body: {cores: 8}
  loop: [db1, web1]
"""
PATCH_CHECKS = f"""
- name: Look at a patched VM
  ansible.builtin.uri:
    url: "{{{{ lookup('env', 'PALETTE_HOST') }}}}/{VMS}/db1?namespace=vms"
    headers: {{ApiKey: {API_KEY}, ProjectUid: "{PROJECT}"}}
  register: patched

- name: Check that its application, which is for one CPU, can start
  ansible.builtin.assert:
    that: cores | int == 1
    fail_msg: "db1 has {{{{ cores }}}} CPUs now"
  vars:
    cores: "{{{{ patched.json.spec.template.spec.domain.cpu.cores }}}}"
"""
SNAPSHOT = {
    **PLACE,
    "vm_snapshot_namespace": "vms",
    "vm_snapshot_set": "before-upgrade",
    "vm_snapshot_vms": [{"vm_name": "db1"}],
}
FOREIGN_SETTINGS = ("ANSIBLE_", "PALETTE_", "SPECTROCLOUD_")


def main() -> None:
    """Run the demo; SystemExit says what went wrong."""
    # A stop from outside unwinds like any error, so that no process is left behind.
    for stop in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(stop, lambda *_received: sys.exit("stopped"))
    shutil.rmtree(STAGE, ignore_errors=True)
    STAGE.mkdir(parents=True)
    (STAGE / "ansible.cfg").touch()
    say("Build the collection and install it")
    run("ansible-galaxy", "collection", "build", "--output-path", str(STAGE), str(CHECKOUT))
    (tarball,) = STAGE.glob("*.tar.gz")
    place = ("--collections-path", str(COLLECTIONS))
    run("ansible-galaxy", "collection", "install", "--offline", *place, str(tarball))

    say("Start a Palette to talk to")
    with Simulator.running(fleet="demo") as palette:
        print(f"PALETTE_HOST={palette.url} PALETTE_API_KEY={API_KEY}")
        say("Look at the fleet: which VMs have no snapshot from the last day?")
        expect_told("6 of 6 VMs", play("snapshot_coverage", PLACE, palette.url, ends=2))
        say("Take a snapshot of the VM db1")
        expect_changed(1, play("snapshot", SNAPSHOT, palette.url))
        say("The same again: nothing is left to do")
        expect_changed(0, play("snapshot", SNAPSHOT, palette.url))
        say("Change VMs with a guard, by the first playbook of the README; the patch goes wrong")
        go_back(palette.url)
        say("Report what there is, as a page")
        play("snapshot_report", PLACE | {"vm_snapshot_dest": str(REPORT)}, palette.url)
    say("The simulated Palette is stopped; the demo is done")
    print(f"Open the report in a browser: {REPORT}")


def say(text: str) -> None:
    print(f"\n=== {text}", flush=True)


def play(name: str, variables: Mapping[str, object], host: str, ends: int = 0) -> str:
    """Run a playbook of the installed collection; return what it printed."""
    command = ("ansible-playbook", f"spectrocloud.palette.{name}", "-e", json.dumps(variables))
    return run(*command, ends=ends, PALETTE_HOST=host, PALETTE_API_KEY=API_KEY)


def go_back(host: str) -> None:
    """Run the README's playbook with a patch that goes wrong; hold the VMs to how they were."""
    readme = (CHECKOUT / "README.md").read_text("utf-8")
    (guarded,) = re.findall(rf"^```yaml\n# {GUARDED}\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    (STAGE / GUARDED).write_text(guarded, encoding="utf-8")
    (STAGE / "patch-tasks.yml").write_text(PATCH_TASKS, encoding="utf-8")
    (STAGE / "patch-checks.yml").write_text(PATCH_CHECKS, encoding="utf-8")
    before = {vm: machine(host, vm) for vm in PATCHED}
    told = run("ansible-playbook", GUARDED, ends=2, PALETTE_HOST=host, PALETTE_API_KEY=API_KEY)
    say("The VMs are as they were before the patch, on restored disks, and run")
    for vm in PATCHED:
        after = machine(host, vm)
        print(f"{vm} before: {json.dumps(before[vm])}\n{vm} after:  {json.dumps(after)}")
        if {**after, "disks": []} != {**before[vm], "disks": []} or after == before[vm]:
            sys.exit(f"{vm} was not restored")
    expect_told("restored to before the change", told)


def machine(host: str, vm: str) -> dict[str, object]:
    """Return what Palette tells of a VM: its state, its CPUs, and the claims of its disks."""
    request = urllib.request.Request(  # noqa: S310 - always our own server
        f"{host}/{VMS}/{vm}?namespace=vms", headers={"ApiKey": API_KEY, "ProjectUid": PROJECT}
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request) as response:
        found = json.load(response)
    spec = found["spec"]["template"]["spec"]
    claims = (v.get("dataVolume") or v.get("persistentVolumeClaim") for v in spec["volumes"])
    return {
        "state": found["status"]["printableStatus"],
        "cores": spec["domain"]["cpu"]["cores"],
        "disks": [disk.get("name") or disk.get("claimName") for disk in claims if disk],
    }


def run(*command: str, ends: int = 0, **environment: str) -> str:
    """Run a command, show and return its output; SystemExit unless it ends as it should."""
    print("$", shlex.join(command), flush=True)
    output = []
    with subprocess.Popen(
        command,
        cwd=STAGE,
        env=user_environment() | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            for line in process.stdout or ():
                print(line, end="", flush=True)
                output.append(line)
        except BaseException:
            os.killpg(process.pid, signal.SIGTERM)  # the command with its workers
            raise
    if process.returncode != ends:
        sys.exit(f"{command[0]} ended with {process.returncode}")
    return "".join(output)


def user_environment() -> dict[str, str]:
    """Return an environment in which Ansible knows the installed collection and no other."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(FOREIGN_SETTINGS)
    }
    settings = {
        # Tables as lines, and no word of what is skipped: a story is read from the screen.
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
        "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "false",
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "false",
        "ANSIBLE_CONFIG": str(STAGE / "ansible.cfg"),
        "ANSIBLE_HOME": str(STAGE / "home"),
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    }
    return inherited | settings


def expect_changed(wanted: int, output: str) -> None:
    """Hold the play's recap, of one host, to a number of changes."""
    changed = re.findall(r"\bchanged=(\d+)", output)
    if changed != [str(wanted)]:
        sys.exit(f"expected changed={wanted} of one host, got {changed}")


def expect_told(text: str, output: str) -> None:
    """Hold a play to what it has to say."""
    if text not in output:
        sys.exit(f"the play did not say: {text}")


if __name__ == "__main__":
    main()
