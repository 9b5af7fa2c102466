"""Transform jobs: contract 001, section 3, over HTTP and as events (D-050 … D-065)."""

import gzip
import json
import uuid
from typing import Any

import httpx
import numpy as np
import pytest

from connectors.objects.store import ObjectStore
from tests.acceptance.deepar import check_refusal, instance, invoke, lines_of, publish
from tests.acceptance.stock import StockClient
from tests.integration.services import Service, until

PLAIN, FULL, CREATED = "transforms-plain", "transforms-full", "transforms-created"
NINE = [f"0.{place}" for place in range(1, 10)]
SEED = '{"seed": 5, "num_samples": 20, "output_types": ["mean"]}'
LIMIT_S = 120.0


@pytest.fixture(scope="module", autouse=True)
def store(service: Service) -> ObjectStore:
    """The service's object store, with an endpoint of plain series, one with categories, and one with defaults."""
    store = ObjectStore(service.settings.object_store_url)
    publish(store, PLAIN)
    publish(store, FULL, cardinality=(3, 4), num_dynamic_feat=1)
    environment = {"DEEPAR_INFERENCE_CONFIG": '{"num_samples": 9, "output_types": ["samples"]}'}
    publish(store, CREATED, environment=environment)
    return store


class Job:
    """A transform job on a file of its own."""

    def __init__(self, service: Service, content: bytes, *, file: str = "batch.jsonl") -> None:
        self.service = service
        self.api = service.api
        self.name = f"t-{uuid.uuid4().hex[:12]}"
        self.source = f"/uploads/{self.name}/{file}"
        stored = self.api.call("PUT", self.source, content=content)
        assert stored.json() == {"path": self.source, "bytes": len(content)}

    def body(self, config: str | None = None, model: str = PLAIN, **fields: Any) -> dict[str, Any]:
        """The request of D-061 and D-062."""
        return {
            "TransformJobName": self.name,
            "ModelName": model,
            "BatchStrategy": "SingleRecord",
            "TransformInput": {"SplitType": "Line", "DataSource": {"S3DataSource": {"S3Uri": self.source}}},
            "TransformOutput": {"AssembleWith": "Line", "S3OutputPath": f"/outputs/{self.name}"},
            **({} if config is None else {"Environment": {"DEEPAR_INFERENCE_CONFIG": config}}),
            **fields,
        }

    def start(self, config: str | None = None, model: str = PLAIN, **fields: Any) -> "Job":
        answer = self.api.call("POST", "/transform-jobs", json=self.body(config, model, **fields))
        assert answer.status_code == 200, answer.text
        assert answer.json() == {"TransformJobName": self.name, "TransformJobStatus": "InProgress"}
        return self

    def ended(self) -> dict[str, Any]:
        """Its description, when it has come to its end."""

        def ask() -> dict[str, Any] | None:
            body: dict[str, Any] = self.api.get(f"/transform-jobs/{self.name}")
            return None if body["TransformJobStatus"] in ("InProgress", "Stopping") else body

        return until(ask, within=LIMIT_S, why=f"{self.name} has ended")

    def failed(self) -> str:
        """Why it failed; it has no output then."""
        body = self.ended()
        assert body["TransformJobStatus"] == "Failed", body
        check_refusal(self.api.call("GET", f"/transform-jobs/{self.name}/output"), 409, "Failed", body["FailureReason"])
        assert self.api.call("GET", body["OutputFile"]).status_code == 404
        return str(body["FailureReason"])

    def output(self) -> str:
        """The output of a completed job, which is in the file as well."""
        body = self.ended()
        assert body["TransformJobStatus"] == "Completed", body
        answer = self.api.call("GET", f"/transform-jobs/{self.name}/output")
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/jsonlines"
        assert self.api.call("GET", body["OutputFile"]).content == answer.content
        return answer.text

    def lines(self) -> list[dict[str, Any]]:
        """The output, each line decoded."""
        text = self.output()
        assert text == "" or text.endswith("\n")
        return [json.loads(line) for line in text.splitlines()]

    def events(self, topic: str) -> list[Any]:
        """The events of the job on a topic, in the order of its lines."""
        own = [one for one in self.service.read_all(topic) if (one.key() or b"").startswith(self.name.encode())]
        found = [self.service.codec.decode(message.value()) for message in own]
        assert {event.transform for event in found} <= {self.name}
        return sorted(found, key=lambda event: event.line)


def test_D061_D062_the_contracts_example(service: Service, http: httpx.Client) -> None:
    """200 samples' means, a line for each line; the job is described with what was asked for."""
    job = Job(service, lines_of(instance([number]) for number in (1.0, 2.0, 3.0)))
    config = '{ "num_samples": 200, "output_types": ["mean"] }'
    found = job.start(config).lines()
    body = http.get(f"/transform-jobs/{job.name}").json()

    assert [set(line) for line in found] == [{"mean"}] * 3
    assert [np.shape(line["mean"]) for line in found] == [(3,)] * 3
    assert body.pop("CreationTime") <= body.pop("TransformEndTime")
    assert body == {
        "TransformJobName": job.name,
        "TransformJobStatus": "Completed",
        "ModelName": PLAIN,
        "BatchStrategy": "SingleRecord",
        "Environment": {"DEEPAR_INFERENCE_CONFIG": config},
        "TransformInput": {"SplitType": "Line", "DataSource": {"S3DataSource": {"S3Uri": job.source}}},
        "TransformOutput": {"AssembleWith": "Line", "S3OutputPath": f"/outputs/{job.name}"},
        "OutputFile": f"/outputs/{job.name}/batch.jsonl.out",
        "on_error": "fail",
        "lines": 3,
        "finished": 3,
    }


def test_D062_one_event_for_each_line_in_and_one_out(service: Service) -> None:
    """Requests carry what was asked for, results the forecasts that the output shows."""
    job = Job(service, lines_of(instance([number, None]) for number in (1.0, 2.0))).start(SEED)
    shown = [line["mean"] for line in job.lines()]
    requests, results = job.events(service.topics.inference_requests), job.events(service.topics.inference_results)

    assert [(one.line, one.request_id, list(one.target)) for one in requests] == [
        (0, f"{job.name}:0", [1.0, None]),
        (1, f"{job.name}:1", [2.0, None]),
    ]
    assert [(one.num_samples, list(one.output_types)) for one in requests] == [(20, ["mean"])] * 2
    assert [(one.line, one.error, one.samples) for one in results] == [(0, None, None), (1, None, None)]
    np.testing.assert_allclose([list(one.mean) for one in results], shown, rtol=1e-6)


def test_D050_without_a_configuration_there_are_mean_and_nine_quantiles(service: Service) -> None:
    """Of 100 samples, as the requests show."""
    job = Job(service, lines_of([instance()])).start()
    (line,) = job.lines()
    (request,) = job.events(service.topics.inference_requests)

    assert set(line) == {"mean", "quantiles"}
    assert list(line["quantiles"]) == NINE
    assert request.num_samples == 100


def test_D055_given_fields_win_and_missing_ones_are_defaults(service: Service) -> None:
    """Field by field."""
    (line,) = Job(service, lines_of([instance()])).start('{"quantiles": ["0.50"], "num_samples": 3}').lines()

    assert set(line) == {"mean", "quantiles"}
    assert list(line["quantiles"]) == ["0.50"]


def test_D060_the_models_own_configuration_holds_where_the_job_has_none(service: Service) -> None:
    """The job's wins where there is one; what it does not name is a default of D-050 then."""
    content = lines_of([instance()])
    (created,) = Job(service, content).start(model=CREATED).lines()
    (own,) = Job(service, content).start('{"num_samples": 4}', model=CREATED).lines()

    assert np.shape(created["samples"]) == (9, 3)
    assert set(own) == {"mean", "quantiles"}


@pytest.mark.parametrize(
    ("config", "part"),
    [
        ("{oops", "DEEPAR_INFERENCE_CONFIG is not JSON"),
        ("[]", "DEEPAR_INFERENCE_CONFIG"),
        ('{"num_samples": 0}', "num_samples is 0"),
        ('{"output_types": []}', "output_types"),
        ('{"quantiles": ["2"]}', "quantiles has '2'"),
    ],
)
def test_D055_a_wrong_configuration_fails_the_job_at_its_start(service: Service, config: str, part: str) -> None:
    """With the reason, not line by line."""
    job = Job(service, lines_of([instance()])).start(config)

    assert part in job.failed()
    assert job.events(service.topics.inference_requests) == []


def test_D055_a_configuration_that_is_no_text_is_refused(service: Service, http: httpx.Client) -> None:
    """The environment holds texts; an object is a likely slip."""
    job = Job(service, b"")
    body = job.body() | {"Environment": {"DEEPAR_INFERENCE_CONFIG": {"num_samples": 3}}}

    check_refusal(http.post("/transform-jobs", json=body), 400, "DEEPAR_INFERENCE_CONFIG", "JSON as a text")


def test_D058_D063_assembled_with_none_all_is_on_one_line(service: Service) -> None:
    """Objects without anything in between, as the seed warns; it is what is absent, too."""
    output = {"S3OutputPath": "/outputs/joined"}
    for fields in ({**output, "AssembleWith": "None"}, output):
        job = Job(service, lines_of([instance()] * 3), file=f"{uuid.uuid4().hex}.jsonl")
        text = job.start(SEED, TransformOutput=fields).output()
        assert "\n" not in text
        assert text.count('{"mean":') == 3
        assert text.count("}{") == 2


def test_D059_assemble_with_may_stand_in_the_input(service: Service) -> None:
    """Where the seed's prose has it; the output's wins."""
    job = Job(service, lines_of([instance()] * 2))
    source = {"DataSource": {"S3DataSource": {"S3Uri": job.source}}, "AssembleWith": "Line"}
    output = {"S3OutputPath": f"/outputs/{job.name}"}

    assert len(job.start(SEED, TransformInput=source, TransformOutput=output).lines()) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"BatchStrategy": None},
        {"BatchStrategy": "MultiRecord", "MaxConcurrentTransforms": 4, "TransformResources": {"InstanceCount": 1}},
    ],
)
def test_D057_D063_other_strategies_are_as_single_record(service: Service, change: dict[str, Any]) -> None:
    """Fields of SageMaker's that mean nothing here are accepted."""
    job = Job(service, lines_of([instance()] * 2))
    source = {"DataSource": {"S3DataSource": {"S3Uri": f"s3://any-bucket{job.source}", "S3DataType": "S3Prefix"}}}

    assert len(job.start(SEED, TransformInput=source, **change).lines()) == 2


@pytest.mark.parametrize(
    ("wrong", "part"),
    [
        (b"{oops", "not JSON"),
        (b'{"start": "2024-01-01"}', "target is missing"),
        (b'{"start": "2024-01-01", "target": [1], "cat": [0]}', "cat is given"),
        (b"[]", "expected an object"),
    ],
)
def test_D064_a_wrong_line_fails_the_job_by_its_number(service: Service, wrong: bytes, part: str) -> None:
    """Counted from 1, blank lines too."""
    job = Job(service, lines_of([instance()]) + b"\n" + wrong + b"\n" + lines_of([instance()])).start(SEED)
    reason = job.failed()

    assert reason.startswith("line 3: ")
    assert part in reason


def test_D052_D053_lines_must_have_what_the_model_was_trained_with(service: Service) -> None:
    """A line in the shape of training data lacks the features of the future."""
    line = instance([1.0, 2.0], cat=[0, 1], dynamic_feat=[[1.3, 0.4]])
    reason = Job(service, lines_of([line])).start(SEED, FULL).failed()
    (found,) = Job(service, lines_of([line | {"dynamic_feat": [[1.3, 0.4, 1, 1, 1]]}])).start(SEED, FULL).lines()

    assert reason == "line 1: dynamic_feat[0]: expected 5 values (2 target + 3 prediction_length), found 2"
    assert len(found["mean"]) == 3


def test_D064_wrong_lines_can_become_errors_in_their_place(service: Service) -> None:
    """on_error=emit: order and count stay equal; and they are events like the others."""
    rows = [instance(), {"start": "x"}, instance([9.0]), {"target": []}]
    job = Job(service, lines_of(rows)).start(SEED, on_error="emit")
    found = job.lines()

    assert [set(line) for line in found] == [{"mean"}, {"error"}, {"mean"}, {"error"}]
    assert "start is 'x'" in found[1]["error"]
    assert [one.error is None for one in job.events(service.topics.inference_results)] == [True, False, True, False]


def test_D065_blank_lines_and_the_last_line_without_an_end(service: Service) -> None:
    """The former are ignored, the latter counts; the output ends with an end of line."""
    content = b"\n" + lines_of([instance()]) + b"  \t\r\n\n" + lines_of([instance()])[:-1]
    job = Job(service, content).start(SEED)

    assert len(job.lines()) == 2
    assert job.ended()["lines"] == 2


@pytest.mark.parametrize("content", [b"", b"\n\n"])
def test_D065_a_file_without_lines_has_an_empty_output(service: Service, content: bytes) -> None:
    """And is no failure."""
    assert Job(service, content).start(SEED).output() == ""


def test_D062_a_packed_file_is_unpacked(service: Service) -> None:
    """By its name."""
    job = Job(service, gzip.compress(lines_of([instance()] * 3)), file="batch.jsonl.gz").start(SEED)

    assert len(job.lines()) == 3
    assert job.ended()["OutputFile"].endswith("/batch.jsonl.gz.out")


def test_D056_the_order_of_thousands_of_lines_is_kept(service: Service, http: httpx.Client) -> None:
    """Each forecast is in its series' place, and progress can be seen meanwhile."""
    count = 3000
    rows = ({"start": "2024-01-01", "target": [1000.0 ** (n % 7)] * 4} for n in range(count))
    job = Job(service, gzip.compress(lines_of(rows)), file="batch.jsonl.gz")
    job.start('{"num_samples": 20, "output_types": ["samples"]}')
    seen: set[int] = set()
    body: dict[str, Any] = {}

    def completed() -> bool:
        body.update(http.get(f"/transform-jobs/{job.name}").json())
        assert body["TransformJobStatus"] in ("InProgress", "Completed"), body
        assert 0 <= body["finished"] <= count
        seen.add(body["finished"])
        return bool(body["TransformJobStatus"] == "Completed")

    until(completed, within=LIMIT_S, why="the job is complete")
    widths = [np.abs(line["samples"]).max() for line in job.lines()]

    assert len(widths) == count
    assert [round(np.log10(width) / 3) for width in widths] == [n % 7 for n in range(count)]
    assert (body["lines"], body["finished"]) == (count, count)
    assert len(seen) > 2, "no progress was shown"


def test_D039_a_seed_makes_a_job_repeatable(service: Service) -> None:
    """Equal lines differ among themselves, jobs do not."""
    content = lines_of([instance()] * 2)
    first = Job(service, content).start(SEED).lines()

    assert Job(service, content).start(SEED).lines() == first
    assert first[0] != first[1]


def test_D062_jobs_are_listed_the_newest_first(service: Service, http: httpx.Client) -> None:
    """With their status, and the reason of those that failed."""
    good = Job(service, lines_of([instance()])).start(SEED)
    good.output()
    bad = Job(service, b"{\n").start(SEED)
    reason = bad.failed()
    listed = http.get("/transform-jobs").json()["TransformJobSummaries"]
    by_name = {one["TransformJobName"]: one for one in listed}

    assert [one["CreationTime"] for one in listed] == sorted((one["CreationTime"] for one in listed), reverse=True)
    assert by_name[good.name]["TransformJobStatus"] == "Completed"
    assert by_name[bad.name]["FailureReason"] == reason


def test_D062_a_job_can_be_stopped(service: Service, http: httpx.Client) -> None:
    """Soon it is Stopped, and stays so; there is no output. What has ended cannot be stopped."""
    publish(ObjectStore(service.settings.object_store_url), "transforms-slow", prediction_length=60, num_cells=60)
    job = Job(service, gzip.compress(lines_of([instance()] * 2900)), file="batch.jsonl.gz")
    job.start('{"num_samples": 300, "output_types": ["mean"]}', "transforms-slow")
    until(lambda: http.get(f"/transform-jobs/{job.name}").json()["lines"] == 2900, why="the lines are counted")
    stopped = http.post(f"/transform-jobs/{job.name}/stop")

    assert stopped.status_code == 200, stopped.text
    assert stopped.json()["TransformJobStatus"] in ("Stopping", "Stopped")
    assert job.ended()["TransformJobStatus"] == "Stopped"
    assert http.post(f"/transform-jobs/{job.name}/stop").json()["TransformJobStatus"] == "Stopped"
    check_refusal(http.get(f"/transform-jobs/{job.name}/output"), 409, "Stopped")
    done = Job(service, lines_of([instance()])).start(SEED)
    done.output()
    check_refusal(http.post(f"/transform-jobs/{done.name}/stop"), 409, "Completed")


def test_D082_what_is_not_there_is_404_and_a_name_is_taken_once(service: Service, http: httpx.Client) -> None:
    """Jobs, endpoints; the file is a field of the request, and so 400."""
    job = Job(service, lines_of([instance()]))
    missing = Job(service, b"").body()
    missing["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"] = "/uploads/no-such-file"
    check_refusal(http.get("/transform-jobs/nobodys"), 404, "no transform job 'nobodys'")
    check_refusal(http.get("/transform-jobs/nobodys/output"), 404)
    check_refusal(http.post("/transform-jobs/nobodys/stop"), 404)
    check_refusal(http.post("/transform-jobs", json=job.body(model="nobodys")), 404, "ModelName", "'nobodys'")
    check_refusal(http.post("/transform-jobs", json=missing), 400, "S3Uri", "/uploads/no-such-file")
    job.start(SEED)
    taken = check_refusal(http.post("/transform-jobs", json=job.body(SEED)), 409, "TransformJobName", job.name)

    assert taken["code"] == "ConflictError"


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"TransformJobName": "a b"}, "TransformJobName"),
        ({"TransformJobName": None}, "TransformJobName"),
        ({"ModelName": 5}, "ModelName"),
        ({"TransformOutput": {"S3OutputPath": "/../x", "AssembleWith": "Line"}}, "S3OutputPath"),
        ({"TransformOutput": {"S3OutputPath": "/endpoints/x", "AssembleWith": "Line"}}, "S3OutputPath"),
        ({"TransformOutput": {"S3OutputPath": "/outputs/x", "AssembleWith": "Comma"}}, "AssembleWith"),
        ({"TransformInput": {}}, "DataSource"),
        ({"on_error": "ignore"}, "on_error"),
    ],
)
def test_D081_a_wrong_request_is_refused_by_its_field(
    service: Service, http: httpx.Client, change: dict[str, Any], part: str
) -> None:
    """And there is no job afterwards."""
    job = Job(service, lines_of([instance()]))

    body = check_refusal(http.post("/transform-jobs", json=job.body() | change), 400, part)
    assert body["code"] == "ValidationError"
    assert http.get(f"/transform-jobs/{job.name}").status_code == 404


def test_an_idempotency_key_makes_a_repeat_harmless(service: Service, http: httpx.Client) -> None:
    """The same answer, and one job."""
    job = Job(service, lines_of([instance()]))
    headers = {"Idempotency-Key": job.name}
    first, again = (http.post("/transform-jobs", json=job.body(SEED), headers=headers) for _ in range(2))

    assert (first.status_code, again.status_code) == (200, 200)
    assert len(job.lines()) == 1
    assert len(job.events(service.topics.inference_requests)) == 1


def test_a_producers_event_starts_a_job_as_a_request_does(service: Service, stock: StockClient) -> None:
    """Decision 12: the same output, read over HTTP."""
    content = lines_of([instance([number]) for number in range(5)])
    expected = Job(service, content).start(SEED).output()
    job = Job(service, content)
    topic = service.topics.transform_commands
    fields = {"name": job.name, "model_name": PLAIN, "input_path": job.source, "output_path": f"/outputs/{job.name}"}
    stock.command(topic, job.name, "StartTransform", inference_config=SEED, **fields)
    until(lambda: job.api.call("GET", f"/transform-jobs/{job.name}").status_code == 200, why="the job is there")

    assert job.output() == expected


def test_a_producers_command_that_is_refused_is_a_dead_letter(service: Service, stock: StockClient) -> None:
    """With the reason that HTTP would have given; and so is what cannot be read."""
    topic = service.topics.transform_commands
    fields = {"model_name": "nobodys", "input_path": "/uploads/x", "output_path": "/outputs/x"}
    command_id = stock.command(topic, "refused", "StartTransform", name="refused", **fields)
    unreadable = stock.raw(topic, b"refused", b"nonsense")

    assert "there is no endpoint 'nobodys'" in stock.refusal(command_id)["error"]
    assert stock.dead_letter(topic, *unreadable).value() == b"nonsense"


def test_D036_a_line_has_the_numbers_that_its_endpoint_answers(service: Service, http: httpx.Client) -> None:
    """The same model and configuration: the same distribution, told by 4,000 samples."""
    (line,) = Job(service, lines_of([instance()])).start('{"num_samples": 4000}').lines()
    (online,) = invoke(http, PLAIN, instance(), num_samples=4000)
    spread = np.subtract(online["quantiles"]["0.9"], online["quantiles"]["0.1"])

    assert (np.abs(np.subtract(line["mean"], online["mean"])) < 0.1 * spread).all()


def test_an_idempotency_key_stands_for_one_body(service: Service, http: httpx.Client) -> None:
    """Another job under the key of the first is refused, though nothing of its own name is there."""
    job, other = (Job(service, lines_of([instance()])) for _ in range(2))
    headers = {"Idempotency-Key": job.name}
    assert http.post("/transform-jobs", json=job.body(SEED), headers=headers).status_code == 200

    check_refusal(http.post("/transform-jobs", json=other.body(SEED), headers=headers), 409, "Idempotency-Key")
    assert http.get(f"/transform-jobs/{other.name}").status_code == 404
