"""Have EU DSS and veraPDF judge what we sign, and keep some of what EU DSS signs.

``python -m tests.judges`` needs Java 17, Maven and, the first time, Maven's central repository. It
prints what the page `docs/reference/judges.md` holds, and ends with 1 if anybody disagrees with us.
``python -m tests.judges vectors`` makes the signatures in ``tests/vectors/dss`` anew.
"""

import asyncio
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.judges.corpus import make
from tests.judges.foreign import give, is_kept
from tests.judges.mutual import add
from tests.small_pki import SmallPki

PLACE = Path(__file__).parent
VECTORS = PLACE.parent / "vectors" / "dss"
_RUNGS = (
    *("unsigned", "B-B", "B-T", "B-LT", "B-LTA", "B-LTA_renewed"),
    *("B-LTA_then_B-B", "B-LTA_then_B-LTA", "seal_B-LTA"),
)
YEARS = 1100
"""Days after which the responder's certificate has expired, and an archive time-stamp tells."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a judge said of a signature, or of a PDF/A."""

    name: str
    kind: str
    verdict: str
    reason: str
    stamps: str
    errors: str
    warnings: str

    @property
    def is_passed(self) -> bool:
        """Whether it is believed, with every time-stamp."""
        right, _, every = self.stamps.partition("/")
        return self.verdict == "TOTAL_PASSED" and right == every

    @property
    def shape(self) -> str:
        """Its format and the way it stands in its document."""
        return self.name.partition("_")[0]

    @property
    def rung(self) -> str:
        """Its level, and what was done after it."""
        return self.name.partition("_")[2]


def judged(corpus: Path, days: int = 0) -> list[Verdict]:
    """What the judges say so many days from now."""
    told = _java("Judge", str(corpus), str(days))
    return [Verdict(*line.split("\t")) for line in told.splitlines() if line.count("\t") == 6]


def main() -> int:
    """Make a corpus, have it judged now and in years, and print what came of it."""
    with tempfile.TemporaryDirectory() as place:
        asyncio.run(make(Path(place)))
        today, later = judged(Path(place)), judged(Path(place), YEARS)
    with tempfile.TemporaryDirectory() as place:
        mutual, undone = _mutual(Path(place))
    disagreeing = [*_disagreeing(today), *(one for one in later if _lasts(one) != one.is_passed)]
    disagreeing += [one for one in mutual if not one.is_passed]
    print("\n".join([*table(today, later), ""]))
    for one in disagreeing:
        print(f"{one.name}: {one.kind} {one.verdict} {one.reason} {one.stamps} {one.errors}")
    print("\n".join([*undone, ""]))
    print(f"{len(today)} of ours, {len(mutual)} of EU DSS to which we added something:")
    print(f"{len(disagreeing)} judged otherwise than we say")
    return 1 if disagreeing or not (today and mutual) else 0


def _mutual(place: Path) -> tuple[list[Verdict], list[str]]:
    """What EU DSS says of its signatures with what we added, and what we could not add."""
    pki = SmallPki()
    made = _made(place, pki)
    shutil.copytree(place / "given" / "trusted", place / "corpus" / "trusted")
    undone = list(add(made, place / "corpus", pki))
    return judged(place / "corpus"), undone


def _made(place: Path, pki: SmallPki) -> Path:
    """Have EU DSS sign; return where its signatures are."""
    give(place / "given", pki)
    _java("Maker", str(place / "given"), str(place / "made"))
    return place / "made"


def vectors() -> int:
    """Have EU DSS sign, and keep what the tests judge ever after."""
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        made = _made(place, SmallPki())
        shutil.rmtree(VECTORS, ignore_errors=True)
        for one in sorted(made.iterdir()):
            if is_kept(one.name):
                shutil.copytree(one, VECTORS / one.name)
        shutil.copyfile(place / "given" / "trusted" / "root.der", VECTORS / "root.der")
    return 0


def table(today: Sequence[Verdict], later: Sequence[Verdict]) -> Iterator[str]:
    """Yield a table in Markdown: what each shape was judged to be at each level, now and later."""
    rungs = sorted({one.rung for one in today}, key=_RUNGS.index)
    yield f"| | {' | '.join(rung.replace('_', ' ') for rung in rungs)} |"
    yield f"|---{'|---' * len(rungs)}|"
    for shape in dict.fromkeys(one.shape for one in today):
        cells = [_cell(shape, rung, today, later) for rung in rungs]
        yield f"| `{shape}` | {' | '.join(cells)} |"


def _cell(shape: str, rung: str, today: Sequence[Verdict], later: Sequence[Verdict]) -> str:
    here = [one for one in today if (one.shape, one.rung) == (shape, rung)]
    if not here:
        return ""
    then = [one.is_passed for one in later if (one.shape, one.rung) == (shape, rung)]
    passed = "yes" if all(one.is_passed for one in here) else "**no**"
    return passed + (", in years too" if then and all(then) else "")


def _disagreeing(today: Sequence[Verdict]) -> Iterator[Verdict]:
    """Yield what is not believed, or is found at another level than the one that was asked for."""
    for one in today:
        level = one.kind.rpartition("BASELINE-")[2]
        if not one.is_passed or ("BASELINE" in one.kind and f"B-{level}" not in one.name):
            yield one


def _lasts(one: Verdict) -> bool:
    """Whether it has an archive time-stamp, and so is believed when other certificates expired."""
    return one.kind.endswith("-LTA")


def _java(program: str, *arguments: str) -> str:
    command = ["mvn", "-q", "-B", "-Dstyle.color=never", "-f", str(PLACE / "pom.xml")]
    command += ["compile", "exec:java"]
    command += [f"-Dexec.mainClass={program}", f"-Dexec.args={' '.join(arguments)}"]
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if run.returncode:
        sys.exit(f"Maven ended with {run.returncode}:\n{run.stdout[-2000:]}")
    return run.stdout.replace("\x1b[0m", "")  # Maven writes it whatever it is told


if __name__ == "__main__":
    sys.exit(vectors() if sys.argv[1:] == ["vectors"] else main())
