"""What the keys of one token do, in the terms of the backend port."""

from dataclasses import dataclass

from config.runtime.entropy import Entropy
from keystore.backends.backend import SIGNING, Algorithm, Sealing
from keystore.pkcs11 import constants as ck
from keystore.pkcs11.errors import Altered, ModuleFault, Pkcs11Error
from keystore.pkcs11.keys import ID_LENGTH, audit, make, new_id, object_class, serves
from keystore.pkcs11.public import (
    PublicKey,
    Verification,
    digest_verification,
    read_public,
    spki,
    verification,
)
from keystore.pkcs11.session import Session
from keystore.pkcs11.signing import signatures
from keystore.pkcs11.structures import GcmParameters, Mechanism
from keystore.pkcs11.token import Token

_NONCE, _TAG = 12, 16
_MOST_COUNTED = 1024
_HMAC = Mechanism(ck.CKM_SHA256_HMAC)


class NoSuchKey(Exception):
    """The token holds no fit key with this CKA_ID for this algorithm."""


@dataclass(frozen=True, slots=True)
class Found:
    """A key on the token. ``prove`` is None where its signatures are released unproved."""

    handle: int
    generation: int
    prove: Verification | None


class Operations:
    """Uses keys by their CKA_ID. Any thread may call; handles are remembered until the token is
    opened again."""

    def __init__(self, token: Token, entropy: Entropy, *, verified: frozenset[Algorithm]) -> None:
        """``verified``: the algorithms whose signatures are proved before they are released."""
        self._token = token
        self._entropy = entropy
        self._verified = verified
        self._found: dict[tuple[bytes, Algorithm], Found] = {}

    def generate(self, algorithm: Algorithm, label: str) -> tuple[bytes, bytes]:
        """Make a key; return its CKA_ID and its SubjectPublicKeyInfo (empty for a secret key)."""
        key_id = new_id(algorithm, self._entropy.bytes(ID_LENGTH))
        self._token.use(
            lambda session: make(session, algorithm, key_id, label.encode("ascii")), writing=True
        )
        return key_id, self.public_key(key_id, algorithm) if algorithm in SIGNING else b""

    def public_key(self, key_id: bytes, algorithm: Algorithm) -> bytes:
        """Return the SubjectPublicKeyInfo in DER. Raises NoSuchKey."""

        def read(session: Session) -> bytes:
            self.key(session, key_id, algorithm)
            return spki(_public(session, key_id, algorithm))

        if algorithm not in SIGNING:
            raise NoSuchKey("a secret key has no public part")
        return self._token.use(read)

    def sign(self, key_id: bytes, algorithm: Algorithm, messages: list[bytes]) -> list[bytes]:
        """Return a proved signature per message. Raises NoSuchKey, BadSignature, Pkcs11Error."""

        def sign(session: Session) -> list[bytes]:
            key = self.key(session, key_id, algorithm)
            return signatures(session, key.handle, algorithm, key.prove, messages)

        return self._token.use(sign)

    def mac(self, key_id: bytes, messages: list[bytes]) -> list[bytes]:
        """Return HMAC-SHA-256 of each message. Raises NoSuchKey, Pkcs11Error."""

        def mac(session: Session) -> list[bytes]:
            key = self.key(session, key_id, Algorithm.HMAC)
            return [session.sign(_HMAC, key.handle, message) for message in messages]

        return self._token.use(mac)

    def encrypt(self, key_id: bytes, texts: list[Sealing]) -> list[bytes]:
        """Return nonce || ciphertext || tag of each text. Raises NoSuchKey, Pkcs11Error."""

        def encrypt(session: Session) -> list[bytes]:
            key = self.key(session, key_id, Algorithm.AES)
            return [self._sealed(session, key.handle, text) for text in texts]

        return self._token.use(encrypt)

    def decrypt(self, key_id: bytes, texts: list[Sealing]) -> list[bytes | None]:
        """Return each plaintext, None for an altered one. Raises NoSuchKey, Pkcs11Error."""

        def decrypt(session: Session) -> list[bytes | None]:
            key = self.key(session, key_id, Algorithm.AES)
            return [self._opened(session, key.handle, text) for text in texts]

        return self._token.use(decrypt)

    def destroy(self, key_id: bytes) -> None:
        """Destroy every object with this CKA_ID; none is no error."""

        def destroy(session: Session) -> None:
            for handle in session.find({ck.CKA_ID: key_id, ck.CKA_TOKEN: True}, most=8):
                session.destroy(handle)

        self._token.use(destroy, writing=True)
        for name in [name for name in self._found if name[0] == key_id]:
            self._found.pop(name, None)

    def probe(self) -> int:
        """Return how many private keys sessions hold, or raise Pkcs11Error if the token is gone."""

        def search(session: Session) -> int:
            self._token.find()  # a module may go on searching a token that was removed
            wanted = {ck.CKA_CLASS: ck.CKO_PRIVATE_KEY, ck.CKA_TOKEN: False}
            return len(session.find(wanted, most=_MOST_COUNTED))

        return self._token.use(search)

    def proof(self, key: PublicKey, algorithm: Algorithm) -> Verification | None:
        """Return the proof of signatures by ``key``, None if they are released unproved."""
        return verification(key, algorithm) if algorithm in self._verified else None

    def digest_proof(self, key: PublicKey) -> Verification | None:
        """Return the same for ES256 signatures of digests. Raises ValueError for other keys."""
        prove = digest_verification(key)
        return prove if Algorithm.ES256 in self._verified else None

    def key(self, session: Session, key_id: bytes, algorithm: Algorithm) -> Found:
        """Return the key with this CKA_ID, audited. Raises NoSuchKey, UnfitKey, Pkcs11Error."""
        known = self._found.get((key_id, algorithm))
        if known is not None and known.generation == session.generation:
            return known
        if not serves(key_id, algorithm):
            raise NoSuchKey("the key was made for another algorithm")
        handles = session.find({ck.CKA_CLASS: object_class(algorithm), ck.CKA_ID: key_id})
        if len(handles) != 1:
            if known is not None:  # it was here a moment ago: the token is not itself
                raise ModuleFault(0x60, "C_FindObjects lost a key:")
            raise NoSuchKey("no such key on the token")
        audit(session, handles[0], algorithm)
        prove = None
        if algorithm in self._verified:
            prove = self.proof(_public(session, key_id, algorithm), algorithm)
        found = Found(handles[0], session.generation, prove)
        self._found[key_id, algorithm] = found
        return found

    def _sealed(self, session: Session, key: int, text: Sealing) -> bytes:
        nonce = self._entropy.bytes(_NONCE)
        return nonce + session.encrypt(_gcm(nonce, text.bound_to), key, text.text)

    def _opened(self, session: Session, key: int, text: Sealing) -> bytes | None:
        nonce, ciphertext = text.text[:_NONCE], text.text[_NONCE:]
        if len(ciphertext) < _TAG:
            return None
        try:
            return session.decrypt(_gcm(nonce, text.bound_to), key, ciphertext)
        except Altered:
            return None
        except Pkcs11Error:
            if not self._still_opens(session, key):
                raise
            return None

    def _still_opens(self, session: Session, key: int) -> bool:
        """Tell an altered text from a failing token where the module says the same of both."""
        proof = Sealing(b"proof", b"")
        sealed = self._sealed(session, key, proof)
        mechanism = _gcm(sealed[:_NONCE], b"")
        return session.decrypt(mechanism, key, sealed[_NONCE:]) == proof.text


def _public(session: Session, key_id: bytes, algorithm: Algorithm) -> PublicKey:
    key = read_public(session, key_id, algorithm)
    if key is None:
        raise NoSuchKey("the token lacks the public key")
    return key


def _gcm(nonce: bytes, bound_to: bytes) -> Mechanism:
    parameters = GcmParameters(nonce, len(nonce), len(nonce) * 8, bound_to, len(bound_to), 128)
    return Mechanism(ck.CKM_AES_GCM, parameters)
