"""Opening a PDF strictly, and refusing what could show something else than what is signed."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import SEEK_END
from typing import Any, BinaryIO

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

from esignet.formats.format import FormatError
from esignet.formats.pdf_reader import FrugalReader

_END = 4096
MOST_PAGES = 5_000
DEEPEST = 100
"""Nodes of the tree of pages that are looked through upwards."""

MOST_ACTIONS = 200_000
"""Annotations, fields and bookmarks that are looked through for actions."""

_ACTIVE = {
    "/JavaScript": "JavaScript",
    "/Launch": "an action that starts a program",
    "/ImportData": "an action that imports form data",
    "/SubmitForm": "an action that sends form data",
    "/Rendition": "an action that plays media",
    "/RichMediaExecute": "an action that plays media",
    "/GoToE": "an action that opens an embedded file",
    "/SetOCGState": "an action that changes which layers are shown",
    "/Hide": "an action that hides what is shown",
}


@contextmanager
def readable() -> Iterator[None]:
    """Raise FormatError for a PDF that is damaged, wherever that is found."""
    try:
        yield
    except FormatError:
        raise
    except (RecursionError, MemoryError) as fault:
        raise FormatError("the PDF is too large or too deep to be read") from fault
    except Exception as fault:  # the library raises nearly every kind of error over foreign octets
        raise FormatError(f"the PDF is damaged: {fault}"[:300]) from fault


def opened(stream: BinaryIO) -> PdfFileReader:
    """Return a reader of a PDF that may be signed, or raise FormatError saying why not."""
    with readable():
        stream.seek(0)
        if not stream.read(8).startswith(b"%PDF-"):
            raise FormatError("this is no PDF")
        ended(stream)
        reader = FrugalReader(stream, strict=True)
        if reader.security_handler is not None:
            raise FormatError("the PDF is encrypted; save it without a password and send that")
        if reader.xrefs.hybrid_xrefs_present:
            raise FormatError("the PDF has hybrid references, which readers may read differently")
        _judge(reader.root)
    return reader


def ended(stream: BinaryIO) -> None:
    """Raise FormatError unless the PDF has its end (ISO 32000-2 §7.5.5), with a little after it.

    The library would look for it octet by octet up to the start.
    """
    length = stream.seek(0, SEEK_END)
    stream.seek(max(0, length - _END))
    if b"startxref" not in stream.read(_END):
        raise FormatError("the PDF is damaged: it has no end")


def plain(value: Any) -> Any:
    """Return what an indirect reference leads to, and everything else as it is."""
    return value.get_object() if isinstance(value, generic.IndirectObject) else value


def at(holder: Any, key: str, default: Any = None) -> Any:
    """Return what a dictionary holds under ``key``, through any reference."""
    found = plain(holder.get(key))
    return default if found is None or isinstance(found, generic.NullObject) else found


def inherited(page: Any, key: str) -> Any:
    """Return what a page, or the nearest node above it, holds under ``key`` (§7.7.3.4)."""
    for _ in range(DEEPEST):
        found = at(page, key)
        page = at(page, "/Parent")
        if found is not None or page is None:
            return found
    return None


def _judge(root: Any) -> None:
    form = at(root, "/AcroForm", {})
    if "/XFA" in form or at(root, "/NeedsRendering", False):
        raise FormatError("the PDF is an XFA form, which is drawn anew whenever it is opened")
    _layers(at(root, "/OCProperties", {}))
    if "/JavaScript" in at(root, "/Names", {}):
        raise FormatError("the PDF contains JavaScript")
    _actions(root, "/OpenAction")
    left = MOST_ACTIONS
    for one in (*_pages(root), *_tree(at(form, "/Fields", []), "/Kids"), *_outline(root)):
        _actions(one, "/A")
        left -= 1
        for annotation in at(one, "/Annots", ()) if at(one, "/Type") == "/Page" else ():
            _actions(plain(annotation), "/A")
            left -= 1
        if left < 0:
            raise FormatError("the PDF has too many annotations, fields and bookmarks")


def _layers(properties: Any) -> None:
    shown = at(properties, "/D", {})
    hidden = at(shown, "/OFF", []) or at(shown, "/BaseState", "/ON") != "/ON"
    if hidden or at(shown, "/AS", []) or at(properties, "/Configs", []):
        raise FormatError("the PDF has layers that are hidden or shown at times")


def _actions(holder: Any, name: str) -> None:
    """Refuse active content in an action, in those that follow it, and in triggered ones."""
    found = [at(holder, name), *at(holder, "/AA", {}).values()]
    left = 1_000
    while found:
        action = found.pop()
        action = plain(action)
        left -= 1
        if isinstance(action, list):
            found += action
        if not isinstance(action, dict):
            continue
        kind = str(at(action, "/S", ""))
        if kind in _ACTIVE or left < 0:
            raise FormatError(f"the PDF contains {_ACTIVE.get(kind, 'too many actions')}")
        found.append(at(action, "/Next"))


def _pages(root: Any) -> Iterator[Any]:
    count = 0
    for page in _tree([root["/Pages"]], "/Kids"):
        if at(page, "/Type") == "/Page":
            count += 1
        if count > MOST_PAGES:
            raise FormatError(f"the PDF has more than {MOST_PAGES} pages")
        yield page


def _tree(roots: Any, below: str) -> Iterator[Any]:
    """Yield every node of a tree once; a loop in it is damage."""
    waiting, seen = [plain(one) for one in roots], 0
    while waiting:
        node = waiting.pop()
        seen += 1
        if seen > MOST_ACTIONS:
            raise FormatError("the PDF has a tree that is too large, or a loop")
        yield node
        waiting += [plain(one) for one in at(node, below, ())]


def _outline(root: Any) -> Iterator[Any]:
    first = at(at(root, "/Outlines", {}), "/First")
    waiting, seen = [first], 0
    while waiting:
        node = waiting.pop()
        if node is None:
            continue
        seen += 1
        if seen > MOST_ACTIONS:
            raise FormatError("the PDF has too many bookmarks, or a loop of them")
        yield node
        waiting += [at(node, "/First"), at(node, "/Next")]
