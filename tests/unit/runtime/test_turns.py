"""Work that takes turns on the event loop."""

import asyncio

import pytest

from config.runtime.turns import STRETCH, Turns


async def test_somebody_who_waits_for_the_loop_waits_for_a_few_pieces_at_most() -> None:
    turns, done, most = Turns(), 0, 0

    def piece() -> None:
        nonlocal done
        done += 1

    async def many() -> None:
        for _ in range(20):
            await turns.do(piece)

    async def bystander(working: asyncio.Future[list[None]]) -> None:
        nonlocal most
        while not working.done():
            before = done
            await asyncio.sleep(0)
            most = max(most, done - before)

    for askers in (1, 16):
        done = 0
        working = asyncio.gather(*(many() for _ in range(askers)))
        await bystander(working)
        assert done == 20 * askers
        assert most <= STRETCH


async def test_what_a_piece_raises_is_for_its_asker_and_stops_nobody_else() -> None:
    turns = Turns()

    def broken() -> None:
        raise ValueError("broken")

    one, other = await asyncio.gather(
        turns.do(broken), turns.do(len, "abc"), return_exceptions=True
    )
    assert isinstance(one, ValueError)
    assert other == 3
    with pytest.raises(ValueError, match="broken"):
        await turns.do(broken)
