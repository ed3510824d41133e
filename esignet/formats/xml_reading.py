"""XML from outside: parsed with nothing fetched and nothing expanded, and canonicalised."""

import re
from binascii import a2b_base64
from collections.abc import Sequence
from copy import deepcopy
from typing import Any
from urllib.parse import unquote

from lxml import etree

from esignet.formats.format import FormatError
from keystore.signing.structures.xml import DS, EXCLUSIVE, XADES

LARGEST = 64 * 1024 * 1024
"""Octets of one document."""

MOST = 50
"""Signatures of one document: each is judged over all of it."""

FILTER = "http://www.w3.org/2002/06/xmldsig-filter2"
"""XPath Filter 2.0, as an algorithm and as a namespace."""

NAMES = {
    "ds": DS,
    "xades": XADES,
    "v141": "http://uri.etsi.org/01903/v1.4.1#",
    "filter": FILTER,
}

INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
INCLUSIVE_11 = "http://www.w3.org/2006/12/xml-c14n11"
_PREFIX_LIST = f"{{{EXCLUSIVE}}}InclusiveNamespaces"
_IDS = ("Id", "ID", "id", "{http://www.w3.org/XML/1998/namespace}id")
_XML_SPACE = "{http://www.w3.org/XML/1998/namespace}"

_WITH_ID = etree.XPath(
    "//*[@Id=$wanted or @ID=$wanted or @id=$wanted or @xml:id=$wanted]",
    namespaces={"xml": _XML_SPACE[1:-1]},
)

Element = Any
"""An element of lxml, which has no types."""

Tree = Any
"""A whole document of lxml."""


def parse(octets: bytes) -> Tree:
    """Return the document, or raise FormatError: malformed, too large, or with a DTD."""
    if len(octets) > LARGEST:
        raise FormatError("the XML document is too large")
    if b"<!DOCTYPE" in octets:
        raise FormatError("XML with a document type is refused: it may change what is read")
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        strip_cdata=False,
        collect_ids=False,
        huge_tree=False,
    )
    try:
        tree = etree.fromstring(octets, parser).getroottree()
    except (etree.XMLSyntaxError, ValueError, LookupError) as fault:
        raise FormatError("this is no XML document that can be read") from fault
    if tree.docinfo.internalDTD is not None or tree.docinfo.doctype:
        raise FormatError("XML with a document type is refused: it may change what is read")
    return tree


def written(tree: Tree) -> bytes:
    """Return the document in UTF-8."""
    return bytes(etree.tostring(tree, xml_declaration=True, encoding="UTF-8"))


def fragment(text: str) -> Element:
    """Return the element that we wrote as ``text``."""
    return parse(text.encode()).getroot()


def canonical(node: Element | Tree, method: Element | str = EXCLUSIVE) -> bytes:
    """Return the canonical octets of a document or element, without comments.

    ``method`` is an algorithm, or the element that names one (XMLDSIG §4.4.1). FormatError: it is
    none that is accepted.
    """
    algorithm = method if isinstance(method, str) else method.get("Algorithm", "")
    prefixes: Sequence[str] = []
    if not isinstance(method, str):
        for child in method:
            if algorithm != EXCLUSIVE or child.tag != _PREFIX_LIST:
                raise FormatError("a canonicalisation has parameters that are not accepted")
            prefixes = child.get("PrefixList", "").split()
    if algorithm not in (EXCLUSIVE, INCLUSIVE, INCLUSIVE_11) or "#default" in prefixes:
        raise FormatError("a canonicalisation is not accepted")
    exclusive = algorithm == EXCLUSIVE
    if not hasattr(node, "getroot") and (prefixes or not exclusive):
        node = _in_scope(node, inherits=not exclusive)
    try:
        octets = etree.tostring(
            node,
            method="c14n",
            exclusive=exclusive,
            with_comments=False,
            inclusive_ns_prefixes=list(prefixes) or None,
        )
    except (etree.LxmlError, ValueError) as fault:  # a namespace that is no absolute address
        raise FormatError("the document has no canonical form") from fault
    return bytes(octets)


def all_below(node: Element, path: str) -> list[Element]:
    """Return the elements at ``path``, whose steps have the prefixes of NAMES."""
    return list(node.findall(path, NAMES))


def only(node: Element, path: str) -> Element:
    """Return the one element at ``path``, or raise FormatError."""
    found = all_below(node, path)
    if len(found) != 1:
        raise FormatError(f"there is not exactly one {path.rpartition(':')[2]}")
    return found[0]


def maybe(node: Element, path: str) -> Element | None:
    """Return the one element at ``path`` or None; FormatError: there are several."""
    return only(node, path) if all_below(node, path) else None


def text_of(node: Element) -> str:
    """Return the text of an element that has nothing else; a comment inside is refused."""
    if len(node):
        raise FormatError("something stands in an element that holds text alone")
    return node.text or ""


def base64_of(node: Element) -> bytes:
    """Return the octets of an element that holds base64; spaces and line ends do not count."""
    text = re.sub(r"[ \t\r\n]", "", text_of(node))
    try:
        return a2b_base64(text, strict_mode=True)
    except ValueError as fault:
        raise FormatError("an element holds no base64") from fault


def id_of(node: Element) -> str:
    """Return the element's identifier, empty where it has none."""
    return next((node.get(name) for name in _IDS if node.get(name)), "")


def with_id(tree: Tree, identifier: str) -> Element:
    """Return the one element with this identifier; FormatError: none, or several."""
    found = _WITH_ID(tree, wanted=identifier)
    if len(found) != 1:
        raise FormatError("a reference points at nothing, or at several elements")
    return found[0]


def signatures(tree: Tree) -> list[Element]:
    """Return the ds:Signature elements that do not lie in another one; FormatError: too many."""
    found = [
        node
        for node in tree.iter(f"{{{DS}}}Signature")
        if not any(above.tag == node.tag for above in node.iterancestors())
    ]
    if len(found) > MOST:
        raise FormatError("the document has too many signatures")
    return found


def without(tree: Tree, places: Sequence[Element]) -> Tree:
    """Return a copy of the document without these elements; text around them stays."""
    paths = [tree.getelementpath(place) for place in places]
    copy = deepcopy(tree)
    for node in [copy.find(path) for path in paths]:
        _take_out(node)
    return copy


def file_name(uri: str) -> str:
    """Return the file that a relative reference names."""
    return unquote(uri)


def _take_out(node: Element) -> None:
    parent, before, tail = node.getparent(), node.getprevious(), node.tail or ""
    if parent is None:
        raise FormatError("a signature cannot be taken out of itself")
    if before is not None:
        before.tail = (before.tail or "") + tail
    else:
        parent.text = (parent.text or "") + tail
    node.tail = None
    parent.remove(node)


def _in_scope(node: Element, *, inherits: bool) -> Element:
    """Return a copy that declares every namespace in scope, as lxml's own copy does not."""
    copy = etree.Element(node.tag, nsmap=node.nsmap)
    if inherits:
        for above in reversed([*node.iterancestors()]):
            copy.attrib.update({k: v for k, v in above.attrib.items() if k.startswith(_XML_SPACE)})
    copy.attrib.update(node.attrib)
    copy.text = node.text
    copy.extend(deepcopy(child) for child in node)
    return copy
