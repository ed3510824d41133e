"""What every page of ours holds, whichever product shows it."""

import gzip
import re

from config.runtime.pages.look import Look


def weight(html: str, look: Look) -> int:
    """Octets on the wire: the page and everything that it refers to."""
    referred = re.findall(r'(?:src|href)="(/assets/[^"]+)"', html)
    assert len(referred) + 1 <= 4, "requests"
    bodies = {asset.name: asset.body for asset in look.assets}
    packed = sum(len(gzip.compress(bodies[path.removeprefix("/assets/")])) for path in referred)
    return len(gzip.compress(html.encode())) + packed


def judge_structure(html: str) -> None:
    """One heading; ids are there once; every field has a label, every description its text."""
    assert html.count("<h1") == 1 and "<title>" in html
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    labels = set(re.findall(r'<label for="([^"]+)"', html))
    for field in re.findall(r"<input[^>]*>", html):
        if 'type="hidden"' not in field:
            found = re.search(r'\bid="([^"]+)"', field)
            assert found is not None and found[1] in labels, field
    for described in re.findall(r'aria-(?:describedby|labelledby)="([^"]+)"', html):
        assert set(described.split()) <= set(ids), described
    for image in re.findall(r"<img[^>]*>", html):
        assert " alt=" in image, image
