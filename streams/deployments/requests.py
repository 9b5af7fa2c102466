"""Requests that are answered later (contract S-069) as values: their rows and how long these stay."""

from dataclasses import replace

from schemas.deployments import ScoringAnswerRecord, ScoringRequest, ScoringResult
from streams.access.names import shown
from streams.checks import check_text
from streams.codes.deployments import DeploymentCode
from streams.errors import Code, InvalidError, NotFoundError, RejectedError, TooLargeError

__all__ = ["answered", "asked", "check_request", "event_of", "is_open", "key_of", "prefix_of", "unknown"]


def prefix_of(service: str) -> bytes:
    """What keys of all requests to a service begin with."""
    return f"{service}/".encode("utf-8", "surrogatepass")


def key_of(service: str, request_id: str) -> bytes:
    """The key of a request's row; it lies in the partition of its service."""
    return prefix_of(service) + request_id.encode("utf-8", "surrogatepass")


def check_request(request: ScoringRequest, *, most_bytes: int) -> None:
    """RejectedError where the request can be none."""
    check_text("command_id", request.command_id)
    if not request.command_id or len(request.command_id) > 200 or "/" in request.command_id:
        raise InvalidError(Code.INVALID_REQUEST, "command_id: expected 1 to 200 characters without a slash")
    if len(request.data) > most_bytes:
        raise TooLargeError(Code.TOO_LARGE, f"data: expected at most {most_bytes} characters (TIDECAST_MAX_BODY_BYTES)")


def asked(request: ScoringRequest, *, at: int, digest: str) -> ScoringAnswerRecord:
    """The row of a new request."""
    return ScoringAnswerRecord(
        request_id=request.command_id, service=request.service, created=at, data=request.data, digest=digest
    )


def is_open(record: ScoringAnswerRecord) -> bool:
    """Whether there is no answer yet."""
    return record.ended is None


def answered(record: ScoringAnswerRecord, *, at: int, result: str | None, error: str | None) -> ScoringAnswerRecord:
    """The row with its answer; what was asked is not needed any more."""
    return replace(record, data=None, ended=at, result=result, error=error)


def event_of(record: ScoringAnswerRecord) -> ScoringResult:
    """What the public topic is told of an answer."""
    return ScoringResult(record.request_id, record.service, record.ended or 0, record.result, record.error)


def unknown(service: str, request_id: str, kept_s: float) -> RejectedError:
    """The refusal of what is asked about a request that is not there."""
    text = (
        f"requestId: service {shown(service)[:64]} has no request {request_id[:80]!r}; answers are kept for "
        f"{kept_s / 60:g} minutes (TIDECAST_SCORING_ANSWERS_KEPT_S)"
    )
    return NotFoundError(DeploymentCode.UNKNOWN_REQUEST, text)
