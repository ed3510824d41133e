"""The answer to a client on its way there, and what people recognise of its address."""

from urllib.parse import urlsplit

from config.runtime.pages.answers import PageAnswers
from config.runtime.web import Answer, redirect
from idp.endpoints.guests import Guest
from idp.protocol.authorization import Reply


def replied(answers: PageAnswers, reply: Reply, guest: Guest, client_name: str) -> Answer:
    """Send the browser to the client with its answer, in the response mode asked for."""
    if reply.mode != "form_post":
        return redirect(reply.location if reply.fields else reply.uri)
    # OAuth 2.0 Form Post Response Mode 1.0 §2
    content = {"client": client_name, "uri": reply.uri, "fields": reply.fields}
    return answers.page("form_post", answers.setting(guest, answers.home), content, (reply.uri,))


def address_of(uri: str) -> str:
    """Return what of a client's address people can recognise: its host, or an app's scheme."""
    parts = urlsplit(uri)
    return parts.netloc if parts.scheme in ("http", "https") else parts.scheme
