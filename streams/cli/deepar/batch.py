"""Forecasts of a whole file by a transform job: for more series than one wants to wait for with requests open."""

import json
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from streams.cli.console.failure import CommandError
from streams.cli.console.terminal import one_line
from streams.cli.deepar.series import SeriesLine, lines_file
from streams.cli.service.session import Session

__all__ = ["transform_all"]

_POLL_S: Final = 0.5
_LONGEST_NAME: Final = 50  # of the endpoint's, so that the job's has at most 64 characters


def transform_all(
    session: Session,
    name: str,
    series: Sequence[SeriesLine],
    configuration: Mapping[str, Any],
    progress: Callable[[int], None],
    *,
    pause: Callable[[float], None] = time.sleep,
) -> list[Mapping[str, Any]]:
    """A prediction for each series, in order; CommandError with the job's reason where it fails. `pause`: for tests."""
    client = session.client
    job = f"{name[:_LONGEST_NAME]}-{uuid.uuid4().hex[:12]}"
    with lines_file(series) as file:
        client.put_file(f"/uploads/{name}/{job}.jsonl", file)
    body = {
        "TransformJobName": job,
        "ModelName": name,
        "BatchStrategy": "SingleRecord",
        "Environment": {"DEEPAR_INFERENCE_CONFIG": json.dumps(configuration)},
        "TransformInput": {
            "SplitType": "Line",
            "DataSource": {"S3DataSource": {"S3Uri": f"/uploads/{name}/{job}.jsonl"}},
        },
        "TransformOutput": {"AssembleWith": "Line", "S3OutputPath": f"/outputs/{job}"},
    }
    client.write("POST", "/transform-jobs", body=body)
    done = 0
    while True:
        found = client.get(f"/transform-jobs/{job}")
        progress(found["finished"] - done)
        done = found["finished"]
        if found["TransformJobStatus"] == "Completed":
            break
        if found["TransformJobStatus"] != "InProgress":
            reason = found.get("FailureReason", "someone stopped it")
            raise CommandError(f"transform job {job} is {found['TransformJobStatus']}: {one_line(reason)}")
        session.watch()
        pause(_POLL_S)
    return [json.loads(line) for line in client.get_file(f"/transform-jobs/{job}/output").splitlines()]
