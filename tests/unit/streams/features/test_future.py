"""Features of the steps to be forecast: what is accepted, and how rows and what is sent become values."""

import math
from pathlib import Path

import numpy as np
import pytest

from connectors.datasets.splits import Split
from connectors.datasets.splitter import split_csv
from models.catalog import CATALOG
from models.errors import RejectedInputError
from schemas.values import FutureFeature
from streams.features.future import check_asked, future_steps, known_future, named_columns
from streams.forecasting.calendars import JobCalendars

PRICE = 2


def split_of(folder: Path, *rows: str) -> Split:
    """One series whose target is y, with price and rain as what can be features."""
    file = folder / "rows.csv"
    file.write_text("\n".join(("t,y,price,rain", *rows)) + "\n")
    header = ("t", "y", "price", "rain")
    return split_csv(
        file, header, timestamp_index=0, target_index=1, groupby_indexs=(), max_series=1, calendars=JobCalendars()
    )


@pytest.fixture
def split(tmp_path: Path) -> Split:
    """Five business days with a target, and three to come, Monday to Wednesday."""
    days = [f"2024-01-{day:02d},{day},{day},1" for day in (1, 2, 3, 4, 5, 8, 9, 10, 11, 12)]
    return split_of(tmp_path, *days, *(f"2024-01-{day},,{day * 2},1" for day in (15, 16, 17)))


def prices(split: Split) -> np.ndarray:
    """The column price as the job reads it."""
    return np.array([1.0, 2, 3, 4, 5, 8, 9, 10, 11, 12, 30, 32, 34])[: len(split.target)]


def known(split: Split, steps: int, sent: dict[int, list[float]] | None = None) -> list[float]:
    """What is known of price."""
    (values,) = known_future(split, 0, {PRICE: prices(split)}, sent or {}, steps)
    return values.tolist()


class TestRows:
    """Rows of the data set behind the last target."""

    def test_each_step_takes_the_row_of_its_time(self, split: Split) -> None:
        """On the calendar of the series: Friday's next step is Monday."""
        assert future_steps(split, 0).tolist() == [1, 2, 3]
        assert known(split, 3) == [30, 32, 34]
        assert known(split, 2) == [30, 32]

    def test_too_few_are_refused_with_time_and_remedy(self, split: Split) -> None:
        """Never the last value in silence."""
        with pytest.raises(RejectedInputError) as refused:
            known(split, 5)

        assert refused.value.field == "feature_indexs"
        assert refused.value.message == (
            'column 2 ("price") has no value for 2024-01-18 00:00:00, step 4 of the 5 to be forecast: add it to the '
            "data set, send future_features, or next_k_prediction 3, or leave the feature out"
        )

    def test_a_step_in_between_may_not_be_missing(self, tmp_path: Path) -> None:
        """Neither as a row that is not there nor as an empty cell."""
        days = [f"2024-01-0{day},{day},{day},1" for day in range(1, 8)]
        absent = split_of(tmp_path, *days, "2024-01-08,,8,1", "2024-01-10,,10,1")
        column = np.array([*range(1, 9), 10.0])

        assert future_steps(absent, 0).tolist() == [1, 3]
        with pytest.raises(RejectedInputError, match="no value for 2024-01-09 00:00:00, step 2 of the 3"):
            known_future(absent, 0, {PRICE: column}, {}, 3)
        with pytest.raises(RejectedInputError, match=r"2024-01-08 00:00:00, step 1 of the 1.*features, or leave"):
            known_future(absent, 0, {PRICE: np.where(column == 8, np.nan, column)}, {}, 1)

    def test_without_rows_nothing_is_known(self, tmp_path: Path) -> None:
        """The rule of the models fills it in, and the note says so."""
        plain = split_of(tmp_path, *(f"2024-01-0{day},{day},{day},1" for day in range(1, 8)))

        assert known(plain, 3) == []

    def test_irregular_times_count_row_by_row(self, tmp_path: Path) -> None:
        """There is no rule that would say which step a time is."""
        rows = ("2024-01-01,1,1,1", "2024-01-02,2,2,1", "2024-01-12,3,3,1", "2024-02-27,,4,1", "2024-02-29,,5,1")
        irregular = split_of(tmp_path, *rows)

        assert irregular.calendar(0).startswith("~")
        assert future_steps(irregular, 0).tolist() == [1, 2]


class TestSent:
    """`future_features` of an element."""

    def test_they_win_over_the_rows(self, split: Split) -> None:
        """Also where the rows would not be enough."""
        assert known(split, 4, {PRICE: [1, 2, 3, 4]}) == [1, 2, 3, 4]

    def test_columns_are_named_by_label_or_index(self, split: Split) -> None:
        """As commands carry them."""
        asked = (FutureFeature("price", (1.0,)), FutureFeature("3", (2.0,)))

        assert named_columns(split, asked, (2, 3)) == {2: (1.0,), 3: (2.0,)}

    @pytest.mark.parametrize(
        ("names", "words"),
        [
            (("pric",), "'pric' is no column that can be a feature, did you mean 'price'? there are 2 price, 3 rain"),
            (("y",), "'y' is no column that can be a feature; there are 2 price, 3 rain"),
            (("99",), "'99' is no column"),
            (("rain",), "'rain' is column 3, which is not among feature_indexs: add it there, or leave it out here"),
            (("price", "2"), "column 2 is given twice"),
        ],
    )
    def test_wrong_names_are_refused(self, split: Split, names: tuple[str, ...], words: str) -> None:
        """With what may have been meant."""
        with pytest.raises(RejectedInputError) as refused:
            named_columns(split, [FutureFeature(name, (1.0,)) for name in names], (2,))

        assert refused.value.field == "future_features"
        assert refused.value.message.startswith(words)

    @pytest.mark.parametrize(
        ("model", "values", "refit", "words"),
        [
            ("ARIMA", (1.0, 2.0), True, "'price' has 2 values, and next_k_prediction is 3: send a value for each step"),
            ("ARIMA", (1.0, 2.0, 3.0, 4.0), True, "'price' has 4 values"),
            ("ARIMA", (1.0, math.nan, 3.0), True, "'price' has a value that is no finite number"),
            ("ARIMA", (1.0, 2.0, 3.0), False, "needs refit 1: "),
            ("SES", (1.0, 2.0, 3.0), True, "SES makes no use of features: leave them out, or choose ARIMA"),
        ],
    )
    def test_what_no_forecast_could_use_is_refused(
        self, model: str, values: tuple[float, ...], refit: bool, words: str
    ) -> None:
        """Each with its remedy."""
        with pytest.raises(RejectedInputError) as refused:
            check_asked([FutureFeature("price", values)], CATALOG[model], 3, refit=refit, takers="ARIMA")

        assert refused.value.message.startswith(words)

    def test_none_is_nothing_to_check(self) -> None:
        """Whatever the model and refit are."""
        check_asked((), CATALOG["SES"], 3, refit=False, takers="ARIMA")
