"""What we add to signatures of EU DSS: levels up to the highest, renewals, and second signers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from config.runtime.clock import SystemClock
from config.wiring.verifying import every_format
from esignet.formats.format import Evidence, Format, FormatError, Item, Level, Wish
from esignet.formats.pdf_wish import PdfWish
from tests.format_signing import answered
from tests.judges.corpus import TEXT, written
from tests.judges.signer import item
from tests.small_pki import Holder, SmallPki

LEVELS = {"b": Level.B_B, "t": Level.B_T, "lt": Level.B_LT, "lta": Level.B_LTA}


@dataclass(frozen=True)
class Theirs:
    """A signature of EU DSS in its directory."""

    directory: Path

    @property
    def signed(self) -> Path:
        """The signature."""
        [found] = self.directory.glob("signed.*")
        return found

    @property
    def form(self) -> Format:
        """What reads it."""
        base = self.directory.name.partition("-")[0]
        return every_format()[f"asic_{base}" if "-asic_" in self.directory.name else base]

    @property
    def level(self) -> Level:
        """What it is at."""
        return LEVELS[self.directory.name.rpartition("_")[2]]

    @property
    def items(self) -> list[Item]:
        """The documents beside it."""
        found = sorted((self.directory / "originals").glob("*"))
        return [item(path.name, path.read_bytes()) for path in found]

    def raised(self, pki: SmallPki, second: Holder) -> bytes:
        """It at B-LTA, once more if it was there; FormatError: it must stay as it is."""
        form, signature, items = self.form, self.signed.read_bytes(), self.items
        every = list(Level)
        for level in every[every.index(self.level) + 1 :] or [Level.B_LTA]:
            evidence = pki.material(pki.signer, second)
            if level is Level.B_T:
                evidence = Evidence(timestamp=pki.token(form.to_stamp(signature)))
            if level is Level.B_LTA:
                token = pki.token(form.to_archive(signature, items))
                evidence = Evidence(timestamp=token)
            signature = form.augment(signature, level, evidence)
        return signature

    def signed_again(self, second: Holder) -> bytes:
        """It with another signer at B-B; FormatError: there is no room for one."""
        form, signature, now = self.form, self.signed.read_bytes(), SystemClock().now()
        wish, there = Wish(envelope="parallel"), item("there", signature)
        if form.name == "pades":
            wish = Wish(pdf=PdfWish(at=now))
        if form.name == "cades":
            there = replace(TEXT, content=signature)
        prepared = form.prepare([there], wish)
        return form.embed(prepared, answered(prepared, second, now=now))


def add(made: Path, corpus: Path, pki: SmallPki) -> Iterator[str]:
    """Write what we make of each signature in ``made``; yield what could not be done, and why."""
    second = pki.holder("Ben Second")
    written(corpus / "trusted", {"ocsp/second.der": pki.ocsp(second)})
    for directory in sorted(made.iterdir()):
        theirs = Theirs(directory)
        steps: dict[str, Callable[[Holder], bytes]] = {"raised": partial(theirs.raised, pki)}
        if theirs.level is not Level.B_T and theirs.form.name != "jades":
            steps["second"] = theirs.signed_again
        for name, step in steps.items():
            try:
                signature = step(second)
            except FormatError as reason:
                yield f"{directory.name}, {name}: {reason}"
                continue
            originals = {f"originals/{one.name}": one.content or b"" for one in theirs.items}
            files = {theirs.signed.name: signature, **originals}
            written(corpus / f"{directory.name}_{name}", files)
