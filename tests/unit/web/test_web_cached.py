"""Metadata and files from memory, and the OpenAPI document."""

import gzip

import pytest

from config.runtime.web import Route
from config.runtime.web.cached import Cached
from config.runtime.web.openapi import openapi
from tests.unit.web.asking import Asked, Reply, ask, hello, web

BODY = b'{"issuer":"https://id.example"}' * 100


async def fetch(cached: Cached, *headers: tuple[str, str]) -> Reply:
    app = web([Route(path="/x", endpoints={"GET": cached.endpoint}, budget="metadata")])
    return await ask(app, Asked(path="/x", headers=headers))


async def test_metadata_says_how_long_it_lasts() -> None:
    reply = await fetch(Cached(BODY, "application/json", 300))
    assert (reply.status, reply.body) == (200, BODY)
    assert reply.header("cache-control") == "public, max-age=300"
    assert reply.header("content-type") == "application/json"
    assert reply.header("pragma") is None


@pytest.mark.spec("RFC 9110 §13.1.2")
@pytest.mark.parametrize("coding", ["gzip", "identity"])
async def test_who_has_it_is_told_so(coding: str) -> None:
    cached = Cached(BODY, "application/json", 300)
    tag = (await fetch(cached, ("accept-encoding", coding))).header("etag")
    assert tag
    for held in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        reply = await fetch(cached, ("if-none-match", held))
        assert (reply.status, reply.body) == (304, b"")
        assert reply.header("etag") and reply.header("cache-control") and reply.header("vary")
        assert reply.header("content-length") is None
    for held in ('"other"', tag.strip('"'), ""):
        assert (await fetch(cached, ("if-none-match", held))).status == 200
    other = Cached(BODY + b" ", "application/json", 300)
    assert (await fetch(other, ("if-none-match", tag))).status == 200


async def test_what_is_large_is_also_kept_compressed() -> None:
    cached = Cached(BODY, "application/json", 300)
    small, plain = await fetch(cached, ("accept-encoding", "gzip")), await fetch(cached)
    assert small.header("content-encoding") == "gzip"
    assert gzip.decompress(small.body) == BODY
    assert small.header("etag") != plain.header("etag")
    assert small.header("vary") == plain.header("vary") == "Accept-Encoding"
    tiny = await fetch(Cached(b"{}", "application/json", 300), ("accept-encoding", "gzip"))
    assert tiny.header("content-encoding") is None


async def test_what_never_changes_is_kept_for_good() -> None:
    reply = await fetch(Cached(b"a{}", "text/css; charset=utf-8", 31_536_000, immutable=True))
    assert reply.header("cache-control") == "public, max-age=31536000, immutable"
    assert reply.header("content-type") == "text/css; charset=utf-8"
    assert reply.header("content-security-policy")


def test_the_document_names_every_operation() -> None:
    routes = [
        Route(
            path="/login/{login_id}",
            endpoints={"GET": hello, "POST": hello},
            budget="login",
            operations={
                "POST": {
                    "summary": "Go on",
                    "parameters": [{"name": "x", "in": "query", "schema": {"type": "string"}}],
                    "responses": {"303": {"description": "On to the next step"}},
                }
            },
        ),
        Route(path="/jwks", endpoints={"GET": hello}, budget="metadata"),
    ]
    document = openapi(routes, "Symbolon", "0.1", {"Key": {"type": "object"}})
    assert document["openapi"] == "3.1.1"
    assert document["info"] == {"title": "Symbolon", "version": "0.1"}
    assert list(document["paths"]) == ["/jwks", "/login/{login_id}"]
    login = document["paths"]["/login/{login_id}"]
    assert set(login) == {"get", "post"}
    assert [p["name"] for p in login["post"]["parameters"]] == ["login_id", "x"]
    assert login["post"]["summary"] == "Go on"
    assert list(login["post"]["responses"]) == ["303"]
    assert login["get"]["responses"]
    identifiers = [o["operationId"] for path in document["paths"].values() for o in path.values()]
    assert len(set(identifiers)) == 3
    assert document["components"]["schemas"] == {"Key": {"type": "object"}}
