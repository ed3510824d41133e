"""The signature of a request object, wherever it came in (RFC 9101 §6.2, CIBA Core 1.0 §7.1.1)."""

from collections.abc import Mapping
from typing import Any

from idp.client_auth.keys import ClientKeys
from idp.protocol import jar
from idp.protocol.client import Client
from idp.protocol.errors import InvalidClient, InvalidRequestObject, RequestNotSupported
from keystore.jose import reader


async def verified(
    token: str, client: Client, algs: frozenset[str], client_keys: ClientKeys
) -> Mapping[str, Any]:
    """Return the claims of an object that the client signed with one of ``algs``.

    Raises InvalidRequestObject, or RequestNotSupported for an unsigned one outside FAPI.
    """
    if token.count(".") == 4:
        raise InvalidRequestObject("encrypted request objects are not supported")
    try:
        parsed = reader.parse(token)
        alg = parsed.header["alg"]
        if alg == "none" and not jar.is_strict(client):
            raise RequestNotSupported("request objects must be signed")
        if alg not in algs:  # before any key is fetched for it
            raise InvalidRequestObject("alg of the request object is not accepted")
        keys = await client_keys.of(client, alg, parsed.header.get("kid"))
        return reader.verify(parsed, keys, reader.Rules(algs=algs, typs=jar.TYPS)).claims
    except reader.BadToken as reason:
        raise InvalidRequestObject("the request object is not valid", detail=str(reason)) from None
    except InvalidClient as reason:
        raise InvalidRequestObject(
            "the client has no keys to sign requests with", detail=reason.description
        ) from None
