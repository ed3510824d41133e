"""Registrations are kept whole."""

from dataclasses import replace

import pytest

from config.runtime.database.connect import OpenDatabase
from config.runtime.database.unit import Refused
from idp.protocol.client import Client
from idp.stores.clients import Clients

CLIENT = Client(
    client_id="c1",
    issuer="https://id.example",
    names={"": "A name", "ar": "اسم"},
    redirect_uris=("https://rp.example/cb?x=1", "https://rp.example/other"),
    token_endpoint_auth_method="client_secret_basic",
    sector="rp.example",
    secret_digest=bytes(range(32)),
    jwks=b'{"keys":[]}',
    scope=frozenset(("openid", "email")),
    default_max_age=60,
    created_at=1_800_000_000,
)


async def test_a_client_is_found_as_it_was_registered(database: OpenDatabase) -> None:
    clients = Clients(database)
    assert await clients.find("c1") is None
    await database.submit(clients.insert(CLIENT))
    assert await clients.find("c1") == CLIENT
    with pytest.raises(Refused):
        await database.submit(clients.insert(CLIENT))


async def test_a_client_can_be_replaced_listed_and_removed(database: OpenDatabase) -> None:
    clients = Clients(database)
    older = replace(CLIENT, client_id="c0", created_at=CLIENT.created_at - 1)
    changed = replace(CLIENT, sector="other.example")
    await database.submit(clients.insert(CLIENT))
    await database.submit(clients.insert(older), clients.replace(changed))
    assert await clients.all() == [older, changed]
    await database.submit(clients.remove("c1"))
    assert await clients.find("c1") is None
    with pytest.raises(Refused):
        await database.submit(clients.remove("c1"))


async def test_two_who_change_a_client_at_once_do_not_undo_one_another(
    database: OpenDatabase,
) -> None:
    clients = Clients(database)
    assert await clients.held("c1") is None
    await database.submit(clients.insert(CLIENT))
    held = await clients.held("c1")
    assert held is not None and held.client == CLIENT
    changed = replace(CLIENT, policy_uri="https://rp.example/policy")
    await database.submit(clients.change(held, changed))
    with pytest.raises(Refused):
        await database.submit(clients.change(held, replace(CLIENT, names={"": "Other"})))
    assert await clients.find("c1") == changed
