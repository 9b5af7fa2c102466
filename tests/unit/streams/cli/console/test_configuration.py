"""Settings with wrong values are refused in words, misspelt ones are told."""

import pytest

from streams.cli.console.configuration import load_settings, unknown_variables
from streams.cli.console.failure import CommandError
from streams.settings import Settings


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the machine that runs the tests."""
    for field in Settings.model_fields:
        monkeypatch.delenv(f"TIDECAST_{field.upper()}", raising=False)


def test_right_values_are_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the variables."""
    monkeypatch.setenv("TIDECAST_HTTP_PORT", "18080")

    assert load_settings().http_port == 18080


def test_every_wrong_value_is_named_with_its_meaning(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line each: the variable, what it holds, what is wrong, what it is for, the default."""
    monkeypatch.setenv("TIDECAST_HTTP_PORT", "abc")
    monkeypatch.setenv("TIDECAST_PARTITIONS", "0")
    with pytest.raises(CommandError) as refusal:
        load_settings()

    first, second = str(refusal.value).splitlines()
    assert first.startswith("TIDECAST_HTTP_PORT=abc is wrong: input should be a valid integer")
    assert first.endswith("(Port of the HTTP view; 0 picks a free one. Default: 8080)")
    assert second.startswith("TIDECAST_PARTITIONS=0 is wrong: input should be greater than or equal to 1")


def test_a_misspelt_variable_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no effect, which nobody would see otherwise."""
    monkeypatch.setenv("TIDECAST_HTTPPORT", "1")
    monkeypatch.setenv("TIDECAST_HTTP_PORT", "1")

    assert unknown_variables() == [
        "TIDECAST_HTTPPORT is set, but there is no such setting, did you mean TIDECAST_HTTP_PORT?"
    ]
