// Logs in with openid-client: prints the authorization URL, reads the callback URL, prints claims.
import './webcrypto.mjs';
import { createInterface } from 'node:readline/promises';
import * as oidc from 'openid-client';

const { issuer, registered } = JSON.parse(process.argv[2]);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function authentication() {
  switch (registered.token_endpoint_auth_method) {
    case 'client_secret_basic':
      return oidc.ClientSecretBasic(registered.client_secret);
    case 'client_secret_post':
      return oidc.ClientSecretPost(registered.client_secret);
    case 'private_key_jwt': {
      const jwk = registered.jwks.keys[0];
      const algorithm = { name: 'ECDSA', namedCurve: jwk.crv };
      const key = await crypto.subtle.importKey('jwk', jwk, algorithm, false, ['sign']);
      return oidc.PrivateKeyJwt({ key, kid: jwk.kid });
    }
    default:
      return oidc.None();
  }
}

const config = await oidc.discovery(
  new URL(issuer),
  registered.client_id,
  undefined,
  await authentication(),
  { execute: [oidc.allowInsecureRequests] },
);
const verifier = oidc.randomPKCECodeVerifier();
const state = oidc.randomState();
const nonce = oidc.randomNonce();
const authorize = oidc.buildAuthorizationUrl(config, {
  redirect_uri: registered.redirect_uris[0],
  scope: 'openid profile email phone',
  code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  state,
  nonce,
});
console.log(authorize.href);
const callback = new URL((await lines.next()).value);
const tokens = await oidc.authorizationCodeGrant(config, callback, {
  pkceCodeVerifier: verifier,
  expectedState: state,
  expectedNonce: nonce,
  idTokenExpected: true,
});
const userinfo = await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
let active = null;
if (registered.token_endpoint_auth_method !== 'none') {
  await oidc.tokenRevocation(config, tokens.access_token);
  active = (await oidc.tokenIntrospection(config, tokens.access_token)).active;
}
console.log(JSON.stringify({ id_token: tokens.claims(), userinfo, active_after_revocation: active }));
process.exit(0);
