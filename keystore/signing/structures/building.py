"""From any plan to what is signed: the one place that knows every builder."""

from collections.abc import Callable
from typing import Any

from keystore.signing.plans import (
    CmsPlan,
    CosePlan,
    JadesPlan,
    JwsPlan,
    ManifestPlan,
    Plan,
    RawPlan,
    XmlPlan,
)
from keystore.signing.structures import cms, cose, jades, jws, manifest, raw, xml
from keystore.signing.structures.structure import Built, Ground

_BUILDERS: dict[type, Callable[[Any, Ground], Built]] = {
    CmsPlan: cms.build,
    ManifestPlan: manifest.build,
    XmlPlan: xml.build,
    JadesPlan: jades.build,
    JwsPlan: jws.build,
    CosePlan: cose.build,
    RawPlan: raw.build,
}


def build(plan: Plan, ground: Ground) -> Built:
    """Return what is signed for ``plan``, or raise BadPlan."""
    return _BUILDERS[type(plan)](plan, ground)


def places(plan: Plan) -> tuple[int, ...]:
    """Return the places of the approved digests that ``plan`` signs."""
    match plan:
        case ManifestPlan() | JadesPlan():
            return tuple(file.digest for file in plan.files)
        case XmlPlan():
            return tuple(reference.digest for reference in plan.references)
        case _:
            return (plan.digest,)
