# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook awx_setup, with the real modules of awx.awx, against what stands in for AWX."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from awx.data import FILE, PROJECT, read
from awx.stand_in import TOKEN, StandIn
from checkout import CHECKOUT, commit_to
from integration.runs import Ansible, Run

COLLECTIONS = Path(sys.prefix) / "awx" / "collections"
KEY = "sesame-open-4711"
PLAYBOOK = "spectrocloud.palette.awx_setup"
PAGE = (CHECKOUT / "docs" / "awx.md").read_text("utf-8")
DATA = read()
SCHEDULES = [schedule["name"] for schedule in DATA["controller_schedules"]]
REPOSITORY = "https://git.example.com/ops/palette-awx.git"
# What the page tells to type.
MINE = {
    "awx_setup_project_url": REPOSITORY,
    "awx_setup_image": "registry.example.com/palette-ee:1",
}
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nTUlJQg==\n-----END CERTIFICATE-----\n"
PALETTE = {"PALETTE_HOST": "api.spectrocloud.com", "PALETTE_PROJECT": "Default"}


def blocks_of(title: str) -> list[str]:
    """Return what a section of the page tells to type, one text for each block."""
    (text,) = re.findall(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)
    blocks: list[str] = re.findall(r"^```shell\n(.*?)^```", text, re.M | re.S)
    return blocks


class Admin(NamedTuple):
    """Somebody who sets AWX up."""

    ansible: Ansible
    awx: StandIn

    def types(self, lines: str, **environment: str) -> Run:
        """Type lines into a shell, up to the first that fails."""
        own = {
            "ANSIBLE_HOME": str(self.ansible.home / ".ansible"),
            "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "false",
            **environment,
        }
        return self.ansible.run("/bin/sh", "-e", "-c", lines, **own)

    def sets_up(self, *arguments: str, key: str = KEY, **variables: object) -> Run:
        """Run the playbook."""
        self.awx.writes.clear()
        command = (PLAYBOOK, "-e", json.dumps(variables), *arguments)
        return self.types(
            shlex.join(("ansible-playbook", *command)),
            CONTROLLER_HOST=self.awx.url,
            CONTROLLER_OAUTH_TOKEN=TOKEN,
            PALETTE_API_KEY=key,
            **PALETTE,
        )

    def has_installed(self) -> None:
        """Install as the page tells, but for servers that no test may ask."""
        assert COLLECTIONS.is_dir(), "awx.awx is missing: run 'make venv'"
        (install,) = blocks_of("1. Install")
        assert install.startswith(f"ansible-galaxy collection install git+{SOURCE} awx.awx:24.6.1")
        checkout = self.ansible.home / "checkout"
        commit_to(checkout)
        self.types(f"ansible-galaxy collection install git+{checkout.as_uri()}").ok()
        installed = self.ansible.home / ".ansible" / "collections" / "ansible_collections"
        shutil.copytree(COLLECTIONS / "ansible_collections" / "awx", installed / "awx")

    def has_a_git_server(self) -> Path:
        """Return the repository that stands for the one on the page."""
        served = self.ansible.home / "served.git"
        self.types(f"git init --quiet --bare --initial-branch main {served}").ok()
        instead = f'[url "{served.as_uri()}"]\n    insteadOf = {REPOSITORY}\n'
        user = "[user]\n    name = Admin\n    email = admin@example.com\n"
        (self.ansible.home / ".gitconfig").write_text(f"{instead}{user}", encoding="utf-8")
        return served


SOURCE = "https://github.com/spectrocloud/ansible-collection-palette.git"


@pytest.fixture(scope="module")
def admin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Admin]:
    """Somebody who has installed what the page tells."""
    with StandIn.running({path.name for path in PROJECT.glob("*.yml")}) as awx:
        admin = Admin(Ansible(tmp_path_factory.mktemp("admin")), awx)
        admin.has_installed()
        yield admin


@pytest.fixture(scope="module")
def first(admin: Admin) -> Run:
    """The first run, as the page tells it, after the project was pushed to a git server."""
    served = admin.has_a_git_server()
    (project,) = blocks_of("2. Put the project into git")
    admin.types(project).ok()
    files = admin.types(f"git -C {served} ls-tree -r --name-only main").ok().output.split()
    shipped = [str(path.relative_to(PROJECT)) for path in PROJECT.rglob("*") if path.is_file()]
    assert sorted(files) == sorted([".gitignore", *shipped])
    (lines,) = blocks_of("4. Set AWX up")
    lines = lines.replace("https://awx.example.com", admin.awx.url)
    lines = lines.replace("your token for AWX", TOKEN).replace("your API key", KEY)
    return admin.types(f"cd palette-awx\n{lines}", ANSIBLE_VERBOSITY="4")


def test_the_image_can_be_built(admin: Admin, first: Run) -> None:
    """Short of building it, which needs a registry."""
    _login, build, _push = blocks_of("3. Build the image that jobs run in")[0].splitlines()
    assert build.startswith("ansible-builder build --tag ")
    create = "ansible-builder create --output-filename Containerfile"
    admin.types(f"cd palette-awx\n{create}").ok()
    made = (admin.ansible.home / "palette-awx" / "context" / "Containerfile").read_text("utf-8")
    assert "python3.12" in made
    assert "ansible-core>=2." in made
    assert (admin.ansible.home / "palette-awx/context/_build/requirements.yml").is_file()
    # What is pushed later is without it.
    assert admin.types("cd palette-awx\ngit status --porcelain").ok().output == ""
    installed = admin.ansible.home / ".ansible" / "collections"
    wanted = admin.types(f"ansible-builder introspect {installed}").ok().output
    for line in (CHECKOUT / "requirements.txt").read_text("utf-8").splitlines():
        assert line.startswith("#") or f"{line}  # from collection spectrocloud.palette" in wanted


def changed(run: Run) -> list[str]:
    """Return the tasks that changed something."""
    return [record["task"] for record in run.records if record["result"].get("changed")]


def test_the_first_run_makes_all_that_the_file_has(admin: Admin, first: Run) -> None:
    first.ok()
    other = {
        "notifications": "notification_templates",
        "templates": "job_templates",
        "workflows": "workflow_job_templates",
    }
    assert "duplicate mapping key" not in " ".join(first.output.split())
    assert not any(admin.awx.one("schedules", name)["enabled"] for name in SCHEDULES)
    assert "API key" not in first.of("Tell what is left as it is")["msg"]
    for name in (name.removeprefix("controller_") for name in DATA if name.startswith("contr")):
        # The notification has nowhere to go.
        wanted = [] if name == "notifications" else DATA[f"controller_{name}"]
        made = [re.sub("{{ .* }}", "Default", each["name"]) for each in wanted]
        assert admin.awx.names(other.get(name, name)) == sorted(made)


def test_awx_has_what_it_renders_itself_as_it_stands(admin: Admin, first: Run) -> None:
    first.ok()
    (kind,) = DATA["controller_credential_types"]
    assert admin.awx.one("credential_types", "Palette")["injectors"] == kind["injectors"]
    for template in DATA["controller_templates"]:
        kept = admin.awx.one("job_templates", template["name"])
        assert json.loads(kept.get("extra_vars", "{}")) == template.get("extra_vars", {})
    for asking in (*DATA["controller_templates"], *DATA["controller_workflows"]):
        if "survey_spec" in asking:
            assert admin.awx.survey(asking["name"]) == asking["survey_spec"]
    assert admin.awx.links("Palette change") == LINKS


def test_the_page_lets_the_schedules_run_as_it_has_set_awx_up() -> None:
    (again,) = blocks_of("6. Take snapshots each night")
    (first,) = blocks_of("4. Set AWX up")
    command = again.replace(" \\\n  -e awx_setup_schedules_enabled=true", "")
    assert command != again
    assert first.endswith(f"\n{command}")


LINKS = [
    ("change", "failure", "restore"),
    ("change", "success", "prune"),
    ("restore", "success", "failed"),
    ("snapshot", "success", "change"),
]


def test_the_second_run_changes_nothing(admin: Admin, first: Run) -> None:
    first.ok()
    again = admin.sets_up(**MINE).ok()
    assert changed(again) == []
    project = admin.awx.one("projects", "Palette")
    # It fetches the project again, which is no change as long as nothing was pushed.
    assert admin.awx.writes == [f"POST projects/{project['id']}/update/"]


def test_a_check_after_it_predicts_nothing(admin: Admin, first: Run) -> None:
    first.ok()
    assert changed(admin.sets_up("--check", **MINE).ok()) == []
    assert admin.awx.writes == []


def test_each_job_runs_what_was_pushed(admin: Admin, first: Run) -> None:
    first.ok()
    assert admin.awx.one("projects", "Palette")["scm_update_on_launch"] is True


def test_a_template_of_a_playbook_that_was_pushed_later(
    admin: Admin, first: Run, tmp_path: Path
) -> None:
    first.ok()
    file = tmp_path / "controller.yml"
    file.write_text(FILE.read_text("utf-8").replace("playbook: change.yml", "playbook: mine.yml"))
    admin.awx.playbooks.add("mine.yml")
    run = admin.sets_up(**MINE, awx_setup_file=str(file)).ok()
    assert changed(run) == ["Make the project, and fetch it", "Make the job templates"]
    admin.sets_up(**MINE).ok()


def test_a_first_fetch_that_failed_is_made_up_for(admin: Admin, first: Run) -> None:
    with StandIn.running({path.name for path in PROJECT.glob("*.yml")}) as awx:
        other = Admin(admin.ansible, awx)
        awx.git_answers = False
        assert "Project update failed" in other.sets_up(**MINE).output
        awx.git_answers = True
        other.sets_up(**MINE).ok()


def test_each_organization_has_its_own(admin: Admin, first: Run) -> None:
    """Also if a system administrator sets them up, who sees those of all organizations."""
    organizations = ("Default", "Ops")
    with StandIn.running({path.name for path in PROJECT.glob("*.yml")}) as awx:
        awx.has_organization("Ops")
        both = Admin(admin.ansible, awx)
        mine = {**MINE, "awx_setup_webhook_url": "https://chat.example.com/hooks/palette"}
        for name in organizations:
            both.sets_up(**mine, awx_setup_organization=name).ok()
        for name in organizations:
            assert changed(both.sets_up(**mine, awx_setup_organization=name).ok()) == []
        assert awx.names("credential_types") == ["Palette"]
        for table in ("projects", "hosts", "inventory_sources", "job_templates", "schedules"):
            for name in awx.names(table):
                assert awx.uses(table, name) == [{"Default"}, {"Ops"}]


def test_the_key_is_kept_and_never_shown(admin: Admin, first: Run) -> None:
    credential = admin.awx.one("credentials", "Palette")
    kept = {"host": "api.spectrocloud.com", "api_key": KEY, "project": "Default"}
    assert credential["inputs"] == kept
    assert KEY not in first.output
    assert KEY not in json.dumps(first.records)


OLD_KEY = (
    "Left as it is in AWX: the API key of the credential Palette, because awx_setup_update_key is "
    "not true"
)


def test_a_new_key_and_a_notification_are_written_on_request(
    admin: Admin, first: Run, tmp_path: Path
) -> None:
    first.ok()
    # The head of the file, which has what comes before the project.
    part = tmp_path / "part.yml"
    part.write_text(FILE.read_text("utf-8").partition("controller_projects:")[0], "utf-8")
    hook = "https://chat.example.com/hooks/palette"
    mine = {**MINE, "awx_setup_file": str(part), "awx_setup_webhook_url": hook}
    run = admin.sets_up(key="another-key", **mine).ok()
    assert changed(run) == ["Make the notification"]
    assert run.of("Tell what is left as it is")["msg"].startswith(f"{OLD_KEY}, and whether ")
    (notification,) = DATA["controller_notifications"]
    kept = admin.awx.one("notification_templates", "Palette results")
    assert kept["messages"] == notification["messages"]
    assert admin.awx.one("credentials", "Palette")["inputs"]["api_key"] == KEY
    run = admin.sets_up(key="another-key", awx_setup_update_key="yes", **mine).ok()
    assert changed(run) == ["Make the credential"]
    assert OLD_KEY not in run.output
    assert admin.awx.one("credentials", "Palette")["inputs"]["api_key"] == "another-key"


def test_a_later_run_leaves_alone_what_it_is_not_told(admin: Admin, first: Run) -> None:
    first.ok()
    hook = "https://chat.example.com/hooks/palette"
    said: dict[str, Any] = {"awx_setup_webhook_url": hook, "awx_setup_schedules_enabled": True}
    admin.sets_up(**MINE, **said).ok()
    assert admin.sets_up(**MINE, **said).ok().of("Tell what is left as it is")["msg"] == OLD_KEY
    assert [write for write in admin.awx.writes if "update" not in write] == []
    run = admin.sets_up(**MINE, awx_setup_update_key=True).ok()
    assert changed(run) == ["Make the credential"]
    assert all(admin.awx.one("schedules", name)["enabled"] for name in SCHEDULES)
    assert admin.awx.names("notification_templates") == ["Palette results"]
    fleet = admin.awx.one("job_templates", "Palette fleet")["id"]
    assert admin.awx.related(fleet, "notification_templates_error")
    assert run.of("Tell what is left as it is")["msg"] == (
        "Left as it is in AWX: the notification, because awx_setup_webhook_url is not set, and "
        "whether schedules run, because awx_setup_schedules_enabled is not set"
    )
    admin.sets_up(**MINE, awx_setup_schedules_enabled=False).ok()
    assert not any(admin.awx.one("schedules", name)["enabled"] for name in SCHEDULES)


def test_a_run_without_palettes_host_leaves_the_credential_alone(
    admin: Admin, first: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    first.ok()
    monkeypatch.setitem(PALETTE, "PALETTE_HOST", "")
    run = admin.sets_up(**MINE)
    told = run.records[-1]["result"]["msg"]
    assert told.startswith("awx_setup_host (or PALETTE_HOST in the environment) must be set. For ")
    assert admin.awx.writes == []


def test_a_run_does_not_empty_what_the_credential_has(
    admin: Admin, first: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the project, jobs would work on the whole tenant."""
    first.ok()
    with_ca = {**MINE, "awx_setup_ca_cert": CERTIFICATE}
    admin.sets_up(**with_ca).ok()
    kept = admin.awx.one("credentials", "Palette")["inputs"]
    assert kept["ca_cert"] == CERTIFICATE
    monkeypatch.setitem(PALETTE, "PALETTE_PROJECT", "")
    run = admin.sets_up(**MINE)
    (refused,) = run.of("Refuse to empty what the credential has in AWX")["results"]
    assert refused["msg"] == (
        "The credential Palette has project and ca_cert in AWX, which this run would empty. Set "
        "awx_setup_palette_project or PALETTE_PROJECT, and awx_setup_ca_cert. Or empty it in AWX "
        "first: without a project, jobs work on the whole tenant"
    )
    assert admin.awx.one("credentials", "Palette")["inputs"] == kept
    del kept["ca_cert"]
    monkeypatch.setitem(PALETTE, "PALETTE_PROJECT", "Default")
    admin.sets_up(**MINE).ok()


def test_what_is_missing_is_told(admin: Admin) -> None:
    run = admin.sets_up(key="")
    assert run.status != 0
    told = run.records[-1]["result"]["msg"]
    key = "awx_setup_api_key (or PALETTE_API_KEY in the environment)"
    missing = f"awx_setup_project_url and awx_setup_image and {key}"
    assert told.startswith(f"{missing} must be set. For example: ansible-playbook ")


@pytest.mark.parametrize("name", ["awx_setup_schedules_enabled", "awx_setup_update_key"])
def test_what_is_neither_true_nor_false_is_told_before_anything_is_written(
    admin: Admin, name: str
) -> None:
    run = admin.sets_up("-e", f"{name}=ture", **MINE)
    assert run.records[-1]["result"]["msg"].startswith(f"{name} must be true or false. For exam")
    assert admin.awx.writes == []


def test_certificates_that_were_cut_off_are_refused(admin: Admin, first: Run) -> None:
    first.ok()
    (admin.ansible.home / "ca.pem").write_text(CERTIFICATE, encoding="utf-8")
    run = admin.sets_up("-e", f"awx_setup_ca_cert={CERTIFICATE}", **MINE)
    told = run.records[-1]["result"]["msg"]
    assert told.startswith("awx_setup_ca_cert must be whole certificates, from -----BEGIN CERTIF")
    assert admin.awx.writes == []
    (right,) = re.findall(r"-e \"(awx_setup_ca_cert=.*?}})\"", told)
    assert f'-e "{right}"' in PAGE
    given = right.replace("/etc/pki/palette-ca.pem", str(admin.ansible.home / "ca.pem"))
    admin.sets_up("-e", given, **MINE).ok()
    kept = admin.awx.one("credentials", "Palette")["inputs"]
    # The lookup leaves the last line break out.
    assert kept.pop("ca_cert") == CERTIFICATE.strip()


def test_a_file_that_is_not_there_is_told(admin: Admin) -> None:
    run = admin.sets_up(**MINE, awx_setup_file="contoller.yml")
    path = admin.ansible.home / "contoller.yml"
    assert run.records[-1]["result"]["msg"] == f"awx_setup_file: there is no file {path}"


def test_an_organization_that_is_not_there_is_told(admin: Admin) -> None:
    run = admin.sets_up(**MINE, awx_setup_organization="Opps")
    told = "There is no organization Opps in AWX: make it there, or set awx_setup_organization"
    assert run.records[-1]["result"]["msg"] == told
    assert admin.awx.writes == []


def test_why_awx_cannot_be_asked_is_told(admin: Admin) -> None:
    command = shlex.join(("ansible-playbook", PLAYBOOK, "-e", json.dumps(MINE)))
    palette = {"PALETTE_API_KEY": KEY, **PALETTE}
    wrong = {"CONTROLLER_HOST": admin.awx.url, "CONTROLLER_OAUTH_TOKEN": "expired"}
    assert admin.types(command, **palette, **wrong).records[-1]["result"]["msg"] == (
        "AWX cannot be asked: Invalid authentication credentials for /api/v2/organizations/ (HTTP "
        "401). Check CONTROLLER_HOST and CONTROLLER_OAUTH_TOKEN in the environment"
    )
    told = admin.types(command, **palette).records[-1]["result"]["msg"]
    assert told.startswith("AWX cannot be asked: ")
    assert told.count("https://127.0.0.1/") == 1
    assert told.endswith(
        ". Check CONTROLLER_HOST (not set: unless a tower_cli.cfg names a host, 127.0.0.1 is "
        "asked) and CONTROLLER_OAUTH_TOKEN (not set) in the environment"
    )


def test_a_missing_collection_is_told(admin: Admin) -> None:
    installed = admin.ansible.home / ".ansible" / "collections" / "ansible_collections" / "awx"
    away = installed.rename(installed.with_name("away"))
    try:
        run = admin.sets_up(**MINE)
    finally:
        away.rename(installed)
    install = "ansible-galaxy collection install awx.awx:24.6.1"
    told = f"The collection awx.awx is missing. Install it: {install}"
    assert run.records[-1]["result"]["msg"] == told


def test_an_unknown_variable_is_refused(admin: Admin) -> None:
    run = admin.sets_up(**MINE, awx_setup_imgae="x")
    assert run.status != 0
    assert run.records[-1]["result"]["msg"].startswith("awx_setup_imgae is not known. Known are ")
    assert admin.awx.writes == []


def test_syntax(admin: Admin) -> None:
    admin.sets_up("--syntax-check").ok()
