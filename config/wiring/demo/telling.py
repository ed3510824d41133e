"""What the demonstration tells about itself, and whether its first start came to its end."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from config.wiring.demo.plan import SAMPLES, Plan

EVERY_CLAIM, SECOND = "4965861767", "9328146388"
"""Sample residents with every standard claim: one to log in, one for backchannel requests."""

_VERSIONS = Path(__file__).parents[1] / "migrations/versions"


def is_furnished(plan: Plan) -> bool:
    """Return whether an earlier start made all that this version wants at this address."""
    made = [*plan.databases, plan.registration_file, plan.clients_file]
    if plan.tester:
        made.append(plan.families_file)
    if not all(path.exists() for path in made):
        return False
    try:
        return plan.furnished_file.read_text() == _wanted(plan)
    except OSError:
        return False


def mark_furnished(plan: Plan) -> None:
    """Keep that all was made."""
    plan.furnished_file.write_text(_wanted(plan))


def _wanted(plan: Plan) -> str:
    whole = sha256(SAMPLES.read_bytes())
    for revision in sorted(_VERSIONS.glob("*/*.py")):
        whole.update(revision.name.encode())
    return f"{plan.issuer} {plan.tester} {whole.hexdigest()}\n"


def ready(plan: Plan) -> dict[str, Any]:
    """Return what the ready file says."""
    return _basics(plan) | (_for_a_tester(plan) if plan.tester else {})


def _for_a_tester(plan: Plan) -> dict[str, Any]:
    """Return what somebody types into a conformance tester.

    ``{auth_req_id}`` and ``{action}`` (allow, deny) stand for what the tester puts in.
    """
    return {
        "conformance": json.loads(plan.families_file.read_text()),
        "tester": plan.tester,
        "approve": f"{plan.desk}/ciba?auth_req_id={{auth_req_id}}&action={{action}}",
        "rotate": f"{plan.desk}/rotate",
        "every_claim": EVERY_CLAIM,
        "second_resident": SECOND,
    }


def _basics(plan: Plan) -> dict[str, Any]:
    return {
        "issuer": plan.issuer,
        "relying_party": plan.relying_party,
        "inbox": plan.inbox,
        "operations": plan.operations,
        "esignet": plan.esignet,
        "certificate": str(plan.certificate) if plan.tls else None,
        "residents": [
            {
                "individual_id": row["national_id"],
                "phone": row.get("phone_number"),
                "email": row.get("email"),
                "pin": row.get("pin"),
                "name": row.get("name"),
            }
            for row in map(json.loads, SAMPLES.read_text().splitlines())
        ],
        "clients": json.loads(plan.clients_file.read_text()),
    }
