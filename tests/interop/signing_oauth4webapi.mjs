// FAPI 2.0 Message Signing with oauth4webapi: a signed request, pushed, and a signed answer.
import './webcrypto.mjs';
import { createInterface } from 'node:readline/promises';
import * as oauth from 'oauth4webapi';

const { issuer, registered, mode } = JSON.parse(process.argv[2]);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const insecure = { [oauth.allowInsecureRequests]: true };
const client = { client_id: registered.client_id, require_signed_request_object: true };
const redirectUri = registered.redirect_uris[0];
const jwk = registered.jwks.keys[0];
const algorithm = { name: 'ECDSA', namedCurve: jwk.crv };
const key = await crypto.subtle.importKey('jwk', jwk, algorithm, false, ['sign']);
const authentication = () => oauth.PrivateKeyJwt({ key, kid: jwk.kid });

const address = new URL(issuer);
const discovered = await oauth.discoveryRequest(address, { algorithm: 'oidc', ...insecure });
const as = await oauth.processDiscoveryResponse(address, discovered);
const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'));
const verifier = oauth.generateRandomCodeVerifier();
const state = oauth.generateRandomState();
const nonce = oauth.generateRandomNonce();
const asked = {
  redirect_uri: redirectUri,
  response_type: 'code',
  response_mode: mode,
  scope: 'openid profile',
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  state,
  nonce,
};
const request = await oauth.issueRequestObject(as, client, asked, { key, kid: jwk.kid });
async function pushed(parameters) {
  const answer = await oauth.pushedAuthorizationRequest(
    as, client, authentication(), parameters, { DPoP, ...insecure },
  );
  return oauth.processPushedAuthorizationResponse(as, client, answer);
}
let unsigned = null;
try {
  await pushed(asked);
} catch (refusal) {
  unsigned = refusal.error;
}
const kept = await pushed({ request });
const authorize = new URL(as.authorization_endpoint);
authorize.searchParams.set('client_id', client.client_id);
authorize.searchParams.set('request_uri', kept.request_uri);
console.log(authorize.href);
const callback = new URL((await lines.next()).value);
const returned = mode === 'fragment.jwt'
  ? new URLSearchParams(callback.hash.slice(1))
  : callback.searchParams;
const parameters = await oauth.validateJwtAuthResponse(as, client, returned, state, insecure);
const answer = await oauth.authorizationCodeGrantRequest(
  as, client, authentication(), parameters, redirectUri, verifier, { DPoP, ...insecure },
);
const tokens = await oauth.processAuthorizationCodeResponse(as, client, answer, {
  expectedNonce: nonce,
  requireIdToken: true,
});
const claims = oauth.getValidatedIdTokenClaims(tokens);
const told = await oauth.userInfoRequest(
  as, client, tokens.access_token, { DPoP, ...insecure },
);
const userinfo = await oauth.processUserInfoResponse(as, client, claims.sub, told);
console.log(JSON.stringify({ userinfo, unsigned, returned: [...returned.keys()] }));
process.exit(0);
