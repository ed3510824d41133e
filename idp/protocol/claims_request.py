"""The ``claims`` request parameter (OpenID Connect Core 1.0 §5.5)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Asked:
    """How one claim was asked for (§5.5.1). ``values`` is empty when any value will serve."""

    essential: bool = False
    values: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class ClaimsRequest:
    """Claims by name, a name may carry a language tag (§5.2); unknown members are ignored."""

    userinfo: Mapping[str, Asked] = field(default_factory=dict)
    id_token: Mapping[str, Asked] = field(default_factory=dict)
