"""An operator takes a certificate back, over the operator's socket and nobody else's."""

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509 import ocsp
from sqlalchemy import select

from config.runtime.audit.records import entries
from config.runtime.database.connect import OpenDatabase
from config.runtime.database.unit import Statement
from keystore.authority.revoking import Reason
from keystore.door import NotPermitted
from keystore.purposes import Role
from keystore.service.client import KeyOperator
from keystore.service.run import socket_path
from keystore.signing.digests import HashAlgorithm
from keystore.signing.door import SigningOrder
from keystore.signing.plans import CmsPlan
from tests.keyrings import software_backend
from tests.signing_house import approval, signing_house

pytestmark = pytest.mark.server


async def test_what_an_operator_revokes_every_answer_and_list_says(
    database: OpenDatabase, tmp_path: Path
) -> None:
    digest = HashAlgorithm.SHA256.of(b"a contract")
    async with signing_house(software_backend(tmp_path), database, tmp_path) as house:
        operator = KeyOperator(socket_path(tmp_path, Role.OPERATOR))
        [signed] = await house.esignet.sign_documents(
            SigningOrder(
                activation=await house.idp.activate(approval(digest)),
                hash_algorithm=HashAlgorithm.SHA256,
                digests=[digest],
                plans=[CmsPlan(digest=0)],
            )
        )
        before = await house.esignet.authority()
        serial = f"{x509.load_der_x509_certificate(signed.certificate).serial_number:032X}"
        await operator.revoke_certificate(serial, Reason.KEY_COMPROMISE)
        [answer] = await house.esignet.statuses([signed.certificate])
        read = ocsp.load_der_ocsp_response(answer)
        assert read.certificate_status is ocsp.OCSPCertStatus.REVOKED
        assert read.revocation_reason is x509.ReasonFlags.key_compromise
        listed = x509.load_der_x509_crl((await house.esignet.authority()).crls[0])
        assert listed.get_revoked_certificate_by_serial_number(int(serial, 16)) is not None
        assert listed != x509.load_der_x509_crl(before.crls[0])
        with pytest.raises(NotPermitted, match="no certificate"):  # once is for good
            await operator.revoke_certificate(serial, Reason.SUPERSEDED)
        await operator.close()
    rows = await database.rows(
        Statement(select(entries).where(entries.c.action == "certificate.revoked"))
    )
    assert [row["about"] for row in rows] == [serial.lower().lstrip("0")]


@pytest.mark.parametrize("serial", ["", "0", "xyz", "a" * 41, "12'; --", "abc"])
async def test_what_was_never_given_out_cannot_be_revoked(
    database: OpenDatabase, tmp_path: Path, serial: str
) -> None:
    async with signing_house(software_backend(tmp_path), database, tmp_path):
        operator = KeyOperator(socket_path(tmp_path, Role.OPERATOR))
        with pytest.raises(NotPermitted):
            await operator.revoke_certificate(serial, Reason.UNSPECIFIED)
        await operator.close()


@pytest.mark.parametrize("role", [Role.ESIGNET, Role.IDP, Role.WORKER])
async def test_nobody_but_an_operator_revokes(
    database: OpenDatabase, tmp_path: Path, role: Role
) -> None:
    async with signing_house(software_backend(tmp_path), database, tmp_path):
        other = KeyOperator(socket_path(tmp_path, role))
        with pytest.raises(NotPermitted, match="may not"):
            await other.revoke_certificate("abc", Reason.UNSPECIFIED)
        await other.close()
