"""What is typed after `tidecast deepar`."""

from pathlib import Path
from typing import Any

import pytest

from streams.cli.console.failure import CommandError
from streams.cli.deepar.csv_series import Columns
from streams.cli.deepar.options import check_levels, check_parameters, columns_of_training, given_parameters, model_name

NEEDED = {"time_freq": "D", "prediction_length": 7}


@pytest.mark.parametrize(
    ("file", "name"),
    [("sales.csv", "sales"), ("my sales (2020).jsonl.gz", "my-sales-2020"), ("-.csv", "model"), ("x" * 90, "x" * 60)],
)
def test_a_model_is_called_as_its_file(file: str, name: str) -> None:
    """As far as an endpoint can have that name."""
    assert model_name(None, Path(file)) == name


def test_a_chosen_name_is_kept_or_refused() -> None:
    """Never changed."""
    assert model_name("A_1-b", Path("x")) == "A_1-b"
    with pytest.raises(CommandError, match="--name a b: use 1 to 64 of"):
        model_name("a b", Path("x"))


def test_hyper_parameters_come_from_both_kinds_of_options() -> None:
    """Values stay texts: the service reads them."""
    assert given_parameters(["likelihood = student-t", "seed=3"], epochs=5, context_length=None) == {
        "epochs": 5, "likelihood": "student-t", "seed": "3",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["likelihood"], "^--param likelihood: write it as NAME=VALUE"),
        (["=3"], "^--param =3: write it as NAME=VALUE"),
        (["epochs=3"], r"^--param epochs is given twice \(--epochs\)"),
        (["seed=3", "seed=4"], "^--param seed is given twice: once is enough"),
    ],
)
def test_wrong_parameters_are_refused(texts: list[str], words: str) -> None:
    """Before a service is started."""
    with pytest.raises(CommandError, match=words):
        given_parameters(texts, epochs=5)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"likelihoods": "beta"}, "^--param likelihoods: there is no such hyper-parameter, did you mean likelihood"),
        ({"likelihood": "bate"}, "^--param: likelihood is 'bate', expected one of auto"),
        ({"epochs": 0}, "^--epochs: epochs is 0, expected"),
        ({"time_freq": "fortnight"}, "^--freq: "),
    ],
)
def test_the_service_would_ignore_or_refuse_them_later(given: dict[str, Any], words: str) -> None:
    """Said at once, in the words of the command line."""
    with pytest.raises(CommandError, match=words):
        check_parameters({**NEEDED, **given})


def test_T061_the_endpoints_environment_goes_with_the_parameters() -> None:
    """It is no hyper-parameter, but no mistake either."""
    check_parameters({**NEEDED, "DEEPAR_INFERENCE_CONFIG": "{}"})


def test_quantiles_stay_as_they_are_written() -> None:
    """Each once."""
    assert check_levels(["0.50", ".9", "0.50"]) == ("0.50", ".9")
    for wrong in ("0", "1", "x", "nan", ""):
        with pytest.raises(CommandError, match=f"^--quantile {wrong}: expected a number between 0 and 1"):
            check_levels([wrong])


def test_a_csv_file_needs_its_columns() -> None:
    """The first that is missing is named."""
    assert columns_of_training(Path("a"), "t", ["y"], ["g"], [], "D") == Columns("t", "y", ("g",), (), "D")
    with pytest.raises(CommandError, match=r"^a is no JSON Lines file, and to read it as CSV --timestamp COLUMN is"):
        columns_of_training(Path("a"), None, ["y"], [], [], None)
    with pytest.raises(CommandError, match=r"--target COLUMN \(or --wide\) is missing"):
        columns_of_training(Path("a"), "t", [], [], [], None)


def test_several_targets_and_wide_files_are_a_series_for_each_column() -> None:
    """One of the two is said."""
    assert columns_of_training(Path("a"), "t", ["y", "z"], [], [], None).series == ("y", "z")
    assert columns_of_training(Path("a"), "t", [], [], [], None, wide=True).series == ()
    with pytest.raises(CommandError, match="--wide takes every other column"):
        columns_of_training(Path("a"), "t", ["y"], [], [], None, wide=True)
