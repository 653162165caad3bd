# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What awx.awx needs of AWX's API, with AWX's refusals: stands in for AWX in tests of awx_setup."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain, count
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from awx.surveys import answer_problems, survey_problems
from awx.templates import EVENTS, credential_type_problems, message_problems

TOKEN = "stand-in-token"
Json = dict[str, Any]

_ASKED = ("diff_mode", "job_slice_count", "job_type", "limit", "verbosity")
_ASKS = tuple(f"ask_{what}_on_launch" for what in _ASKED)
# The fields that AWX keeps. It passes over others: who sets one finds a difference each time.
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "organizations": ("name",),
    "credential_types": ("name", "description", "kind", "inputs", "injectors"),
    "credentials": ("name", "description", "organization", "credential_type", "inputs"),
    "execution_environments": (
        "name",
        "description",
        "organization",
        "image",
        "pull",
        "credential",
    ),
    "notification_templates": (
        *("name", "description", "organization"),
        *("notification_type", "notification_configuration", "messages"),
    ),
    "projects": (
        *("name", "description", "organization", "scm_type", "scm_url", "scm_branch"),
        *("credential", "default_environment", "scm_update_on_launch"),
    ),
    "inventories": ("name", "description", "organization", "kind", "host_filter", "variables"),
    "hosts": ("name", "description", "inventory", "enabled", "variables"),
    "inventory_sources": (
        *("name", "description", "inventory", "source", "source_project", "source_path"),
        *("credential", "execution_environment", "overwrite", "overwrite_vars"),
        *("update_on_launch", "update_cache_timeout"),
    ),
    "job_templates": (
        *("name", "description", "project", "playbook", "inventory", "execution_environment"),
        *("extra_vars", "survey_enabled", "job_slice_count", *_ASKS),
    ),
    "workflow_job_templates": ("name", "description", "organization", "survey_enabled"),
    "workflow_job_template_nodes": (
        *("identifier", "workflow_job_template", "unified_job_template"),
    ),
    "schedules": ("name", "description", "unified_job_template", "rrule", "enabled", "extra_data"),
}
_UNIFIED = ("projects", "inventory_sources", "job_templates", "workflow_job_templates")
# What has a name only once. The others have it once in each organization.
_UNIQUE: Mapping[str, tuple[str, ...]] = {
    "organizations": ("name",),
    "credential_types": ("name", "kind"),
    "credentials": ("name", "organization", "credential_type"),
    "execution_environments": ("name",),
    "hosts": ("name", "inventory"),
    "inventory_sources": ("name", "inventory"),
    "workflow_job_template_nodes": ("identifier", "workflow_job_template"),
    "schedules": ("name", "unified_job_template"),
}
# What a field with this name refers to.
_TABLES: Mapping[str, tuple[str, ...]] = {
    "organization": ("organizations",),
    "credential_type": ("credential_types",),
    "credential": ("credentials",),
    "execution_environment": ("execution_environments",),
    "default_environment": ("execution_environments",),
    "project": ("projects",),
    "source_project": ("projects",),
    "inventory": ("inventories",),
    "workflow_job_template": ("workflow_job_templates",),
    "unified_job_template": _UNIFIED,
}
_WEBHOOK = {
    "url": "",
    "http_method": "POST",
    "headers": {},
    "username": "",
    "password": "",
    "disable_ssl_verification": False,
}
_SECRET = "$encrypted$"
_RRULE = re.compile(
    r"DTSTART(;TZID=\S+)?:\d{8}T\d{6}Z? RRULE:FREQ=\w+;INTERVAL=\d+(;[A-Z]+=[\w,]+)*"
)


class RefusedError(Exception):
    """A request that AWX answers with 400."""


class StandIn:
    """The state of AWX. playbooks: those in the project's repository, which AWX has to fetch."""

    def __init__(self, playbooks: set[str]) -> None:
        self.playbooks = playbooks
        self.git_answers = True
        self._fetched: dict[int, set[str]] = {}
        self.writes: list[str] = []
        self.url = ""
        self._records: dict[int, tuple[str, Json]] = {}
        self._related: dict[tuple[int, str], list[int]] = {}
        self._surveys: dict[int, Json] = {}
        self._numbers = count(1)
        self.has_organization("Default")

    @classmethod
    @contextmanager
    def running(cls, playbooks: set[str]) -> Iterator[StandIn]:
        """Serve the API on a free port."""
        awx = cls(playbooks)
        with ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(awx)) as server:
            awx.url = f"http://127.0.0.1:{server.server_port}"
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            try:
                yield awx
            finally:
                server.shutdown()
                thread.join()

    def has_organization(self, name: str) -> None:
        """Make an organization, as a system administrator does."""
        self._create("organizations", {"name": name})

    def names(self, table: str) -> list[str]:
        """Return the names of what is in a table."""
        return sorted(record["name"] for record in self._all(table))

    def one(self, table: str, name: str) -> Json:
        """Return a record as AWX keeps it, with its secrets."""
        (found,) = (record for record in self._all(table) if record["name"] == name)
        return found

    def uses(self, table: str, name: str) -> list[set[str]]:
        """Return, for each record of this name, the organizations of what it refers to."""
        return [self._organizations_of(r) for r in self._all(table) if r["name"] == name]

    def related(self, number: int, relation: str) -> list[int]:
        """Return what a record is related to."""
        return self._related.get((number, relation), [])

    def survey(self, name: str) -> Json:
        """Return the survey of a template or a workflow."""
        return next(
            self._surveys[r["id"]] for t in _UNIFIED for r in self._all(t) if r["name"] == name
        )

    def links(self, workflow: str) -> list[tuple[str, str, str]]:
        """Return which node of a workflow follows which, and when."""
        whole = self.one("workflow_job_templates", workflow)["id"]
        nodes = {n["id"]: n for n in self._all("workflow_job_template_nodes")}
        return sorted(
            (nodes[start]["identifier"], kind.removesuffix("_nodes"), nodes[end]["identifier"])
            for (start, kind), ends in self._related.items()
            for end in ends
            if start in nodes and nodes[start]["workflow_job_template"] == whole
        )

    def _organizations_of(self, record: Json) -> set[str]:
        used = [record[field] for field in _TABLES if record.get(field)]
        related = (ones for (its, _kind), ones in self._related.items() if its == record["id"])
        shown = [self._shown(*self._records[number]) for number in chain(used, *related)]
        numbers = {each["organization"] for each in shown if "organization" in each}
        return {self._records[number][1]["name"] for number in numbers}

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        """Answer a request by its method and what follows /api/v2/."""
        table, *rest = path.strip("/").split("/")
        if method != "GET":
            self.writes.append(f"{method} {path}")
        if table == "project_updates":
            return 200, self._update(int(rest[0]))
        if not rest:
            return (
                (200, self._list(table, query))
                if method == "GET"
                else (201, self._create(table, body))
            )
        number = int(rest[0])
        if len(rest) == 1:
            return self._of_one(method, number, body)
        return self._of_relation(method, number, rest[1], body)

    def _of_one(self, method: str, number: int, body: Json) -> tuple[int, Any]:
        table, record = self._records[number]
        if method == "DELETE":
            del self._records[number]
            return 204, None
        if method == "PATCH":
            self._keep(table, record, body)
        return 200, self._shown(table, record)

    def _of_relation(self, method: str, number: int, name: str, body: Json) -> tuple[int, Any]:
        if name == "survey_spec":
            return 200, self._survey(method, number, body)
        if name == "update":
            self._fetch(number)
            return 202, self._update(number)
        related = self._related.setdefault((number, name), [])
        if method == "GET":
            return 200, _page([self._shown(*self._records[each]) for each in related])
        if body.get("disassociate"):
            related.remove(body["id"])
            return 204, None
        self._check_relation(name, related, body["id"])
        related.append(body["id"])
        return 204, None

    def _check_relation(self, name: str, related: list[int], added: int) -> None:
        if name != "credentials":
            return
        kind = self._records[added][1]["credential_type"]
        if kind in [self._records[each][1]["credential_type"] for each in related]:
            raise RefusedError("Cannot assign multiple credentials of a type.")

    def _survey(self, method: str, number: int, body: Json) -> Json:
        if method == "POST":
            _refuse_any(survey_problems(body))
            self._surveys[number] = body
        return self._surveys.get(number, {})

    def _list(self, table: str, query: Mapping[str, str]) -> Json:
        tables = _UNIFIED if table == "unified_job_templates" else (table,)
        shown = [self._shown(each, record) for each in tables for record in self._all(each)]
        known = {"name", "type", *(field for each in tables for field in _FIELDS[each])}
        known |= {"organization", "or__id", "or__name"}
        known |= {"organization__name", "credential_type__name"}
        if query.keys() - known:
            raise RefusedError(f"{table} cannot be filtered by {', '.join(query)}")
        return _page([r for r in shown if _matches(self._with_names(r), query)])

    def _with_names(self, shown: Json) -> Json:
        """Add the names of what a record refers to."""
        used = {
            field: shown[field] for field in ("organization", "credential_type") if shown.get(field)
        }
        return shown | {
            f"{field}__name": self._records[number][1]["name"] for field, number in used.items()
        }

    def _create(self, table: str, body: Json) -> Json:
        record: Json = {"id": next(self._numbers)}
        self._keep(table, record, body)
        self._records[record["id"]] = (table, record)
        if table != "projects":
            return self._shown(table, record)
        self._fetch(record["id"])
        shown = self._shown(table, record)
        # AWX fetches what is new by itself, and says so.
        return shown | {"summary_fields": {"current_update": {"id": record["id"]}}}

    def _fetch(self, project: int) -> None:
        """Fetch the repository, as it is now."""
        if self.git_answers:
            self._fetched[project] = set(self.playbooks)

    def _update(self, project: int) -> Json:
        """Return the last update of a project. It has the number of its project."""
        return {
            "id": project,
            "url": f"/api/v2/project_updates/{project}/",
            "status": "successful" if self.git_answers else "failed",
            "failed": not self.git_answers,
            "finished": "2026-01-01T00:00:00Z",
            "event_processing_finished": True,
            "scm_revision": self._revision(project),
        }

    def _revision(self, project: int) -> str:
        return " ".join(sorted(self._fetched.get(project, ())))

    def _keep(self, table: str, record: Json, body: Json) -> None:
        """Change a record, unless AWX refuses that."""
        given = {
            name: "" if value is None and name != "host_filter" else value
            for name, value in body.items()
            if name in _FIELDS[table]
        }
        for name, tables in _TABLES.items():
            if name in given and not self._is_in(tables, given[name]):
                raise RefusedError(f"{name}: there is no {given[name]}")
        wanted = {**record, **given}
        self._check_name(table, wanted)
        moves = record.get("organization", wanted.get("organization")) != wanted.get("organization")
        if table == "execution_environments" and moves:
            raise RefusedError("Cannot change the organization of an execution environment")
        check = _CHECKS.get(table)
        if check:
            check(self, wanted)
        record.update(wanted)

    def _check_name(self, table: str, wanted: Json) -> None:
        """Refuse a name that another record has."""
        fields = _UNIQUE.get(table, ("name", "organization"))
        own = self._shown(table, wanted)
        for record in self._all(table):
            other = self._shown(table, record)
            if other["id"] != own["id"] and all(other.get(f) == own.get(f) for f in fields):
                raise RefusedError(f"{table} with this {' and '.join(fields)} already exists.")

    def _is_in(self, tables: tuple[str, ...], number: object) -> bool:
        return isinstance(number, int) and self._records.get(number, ("",))[0] in tables

    def _all(self, table: str) -> list[Json]:
        if table not in _FIELDS:
            raise RefusedError(f"there is no {table}")
        return [record for its, record in self._records.values() if its == table]

    def _shown(self, table: str, record: Json) -> Json:
        """Return a record as a GET shows it."""
        path = f"/api/v2/{table}/{record['id']}/"
        project = self._records[record["project"]][1] if "project" in record else {}
        return {
            **({"managed": False} if table == "credential_types" else {}),
            **({"organization": project["organization"]} if project else {}),
            **({"scm_revision": self._revision(record["id"])} if table == "projects" else {}),
            **record,
            **({"inputs": self._masked(record)} if table == "credentials" else {}),
            "type": "inventory" if table == "inventories" else table[:-1],
            "url": path,
            "related": {name: f"{path}{name}/" for name in ("survey_spec", "update")},
            "summary_fields": {},
        }

    def _masked(self, record: Json) -> Json:
        fields = self._records[record["credential_type"]][1]["inputs"]["fields"]
        secret = {field["id"] for field in fields if field.get("secret")}
        return {name: _SECRET if name in secret else v for name, v in record["inputs"].items()}

    def check_credential_type(self, wanted: Json) -> None:
        """Refuse fields and injectors as AWX does."""
        for field in wanted["inputs"]["fields"]:
            field.setdefault("type", "string")
        _refuse_any(credential_type_problems(wanted["inputs"], wanted["injectors"]))

    def check_credential(self, wanted: Json) -> None:
        """Refuse inputs that the type does not have."""
        inputs = self._records[wanted["credential_type"]][1]["inputs"]
        strange = wanted["inputs"].keys() - {field["id"] for field in inputs["fields"]}
        _refuse_any([f"{name} is no input" for name in strange])
        _refuse_any(
            [f"{name} is missing" for name in inputs["required"] if name not in wanted["inputs"]]
        )

    def check_notification(self, wanted: Json) -> None:
        """Refuse texts, and complete the configuration."""
        _refuse_any(message_problems(wanted["messages"]))
        wanted["notification_configuration"] = {**_WEBHOOK, **wanted["notification_configuration"]}
        wanted["messages"] = {**dict.fromkeys(EVENTS), **wanted["messages"]}

    def check_template(self, wanted: Json) -> None:
        """Refuse a playbook that was not in the repository when it was last fetched."""
        if wanted["playbook"] not in self._fetched.get(wanted["project"], ()):
            raise RefusedError(f"Playbook not found for project: {wanted['playbook']}")

    def check_schedule(self, wanted: Json) -> None:
        """Refuse answers that the survey does not take."""
        if not _RRULE.fullmatch(wanted["rrule"]):
            raise RefusedError(f"rrule: {wanted['rrule']}")
        number = wanted["unified_job_template"]
        asked = self._records[number][1].get("survey_enabled")
        _refuse_any(answer_problems(self._surveys[number] if asked else {}, wanted["extra_data"]))


_CHECKS: Mapping[str, Callable[[StandIn, Json], None]] = {
    "credential_types": StandIn.check_credential_type,
    "credentials": StandIn.check_credential,
    "notification_templates": StandIn.check_notification,
    "job_templates": StandIn.check_template,
    "schedules": StandIn.check_schedule,
}


def _matches(record: Json, query: Mapping[str, str]) -> bool:
    """Say whether a record has all that a query asks for, and one of what it asks for with or."""
    alternatives = [k for k in query if k.startswith("or__")]
    if alternatives and not any(
        str(record.get(k.removeprefix("or__"))) == query[k] for k in alternatives
    ):
        return False
    return all(str(record.get(k)) == v for k, v in query.items() if k not in alternatives)


def _refuse_any(problems: list[str]) -> None:
    if problems:
        raise RefusedError("; ".join(problems))


def _page(records: list[Json]) -> Json:
    return {"count": len(records), "next": None, "previous": None, "results": records}


def _handler_of(awx: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Hands requests over to the state."""

        def _serve(self) -> None:
            split = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"{}")
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                self._send(401, {"detail": "Authentication credentials were not provided."})
                return
            path = split.path.removeprefix("/api/v2/")
            try:
                self._send(*awx.answer(self.command, path, dict(parse_qsl(split.query)), body))
            except RefusedError as refusal:
                self._send(400, {"error": str(refusal), "__all__": [str(refusal)]})

        do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815 - the names are fixed

        def _send(self, status: int, body: Any) -> None:
            content = b"" if body is None else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("X-API-Product-Name", "AWX")
            self.send_header("X-API-Product-Version", "24.6.1")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_arguments: object) -> None:
            """Say nothing on the terminal."""

    return Handler
