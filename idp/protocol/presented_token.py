"""An access token as a request for a resource presents it (RFC 6750 §2, RFC 9449 §7.1)."""

import re
from dataclasses import dataclass
from enum import StrEnum

from idp.protocol.errors import InvalidRequest

_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*\Z", re.ASCII)  # RFC 6750 §2.1


class Scheme(StrEnum):
    """How it is presented; the value is the name of the authentication scheme."""

    BEARER = "Bearer"  # whoever has it, or whoever has the certificate it is bound to
    DPOP = "DPoP"  # with a proof of the key that it is bound to


_SCHEMES = {scheme.lower(): scheme for scheme in Scheme}  # RFC 9110 §11.1: without case


@dataclass(frozen=True, slots=True)
class PresentedToken:
    """Nothing is known of the token but its form."""

    scheme: Scheme
    token: str


def presented_token(authorization: str | None, in_form: str | None) -> PresentedToken | None:
    """Return the token of the Authorization header or of the form, None where there is none.

    Raises InvalidRequest for one that is malformed, and for two. A token in a query is none
    (RFC 9700 §4.3.2).
    """
    if authorization is None:
        presented = None if in_form is None else PresentedToken(Scheme.BEARER, in_form)
    elif in_form is not None:  # RFC 6750 §2: one method in each request
        raise InvalidRequest("two access tokens")
    else:
        name, _, token = authorization.partition(" ")
        scheme = _SCHEMES.get(name.lower())
        presented = None if scheme is None else PresentedToken(scheme, token.strip(" "))
    if presented is not None and not _TOKEN.match(presented.token):
        raise InvalidRequest("the access token is malformed")
    return presented
