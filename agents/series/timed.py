"""Answers with the time that they took: of one model's series together, each has its share."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from models.batch import SeriesAnswer, SeriesRequest, forecast_batch

__all__ = ["OF_PROCESS", "OF_THREAD", "timed_batch"]

OF_PROCESS: Final = time.process_time
OF_THREAD: Final = time.thread_time


def timed_batch(requests: Sequence[SeriesRequest], clock: Callable[[], float]) -> list[SeriesAnswer]:
    """As `forecast_batch`, which lays only series of one model and one configuration side by side."""
    alike: dict[tuple[str, str], list[int]] = {}
    for place, request in enumerate(requests):
        alike.setdefault((request.model_name, repr(request.config)), []).append(place)
    answers: dict[int, SeriesAnswer] = {}
    for places in alike.values():
        began = clock()
        found = forecast_batch([requests[place] for place in places])
        took_s = (clock() - began) / len(places)
        answers.update((place, replace(one, took_s=took_s)) for place, one in zip(places, found, strict=True))
    return [answers[place] for place in range(len(requests))]
