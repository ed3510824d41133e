// Node 18, which Debian 12 has, keeps these to itself; the clients look for them as globals.
import { webcrypto } from 'node:crypto';

globalThis.crypto ??= webcrypto;
globalThis.CryptoKey ??= webcrypto.CryptoKey;
