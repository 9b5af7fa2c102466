"""What is typed after `tidecast forecast` becomes a plan, or a refusal that names the option and the remedy."""

from dataclasses import replace
from pathlib import Path

import pytest

from streams.cli.console.failure import CommandError
from streams.cli.forecasting import planning
from streams.cli.forecasting.planning import ForecastPlan, Parameter
from streams.cli.forecasting.wording import in_options

HEADER = ("Date", "Shop", "Sold", "7")
CATALOGUE = {"LinearFit": ("latest_n", "add_std_factor"), "AdaptiveMaxN": ("latest_n",), "Empty": ()}
PLAN = ForecastPlan(
    file=Path("sales.csv"),
    timestamp=0,
    target=2,
    group_by=(1,),
    models=("LinearFit", "AdaptiveMaxN"),
    parameters=(),
    metrics=("mae",),
    horizon=3,
    refit=True,
)


@pytest.mark.parametrize(("name", "index"), [("Date", 0), ("Sold", 2), ("1", 1), ("7", 3), ("3", 3)])
def test_a_column_is_found_by_name_or_by_number(name: str, index: int) -> None:
    """A name wins over a number: the column called 7 is not the eighth."""
    assert planning.column_index(name, HEADER, option="--target") == index


@pytest.mark.parametrize("name", ["", "date", "4", "-1", "²", "9999999"])
def test_an_unknown_column_is_refused_with_the_list_of_columns(name: str) -> None:
    """The refusal names the option, what was given and every column with its number."""
    with pytest.raises(CommandError) as refusal:
        planning.column_index(name, HEADER, option="--target")

    assert str(refusal.value).startswith(f"--target {name}: the file has no such column")
    assert str(refusal.value).endswith("It has: 0 Date, 1 Shop, 2 Sold, 3 7")


@pytest.mark.parametrize(("name", "index"), [("Value", 1), (" Value", 1), ("Value ", 1), ("a", 2), (" a", 3)])
def test_G11_a_label_with_blanks_around_it_is_found_without_them(name: str, index: int) -> None:
    """As in "Date, Value"; a label that is written exactly so wins."""
    assert planning.column_index(name, ["Date", " Value", "a", " a"], option="--target") == index


def test_G11_a_list_of_labels_shows_their_blanks() -> None:
    """In quotation marks, without which nobody sees them."""
    with pytest.raises(CommandError, match=r'It has: 0 Date, 1 " Value"$'):
        planning.column_index("x", ["Date", " Value"], option="--target")


def test_a_misspelt_column_brings_the_right_one() -> None:
    """Upper and lower case are the usual mistake."""
    with pytest.raises(CommandError, match="did you mean Date"):
        planning.column_index("date", HEADER, option="--timestamp")


def test_of_many_columns_the_first_thirty_are_listed() -> None:
    """A list that fits on the screen."""
    with pytest.raises(CommandError, match=r"29 c29 …$"):
        planning.column_index("x", [f"c{number}" for number in range(31)], option="--target")


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"target": 0}, "--target Date: the column is the --timestamp already"),
        ({"group_by": (2,)}, "--group-by Sold: the column is the --target already"),
        ({"group_by": (1, 1)}, "--group-by Shop is given twice"),
    ],
)
def test_J053_a_column_plays_one_part(columns: dict[str, int], words: str) -> None:
    """Timestamp, target and group-by columns are disjoint."""
    with pytest.raises(CommandError, match=words):
        planning.check_columns(replace(PLAN, **columns), HEADER)


def test_disjoint_columns_pass() -> None:
    """The usual case."""
    planning.check_columns(PLAN, HEADER)


@pytest.mark.parametrize(
    ("text", "parameter"),
    [
        ("LinearFit.latest_n=7", Parameter("LinearFit", "latest_n", 7)),
        ("latest_n=7", Parameter(None, "latest_n", 7)),
        ("a = -3", Parameter(None, "a", -3)),
        ("a=0.5", Parameter(None, "a", 0.5)),
        ("a=.5", Parameter(None, "a", 0.5)),
        ("a=1e3", Parameter(None, "a", 1000.0)),
        ("a=1234567890123456", Parameter(None, "a", 1234567890123456.0)),
        ("a=nan", Parameter(None, "a", "nan")),
        ("a=b=c", Parameter(None, "a", "b=c")),
        ("a=", Parameter(None, "a", "")),
    ],
)
def test_a_hyper_parameter_is_read(text: str, parameter: Parameter) -> None:
    """MODEL.NAME=VALUE or NAME=VALUE; whole numbers stay whole, other texts stay texts."""
    (found,) = planning.parameters([text])

    assert found == parameter
    assert type(found.value) is type(parameter.value)


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("n=1..9", {"name": "n", "type": "int", "low": 1, "high": 9}),
        ("n=0..0.5", {"name": "n", "type": "float", "low": 0, "high": 0.5}),
        ("n=-1 .. 1", {"name": "n", "type": "int", "low": -1, "high": 1}),
        ("n=3|5|7", {"name": "n", "type": "list", "choice": [3, 5, 7]}),
        ("n=add|mul", {"name": "n", "type": "list", "choice": ["add", "mul"]}),
    ],
)
def test_J081_J082_a_range_and_options_are_read(text: str, body: dict[str, object]) -> None:
    """They become what the API takes for tuning."""
    (found,) = planning.parameters([text])

    assert found.tuned
    assert found.body == body


@pytest.mark.parametrize("text", ["n=1..", "n=..3", "n=a..b"])
def test_half_a_range_is_refused(text: str) -> None:
    """The refusal shows the form."""
    with pytest.raises(CommandError, match=r"write a range as LOW\.\.HIGH"):
        planning.parameters([text])


def test_J078_tuning_and_features_reach_every_element() -> None:
    """With the number of trials, where one is given."""
    tuned = replace(PLAN, tune=True, trials=9, features=(3,))
    for element in planning.elements(tuned, [1, 2]):
        assert (element["auto_tune"], element["max_eval"], element["feature_indexs"]) == (1, 9, [3])

    for element in planning.elements(PLAN, [1]):
        assert element["auto_tune"] == 0
        assert not {"max_eval", "feature_indexs"} & set(element)


@pytest.mark.parametrize("text", ["", "latest_n", "=7", "LinearFit.=7", ".latest_n=7"])
def test_a_malformed_hyper_parameter_is_refused(text: str) -> None:
    """The refusal shows the form."""
    with pytest.raises(CommandError, match=r"write it as MODEL\.NAME=VALUE"):
        planning.parameters([text])


@pytest.mark.parametrize(
    ("models", "given", "words"),
    [
        (["linearfit"], [], r"--model linearfit: there is no such model, did you mean LinearFit\?"),
        (["Prophet"], [], r"There are: LinearFit, AdaptiveMaxN, Empty"),
        (["Empty", "Empty"], [], "--model Empty is given 2 times"),
        (["LinearFit"], ["AdaptiveMaxN.latest_n=1"], "AdaptiveMaxN is not among the chosen models"),
        (["LinearFit"], ["latest=1"], "LinearFit has no such hyper-parameter, did you mean latest_n"),
        (["LinearFit", "AdaptiveMaxN"], ["add_std_factor=1"], "AdaptiveMaxN has no such hyper-parameter"),
        (["Empty"], ["a=1"], "It has: none"),
    ],
)
def test_models_and_hyper_parameters_are_checked(models: list[str], given: list[str], words: str) -> None:
    """Before anything is started or sent."""
    with pytest.raises(CommandError, match=words):
        planning.check_models(models, planning.parameters(given), CATALOGUE)


def test_a_hyper_parameter_of_one_model_concerns_that_model_only() -> None:
    """The other models need not have it."""
    planning.check_models(
        ["LinearFit", "AdaptiveMaxN"], planning.parameters(["LinearFit.add_std_factor=1", "latest_n=2"]), CATALOGUE
    )


def test_J110_an_unknown_metric_is_refused() -> None:
    """With the nearest one and all there are."""
    with pytest.raises(CommandError, match=r"--metric rsme: there is no such metric, did you mean rmse\? There are: "):
        planning.check_metrics(["mae", "rsme"], ("mae", "rrse", "rmse"))
    with pytest.raises(CommandError, match=r"^--metric mae is given 2 times: once is enough"):
        planning.check_metrics(["mae", "mae"], ("mae", "rmse"))


def test_J070_the_plan_becomes_the_elements_of_the_patch() -> None:
    """Series by series, every model; a hyper-parameter without a model goes to all."""
    plan = replace(PLAN, parameters=(Parameter(None, "latest_n", 7), Parameter("LinearFit", "add_std_factor", 0.5)))
    found = list(planning.elements(plan, [11, 12]))

    assert [(item["ts_id"], item["model_name"]) for item in found] == [
        (11, "LinearFit"), (11, "AdaptiveMaxN"), (12, "LinearFit"), (12, "AdaptiveMaxN"),
    ]  # fmt: skip
    assert found[0] == {
        "ts_id": 11,
        "model_name": "LinearFit",
        "hyper_params": [
            {"name": "latest_n", "type": "int", "val": 7},
            {"name": "add_std_factor", "type": "float", "val": 0.5},
        ],
        "auto_tune": 0,
        "next_k_prediction": 3,
        "eval_metrics": ["mae"],
        "refit": 1,
        "backtest_windows": 3,
    }
    assert found[1]["hyper_params"] == [{"name": "latest_n", "type": "int", "val": 7}]


def test_D32_allow_negative_is_sent_with_every_element() -> None:
    """And not mentioned without the option: an older service would refuse it."""
    plan = replace(PLAN, models=("LinearFit", "Drift"), parameters=())

    assert all("allow_negative" not in element for element in planning.elements(plan, [11]))
    allowed = planning.elements(replace(plan, allow_negative=True), [11])
    assert [element["allow_negative"] for element in allowed] == [1, 1]


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        ('timestamp_indexs: column "a" is bad', '--timestamp: column "a" is bad'),
        ("target_indexs: x", "--target: x"),
        ("groupby_indexs: x", "--group-by: x"),
        ("element 1 (ts_id 5), next_k_prediction: is 0", "--horizon: is 0"),
        ("element 12 (ts_id 5), hyper_params 'latest_n': val must be 1", "--param latest_n: must be 1"),
        ("element 1 (ts_id 5), ts_id: 5 is not a series", "element 1 (ts_id 5), ts_id: 5 is not a series"),
        (
            "freq: does not fit; leave freq out to have it found",
            "--freq: does not fit; leave --freq out to have it found",
        ),
        ("time_zone: is none", "--time-zone: is none"),
        ("no such data set", "no such data set"),
        (
            "skipped_lines: is -1; leave the field out to have it found",
            "--skipped-lines: is -1; leave --skipped-lines out to have it found",
        ),
    ],
)
def test_a_refusal_of_the_service_is_told_in_options(refusal: str, words: str) -> None:
    """Who typed --horizon does not know of next_k_prediction."""
    assert in_options(refusal) == words


@pytest.mark.parametrize(
    ("rule", "body"),
    [
        (None, None),
        ("hand", "hand"),
        ("data", {"on": "data"}),
        ("data:30", {"on": "data", "pause_s": 30}),
        ("0 6 * * *", {"cron": "0 6 * * *"}),
        ("0 6 * * 1-5 Europe/Berlin", {"cron": "0 6 * * 1-5", "time_zone": "Europe/Berlin"}),
        ("15m", {"cron": "15m"}),
    ],
)
def test_a_rule_of_refreshes(rule: str | None, body: object) -> None:
    """On data, by cron on the clock of a zone, or by hand."""
    assert planning.refresh(rule) == body


@pytest.mark.parametrize("rule", ["", "daily", "data:soon", "0 6 * *", "0 6 * * * Mars"])
def test_what_is_no_rule_of_refreshes(rule: str) -> None:
    """It is told which there are."""
    with pytest.raises(CommandError, match=r"--refresh: .*or data, data:30 \(collected for 30 s\), or hand"):
        planning.refresh(rule)


def test_what_is_refreshed_is_asked_for_all_series_at_once() -> None:
    """So that a series that appears later is among them."""
    plan = replace(PLAN, refresh={"on": "data"})

    assert [(one["ts_id"], one["model_name"], one["refresh"]) for one in planning.elements(plan, [1, 2])] == [
        ("all", "LinearFit", {"on": "data"}),
        ("all", "AdaptiveMaxN", {"on": "data"}),
    ]
