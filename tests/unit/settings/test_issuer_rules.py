"""Where the signing service asks the issuer: in the operator's own networks, and nowhere else."""

import pytest

from config.runtime.destinations import NotAllowed, destination, judge
from config.settings import Issuer, Settings
from config.wiring.production import issuer_rules

SETTINGS = Settings(
    issuers=(Issuer(address="https://id.example"), Issuer(address="https://id.example:8443/b"))
)


@pytest.mark.parametrize("address", ["10.20.1.10", "172.16.0.9", "192.168.4.4", "fd00::7"])
def test_an_issuer_may_lie_in_a_network_of_the_operators(address: str) -> None:
    rules = issuer_rules(SETTINGS)
    for url in ("https://id.example/par", "https://id.example:8443/b/token"):
        assert judge([address], destination(url, rules), rules) == address


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "::1", "fe80::1", "0.0.0.0"])
def test_it_does_not_lie_on_this_machine_or_beside_it(address: str) -> None:
    rules = issuer_rules(SETTINGS)
    with pytest.raises(NotAllowed):
        judge([address], destination("https://id.example/par", rules), rules)


@pytest.mark.parametrize("url", ["http://id.example/par", "https://id.example:5432/par"])
def test_it_is_asked_over_https_at_its_own_ports(url: str) -> None:
    with pytest.raises(NotAllowed):
        destination(url, issuer_rules(SETTINGS))
