"""What the message that brings a request says, in each language."""

from dataclasses import dataclass

from idp.factors.texts import LONGEST_NAME, plain


@dataclass(frozen=True, slots=True)
class Wording:
    """``text`` has {client}, {minutes} and {link}; ``subject`` has {client}."""

    text: str
    subject: str


WORDINGS = {
    "en": Wording(
        "{client} asks you to sign in. Is it you? Answer within {minutes} min: {link}"
        " If you did not begin this, do not approve it.",
        "{client} asks you to sign in",
    ),
    "fr": Wording(
        "{client} vous demande de vous connecter. Est-ce vous ? Répondez dans {minutes} min :"
        " {link} Si vous n'avez rien demandé, n'acceptez pas.",
        "{client} vous demande de vous connecter",
    ),
    "es": Wording(
        "{client} le pide que inicie sesión. ¿Es usted? Responda en {minutes} min: {link}"
        " Si no lo empezó usted, no lo apruebe.",
        "{client} le pide que inicie sesión",
    ),
    "ar": Wording(
        "يطلب منك {client} تسجيل الدخول. هل هذا أنت؟ أجب خلال {minutes} دقائق: {link}"
        " إذا لم تبدأ هذا بنفسك فلا توافق عليه.",
        "يطلب منك {client} تسجيل الدخول",
    ),
    "hi": Wording(
        "{client} आपसे साइन इन करने को कहता है। क्या यह आप हैं? {minutes} मिनट में उत्तर दें: {link}"
        " अगर यह आपने शुरू नहीं किया, तो मंज़ूर न करें।",
        "{client} आपसे साइन इन करने को कहता है",
    ),
    "sw": Wording(
        "{client} inakuomba uingie. Je, ni wewe? Jibu ndani ya dakika {minutes}: {link}"
        " Kama hukuanzisha hili, usikubali.",
        "{client} inakuomba uingie",
    ),
}


def message(client: str, link: str, seconds: int, locale: str) -> str:
    """Return the text. Whatever the client sent as binding_message is shown behind the link only:
    nothing that a relying party writes travels in a message of ours.
    """
    minutes = max(1, seconds // 60)
    name = plain(client, LONGEST_NAME)
    return wording(locale).text.format(client=name, minutes=minutes, link=link)


def subject(client: str, locale: str) -> str:
    """Return the subject of an e-mail."""
    return wording(locale).subject.format(client=plain(client, LONGEST_NAME))


def wording(locale: str) -> Wording:
    """Return the words of a language, or of English."""
    return WORDINGS.get(locale.lower().partition("-")[0], WORDINGS["en"])
