"""What a login asks of the database and the key service: it must not creep up."""

from collections import Counter
from dataclasses import dataclass

from tests.journeys.login_world import Site


@dataclass(frozen=True, slots=True)
class Costs:
    """Calls that were made: SELECTs, transactions, questions to the key service."""

    reads: int
    units: int
    doors: int

    @classmethod
    def taken(cls, here: Site) -> "Costs":
        """Return what was counted since the last time."""
        database, door = here.world.database.asked, here.world.door.asked
        asked, doors = Counter(call.split()[0] for call in database), len(door)
        database.clear()
        door.clear()
        return cls(asked["read"], asked["submit"] + asked["take"], doors)


async def _logged_in_and_told(here: Site) -> None:
    page = await here.logged_in(here.browser(), prompt="consent")
    tokens = await here.tokens(page)
    bearer = {"authorization": f"Bearer {tokens['access_token']}"}
    assert (await here.browser().client.get("/userinfo", headers=bearer)).status_code == 200


async def test_a_whole_login_costs_so_much_and_no_more(here: Site) -> None:
    """From the client's request to userinfo, in a browser that is new each time.

    Lower the numbers when it costs less. A read takes about 30 us on SQLite and 170 us on
    PostgreSQL, a unit reaches the disk, and a question to the key service takes about 110 us.
    """
    await _logged_in_and_told(here)  # reads the client's registration, and makes a decoy
    Costs.taken(here)
    await _logged_in_and_told(here)
    assert Costs.taken(here) == Costs(reads=17, units=6, doors=8)


async def test_a_browser_that_is_known_is_recognised_once_in_each_step(here: Site) -> None:
    """When the code is sent and when it is proven; the cookie is renewed from the latter."""
    browser = here.browser()
    await here.logged_in(browser, prompt="consent")
    await here.logged_in(browser, prompt="login consent")
    here.world.door.asked.clear()
    await here.logged_in(browser, prompt="login consent")
    assert [call for call in here.world.door.asked if call.startswith("mac device")] == [
        "mac device 1",
        "mac device 1",
    ]


async def test_single_sign_on_costs_so_much_and_no_more(here: Site) -> None:
    """Where the person agreed before, one request brings the code."""
    browser = here.browser()
    await here.logged_in(browser)
    Costs.taken(here)
    assert (await browser.get(here.address())).answer["code"]
    assert Costs.taken(here) == Costs(reads=3, units=1, doors=0)
