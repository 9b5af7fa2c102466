"""The end of runs: their results become one data set."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from agents.scoring_jobs.calls import Finish, Finished, Source
from agents.scoring_jobs.finishing import finish
from connectors.csv_files.dialect import Dialect
from connectors.datasets import manifests as datasets
from connectors.objects.store import ObjectStore

_TOGETHER = 8


def test_S110_runs_that_end_together_all_succeed(tmp_path: Path) -> None:
    """One replaces the other's data set; some failed, for the name was taken, and their work was lost."""
    url = f"file://{tmp_path}"
    store = ObjectStore(url)
    store.put_bytes("parts/1", b'{"columns": ["prediction"]}\n1,2,\n')
    source = Source("uploads/in.csv", "csv", "csv", ("x",), Dialect(), ())

    def end(number: int) -> Finished:
        run_id = f"r-{number:020x}"
        return finish(
            Finish(
                url,
                source,
                ("parts/1",),
                ("prediction",),
                f"outputs/runs/{run_id}/out.csv",
                run_id,
                "job",
                "out.csv",
                number + 1,
            )
        )

    with ThreadPoolExecutor(_TOGETHER) as threads:
        ended = list(threads.map(end, range(_TOGETHER)))

    assert [one.error for one in ended] == [None] * _TOGETHER
    found = datasets.of_upload(store, "out.csv", "")
    assert found is not None
    assert found.made_by == "job"
