// A device that speaks oauth4webapi, the strictest reader of answers: prints codes, polls, claims.
import './webcrypto.mjs';
import { setTimeout } from 'node:timers/promises';
import * as oauth from 'oauth4webapi';

const { issuer, registered, key } = JSON.parse(process.argv[2]);
const insecure = { [oauth.allowInsecureRequests]: true };
const client = { client_id: registered.client_id };

async function authentication() {
  if (!key) return oauth.None();
  const algorithm = { name: 'ECDSA', namedCurve: key.crv };
  const imported = await crypto.subtle.importKey('jwk', key, algorithm, false, ['sign']);
  return oauth.PrivateKeyJwt({ key: imported, kid: key.kid });
}

const address = new URL(issuer);
const discovered = await oauth.discoveryRequest(address, { algorithm: 'oidc', ...insecure });
const as = await oauth.processDiscoveryResponse(address, discovered);
const auth = await authentication();
const options = { ...insecure };
if (key) options.DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'));
const asked = { scope: 'openid profile email' };
const answer = await oauth.deviceAuthorizationRequest(as, client, auth, asked, insecure);
const codes = await oauth.processDeviceAuthorizationResponse(as, client, answer);
console.log(JSON.stringify(codes));
let tokens;
while (!tokens) {
  const polled = await oauth.deviceCodeGrantRequest(as, client, auth, codes.device_code, options);
  try {
    tokens = await oauth.processDeviceCodeResponse(as, client, polled);
  } catch (refusal) {
    if (refusal.error !== 'authorization_pending') throw refusal;
    await setTimeout(codes.interval * 1000);
  }
}
const claims = oauth.getValidatedIdTokenClaims(tokens);
const shown = await oauth.userInfoRequest(as, client, tokens.access_token, options);
const userinfo = await oauth.processUserInfoResponse(as, client, claims.sub, shown);
console.log(JSON.stringify({ id_token: claims, userinfo, token_type: tokens.token_type }));
process.exit(0);
