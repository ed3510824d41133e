"""The rows of people's own lists: newest first, in pages, of one client, gone when they must."""

from config.runtime.database.connect import OpenDatabase
from esignet.protocol.history import NEWEST, Before, Entry
from esignet.stores.history import PageAsked, SealedEntry, Signatures

NOW = 1_800_000_000


def entry(name: str, at: int = NOW, signer: str = "ana", client: str = "office") -> SealedEntry:
    made = Entry(
        id=name,
        signer=signer,
        client_id=client,
        signed_at=at,
        format="cades",
        level="B-LT",
        count=2,
        expires_at=NOW + 1000,
    )
    return SealedEntry(made, b"key", b"labels")


async def names(store: Signatures, before: Before, client: str = "", now: int = NOW) -> list[str]:
    found = await store.page("ana", PageAsked(before, 2, now), client)
    return [one.entry.id for one in found]


async def test_rows_come_in_pages_newest_first_and_leave(database: OpenDatabase) -> None:
    store = Signatures(database)
    rows = (
        *(entry("a"), entry("b"), entry("c", NOW + 5), entry("d", signer="ben")),
        *(entry("e", NOW - 5, client="another"), entry("f", NOW - 9)),
    )
    await database.submit(*map(store.added, rows))
    assert await names(store, NEWEST) == ["c", "b"]
    assert await names(store, Before(NOW, "b")) == ["a", "e"]
    assert await names(store, Before(NOW, "a"), "office") == ["f"]
    assert (await store.page("ben", PageAsked(NEWEST, 2, NOW), ""))[0] == rows[3]
    assert await names(store, NEWEST, now=NOW + 1000) == []
    assert (await store.signer_of("d"), await store.signer_of("x")) == ("ben", None)
    await database.submit(store.removed("c", "ana"))
    await database.submit(store.forgotten("ben"))
    assert await names(store, NEWEST) == ["b", "a"]
    assert await store.signer_of("d") is None
    await database.submit(store.prune(NOW + 999, 10))
    assert await names(store, NEWEST) == ["b", "a"]
    await database.submit(store.prune(NOW + 1000, 10))
    assert await store.signer_of("a") is None
