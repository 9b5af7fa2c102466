"""Training jobs as values: what is refused, and what their rows say of their versions."""

import json
from dataclasses import replace
from typing import Any

import orjson
import pytest

from schemas.training import CreateTrainingVersion
from schemas.training_rows import TrainingJobRecord, TrainingVersionRecord
from streams.errors import RejectedError
from streams.repeats import digest_of
from streams.training.jobs import check_new, key_of, new_version, summarised
from streams.training.listing import Listing, listed
from tests.unit.streams.training.samples import AT, CONFIG, DEEPAR, LIMITS, NEEDED, command, job, made, version


class TestCreated:
    """What may be asked for."""

    def test_T081_a_new_job(self) -> None:
        """Status 1, version V0001 with an id that is unique in the project, and the epochs that it will have."""
        sent = replace(DEEPAR, parameters={**NEEDED, "epochs": "20"})
        parameter = [{"label": label, "value": value} for label, value in sent.parameters.items()]
        config = {"worker_server_num": 1, "model_id": 5, "parameter": parameter, "data_url": "/uploads/flights.jsonl"}

        assert made(sent) == (
            TrainingJobRecord(
                project_id="p1",
                job_id=11,
                job_name="flights",
                version_id=11,
                version_name="V0001",
                command_id="c-1",
                create_time=AT,
                status=1,
                data_url="",
                endpoint="flights",
                digest=digest_of(sent),
                next_version=2,
                version_count=1,
            ),
            TrainingVersionRecord(
                project_id="p1",
                job_id=11,
                version_id=11,
                number=1,
                version_name="V0001",
                job_name="flights",
                command_id="c-1",
                create_time=AT,
                status=1,
                config=orjson.dumps(config).decode(),
                epochs=20,
                digest=digest_of(sent),
            ),
        )

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"job_name": "a b"}, ["job_name", "'a b'"]),
            ({"job_name": "n" * 65}, ["job_name"]),
            ({"job_name": ""}, ["job_name"]),
            ({"project_id": "a/b"}, ["project_id", "'a/b'"]),
            ({"project_id": ""}, ["project_id"]),
            ({"job_id": 0}, ["job_id", "0"]),
            ({"job_id": 2**53}, ["job_id"]),
            ({"job_desc": "d" * 257}, ["job_desc", "256"]),
            ({"workspace_id": "w" * 65}, ["workspace_id", "64"]),
            ({"command_id": "c" * 201}, ["command_id", "200"]),
            ({"data_url": "/uploads/../secret"}, ["data_url"]),
            ({"data_url": ""}, ["data_url"]),
            ({"train_url": "/usr/../../etc"}, ["train_url"]),
            ({"log_url": "../x"}, ["log_url"]),
            ({"config": "[]"}, ["config", "JSON object"]),
            ({"config": "{"}, ["config", "JSON object"]),
            ({"config": json.dumps({"user_command": "c" * 65_536})}, ["config", "65536"]),
            ({"parameters": {"prediction_length": 7}}, ["parameter", "time_freq"]),
            ({"parameters": {"time_freq": "D"}}, ["parameter", "prediction_length"]),
            ({"parameters": {**NEEDED, "time_freq": "daily"}}, ["parameter", "time_freq", "daily"]),
            ({"parameters": {**NEEDED, "epochs": "many"}}, ["parameter", "epochs", "many"]),
            ({"parameters": {**NEEDED, "cardinality": "x"}}, ["parameter", "cardinality"]),
            ({"parameters": {**NEEDED, "": 1}}, ["parameter", "label"]),
            ({"parameters": {**NEEDED, "note": "n" * 65_536}}, ["config", "65536"]),
            ({"parameters": {**NEEDED, "DEEPAR_INFERENCE_CONFIG": "{"}}, ["DEEPAR_INFERENCE_CONFIG", "JSON"]),
            ({"parameters": {**NEEDED, "DEEPAR_INFERENCE_CONFIG": 5}}, ["DEEPAR_INFERENCE_CONFIG", "text"]),
            ({"parameters": {**NEEDED, "DEEPAR_INFERENCE_CONFIG": '{"num_samples": 1001}'}}, ["1000"]),
        ],
    )
    def test_T034_what_cannot_be_is_refused_by_name(self, changes: dict[str, Any], words: list[str]) -> None:
        """400, 0104, and a message that names field and problem; paths outside the data root too (T-193)."""
        with pytest.raises(RejectedError) as refused:
            made(replace(DEEPAR, **changes))

        assert (refused.value.status, refused.value.code) == (400, "ModelArts.0104")
        assert all(word in refused.value.message for word in words), refused.value.message

    def test_D071_sagemakers_texts_are_understood(self) -> None:
        """Its clients send every value as a text, and "" for none."""
        given = {"time_freq": "15min", "prediction_length": "7", "cardinality": "", "num_dynamic_feat": "auto"}

        assert version(replace(DEEPAR, parameters=given)).note is None

    def test_T075_unknown_labels_are_ignored_with_a_note(self) -> None:
        """The samples give every algorithm a batch_size; the endpoint's configuration is no unknown label."""
        given = {**NEEDED, "batch_size": "32", "DEEPAR_INFERENCE_CONFIG": '{"num_samples": 10}', "x": 1}

        assert version(replace(DEEPAR, parameters=given)).note == "DeepAR has no use for: batch_size, x"

    def test_T160_a_stored_configuration_has_what_is_left_out(self) -> None:
        """What the job says wins; its form of data takes the place of the other."""
        sent = command({"spec_id": 3, "dataset_id": "a", "dataset_version_id": "b"})
        _, found = made(sent, **CONFIG)

        assert found is not None
        kept = {name: value for name, value in CONFIG.items() if name != "data_url"}
        assert json.loads(found.config) == {**kept, **json.loads(sent.config)}

    def test_T070_no_version_yet(self) -> None:
        """The next one is the first."""
        found, none = made(command({**CONFIG, "create_version": False}))

        assert none is None
        assert (found.version_count, found.version_id, found.status, found.next_version) == (0, 0, 0, 1)

    def test_T114_a_producer_may_choose_the_versions_id(self) -> None:
        """Else it is the job's."""
        assert version(command(version_id=12)).version_id == 12
        with pytest.raises(RejectedError, match="version_id"):
            made(command(version_id=2**53))


class TestCheckNew:
    """Names and the number of jobs."""

    def test_T084_a_name_is_taken_once(self) -> None:
        """In the contract's words."""
        with pytest.raises(RejectedError) as refused:
            check_new(job(), [job(job_id=12)], most=9)

        assert (refused.value.status, refused.value.code) == (400, "ModelArts.0103")
        assert refused.value.message == "Job name:flights is existed"

    def test_T085_names_differ_by_case_and_workspace(self) -> None:
        """Exact comparison."""
        check_new(job(), [job(job_id=12, job_name="Flights"), job(job_id=13, workspace_id="other")], most=9)

    def test_D070_names_of_endpoints_have_no_workspace(self) -> None:
        """Two jobs of DeepAR would have one endpoint."""
        with pytest.raises(RejectedError, match="Job name:flights is existed"):
            check_new(job(endpoint="flights"), [job(job_id=12, workspace_id="w", endpoint="flights")], most=9)

    def test_T105_a_project_has_only_so_many(self) -> None:
        """0116."""
        others = [job(job_id=number + 20, job_name=f"n{number}") for number in range(3)]
        check_new(job(), others, most=4)

        with pytest.raises(RejectedError) as refused:
            check_new(job(), others, most=3)
        assert (refused.value.status, refused.value.code) == (400, "ModelArts.0116")


class TestNewVersion:
    """CreateTrainingVersion."""

    SENT = CreateTrainingVersion("c-2", "p1", 11, 50, orjson.dumps(CONFIG).decode())

    def next(self, sent: CreateTrainingVersion = SENT, *before: TrainingVersionRecord, **changes: Any) -> Any:
        """Job and version after it."""
        known = before or (version(),)
        return new_version(sent, job(**changes), known, {}, LIMITS, at=AT + 5, most=9)

    def test_T113_the_next_number(self) -> None:
        """The job is shown as its newest version is."""
        found, second = self.next()

        assert (second.version_id, second.version_name, second.number, second.status) == (50, "V0002", 2, 1)
        assert (second.command_id, second.create_time, second.digest) == ("c-2", AT + 5, digest_of(self.SENT))
        assert (found.version_id, found.version_name, found.version_count, found.next_version) == (50, "V0002", 2, 3)

    def test_T082_a_number_is_never_used_again(self) -> None:
        """Also where the versions that had it are gone."""
        assert self.next(next_version=8)[1].version_name == "V0008"
        assert new_version(self.SENT, job(next_version=3), [], {}, LIMITS, at=AT, most=9)[1].version_name == "V0003"

    def test_T111_where_it_comes_from(self) -> None:
        """The newest, or the one that is named, which must be there."""
        versions = version(), version(version_id=20, number=2)
        named = replace(self.SENT, config=orjson.dumps({**CONFIG, "pre_version_id": "11"}).decode())
        unknown = replace(self.SENT, config=orjson.dumps({**CONFIG, "pre_version_id": 12}).decode())

        assert self.next(self.SENT, *versions)[1].pre_version_id == 20
        assert self.next(named, *versions)[1].pre_version_id == 11
        with pytest.raises(RejectedError, match="pre_version_id") as refused:
            self.next(unknown, *versions)
        assert (refused.value.status, refused.value.code) == (404, "ModelArts.0105")

    def test_T115_a_description_replaces_the_jobs(self) -> None:
        """Where it is given."""
        assert self.next(replace(self.SENT, job_desc="new"), job_desc="old")[0].job_desc == "new"
        assert self.next(self.SENT, job_desc="old")[0].job_desc == "old"
        with pytest.raises(RejectedError, match="job_desc"):
            self.next(replace(self.SENT, job_desc="d" * 257))

    def test_T105_a_job_has_only_so_many(self) -> None:
        """0116."""
        with pytest.raises(RejectedError) as refused:
            new_version(self.SENT, job(), [version()], {}, LIMITS, at=AT, most=1)

        assert refused.value.code == "ModelArts.0116"

    def test_pre_version_id_is_not_of_jobs(self) -> None:
        """They have none before."""
        with pytest.raises(RejectedError, match="pre_version_id"):
            made(command({**CONFIG, "pre_version_id": 1}))


def test_T137_a_job_may_have_no_version_left() -> None:
    """It stays, and remembers the numbers that it has used."""
    left = summarised(job(next_version=4), [])

    assert (left.version_count, left.version_id, left.status, left.next_version) == (0, 0, 0, 4)


class TestListed:
    """The list of a project's jobs."""

    JOBS = (
        job(job_id=3, job_name="b", job_desc="x", status=10, start_time=AT, changed=AT + 50, create_time=AT),
        job(job_id=1, job_name="a", job_desc="y", status=8, start_time=AT, create_time=AT + 2),
        job(job_id=2, job_name="B", job_desc="x", status=7, create_time=AT + 1),
        job(job_id=4, job_name="other", workspace_id="w1"),
    )

    def ids(self, **asked: Any) -> tuple[int, list[int]]:
        """How many fit, and the jobs of the page."""
        total, jobs = listed(self.JOBS, Listing(**asked), now=AT + 1000)
        return total, [job["job_id"] for job in jobs]

    @pytest.mark.parametrize(
        ("asked", "ids"),
        [
            ({}, [2, 1, 3]),  # capitals before small letters
            ({"descending": True}, [3, 1, 2]),
            ({"sort_by": "job_desc"}, [2, 3, 1]),
            ({"sort_by": "job_desc", "descending": True}, [1, 2, 3]),  # equal keys: by job_id, ascending
            ({"sort_by": "status"}, [2, 1, 3]),
            ({"sort_by": "duration"}, [2, 3, 1]),
            ({"sort_by": "create_time"}, [3, 2, 1]),
            ({"sort_by": "version_count"}, [1, 2, 3]),
            ({"statuses": frozenset((7, 10))}, [2, 3]),
            ({"search_content": "B"}, [2, 3]),
            ({"workspace_id": "w1"}, [4]),
            ({"workspace_id": "w2"}, []),
        ],
    )
    def test_T093_order_and_filters(self, asked: dict[str, Any], ids: list[int]) -> None:
        """As T-094 … T-100 say."""
        assert self.ids(**asked) == (len(ids), ids)

    def test_T104_pages(self) -> None:
        """The number is that of all pages; past the end there is nothing."""
        assert self.ids(per_page=2) == (3, [2, 1])
        assert self.ids(per_page=2, page=2) == (3, [3])
        assert self.ids(per_page=2, page=3) == (3, [])

    def test_T102_fields(self) -> None:
        """All of them, with the state of the newest version."""
        _, (shown,) = listed(self.JOBS, Listing(search_content="a"), now=AT + 1000)

        assert shown == {
            "job_id": 1,
            "job_name": "a",
            "version_id": 11,
            "status": 8,
            "create_time": AT + 2,
            "duration": 1000,
            "job_desc": "y",
            "version_count": 1,
        }

    def test_T137_a_job_without_versions_has_no_status(self) -> None:
        """Nobody filters for it by one of ours."""
        jobs = [summarised(job(), [])]
        total, (shown,) = listed(jobs, Listing(), now=AT)

        assert total == 1
        assert not {"version_id", "status"} & set(shown)
        assert listed(jobs, Listing(statuses=frozenset((1,))), now=AT) == (0, [])


def test_rows_lie_under_project_and_job() -> None:
    """Two projects may have jobs of one id: producers choose theirs."""
    assert key_of("p1", 11) == b"p1/11"


def test_T052_a_workspace_of_nothing_is_the_default_one() -> None:
    """An event's job was in a workspace that no list shows, and its name free in the one that it was meant for."""
    (job, _), (other, _) = made(command(workspace_id="")), made(command(job_id=12, version_id=12))

    assert job.workspace_id == "0"
    with pytest.raises(RejectedError, match="flights is existed"):
        check_new(other, [job], most=10)
