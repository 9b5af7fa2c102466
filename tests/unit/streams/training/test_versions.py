"""Versions as values: how rows move forward, and how clients see them."""

import json
import math
import re
from dataclasses import replace

import orjson
import pytest

from schemas.training import RunTrainingVersion
from streams.errors import RejectedError
from streams.training.states import ENDED
from streams.training.versions import (
    advanced,
    cancelled,
    check_stop,
    given,
    key_of_version,
    log_names,
    newest_of,
    run_of,
    stopping,
    version_name,
    waiting,
)
from streams.views.training import summaries
from tests.unit.streams.training.samples import AT, CONFIG, DEEPAR, NEEDED, command, job, made, told, version


class TestAdvanced:
    """What a trainer tells."""

    def test_T042_a_training_from_its_beginning_to_its_end(self) -> None:
        """1, 7, 8 with progress, 10 with scores and the endpoint."""
        record = given(version(), 12)
        assert (record.status, record.run_offset, record.given) == (7, 12, True)

        record = advanced(record, told(8, epochs=20))
        assert (record.status, record.start_time, record.epoch, record.epochs) == (8, AT + 1000, 0, 20)
        record = advanced(record, replace(told(8, epoch=3, epochs=20, loss=1.5, validation_loss=1.25), at=AT + 2000))
        assert (record.start_time, record.changed, record.epoch) == (AT + 1000, AT + 2000, 3)
        assert (record.loss, record.validation_loss) == (1.5, 1.25)
        record = advanced(record, replace(told(10, metrics={"wQL": 0.1}, endpoint="flights"), at=AT + 3000))
        assert (record.status, record.metrics, record.endpoint) == (10, {"wQL": 0.1}, "flights")
        assert (record.epoch, record.epochs, record.loss, record.validation_loss) == (3, 20, 1.5, 1.25)

    def test_what_is_not_told_stays(self) -> None:
        """System metrics, scores, logs, and where results are."""
        record = advanced(
            version(), told(8, system_metrics="{}", model_metrics='{"a": 1}', log_files=2, forecast_job_id=5)
        )
        record = advanced(record, told(8, log_files=1))

        assert (record.system_metrics, record.model_metrics) == ("{}", '{"a": 1}')
        assert (record.log_files, record.forecast_job_id) == (2, 5)
        assert advanced(record, told(8, system_metrics="x" * 60_001)).system_metrics == "{}"

    @pytest.mark.parametrize("ended", sorted(ENDED))
    def test_T042_an_end_is_final(self, ended: int) -> None:
        """Whatever is told late, or again by a replay of the log."""
        record = version(status=int(ended))

        assert all(advanced(record, told(status)) is record for status in (7, 8, 10, 11, 12))

    @pytest.mark.parametrize(("before", "status", "after"), [(8, 7, 8), (9, 8, 9), (9, 7, 9), (9, 12, 12), (9, 10, 10)])
    def test_T042_never_back(self, before: int, status: int, after: int) -> None:
        """A stopping version does not run again; it may complete, if the stop came too late."""
        assert advanced(version(status=before), told(status)).status == after

    @pytest.mark.parametrize("status", [0, 1, 2, 6, 9, 22, -1])
    def test_a_trainer_cannot_tell_everything(self, status: int) -> None:
        """1, 6 and 9 are not the trainer's to say."""
        with pytest.raises(RejectedError, match=f"status {status} "):
            advanced(version(), told(status))

    def test_messages_are_bounded_and_stay(self) -> None:
        """A row must fit into a record; progress without a message does not clear the last one."""
        record = advanced(version(), told(8, message="m" * 5000))

        assert len(record.message or "") == 2001
        assert advanced(record, told(8, epoch=1)).message == record.message

    def test_T105_what_waits_is_queued(self) -> None:
        """7, whether or not a trainer has been given it; what trainers tell early is not set back."""
        assert (waiting(version()).status, waiting(version()).given) == (7, False)
        assert given(version(status=8), 3).status == 8


class TestStop:
    """Who may be stopped."""

    @pytest.mark.parametrize("status", [1, 7, 8, 9])
    def test_T134_what_has_not_ended(self, status: int) -> None:
        """Also what is being stopped already."""
        check_stop(version(status=status))

        assert stopping(version(status=status)).status == 9

    @pytest.mark.parametrize("status", sorted(ENDED))
    def test_T134_what_has_ended_cannot_be_stopped(self, status: int) -> None:
        """400, 0105."""
        with pytest.raises(RejectedError) as refused:
            check_stop(version(status=int(status)))

        assert (refused.value.status, refused.value.code) == (400, "ModelArts.0105")

    def test_T042_what_no_trainer_was_given_is_cancelled(self) -> None:
        """13 at once."""
        assert (cancelled(version(), AT + 5).status, cancelled(version(), AT + 5).changed) == (13, AT + 5)


def test_T082_names() -> None:
    """At least four digits."""
    assert [version_name(number) for number in (1, 4, 9999, 10_000)] == ["V0001", "V0004", "V9999", "V10000"]


def test_the_newest_has_the_highest_number() -> None:
    """Whatever its id: producers choose theirs."""
    versions = [version(number=number, version_id=100 - number) for number in (1, 10, 2)]

    assert (newest_of(versions) or version()).number == 10
    assert newest_of([]) is None


def test_a_trainer_needs_nothing_else() -> None:
    """The config as accepted, without what is the state's."""
    sent = command({**CONFIG, "create_version": True, "worker_server_num": "1"})

    assert (
        run_of(version(sent))
        == RunTrainingVersion("c-1", "p1", 11, 11, "flights", "V0001", orjson.dumps(CONFIG | {}).decode())
        or json.loads(run_of(version(sent)).config) == CONFIG
    )


def test_rows_lie_under_project_and_job() -> None:
    """So a job's versions are found by the beginning of their keys."""
    assert key_of_version("p1", 11, 12) == b"p1/11/12"


def test_T140_log_names() -> None:
    """One per worker, none before it has begun."""
    assert log_names(version(), 2) == []
    assert log_names(version(start_time=AT), 2) == ["flights.0", "flights.1"]
    assert log_names(version(log_files=1), 1) == ["flights.0"]


class TestShown:
    """A version as clients see it."""

    def test_T080_the_answer_to_a_creation(self) -> None:
        """A resource of eight hexadecimal digits (T-083); the status of a new job, also in a repeat."""
        answer = summaries.created(job(status=8), version(status=8))
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

    def test_T112_the_answer_to_the_creation_of_a_version(self) -> None:
        """No resource_id here."""
        assert set(summaries.version_created(job(), version())) == {
            "is_success", "job_id", "job_name", "status", "create_time", "version_id", "version_name",
        }  # fmt: skip

    def test_T120_what_was_sent_is_shown(self) -> None:
        """Parameters with the types they came with (T-072), the other fields as sent, "" for texts that were not."""
        parameter = [{"label": "x", "value": True}, {"label": "next_k_prediction", "value": "3"}]
        sent = {**CONFIG, "parameter": parameter, "app_url": "/usr/app/", "train_url": "/usr/train/"}
        shown = summaries.version(version(command(sent)), now=AT, interval_s=300)

        assert {name: shown[name] for name in sent} == sent
        assert {shown[name] for name in ("log_url", "dataset_id", "pool_id", "user_command", "nas_type")} == {""}
        assert (shown["volumes"], shown["data_source"], shown["engine_id"]) == ([], [], 1)
        assert not {"start_time", "loss", "pre_version_id", "create_version"} & set(shown)
        assert (shown["status"], shown["duration"], shown["endpoint"]) == (1, 0, "")

    def test_T120_every_field_is_there(self) -> None:
        """Of a version that runs and came from another."""
        names = """
            version_id version_name pre_version_id engine_type engine_name engine_id engine_version
            status app_url boot_file_url create_time parameter duration spec_id
            core cpu gpu gpu_num gpu_type worker_server_num data_url
            train_url log_url dataset_version_id dataset_id data_source model_id model_metric_list
            system_metric_list user_image_url user_command resource_id dataset_name start_time volumes
            dataset_version_name pool_name pool_id nas_mount_path nas_share_addr nas_type spec_code
        """.split()
        shown = summaries.version(version(start_time=AT, pre_version_id=5), now=AT, interval_s=300)

        assert set(names) <= set(shown)
        assert {type(shown[name]) for name in ("core", "cpu")} == {str}  # T-121
        assert {type(shown[name]) for name in ("engine_type", "engine_id", "gpu_num")} == {int}

    def test_T122_the_shared_folder_has_fields_of_its_own(self) -> None:
        """Of the first NFS volume."""
        nfs = {"id": "a", "src_path": "192.168.8.150:/", "dest_path": "/home/work/nas"}
        shown = summaries.version(version(command({**CONFIG, "volumes": [{"nfs": nfs}]})), now=AT, interval_s=300)

        found = shown["nas_mount_path"], shown["nas_share_addr"], shown["nas_type"]
        assert found == ("/home/work/nas", "192.168.8.150:/", "nfs")

    def test_what_a_producer_sends_is_shown_as_what_is_posted(self) -> None:
        """TrainDeepAR has a mapping of parameters."""
        shown = summaries.version(version(DEEPAR), now=AT, interval_s=300)

        assert shown["parameter"] == [{"label": label, "value": value} for label, value in NEEDED.items()]
        assert (shown["model_id"], shown["data_url"]) == (5, "/uploads/flights.jsonl")

    def test_T128_scores_are_json_in_a_text(self) -> None:
        """In total_metric_values; what could not be computed is null; no value is there before there are any."""
        shown = summaries.version(version(metrics={"wQL": 0.25, "mase": None}), now=AT, interval_s=300)
        wrapped = orjson.loads(shown["model_metric_list"])

        assert wrapped["metric"] == []
        assert wrapped["total_metric"]["total_metric_values"] == {"wQL": 0.25, "mase": None}
        assert {"total_metric_meta", "total_reserved_data"} <= set(wrapped["total_metric"])
        nothing = summaries.version(version(), now=AT, interval_s=300)["model_metric_list"]  # JSON all the same
        assert orjson.loads(nothing)["total_metric"]["total_metric_values"] == {}
        told_itself = summaries.version(version(metrics={"a": 1.0}, model_metrics="{}"), now=AT, interval_s=300)
        assert told_itself["model_metric_list"] == "{}"

    def test_T125_T127_what_was_measured(self) -> None:
        """A text in lists, an object in the detail; series without values before anything was measured."""
        names = "cpuUsage memUsage gpuUtil gpuMemUsage diskReadRate diskWriteRate recvBytesRate sendBytesRate".split()
        empty = {name: [] for name in names} | {"interval": 5}
        measured = version(system_metrics='{"cpuUsage":["3.10"],"interval":1}')

        assert json.loads(summaries.version(version(), now=AT, interval_s=300)["system_metric_list"]) == empty
        assert (
            summaries.version(version(), now=AT, interval_s=300, measured_as_object=True)["system_metric_list"] == empty
        )
        assert (
            summaries.version(measured, now=AT, interval_s=300)["system_metric_list"]
            == '{"cpuUsage":["3.10"],"interval":1}'
        )

    def test_not_a_number_is_null(self) -> None:
        """No answer and no text in it has NaN."""
        shown = summaries.version(version(metrics={"wQL": math.nan}), now=AT, interval_s=300)

        assert orjson.loads(shown["model_metric_list"])["total_metric"]["total_metric_values"] == {"wQL": None}

    def test_T135_the_duration_stops_at_the_end(self) -> None:
        """And counts from the beginning of the training."""
        running = version(status=8, start_time=AT)

        assert summaries.version(running, now=AT + 70, interval_s=300)["duration"] == 70
        assert (
            summaries.version(replace(running, status=11, changed=AT + 50), now=AT + 70, interval_s=300)["duration"]
            == 50
        )

    def test_the_note_is_before_the_message(self) -> None:
        """Both are worth knowing."""
        shown = summaries.version(
            version(note="DeepAR has no use for: x", message="line 3: no target"), now=AT, interval_s=5
        )

        assert shown["message"] == "DeepAR has no use for: x; line 3: no target"

    def test_T070_a_job_without_a_version(self) -> None:
        """Its answer has none."""
        answer = summaries.created(*made(command({**CONFIG, "create_version": False})))

        assert set(answer) == {"is_success", "job_id", "job_name", "status", "create_time"}
