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


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("TIDECAST_REDIS_URL", "c4n4ry x"),
        ("TIDECAST_REGISTRY_URL", "c4n4ry:8081"),
        ("TIDECAST_ALERTS_WEBHOOK", "c4n4ry"),
        ("TIDECAST_ALERTS_WEBHOOK", "ftp://ada:c4n4ry@host"),
        ("TIDECAST_ACCESS_KEY", "c4n4ry"),
    ],
)
def test_D64_a_wrong_value_that_may_hold_a_secret_is_not_told(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A password that was taken for its address, for instance."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(CommandError) as refusal:
        load_settings()

    assert str(refusal.value).startswith(f"{variable}=")
    assert "c4n4ry" not in str(refusal.value)


def test_what_does_not_go_together_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence names the variables; it was an error of the program's own."""
    monkeypatch.setenv("TIDECAST_KAFKA_SASL_USERNAME", "ada")
    with pytest.raises(CommandError) as refusal:
        load_settings()

    assert str(refusal.value) == "TIDECAST_KAFKA_SASL_USERNAME is of no use with PLAINTEXT: use SASL_SSL"


def test_a_misspelt_variable_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no effect, which nobody would see otherwise."""
    monkeypatch.setenv("TIDECAST_HTTPPORT", "1")
    monkeypatch.setenv("TIDECAST_HTTP_PORT", "1")

    assert unknown_variables() == [
        "TIDECAST_HTTPPORT is set, but there is no such setting, did you mean TIDECAST_HTTP_PORT?"
    ]
