"""The rows that an imported batch writes, gathered by statement and run in one transaction."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from config.runtime.database.unit import Row, Statement, Value
from idp.residents import statements as sql
from idp.residents.decisions import Decision, Macs
from idp.residents.normalising import Kind
from idp.residents.port import Attribute
from idp.residents.sealing import sealed, secret_row
from keystore.cells import Cells
from keystore.door import Mac

_ORDER = (
    sql.DROP_IDENTIFIER,
    sql.ERASE_ATTRIBUTES,
    sql.CHANGE_RESIDENT,
    sql.RENEW_IDENTIFIER,
    sql.ADD_RESIDENT,
    sql.ADD_IDENTIFIER,
    sql.ADD_ATTRIBUTE,
    sql.ADD_SECRET,
)
"""What makes room comes first."""


class Loads:
    """Gathers rows; ``now`` is when the batch is imported."""

    def __init__(self, now: int) -> None:
        self.now = now
        self._rows: dict[Statement, list[Mapping[str, Value]]] = {each: [] for each in _ORDER}

    def batches(self) -> list[tuple[Statement, Sequence[Mapping[str, Value]]]]:
        """Return every statement that has rows, in order."""
        return [(statement, rows) for statement, rows in self._rows.items() if rows]

    def add_resident(self, resident_id: str, decision: Decision, wrapped_key: bytes) -> None:
        """A new person, with the locks that the registry says."""
        self._add(
            sql.ADD_RESIDENT,
            id=resident_id,
            state=decision.row.state.value,
            locked=" ".join(decision.row.locked),
            reachable=int(decision.row.reachable),
            wrapped_key=wrapped_key,
            created_at=self.now,
            changed_at=self.now,
            imported=decision.imported,
        )

    def change_resident(self, resident_id: str, decision: Decision) -> None:
        """A person of whom the registry says something else now; every claim is written anew."""
        self._add(sql.ERASE_ATTRIBUTES, id=resident_id)
        self._add(
            sql.CHANGE_RESIDENT,
            resident=resident_id,
            becomes=decision.row.state.value,
            can_be_reached=int(decision.row.reachable),
            row=decision.imported,
            now=self.now,
        )

    def add_claims(self, resident_id: str, claims: Iterable[Attribute], cells: Cells) -> None:
        """Seal each claim in its row."""
        for claim in claims:
            self._add(
                sql.ADD_ATTRIBUTE,
                resident_id=resident_id,
                name=claim.name,
                locale=claim.locale,
                cell=sealed(cells, resident_id, claim),
            )

    def add_secret(self, resident_id: str, factor: str, secret: bytes, cells: Cells) -> None:
        """Seal what a factor has enrolled."""
        self._add(
            sql.ADD_SECRET,
            resident_id=resident_id,
            factor=factor,
            cell=cells.seal(secret, secret_row(resident_id, factor)),
            enrolled_at=self.now,
        )

    def add_identifiers(self, resident_id: str, decision: Decision, stored: Iterable[Row]) -> None:
        """Make the person's identifiers those of the row; of ``stored`` ones, uses stay spent."""
        for left_over in decision.left_over:
            self._add(sql.DROP_IDENTIFIER, lookup=left_over)
        old = {bytes(row["lookup"]): row for row in stored}
        for kind, macs, until, uses in _wanted(decision):
            known = next((old.pop(mac.value) for mac in macs if mac.value in old), None)
            if known is not None and bytes(known["lookup"]) == macs[0].value:
                if known["valid_until"] != until:
                    self._add(sql.RENEW_IDENTIFIER, known=macs[0].value, until=until)
                continue
            if known is not None:  # hashed by an older key
                self._add(sql.DROP_IDENTIFIER, lookup=bytes(known["lookup"]))
                uses = known["uses_left"]
            self._add_identifier(resident_id, kind, macs[0], valid_until=until, uses_left=uses)
        for lookup in old:
            self._add(sql.DROP_IDENTIFIER, lookup=lookup)

    def _add_identifier(self, resident_id: str, kind: Kind, newest: Mac, **limits: Value) -> None:
        self._add(
            sql.ADD_IDENTIFIER,
            lookup=newest.value,
            version=newest.version,
            kind=kind.value,
            resident_id=resident_id,
            **limits,
        )

    def _add(self, statement: Statement, **values: Any) -> None:
        self._rows[statement].append(values)


def _wanted(decision: Decision) -> Iterable[tuple[Kind, Macs, int | None, int | None]]:
    yield Kind.NATIONAL, decision.national, None, None
    for virtual, macs in decision.virtual:
        yield Kind.VIRTUAL, macs, virtual.valid_until, virtual.uses
    for macs in decision.handles:
        yield Kind.HANDLE, macs, None, None
