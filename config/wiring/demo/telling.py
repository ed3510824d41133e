"""What the demonstration tells about itself, and whether its first start came to its end."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from config.wiring.demo.plan import SAMPLES, Plan

_VERSIONS = Path(__file__).parents[1] / "migrations/versions"


def is_furnished(plan: Plan) -> bool:
    """Return whether an earlier start made all that this version wants at this address."""
    made = (*plan.databases, plan.registration_file, plan.clients_file)
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
    return f"{plan.issuer} {whole.hexdigest()}\n"


def ready(plan: Plan) -> dict[str, Any]:
    """Return what the ready file says."""
    return {
        "issuer": plan.issuer,
        "relying_party": plan.relying_party,
        "inbox": plan.inbox,
        "operations": plan.operations,
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
