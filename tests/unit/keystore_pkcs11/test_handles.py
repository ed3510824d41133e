"""Whatever happens to one-time keys in whatever order: each is used once and none is forgotten."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystore.backends.backend import Algorithm, UnknownKey
from keystore.pkcs11.handles import Handles
from keystore.pkcs11.messages import Outcome, Reply

ES256 = Algorithm.ES256
DONE = Reply(serial=1, outcome=Outcome.DONE)
LATE = Reply(serial=1, outcome=Outcome.UNAVAILABLE)
EVENTS = ["expect", "made", "not made", "unwanted", "take", "leave", "child ends"]


class Child:
    """What a token's child would hold, told of every order in turn."""

    def __init__(self) -> None:
        self.handles = Handles(self.destroy, life=1000)
        self.making: list[bytes] = []
        self.holding: set[bytes] = set()
        self.used: list[bytes] = []

    def destroy(self, name: bytes) -> None:
        self.holding.discard(name)
        self.handles.gone(name)

    def happen(self, event: str, name: bytes) -> None:
        match event:
            case "expect":
                if name not in self.making and name not in self.holding | set(self.used):
                    self.handles.expect(name, ES256)
                    self.making.append(name)
            case "made" | "not made":
                if name in self.making:
                    self.making.remove(name)
                    if event == "made":
                        self.holding.add(name)
                    self.handles.made(name, DONE if event == "made" else LATE)
            case "unwanted":
                self.handles.unwanted(name)
            case "take":
                self.take(name)
            case "leave":
                if self.handles.leave(name):
                    self.destroy(name)
            case "child ends":  # what it was making waits for the next child
                self.holding.clear()
                self.handles.all_gone()

    def take(self, name: bytes) -> None:
        try:
            self.handles.take(name, ES256)
        except UnknownKey:
            return
        assert name in self.holding
        self.used.append(name)
        self.destroy(name)


@given(events=st.lists(st.tuples(st.sampled_from(EVENTS), st.sampled_from([b"a", b"b"]))))
def test_the_count_is_what_the_child_makes_and_holds(events: list[tuple[str, bytes]]) -> None:
    async def life() -> None:
        child = Child()
        for event, name in events:
            child.happen(event, name)
            assert len(child.handles) == len(child.making) + len(child.holding)
        assert len(set(child.used)) == len(child.used)
        for name in (b"a", b"b"):
            child.happen("made", name)
            child.handles.unwanted(name)
        assert len(child.handles) == 0 and child.holding == set()

    asyncio.run(life())


async def test_a_key_that_became_unwanted_while_it_was_made_is_destroyed_then() -> None:
    destroyed: list[bytes] = []
    handles = Handles(destroyed.append, life=1000)
    handles.expect(b"a", ES256)
    handles.unwanted(b"a")
    assert destroyed == [] and len(handles) == 1
    handles.made(b"a", DONE)
    assert destroyed == [b"a"]
    with pytest.raises(UnknownKey):
        handles.take(b"a", ES256)
