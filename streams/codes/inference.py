"""What is wrong with endpoints, transform jobs and files; on the wire, contract 001 has a name for each status."""

from enum import StrEnum

__all__ = ["InferenceCode"]


class InferenceCode(StrEnum):
    """Beside those of `streams.errors`."""

    BAD_PATH = "bad_path"
    BROKEN_OFF = "broken_off"
    NO_ENDPOINT = "no_endpoint"
    NO_OUTPUT = "no_output"
    OUTPUT_BLOCKED = "output_blocked"
    SEVERAL_ENDPOINTS = "several_endpoints"
    TRANSFORM_ENDED = "transform_ended"
    TRANSFORM_EXISTS = "transform_exists"
    UNAVAILABLE = "unavailable"
    UNKNOWN_ENDPOINT = "unknown_endpoint"
    UNKNOWN_TRANSFORM = "unknown_transform"
