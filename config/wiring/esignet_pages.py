"""The pages of the signing service, plugged together."""

from config.runtime.pages.answers import PageAnswers
from config.runtime.pages.visitors import Visitors
from config.settings import Issuer
from config.wiring.world import World
from esignet.endpoints.page_door import BROWSER, HOME, PageDoor
from esignet.pages.room import load_pages
from idp.pages.room import ROOM as LOGIN_PAGES


def page_door(world: World, issuer: Issuer) -> PageDoor:
    """Return the way to every page, which is called what ``issuer`` is called."""
    pages = load_pages(world.settings.pages, (LOGIN_PAGES,))
    return PageDoor(
        answers=PageAnswers(pages, issuer.name, HOME),
        visitors=Visitors(pages.languages, world.entropy, BROWSER),
    )
