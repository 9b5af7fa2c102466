"""What the service refuses or warns of, in the words of the command line."""

import re

__all__ = ["in_options"]

# How the service names what is wrong, and how the user has written it.
_REFUSALS = (
    (re.compile(r"^timestamp_indexs: "), "--timestamp: "),
    (re.compile(r"^target_indexs: "), "--target: "),
    (re.compile(r"^groupby_indexs: "), "--group-by: "),
    (re.compile(r"^(encoding|delimiter|quote|decimal|thousands|sheet): "), r"--\1: "),
    (re.compile(r"^skipped_lines: "), "--skipped-lines: "),
    (re.compile(r"\btimestamp_format\b"), "--timestamp-format"),
    (re.compile(r"^(--\S+): (.*); leave the field out\b"), r"\1: \2; leave \1 out"),
    (re.compile(r"^(freq|aggregate): "), r"--\1: "),
    (re.compile(r"\bleave freq out\b"), "leave --freq out"),
    (re.compile(r"^time_zone: "), "--time-zone: "),
    (re.compile(r"groupby_indexs, or --group-by"), "--group-by"),
    (re.compile(r"name the (delimiter|encoding)\b"), r"name the \1: --\1"),
    (re.compile(r"upload the file with decimal and thousands set"), "set --decimal and --thousands"),
    (re.compile(r"upload it with quote none"), "--quote none"),
    (re.compile(r"name another by sheet"), "name another by --sheet"),
    (
        re.compile(r"^series_columns: (.*); or leave the column out of series_columns$"),
        r"\1; or name the columns that are: --target",
    ),
    (re.compile(r"^series_columns: "), ""),
    (re.compile(r"lie above it: skipped_lines"), "lie above it: --skipped-lines"),
    (re.compile(r"^element \d+ \(ts_id \d+\), next_k_prediction: "), "--horizon: "),
    (re.compile(r"^element \d+ \(ts_id \d+\), eval_metrics: "), "--metric: "),
    (re.compile(r"^element \d+ \(ts_id \d+\), model_name: "), "--model: "),
    (re.compile(r"^element \d+ \(ts_id \d+\), max_eval: "), "--trials: "),
    (re.compile(r"^element \d+ \(ts_id \d+\), backtest_windows: "), "--windows: "),
    (re.compile(r"^element \d+ \(ts_id \d+\), levels: "), "--level: "),
    (re.compile(r"^element \d+ \(ts_id \d+\), (lower|upper|fill): "), r"--\1: "),
    (re.compile(r"^(?:element \d+ \(ts_id \d+\), )?feature_indexs: "), "--feature: "),
    (re.compile(r"^element \d+ \(ts_id \d+\), future_features: "), "--future: "),
    (re.compile(r"^element \d+ \(ts_id \d+\), holidays: "), "--holidays: "),
    (re.compile(r"\bsend future_features, or next_k_prediction\b"), "give --future, or --horizon"),
    (re.compile(r"\bsend future_features\b"), "give --future"),
    (re.compile(r"\bnot among feature_indexs: add it there\b"), "no --feature: make it one"),
    (re.compile(r"^element \d+ \(ts_id \w+\), refresh: "), "--refresh: "),
    (re.compile(r"^element \d+ \(ts_id \d+\), hyper_params '([^']*)': (?:val )?"), r"--param \1: "),
)


def in_options(refusal: str) -> str:
    """What the service refuses, in the words of the command line; any other text as it is."""
    for words, option in _REFUSALS:
        refusal = words.sub(option, refusal)
    return refusal
