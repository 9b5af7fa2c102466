"""The quotas that there are have one list of names at every door."""

from streams.access.rules import QUOTA_NAMES
from streams.quotas.limits import QUOTAS, SHARED
from streams.views.access.quotas import QuotasRequest


def test_commands_requests_and_limits_name_the_same_quotas() -> None:
    """In one order, which is that of the answers."""
    assert QUOTA_NAMES == tuple(QUOTAS) == tuple(QuotasRequest.model_fields)
    assert set(SHARED) < set(QUOTAS)
