"""Reading a client's credentials from a request: exactly one kind, strictly (RFC 6749 §2.3)."""

import binascii
from base64 import b64decode

from config.runtime.malformed import Malformed
from config.runtime.web.forms import fields
from idp.client_auth.attestation import claimed_client
from idp.client_auth.method import ASSERTION_TYPE, Carrier, Presented, client_id_in_body
from idp.protocol.carried import Carried
from idp.protocol.errors import InvalidClient, InvalidRequest
from idp.protocol.parameters import Parameters
from keystore.jose import reader


def read(asked: Parameters, carried: Carried) -> Presented:
    """Return the credentials, or raise InvalidClient; InvalidRequest for two kinds at once."""
    authorization = carried.authorization
    kinds = [
        authorization is not None,
        "client_secret" in asked,
        "client_assertion" in asked or "client_assertion_type" in asked,
    ]
    if sum(kinds) > 1:  # RFC 6749 §2.3: one method in each request
        raise InvalidRequest("more than one client authentication method")
    if authorization is not None:
        client_id, secret = _basic(asked, authorization)
        return Presented(carrier=Carrier.BASIC, client_id=client_id, secret=secret, carried=carried)
    if kinds[1]:
        secret = asked["client_secret"]
        return Presented(
            carrier=Carrier.POST, client_id=_client_id(asked, None), secret=secret, carried=carried
        )
    if kinds[2]:
        return _assertion(asked, carried)
    client_id = _client_id(asked, carried.attestation)
    return Presented(carrier=Carrier.NONE, client_id=client_id, carried=carried)


def _client_id(asked: Parameters, attestation: str | None) -> str:
    """Return whom the form names, or else an attestation."""
    client_id = asked.get("client_id")
    if client_id is None and attestation is not None:
        client_id = claimed_client(attestation)
    if client_id is None:
        raise InvalidClient("the client did not authenticate")
    return client_id


def _basic(asked: Parameters, authorization: str) -> tuple[str, str]:
    """RFC 7617 §2; RFC 6749 §2.3.1: both parts are form-encoded before they are joined."""
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise InvalidClient("the Authorization header is not Basic")
    try:
        pair = b64decode(credentials.strip(" "), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidClient("the Basic credentials are not base64") from None
    name, colon, secret = pair.partition(b":")
    if not colon:
        raise InvalidClient("the Basic credentials have no colon")
    return client_id_in_body(asked, _decoded(name)), _decoded(secret)


def _decoded(part: bytes) -> str:
    if not part.isascii() or b"&" in part or b"=" in part:
        raise InvalidClient("the Basic credentials are not form-encoded")
    try:
        [(value, _)] = fields(part) or [("", "")]
    except Malformed:
        raise InvalidClient("the Basic credentials are not form-encoded") from None
    return value


def _assertion(asked: Parameters, carried: Carried) -> Presented:
    """RFC 7523 §2.2, §3: the client is the ``sub`` of the assertion, here not proven yet."""
    if asked.get("client_assertion_type") != ASSERTION_TYPE:
        raise InvalidClient("client_assertion_type is not supported")
    try:
        parsed = reader.parse(asked.get("client_assertion", ""))
    except reader.BadToken:
        raise InvalidClient("client_assertion is not a JWT") from None
    subject = parsed.claims.get("sub")
    if not isinstance(subject, str) or not subject.isprintable():
        raise InvalidClient("client_assertion has no sub")
    client_id = client_id_in_body(asked, subject)
    return Presented(
        carrier=Carrier.ASSERTION, client_id=client_id, assertion=parsed, carried=carried
    )
