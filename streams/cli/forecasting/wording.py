"""What the service refuses or warns of, in the words of the command line."""

import re
from typing import Final

__all__ = ["in_options"]

# How the service names what is wrong, and how the user has written it.
_REFUSALS: Final = tuple(
    (re.compile(words), option)
    for words, option in (
        (r"^timestamp_indexs: ", "--timestamp: "),
        (r"^target_indexs: ", "--target: "),
        (r"^groupby_indexs: ", "--group-by: "),
        (r"^(encoding|delimiter|quote|decimal|thousands|sheet): ", r"--\1: "),
        (r"^skipped_lines: ", "--skipped-lines: "),
        (r"\btimestamp_format\b", "--timestamp-format"),
        (r"^(--\S+): (.*); leave the field out\b", r"\1: \2; leave \1 out"),
        (r"^(freq|aggregate): ", r"--\1: "),
        (r"\bleave freq out\b", "leave --freq out"),
        (r"^time_zone: ", "--time-zone: "),
        (r"groupby_indexs, or --group-by", "--group-by"),
        (r"name the (delimiter|encoding)\b", r"name the \1: --\1"),
        (r"upload the file with decimal and thousands set", "set --decimal and --thousands"),
        (r"upload it with quote none", "--quote none"),
        (r"name another by sheet", "name another by --sheet"),
        (
            r"^series_columns: (.*); or leave the column out of series_columns$",
            r"\1; or name the columns that are: --target",
        ),
        (r"^series_columns: ", ""),
        (r"lie above it: skipped_lines", "lie above it: --skipped-lines"),
        (r"^element \d+ \(ts_id \d+\), next_k_prediction: ", "--horizon: "),
        (r"^element \d+ \(ts_id \d+\), eval_metrics: ", "--metric: "),
        (r"^element \d+ \(ts_id \d+\), model_name: ", "--model: "),
        (r"^element \d+ \(ts_id \d+\), max_eval: ", "--trials: "),
        (r"^element \d+ \(ts_id \d+\), backtest_windows: ", "--windows: "),
        (r"^element \d+ \(ts_id \d+\), levels: ", "--level: "),
        (r"^element \d+ \(ts_id \d+\), (lower|upper|fill): ", r"--\1: "),
        (r"^(?:element \d+ \(ts_id \d+\), )?feature_indexs: ", "--feature: "),
        (r"^element \d+ \(ts_id \d+\), future_features: ", "--future: "),
        (r"^element \d+ \(ts_id \d+\), holidays: ", "--holidays: "),
        (r"\bsend future_features, or next_k_prediction\b", "give --future, or --horizon"),
        (r"\bsend future_features\b", "give --future"),
        (r"\bnot among feature_indexs: add it there\b", "no --feature: make it one"),
        (r"^element \d+ \(ts_id \w+\), refresh: ", "--refresh: "),
        (r"^element \d+ \(ts_id \d+\), hyper_params '([^']*)': (?:val )?", r"--param \1: "),
    )
)


def in_options(refusal: str) -> str:
    """What the service refuses, in the words of the command line; any other text as it is."""
    for words, option in _REFUSALS:
        refusal = words.sub(option, refusal)
    return refusal
