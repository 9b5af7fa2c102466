"""How a submission's elements are trained, as the job's row keeps it until all of them are answered."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter

from schemas.coding.codec import Codec
from schemas.forecasting import JobRecord, Planned, Submission, SubmitJob
from streams.forecasting.submissions import Training, trainings_again

__all__ = [
    "count_of",
    "is_lost",
    "model_names",
    "packed",
    "planned_again",
    "sent",
    "sent_again",
    "trainings_of",
    "unsent",
]

_ANY_SERIES = 1  # settings are kept once for all series that have them
_NONE = -1
_NOWHERE: Mapping[int, int] = {}


def packed(codec: Codec, command: SubmitJob, trainings: Sequence[Training]) -> Planned:
    """What the row keeps of them; `first_n` is given when the submission gets its numbers."""
    places: dict[int, int] = {}
    different: list[Training] = []
    plan_of: list[int] = []
    for training in trainings:  # elements with equal settings share their plan
        place = places.get(id(training.plan))
        if place is None:
            place = places[id(training.plan)] = len(different)
            different.append(training)
        plan_of.append(place)
    settings = tuple(replace(training.settings, ts_id=_ANY_SERIES) for training in different)
    plans = codec.encode(SubmitJob(command.command_id, command.job_id, settings))
    return Planned(0, 0, plans, tuple(plan_of) if len(different) > 1 else ())


def trainings_of(codec: Codec, job: JobRecord, planned: Planned) -> list[Training]:
    """The trainings of a submission in the order of their numbers, as they were accepted."""
    offsets = _submission(job, planned).ts_offsets
    settings = codec.decode(planned.plans).elements
    return trainings_again(settings, [job.first_ts_id + offset for offset in offsets], planned.plan_of)


def model_names(codec: Codec, job: JobRecord) -> Mapping[int, str]:
    """The model of each submission whose plan is still kept, by its number."""
    names: dict[int, str] = {}
    for planned in job.planned:
        of_plan = [element.model_name or "" for element in codec.decode(planned.plans).elements]
        count = len(_submission(job, planned).ts_offsets)
        chosen = [of_plan[place] for place in planned.plan_of] or of_plan[:1] * count
        names |= zip(range(planned.first_n, planned.first_n + count), chosen, strict=True)
    return names


def unsent(job: JobRecord) -> Iterator[Planned]:
    """The submissions that have training to be sent out."""
    return (one for one in job.planned if one.first_n >= job.stopped and one.sent < count_of(job, one.first_n))


def planned_again(job: JobRecord, planned: Planned, first_n: int) -> JobRecord:
    """The job with how a submission is trained, which had its numbers before."""
    return replace(job, planned=(*job.planned, replace(planned, first_n=first_n)))


def sent(
    job: JobRecord, before: Planned, count: int, offsets: Mapping[int, int] = _NOWHERE, run_offset: int = -1
) -> JobRecord:
    """The job once so many elements of a submission have been sent out; itself where the row is of another mind.

    It is where all is over, and where what was sent `before` is to be sent again. `offsets`, by partition, and
    `run_offset` are the lowest of what was sent.
    """
    planned = tuple(
        _placed(replace(one, sent=count), offsets, run_offset)
        if (one.first_n, one.sent) == (before.first_n, before.sent)
        else one
        for one in job.planned
    )
    return job if planned == job.planned else replace(job, planned=planned)


def _placed(planned: Planned, offsets: Mapping[int, int], run_offset: int) -> Planned:
    known = {place: offset for place, offset in enumerate(planned.offsets) if offset >= 0}
    lowest = {place: min(known.get(place, offset), offset) for place, offset in {**known, **offsets}.items()}
    return replace(
        planned,
        offsets=tuple(lowest.get(place, _NONE) for place in range(max(lowest, default=-1) + 1)),
        run_offset=min((at for at in (planned.run_offset, run_offset) if at >= 0), default=_NONE),
    )


def is_lost(job: JobRecord, planned: Planned, starts: Sequence[int], run_start: int, before: int) -> bool:
    """Whether commands of the submission may be gone from their topics, which begin at `starts` and `run_start` now.

    `before` is the time whose records are gone: it decides where the row does not say at which offsets they were.
    """
    if not planned.sent or planned.first_n < job.stopped:
        return False
    if planned.offsets or planned.run_offset >= 0:
        series = zip(planned.offsets, starts, strict=False)
        return any(0 <= offset < start for offset, start in (*series, (planned.run_offset, run_start)))
    return _submission(job, planned).at < before and (run_start > 0 or any(starts))


def sent_again(job: JobRecord, planned: Planned, n: int) -> JobRecord:
    """The job whose submission is to be sent out anew from element number `n` on."""
    again = replace(planned, sent=n - planned.first_n, offsets=(), run_offset=_NONE)
    return replace(job, planned=tuple(again if one.first_n == planned.first_n else one for one in job.planned))


def count_of(job: JobRecord, first_n: int) -> int:
    """How many elements the submission has whose first number this is."""
    index = bisect_right(job.submissions, first_n, key=attrgetter("first_n")) - 1
    return len(job.submissions[index].ts_offsets)


def _submission(job: JobRecord, planned: Planned) -> Submission:
    return next(one for one in job.submissions if one.first_n == planned.first_n)
