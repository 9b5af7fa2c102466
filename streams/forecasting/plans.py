"""How a submission's elements are trained, as the job's row keeps it until all of them are answered."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter

from schemas.coding.codec import Codec
from schemas.forecasting import JobRecord, Planned, Submission, SubmitJob
from streams.forecasting.submissions import Training, trainings_again

__all__ = ["count_of", "model_names", "packed", "planned_again", "sent", "trainings_of", "unsent"]

_ANY_SERIES = 1  # settings are kept once for all series that have them


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


def sent(job: JobRecord, first_n: int, count: int) -> JobRecord:
    """The job once so many elements of a submission have been sent out; itself where that is known, or all is over."""
    planned = tuple(
        replace(one, sent=count) if one.first_n == first_n and one.sent < count else one for one in job.planned
    )
    return job if planned == job.planned else replace(job, planned=planned)


def count_of(job: JobRecord, first_n: int) -> int:
    """How many elements the submission has whose first number this is."""
    index = bisect_right(job.submissions, first_n, key=attrgetter("first_n")) - 1
    return len(job.submissions[index].ts_offsets)


def _submission(job: JobRecord, planned: Planned) -> Submission:
    return next(one for one in job.submissions if one.first_n == planned.first_n)
