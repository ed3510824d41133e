"""An authority that was replaced answers for what it signed, as long as that counts."""

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from config.settings import Lifetimes
from config.settings.esignet import Esignet
from config.wiring.keys import policies
from keystore.authority.addresses import files, list_path
from keystore.authority.profiles import PROFILES, YEAR, Kind
from keystore.backends.backend import Algorithm
from keystore.door import KeyState
from keystore.purposes import OwnRing
from keystore.rotation import MARGIN, due
from tests.authorities import AuthorityWorld, openssl, pem
from tests.keyrings import TOKENS

pytestmark = pytest.mark.server


async def test_an_authority_that_was_replaced_goes_on_to_answer_for_its_own(
    world: AuthorityWorld, tmp_path: Path
) -> None:
    good, bad = [await world.signer(kind=Kind.LONG_TERM) for _ in range(2)]
    before = world.authority.own(Kind.ISSUING)
    await world.revoke(bad)
    await replaced(world, OwnRing.ISSUING)
    await replaced(world, OwnRing.STATUS)  # a responder that the old authority never saw
    assert world.authority.own(Kind.ISSUING).kid != before.kid
    shown = await world.showing.shown(world.clock.at)
    issuer = x509.load_der_x509_certificate(before.certificate)
    listed = x509.load_der_x509_crl(shown.older[0])
    assert [one.serial_number for one in listed] == [bad.serial_number]
    assert listed.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]
    named = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    assert files(shown)[list_path(named)] == shown.older[0]
    answers = await world.responder.statuses(
        [one.public_bytes(Encoding.DER) for one in (good, bad)], world.clock.at
    )
    (tmp_path / "old.pem").write_bytes(pem(issuer))
    (tmp_path / "root.pem").write_bytes(pem(shown.chains[-1][-1]))
    for certificate, answer, said in zip((good, bad), answers, ("good", "revoked"), strict=True):
        (tmp_path / "one.pem").write_bytes(pem(certificate))
        (tmp_path / "answer").write_bytes(answer)
        judged = openssl(
            tmp_path,
            *("ocsp", "-respin", "answer", "-no_nonce", "-sha256", "-issuer", "old.pem"),
            *("-cert", "one.pem", "-CAfile", "root.pem", "-verify_other", "old.pem"),
            *("-validity_period", "1000000000", "-attime", str(world.clock.at)),
        )
        assert f"one.pem: {said}" in judged.stdout, judged.stderr
        assert "Response verify OK" in judged.stderr


async def test_a_key_is_certified_before_it_is_used(world: AuthorityWorld) -> None:
    await world.keys.administration.rotate(OwnRing.STAMPING, Algorithm.ES256, emergency=False)
    await world.authority.refresh()
    coming, active = world.keys.ring.kept(OwnRing.STAMPING)
    assert coming.state is KeyState.PUBLISHED
    assert active.kid == world.authority.own(Kind.STAMPING).kid
    assert world.authority.of(coming.kid) is not None


async def test_the_chain_of_who_certifies_now_comes_first(world: AuthorityWorld) -> None:
    world.clock.at += 60  # what comes is newer
    await world.keys.administration.rotate(OwnRing.ISSUING, Algorithm.ES256, emergency=False)
    await world.authority.refresh()
    shown = await world.showing.shown(world.clock.at)
    assert len(shown.chains) == 2
    assert shown.chains[0][0] == world.authority.own(Kind.ISSUING).certificate
    coming, _ = world.keys.ring.kept(OwnRing.ISSUING)
    status = world.keys.ring.own(OwnRing.STATUS)
    assert world.authority.between(status.kid, coming.kid), "who answers about it is certified too"


def test_keys_of_authorities_outlive_what_they_signed() -> None:
    kept = policies(Lifetimes(), Esignet())
    assert (kept.of(OwnRing.ISSUING).keep_for or 0) >= PROFILES[Kind.ISSUING].lifetime
    assert (kept.of(OwnRing.ROOT).keep_for or 0) >= PROFILES[Kind.ROOT].lifetime


async def test_a_key_for_archives_is_followed_until_it_is_switched_off(
    world: AuthorityWorld,
) -> None:
    key, later = world.keys.ring.own(OwnRing.ARCHIVE), world.clock.now() + 2 * YEAR
    on, off = Esignet(archive_timestamp_algorithm="ML-DSA-65"), Esignet()
    for settings, successors in ((on, (key,)), (off, ())):
        policy = policies(Lifetimes(), settings).of(OwnRing.ARCHIVE)
        assert due([key], later, policy) == successors


async def replaced(world: AuthorityWorld, ring: OwnRing) -> None:
    """Let the key of ``ring`` be followed by a new one, in the usual way."""
    administration, old = world.keys.administration, world.keys.ring.own(ring)
    await administration.rotate(ring, Algorithm.ES256, emergency=False)
    world.clock.at += TOKENS.publish_for + MARGIN
    await administration.advance()
    await world.authority.refresh()
    assert world.keys.ring.own(ring).kid != old.kid
