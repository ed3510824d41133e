"""`symbolon audit`: an auditor verifies the logs, and holds a proof against a promise."""

import asyncio
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from joserfc import jws
from joserfc.jwk import ECKey

from config.cli.main import cli
from config.runtime.audit.records import AuditEntry, DatabaseAudit
from config.runtime.audit.sequencer import Sequencer
from config.runtime.clock import SystemClock
from config.runtime.database.connect import open_database
from config.runtime.database.statements import insert_new
from config.runtime.database.unit import Value, Write
from config.wiring.migrations import KEYSTORE, WEB, migrate
from keystore.signing.log import CHECKPOINT, PROMISE, RING, checkpoint_claims, promise_claims
from keystore.stores.tables import key_version

NOW = 1_700_000_000
ENTRY = AuditEntry(at=NOW, actor="esignet", action="document.signed", about="s1", details={"n": 1})
Audit = Callable[..., Result]


def token(key: ECKey, typ: str, claims: bytes) -> str:
    return jws.serialize_compact({"alg": "ES256", "typ": typ, "kid": "k1"}, claims, key)


async def _logged(keys: str, key: ECKey) -> None:
    database = await open_database(keys)
    spki = key.as_der(private=False)
    version: dict[str, Value] = {
        **{"kid": "k1", "ring": RING, "algorithm": "ES256", "version": 1, "ref": "gone"},
        **{"public": spki, "state": "retired", "since": NOW, "destroyed": 1},
    }
    entries = [AuditEntry(at=NOW, actor="a", action="b.c", about=f"x{n}") for n in range(20)]
    writes = [DatabaseAudit().write(entry) for entry in (*entries, ENTRY)]
    await database.submit(Write(insert_new(key_version), version), *writes)

    async def sign(text: bytes) -> bytes:
        return token(key, CHECKPOINT, checkpoint_claims(text)).encode()

    sequencer = Sequencer(database, sign, SystemClock())
    await sequencer.run_once()
    await sequencer.checkpoint(NOW)
    await database.close()


@pytest.fixture
def key() -> ECKey:
    return ECKey.generate_key("P-256")


@pytest.fixture
def keys_database(tmp_path: Path, key: ECKey) -> Path:
    migrate(f"sqlite:///{tmp_path / 'web.db'}", WEB)
    migrate(f"sqlite:///{tmp_path / 'keys.db'}", KEYSTORE)
    asyncio.run(_logged(f"sqlite:///{tmp_path / 'keys.db'}", key))
    (tmp_path / "s.toml").write_text(
        '[database]\nurl = "sqlite:///web.db"\n[keys]\ndatabase = "sqlite:///keys.db"\n'
        '[[issuers]]\naddress = "https://id.example"\n'
    )
    return tmp_path / "keys.db"


@pytest.fixture
def audit(keys_database: Path) -> Audit:
    def run(*arguments: str | Path) -> Result:
        words = ["--settings", str(keys_database.parent / "s.toml"), "audit", *map(str, arguments)]
        return CliRunner().invoke(cli, words, standalone_mode=False)

    return run


def altered(database: Path, statement: str) -> None:
    with sqlite3.connect(database) as connection:
        connection.execute(statement)
    connection.close()


def test_logs_that_nobody_touched_are_whole(audit: Audit) -> None:
    result = audit("verify")
    assert result.return_value == 0, result.output
    assert "whole  sign-ins: 0 entries" in result.output
    assert "whole  keys: 21 entries, 1 checkpoints" in result.output


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET actor = 'mallory' WHERE about = 's1'",
        "DELETE FROM audit_entry WHERE about = 's1'",
        "UPDATE audit_checkpoint SET at = at + 1",
        "UPDATE audit_checkpoint SET root = zeroblob(32)",
        "UPDATE key_version SET ring = 'issuer:https://id.example'",
    ],
)
def test_what_was_altered_is_found(audit: Audit, keys_database: Path, statement: str) -> None:
    altered(keys_database, statement)
    result = audit("verify", "--log", "keys")
    assert result.return_value == 1
    assert result.output.startswith("BROKEN keys: ")


def test_an_end_cut_off_with_its_checkpoints_is_found_by_what_was_kept(
    audit: Audit, keys_database: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "kept.json"
    kept.write_text(audit("verify", "--log", "keys", "--json").output)
    assert json.loads(kept.read_text())["size"] == 21
    assert audit("verify", "--log", "keys", "--against", kept).return_value == 0
    for table in ("audit_entry", "audit_head", "audit_checkpoint"):
        altered(keys_database, f"DELETE FROM {table}")
    assert audit("verify", "--log", "keys").return_value == 0
    result = audit("verify", "--log", "keys", "--against", kept)
    assert result.return_value == 1 and "more entries" in result.output


def test_a_promise_is_kept_and_seen_to_be(audit: Audit, key: ECKey, tmp_path: Path) -> None:
    promise, proof = tmp_path / "promise", tmp_path / "proof"
    promise.write_text(token(key, PROMISE, promise_claims(ENTRY, NOW, {})))
    proof.write_text(audit("prove", "s1").output)
    assert "entry 20 of 21: document.signed" in audit("check-proof", promise, proof).output
    other = AuditEntry(at=NOW, actor="esignet", action="document.signed", about="s2")
    promise.write_text(token(key, PROMISE, promise_claims(other, NOW, {})))
    with_lie = audit("check-proof", promise, proof)
    assert with_lie.exception is not None and "not the one" in str(with_lie.exception)
    stranger = ECKey.generate_key("P-256")
    promise.write_text(token(stranger, PROMISE, promise_claims(ENTRY, NOW, {})))
    assert "signature" in str(audit("check-proof", promise, proof).exception)
    assert "no checkpoint covers" in str(audit("prove", "s2").exception)


def test_who_holds_the_evidence_needs_no_keys_of_ours(
    audit: Audit, key: ECKey, tmp_path: Path
) -> None:
    promise, proof, keys = (tmp_path / name for name in ("promise", "proof", "keys.json"))
    promise.write_text(token(key, PROMISE, promise_claims(ENTRY, NOW, {})))
    proof.write_text(audit("prove", "s1").output)
    public = {**key.as_dict(private=False), "alg": "ES256"}
    keys.write_text(json.dumps({"keys": [public]}))
    told = audit("check-proof", promise, proof, "--keys", keys)
    assert "entry 20 of 21: document.signed" in told.output
    stranger = {**ECKey.generate_key("P-256").as_dict(private=False), "alg": "ES256"}
    keys.write_text(json.dumps({"keys": [stranger]}))
    refused = audit("check-proof", promise, proof, "--keys", keys)
    assert "signature" in str(refused.exception)
    keys.write_text("no keys")
    assert "keys.json" in str(audit("check-proof", promise, proof, "--keys", keys).exception)


def test_a_proof_that_was_altered_keeps_no_promise(
    audit: Audit, key: ECKey, tmp_path: Path
) -> None:
    promise, proof = tmp_path / "promise", tmp_path / "proof"
    promise.write_text(token(key, PROMISE, promise_claims(ENTRY, NOW, {})))
    good = json.loads(audit("prove", "s1").output)
    lies = [
        {**good, "place": 19},
        {**good, "size": 20},
        {**good, "path": good["path"][1:]},
        {**good, "path": ["zz"]},
        {**good, "checkpoint": good["checkpoint"][:-4] + "AAAA"},
        {**good, "entry": "no"},
        [],
    ]
    for lie in lies:
        proof.write_text(json.dumps(lie))
        assert audit("check-proof", promise, proof).exception is not None, lie


def test_a_copy_of_the_log_is_laid_out_as_tiles(audit: Audit, tmp_path: Path) -> None:
    result = audit("export", tmp_path / "copy")
    assert "3 files" in result.output
    hashes = (tmp_path / "copy/tile/0/000.p/21").read_bytes()
    entries = (tmp_path / "copy/tile/entries/000.p/21").read_bytes()
    assert len(hashes) == 21 * 32
    length = int.from_bytes(entries[:2], "big")
    assert json.loads(entries[2 : 2 + length])[4:6] == ["b.c", "x0"]
    assert "no checkpoint" in str(audit("export", tmp_path / "c", "--log", "sign-ins").exception)
