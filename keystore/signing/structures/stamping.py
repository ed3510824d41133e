"""What a time-stamp of a signature covers, in each format, written from the signature's value.

So the key service can stamp what it signed at once. Whoever puts both into a document reads back
there what is covered, and refuses a stamp over anything else.
"""

from base64 import b64encode

import cbor2

from keystore.der.cms import signature_octets
from keystore.jose import base64url
from keystore.signing.door import Signed
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
from keystore.signing.structures.xml import DS, value_id


def covered(plan: Plan, signed: Signed) -> bytes | None:
    """Return the octets, None where nothing of this plan can carry a time-stamp.

    Sources: ETSI EN 319 122-1 §5.3, EN 319 132-1 §5.3 (the element in its exclusive canonical
    form), TS 119 182-1 §5.3.4, RFC 9921 §3.1.
    """
    match plan:
        case CmsPlan() | ManifestPlan():
            return signature_octets(signed.alg, signed.value)
        case XmlPlan():
            value = b64encode(signed.value).decode()
            opened = f'<ds:SignatureValue xmlns:ds="{DS}" Id="{value_id(plan.id)}">'
            return f"{opened}{value}</ds:SignatureValue>".encode()
        case JadesPlan():
            return base64url.encode(signed.value)
        case CosePlan():
            return cbor2.dumps(signed.value, canonical=True)
        case JwsPlan() | RawPlan():
            return None
