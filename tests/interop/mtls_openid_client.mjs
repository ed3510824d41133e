// A FAPI 2.0 login with openid-client whose client proves itself, and its tokens, by certificate.
import './webcrypto.mjs';
import { createInterface } from 'node:readline/promises';
import * as oidc from 'openid-client';
import { certifiedFetch } from './mtls_fetch.mjs';

const { issuer, registered, files, others } = JSON.parse(process.argv[2]);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const config = await oidc.discovery(
  new URL(issuer),
  registered.client_id,
  { use_mtls_endpoint_aliases: true },
  oidc.TlsClientAuth(),
  { execute: [oidc.allowInsecureRequests], [oidc.customFetch]: certifiedFetch(files) },
);
const verifier = oidc.randomPKCECodeVerifier();
const state = oidc.randomState();
const nonce = oidc.randomNonce();
const authorize = await oidc.buildAuthorizationUrlWithPAR(config, {
  redirect_uri: registered.redirect_uris[0],
  scope: 'openid profile offline_access',
  prompt: 'consent',
  code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  state,
  nonce,
});
console.log(authorize.href);
const callback = new URL((await lines.next()).value);
const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce };
let stolen = null;
config[oidc.customFetch] = certifiedFetch(others);
try {
  await oidc.authorizationCodeGrant(config, callback, checks);
} catch (refusal) {
  stolen = refusal.error ?? 'unknown';
}
config[oidc.customFetch] = certifiedFetch(files);
const tokens = await oidc.authorizationCodeGrant(config, callback, checks);
const refreshed = await oidc.refreshTokenGrant(config, tokens.refresh_token);
const sub = tokens.claims().sub;
const userinfo = await oidc.fetchUserInfo(config, refreshed.access_token, sub);
const headers = { authorization: `Bearer ${refreshed.access_token}` };
const resource = config.serverMetadata().mtls_endpoint_aliases.userinfo_endpoint;
const other = await certifiedFetch(others)(resource, { headers });
const bare = await fetch(config.serverMetadata().userinfo_endpoint, { headers });
console.log(JSON.stringify({
  token_types: [tokens.token_type, refreshed.token_type],
  rotated: tokens.refresh_token !== refreshed.refresh_token,
  name: userinfo.name,
  same: userinfo.sub === sub,
  access_token: refreshed.access_token,
  other: other.status,
  bare: bare.status,
  stolen,
}));
process.exit(0);
