"""The contract's sample data, and jobs made of data in one call."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final

import httpx

from tests.integration.services import Api

__all__ = ["DAYS", "HISTORY", "PREVIEW", "check_error", "csv", "element", "new_job", "run", "sample", "train"]

HISTORY: Final = (  # J-140
    227, 246, 247, 249, 255, 249, 246, 228, 246, 246, 245, 249, 235, 233, 224, 230, 261, 238, 242,
    266, 258, 226, 233, 242, 236, 236, 233, 260, 219, 230, 235, 237, 226, 227, 226, 221, 222, 227,
)  # fmt: skip
_FIRST: Final = date(2020, 8, 1)
DAYS: Final = tuple(
    f"{day.month}/{day.day}/{day.year}" for day in (_FIRST + timedelta(days=i) for i in range(len(HISTORY)))
)
PREVIEW: Final = b"""\
Region,VMSeries,ObjectTime,sum_PeakDailyCores
asiasoutheast,FS,2020-08-01 00:00:00.0000000,152
ussouth,A,2020-08-01 00:00:00.0000000,1377
ussouth,D,2020-08-01 00:00:00.0000000,234
europewest,B,2020-08-01 00:00:00.0000000,11912
asiasoutheast,B,2020-08-01 00:00:00.0000000,3866
asiasoutheast,FS,2020-08-02 00:00:00.0000000,160
"""
"""The file behind the contract's preview (section 3); the last row shows that only five are previewed."""


def csv(header: str, *rows: str) -> bytes:
    """A CSV file of these lines."""
    return "\n".join((header, *rows, "")).encode()


def sample(values: Sequence[Any] = HISTORY, days: Sequence[str] = DAYS) -> bytes:
    """The sample series, or others in its form: columns ObjectTime, sum_PeakDailyCores."""
    return csv("ObjectTime,sum_PeakDailyCores", *(f"{day},{value}" for day, value in zip(days, values, strict=True)))


def new_job(
    api: Api, content: bytes, *, timestamp: int = 0, target: int = 1, groupby: Sequence[int] = ()
) -> tuple[int, list[int]]:
    """A job on a data set of its own, and its series."""
    job_id = api.create_job(api.add_dataset(content))
    body = {"timestamp_indexs": [timestamp], "target_indexs": [target], "groupby_indexs": list(groupby)}
    answer = api.call("PUT", f"/job/{job_id}/", json=body)
    assert answer.status_code == 200, answer.text
    return job_id, [series["ts_id"] for series in answer.json()["ts_details"]]


def element(
    ts_id: int, model: str = "LinearFit", params: dict[str, Any] | None = None, **fields: Any
) -> dict[str, Any]:
    """One element of a PATCH that trains without tuning; `params` are fixed hyper-parameters."""
    types = {int: "int", float: "float", str: "list"}
    hyper_params = [{"name": name, "type": types[type(val)], "val": val} for name, val in (params or {}).items()]
    return {
        "ts_id": ts_id,
        "model_name": model,
        "hyper_params": hyper_params,
        "next_k_prediction": 5,
        "auto_tune": 0,
        "eval_metrics": ["mse", "rmse"],
        **fields,
    }


def train(api: Api, job_id: int, *elements: dict[str, Any]) -> dict[str, Any]:
    """Submit, wait for the end of training, and the whole body of the results."""
    answer = api.call("PATCH", f"/job/{job_id}/", json=list(elements))
    assert answer.status_code == 200, answer.text
    api.finished(job_id)
    body: dict[str, Any] = api.get(f"/job/{job_id}/job_results/")
    return body


def run(api: Api, content: bytes, model: str = "LinearFit", params: dict[str, Any] | None = None, **fields: Any) -> Any:
    """The one result of a new job on the one series of a file in the form of `sample`."""
    job_id, (ts_id,) = new_job(api, content)
    body = train(api, job_id, element(ts_id, model, params, **fields))
    assert body["status"] == 3, body
    ((entry,),) = [series["results"] for series in body["results"]]
    return entry


def check_error(answer: httpx.Response, status: int, *parts: str) -> dict[str, Any]:
    """The body of an error, after checking that it is the envelope of J-145 and that its message has every part."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    body: dict[str, Any] = answer.json()
    assert set(body) - {"element", "field"} == {"status", "code", "message"}  # those two: decision 19
    assert body["status"] == status
    assert isinstance(body["code"], str)
    assert body["code"].replace("_", "").isalnum()
    assert isinstance(body["message"], str)
    assert body["message"]
    for part in parts:
        assert part in body["message"], body["message"]
    assert "Traceback" not in body["message"]
    assert 'File "' not in body["message"]
    return body
