"""Attestations of clients: a trusted attester vouches for the key of one instance.

draft-ietf-oauth-attestation-based-client-auth-10 §4, §7.1. What follows proves that the sender
holds that key.
"""

from base64 import b64decode
from dataclasses import dataclass
from typing import Protocol

from idp.client_auth.keys import ClientKeys
from idp.protocol.attestation import (
    ALGS,
    ATTESTATION_TYP,
    LONGEST,
    LONGEST_CHAIN,
    METHODS,
    judge_attestation,
)
from idp.protocol.carried import Carried
from idp.protocol.client import Client
from idp.protocol.errors import InvalidClientAttestation, UseAttestationChallenge, UseDpopNonce
from idp.protocol.grant import Confirmation
from keystore.jose import reader
from keystore.jose.jwk import Jwk, JwkSet, KeyRefused, parse
from keystore.jose.public import members
from keystore.x509.authorities import Authorities
from keystore.x509.certificate import CertificateRefused, read

_RULES = reader.Rules(algs=frozenset(ALGS), typs=frozenset((ATTESTATION_TYP,)))


class Challenges(Protocol):
    """What a proof must hold so that it cannot have been made in advance (§6)."""

    async def check(self, nonce: str | None, now: int) -> str | None:
        """Return nothing of interest, or raise UseDpopNonce, which tells the newest."""
        ...


@dataclass(frozen=True, slots=True)
class Attestations:
    """``attesters`` are trusted for every client that registered no keys of its own attester, and
    so are those for whose certificates one of ``authorities`` vouches.
    """

    keys: ClientKeys
    attesters: JwkSet | None
    authorities: Authorities | None = None

    async def verify(self, carried: Carried, client: Client, now: int) -> Jwk:
        """Return the key of the instance, or raise InvalidClientAttestation."""
        if carried.attestation is None:
            raise InvalidClientAttestation("the request has no OAuth-Client-Attestation")
        try:
            parsed = parsed_header(carried.attestation)
            keys = await self._trusted(client, parsed, now)
            verified = reader.verify(parsed, keys, _RULES)
            key = parse(judge_attestation(verified.claims, client.client_id, now))
        except (reader.BadToken, KeyRefused, CertificateRefused) as reason:
            raise InvalidClientAttestation(
                "the attestation is not signed by an attester that is trusted for the client",
                detail=str(reason),
            ) from reason
        if key is None:
            raise InvalidClientAttestation("the key in cnf is of an unknown kind")
        return key

    async def _trusted(self, client: Client, parsed: reader.Parsed, now: int) -> JwkSet:
        if client.jwks is None and client.jwks_uri is None:
            if self.authorities is not None and "x5c" in parsed.header:
                return _certified(parsed.header["x5c"], self.authorities, now)
            if self.attesters is not None:
                return self.attesters
        return await self.keys.of(client, parsed.header["alg"], parsed.header.get("kid"))


def _certified(chain: list[object], authorities: Authorities, now: int) -> JwkSet:
    """Return the key of the first certificate in ``x5c`` (RFC 7515 §4.1.6, §9.8 of the draft)."""
    if not 0 < len(chain) <= LONGEST_CHAIN or not all(isinstance(one, str) for one in chain):
        raise reader.BadToken("x5c is a list of few certificates")
    try:
        leaf, *issuers = (b64decode(str(one), validate=True) for one in chain)
        certificate = read(leaf)
        authorities.check(certificate, issuers, now)
        key = parse(members(certificate.spki))
    except ValueError as reason:
        raise reader.BadToken("x5c holds certificates in base64") from reason
    return JwkSet(() if key is None else (key,))


def parsed_header(value: str) -> reader.Parsed:
    """Return the token in a header about which nothing is proven, or raise BadToken."""
    if len(value) > LONGEST:
        raise reader.BadToken("longer than 16 KiB")
    return reader.parse(value)


async def check_challenge(challenges: Challenges | None, challenge: str | None, now: int) -> None:
    """Raise UseAttestationChallenge unless ``challenge`` is one of ours, where they are wanted."""
    if challenges is not None:
        try:
            await challenges.check(challenge, now)
        except UseDpopNonce as refusal:
            raise UseAttestationChallenge(
                "the proof needs the challenge of the header OAuth-Client-Attestation-Challenge",
                challenge=refusal.nonce,
            ) from None


def claimed_client(attestation: str) -> str | None:
    """Return whom an attestation speaks of, unproven; None for what is none (§7.5)."""
    try:
        subject = parsed_header(attestation).claims.get("sub")
    except reader.BadToken:
        return None
    return subject if isinstance(subject, str) and subject.isprintable() else None


def instance_of(client: Client, carried: Carried) -> Confirmation | None:
    """Return the key of a proven client's instance: its refresh tokens are bound to it (§9.3)."""
    if client.token_endpoint_auth_method not in METHODS or carried.attestation is None:
        return None
    key = parse(parsed_header(carried.attestation).claims["cnf"]["jwk"])
    return None if key is None else Confirmation(jkt=key.thumbprint())
