"""Trace context over HTTP: what a request sets going carries its trace, to the last record."""

from typing import Any

import pytest

from tests.acceptance.forecasting.jobs import element, new_job, sample
from tests.integration.services import Service, until

_TRACE = "0af7651916cd43dd8448eb211c80319c"
_PARENT = f"00-{_TRACE}-b7ad6b7169203331-01"


def _carried(service: Service, topic: str, job_id: int, ts_id: int) -> list[Any]:
    """The traces of the records about a job on a topic."""
    keys = {b"%d" % job_id, b"%d" % ts_id}
    about = [m for m in service.read_all(topic) if m.key() in keys or b"-%d-" % job_id in (m.key() or b"")]
    return [dict(message.headers() or ()).get("traceparent") for message in about]


@pytest.mark.parametrize("parent", [_PARENT, None, "00-nonsense"])
def test_a_submission_with_a_traceparent_is_followed_to_its_results(service: Service, parent: str | None) -> None:
    """Command, training, forecast, scores, result and status: all of one trace; without one, none has any."""
    api, topics = service.api, service.topics
    job_id, (ts_id,) = new_job(api, sample())
    headers = {} if parent is None else {"traceparent": parent}
    answer = service.api._client.patch(f"/job/{job_id}/", json=[element(ts_id)], headers=headers)
    assert answer.status_code == 200, answer.text
    api.finished(job_id)
    until(lambda: len(_carried(service, topics.job_status, job_id, ts_id)) == 3, why="the end is told")

    wanted = _PARENT.encode() if parent == _PARENT else None
    assert _carried(service, topics.job_commands, job_id, ts_id) == [None, None, wanted]
    assert _carried(service, topics.job_status, job_id, ts_id) == [None, wanted, wanted]
    assert _carried(service, topics.series_commands, job_id, ts_id) == [wanted]
    assert _carried(service, topics.forecasts, job_id, ts_id) == [wanted]
    assert _carried(service, topics.metrics, job_id, ts_id) == [wanted] * 2
    assert _carried(service, topics.job_results, job_id, ts_id) == [wanted]
