"""What the key service promises about its audit log, and the proof that the promise was kept.

A promise goes out with each signature: a JWS (``typ``: ``audit-promise+jwt``) by the audit key over
the hash of the entry. After the next checkpoint a proof shows the entry, its place, the path to the
root (RFC 9162 §2.1.3) and the checkpoint, which is a JWS by the same key. Who holds both needs
nobody's word: ``check_proof`` is pure.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256

import msgspec
from sqlalchemy import bindparam, select

from config.runtime.audit.inclusion import Inclusion, NotIncluded, check
from config.runtime.audit.records import AuditEntry, checkpoints, entries, leaf_row
from config.runtime.audit.tiles import prove
from config.runtime.audit.tree import Checkpoint, leaf_hash
from config.runtime.database.unit import Database, Statement
from keystore.jose import base64url, reader
from keystore.jose.jwk import JwkSet
from keystore.jose.reader import BadToken, Rules

RING = "audit"
"""The ring of the key that signs promises and checkpoints."""

PROMISE = "audit-promise+jwt"
CHECKPOINT = "audit-checkpoint+jwt"
WITHIN = 180
"""Seconds after which the log must hold what was promised: a checkpoint is made each minute."""

LONGEST_PROOF = 64 * 1024

_ENTRY = Statement(
    select(entries)
    .where(entries.c.about == bindparam("about"), entries.c.place.is_not(None))
    .order_by(entries.c.place)
    .limit(1)
)
_COVERING = Statement(
    select(checkpoints)
    .where(checkpoints.c.size > bindparam("place"))
    .order_by(checkpoints.c.size)
    .limit(1)
)


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown. ``entry`` is number, at, actor, action, about and details; hashes are hex."""

    entry: tuple[int, int, str, str, str, str]
    place: int
    size: int
    path: tuple[str, ...]
    checkpoint: str


class _Promise(msgspec.Struct, kw_only=True):
    entry: str
    about: str
    by: int


class _Checkpoint(msgspec.Struct):
    checkpoint: str


_PROOFS = msgspec.json.Decoder(Proof)


def promise_claims(entry: AuditEntry, now: int, approval: Mapping[str, object]) -> bytes:
    """Return the claims of the promise that the log will hold ``entry`` 180 s from ``now``.

    ``approval`` is what the key service knows of whose word it signed on: evidence for later.
    """
    content = base64url.encode(entry.content()).decode()
    claims = {"entry": content, "about": entry.about, "iat": now, "by": now + WITHIN}
    return msgspec.json.encode({**claims, "approval": approval})


def checkpoint_claims(text: bytes) -> bytes:
    """Return the claims of the token that signs a checkpoint's ``signed_text``."""
    return msgspec.json.encode({"checkpoint": text.decode()})


async def proof_of(database: Database, about: str) -> bytes | None:
    """Return the proof about the first entry with this ``about`` in JSON.

    None: no checkpoint covers it yet, or there is no such entry.
    """
    row = await database.row(_ENTRY, about=about)
    if row is None:
        return None
    covering = await database.row(_COVERING, place=row["place"])
    if covering is None:
        return None
    inclusion = await prove(database, row["place"], covering["size"])
    return msgspec.json.encode(
        {
            "entry": leaf_row(row),
            "place": inclusion.place,
            "size": inclusion.size,
            "path": [one.hex() for one in inclusion.path],
            "checkpoint": bytes(covering["signature"]).decode(),
        }
    )


def check_checkpoint(text: bytes, token: str, keys: JwkSet) -> None:
    """Return if one of ``keys`` signed the checkpoint whose text this is, or raise BadToken."""
    said = _claims(token, CHECKPOINT, keys)
    if not isinstance(said, dict) or said.get("checkpoint") != text.decode():
        raise BadToken("the checkpoint's signature is about something else")


def check_proof(promise: str, proof: bytes, keys: JwkSet) -> Proof:
    """Return the proof if it keeps ``promise``, or raise NotIncluded with what does not fit.

    ``keys`` are the audit keys that the reader trusts, those of the past included.
    """
    try:
        promised = msgspec.convert(_claims(promise, PROMISE, keys), _Promise)
        if len(proof) > LONGEST_PROOF:
            raise NotIncluded("the proof is too long")
        shown = _PROOFS.decode(proof)
        path = tuple(bytes.fromhex(one) for one in shown.path)
        said = msgspec.convert(_claims(shown.checkpoint, CHECKPOINT, keys), _Checkpoint)
    except BadToken as reason:
        raise NotIncluded(f"a signature does not fit: {reason}") from None
    except (msgspec.DecodeError, ValueError) as reason:
        raise NotIncluded(f"the proof cannot be read: {reason}") from None
    _, at, *texts = shown.entry
    if base64url.encode(sha256(msgspec.json.encode((at, *texts))).digest()).decode() != (
        promised.entry
    ):
        raise NotIncluded("the entry is not the one that was promised")
    root = _root(said.checkpoint, shown.size)
    check(leaf_hash(shown.place, shown.entry), Inclusion(shown.place, shown.size, path), root)
    return shown


def _claims(token: str, typ: str, keys: JwkSet) -> object:
    parsed = reader.parse(token)
    algs = frozenset(alg for key in keys.keys for alg in key.algs)
    return reader.verify(parsed, keys, Rules(algs=algs, typs=frozenset([typ]))).claims


def _root(text: str, size: int) -> bytes:
    """Return the root that the checkpoint of ``size`` promises."""
    lines: Sequence[str] = text.split("\n")
    try:
        found = Checkpoint(size=int(lines[1]), root=bytes.fromhex(lines[2]), at=int(lines[3]))
    except (IndexError, ValueError):
        raise NotIncluded("the checkpoint cannot be read") from None
    if found.signed_text().decode() != text or found.size != size:
        raise NotIncluded("the checkpoint is about another size")
    return found.root
