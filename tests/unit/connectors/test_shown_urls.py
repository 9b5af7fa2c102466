"""Addresses as they may be shown: nothing secret is in them, and people still know which they are."""

import pytest

from connectors.shown_urls import shown_url
from streams.settings import SecretUrl

CANARY = "c4n4ry"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://redis:6379/0", "redis://redis:6379/0"),
        (f"redis://:{CANARY}@redis:6379/0", "redis://:***@redis:6379/0"),
        (f"redis://user:{CANARY}@redis", "redis://user:***@redis"),
        (f"redis://redis?password={CANARY}", "redis://redis?***"),
        (f"unix://:{CANARY}@/run/redis.sock", "unix://:***@/run/redis.sock"),
        (f"http://user:p/{CANARY}@{CANARY}?{CANARY}@registry:8081/x", "http://user:***@registry:8081/x"),
        (f"https://{CANARY}@registry", "https://***@registry"),
        (f"s3://key:{CANARY}@bucket/prefix", "s3://key:***@bucket/prefix"),
        (f"simplecache::s3://key:{CANARY}@bucket", "simplecache::s3://key:***@bucket"),
        (f"http://user:p://{CANARY}@registry", "http://user:***@registry"),
        (f"s3://key:{CANARY}@bucket::file:///x", "s3://key:***@bucket::file:///x"),
        (f"zip://in.csv::s3://key:{CANARY}@bucket", "zip://in.csv:***@bucket"),
        (f"s3://key:{CANARY}@bucket::https://{CANARY}@host", "s3://key:***@host"),
        ("file:///srv/objects", "file:///srv/objects"),
        ("/srv/objects", "/srv/objects"),
        ("", ""),
    ],
)
def test_what_may_be_secret_is_left_out(url: str, shown: str) -> None:
    """Passwords however they are written, tokens in the place of a user, and queries."""
    assert shown_url(url) == shown


def test_whatever_prints_a_secret_address_prints_what_may_be_shown() -> None:
    """Also within other values; who connects asks for it by name."""
    url = SecretUrl(f"redis://:{CANARY}@redis")

    for printed in (str(url), repr(url), f"{url}", f"{[url]}", f"{ {'url': url} }"):
        assert CANARY not in printed
        assert "redis://:***@redis" in printed
    assert url.get_secret_value() == f"redis://:{CANARY}@redis"
