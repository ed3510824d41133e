"""An upgrade under load: the version before runs on while the database moves ahead (R6).

The new version is today's program with one more revision, a nullable column as every first half of
a change has; the version before is today's program.
"""

import asyncio
import shutil
import textwrap
from pathlib import Path

import pytest

from config.wiring.migrations import VERSIONS, current, heads
from tests.deployment import (
    Deployment,
    Spot,
    deployment,
    import_residents,
    log_in,
    migrated,
    redeem,
    register,
    until,
)

pytestmark = pytest.mark.server
BROWSERS = 3

REVISION = '''
    """Clients, codes, logins and grants may be named a colour."""

    import sqlalchemy as sa
    from alembic import op

    revision = "idp_{number:04}"
    down_revision = "idp_{before:04}"
    branch_labels = None
    depends_on = None

    TABLES = ("oauth_client", "oauth_code", "oauth_grant", "idp_login", "idp_session", "oauth_used")


    def upgrade() -> None:
        """Apply."""
        for table in TABLES:
            op.add_column(table, sa.Column("colour", sa.Text(), nullable=True))


    def downgrade() -> None:
        """Take back."""
'''


def ahead(directory: Path) -> Path:
    """Return a copy of the schema's history with one more revision."""
    copy = directory / "versions"
    shutil.copytree(VERSIONS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    before = heads(["idp"])["idp"]
    text = textwrap.dedent(REVISION).format(number=before + 1, before=before)
    (copy / "idp" / f"idp_{before + 1:04}_a_colour.py").write_text(text.lstrip())
    return copy


class Load:
    """People who log in one after another at some web servers, until they are told to stop."""

    def __init__(self, place: Deployment, names: list[str]) -> None:
        self.place = place
        self.spots = [place.spot]
        self.logins = 0
        self._stop = asyncio.Event()
        self._people = [asyncio.create_task(self._person(name)) for name in names]

    async def some_more(self, count: int = 6) -> None:
        """Return after some logins that began from now on."""
        enough = self.logins + count + len(self._people)

        def is_enough() -> bool:
            for person in self._people:
                if person.done():
                    person.result()
            return self.logins >= enough

        await until(is_enough)

    async def end(self) -> None:
        """Let everybody finish; whatever failed fails here."""
        self._stop.set()
        await asyncio.gather(*self._people)

    async def _person(self, name: str) -> None:
        while not self._stop.is_set():
            spot = self.spots[self.logins % len(self.spots)]
            code = await log_in(self.place, name, spot)
            async with self.place.http(self.spots[-1]) as http:
                answer = await redeem(http, self.place.issuer, code)
            assert answer.status_code == 200, answer.text
            self.logins += 1


async def test_both_versions_serve_logins_before_during_and_after(
    empty_database_url: str, tmp_path: Path
) -> None:
    versions = ahead(tmp_path)
    newer = (
        ("config.wiring.migrations.VERSIONS", versions),
        ("config.wiring.migrations.running.VERSIONS", versions),
    )
    with deployment(empty_database_url) as place:
        await migrated(place)
        await place.keys_up()
        await register(place)
        names = await import_residents(place, BROWSERS)
        await place.web_up()
        load = Load(place, names)
        await load.some_more()

        new = Spot()
        place.start_web(new, "new", constants=newer)
        reasons: dict[str, str] = {}

        async def says_why() -> bool:
            status, said = await place.readiness(new)
            reasons.update({check["name"]: check["reason"] for check in said.get("checks", ())})
            return status == 503

        await until(says_why)
        assert "symbolon migrate" in reasons["migrations"], "the new version waits for its tables"
        await load.some_more()

        url = place.settings.database.url
        await place.run("migrate", constants=newer)
        applied = await asyncio.to_thread(current, url)
        assert applied["idp"] == f"idp_{heads(['idp'])['idp'] + 1:04}"
        await place.ready(new)
        load.spots.append(new)  # a login may begin at one version and end at the other
        await load.some_more(12)
        assert (await place.readiness())[0] == 200, "the version before is as ready as ever"

        load.spots = [new]
        await load.some_more(0)
        await place.stop_web()
        await load.some_more()
        await load.end()
        for name in ("web", "new"):
            assert '"level":"error"' not in place.log(name)
