"""What each request to the child comes to: the operation behind its verb, and the answer."""

from config.runtime.clock import Clock
from keystore.backends.backend import Algorithm, Sealing
from keystore.pkcs11.ephemeral import EphemeralKeys, TooLate, Undestroyed
from keystore.pkcs11.errors import NotAllowed, NotSupported, PinRefused, Pkcs11Error, Recoverable
from keystore.pkcs11.keys import UnfitKey
from keystore.pkcs11.messages import Outcome, Reply, Request, Verb
from keystore.pkcs11.operations import NoSuchKey, Operations
from keystore.pkcs11.public import BadSignature

_MAKING = frozenset({Verb.ONE_TIME, Verb.WRAP, Verb.REWRAP})


class Work:
    """Does requests, or parts of them. Any thread may call."""

    def __init__(self, operations: Operations, ephemeral: EphemeralKeys, clock: Clock) -> None:
        self._operations = operations
        self._ephemeral = ephemeral
        self._clock = clock
        self.lost = False
        """Whether recovery in this process failed: a fresh process must take over."""

    def answer(self, request: Request) -> Reply:
        """Do what is asked, unless it is asked too late; never raise."""
        if self.lost:
            return _unavailable(request, "the token was lost")
        late = self._clock.elapsed() >= request.until
        if late and request.verb is not Verb.DISCARD:  # a key is taken back however late it is
            return _unavailable(request, "asked too late")
        try:
            texts = self._done(request)
        except Exception as failure:  # one defect must not cost a thread
            self.lost = self.lost or isinstance(failure, Recoverable | Undestroyed)
            return Reply(
                serial=request.serial,
                outcome=_outcome(request.verb, failure),
                reason=str(failure) if isinstance(failure, _TOLD) else type(failure).__name__,
            )
        return Reply(serial=request.serial, outcome=Outcome.DONE, texts=texts)

    def ended(self, request: Request, whole: Reply) -> Reply:
        """Return the answer to a request of which every part is done; a one-time key ends here."""
        if request.verb is not Verb.SIGN_ONCE:
            return whole
        try:
            self._ephemeral.destroy(request.key_id)
        except Exception as failure:
            self.lost = True  # the key ends with this process
            return _unavailable(request, f"a one-time key was not destroyed: {failure}")
        return whole

    def _done(self, request: Request) -> list[bytes | None]:
        key, operations = request.key_id, self._operations
        match request.verb:
            case Verb.SIGN:
                return [*operations.sign(key, Algorithm(request.algorithm), request.texts)]
            case Verb.MAC:
                return [*operations.mac(key, request.texts)]
            case Verb.ENCRYPT:
                return [*operations.encrypt(key, _sealings(request))]
            case Verb.DECRYPT:
                return operations.decrypt(key, _sealings(request))
            case Verb.GENERATE:
                return [*operations.generate(Algorithm(request.algorithm), key.decode("ascii"))]
            case Verb.PUBLIC_KEY:
                return [operations.public_key(key, Algorithm(request.algorithm))]
            case Verb.DESTROY:
                operations.destroy(key)
            case Verb.PROBE:
                return [operations.probe().to_bytes(4, "big")]
            case _:
                return self._passing(request)
        return []

    def _passing(self, request: Request) -> list[bytes | None]:
        key, keys, algorithm = request.key_id, self._ephemeral, request.algorithm
        match request.verb:
            case Verb.ONE_TIME:
                return [*keys.make(key, Algorithm(algorithm), request.until)]
            case Verb.SIGN_ONCE:
                return [*keys.sign(key, Algorithm(algorithm), request.texts)]
            case Verb.WRAP:
                return [*keys.wrap_new(key, Algorithm(algorithm))]
            case Verb.REWRAP:
                [under] = request.texts
                return [keys.rewrap(key, request.blob, Algorithm(algorithm), under)]
            case Verb.SIGN_WRAPPED:
                return [*keys.sign_wrapped(key, request.blob, Algorithm(algorithm), request.texts)]
            case Verb.SIGN_WRAPPED_DIGESTS:
                return [*keys.sign_wrapped_digests(key, request.blob, request.texts)]
            case Verb.DISCARD:
                keys.destroy(key)
        return []


_TOLD = (NoSuchKey, UnfitKey, BadSignature, Pkcs11Error, TooLate, Undestroyed)
"""Failures whose text says what is wrong and names no secret."""


def _outcome(verb: Verb, failure: Exception) -> Outcome:
    match failure:
        case BadSignature():
            return Outcome.BAD_SIGNATURE
        case PinRefused():
            return Outcome.PIN_REFUSED
        case NotSupported():
            return Outcome.UNSUPPORTED
        case UnfitKey() | NotAllowed() if verb in _MAKING:
            return Outcome.UNSUPPORTED
        case NoSuchKey() | UnfitKey():
            return Outcome.UNKNOWN_KEY
    return Outcome.UNAVAILABLE


def _unavailable(request: Request, reason: str) -> Reply:
    return Reply(serial=request.serial, outcome=Outcome.UNAVAILABLE, reason=reason)


def _sealings(request: Request) -> list[Sealing]:
    pairs = zip(request.texts, request.bound_to, strict=True)
    return [Sealing(text, bound_to) for text, bound_to in pairs]
