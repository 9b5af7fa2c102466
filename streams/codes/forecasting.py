"""For programs: what is wrong with data sets and forecasting jobs (contract J-145)."""

from enum import StrEnum

__all__ = ["ForecastingCode"]


class ForecastingCode(StrEnum):
    """Beside those of `streams.errors`, and those that `connectors.csv_files` has for a file."""

    ALREADY_SUBMITTED = "already_submitted"
    BAD_COLUMN = "bad_column"
    BAD_DIALECT = "bad_dialect"
    BAD_SERIES_KEY = "bad_series_key"
    BAD_TIMESTAMP_FORMAT = "bad_timestamp_format"
    DATASET_EXISTS = "dataset_exists"
    EMPTY_ARRAY = "empty_array"
    FORECAST_TOO_LARGE = "forecast_too_large"
    FEATURES_BEHIND = "features_behind"
    INVALID_CALENDAR = "invalid_calendar"
    INVALID_CHANGE = "invalid_change"
    INVALID_COLUMNS = "invalid_columns"
    JOB_EXISTS = "job_exists"
    JOB_TOO_LARGE = "job_too_large"
    NOT_ADDITIVE = "not_additive"
    NOT_FINISHED = "not_finished"
    NO_FEATURES = "no_features"
    NOT_STANDING = "not_standing"
    NO_SERIES = "no_series"
    NO_SHADOW = "no_shadow"
    RESULT_TOO_LARGE = "result_too_large"
    SERIES_TOO_LONG = "series_too_long"
    SHADOW_EXISTS = "shadow_exists"
    TOO_MANY_ELEMENTS = "too_many_elements"
    UNKNOWN_DATASET = "unknown_dataset"
    UNKNOWN_FORECAST = "unknown_forecast"
    UNKNOWN_JOB = "unknown_job"
    UNKNOWN_METRIC = "unknown_metric"
    UNKNOWN_MODEL = "unknown_model"
    UNKNOWN_SERIES = "unknown_series"
    UNREADABLE = "unreadable"
