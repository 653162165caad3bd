# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetching kubeconfigs, against a real HTTP server: which file, how often, and what is missing."""

from __future__ import annotations

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._http.errors import ApiError
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.client import (
    PaletteClient,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.clusters import Cluster
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.kubeconfig import (
    kubeconfig_of,
)
from unit.fakes import Answer, ScriptedServer
from unit.module_utils._palette.calls import error_of

CLUSTER = Cluster("c1", "one", "p1", of_project=True)
ASSETS = "/v1/spectroclusters/c1/assets"
FORBIDDEN = Answer({"code": "OperationForbidden", "message": "no"}, 403)
NONE = Answer({"code": "ResourceNotFound", "message": "no kubeconfig"}, 404)


def parse(text: str) -> str:
    """Read what begins as a kubeconfig, unless a program has to log in."""
    if "exec" in text:
        raise ApiError("kubeconfig_unusable", "a program has to log in")
    return f"parsed {text}"


def file(text: str) -> Answer:
    """Return the answer that is a file."""
    return Answer(text.encode(), headers={"Content-Type": "application/octet-stream"})


def test_kubeconfig_of_is_the_admins_and_fetched_once(
    server: ScriptedServer, client: PaletteClient
) -> None:
    server.script(file("admin"))
    for _number in range(3):
        assert kubeconfig_of(client, CLUSTER, parse, through_proxy=True) == "parsed admin"
    (request,) = server.received
    assert (request.method, request.path) == ("GET", f"{ASSETS}/adminKubeconfig")
    assert request.headers["projectuid"] == "p1"
    assert "application/octet-stream" in request.headers["accept"]


def test_kubeconfig_of_is_fetched_for_each_cluster(
    server: ScriptedServer, client: PaletteClient
) -> None:
    server.script(file("first"), file("second"))
    other = CLUSTER._replace(uid="c2")
    assert kubeconfig_of(client, CLUSTER, parse, through_proxy=True) == "parsed first"
    assert kubeconfig_of(client, other, parse, through_proxy=True) == "parsed second"


@pytest.mark.parametrize("refused", [FORBIDDEN, NONE])
@pytest.mark.parametrize(("through_proxy", "frp"), [(True, "true"), (False, "false")])
def test_kubeconfig_of_is_the_users_where_there_is_no_admins(
    server: ScriptedServer, client: PaletteClient, refused: Answer, through_proxy: bool, frp: str
) -> None:
    server.script(refused, file("user"))
    assert kubeconfig_of(client, CLUSTER, parse, through_proxy) == "parsed user"
    assert [request.path for request in server.received] == [
        f"{ASSETS}/adminKubeconfig",
        f"{ASSETS}/kubeconfig?frp={frp}",
    ]


def test_kubeconfig_of_says_that_the_users_needs_a_program(
    server: ScriptedServer, client: PaletteClient
) -> None:
    server.script(FORBIDDEN, file("exec"))
    error = error_of(kubeconfig_of, client, CLUSTER, parse, through_proxy=True)
    assert error.reason == "kubeconfig_unusable"


@pytest.mark.parametrize("other", [FORBIDDEN, NONE])
def test_kubeconfig_of_names_the_permission_that_is_missing(
    server: ScriptedServer, client: PaletteClient, other: Answer
) -> None:
    server.script(FORBIDDEN, other)
    error = error_of(kubeconfig_of, client, CLUSTER, parse, through_proxy=True)
    assert error.reason == "forbidden"
    assert "the permission cluster.adminKubeconfigDownload" in error.message


@pytest.mark.parametrize("other", [FORBIDDEN, NONE])
def test_kubeconfig_of_says_that_palette_has_none(
    server: ScriptedServer, client: PaletteClient, other: Answer
) -> None:
    server.script(NONE, other)
    error = error_of(kubeconfig_of, client, CLUSTER, parse, through_proxy=True)
    assert error.reason == "not_found"
    assert "Palette has no kubeconfig of this cluster" in error.message
    assert "cluster.adminKubeconfigDownload" not in error.message


@pytest.mark.parametrize("answers", [[Answer(b"", 401)], [FORBIDDEN, Answer(b"", 401)]])
def test_kubeconfig_of_hands_another_error_on_and_asks_again(
    server: ScriptedServer, client: PaletteClient, answers: list[Answer]
) -> None:
    server.script(*answers, file("admin"))
    error = error_of(kubeconfig_of, client, CLUSTER, parse, through_proxy=True)
    assert error.reason == "unauthorized"
    assert kubeconfig_of(client, CLUSTER, parse, through_proxy=True) == "parsed admin"


def test_kubeconfig_of_a_tenants_cluster_is_asked_for_in_its_scope(
    server: ScriptedServer, client: PaletteClient
) -> None:
    not_there = Answer({"code": "ResourceNotFound", "message": "Cluster not found"}, 404)
    own_word = Answer({"metadata": {"uid": "c1", "annotations": {"scope": "tenant"}}})
    server.script(not_there, own_word, file("admin"))
    guessed = CLUSTER._replace(of_project=False)
    assert kubeconfig_of(client, guessed, parse, through_proxy=True) == "parsed admin"
    assert [request.headers.get("projectuid") for request in server.received] == ["p1", None, None]


def test_kubeconfig_of_does_not_believe_another_status(
    server: ScriptedServer, client: PaletteClient
) -> None:
    server.script(file("admin")._replace(status=203))
    error = error_of(kubeconfig_of, client, CLUSTER, parse, through_proxy=True)
    assert error.reason == "malformed_response"
    assert "admin" not in error.message.replace("adminKubeconfig", "")
