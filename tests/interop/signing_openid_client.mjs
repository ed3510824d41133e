// FAPI 2.0 Message Signing with openid-client: a signed request, pushed, and a signed answer.
import './webcrypto.mjs';
import { createInterface } from 'node:readline/promises';
import * as oidc from 'openid-client';

const { issuer, registered, mode } = JSON.parse(process.argv[2]);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const jwk = registered.jwks.keys[0];
const algorithm = { name: 'ECDSA', namedCurve: jwk.crv };
const key = await crypto.subtle.importKey('jwk', jwk, algorithm, false, ['sign']);

const config = await oidc.discovery(
  new URL(issuer),
  registered.client_id,
  undefined,
  oidc.PrivateKeyJwt({ key, kid: jwk.kid }),
  { execute: [oidc.allowInsecureRequests, oidc.useJwtResponseMode] },
);
const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256'));
const verifier = oidc.randomPKCECodeVerifier();
const state = oidc.randomState();
const nonce = oidc.randomNonce();
const asked = {
  redirect_uri: registered.redirect_uris[0],
  scope: 'openid profile',
  response_mode: mode,
  code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  state,
  nonce,
};
let unsigned = null;
try {
  await oidc.buildAuthorizationUrlWithPAR(config, asked, { DPoP });
} catch (refusal) {
  unsigned = refusal.error;
}
const signed = await oidc.buildAuthorizationUrlWithJAR(config, asked, { key, kid: jwk.kid });
const authorize = await oidc.buildAuthorizationUrlWithPAR(
  config, { request: signed.searchParams.get('request') }, { DPoP },
);
console.log(authorize.href);
const callback = new URL((await lines.next()).value);
const returned = [...callback.searchParams.keys()];
const tokens = await oidc.authorizationCodeGrant(
  config,
  callback,
  {
    pkceCodeVerifier: verifier,
    expectedState: state,
    expectedNonce: nonce,
    idTokenExpected: true,
  },
  undefined,
  { DPoP },
);
const userinfo = await oidc.fetchUserInfo(
  config, tokens.access_token, tokens.claims().sub, { DPoP },
);
console.log(JSON.stringify({ userinfo, unsigned, returned }));
process.exit(0);
