"""The key of an organisation is followed by one that was certified before, and ends with it."""

import pytest

from keystore.backends.backend import Algorithm
from keystore.door import KeyState
from keystore.purposes import OwnRing
from keystore.rings import organization_ring
from keystore.rotation import MARGIN
from keystore.seals.enrolment import Enrolment
from keystore.stores.authority import AuthorityRecords
from keystore.stores.organizations import Organizations
from tests.authorities import AuthorityWorld
from tests.keyrings import TOKENS
from tests.sealing import REGISTRY, Office

RING = organization_ring(REGISTRY)


@pytest.fixture
async def enrolment(world: AuthorityWorld) -> Enrolment:
    made = Enrolment(
        store=Organizations(world.database),
        ring=world.keys.ring,
        administration=world.keys.administration,
        authority=world.authority,
        clock=world.clock,
    )
    await made.add(Office().asked())
    return made


async def test_the_next_key_has_its_certificate_before_it_seals(
    world: AuthorityWorld, enrolment: Enrolment
) -> None:
    before = await enrolment.show(REGISTRY)
    await world.keys.administration.rotate(RING, Algorithm.ES256, emergency=False)
    await enrolment.keep()
    coming, active = world.keys.ring.sealers()[REGISTRY]
    assert (coming.state, active.kid) == (KeyState.PUBLISHED, before.kid)
    assert (await enrolment.show(REGISTRY)).certificate == before.certificate
    world.clock.at += TOKENS.publish_for + MARGIN
    await world.keys.administration.advance()
    after = await enrolment.show(REGISTRY)  # nothing was made in between
    assert (after.kid, bool(after.certificate)) == (coming.kid, True)
    assert after.certificate != before.certificate


async def test_a_new_issuing_authority_certifies_the_key_again(
    world: AuthorityWorld, enrolment: Enrolment
) -> None:
    before = await enrolment.show(REGISTRY)
    await world.keys.administration.rotate(OwnRing.ISSUING, Algorithm.ES256, emergency=True)
    await world.authority.refresh()
    for _ in range(2):  # once is enough
        await enrolment.keep()
    after = await enrolment.show(REGISTRY)
    assert after.kid == before.kid and after.certificate != before.certificate
    assert len([one for one in await certificates(world) if one == before.kid]) == 2


async def test_keys_that_could_not_be_destroyed_are_later(
    world: AuthorityWorld, enrolment: Enrolment
) -> None:
    now = world.clock.now()
    await world.database.submit(enrolment.store.disabled(REGISTRY, now))  # and died then
    assert world.keys.ring.sealers()[REGISTRY]
    await enrolment.keep()
    assert REGISTRY not in world.keys.ring.sealers()
    assert RING not in {one.ring for one in await world.keys.administration.keys()}


async def certificates(world: AuthorityWorld) -> list[str]:
    return [one.kid for one in await AuthorityRecords(world.database).own()]
