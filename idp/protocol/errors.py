"""Refusals that a client may see (RFC 6749 §4.1.2.1 and §5.2, OpenID Connect Core 1.0 §3.1.2.6).

Raise one where the rule is broken; the endpoint decides how it travels. ``description`` is sent,
``detail`` is logged and never sent. Any other exception is our own fault: ``server_error``.
"""

from collections.abc import Mapping
from typing import ClassVar

_UNSENDABLE = {ord(c): "'" for c in '"\\'} | dict.fromkeys(range(32), " ") | {0x7F: " "}


class OAuthError(Exception):
    """One class per error code. ``status`` is the HTTP status where the answer is JSON."""

    code: ClassVar[str]
    status: ClassVar[int] = 400

    def __init__(self, description: str = "", *, detail: str = "") -> None:
        super().__init__(description)
        # RFC 6749 §5.2: printable ASCII without double quote and backslash.
        ascii_only = description.encode("ascii", "replace").decode()
        self.description = ascii_only.translate(_UNSENDABLE)
        self.detail = detail


class InvalidRequest(OAuthError):
    code = "invalid_request"


class InvalidClient(OAuthError):
    code = "invalid_client"
    status = 401


class InvalidGrant(OAuthError):
    code = "invalid_grant"


class InvalidScope(OAuthError):
    code = "invalid_scope"


class UnauthorizedClient(OAuthError):
    code = "unauthorized_client"


class UnsupportedGrantType(OAuthError):
    code = "unsupported_grant_type"


class UnsupportedResponseType(OAuthError):
    code = "unsupported_response_type"


class AccessDenied(OAuthError):
    code = "access_denied"


class TemporarilyUnavailable(OAuthError):
    code = "temporarily_unavailable"
    status = 503


class InvalidToken(OAuthError):
    """RFC 6750 §3.1."""

    code = "invalid_token"
    status = 401


class InsufficientScope(OAuthError):
    """RFC 6750 §3.1."""

    code = "insufficient_scope"
    status = 403


class LoginRequired(OAuthError):
    code = "login_required"


class ConsentRequired(OAuthError):
    code = "consent_required"


class UnmetAuthenticationRequirements(OAuthError):
    """OpenID Connect Core Error Code unmet_authentication_requirements 1.0."""

    code = "unmet_authentication_requirements"


class RequestNotSupported(OAuthError):
    code = "request_not_supported"


class RequestUriNotSupported(OAuthError):
    code = "request_uri_not_supported"


class RegistrationNotSupported(OAuthError):
    code = "registration_not_supported"


class InvalidRequestUri(OAuthError):
    """RFC 9101 §6.3, RFC 9126 §4."""

    code = "invalid_request_uri"


class InvalidRequestObject(OAuthError):
    """RFC 9101 §6.3."""

    code = "invalid_request_object"


class InvalidRedirectUri(OAuthError):
    """RFC 7591 §3.2.2."""

    code = "invalid_redirect_uri"


class InvalidClientMetadata(OAuthError):
    """RFC 7591 §3.2.2."""

    code = "invalid_client_metadata"


class InvalidDpopProof(OAuthError):
    """RFC 9449 §5."""

    code = "invalid_dpop_proof"


class UseDpopNonce(OAuthError):
    """RFC 9449 §8. ``nonce`` is what the next proof must hold."""

    code = "use_dpop_nonce"

    def __init__(self, description: str, *, nonce: str) -> None:
        super().__init__(description)
        self.nonce = nonce


class InvalidClientAttestation(InvalidClient):
    """Attestation-Based Client Authentication draft 10 §7.4."""

    code = "invalid_client_attestation"


class UseAttestationChallenge(OAuthError):
    """Attestation-Based Client Authentication draft 10 §7.4. The next proof must hold it."""

    code = "use_attestation_challenge"

    def __init__(self, description: str, *, challenge: str) -> None:
        super().__init__(description)
        self.challenge = challenge


class AuthorizationPending(OAuthError):
    """RFC 8628 §3.5, OpenID Connect CIBA Core 1.0 §11."""

    code = "authorization_pending"


class SlowDown(OAuthError):
    """RFC 8628 §3.5, OpenID Connect CIBA Core 1.0 §11."""

    code = "slow_down"


class ExpiredToken(OAuthError):
    """RFC 8628 §3.5, OpenID Connect CIBA Core 1.0 §11."""

    code = "expired_token"


class InvalidAuthorizationDetails(OAuthError):
    """RFC 9396 §5."""

    code = "invalid_authorization_details"


class InsufficientAuthorization(OAuthError):
    """First-Party Applications draft 04 §5.3.1: the person has to say or prove more."""

    code = "insufficient_authorization"
    status = 403


class InvalidSession(OAuthError):
    """First-Party Applications draft 04 §5.3.1."""

    code = "invalid_session"


class RedirectToWeb(OAuthError):
    """First-Party Applications draft 04 §5.3.1."""

    code = "redirect_to_web"


class MissingUserCode(OAuthError):
    """OpenID Connect CIBA Core 1.0 §13."""

    code = "missing_user_code"


class InvalidUserCode(OAuthError):
    """OpenID Connect CIBA Core 1.0 §13."""

    code = "invalid_user_code"


class InvalidBindingMessage(OAuthError):
    """OpenID Connect CIBA Core 1.0 §13."""

    code = "invalid_binding_message"


class UnknownUserId(OAuthError):
    """OpenID Connect CIBA Core 1.0 §13."""

    code = "unknown_user_id"


class InvalidTarget(OAuthError):
    """RFC 8707 §2, RFC 8693 §2.2.2."""

    code = "invalid_target"


class InvalidGrantId(OAuthError):
    """Grant Management for OAuth 2.0 §5.4."""

    code = "invalid_grant_id"


class NotFound(OAuthError):
    """What is asked for is not there, or not for who asks."""

    code = "not_found"
    status = 404


class InsufficientUserAuthentication(OAuthError):
    """RFC 9470 §3. ``demands`` says what would be enough, by the names of its parameters."""

    code = "insufficient_user_authentication"
    status = 401

    def __init__(self, description: str, demands: Mapping[str, str]) -> None:
        super().__init__(description)
        self.demands = demands
