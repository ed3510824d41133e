"""What the key service would answer to what a format prepared: our builders, a small PKI."""

from collections.abc import Sequence

from esignet.formats.format import Format, Item, Prepared, Wish
from keystore.signing.door import Signed
from keystore.signing.structures.building import build
from keystore.signing.structures.structure import Ground
from tests.small_pki import AT, Holder


def answered(prepared: Prepared, holder: Holder, *, alg: str = "", now: int = AT) -> Signed:
    """What the key service would answer, had it certified ``holder``."""
    ground = Ground(
        hash_algorithm=prepared.wish.hash_algorithm,
        digests=prepared.digests,
        certificate=holder.der,
        chain=holder.chain[:-1],
        alg=alg or holder.alg,
        now=now,
    )
    built = build(prepared.plan, ground)
    return holder.signed(built.parts, built.signed, alg)


def signed(form: Format, items: Sequence[Item], wish: Wish, holder: Holder) -> bytes:
    """A signature at B-B."""
    prepared = form.prepare(items, wish)
    return form.embed(prepared, answered(prepared, holder))
