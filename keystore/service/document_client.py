"""What may be asked about documents, over the socket of a role: idp activates, esignet signs."""

from collections.abc import Callable, Sequence
from pathlib import Path

from keystore.credentials.door import (
    CredentialApproval,
    Credentials,
    EveryActivation,
    StoredCredential,
)
from keystore.door import NotPermitted
from keystore.service import credential_frames
from keystore.service import document_frames as frames
from keystore.service.client import expect
from keystore.service.connection import Connection
from keystore.service.frames import BadFrame, Octets, Reply, Request
from keystore.signing.door import (
    MOST_ARCHIVED,
    Approval,
    Attested,
    AuthorityShown,
    Beside,
    Documents,
    EvidenceFile,
    Imprint,
    Signed,
    SigningOrder,
)

DEADLINE = 10.0
"""Seconds within which documents are signed: a batch makes keys, certificates and signatures."""


class DocumentClient(EveryActivation, Documents, Credentials):
    """The socket at ``path``. A request that signs is never repeated by itself."""

    def __init__(self, path: Path, deadline: float = DEADLINE) -> None:
        self._connection = Connection(path, deadline, lambda: None)

    async def activate(self, approval: Approval) -> str:
        reply = await self._ask(lambda n: frames.Activate(n, approval))
        return expect(reply, Octets).value.decode()

    async def sign_documents(self, order: SigningOrder) -> list[Signed]:
        return list((await self.sign_attested(order, Beside.NOTHING)).signed)

    async def sign_attested(self, order: SigningOrder, beside: Beside) -> Attested:
        def request(number: int) -> Request:
            return frames.SignDocuments(
                number,
                order.activation,
                order.hash_algorithm,
                list(order.digests),
                list(order.plans),
                order.one_key,
                beside,
            )

        reply = expect(await self._ask(request, repeats=0), frames.DocumentsSigned)
        signed = [_signed(one) for one in reply.signed]
        return Attested(signed, reply.timestamps, reply.statuses)

    async def seal_documents(self, order: SigningOrder) -> list[Signed]:
        asked = (order.activation, order.hash_algorithm, list(order.digests), list(order.plans))
        reply = await self._ask(lambda n: frames.SealDocuments(n, *asked), repeats=0)
        return [_signed(one) for one in expect(reply, frames.DocumentsSigned).signed]

    async def timestamps(
        self, imprints: Sequence[Imprint], *, archive: bool = False
    ) -> list[bytes]:
        tokens: list[bytes] = []
        most = MOST_ARCHIVED if archive else max(1, len(imprints))
        for begin in range(0, len(imprints), most):
            tokens += await self._stamped(imprints[begin : begin + most], archive)
        return tokens

    async def _stamped(self, imprints: Sequence[Imprint], archive: bool) -> list[bytes]:
        asked = [(one.hash_algorithm, one.digest) for one in imprints]
        reply = await self._ask(lambda n: frames.Stamp(n, asked, archive))
        return expect(reply, frames.Many).values

    async def timestamp_response(self, request: bytes) -> bytes:
        return expect(await self._ask(lambda n: frames.StampRequest(n, request)), Octets).value

    async def statuses(self, certificates: Sequence[bytes]) -> list[bytes]:
        asked = list(certificates)
        return expect(await self._ask(lambda n: frames.Statuses(n, asked)), frames.Many).values

    async def status_response(self, request: bytes) -> bytes:
        return expect(await self._ask(lambda n: frames.StatusRequest(n, request)), Octets).value

    async def authority(self) -> AuthorityShown:
        reply = expect(await self._ask(frames.ShowAuthority), frames.AuthorityIs)
        return AuthorityShown(
            tuple(reply.chains),
            tuple(reply.crls),
            tuple(reply.older),
            reply.audit_keys,
            reply.archiver,
        )

    async def proof(self, about: str) -> bytes | None:
        reply = await self._ask(lambda n: frames.Prove(n, about))
        return expect(reply, Octets).value or None

    async def seal_evidence(self, files: Sequence[EvidenceFile]) -> Signed:
        asked = [(one.name, one.media_type, one.digest) for one in files]
        reply = await self._ask(lambda n: frames.SealEvidence(n, asked))
        [one] = expect(reply, frames.DocumentsSigned).signed
        return _signed(one)

    async def activate_credential(self, approval: CredentialApproval) -> str:
        reply = await self._ask(lambda n: credential_frames.ActivateCredential(n, approval))
        return expect(reply, Octets).value.decode()

    async def create_credential(self, activation: str) -> StoredCredential:
        def request(number: int) -> Request:
            return credential_frames.CreateCredential(number, activation)

        reply = await self._ask(request, repeats=0)
        [made] = expect(reply, credential_frames.CredentialsAre).found
        return made

    async def delete_credential(self, activation: str) -> None:
        def request(number: int) -> Request:
            return credential_frames.DeleteCredential(number, activation)

        expect(await self._ask(request, repeats=0), Octets)

    async def credentials(self, client_id: str, known_as: str) -> list[StoredCredential]:
        def request(number: int) -> Request:
            return credential_frames.ListCredentials(number, client_id, known_as)

        return expect(await self._ask(request), credential_frames.CredentialsAre).found

    async def close(self) -> None:
        """Hang up."""
        await self._connection.close()

    async def _ask(self, request: Callable[[int], Request], repeats: int = 1) -> Reply:
        try:
            return await self._connection.ask(request, repeats=repeats)
        except BadFrame as reason:
            raise NotPermitted("longer than a frame") from reason


def _signed(one: frames.OneSigned) -> Signed:
    return Signed(
        parts=one.parts,
        value=one.value,
        alg=one.alg,
        certificate=one.certificate,
        chain=one.chain,
        signed_at=one.signed_at,
        promise=one.promise,
    )
