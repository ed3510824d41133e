"""Whether an order is what an activation is for: its digests, its plans, and what they say."""

from keystore.door import NotPermitted
from keystore.signing.activation import Activation
from keystore.signing.door import NotActivated, SigningOrder
from keystore.signing.plans import RawPlan, commitment_of
from keystore.signing.structures.building import places


def check_plans(order: SigningOrder, approved: Activation) -> None:
    """Raise NotPermitted unless every plan signs approved digests, none of them twice.

    Raises NotActivated where hashes were approved and documents are to be signed, or the other way
    round, and for a commitment that is not the approved one.
    """
    named = [place for plan in order.plans for place in places(plan)]
    if not named or len(set(named)) != len(named):
        raise NotPermitted("every approved digest is signed once at most")
    if not all(0 <= place < len(order.digests) for place in named):
        raise NotPermitted("a plan names a digest that was not approved")
    if any(isinstance(plan, RawPlan) is not approved.raw for plan in order.plans):
        raise NotActivated("a digest of a document is not signed as it is, and no other built upon")
    if any(commitment_of(plan) != approved.commitment for plan in order.plans):
        raise NotActivated("the signature commits to something else than was approved")
