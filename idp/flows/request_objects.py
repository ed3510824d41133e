"""Reading request objects: by value, or fetched from where the client registered (RFC 9101)."""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass

from config.runtime.outbound import Fetcher, FetchFailed
from config.settings import Issuer
from idp.client_auth.keys import ClientKeys
from idp.flows.object_signatures import verified
from idp.protocol import jar
from idp.protocol.client import Client
from idp.protocol.errors import InvalidRequest, InvalidRequestUri
from idp.protocol.jar import ObjectCase
from idp.protocol.parameters import Parameters

LARGEST = 65_536
"""Bytes of an object that is fetched."""

SECONDS = 2.0
"""Until it is here: a person waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestObjects:
    """Reads the request objects of clients of one issuer."""

    issuer: Issuer
    keys: ClientKeys
    fetcher: Fetcher

    async def read(self, asked: Parameters, client: Client, now: int) -> Parameters:
        """Return what the object in ``request`` or at ``request_uri`` asks.

        Raises InvalidRequestObject, InvalidRequestUri, or InvalidRequest for both at once.
        """
        if "request" in asked and "request_uri" in asked:  # OpenID Connect Core 1.0 §6.1
            raise InvalidRequest("request and request_uri exclude one another")
        if "request" in asked:
            token = asked["request"]
        else:
            token = await self._fetched(asked["request_uri"], client)
        case = ObjectCase(
            claims=await verified(token, client, jar.accepted_algs(client), self.keys),
            client=client,
            issuer=self.issuer.address,
            now=now,
            strict=jar.is_strict(client),
        )
        return jar.judge(case)

    async def _fetched(self, request_uri: str, client: Client) -> str:
        jar.check_reference(request_uri, client)
        try:
            fetched = await self.fetcher.get(request_uri, jar.CONTENT_TYPES, LARGEST, SECONDS)
            token = fetched.body.decode("ascii").strip()
        except (FetchFailed, UnicodeDecodeError) as reason:
            raise InvalidRequestUri("request_uri cannot be read", detail=str(reason)) from None
        fragment = request_uri.partition("#")[2]
        if fragment and not hmac.compare_digest(_hash(fetched.body), fragment.encode()):
            raise InvalidRequestUri("what is at request_uri is not what its fragment says")
        return token


def _hash(content: bytes) -> bytes:
    return urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
