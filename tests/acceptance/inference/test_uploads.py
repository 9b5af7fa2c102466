"""Files that are PUT: once for each Idempotency-Key, also by way of a worker that has not seen the first."""

import uuid

import httpx


def test_an_upload_that_comes_again_leaves_what_is_there_by_now(http: httpx.Client) -> None:
    """A retry, or a signed request that somebody has copied, brought the older file back."""
    path, key = f"/uploads/{uuid.uuid4().hex}.csv", {"Idempotency-Key": uuid.uuid4().hex}
    first = http.put(path, content=b"old", headers=key)
    assert http.put(path, content=b"newer").json() == {"path": path, "bytes": 5}
    again = http.put(path, content=b"old", headers=key)

    assert (again.status_code, again.json()) == (200, first.json())
    assert http.get(path).content == b"newer"


def test_an_idempotency_key_is_of_one_content_and_one_path(http: httpx.Client) -> None:
    """Another file under it is a mistake, which is told; at another path it is another key."""
    path, key = f"/uploads/{uuid.uuid4().hex}.csv", {"Idempotency-Key": uuid.uuid4().hex}
    assert http.put(path, content=b"one", headers=key).status_code == 200
    other = http.put(path, content=b"two", headers=key)

    assert other.status_code == 409
    assert "Idempotency-Key" in other.json()["message"]
    assert http.get(path).content == b"one"
    assert http.put(f"{path}.more", content=b"two", headers=key).status_code == 200
    assert http.get(f"{path}.more").content == b"two"
