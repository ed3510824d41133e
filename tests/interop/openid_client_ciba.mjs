// A client of CIBA that speaks openid-client: asks, prints the answer, polls, prints claims.
import './webcrypto.mjs';
import { SignJWT } from 'jose';
import * as oidc from 'openid-client';

const { issuer, registered, key, asked } = JSON.parse(process.argv[2]);
const algorithm = { name: 'ECDSA', namedCurve: key.crv };
const imported = await crypto.subtle.importKey('jwk', key, algorithm, false, ['sign']);
const config = await oidc.discovery(
  new URL(issuer),
  registered.client_id,
  undefined,
  oidc.PrivateKeyJwt({ key: imported, kid: key.kid }),
  { execute: [oidc.allowInsecureRequests] },
);
const signs = registered.profile === 'fapi2';
const options = signs
  ? { DPoP: oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256')) }
  : undefined;

async function parameters() {
  if (!signs) return asked;
  const request = await new SignJWT(asked)
    .setProtectedHeader({ alg: 'ES256', kid: key.kid, typ: 'oauth-authz-req+jwt' })
    .setIssuer(registered.client_id)
    .setAudience(config.serverMetadata().issuer)
    .setIssuedAt()
    .setNotBefore('0s')
    .setExpirationTime('5m')
    .setJti(crypto.randomUUID())
    .sign(imported);
  return { request };
}

const answer = await oidc.initiateBackchannelAuthentication(config, await parameters());
console.log(JSON.stringify(answer));
const tokens = await oidc.pollBackchannelAuthenticationGrant(config, answer, undefined, options);
const claims = tokens.claims();
const userinfo = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub, options);
console.log(JSON.stringify({ id_token: claims, userinfo, token_type: tokens.token_type }));
process.exit(0);
