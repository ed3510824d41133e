// A FAPI 2.0 login with oauth4webapi whose client proves itself, and its tokens, by certificate.
import './webcrypto.mjs';
import { createInterface } from 'node:readline/promises';
import * as oauth from 'oauth4webapi';
import { certifiedFetch } from './mtls_fetch.mjs';

const { issuer, registered, files, others } = JSON.parse(process.argv[2]);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const client = { client_id: registered.client_id, use_mtls_endpoint_aliases: true };
const redirectUri = registered.redirect_uris[0];
const options = {
  [oauth.allowInsecureRequests]: true,
  [oauth.customFetch]: certifiedFetch(files),
};

const address = new URL(issuer);
const discovered = await oauth.discoveryRequest(address, { algorithm: 'oidc', ...options });
const as = await oauth.processDiscoveryResponse(address, discovered);
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
const auth = oauth.TlsClientAuth();
const answer = await oauth.pushedAuthorizationRequest(as, client, auth, asked, options);
const pushed = await oauth.processPushedAuthorizationResponse(as, client, answer);
const authorize = new URL(as.authorization_endpoint);
authorize.searchParams.set('client_id', client.client_id);
authorize.searchParams.set('request_uri', pushed.request_uri);
console.log(authorize.href);
const callback = new URL((await lines.next()).value);
const parameters = oauth.validateAuthResponse(as, client, callback, state);
async function redeemed(shown) {
  const given = { ...options, [oauth.customFetch]: certifiedFetch(shown) };
  return oauth.processAuthorizationCodeResponse(as, client, await oauth.authorizationCodeGrantRequest(
    as, client, auth, parameters, redirectUri, verifier, given,
  ), { requireIdToken: true });
}
let stolen = null;
try {
  await redeemed(others);
} catch (refusal) {
  stolen = refusal.error ?? refusal.cause?.[0]?.parameters?.error ?? 'unknown';
}
const tokens = await redeemed(files);
const refreshed = await oauth.processRefreshTokenResponse(as, client, await oauth.refreshTokenGrantRequest(
  as, client, auth, tokens.refresh_token, options,
));
const claims = oauth.getValidatedIdTokenClaims(tokens);
const resource = as.mtls_endpoint_aliases.userinfo_endpoint;
const headers = { authorization: `Bearer ${refreshed.access_token}` };
const userinfo = await (await certifiedFetch(files)(resource, { headers })).json();
const other = await certifiedFetch(others)(resource, { headers });
const bare = await fetch(as.userinfo_endpoint, { headers });
console.log(JSON.stringify({
  token_types: [tokens.token_type, refreshed.token_type],
  rotated: tokens.refresh_token !== refreshed.refresh_token,
  name: userinfo.name,
  same: userinfo.sub === claims.sub,
  access_token: refreshed.access_token,
  other: other.status,
  bare: bare.status,
  stolen,
}));
process.exit(0);
