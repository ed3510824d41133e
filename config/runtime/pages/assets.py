"""The files that pages refer to, from memory."""

from dataclasses import dataclass

from config.runtime.pages.look import Asset, Look
from config.runtime.web import Answer, Call, Endpoint, Route, bytes_answer


@dataclass(frozen=True, slots=True)
class Assets:
    """``/assets/...``: a name changes with the content, so browsers keep them for good."""

    look: Look

    def routes(self) -> list[Route]:
        """Return one route per file, on every origin."""
        return [
            Route(
                path=f"/assets/{asset.name}",
                endpoints={"GET": _serve(asset)},
                budget="logins",
            )
            for asset in self.look.assets
        ]


def _serve(asset: Asset) -> Endpoint:
    async def serve(call: Call) -> Answer:
        answer = bytes_answer(asset.body, asset.content_type, no_store=False)
        answer.compressible = True
        answer.headers.append((b"cache-control", b"public, max-age=31536000, immutable"))
        return answer

    return serve
