// A device that speaks openid-client: prints its codes, polls until it is let in, prints claims.
import './webcrypto.mjs';
import * as oidc from 'openid-client';

const { issuer, registered, key } = JSON.parse(process.argv[2]);

async function authentication() {
  if (!key) return oidc.None();
  const algorithm = { name: 'ECDSA', namedCurve: key.crv };
  const imported = await crypto.subtle.importKey('jwk', key, algorithm, false, ['sign']);
  return oidc.PrivateKeyJwt({ key: imported, kid: key.kid });
}

const config = await oidc.discovery(
  new URL(issuer),
  registered.client_id,
  undefined,
  await authentication(),
  { execute: [oidc.allowInsecureRequests] },
);
const options = key
  ? { DPoP: oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256')) }
  : undefined;
const scope = 'openid profile email';
const codes = await oidc.initiateDeviceAuthorization(config, { scope });
console.log(JSON.stringify(codes));
const tokens = await oidc.pollDeviceAuthorizationGrant(
  config,
  { ...codes, interval: 4 },
  undefined,
  options,
);
const claims = tokens.claims();
const userinfo = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub, options);
console.log(JSON.stringify({ id_token: claims, userinfo, token_type: tokens.token_type }));
process.exit(0);
