"""An authority below a root elsewhere: it waits, is certified, is replaced, and warns in time."""

import logging
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import select

from config.runtime.audit.records import entries
from config.runtime.database.connect import OpenDatabase
from config.runtime.database.unit import Statement
from keystore.authority.addresses import files, list_path
from keystore.authority.authority import expires_at
from keystore.authority.elsewhere import NO_CERTIFICATE, TAKEN_BACK
from keystore.authority.expiring import troubles
from keystore.authority.offline import Brought
from keystore.authority.offline_reading import NotAccepted
from keystore.authority.profiles import DAY, Kind
from keystore.backends.backend import Algorithm
from keystore.door import KeyState, NotCertified
from keystore.purposes import OwnRing
from tests.authorities import ANA, new_spki, openssl, pem
from tests.offline_root import ELSEWHERE, OfflineWorld, PlayedRoot

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> PlayedRoot:
    return PlayedRoot.made(tmp_path_factory.mktemp("root") / "r")


@pytest.fixture
async def offline(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[OfflineWorld]:
    """One of the present moment, because openssl certifies by its own clock."""
    made = await OfflineWorld.opened(database, tmp_path, int(time.time()))
    yield made
    await made.keys.backends.close()


async def certified(offline: OfflineWorld, root: PlayedRoot, **brought: bool) -> Brought:
    """Let the root certify the key that waits."""
    made = replace(root.brings(await offline.request()), **brought)  # type: ignore[arg-type]
    await offline.bring(made)
    return made


def issues(offline: OfflineWorld) -> None:
    """Draft the certificate of somebody who signs."""
    offline.authority.draft(new_spki(), ANA, Kind.ONE_TIME, offline.clock.now())


async def actions(offline: OfflineWorld) -> list[str]:
    query = Statement(select(entries.c.action).order_by(entries.c.number))
    return [row["action"] for row in await offline.database.rows(query)]


async def test_nothing_is_certified_before_the_root_has(offline: OfflineWorld) -> None:
    assert [key.state for key in offline.keys.ring.kept(OwnRing.ISSUING)] == [KeyState.PUBLISHED]
    assert not offline.keys.ring.kept(OwnRing.ROOT)
    with pytest.raises(NotCertified, match="--request"):
        issues(offline)
    with pytest.raises(NotCertified, match="--certificate"):
        offline.authority.own(Kind.STAMPING)
    shown = await offline.showing.shown(offline.clock.now())
    assert (shown.chains, shown.crls, shown.older) == ((), (), ())
    assert troubles(shown, offline.clock.now()) == [NO_CERTIFICATE]
    offline.clock.at += 10 * 366 * DAY  # and it never activates itself
    await offline.kept()
    assert offline.root.waiting() is not None


async def test_what_the_root_certified_certifies_and_openssl_agrees(
    offline: OfflineWorld, root: PlayedRoot, tmp_path: Path
) -> None:
    brought = await certified(offline, root)
    issues(offline)
    shown = await offline.showing.shown(offline.clock.now())
    ((issuing, top),) = shown.chains
    assert pem(issuing) == brought.certificate and pem(top) == brought.root
    names = files(shown)
    held = x509.load_der_x509_certificate(top)
    key_id = held.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    assert names[list_path(key_id)] == shown.crls[1]
    (tmp_path / "root.pem").write_bytes(brought.root)
    (tmp_path / "issuing.pem").write_bytes(brought.certificate)
    for kind in (Kind.STAMPING, Kind.STATUS, Kind.EVIDENCE):
        (tmp_path / "one.pem").write_bytes(pem(offline.authority.own(kind).certificate))
        words = ("verify", "-x509_strict", "-CAfile", "root.pem", "-untrusted", "issuing.pem")
        judged = openssl(tmp_path, *words, "one.pem")
        assert judged.returncode == 0, judged.stderr
    assert troubles(shown, offline.clock.now()) == []
    assert await actions(offline) == ["authority.requested", "authority.certified"]


async def test_what_is_brought_again_changes_nothing(
    offline: OfflineWorld, root: PlayedRoot, database: OpenDatabase, tmp_path: Path
) -> None:
    brought = await certified(offline, root)
    before = await actions(offline), offline.authority.issuers()
    await offline.bring(brought)
    assert (await actions(offline), offline.authority.issuers()) == before
    again = await OfflineWorld.opened(database, tmp_path, offline.clock.at)  # a restart
    issues(again)
    assert again.authority.issuers() == before[1]


async def test_judging_changes_nothing(offline: OfflineWorld, root: PlayedRoot) -> None:
    request = await offline.request()
    accepted = offline.judged(root.brings(request))
    assert accepted.kid == offline.keys.ring.kept(OwnRing.ISSUING)[0].kid
    await offline.kept()
    assert offline.root.waiting() is not None
    assert await actions(offline) == ["authority.requested"]


async def test_a_refusal_keeps_nothing_of_what_came_with_it(
    offline: OfflineWorld, root: PlayedRoot
) -> None:
    brought = root.brings(await offline.request())
    other = Brought(certificate=brought.root, root=brought.root, listed=brought.listed)
    with pytest.raises(NotAccepted) as refused:
        await offline.bring(other)
    assert refused.value.rule == "certificate-key"
    with pytest.raises(NotAccepted) as refused:
        await offline.bring(Brought(listed=brought.listed))
    assert refused.value.rule == "list-issuer"
    assert not offline.authority.roots_elsewhere()
    assert offline.root.waiting() is not None


async def test_no_second_request_is_made_while_every_key_is_certified(
    offline: OfflineWorld, root: PlayedRoot
) -> None:
    await certified(offline, root)
    with pytest.raises(NotAccepted, match="rotate") as refused:
        await offline.request()
    assert refused.value.rule == "request-waiting"


async def test_the_old_chain_goes_on_until_its_replacement_came(
    offline: OfflineWorld, root: PlayedRoot
) -> None:
    await certified(offline, root)
    before = offline.keys.ring.own(OwnRing.ISSUING)
    await offline.keys.administration.rotate(OwnRing.ISSUING, Algorithm.ES256, emergency=False)
    offline.clock.at += DAY
    await offline.kept()
    assert offline.keys.ring.own(OwnRing.ISSUING).kid == before.kid
    issues(offline)
    old = offline.authority.own(Kind.ISSUING)
    await certified(offline, root)
    assert offline.keys.ring.own(OwnRing.ISSUING).kid != before.kid
    kept = {key.kid: key.state for key in offline.keys.ring.kept(OwnRing.ISSUING)}
    assert kept[before.kid] is KeyState.RETIRING
    shown = await offline.showing.shown(offline.clock.now())
    assert [chain[1] for chain in shown.chains] == [shown.chains[0][1]] * 2
    assert shown.chains[1][0] == old.certificate
    [of_old] = shown.older
    held = x509.load_der_x509_certificate(old.certificate)
    assert x509.load_der_x509_crl(of_old).is_signature_valid(held.public_key())  # type: ignore[arg-type]
    responder = offline.authority.own(Kind.STATUS, under=before.kid)
    x509.load_der_x509_certificate(responder.certificate).verify_directly_issued_by(held)


async def test_a_successor_begins_in_the_middle_of_a_certificate(
    offline: OfflineWorld, root: PlayedRoot
) -> None:
    await offline.bring(
        Brought(
            certificate=root.certified(await offline.request(), "-days", "800"),
            root=root.certificate,
            listed=root.listed(),
        )
    )
    offline.clock.at += 399 * DAY
    await offline.kept()
    assert offline.root.waiting() is None
    offline.clock.at += 2 * DAY
    await offline.kept()
    await offline.kept()
    states = [key.state for key in offline.keys.ring.kept(OwnRing.ISSUING)]
    assert states == [KeyState.PUBLISHED, KeyState.ACTIVE]


async def test_in_an_emergency_nothing_signs_until_the_root_certified_the_new_key(
    offline: OfflineWorld, root: PlayedRoot
) -> None:
    await certified(offline, root)
    await offline.keys.administration.rotate(OwnRing.ISSUING, Algorithm.ES256, emergency=True)
    await offline.kept()
    with pytest.raises(NotCertified):
        issues(offline)
    assert len(offline.keys.ring.kept(OwnRing.ISSUING)) == 1
    await certified(offline, root)
    issues(offline)


async def test_a_list_that_takes_our_certificate_back_stops_signing(
    offline: OfflineWorld, tmp_path: Path
) -> None:
    root = PlayedRoot.made(tmp_path / "apart")
    request = await offline.request()
    certificate = root.certified(request)
    first = root.listed()
    await offline.bring(Brought(certificate=certificate, root=root.certificate, listed=first))
    root.take_back(certificate)
    await offline.bring(Brought(listed=root.listed()))
    with pytest.raises(NotCertified, match="took the certificate"):
        issues(offline)
    shown = await offline.showing.shown(offline.clock.now())
    assert troubles(shown, offline.clock.now()) == [TAKEN_BACK]
    with pytest.raises(NotAccepted) as refused:
        await offline.bring(Brought(listed=first))
    assert refused.value.rule == "list-newer"


async def test_another_root_comes_only_on_purpose_and_the_old_chain_stays(
    offline: OfflineWorld, root: PlayedRoot, tmp_path: Path
) -> None:
    await certified(offline, root)
    other = PlayedRoot.made(tmp_path / "other")
    await offline.keys.administration.rotate(OwnRing.ISSUING, Algorithm.ES256, emergency=False)
    await offline.kept()
    with pytest.raises(NotAccepted) as refused:
        await certified(offline, other)
    assert refused.value.rule == "root-known"
    await certified(offline, other, is_new=True)
    shown = await offline.showing.shown(offline.clock.now())
    assert [pem(chain[1]) for chain in shown.chains] == [other.certificate, root.certificate]
    lists = [x509.load_der_x509_crl(one) for one in (*shown.crls, *shown.older)]
    tops = [x509.load_pem_x509_certificate(one.certificate) for one in (other, root)]
    signed = [[one.is_signature_valid(top.public_key()) for one in lists] for top in tops]  # type: ignore[arg-type]
    assert signed[0][1] and not signed[0][0], "the list of the active chain's root comes second"
    assert any(signed[1][2:])


async def test_a_root_that_was_here_signs_its_list_on_when_the_next_is_elsewhere(
    database: OpenDatabase, root: PlayedRoot, tmp_path: Path
) -> None:
    here = msgspec.structs.replace(ELSEWHERE, root_key="own")
    before = await OfflineWorld.opened(database, tmp_path, int(time.time()), here)
    issues(before)
    old = before.authority.own(Kind.ISSUING)
    after = await OfflineWorld.opened(database, tmp_path, before.clock.at)
    issues(after)
    assert after.authority.own(Kind.ISSUING) == old
    await after.keys.administration.rotate(OwnRing.ISSUING, Algorithm.ES256, emergency=False)
    await after.kept()
    assert after.authority.own(Kind.ISSUING) == old, "until the replacement came"
    await certified(after, root)
    shown = await after.showing.shown(after.clock.now())
    assert pem(shown.chains[0][1]) == root.certificate and shown.chains[1][0] == old.certificate
    tops = [x509.load_der_x509_certificate(one) for one in shown.chains[1]]
    lists = [x509.load_der_x509_crl(one) for one in shown.older]
    assert [
        one.is_signature_valid(top.public_key())  # type: ignore[arg-type]
        for one, top in zip(lists, tops, strict=True)
    ] == [True, True]
    await before.keys.backends.close()
    await after.keys.backends.close()


async def test_a_renewed_certificate_of_the_root_takes_the_lists_of_its_key(
    offline: OfflineWorld, tmp_path: Path
) -> None:
    root = PlayedRoot.made(tmp_path / "r")
    certificate = root.certified(await offline.request())
    first = root.listed()
    await offline.bring(Brought(certificate=certificate, root=root.certificate, listed=first))
    words = ("req", "-x509", "-config", "root.cnf", "-key", "root.key", "-out", "root.pem")
    openssl(root.directory, *words, "-sha384", "-days", "9999")
    renewed = replace(root, certificate=(root.directory / "root.pem").read_bytes())
    await offline.keys.administration.rotate(OwnRing.ISSUING, Algorithm.ES256, emergency=False)
    await offline.kept()
    await certified(offline, renewed, is_new=True)
    later = root.listed()
    await offline.bring(Brought(listed=later))
    read = x509.load_pem_x509_crl(later).public_bytes(Encoding.DER)
    for own in offline.authority.roots_elsewhere():
        assert offline.authority.elsewhere.listed(own.kid) == read
    assert len(offline.authority.roots_elsewhere()) == 2


async def test_the_end_of_the_list_and_of_the_certificate_are_told_in_time(
    offline: OfflineWorld, root: PlayedRoot, caplog: pytest.LogCaptureFixture
) -> None:
    await certified(offline, root)
    now = offline.clock.now()
    shown = await offline.showing.shown(now)
    assert troubles(shown, now + 270 * DAY) == []
    [said] = troubles(shown, now + 280 * DAY)
    assert "is good until" in said and "--root-list FILE" in said
    [said] = troubles(shown, now + 366 * DAY)
    assert "was good until" in said
    ends = expires_at(offline.authority.own(Kind.ISSUING))
    assert "certificate is good until" in troubles(shown, ends - 365 * DAY)[1]
    offline.clock.at = now + 280 * DAY
    with caplog.at_level(logging.WARNING, logger="keystore.authority.offline_upkeep"):
        for _ in range(3):
            await offline.kept()
    told = [one for one in caplog.messages if "--root-list FILE" in one]
    assert len(told) == 1, "once a day is enough"
