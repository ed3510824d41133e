"""The binding on a real token, in this process: algorithms, attributes, threads and recovery."""

import ctypes
import hmac
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

from config.runtime.entropy import SystemEntropy
from keystore.backends.backend import SIGNING, Algorithm, Sealing
from keystore.pkcs11 import constants as ck
from keystore.pkcs11.errors import NotAllowed, PinRefused, Pkcs11Error, TokenGone
from keystore.pkcs11.keys import UnfitKey, audit, make_in_session, unwrapped
from keystore.pkcs11.library import ForkedProcess, Library
from keystore.pkcs11.operations import NoSuchKey, Operations
from keystore.pkcs11.pin import PinSource
from keystore.pkcs11.public import BadSignature
from keystore.pkcs11.session import Session
from keystore.pkcs11.structures import Mechanism
from keystore.pkcs11.token import Token
from keystore.pkcs11.uri import Pkcs11Uri
from tests.softhsm import SoftHsm, start_softhsm

pytestmark = pytest.mark.server
SHA256 = hashes.SHA256()
ON_TOKENS = sorted(SIGNING - {Algorithm.ML_DSA_65})
ADDRESS = Pkcs11Uri(token=b"symbolon")


@dataclass(slots=True)
class Bench:
    """A token opened in this process, whose module's functions a test may disturb."""

    hsm: SoftHsm
    library: Library
    token: Token
    operations: Operations
    calls: dict[str, int] = field(default_factory=dict)
    failures: dict[str, list[int]] = field(default_factory=dict)

    def key(self, algorithm: Algorithm) -> bytes:
        return self.operations.generate(algorithm, f"test {algorithm}")[0]

    def raw(self, name: str) -> Callable[..., int]:
        """Return a function of the module that the binding itself never calls."""
        return getattr(ctypes.CDLL(self.hsm.module), name)

    def watch(self, name: str) -> None:
        """Count the calls of a function, and let it return what ``failures`` says first."""
        real = getattr(self.library.functions, name)

        def watched(*arguments: Any) -> int:
            self.calls[name] = self.calls.get(name, 0) + 1
            due = self.failures.get(name)
            return due.pop(0) if due else real(*arguments)

        self.library.functions = replace(self.library.functions, **{name: watched})


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    hsm = start_softhsm(tmp_path / "hsm")
    monkeypatch.setenv("SOFTHSM2_CONF", str(hsm.configuration))
    library = Library(hsm.module)
    entropy = SystemEntropy()
    token = Token(library, ADDRESS, PinSource(file=str(hsm.pin_file)), entropy)
    made = Bench(hsm, library, token, Operations(token, entropy, verified=SIGNING))
    for name in ("C_SignInit", "C_Sign", "C_Login", "C_FindObjectsInit", "C_OpenSession"):
        made.watch(name)
    token.open()
    yield made
    library.finalize()


def verify(algorithm: Algorithm, spki: bytes, signature: bytes, message: bytes) -> None:
    """Verify as a relying party would, with nothing of ours."""
    key = serialization.load_der_public_key(spki)
    if isinstance(key, ec.EllipticCurvePublicKey):
        assert len(signature) == 64
        r, s = (int.from_bytes(part, "big") for part in (signature[:32], signature[32:]))
        key.verify(utils.encode_dss_signature(r, s), message, ec.ECDSA(SHA256))
    elif isinstance(key, ed25519.Ed25519PublicKey):
        key.verify(signature, message)
    else:
        assert isinstance(key, rsa.RSAPublicKey)
        pss = padding.PSS(mgf=padding.MGF1(SHA256), salt_length=32)
        scheme = pss if algorithm is Algorithm.PS256 else padding.PKCS1v15()
        key.verify(signature, message, scheme, SHA256)


@pytest.mark.spec("RFC 7518 §3.1")
@pytest.mark.parametrize("algorithm", ON_TOKENS)
def test_others_verify_what_the_token_signs(bench: Bench, algorithm: Algorithm) -> None:
    key_id, spki = bench.operations.generate(algorithm, "signing")
    messages = [b"", b"header.claims", bytes(range(256)) * 40]
    for message, signature in zip(
        messages, bench.operations.sign(key_id, algorithm, messages), strict=True
    ):
        verify(algorithm, spki, signature, message)
    assert bench.operations.public_key(key_id, algorithm) == spki


def test_a_mac_is_hmac_of_a_key_that_nobody_knows(bench: Bench) -> None:
    key_id = bench.key(Algorithm.HMAC)
    first, second = bench.operations.mac(key_id, [b"a", b"b"])
    assert len(first) == 32
    assert not hmac.compare_digest(first, second)
    assert bench.operations.mac(key_id, [b"a"]) == [first]


def test_sealed_texts_open_only_unaltered_and_where_they_belong(bench: Bench) -> None:
    key_id = bench.key(Algorithm.AES)
    texts = [Sealing(b"", b""), Sealing(b"secret", b"row 1"), Sealing(b"x" * 8192, b"row 2")]
    sealed = bench.operations.encrypt(key_id, texts)
    assert [len(text) for text in sealed] == [28, 34, 8220]
    pairs = zip(sealed, texts, strict=True)
    opened = bench.operations.decrypt(key_id, [Sealing(s, text.bound_to) for s, text in pairs])
    assert opened == [text.text for text in texts]
    altered = sealed[1][:-1] + bytes((sealed[1][-1] ^ 1,))
    wrong = [Sealing(sealed[1], b"row 2"), Sealing(altered, b"row 1"), Sealing(b"short", b"")]
    assert bench.operations.decrypt(key_id, wrong) == [None, None, None]


def test_the_same_text_never_looks_the_same(bench: Bench) -> None:
    key_id = bench.key(Algorithm.AES)
    assert len(set(bench.operations.encrypt(key_id, [Sealing(b"same", b"")] * 50))) == 50


@pytest.mark.parametrize("algorithm", sorted(set(Algorithm) - {Algorithm.ML_DSA_65}))
def test_no_key_leaves_the_token_or_does_a_second_thing(bench: Bench, algorithm: Algorithm) -> None:
    key_id = bench.key(algorithm)

    def attributes(session: Session) -> dict[int, bytes | None]:
        found = session.find({ck.CKA_ID: key_id, ck.CKA_PRIVATE: True})
        kinds = [
            ck.CKA_TOKEN, ck.CKA_SENSITIVE, ck.CKA_EXTRACTABLE, ck.CKA_NEVER_EXTRACTABLE,
            ck.CKA_SIGN, ck.CKA_DECRYPT, ck.CKA_UNWRAP, ck.CKA_WRAP, ck.CKA_DERIVE,
            0x11,  # CKA_VALUE
            0x123,  # CKA_PRIVATE_EXPONENT
        ]  # fmt: skip
        return dict(zip(kinds, session.read(found[0], kinds), strict=True))

    has = bench.token.use(attributes)
    assert has[ck.CKA_TOKEN] == has[ck.CKA_SENSITIVE] == has[ck.CKA_NEVER_EXTRACTABLE] == b"\x01"
    assert has[ck.CKA_EXTRACTABLE] == b"\x00"
    assert has[0x11] is None
    assert has[0x123] is None
    cipher = algorithm in (Algorithm.AES, Algorithm.KWP)
    assert has[ck.CKA_SIGN] == (b"\x00" if cipher else b"\x01")
    assert has[ck.CKA_DECRYPT] == (b"\x01" if algorithm is Algorithm.AES else b"\x00")
    wraps = algorithm is Algorithm.KWP
    for usage in (ck.CKA_UNWRAP, ck.CKA_WRAP):
        assert has[usage] == b"\x01" if wraps else has[usage] in (b"\x00", None)
    assert has[ck.CKA_DERIVE] in (b"\x00", None)


def test_a_signing_key_refuses_to_decrypt(bench: Bench) -> None:
    key_id = bench.key(Algorithm.RS256)

    def decrypt(session: Session) -> bytes:
        (handle,) = session.find({ck.CKA_ID: key_id, ck.CKA_CLASS: ck.CKO_PRIVATE_KEY})
        return session.decrypt(Mechanism(ck.CKM_RSA_PKCS), handle, b"\x01" * 256)

    with pytest.raises(NotAllowed):
        bench.token.use(decrypt)


def test_a_key_serves_one_algorithm_for_its_whole_life(bench: Bench) -> None:
    key_id = bench.key(Algorithm.RS256)
    with pytest.raises(NoSuchKey):
        bench.operations.sign(key_id, Algorithm.PS256, [b"text"])
    with pytest.raises(NoSuchKey):
        bench.operations.public_key(key_id, Algorithm.PS256)


def test_a_key_that_could_leave_the_token_is_not_used(bench: Bench) -> None:
    key_id = b"\x51" + b"exported"
    weak = {
        ck.CKA_TOKEN: True, ck.CKA_ID: key_id, ck.CKA_SIGN: True, ck.CKA_SENSITIVE: False,
        ck.CKA_EXTRACTABLE: True, ck.CKA_VALUE_LEN: 32,
    }  # fmt: skip
    bench.token.use(
        lambda session: session.generate_key(Mechanism(ck.CKM_GENERIC_SECRET_KEY_GEN), weak),
        writing=True,
    )
    with pytest.raises(UnfitKey):
        bench.operations.mac(key_id, [b"text"])


def test_a_key_that_came_from_outside_is_not_used(bench: Bench) -> None:
    kek = bench.key(Algorithm.KWP)

    def bring_in(session: Session) -> None:
        wrapping = bench.operations.key(session, kek, Algorithm.KWP).handle
        _, private = make_in_session(session, Algorithm.ES256, extractable=True)
        mechanism = Mechanism(ck.CKM_AES_KEY_WRAP_PAD)
        wrapped = session.wrap(mechanism, wrapping, private)
        brought = session.unwrap(mechanism, wrapping, wrapped, unwrapped(Algorithm.ES256))
        audit(session, brought, Algorithm.ES256)

    with pytest.raises(UnfitKey):
        bench.token.use(bring_in)


def test_a_destroyed_key_is_gone(bench: Bench) -> None:
    key_id = bench.key(Algorithm.ES256)
    bench.operations.sign(key_id, Algorithm.ES256, [b"text"])
    bench.operations.destroy(key_id)
    bench.operations.destroy(key_id)
    with pytest.raises(NoSuchKey):
        bench.operations.sign(key_id, Algorithm.ES256, [b"text"])


def test_eight_threads_make_no_bad_signature_and_no_error(bench: Bench) -> None:
    key_id, spki = bench.operations.generate(Algorithm.ES256, "busy")
    seen: list[BaseException] = []

    def work(name: int) -> None:
        try:
            for turn in range(0, 1000, 10):
                messages = [b"%d %d" % (name, turn + index) for index in range(10)]
                made = bench.operations.sign(key_id, Algorithm.ES256, messages)
                verify(Algorithm.ES256, spki, made[0], messages[0])
        except BaseException as failure:
            seen.append(failure)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == []


def test_a_key_is_looked_up_once(bench: Bench) -> None:
    key_id = bench.key(Algorithm.ES256)
    bench.operations.sign(key_id, Algorithm.ES256, [b"text"])
    before = bench.calls["C_FindObjectsInit"]
    for _ in range(20):
        bench.operations.sign(key_id, Algorithm.ES256, [b"text"])
    assert bench.calls["C_FindObjectsInit"] == before


def test_all_sessions_closed_behind_our_back_are_opened_and_logged_in_again(bench: Bench) -> None:
    key_id = bench.key(Algorithm.ES256)
    (slot,) = [token.slot for token in bench.library.tokens() if token.label == b"symbolon"]
    assert bench.raw("C_CloseAllSessions")(ctypes.c_ulong(slot)) == 0
    assert len(bench.operations.sign(key_id, Algorithm.ES256, [b"text"])) == 1


def test_a_logout_behind_our_back_is_mended(bench: Bench) -> None:
    key_id = bench.key(Algorithm.ES256)
    bench.operations.sign(key_id, Algorithm.ES256, [b"text"])
    session = bench.library.open_session(bench.library.tokens()[0].slot)
    assert bench.raw("C_Logout")(ctypes.c_ulong(session)) == 0
    assert len(bench.operations.sign(key_id, Algorithm.ES256, [b"text"])) == 1


@pytest.mark.parametrize("code", [0x05, 0x30, 0x32, 0x60, 0x90, 0xB3, 0xE0, 0x101])
def test_one_failure_that_may_pass_is_not_seen(bench: Bench, code: int) -> None:
    key_id = bench.key(Algorithm.ES256)
    bench.failures["C_SignInit"] = [code]
    assert len(bench.operations.sign(key_id, Algorithm.ES256, [b"text"])) == 1
    bench.failures["C_SignInit"] = [code, code]
    with pytest.raises(Pkcs11Error) as raised:
        bench.operations.sign(key_id, Algorithm.ES256, [b"text"])
    assert raised.value.code == code


def test_a_token_that_is_not_seen_at_once_is_asked_again_at_start(bench: Bench) -> None:
    bench.failures["C_OpenSession"] = [0xE0, 0x05]
    bench.token.open()
    with pytest.raises(TokenGone):
        Token(
            bench.library, Pkcs11Uri(token=b"other"), PinSource(variable="NONE"), SystemEntropy()
        ).open()


@pytest.mark.parametrize("algorithm", ON_TOKENS)
def test_a_bad_signature_is_withheld(bench: Bench, algorithm: Algorithm) -> None:
    key_id = bench.key(algorithm)
    real = bench.library.functions.C_Sign

    def flipping(session: int, message: bytes, size: int, buffer: Any, length: Any) -> int:
        code = real(session, message, size, buffer, length)
        buffer[7] = bytes((buffer[7][0] ^ 0x10,))
        return code

    bench.library.functions = replace(bench.library.functions, C_Sign=flipping)
    bench.token.open()  # sessions from now on have the faulty function
    with pytest.raises(BadSignature):
        bench.operations.sign(key_id, algorithm, [b"text"])


def test_a_wrong_pin_is_tried_once_in_the_life_of_a_process(bench: Bench, tmp_path: Path) -> None:
    session = bench.library.open_session(bench.library.tokens()[0].slot)
    assert bench.raw("C_Logout")(ctypes.c_ulong(session)) == 0
    (tmp_path / "pin").write_text("4321")
    token = Token(bench.library, ADDRESS, PinSource(file=str(tmp_path / "pin")), SystemEntropy())
    before = bench.calls["C_Login"]
    for _ in range(5):
        with pytest.raises(PinRefused):
            token.open()
    assert bench.calls["C_Login"] == before + 1


@pytest.mark.parametrize("flag", [ck.CKF_USER_PIN_FINAL_TRY, ck.CKF_USER_PIN_LOCKED])
def test_a_token_about_to_lock_is_left_alone(bench: Bench, flag: int) -> None:
    (token,) = [token for token in bench.library.tokens() if token.label == b"symbolon"]
    before = bench.calls["C_Login"]
    with pytest.raises(PinRefused):
        bench.library.login(1, replace(token, flags=flag), bytearray(b"1234"))
    assert bench.calls["C_Login"] == before


def test_the_pin_is_wiped_after_use(bench: Bench) -> None:
    (token,) = [token for token in bench.library.tokens() if token.label == b"symbolon"]
    pin = bytearray(b"1234")
    bench.library.login(bench.library.open_session(token.slot), token, pin)
    assert pin == bytes(4)


def test_a_forked_child_refuses_to_use_the_module(bench: Bench) -> None:
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            bench.operations.probe()
        except ForkedProcess:
            os.write(writer, b"refused")
        os._exit(0)
    os.waitpid(pid, 0)
    assert os.read(reader, 100) == b"refused"
    os.close(reader)
    os.close(writer)
