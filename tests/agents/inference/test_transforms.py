"""Transform jobs: commands and results in; requests, rows and the output file out."""

import errno
import gzip
from dataclasses import replace
from typing import Any

import pytest

from connectors.kafka.publisher import partition_for
from connectors.objects import endpoints
from schemas.inference import InferenceRequest, StopTransform
from streams.errors import RejectedError
from streams.inference import transforms
from streams.inference.state import TransformState
from streams.views.inference.transform_summaries import description
from tests.agents.bench import Worker
from tests.agents.inference.transforms_samples import (
    ENDPOINT,
    MODEL,
    NAME,
    START,
    asked,
    command,
    line,
    output,
    result,
    results,
    row,
    store,
)

HOME = partition_for(b"b1", 4)
STOP = StopTransform("c-2", NAME)


class TestStarting:
    """StartTransform."""

    async def test_D062_every_line_becomes_a_request(self, state: Worker) -> None:
        """One event per line, keyed by the job and the line, with the defaults of D-050 written out."""
        store(state, line(1, None), line(2.5, "NaN", 3))
        (message,) = await command(state, START)

        assert asked(state) == [
            InferenceRequest(
                request_id=f"b1:{index}",
                endpoint=MODEL,
                start="2024-01-01",
                target=target,
                num_samples=100,
                output_types=["mean", "quantiles"],
                quantiles=[f"0.{place}" for place in range(1, 10)],
                transform=NAME,
                line=index,
            )
            for index, target in enumerate([[1.0, None], [2.5, None, 3.0]])
        ]
        assert [record.key for record in state.sent(state.runtime.topics.inference_requests)] == [b"b1:0", b"b1:1"]
        assert (row(state).status, row(state).lines) == ("InProgress", 2)
        assert state.committed(message)

    async def test_D055_the_jobs_configuration_goes_into_the_requests(self, state: Worker) -> None:
        """Given fields win, missing ones are those of D-050; a seed differs from line to line."""
        store(state, line(1), line(1))
        text = '{ "num_samples": 200, "output_types": ["mean"], "seed": 7 }'
        await command(state, replace(START, inference_config=text))
        first, second = asked(state)

        assert (first.num_samples, first.output_types, len(first.quantiles or ())) == (200, ["mean"], 9)
        assert None not in (first.seed, second.seed)
        assert first.seed != second.seed

    @pytest.mark.parametrize(("own", "expected"), [(None, 11), ('{"num_samples": 12}', 12)])
    async def test_D060_the_models_environment_is_the_default(
        self, state: Worker, own: str | None, expected: int
    ) -> None:
        """The job's wins."""
        environment = {"DEEPAR_INFERENCE_CONFIG": '{"num_samples": 11}'}
        endpoints.publish(state.runtime.store, replace(ENDPOINT, environment=environment), b"model")
        store(state, line(1))
        await command(state, replace(START, inference_config=own))

        assert [request.num_samples for request in asked(state)] == [expected]

    async def test_D050_the_environment_of_the_service_is_the_last_default(
        self, state: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Where neither the job nor its model says anything."""
        monkeypatch.setitem(vars(state.runtime.settings), "deepar_inference_config", '{"num_samples": 13}')
        store(state, line(1))
        await command(state, START)

        assert [request.num_samples for request in asked(state)] == [13]

    @pytest.mark.parametrize("text", ["{num_samples: 1}", '{"num_samples": 0}', "[]"])
    async def test_D055_a_wrong_configuration_fails_the_job_at_its_start(self, state: Worker, text: str) -> None:
        """With a clear reason, not line by line."""
        store(state, line(1))
        await command(state, replace(START, inference_config=text))

        assert row(state).status == "Failed"
        assert "DEEPAR_INFERENCE_CONFIG" in (row(state).failure_reason or "")
        assert row(state).ended is not None
        assert asked(state) == []

    @pytest.mark.parametrize(
        ("made", "output", "reason"),
        [
            ("outputs/b1", "/outputs/b1", "/outputs/b1 is a file"),
            ("outputs/b1", "/outputs/b1/deeper/still", "/outputs/b1 is a file"),
            ("outputs/b1/batch.jsonl.out/x", "/outputs/b1", "/outputs/b1/batch.jsonl.out is a folder"),
        ],
    )
    async def test_F01_an_output_that_cannot_be_written_is_refused(
        self, state: Worker, made: str, output: str, reason: str
    ) -> None:
        """At the door: at the end of the job it would be too late to choose another path."""
        store(state, line(1))
        state.runtime.store.put_bytes(made, b"x")
        with state.runtime.waiters.waiting(START.command_id) as outcome:
            await command(state, replace(START, output_path=output))
            refusal = outcome.exception()

        assert isinstance(refusal, RejectedError)
        assert refusal.status == 409
        assert refusal.message.startswith("S3OutputPath: ")
        assert reason in refusal.message
        assert TransformState.of(state.runtime).transforms.get(b"b1") is None

    async def test_D064_a_wrong_line_fails_the_job_before_anything_is_sent(self, state: Worker) -> None:
        """The reason names the line as an editor counts them, blank ones included."""
        store(state, line(1), b"", line(1, cat=[0]), b"nonsense")
        await command(state, START)

        assert row(state).status == "Failed"
        assert (row(state).failure_reason or "").startswith("line 3: cat is given")
        assert asked(state) == []

    async def test_D064_with_emit_a_wrong_line_is_answered_at_once(self, state: Worker) -> None:
        """The result has the reason and takes the way of all results; the other lines are asked for."""
        store(state, line(1), b"nonsense", line(2))
        await command(state, replace(START, on_error="emit"))
        (told,) = state.events(state.runtime.topics.inference_results)

        assert [request.line for request in asked(state)] == [0, 2]
        assert (told.transform, told.line, told.request_id) == (NAME, 1, "b1:1")
        assert "not JSON" in told.error
        assert [record.key for record in state.sent(state.runtime.topics.inference_results)] == [b"b1"]

    @pytest.mark.parametrize("end", [b"", b"\n", b"\n\n \n"])
    async def test_D065_blank_lines_do_not_count(self, state: Worker, end: bytes) -> None:
        """A last line without a newline does."""
        store(state, b"", line(1), b"  ", line(2), end=end)
        await command(state, START)

        assert [request.target for request in asked(state)] == [[1.0], [2.0]]

    async def test_a_packed_file_is_unpacked(self, state: Worker) -> None:
        """Where its name ends in .gz."""
        state.runtime.store.put_bytes("uploads/b.jsonl.gz", gzip.compress(line(1) + b"\n" + line(2)))
        await command(state, replace(START, input_path="s3://bucket/uploads/b.jsonl.gz"))

        assert [request.target for request in asked(state)] == [[1.0], [2.0]]
        assert row(state).output_key == "outputs/b1/b.jsonl.gz.out"

    @pytest.mark.parametrize("packed", [b"plain", gzip.compress(b"x" * 1000)[:-9]], ids=["plain", "cut-short"])
    async def test_a_packed_file_that_is_none_fails_the_job(self, state: Worker, packed: bytes) -> None:
        """No crash: the file is the user's."""
        state.runtime.store.put_bytes("uploads/b.gz", packed)
        await command(state, replace(START, input_path="/uploads/b.gz"))

        assert row(state).status == "Failed"

    async def test_a_line_that_is_too_long_is_a_wrong_one(self, state: Worker) -> None:
        """No record could carry it; the line after it is read."""
        store(state, line(*[1.5] * 400_000), line(2))
        await command(state, replace(START, on_error="emit"))

        assert [request.line for request in asked(state)] == [1]
        assert "bytes" in state.events(state.runtime.topics.inference_results)[0].error

    async def test_an_empty_file_makes_an_empty_output(self, state: Worker) -> None:
        """At once: no result will come."""
        store(state, b"", end=b"")
        await command(state, START)

        assert row(state).status == "Completed"
        assert output(state) == b""

    async def test_the_sender_is_told_when_the_row_can_be_read(self, state: Worker) -> None:
        """Decision 10."""
        store(state, line(1))
        with state.runtime.waiters.waiting("c-1") as outcome:
            await command(state, START)

            assert outcome.done()
        assert outcome.exception() is None

    @pytest.mark.parametrize(
        ("changes", "status", "words"),
        [
            ({"model_name": "m2"}, 404, "m2"),
            ({"input_path": "/uploads/none.jsonl"}, 400, "/uploads/none.jsonl"),
            ({"input_path": "/uploads"}, 400, "/uploads"),
            ({"input_path": "/../etc/passwd"}, 400, "S3Uri"),
            ({"output_path": "/endpoints/m1"}, 400, "S3OutputPath"),
            ({"output_path": "/installation/x"}, 400, "/uploads/ or /outputs/"),
            ({"output_path": "/Endpoints/m1"}, 400, "S3OutputPath"),
            ({"output_path": "s3://bucket/elsewhere"}, 400, "S3OutputPath"),
            ({"input_path": "/endpoints/m1/endpoint.json"}, 400, "S3Uri"),
            ({"input_path": "s3://uploads/idempotency/x"}, 400, "S3Uri"),
            ({"assemble_with": "Comma"}, 400, "AssembleWith"),
            ({"on_error": "ignore"}, 400, "on_error"),
        ],
    )
    async def test_what_there_cannot_be_a_job_for_is_refused(
        self, state: Worker, changes: dict[str, str], status: int, words: str
    ) -> None:
        """Whoever waits is told; else it is a dead letter. No row is written."""
        store(state, line(1))
        with state.runtime.waiters.waiting("c-1") as outcome:
            await command(state, replace(START, **changes))
            error = outcome.exception()
        await command(state, replace(START, **changes))

        assert isinstance(error, RejectedError)
        assert error.status == status
        assert words in error.message
        assert [words in letter["error"] for letter in state.dead()] == [True]
        assert TransformState.of(state.runtime).transforms.get(b"b1") is None

    async def test_a_second_job_of_the_name_is_refused(self, state: Worker) -> None:
        """The first goes on."""
        store(state, line(1))
        await command(state, START, replace(START, command_id="c-9"))

        assert [letter["error"] for letter in state.dead()] == ["TransformJobName: there is a transform job b1 already"]
        assert row(state).command_id == "c-1"

    async def test_a_record_in_another_partition_is_moved(self, state: Worker) -> None:
        """Producers with another partitioner put keys elsewhere; rows are written from their own partition only."""
        store(state, line(1))
        await command(state, START, partition=(HOME + 1) % 4)
        (moved,) = state.sent(state.runtime.topics.transform_commands)

        assert moved.partition == HOME
        assert TransformState.of(state.runtime).transforms.get(b"b1") is None

    async def test_what_is_no_command_becomes_a_dead_letter(self, state: Worker) -> None:
        """Bytes, other records and wrong keys."""
        await command(state, b"?", result(0))
        await command(state, START, key=b"b2")

        assert len(state.dead()) == 3


class TestTracking:
    """Results."""

    async def test_D056_the_output_is_in_the_order_of_the_input(self, state: Worker, topic: list[Any]) -> None:
        """Results come in any order, and twice; each line is there once, with what was asked for only."""
        store(state, *[line(number) for number in range(3)])
        await command(state, replace(START, assemble_with="Line"))
        levels = {"0.9": [2.0, 3.0], "0.10": [1.0, 1.5]}
        await results(state, topic, result(2), result(1, quantiles=levels, samples=[[0.1, 2.0]]), result(2))
        before = row(state).status
        (last,) = await results(state, topic, result(0))

        assert (before, row(state).status) == ("InProgress", "Completed")
        assert output(state) == (
            b'{"mean":[0.0,0.1]}\n'
            b'{"quantiles":{"0.9":[2.0,3.0],"0.10":[1.0,1.5]},"samples":[[0.1,2.0]],"mean":[1.0,0.1]}\n'
            b'{"mean":[2.0,0.1]}\n'
        )
        assert state.committed(last)

    async def test_D063_assembled_with_none_all_is_on_one_line(self, state: Worker, topic: list[Any]) -> None:
        """Without separators, as SageMaker does it."""
        store(state, line(1), line(2))
        await command(state, replace(START, assemble_with="None"))
        await results(state, topic, result(0), result(1))

        assert output(state) == b'{"mean":[0.0,0.1]}{"mean":[1.0,0.1]}'

    async def test_the_row_is_written_once_per_batch(self, state: Worker, topic: list[Any]) -> None:
        """Not once per result."""
        store(state, *[line(number) for number in range(50)])
        await command(state, START)
        state.forget()
        await results(state, topic, *[result(number) for number in range(40)])

        assert len(state.sent(state.runtime.topics.transforms_changelog)) == 1
        assert description(row(state))["finished"] == 40

    async def test_D064_an_error_fails_the_job(self, state: Worker, topic: list[Any]) -> None:
        """The reason names the lowest such line of the batch, as the file counts them; nothing is written."""
        store(state, b"", *[line(number) for number in range(4)])
        await command(state, START)
        await results(state, topic, result(3, "too late"), result(0), result(2, "no memory"), result(1))

        assert (row(state).status, row(state).failure_reason) == ("Failed", "line 4: no memory")
        assert not state.runtime.store.exists("outputs")

    async def test_D064_with_emit_an_error_takes_the_place_of_its_line(self, state: Worker, topic: list[Any]) -> None:
        """Order and count stay."""
        store(state, line(1), line(2))
        await command(state, replace(START, on_error="emit"))
        await results(state, topic, result(1, "no memory"), result(0))

        assert output(state) == b'{"mean":[0.0,0.1]}\n{"error":"no memory"}\n'

    @pytest.mark.parametrize(
        "error",
        [
            FileExistsError(errno.EEXIST, "File exists"),
            NotADirectoryError(errno.ENOTDIR, "Not a directory"),
            IsADirectoryError(errno.EISDIR, "Is a directory"),
            PermissionError(errno.EACCES, "Permission denied"),
            OSError(errno.ENAMETOOLONG, "File name too long"),
        ],
    )
    async def test_F01_an_output_that_cannot_be_written_in_the_end_fails_the_job(
        self, state: Worker, topic: list[Any], monkeypatch: pytest.MonkeyPatch, error: OSError
    ) -> None:
        """What became a file meanwhile must not stop the state, now and at each restart."""
        store(state, line(1))
        await command(state, START)

        def fail(*_: Any, **__: Any) -> None:
            raise error

        monkeypatch.setattr("agents.inference.transform_runs.write_output", fail)
        (message,) = await results(state, topic, result(0))

        assert row(state).status == "Failed"
        assert (row(state).failure_reason or "").startswith(
            "S3OutputPath: /outputs/b1/batch.jsonl.out cannot be written"
        )
        assert str(error.strerror) in (row(state).failure_reason or "")
        assert state.committed(message)
        assert state.dead() == []

    async def test_results_that_no_job_waits_for_are_left_alone(self, state: Worker, topic: list[Any]) -> None:
        """Most answer requests of anybody; they are only looked through."""
        store(state, line(1))
        await command(state, START)
        before = row(state)
        other = replace(result(0), transform=None, request_id="b1")
        late = await results(state, topic, replace(result(0), transform="b9"), key=b"b9")
        await results(state, topic, other, result(1))

        assert row(state) == before
        assert state.dead() == []
        assert state.committed(late[-1])

    @pytest.mark.parametrize(
        ("key", "junk", "reason"),
        [
            (b"r-1", b"?", "too few"),
            (b"r-1", START, "a StartTransform, not a InferenceResult"),
            (None, replace(result(0), transform=None), None),
            (b"r-1", replace(result(0), transform="b9"), "the record's key must be the job's name, b9"),
            (b"b1", replace(result(0), transform="b9"), "the record's key must be the job's name, b9"),
            (b"b1", result(-1), "line: is -1, expected 0 or more"),
            (b"b1", replace(result(0), samples=((1.0, 2.0), (3.0,))), "samples: are not all of one length"),
        ],
    )
    async def test_F07_F13_junk_becomes_a_dead_letter_and_the_job_goes_on(
        self, state: Worker, topic: list[Any], key: bytes | None, junk: Any, reason: str | None
    ) -> None:
        """Whoever's key it has; a forged line waits for its true result."""
        store(state, line(1))
        await command(state, START)
        junk_message = await results(state, topic, junk, key=key)
        await results(state, topic, result(0))

        assert [reason in letter["error"] for letter in state.dead()] == [True] * (reason is not None)
        assert state.committed(junk_message[-1])
        assert row(state).status == "Completed"
        assert output(state) == b'{"mean":[0.0,0.1]}\n'

    async def test_a_result_that_cannot_be_decoded_becomes_a_dead_letter(self, state: Worker, topic: list[Any]) -> None:
        """Where it has a job's key; the job goes on."""
        store(state, line(1))
        await command(state, START)
        await results(state, topic, b"?", STOP, result(0))

        assert len(state.dead()) == 2
        assert row(state).status == "Completed"

    async def test_lost_results_fail_the_job(self, state: Worker, topic: list[Any]) -> None:
        """They are kept for a week only."""
        store(state, line(1), line(2))
        await command(state, START)
        await results(state, topic, result(0))
        topic.clear()
        await results(state, topic, result(1))

        assert row(state).status == "Failed"
        assert "no longer kept" in (row(state).failure_reason or "")


class TestStopping:
    """StopTransform."""

    async def test_a_stopped_job_sends_no_more(self, state: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
        """Also where it is in the middle of its lines: it waits for answers to go on."""
        monkeypatch.setattr(transforms, "AHEAD", 100)
        store(state, *[line(number) for number in range(300)])
        commands = state.runtime.topics.transform_commands
        messages = [state.message(commands, b"b1", one) for one in (START, STOP)]
        await state.consume(commands, *messages)

        assert len(asked(state)) <= 100
        assert (row(state).status, row(state).ended is not None) == ("Stopped", True)
        assert all(map(state.committed, messages))

    async def test_results_of_a_stopped_job_change_nothing(self, state: Worker, topic: list[Any]) -> None:
        """They may still come."""
        store(state, line(1))
        await command(state, START, STOP)
        await results(state, topic, result(0))

        assert row(state).status == "Stopped"

    async def test_stopping_again_is_no_error(self, state: Worker) -> None:
        """Nor does it change anything."""
        store(state, line(1))
        await command(state, START, STOP)
        before = row(state)
        await command(state, replace(STOP, command_id="c-3"))

        assert (row(state), state.dead()) == (before, [])

    async def test_what_has_ended_cannot_be_stopped(self, state: Worker, topic: list[Any]) -> None:
        """409, and 404 for what there never was."""
        store(state, line(1))
        await command(state, STOP)
        await command(state, START)
        await results(state, topic, result(0))
        await command(state, STOP)

        assert row(state).status == "Completed"
        assert [letter["error"] for letter in state.dead()] == [
            "there is no transform job b1",
            "transform job b1 has ended: it is Completed",
        ]


@pytest.mark.parametrize("other", [replace(START, output_path="/outputs/b2"), StopTransform("c-1", NAME)])
async def test_other_content_under_a_used_id_is_a_dead_letter(state: Worker, other: Any) -> None:
    """It was ignored in silence, or stopped the job."""
    store(state, line(1))
    await command(state, START)
    before = row(state)
    await command(state, START, other)

    assert row(state) == before
    (letter,) = state.dead()
    assert "command_id: 'c-1' was used before, by a command for transform job b1 with other content" in letter["error"]
