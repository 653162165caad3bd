# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which lines of the demo become a picture, and that the picture shows them."""

from __future__ import annotations

from ansible_collections.spectrocloud.palette.tools.draw_demo import (
    CHECKOUT,
    COLUMNS,
    draw,
    drawn,
    extract,
    squeezed,
)

RUN = f"""
=== Build the collection and install it
$ ansible-galaxy collection build

TASK [spectrocloud.palette.vm_snapshot : Show the snapshots] ******
ok: [localhost] =>\x20
    msg: not of the story

=== Change VMs with a guard
$ ansible-playbook patch.yml

TASK [spectrocloud.palette.vm_snapshot : Reset the facts] ******
ok: [localhost]

TASK [spectrocloud.palette.vm_snapshot : Show the snapshots] ******
ok: [localhost] =>\x20
    msg: |-
        VM NAME  NAME{" " * 100}AGE
        db1      db1-patch{" " * 95}5s

        1 VM: 1 created

TASK [spectrocloud.palette.guarded_change : Fail if the change failed] ***
[ERROR]: Task failed: Action failed: db1 has 8 CPUs
Origin: {CHECKOUT}/main.yml:68:3

fatal: [localhost]: FAILED! =>\x20
    changed: false
    msg: 'localhost: db1 has
        8 CPUs'

PLAY RECAP ******
localhost                  : ok=25

=== The demo is done
Open the report in a browser: {CHECKOUT}/build/demo/report.html
"""
STORY = [
    "$ make demo",
    "",
    "=== Change VMs with a guard",
    "$ ansible-playbook patch.yml",
    "",
    "TASK [spectrocloud.palette.vm_snapshot : Show the snapshots]",
    "VM NAME  NAME  …",
    "db1      db1-patch  …",
    "",
    "1 VM: 1 created",
    "",
    "TASK [spectrocloud.palette.guarded_change : Fail if the change failed]",
    "fatal: [localhost]: FAILED!",
    "localhost: db1 has 8 CPUs",
    "",
    "=== The demo is done",
    "Open the report in a browser: build/demo/report.html",
]


def test_extract_keeps_the_lines_of_the_story() -> None:
    assert list(map(squeezed, extract(RUN))) == list(map(squeezed, STORY))


def test_extract_has_room_for_every_line() -> None:
    command = "$ ansible-playbook " + "x" * COLUMNS
    lines = extract(RUN.replace("$ ansible-playbook patch.yml", command))
    assert max(map(len, lines)) == COLUMNS
    assert f"{command[: COLUMNS - 1]}…" in lines


def test_draw_shows_every_line() -> None:
    lines = ["$ make demo", "", "VM NAME  <AGE> & more", "db1      5s", "x" * COLUMNS]
    assert drawn(draw(lines)) == [squeezed(line) for line in lines if line]


def test_draw_tells_failures_by_their_colour() -> None:
    good, failed = (draw([line, "db1"]) for line in ("ok", "fatal: FAILED!"))
    assert "#ff8a80" in failed
    assert "#ff8a80" not in good
