"""How long something may take (R4): everything that leaves this process has a deadline."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class DeadlineExceeded(Exception):
    """``what`` did not answer within ``seconds``."""

    def __init__(self, what: str, seconds: float) -> None:
        super().__init__(f"{what} did not answer within {seconds:g} s")
        self.what = what


@asynccontextmanager
async def deadline(seconds: float, what: str) -> AsyncIterator[None]:
    """Cancel what runs inside after ``seconds`` and raise DeadlineExceeded that names ``what``.

    A TimeoutError of something inside passes unchanged: it says something else.
    """
    clock = asyncio.timeout(seconds)
    try:
        async with clock:
            yield
    except TimeoutError:
        if clock.expired():
            raise DeadlineExceeded(what, seconds) from None
        raise
