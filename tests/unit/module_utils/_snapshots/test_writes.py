# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each write is carried out exactly once, whatever becomes of its answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._http.errors import ApiError
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.settings import Settings
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.vms import ClusterVms
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots import writes
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.ownership import (
    REQUEST_ID,
)
from unit.builders import Json, desired_snapshot, key_of, manifest
from unit.palette_in_memory import (
    BROKEN,
    FORBIDDEN,
    LOST,
    TIMED_OUT,
    Call,
    MemoryPalette,
    cluster_vms,
    connected,
)

DESIRED = desired_snapshot(labels={"mine": "1"})
MARKED = writes.marked(DESIRED, "request-1")
DB1 = key_of("db1")
NO_RETRIES = Settings("https://palette.example", "a-key", retries=0)


@pytest.fixture(params=[False, True], ids=["kubernetes", "go-swagger"])
def palette(request: pytest.FixtureRequest) -> Iterator[MemoryPalette]:
    """An empty Palette, in each of its JSON styles."""
    palette = MemoryPalette(go_swagger=request.param)
    with connected(palette):
        yield palette


@pytest.fixture
def api(palette: MemoryPalette) -> ClusterVms:
    """Its cluster."""
    return cluster_vms(palette)


# create


def test_create_sends_the_body_with_a_request_id(palette: MemoryPalette, api: ClusterVms) -> None:
    created = writes.create(api, MARKED)
    stored = palette.stored["c1", "vms", "s"]
    assert created.uid == stored.metadata["uid"]
    assert (created.phase, created.ready) == ("", False)
    assert list(stored.metadata["annotations"]) == [REQUEST_ID]
    assert stored.metadata["labels"] == DESIRED.body["metadata"]["labels"]
    assert stored.manifest["spec"] == DESIRED.body["spec"]
    assert "annotations" not in DESIRED.body["metadata"]


@pytest.mark.parametrize("error", [LOST, TIMED_OUT, BROKEN])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("times", [1, 2])
def test_create_makes_one_snapshot_when_answers_are_lost(
    palette: MemoryPalette, api: ClusterVms, error: ApiError, when: str, times: int
) -> None:
    palette.fail("POST", *[error] * times, when=when)
    created = writes.create(api, MARKED)
    assert palette.names() == ["s"]
    assert created.uid == palette.stored["c1", "vms", "s"].metadata["uid"]
    assert len(palette.writes("POST")) == (times + 1 if when == "before" else 1)


def test_create_knows_a_request_that_arrives_late_as_its_own(
    palette: MemoryPalette, api: ClusterVms
) -> None:
    def deliver_the_first_with_the_second(call: Call) -> None:
        first, *again = palette.writes("POST")
        if call.method != "POST":
            return
        if not again:
            raise LOST
        assert first.body
        palette.add_snapshot("s", DB1, annotations=first.body["metadata"]["annotations"])

    palette.before = deliver_the_first_with_the_second
    assert writes.create(api, MARKED).ready
    assert len(palette.writes("POST")) == 2


@pytest.mark.parametrize("vm_name", ["db1", "db2"])
def test_create_is_a_conflict_when_somebody_takes_the_name_meanwhile(
    palette: MemoryPalette, api: ClusterVms, vm_name: str
) -> None:
    def be_faster(call: Call) -> None:
        if call.kind == "LIST":
            palette.add_snapshot("s", key_of(vm_name))

    palette.fail("POST", LOST)
    palette.before = be_faster
    with pytest.raises(writes.NameTakenError) as caught:
        writes.create(api, MARKED)
    assert caught.value.reason == "conflict"
    assert caught.value.listed.key == key_of(vm_name)
    assert vm_name == "db1" or "db2" in caught.value.message


def test_create_leaves_the_outcome_open_when_the_list_fails_too(
    palette: MemoryPalette, api: ClusterVms
) -> None:
    palette.fail("POST", LOST)
    palette.fail("LIST", FORBIDDEN)
    with pytest.raises(ApiError) as caught:
        writes.create(api, MARKED)
    assert caught.value.reason == "unreachable"
    assert caught.value.outcome_unknown
    assert "not known" in caught.value.message
    assert "HTTP 403: no" in caught.value.message


def test_create_gives_up_after_the_retries(palette: MemoryPalette, api: ClusterVms) -> None:
    palette.fail("POST", *[LOST] * 10)
    with pytest.raises(ApiError) as caught:
        writes.create(api, MARKED)
    assert caught.value.reason == "unreachable"
    assert len(palette.writes("POST")) == 1 + api.retries == 3
    assert palette.names() == []


def test_create_does_not_repeat_what_is_refused(palette: MemoryPalette, api: ClusterVms) -> None:
    palette.fail("POST", ApiError("rejected", "webhook denied the request", http_status=422))
    with pytest.raises(ApiError) as caught:
        writes.create(api, MARKED)
    assert (caught.value.reason, caught.value.facts) == ("rejected", {"http_status": 422})
    assert len(palette.calls) == 1


class ConfusedPalette(MemoryPalette):
    """Carries out a POST, and answers it with something else."""

    answer: Json

    def call(self, method: str, path: str, *args: object, **kwargs: object) -> Json:
        """Answer one request."""
        answer = super().call(method, path, *args, **kwargs)  # type: ignore[arg-type]
        return self.answer if method == "POST" else answer


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"status": "ok"},
        {"metadata": {"name": "s"}},
        {"metadata": []},
        manifest(name="another"),
        manifest(vm_name="db2"),
    ],
)
@pytest.mark.parametrize("settings", [NO_RETRIES, NO_RETRIES._replace(retries=2)])
def test_create_asks_the_list_when_the_answer_is_not_the_snapshot(
    answer: Json, settings: Settings
) -> None:
    palette = ConfusedPalette()
    palette.answer = answer
    palette.connect(settings)
    with connected(palette):
        created = writes.create(cluster_vms(palette), MARKED)
    assert (created.key, created.name) == (DB1, "s")
    assert len(palette.writes()) == 1


# update


def test_update_leaves_what_others_wrote(palette: MemoryPalette, api: ClusterVms) -> None:
    stored = palette.add_snapshot("s", DB1, {"theirs": "1", "mine": "0"})
    assert writes.update(api, DESIRED).labels == {"theirs": "1", "mine": "1"}
    assert stored.metadata["labels"] == {"theirs": "1", "mine": "1"}


def test_update_sends_back_only_what_a_client_may_set(
    palette: MemoryPalette, api: ClusterVms
) -> None:
    stored = palette.add_snapshot("s", DB1)
    stored.metadata.update(
        managedFields=[{"manager": "virt-controller"}],
        generation=3,
        finalizers=["snapshot.kubevirt.io/vmsnapshot-protection"],
        ownerReferences=[],
    )
    writes.update(api, desired_snapshot(DB1, labels={"purpose": "patch"}))
    (put,) = palette.writes("PUT")
    assert put.body
    assert set(put.body) == {"apiVersion", "kind", "metadata", "spec"}
    always = {"name", "namespace", "uid", "resourceVersion", "labels", "annotations"}
    assert always <= set(put.body["metadata"]) <= always | {"finalizers", "ownerReferences"}


def test_update_writes_nothing_when_somebody_else_did_meanwhile(
    palette: MemoryPalette, api: ClusterVms
) -> None:
    palette.add_snapshot("s", DB1, {"mine": "1"})
    assert writes.update(api, DESIRED).labels == {"mine": "1"}
    assert palette.writes() == []


@pytest.mark.parametrize("moment", ["LIST", "PUT"])
def test_update_leaves_what_others_write_meanwhile(
    palette: MemoryPalette, api: ClusterVms, moment: str
) -> None:
    stored = palette.add_snapshot("s", DB1, {"mine": "0"})

    def label_once(call: Call) -> None:
        if call.kind == moment and "theirs" not in stored.metadata["labels"]:
            stored.label(theirs="late")

    palette.before = label_once
    writes.update(api, DESIRED)
    assert stored.metadata["labels"] == {"mine": "1", "theirs": "late"}
    assert len(palette.writes("PUT")) == (2 if moment == "PUT" else 1)


def test_update_reads_again_after_each_conflict(palette: MemoryPalette, api: ClusterVms) -> None:
    palette.add_snapshot("s", DB1)
    palette.fail("PUT", *[ApiError("conflict", "modified", outcome_unknown=True)] * 2)
    assert writes.update(api, DESIRED).labels == {"mine": "1"}
    assert len(palette.writes("PUT")) == 3


@pytest.mark.parametrize("error", [LOST, TIMED_OUT, BROKEN])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("times", [1, 2])
def test_update_writes_once_when_answers_are_lost(
    palette: MemoryPalette, api: ClusterVms, error: ApiError, when: str, times: int
) -> None:
    stored = palette.add_snapshot("s", DB1)
    palette.fail("PUT", *[error] * times, when=when)
    assert writes.update(api, DESIRED).labels == {"mine": "1"}
    assert stored.metadata["labels"] == {"mine": "1"}
    assert len(palette.writes("PUT")) == (times + 1 if when == "before" else 1)


def test_update_asks_the_list_even_without_retries(palette: MemoryPalette, api: ClusterVms) -> None:
    palette.connect(NO_RETRIES)
    palette.add_snapshot("s", DB1)
    palette.fail("PUT", LOST, when="after")
    assert writes.update(api, DESIRED).labels == {"mine": "1"}


@pytest.mark.parametrize("how", ["being deleted", "gone", "another VM's"])
def test_update_ends_when_the_snapshot_was_deleted_meanwhile(
    palette: MemoryPalette, api: ClusterVms, how: str
) -> None:
    if how == "being deleted":
        palette.begin_deletion(palette.add_snapshot("s", DB1))
    elif how == "another VM's":
        palette.add_snapshot("s", key_of("db2"))
    with pytest.raises(ApiError) as caught:
        writes.update(api, DESIRED)
    assert caught.value.reason == "snapshot_disappeared"
    assert palette.writes() == []


# delete


@pytest.mark.parametrize("error", [LOST, TIMED_OUT, BROKEN])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("gone_after", [0.0, 100.0])
def test_delete_deletes_once_when_the_answer_is_lost(
    palette: MemoryPalette, api: ClusterVms, error: ApiError, when: str, gone_after: float
) -> None:
    stored = palette.add_snapshot("s", DB1)
    palette.gone_after = gone_after
    palette.fail("DELETE", error, when=when)
    writes.delete(api, DB1, "s", stored.metadata["uid"])
    assert stored.deleting
    assert len(palette.writes("DELETE")) == (2 if when == "before" else 1)


@pytest.mark.parametrize("vm_name", ["db1", "db2"])
def test_delete_leaves_the_next_snapshot_of_the_name_alone(
    palette: MemoryPalette, api: ClusterVms, vm_name: str
) -> None:
    stored = palette.add_snapshot("s", DB1)

    def lose_the_answer(_call: Call) -> None:
        palette.add_snapshot("s", key_of(vm_name))
        raise LOST

    palette.after = lose_the_answer
    writes.delete(api, DB1, "s", stored.metadata["uid"])
    assert len(palette.writes("DELETE")) == 1
    assert not palette.stored["c1", "vms", "s"].deleting


def test_delete_is_done_when_the_snapshot_is_gone_already(
    palette: MemoryPalette, api: ClusterVms
) -> None:
    writes.delete(api, DB1, "s", "uid-1")
    assert [call.kind for call in palette.calls][:2] == ["DELETE", "LIST"]
    assert len(palette.writes()) == 1


def test_delete_fails_when_what_is_not_found_is_listed(
    palette: MemoryPalette, api: ClusterVms
) -> None:
    palette.add_snapshot("s", DB1)
    missing = ApiError("not_found", "no such VM", outcome_unknown=True)
    palette.fail("DELETE", *[missing] * 5)
    with pytest.raises(ApiError) as caught:
        writes.delete(api, DB1, "s")
    assert caught.value.reason == "not_found"
