"""The types of authorization details that an issuer offers, found by their files (RFC 9396)."""

from config.runtime.plugins import plugins
from config.settings import Issuer
from idp.protocol.details import DetailType

_CHANGES = tuple(
    f"credential_{change}{version}"
    for change in ("creation", "deletion")
    for version in ("", "_v2")
)


def detail_types(issuer: Issuer) -> dict[str, DetailType]:
    """Return the types by the value of ``type``."""
    features = issuer.features
    signing: tuple[str, ...] = ()
    if features.signing_service:
        signing = ("credential", "credential_v2")
    if features.signing_service and features.signing_stored_keys:
        signing = (*signing, *_CHANGES)
    names = (*features.authorization_details, *signing)
    modules = plugins("idp.authorization_details", names)
    types: list[DetailType] = [module.TYPE for module in modules.values()]
    return {one.name: one for one in types}
