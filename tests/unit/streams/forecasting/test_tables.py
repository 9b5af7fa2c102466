"""The two tables: rows in memory, the changelog that brings them back, and what is derived from them."""

import asyncio
import uuid
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import faust
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yarl import URL

from connectors.kafka.publisher import DeliveryError, Record
from schemas.coding.codec import Codec
from schemas.forecasting import CmdStatus, JobRecord, SeriesConfig
from schemas.series import SeriesResult
from schemas.values import HyperParam
from streams.engine.ids import SeriesIdMinter
from streams.errors import RejectedError
from streams.forecasting.tables import Answer, JobTable, ResultTable
from tests.unit.streams.rows.changelog import ChangelogPublisher, put_back

CODEC = Codec()
JOB = JobRecord(7, 2, "flights", 1, 123, first_ts_id=1700, series_count=3)


class Tables:
    """Both tables of one process; it can be started anew from the changelogs."""

    def __init__(self, log: Iterable[Record] = ()) -> None:
        app = faust.App(
            f"t{uuid.uuid4().hex}", broker=[URL("kafka://127.0.0.1:1")], store="memory://", datadir="/nowhere"
        )
        self.publisher: Any = ChangelogPublisher()
        common = {"partitions": 4, "publisher": self.publisher, "codec": CODEC}
        self.jobs = JobTable(app, "jobs-changelog", **common)
        self.results = ResultTable(app, "results-changelog", **common)
        for record in log:
            table = self.jobs if record.topic == "jobs-changelog" else self.results
            put_back(table, record)

    @property
    def log(self) -> list[Record]:
        """What was written to the changelogs."""
        return list(self.publisher.records)


@pytest.fixture
async def tables() -> Tables:
    """Empty tables."""
    return Tables()


def result(n: int, ts_id: int = 1700, error: str | None = None, job_id: int = 7) -> Answer:
    """A result as the agent hands it over."""
    made = SeriesResult(job_id, ts_id, n, 1, "LinearFit", {}, [], [], {}, error=error)
    return Answer(job_id, ts_id, n, error, CODEC.encode(made))


class TestJobs:
    """The table of jobs."""

    async def test_a_job_can_be_read_at_once(self, tables: Tables) -> None:
        """Before the changelog has it."""
        writing = tables.jobs.put(2, JOB)

        assert tables.jobs.get(7) is JOB
        assert not writing.done()

    async def test_a_write_ends_when_the_changelog_has_it(self, tables: Tables) -> None:
        """The record is in the partition of the command that caused it, under the id as text."""
        writing = tables.jobs.put(2, JOB)
        tables.publisher.futures[0].set_result(None)
        await writing

        assert tables.log == [Record("jobs-changelog", b"7", CODEC.encode(JOB), partition=2)]

    async def test_a_failed_delivery_is_not_swallowed(self, tables: Tables) -> None:
        """The caller must let the process end."""
        writing = tables.jobs.put(2, JOB)
        tables.publisher.futures[0].set_exception(DeliveryError("jobs-changelog", "gone"))

        with pytest.raises(DeliveryError):
            await writing

    async def test_a_restart_brings_the_jobs_back(self, tables: Tables) -> None:
        """Equal in every field, the latest version of each."""
        changed = replace(JOB, status=CmdStatus.UNCOMITTED, settings=(SeriesConfig(1700, "LinearFit"),))
        tables.jobs.put(2, JOB)
        tables.jobs.put(2, changed)
        tables.jobs.put(1, replace(JOB, job_id=8))

        again = Tables(tables.log).jobs
        assert (again.get(7), again.get(8), again.ids()) == (changed, replace(JOB, job_id=8), [7, 8])

    async def test_a_deleted_job_is_gone(self, tables: Tables) -> None:
        """Also after a restart; deleting what is not there is no error."""
        tables.jobs.put(2, JOB)
        tables.jobs.delete(2, 7, "c")
        tables.jobs.delete(2, 7, "c")

        assert (tables.jobs.get(7), tables.jobs.ids(), len(tables.jobs)) == (None, [], 0)
        assert tables.log[1].key == b"-3"  # which series ids there were
        assert tables.log[2:] == [Record("jobs-changelog", b"7", None, partition=2)] * 2
        assert Tables(tables.log).jobs.ids() == []

    async def test_ids_ascend_as_numbers(self, tables: Tables) -> None:
        """10 comes after 9."""
        for job_id in (10, 9, 100):
            tables.jobs.put(0, replace(JOB, job_id=job_id))

        assert tables.jobs.ids() == [9, 10, 100]

    async def test_an_unknown_job_is_none(self, tables: Tables) -> None:
        """It may also be another worker's."""
        assert tables.jobs.get(7) is None

    async def test_rows_that_recovery_changed_are_read_anew(self, tables: Tables) -> None:
        """What was decoded before may be another owner's past."""
        tables.jobs.put(2, JOB)
        other = replace(JOB, sequence=9, first_ts_id=9000)
        assert tables.jobs.highest_ts_id(2) == 1700
        tables.jobs._rows.write(2, [(b"7", CODEC.encode(other))])
        await tables.jobs._recovered()

        assert tables.jobs.get(7) == other
        assert tables.jobs.highest_ts_id(2) == 9000

    async def test_recovery_calls_back(self, tables: Tables) -> None:
        """Faust knows both tables' call-backs."""
        for table in (tables.jobs, tables.results):
            assert table._recovered in table._table._recover_callbacks

    async def test_J005_the_highest_series_id_is_per_partition(self, tables: Tables) -> None:
        """The minter starts above it; it does not fall when its job goes."""
        tables.jobs.put(1, replace(JOB, job_id=1, first_ts_id=500))
        assert (tables.jobs.highest_ts_id(1), tables.jobs.highest_ts_id(2)) == (500, 0)
        tables.jobs.put(1, replace(JOB, job_id=2, first_ts_id=400))
        tables.jobs.put(2, replace(JOB, job_id=3, first_ts_id=900))
        tables.jobs.delete(2, 3, "c")

        assert (tables.jobs.highest_ts_id(1), tables.jobs.highest_ts_id(2)) == (500, 900)

    async def test_J005_the_highest_series_id_survives_a_restart(self, tables: Tables) -> None:
        """In the partition where the changelog has the job."""
        tables.jobs.put(3, JOB)

        assert [Tables(tables.log).jobs.highest_ts_id(partition) for partition in range(4)] == [0, 0, 0, 1700]

    async def test_the_highest_series_id_survives_deletion_and_restart(self, tables: Tables) -> None:
        """A clock that was set back, or a burst that had borrowed seconds, must not bring it again; nobody sees it."""
        for job_id, first in ((1, 1700), (2, 9000), (3, 5000)):
            tables.jobs.put(3, replace(JOB, job_id=job_id, first_ts_id=first))
        for job_id in (3, 2, 1):
            tables.jobs.delete(3, job_id, "c")
        again = Tables(tables.log)

        assert [again.jobs.highest_ts_id(partition) for partition in range(4)] == [0, 0, 0, 9000]
        assert again.jobs.ids() == tables.jobs.ids() == []

    @settings(max_examples=20, deadline=None)  # an app for each restart
    @given(
        st.lists(
            st.tuples(st.sampled_from(["configure", "delete", "restart", "clock"]), st.integers(0, 5)), max_size=40
        )
    )
    async def test_no_history_with_deletions_repeats_a_series_id(self, history: list[tuple[str, int]]) -> None:
        """Property: jobs come and go, workers start anew from the changelog, clocks jump; no block is given twice."""
        tables, now = Tables(), [1_800_000_000.0]
        minter = SeriesIdMinter(lambda: now[0])
        blocks: list[int] = []
        for action, number in history:
            job_id, partition = number + 1, number % 2
            if action == "configure":
                minter.observe(partition, tables.jobs.highest_ts_id(partition))
                blocks.append(minter.mint(partition, now[0]))
                tables.jobs.put(partition, replace(JOB, job_id=job_id, first_ts_id=blocks[-1]))
            elif action == "delete":
                tables.jobs.delete(partition, job_id, "c")
            elif action == "restart":
                log = list(tables.log)
                tables, minter = Tables(log), SeriesIdMinter(lambda: now[0])
                tables.publisher.records = log
            else:
                now[0] += 3 - number

        assert len(set(blocks)) == len(blocks)

    async def test_a_job_that_no_record_can_carry_is_refused(self, tables: Tables) -> None:
        """413 before anything is written, with room left for what the end of a training adds."""
        limit = tables.publisher.max_message_bytes - 64 * 1024
        fits = limit - len(CODEC.encode(replace(JOB, settings=(setting(0),)))) - 4
        tables.jobs.check_size(replace(JOB, settings=(setting(fits),)))
        with pytest.raises(RejectedError, match="settings and submissions of job 7 take") as refusal:
            tables.jobs.check_size(replace(JOB, settings=(setting(fits + 8),)))

        assert (refusal.value.status, refusal.value.code) == (413, "job_too_large")
        assert tables.log == []


def setting(length: int) -> SeriesConfig:
    """A setting with a name of so many characters."""
    return SeriesConfig(1700, None, (HyperParam("x" * length, "int", 1),))


def timed(n: int, answered_at: int | None) -> Answer:
    """An answer with its time."""
    made = result(n)
    return made._replace(row=CODEC.encode(replace(CODEC.decode(made.row), answered_at=answered_at)))


class TestResults:
    """The table of results."""

    async def test_results_are_kept_under_job_series_and_number(self, tables: Tables) -> None:
        """As they came, in the job's partition."""
        made = [result(0), result(1, 1701)]
        tables.results.put(2, made)

        assert tables.log == [
            Record("results-changelog", b"7:1700:0", made[0].row, partition=2),
            Record("results-changelog", b"7:1701:1", made[1].row, partition=2),
        ]

    async def test_a_batch_is_one_call(self, tables: Tables) -> None:
        """One future for all, which ends with the last."""
        writing = tables.results.put(2, [result(0), result(1)])
        assert not writing.done()
        (future,) = tables.publisher.futures
        future.set_result(None)

        await writing

    async def test_a_repeat_overwrites_itself(self, tables: Tables) -> None:
        """One answer per number; an error may be mended by a later try, and the other way round."""
        tables.results.put(2, [result(0, error="bad"), result(1)])
        assert tables.results.progress(7).errors == {0: "bad"}
        tables.results.put(2, [result(0), result(1, error="worse")])

        assert len(tables.results) == 2
        assert set(tables.results.progress(7).finished) == {0, 1}
        assert tables.results.progress(7).errors == {1: "worse"}

    async def test_a_repeat_came_when_the_first_answer_did(self, tables: Tables) -> None:
        """A trainer that answers twice does not move the past; an answer whose time is not known stays so."""
        for n, first in ((0, 5), (1, None)):
            tables.results.put(2, [timed(n, first)])
            tables.results.put(2, [timed(n, 9)])

        assert [CODEC.decode(row).answered_at for row in tables.results.of_series(7, [1700])[1700]] == [5, None]
        assert [CODEC.decode(record.value).answered_at for record in tables.log] == [5, 5, None, None]

    async def test_J089_results_of_a_series_are_in_order_of_submission(self, tables: Tables) -> None:
        """Whatever the order of their arrival; only the series asked for, and all of those."""
        made = {n: result(n, 1700 + n % 2) for n in range(12)}
        for n in (10, 2, 0, 11, 1):
            tables.results.put(2, [made[n]])
        assert len(tables.results.of_series(7, [1700])[1700]) == 3
        for n in (4, 3, 10):
            tables.results.put(2, [made[n]])
        found = tables.results.of_series(7, [1700, 1702])

        assert found == {1700: [made[n].row for n in (0, 2, 4, 10)], 1702: []}

    async def test_jobs_are_apart(self, tables: Tables) -> None:
        """Numbers are a job's own."""
        tables.results.put(2, [result(0), result(0, job_id=70, error="bad")])

        assert (set(tables.results.progress(7).finished), tables.results.progress(7).errors) == ({0}, {})
        assert tables.results.progress(70).errors == {0: "bad"}

    async def test_the_results_of_a_deleted_job_are_gone(self, tables: Tables) -> None:
        """Those of others stay."""
        tables.results.put(2, [result(0, error="bad"), result(1), result(0, job_id=70)])
        tables.results.delete(2, 7)

        assert len(tables.results) == 1
        assert (set(tables.results.progress(7).finished), tables.results.progress(7).errors) == (set(), {})
        assert set(Tables(tables.log).results.progress(70).finished) == {0}
        assert set(Tables(tables.log).results.progress(7).finished) == set()

    async def test_rows_that_recovery_changed_are_read_anew(self, tables: Tables) -> None:
        """Numbers and errors are derived from the rows."""
        tables.results.put(2, [result(0)])
        assert tables.results.progress(7).errors == {}
        tables.results._rows.write(0, [(b"7:1700:0", result(0, error="bad").row)])
        tables.results._rows.write(0, [(b"7:1701:1", result(1, 1701).row)])
        await tables.results._recovered()

        progress = tables.results.progress(7)
        assert (set(progress.finished), progress.errors) == ({0, 1}, {0: "bad"})

    @given(
        writes=st.lists(
            st.tuples(st.sampled_from([7, 8]), st.integers(0, 4), st.none() | st.sampled_from(["", "bad"]))
            | st.sampled_from([7, 8]),
            max_size=12,
        ),
        looks=st.sets(st.integers(0, 11)),
    )
    def test_a_restart_changes_nothing(self, writes: list[Any], looks: set[int]) -> None:
        """Whatever was written, deleted and asked for in between: the log gives the same answers."""

        async def write() -> Tables:
            tables = Tables()
            for step, one in enumerate(writes):
                if isinstance(one, int):
                    tables.results.delete(2, one)
                else:
                    job_id, n, error = one
                    tables.results.put(2, [result(n, 1700 + n, error, job_id)])
                if step in looks:
                    tables.results.progress(7)
                    tables.results.of_series(8, [1700])
            return tables

        async def answers(results: ResultTable) -> list[Any]:
            progress = [results.progress(job_id) for job_id in (7, 8)]
            return [
                [(set(one.finished), dict(one.errors)) for one in progress],
                [results.of_series(job_id, range(1700, 1705)) for job_id in (7, 8)],
                len(results),
            ]

        async def both() -> None:
            tables = await write()
            assert await answers(tables.results) == await answers(Tables(tables.log).results)

        asyncio.run(both())


class TestResultsOfRefreshes:
    """Of settled submissions the newest results of each series are kept."""

    async def test_the_newest_are_kept(self, tables: Tables) -> None:
        """What is not settled stays whatever its number; what goes is gone after a restart too."""
        tables.results.put(3, [result(n, 1700 + n % 2, "bad" if n == 1 else None) for n in range(8)])
        tables.results.forget(3, 7, [1700, 1701], below=6, keep=1)

        for table in (tables.results, Tables(tables.log).results):
            progress = table.progress(7, 6)
            assert progress.series == {4: 1700, 5: 1701, 6: 1700, 7: 1701}
            assert (progress.listed(), dict(progress.errors)) == (2, {})
            found = table.of_series(7, [1700, 1701])
            assert {ts_id: [CODEC.decode(row).n for row in rows] for ts_id, rows in found.items()} == {
                1700: [4, 6],
                1701: [5, 7],
            }

    async def test_answers_are_counted_from_a_number_on(self, tables: Tables) -> None:
        """However they come, and also once what comes before them is settled."""
        tables.results.put(3, [result(0), result(1), result(2)])
        assert tables.results.progress(7).listed() == 3
        assert tables.results.progress(7, 3).listed() == 0
        for count, n in enumerate((4, 3, 4, 5), 1):
            tables.results.put(3, [result(n)])
            assert tables.results.progress(7, 3).listed() == min(count, 3 if n == 5 else 2)
        tables.results.forget(3, 7, [1700], below=3, keep=1)
        tables.results.put(3, [result(1)])  # late: its row was lost
        assert tables.results.progress(7, 3).listed() == 3
        assert list(tables.results.progress(7, 3).series) == [1, 2, 3, 4, 5]
        assert tables.results.progress(7, 6).listed() == 0


async def test_jobs_that_changed_are_known(tables: Tables) -> None:
    """Once each; where rows were read anew, that is all that can be said."""
    tables.jobs.put(3, JOB)
    assert tables.jobs.take_changed() is None
    assert tables.jobs.take_changed() == set()

    for job_id in (7, 8, 9):
        tables.jobs.put(3, replace(JOB, job_id=job_id))
    tables.jobs.delete(3, 8, "delete")
    assert tables.jobs.take_changed() == {7, 8, 9}
    assert tables.jobs.take_changed() == set()
    await tables.jobs._recovered()
    assert tables.jobs.take_changed() is None
