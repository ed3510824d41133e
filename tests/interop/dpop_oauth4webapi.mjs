// A FAPI 2.0 login with oauth4webapi: pushed request, DPoP with server nonces, refresh, userinfo.
import './webcrypto.mjs';
import { createInterface } from 'node:readline/promises';
import * as oauth from 'oauth4webapi';

const { issuer, registered, alg } = JSON.parse(process.argv[2]);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const insecure = { [oauth.allowInsecureRequests]: true };
const client = { client_id: registered.client_id };
const redirectUri = registered.redirect_uris[0];
let refusals = 0;

async function authentication() {
  if (registered.token_endpoint_auth_method === 'none') return oauth.None();
  const jwk = registered.jwks.keys[0];
  const algorithm = { name: 'ECDSA', namedCurve: jwk.crv };
  const key = await crypto.subtle.importKey('jwk', jwk, algorithm, false, ['sign']);
  return oauth.PrivateKeyJwt({ key, kid: jwk.kid });
}

// Sends a request, and once more when the server asks for a nonce.
async function twice(send, read) {
  try {
    return await read(await send());
  } catch (refusal) {
    if (!oauth.isDPoPNonceError(refusal)) throw refusal;
    refusals += 1;
    return read(await send());
  }
}

const address = new URL(issuer);
const discovered = await oauth.discoveryRequest(address, { algorithm: 'oidc', ...insecure });
const as = await oauth.processDiscoveryResponse(address, discovered);
const DPoP = oauth.DPoP(client, await oauth.generateKeyPair(alg));
const proving = { DPoP, ...insecure };
const verifier = oauth.generateRandomCodeVerifier();
const state = oauth.generateRandomState();
const asked = {
  redirect_uri: redirectUri,
  response_type: 'code',
  response_mode: 'query',
  scope: 'openid profile offline_access',
  prompt: 'consent',
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  state,
};
const pushed = await twice(
  async () => oauth.pushedAuthorizationRequest(as, client, await authentication(), asked, proving),
  (answer) => oauth.processPushedAuthorizationResponse(as, client, answer),
);
const authorize = new URL(as.authorization_endpoint);
authorize.searchParams.set('client_id', client.client_id);
authorize.searchParams.set('request_uri', pushed.request_uri);
console.log(authorize.href);
const callback = new URL((await lines.next()).value);
const parameters = oauth.validateAuthResponse(as, client, callback, state);
async function redeemed(options) {
  return oauth.authorizationCodeGrantRequest(
    as, client, await authentication(), parameters, redirectUri, verifier, options,
  );
}
// Another key cannot have the code: it was bound when the request was pushed.
const thief = { DPoP: oauth.DPoP(client, await oauth.generateKeyPair(alg)), ...insecure };
let stolen = null;
try {
  await twice(
    () => redeemed(thief),
    (answer) => oauth.processAuthorizationCodeResponse(as, client, answer),
  );
} catch (refusal) {
  stolen = refusal.error;
}
const tokens = await twice(
  () => redeemed(proving),
  (answer) => oauth.processAuthorizationCodeResponse(as, client, answer, { requireIdToken: true }),
);
const refreshed = await twice(
  async () => oauth.refreshTokenGrantRequest(
    as, client, await authentication(), tokens.refresh_token, proving,
  ),
  (answer) => oauth.processRefreshTokenResponse(as, client, answer),
);
const claims = oauth.getValidatedIdTokenClaims(tokens);
const userinfo = await twice(
  () => oauth.userInfoRequest(as, client, refreshed.access_token, proving),
  (answer) => oauth.processUserInfoResponse(as, client, claims.sub, answer),
);
const bare = await fetch(as.userinfo_endpoint, {
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
