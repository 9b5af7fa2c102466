"""What is said after `tidecast forecast` of features, holidays and longer steps."""

from collections.abc import Iterable, Mapping, Sequence

from models.calendars.public_holidays import check_region
from models.errors import RejectedInputError
from streams.cli.console.failure import CommandError
from streams.cli.forecasting.planning import column_index
from streams.features.aggregation import check_aggregation

__all__ = ["aggregate_of", "future_values", "holidays_of"]


def future_values(given: Iterable[str], header: Sequence[str]) -> Mapping[str, Sequence[float]]:
    """The values of future steps by the label of their column, from texts like price=9.5,9.5,8."""
    found: dict[str, Sequence[float]] = {}
    for text in given:
        name, equals, listed = text.rpartition("=")
        try:
            values = [float(one) for one in listed.split(",")]
        except ValueError:
            values = []
        if not equals or not values:
            raise CommandError(f"--future {text}: write it as COLUMN=V1,V2,…, for example price=9.5,9.5,8")
        label = header[column_index(name, header, option="--future")]
        if label in found:
            raise CommandError(f"--future {label} is given twice: once is enough")
        found[label] = values
    return found


def holidays_of(region: str | None) -> dict[str, str]:
    """What the service is to be told of holidays; CommandError for a country or a part of one that is not known."""
    if region is None:
        return {}
    try:
        check_region(region)
    except RejectedInputError as error:
        raise CommandError(f"--holidays {error.message}") from None
    return {"holidays": region}


def aggregate_of(text: str | None) -> dict[str, dict[str, str]]:
    """What the service is to be told of longer steps, from a text like D=sum; CommandError where it makes no sense."""
    if text is None:
        return {}
    freq, equals, how = text.partition("=")
    if not equals:
        raise CommandError(f"--aggregate {text}: write it as ALIAS=HOW, for example D=sum")
    try:
        check_aggregation(freq, how)
    except RejectedInputError as error:
        raise CommandError(f"--aggregate {text}: {error.message}") from None
    return {"aggregate": {"freq": freq, "how": how}}
