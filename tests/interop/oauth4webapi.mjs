// Logs in with oauth4webapi, the strictest reader of answers: same conversation as openid_client.mjs.
import './webcrypto.mjs';
import { createInterface } from 'node:readline/promises';
import * as oauth from 'oauth4webapi';

const { issuer, registered } = JSON.parse(process.argv[2]);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const insecure = { [oauth.allowInsecureRequests]: true };
const client = { client_id: registered.client_id };

async function authentication() {
  switch (registered.token_endpoint_auth_method) {
    case 'client_secret_basic':
      return oauth.ClientSecretBasic(registered.client_secret);
    case 'client_secret_post':
      return oauth.ClientSecretPost(registered.client_secret);
    case 'private_key_jwt': {
      const jwk = registered.jwks.keys[0];
      const algorithm = { name: 'ECDSA', namedCurve: jwk.crv };
      const key = await crypto.subtle.importKey('jwk', jwk, algorithm, false, ['sign']);
      return oauth.PrivateKeyJwt({ key, kid: jwk.kid });
    }
    default:
      return oauth.None();
  }
}

const address = new URL(issuer);
const discovered = await oauth.discoveryRequest(address, { algorithm: 'oidc', ...insecure });
const as = await oauth.processDiscoveryResponse(address, discovered);
const verifier = oauth.generateRandomCodeVerifier();
const state = oauth.generateRandomState();
const nonce = oauth.generateRandomNonce();
const redirectUri = registered.redirect_uris[0];
const authorize = new URL(as.authorization_endpoint);
const asked = {
  client_id: client.client_id,
  redirect_uri: redirectUri,
  response_type: 'code',
  scope: 'openid profile email phone',
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  state,
  nonce,
  max_age: '3600',
};
for (const [name, value] of Object.entries(asked)) authorize.searchParams.set(name, value);
console.log(authorize.href);
const callback = new URL((await lines.next()).value);
const parameters = oauth.validateAuthResponse(as, client, callback, state);
const granted = await oauth.authorizationCodeGrantRequest(
  as,
  client,
  await authentication(),
  parameters,
  redirectUri,
  verifier,
  insecure,
);
const tokens = await oauth.processAuthorizationCodeResponse(as, client, granted, {
  expectedNonce: nonce,
  maxAge: 3600,
  requireIdToken: true,
});
await oauth.validateApplicationLevelSignature(as, granted, insecure);
const claims = oauth.getValidatedIdTokenClaims(tokens);
const answer = await oauth.userInfoRequest(as, client, tokens.access_token, insecure);
const userinfo = await oauth.processUserInfoResponse(as, client, claims.sub, answer);
console.log(JSON.stringify({ id_token: claims, userinfo }));
process.exit(0);
