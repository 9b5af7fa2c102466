"""What is printed: plain, in one line, wide where nobody tells the width."""

import pytest

from streams.cli.console.terminal import notices, one_line, output


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("größe ✓", "größe ✓"),
        ("a\nb", "a\\nb"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\u202e", "\\u202e"),
        ("\udcff", "\\udcff"),
    ],
)
def test_text_of_unknown_origin_is_made_printable(text: str, printed: str) -> None:
    """Escapes could move the cursor or hide what stands there."""
    assert one_line(text) == printed


def test_results_and_notices_go_apart(capsys: pytest.CaptureFixture[str]) -> None:
    """So that results can be piped."""
    output().print("[b]result[/b] :smile: 12")
    notices().print("notice")

    assert capsys.readouterr() == ("[b]result[/b] :smile: 12\n", "notice\n")


def test_a_file_gets_wide_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """80 columns, rich's guess where there is no terminal, would cut tables."""
    monkeypatch.setenv("COLUMNS", "80")

    assert output().width == 160
