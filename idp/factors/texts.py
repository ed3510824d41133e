"""What the message with a code says, in each language; short enough for a text message.

The code comes first, so that a notification shows it; then who asks and what for. In Latin scripts
the words keep to the GSM 7-bit alphabet where the language allows, which doubles what fits.
"""

from dataclasses import dataclass
from unicodedata import category
from urllib.parse import urlsplit

GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""3GPP TS 23.038 §6.2.1: one septet each."""

GSM_EXTENDED = frozenset("\f^{}\\[~]|€")
"""3GPP TS 23.038 §6.2.1.1: two septets each."""

MOST_SEGMENTS = 3
"""Parts of one text message at most: what is not needed is left out before."""

LONGEST_NAME = 40
LONGEST_PURPOSE = 120

_UNPRINTED = frozenset(("Cc", "Cf", "Cs", "Co", "Cn"))
_JOINERS = "\u200c\u200d"  # without these, words of Indic and Arabic scripts are misspelt


@dataclass(frozen=True, slots=True)
class Wording:
    """``login`` has {code}, {client} and {minutes}; ``subject`` has {client}."""

    login: str
    subject: str


WORDINGS = {
    "en": Wording(
        "{code} is your code to sign in to {client}. It works for {minutes} min."
        " Do not tell anyone.",
        "Your code to sign in to {client}",
    ),
    "fr": Wording(
        "{code} est votre code pour vous connecter à {client}. Il est valable {minutes} min."
        " Ne le donnez à personne.",
        "Votre code pour vous connecter à {client}",
    ),
    "es": Wording(
        "{code} es su clave para entrar en {client}. Vale {minutes} min. No la diga a nadie.",
        "Su clave para entrar en {client}",
    ),
    "ar": Wording(
        "{code} هو رمزك لتسجيل الدخول إلى {client}. صالح لمدة {minutes} دقائق. لا تخبر به أحدا.",
        "رمزك لتسجيل الدخول إلى {client}",
    ),
    "hi": Wording(
        "{code} {client} में साइन इन करने का आपका कोड है। यह {minutes} मिनट तक मान्य है।"
        " इसे किसी को न बताएँ।",
        "{client} में साइन इन करने का आपका कोड",
    ),
    "sw": Wording(
        "{code} ni namba yako ya kuingia kwenye {client}. Inatumika kwa dakika {minutes}."
        " Usimwambie mtu yeyote.",
        "Namba yako ya kuingia kwenye {client}",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """What one message is about. ``seconds`` is how long the code works; ``purpose`` may be ""."""

    code: str
    client: str
    purpose: str
    seconds: int
    locale: str
    issuer: str


def subject(telling: Telling) -> str:
    """Return the subject of an e-mail, which does not tell the code."""
    return _wording(telling.locale).subject.format(client=plain(telling.client, LONGEST_NAME))


def text(telling: Telling, medium: str) -> str:
    """Return the text for ``medium`` (``sms`` or ``email``).

    A text message to an https issuer ends with the line by which a browser takes the code only on
    the issuer's own pages (Origin-bound one-time codes, WICG).
    """
    client = plain(telling.client, LONGEST_NAME)
    purpose = plain(telling.purpose, LONGEST_PURPOSE)
    issuer = urlsplit(telling.issuer)
    bound = ""
    if medium == "sms" and issuer.scheme == "https" and issuer.hostname:
        bound = f"\n\n@{issuer.hostname} #{telling.code}"
    full = _words(telling, f"{client} ({purpose})" if purpose else client) + bound
    if medium != "sms" or segments(full) <= MOST_SEGMENTS:
        return full
    return _words(telling, client) + bound


def _words(telling: Telling, client: str) -> str:
    minutes = max(1, telling.seconds // 60)
    wording = _wording(telling.locale).login
    return wording.format(code=telling.code, client=client, minutes=minutes)


def segments(message: str) -> int:
    """Return in how many parts a text message travels (3GPP TS 23.040 §9.2.3.24.1)."""
    if all(c in GSM_BASIC or c in GSM_EXTENDED for c in message):
        size, single, part = len(message) + sum(c in GSM_EXTENDED for c in message), 160, 153
    else:
        size, single, part = len(message.encode("utf-16-le")) // 2, 70, 67
    return 1 if size <= single else -(-size // part)


def plain(name: str, longest: int) -> str:
    """Return a relying party's words on one line: nothing of it can pose as a line of ours.

    Control and direction marks go, and what would begin an origin-bound line loses its sign.
    """
    spaced = (" " if c.isspace() else c for c in name)
    kept = "".join(c for c in spaced if c in _JOINERS or category(c) not in _UNPRINTED)
    line = " ".join(kept.replace("@", " ").replace("#", " ").split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "."


def _wording(locale: str) -> Wording:
    return WORDINGS.get(locale.lower().partition("-")[0], WORDINGS["en"])
