"""What clients call a person is made once, on every database."""

import asyncio

from config.runtime.database.connect import OpenDatabase
from idp.stores.subjects import Subjects

ISSUER = "https://id.example"


async def test_of_many_that_make_a_subject_one_does_and_all_read_it(
    database: OpenDatabase,
) -> None:
    subjects = Subjects(database)
    done = await asyncio.gather(
        *(
            database.submit(subjects.keep(ISSUER, "clinic.example", "amina", f"subject-{number}"))
            for number in range(16)
        ),
        return_exceptions=True,
    )
    [winner] = [number for number, outcome in enumerate(done) if outcome is None]
    assert await subjects.find(ISSUER, "clinic.example", "amina") == f"subject-{winner}"


async def test_subjects_differ_by_issuer_sector_and_person(database: OpenDatabase) -> None:
    subjects = Subjects(database)
    await database.submit(subjects.keep(ISSUER, "clinic.example", "amina", "one"))
    assert await subjects.find("https://other.example", "clinic.example", "amina") is None
    assert await subjects.find(ISSUER, "shop.example", "amina") is None
    assert await subjects.find(ISSUER, "clinic.example", "baraka") is None
