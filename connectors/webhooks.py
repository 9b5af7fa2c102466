"""Posts events to an address outside, signed: one try each; who calls decides about more."""

import hashlib
import hmac
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from connectors.datasets.remote import AllowedHosts, resolver

__all__ = ["SIGNATURE", "Webhook", "WebhookError", "signature"]

SIGNATURE: Final = "X-Tidecast-Signature"
"""The header with the signature of the body."""
_WITHIN_S: Final = 10.0


class WebhookError(RuntimeError):
    """The address did not take the event; the text says why."""


def signature(secret: str, body: bytes) -> str:
    """HMAC-SHA256 of the body, in hexadecimal digits after `sha256=`."""
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


class Webhook:
    """An address that events are posted to. Its host is allowed by being named: by its public addresses.

    Others of its addresses must be among `also`, as `connectors.datasets.remote.AllowedHosts` reads them.
    """

    def __init__(self, url: str, secret: str, also: str = "") -> None:
        self._url = url
        self._secret = secret
        host = urlsplit(url).hostname or ""
        self._hosts = AllowedHosts(f"{host},{also}")
        self._session: aiohttp.ClientSession | None = None

    async def post(self, body: bytes) -> None:
        """WebhookError unless it is answered with a status of 2xx; redirects are not followed."""
        headers = {"Content-Type": "application/json"}
        if self._secret:
            headers[SIGNATURE] = signature(self._secret, body)
        try:
            self._hosts.check(self._url)
            async with self._open().post(self._url, data=body, headers=headers, allow_redirects=False) as answer:
                if not 200 <= answer.status < 300:
                    raise WebhookError(f"the address answers {answer.status}")
        except TimeoutError:
            raise WebhookError(f"no answer within {_WITHIN_S:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            cause = getattr(
                error, "os_error", error
            )  # aiohttp's own text leaves out what an error without a number says
            raise WebhookError((str(cause) or type(error).__name__)[:200]) from None

    async def close(self) -> None:
        """Close its connections."""
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(resolver=resolver(self._hosts), use_dns_cache=False)
            timeout = aiohttp.ClientTimeout(total=_WITHIN_S)
            self._session = aiohttp.ClientSession(connector=connector, timeout=timeout, trust_env=False)
        return self._session
