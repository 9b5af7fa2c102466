"""Training jobs as values: what is refused, how rows move forward, and how clients see them."""

import json
import math
import re
from dataclasses import replace
from typing import Any

import orjson
import pytest

from schemas.training import TrainDeepAR, TrainingStatus
from schemas.training_rows import TrainingJobRecord
from streams.errors import RejectedError
from streams.repeats import digest_of
from streams.training.jobs import ENDED, TrainingState, advanced, begun, check_new, check_stop, key_of, sent, stopping
from streams.views.training.summaries import Listing, created, listed, named, version

AT = 1_600_000_000_000
NEEDED: dict[str, Any] = {"time_freq": "D", "prediction_length": 7}
COMMAND = TrainDeepAR("c-1", "p1", 11, "flights", "/uploads/flights.jsonl", NEEDED)


def row(command: TrainDeepAR = COMMAND, **changes: Any) -> TrainingJobRecord:
    """A job as it is after the command, with changes."""
    return replace(begun(command, at=AT, max_samples=1000), **changes)


def told(status: int, **fields: Any) -> TrainingStatus:
    """What a trainer says of it."""
    return TrainingStatus("p1", 11, 11, status, AT + 1000, **fields)


class TestBegun:
    """What may be asked for."""

    def test_T081_a_new_job(self) -> None:
        """Status 1, version V0001 with an id that is unique in the project, and the epochs that it will have."""
        command = replace(COMMAND, parameters={**NEEDED, "epochs": "20"})

        assert row(command) == TrainingJobRecord(
            project_id="p1",
            job_id=11,
            job_name="flights",
            version_id=11,
            version_name="V0001",
            command_id="c-1",
            create_time=AT,
            status=1,
            data_url="/uploads/flights.jsonl",
            parameters={**NEEDED, "epochs": "20"},
            epochs=20,
            digest=digest_of(command),
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
            ({"parameters": {**NEEDED, "note": "n" * 65_536}}, ["parameter", "65536"]),
            ({"parameters": {**NEEDED, "DEEPAR_INFERENCE_CONFIG": "{"}}, ["DEEPAR_INFERENCE_CONFIG", "JSON"]),
            ({"parameters": {**NEEDED, "DEEPAR_INFERENCE_CONFIG": 5}}, ["DEEPAR_INFERENCE_CONFIG", "text"]),
            ({"parameters": {**NEEDED, "DEEPAR_INFERENCE_CONFIG": '{"num_samples": 1001}'}}, ["1000"]),
        ],
    )
    def test_T034_what_cannot_be_is_refused_by_name(self, changes: dict[str, Any], words: list[str]) -> None:
        """400, 0104, and a message that names field and problem; paths outside the data root too (T-193)."""
        with pytest.raises(RejectedError) as refused:
            row(replace(COMMAND, **changes))

        assert refused.value.status == 400
        assert refused.value.code in ("ModelArts.0104", "invalid_request")
        assert all(word in refused.value.message for word in words), refused.value.message

    def test_D071_sagemakers_texts_are_understood(self) -> None:
        """Its clients send every value as a text, and "" for none."""
        given = {"time_freq": "15min", "prediction_length": "7", "cardinality": "", "num_dynamic_feat": "auto"}

        assert row(replace(COMMAND, parameters=given)).note is None

    def test_T075_unknown_labels_are_ignored_with_a_note(self) -> None:
        """The samples give every algorithm a batch_size; the endpoint's configuration is no unknown label."""
        given = {**NEEDED, "batch_size": "32", "DEEPAR_INFERENCE_CONFIG": '{"num_samples": 10}', "x": 1}
        note = row(replace(COMMAND, parameters=given)).note

        assert note == "DeepAR has no use for: batch_size, x"


class TestCheckNew:
    """Names and the number of jobs."""

    def test_T084_a_name_is_taken_once(self) -> None:
        """In the contract's words."""
        with pytest.raises(RejectedError) as refused:
            check_new(row(), [row(job_id=12, workspace_id="other")], most=9)

        assert (refused.value.status, refused.value.code) == (400, "ModelArts.0103")
        assert refused.value.message == "Job name:flights is existed"

    def test_T085_names_differ_by_case(self) -> None:
        """Exact comparison."""
        check_new(row(), [row(job_name="Flights")], most=9)

    def test_T105_a_project_has_only_so_many(self) -> None:
        """0116."""
        others = [row(job_name=f"n{number}") for number in range(3)]
        check_new(row(), others, most=4)

        with pytest.raises(RejectedError) as refused:
            check_new(row(), others, most=3)
        assert (refused.value.status, refused.value.code) == (400, "ModelArts.0116")


class TestAdvanced:
    """What a trainer tells."""

    def test_T042_a_training_from_its_beginning_to_its_end(self) -> None:
        """1, 7, 8 with progress, 10 with scores and the endpoint."""
        record = sent(row(), 12)
        assert (record.status, record.run_offset) == (7, 12)

        record = advanced(record, told(8, epochs=20))
        assert (record.status, record.start_time, record.epoch, record.epochs) == (8, AT + 1000, 0, 20)
        record = advanced(record, replace(told(8, epoch=3, epochs=20, loss=1.5, validation_loss=1.25), at=AT + 2000))
        assert (record.start_time, record.changed, record.epoch) == (AT + 1000, AT + 2000, 3)
        assert (record.loss, record.validation_loss) == (1.5, 1.25)
        record = advanced(record, replace(told(10, metrics={"wQL": 0.1}, endpoint="flights"), at=AT + 3000))
        assert (record.status, record.metrics, record.endpoint) == (10, {"wQL": 0.1}, "flights")
        assert (record.epoch, record.epochs, record.loss, record.validation_loss) == (3, 20, 1.5, 1.25)

    @pytest.mark.parametrize("ended", sorted(ENDED))
    def test_T042_an_end_is_final(self, ended: int) -> None:
        """Whatever is told late, or again by a replay of the log."""
        record = row(status=ended)

        assert all(advanced(record, told(status)) is record for status in (7, 8, 10, 11, 12))

    @pytest.mark.parametrize(("before", "status", "after"), [(8, 7, 8), (9, 8, 9), (9, 7, 9), (9, 12, 12), (9, 10, 10)])
    def test_T042_never_back(self, before: int, status: int, after: int) -> None:
        """A stopping job does not run again; it may complete, if the stop came too late."""
        assert advanced(row(status=before), told(status)).status == after

    @pytest.mark.parametrize("status", [0, 1, 2, 9, 22, -1])
    def test_a_trainer_cannot_tell_everything(self, status: int) -> None:
        """1 and 9 are not the trainer's to say."""
        with pytest.raises(RejectedError, match=f"status {status} "):
            advanced(row(), told(status))

    def test_messages_are_bounded_and_stay(self) -> None:
        """A row must fit into a record; progress without a message does not clear the last one."""
        record = advanced(row(), told(8, message="m" * 5000))

        assert len(record.message or "") == 2001
        assert advanced(record, told(8, epoch=1)).message == record.message


class TestStop:
    """Who may be stopped."""

    @pytest.mark.parametrize("status", [1, 7, 8, 9])
    def test_T134_what_has_not_ended(self, status: int) -> None:
        """Also what is being stopped already."""
        check_stop(row(status=status), 11)

        assert stopping(row(status=status)).status == 9

    @pytest.mark.parametrize("status", sorted(ENDED))
    def test_T134_what_has_ended_cannot_be_stopped(self, status: int) -> None:
        """400, 0105."""
        with pytest.raises(RejectedError) as refused:
            check_stop(row(status=status), 11)

        assert (refused.value.status, refused.value.code) == (400, "ModelArts.0105")

    def test_T132_of_another_version(self) -> None:
        """404, 0105."""
        with pytest.raises(RejectedError) as refused:
            check_stop(row(), 1)

        assert (refused.value.status, refused.value.code) == (404, "ModelArts.0105")


class TestListed:
    """The list of a project's jobs."""

    JOBS = (
        row(job_id=3, job_name="b", job_desc="x", status=10, start_time=AT, changed=AT + 50, create_time=AT),
        row(job_id=1, job_name="a", job_desc="y", status=8, start_time=AT, create_time=AT + 2),
        row(job_id=2, job_name="B", job_desc="x", status=7, create_time=AT + 1),
        row(job_id=4, job_name="other", workspace_id="w1"),
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


class TestVersion:
    """A version."""

    def test_T080_the_answer_to_a_creation(self) -> None:
        """A resource of eight hexadecimal digits (T-083); the status of a new job, also in a repeat."""
        answer = created(row(status=8))
        assert re.fullmatch("job[0-9a-f]{8}", answer.pop("resource_id"))

        assert answer == {
            "is_success": True,
            "job_id": 11,
            "job_name": "flights",
            "status": 1,
            "create_time": AT,
            "version_id": 11,
            "version_name": "V0001",
        }

    def test_T120_what_was_sent_is_shown(self) -> None:
        """Parameters with the types they came with (T-072), the other fields as sent, "" for texts that were not."""
        kept = {
            "parameter": [{"label": "x", "value": True}, {"label": "time_freq", "value": "D"}],
            "worker_server_num": 1,
            "spec_id": 4,
            "app_url": "/usr/app/",
        }
        shown = version(row(replace(COMMAND, config=json.dumps(kept), train_url="/usr/train/")), now=AT)

        assert shown["parameter"] == kept["parameter"]
        assert (shown["worker_server_num"], shown["spec_id"], shown["app_url"]) == (1, 4, "/usr/app/")
        assert (shown["train_url"], shown["log_url"], shown["dataset_id"], shown["pool_id"]) == (
            "/usr/train/",
            "",
            "",
            "",
        )
        assert not {"engine_id", "volumes", "start_time", "loss"} & set(shown)
        assert (shown["status"], shown["duration"], shown["endpoint"], shown["message"]) == (1, 0, "", "")
        assert named(row()) == {"is_success": True, "job_id": 11, "job_name": "flights", "job_desc": ""}

    def test_a_producers_parameters_are_shown(self) -> None:
        """A command on the topic has no list of them, only the mapping."""
        assert version(row(), now=AT)["parameter"] == [
            {"label": "time_freq", "value": "D"},
            {"label": "prediction_length", "value": 7},
        ]

    def test_T128_scores_are_json_in_a_text(self) -> None:
        """In total_metric_values; what could not be computed is null; empty before there are any."""
        shown = version(row(metrics={"wQL": 0.25, "mase": None}), now=AT)
        wrapped = orjson.loads(shown["model_metric_list"])

        assert wrapped["metric"] == []
        assert wrapped["total_metric"]["total_metric_values"] == {"wQL": 0.25, "mase": None}
        assert {"total_metric_meta", "total_reserved_data"} <= set(wrapped["total_metric"])
        assert version(row(), now=AT)["model_metric_list"] == ""

    def test_not_a_number_is_null(self) -> None:
        """No answer and no text in it has NaN."""
        shown = version(row(metrics={"wQL": math.nan}), now=AT)

        assert orjson.loads(shown["model_metric_list"])["total_metric"]["total_metric_values"] == {"wQL": None}

    def test_T135_the_duration_stops_at_the_end(self) -> None:
        """And counts from the beginning of the training."""
        running = row(status=8, start_time=AT)

        assert version(running, now=AT + 70)["duration"] == 70
        assert version(replace(running, status=11, changed=AT + 50), now=AT + 70)["duration"] == 50

    def test_the_note_is_before_the_message(self) -> None:
        """Both are worth knowing."""
        shown = version(row(note="DeepAR has no use for: x", message="line 3: target is missing"), now=AT)

        assert shown["message"] == "DeepAR has no use for: x; line 3: target is missing"


def test_rows_lie_under_project_and_job() -> None:
    """Two projects may have jobs of one id: producers choose theirs."""
    assert key_of("p1", 11) == b"p1/11"
    assert TrainingState(8) == 8
