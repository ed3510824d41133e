// A FAPI 2.0 login with openid-client, which repeats by itself what lacks a nonce.
import './webcrypto.mjs';
import { createInterface } from 'node:readline/promises';
import * as oidc from 'openid-client';

const { issuer, registered, alg } = JSON.parse(process.argv[2]);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
let refusals = 0;

async function authentication() {
  if (registered.token_endpoint_auth_method === 'none') return oidc.None();
  const jwk = registered.jwks.keys[0];
  const algorithm = { name: 'ECDSA', namedCurve: jwk.crv };
  const key = await crypto.subtle.importKey('jwk', jwk, algorithm, false, ['sign']);
  return oidc.PrivateKeyJwt({ key, kid: jwk.kid });
}

const config = await oidc.discovery(
  new URL(issuer),
  registered.client_id,
  undefined,
  await authentication(),
  { execute: [oidc.allowInsecureRequests] },
);
config[oidc.customFetch] = async (url, options) => {
  const answer = await fetch(url, options);
  if (answer.status >= 400) refusals += 1;
  return answer;
};
const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair(alg));
const verifier = oidc.randomPKCECodeVerifier();
const state = oidc.randomState();
const nonce = oidc.randomNonce();
const authorize = await oidc.buildAuthorizationUrlWithPAR(
  config,
  {
    redirect_uri: registered.redirect_uris[0],
    scope: 'openid profile offline_access',
    prompt: 'consent',
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
  },
  { DPoP },
);
console.log(authorize.href);
const callback = new URL((await lines.next()).value);
const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce };
const thief = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair(alg));
let stolen = null;
try {
  await oidc.authorizationCodeGrant(config, callback, checks, undefined, { DPoP: thief });
} catch (refusal) {
  stolen = refusal.error;
}
const tokens = await oidc.authorizationCodeGrant(config, callback, checks, undefined, { DPoP });
const refreshed = await oidc.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP });
const userinfo = await oidc.fetchUserInfo(
  config, refreshed.access_token, tokens.claims().sub, { DPoP },
);
const bare = await fetch(config.serverMetadata().userinfo_endpoint, {
  headers: { authorization: `Bearer ${refreshed.access_token}` },
});
console.log(JSON.stringify({
  token_types: [tokens.token_type, refreshed.token_type],
  rotated: tokens.refresh_token !== refreshed.refresh_token,
  name: userinfo.name,
  jkt: await DPoP.calculateThumbprint(),
  access_token: refreshed.access_token,
  bare: bare.status,
  stolen,
  refusals,
}));
process.exit(0);
