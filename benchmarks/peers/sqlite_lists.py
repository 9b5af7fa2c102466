"""The bound of lists of training jobs: the same answers out of SQLite in memory, by a bare ASGI server on one core.

`python -m benchmarks.peers.sqlite_lists PORT JOBS VERSIONS`; it checks nothing and knows no projects.
"""

import sqlite3
import sys
from typing import Any
from urllib.parse import parse_qs

import orjson
import uvicorn

_JOBS = "job_id, job_name, version_id, status, create_time, duration, job_desc, version_count"
_CONFIG = {"worker_server_num": 1, "spec_id": 1, "data_url": "/usr/data/", "app_url": "/usr/app/", "train_url": "/a/"}


def _filled(jobs: int, versions: int) -> sqlite3.Connection:
    database = sqlite3.connect(":memory:", check_same_thread=False)
    database.execute(f"CREATE TABLE jobs ({_JOBS}, PRIMARY KEY (job_id))")
    database.execute("CREATE TABLE versions (job_id, number, version_id, config, PRIMARY KEY (job_id, number))")
    for job in range(jobs):
        row = (job, f"job-{job:04d}", job * versions, 5, 1_795_000_000_000 + job, 0, "a description", versions)
        database.execute("INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        config = orjson.dumps(_CONFIG)
        rows = [(job, number, job * versions + number, config) for number in range(versions)]
        database.executemany("INSERT INTO versions VALUES (?, ?, ?, ?)", rows)
    return database


def main(port: int, jobs: int, versions: int) -> None:
    """Answer until it is killed."""
    database = _filled(jobs, versions)
    names = _JOBS.split(", ")

    def jobs_page(asked: dict[str, str]) -> bytes:
        searched = f"%{asked.get('search_content', '')}%"
        (total,) = database.execute("SELECT count(*) FROM jobs WHERE job_name LIKE ?", (searched,)).fetchone()
        size = int(asked.get("per_page", "10"))
        rows = database.execute(
            f"SELECT * FROM jobs WHERE job_name LIKE ? ORDER BY {asked.get('sortBy', 'job_name')} LIMIT ? OFFSET ?",
            (searched, size, (int(asked.get("page", "1")) - 1) * size),
        )
        return orjson.dumps({"job_total_count": total, "jobs": [dict(zip(names, row, strict=True)) for row in rows]})

    def versions_of(job: int) -> bytes:
        rows = database.execute("SELECT * FROM versions WHERE job_id = ? ORDER BY number DESC", (job,))
        shown = [{"version_id": row[2], "version_name": f"V{row[1]:04d}", **orjson.loads(row[3])} for row in rows]
        return orjson.dumps({"job_id": job, "version_count": len(shown), "versions": shown})

    async def answer(scope: Any, _: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        asked = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
        body = versions_of(int(asked["job"])) if scope["path"] == "/versions" else jobs_page(asked)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    uvicorn.run(answer, host="127.0.0.1", port=port, log_level="error", lifespan="off")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
