"""How a resource says with which tokens it may be asked, and what was wrong with one.

RFC 9110 §11.6.1, RFC 6750 §3, RFC 9449 §7.1.
"""

from collections.abc import Iterable, Mapping

from config.runtime.web.answer import Answer

Schemes = Mapping[str, str]
"""What is taken, the usual first: the name of a scheme, and what its challenge says always."""


def challenge(
    answer: Answer, schemes: Schemes, used: str, told: Iterable[tuple[str, str]] = ()
) -> Answer:
    """Name every scheme in ``answer`` (RFC 9449 §7.2), first the one that was used.

    ``told`` are names and values that its challenge holds beside; without credentials nothing is
    said of an error (RFC 6750 §3.1). A scheme that is not taken counts as the usual one. Values
    hold no double quote and no backslash.
    """
    if used not in schemes:
        used = next(iter(schemes))
    for scheme in sorted(schemes, key=lambda one: one != used):
        fields = [schemes[scheme]] if schemes[scheme] else []
        if scheme == used:
            fields += [f'{name}="{value}"' for name, value in told]
        text = f"{scheme} {', '.join(fields)}".rstrip()
        answer.headers.append((b"www-authenticate", text.encode()))
    return answer


def tell_nonce(answer: Answer, nonce: str | None) -> None:
    """Tell the sender the nonce of its next DPoP proofs, if that is new (RFC 9449 §8.2)."""
    if nonce is not None:
        answer.headers.append((b"dpop-nonce", nonce.encode()))
