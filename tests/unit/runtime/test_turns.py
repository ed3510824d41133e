"""Work that takes turns on the event loop."""

import asyncio

import pytest

from config.runtime.turns import STRETCH, Turns

LONG = STRETCH / 4
"""Seconds that a piece takes here."""


class Worked:
    """How long was worked, by pieces that say so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def spent(self) -> float:
        return self.seconds

    def piece(self) -> None:
        self.seconds += LONG


async def test_somebody_who_waits_for_the_loop_waits_for_a_stretch_at_most() -> None:
    worked, most = Worked(), 0.0
    turns = Turns(worked.spent)

    async def many() -> None:
        for _ in range(20):
            await turns.do(worked.piece)

    async def bystander(working: asyncio.Future[list[None]]) -> None:
        nonlocal most
        while not working.done():
            before = worked.seconds
            await asyncio.sleep(0)
            most = max(most, worked.seconds - before)

    for askers in (1, 16):
        worked.seconds = 0.0
        working = asyncio.gather(*(many() for _ in range(askers)))
        await bystander(working)
        assert worked.seconds == pytest.approx(20 * askers * LONG)
        assert most < STRETCH + 2 * LONG, "the last piece may exceed the stretch"
    assert most > STRETCH - LONG, "what can be done in one turn is done in one"


async def test_pieces_are_done_in_the_order_in_which_they_came() -> None:
    worked, done = Worked(), list[int]()
    turns = Turns(worked.spent)

    def piece(number: int) -> None:
        worked.piece()
        done.append(number)

    async def twice(number: int) -> None:
        await turns.do(piece, number)
        await turns.do(piece, number)

    await asyncio.gather(*map(twice, range(16)))
    first = {number: done.index(number) for number in range(16)}
    assert sorted(first, key=first.__getitem__) == list(range(16))


async def test_what_a_piece_raises_is_for_its_asker_and_stops_nobody_else() -> None:
    worked = Worked()
    turns = Turns(worked.spent)

    def broken() -> None:
        worked.piece()
        raise ValueError("broken")

    found = await asyncio.gather(
        *(turns.do(broken) for _ in range(9)), turns.do(len, "abc"), return_exceptions=True
    )
    assert [type(one) for one in found] == [ValueError] * 9 + [int]
    with pytest.raises(ValueError, match="broken"):
        await turns.do(broken)


async def test_who_hung_up_holds_nobody_up_and_has_nothing_done() -> None:
    worked, done = Worked(), list[str]()
    turns = Turns(worked.spent)

    def piece(name: str) -> None:
        worked.piece()
        done.append(name)

    before = [asyncio.ensure_future(turns.do(piece, "before")) for _ in range(8)]
    gone = asyncio.ensure_future(turns.do(piece, "gone"))
    after = asyncio.ensure_future(turns.do(piece, "after"))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(*before, after)
    assert done == ["before"] * 8 + ["after"]
