// The same with openid-client, which repeats by itself what lacks a nonce.
import './webcrypto.mjs';
import * as oidc from 'openid-client';

const { issuer, service, gate, clientId, secret } = JSON.parse(process.argv[2]);
const nonces = [];
async function through(url, options) {
  const asked = new URL(url);
  const headers = new Headers(options.headers);
  headers.set('x-host', asked.host);
  const answer = await fetch(gate + asked.pathname + asked.search, { ...options, headers });
  const challenge = answer.headers.get('www-authenticate');
  if (challenge !== null) nonces.push(challenge);
  return answer;
}

const config = await oidc.discovery(
  new URL(issuer), clientId, undefined, oidc.ClientSecretBasic(secret),
  { [oidc.customFetch]: through },
);
config[oidc.customFetch] = through;
const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256'));
const tokens = await oidc.clientCredentialsGrant(
  config, { scope: 'signatures service', resource: service }, { DPoP },
);
const json = new Headers({ 'content-type': 'application/json' });
function ask(path, body) {
  const address = new URL(service + path);
  return oidc.fetchProtectedResource(
    config, tokens.access_token, address, 'POST', JSON.stringify(body), json, { DPoP },
  );
}
const listed = await ask('/csc/v2/credentials/list', {});
const digest = Buffer.alloc(32, 7).toString('base64url');
const documents = [{ name: 'a.txt', media_type: 'text/plain', digest }];
const created = await ask('/signature-requests', { format: 'cades', level: 'B-B', documents });
console.log();
console.log(JSON.stringify({
  token_type: tokens.token_type,
  nonces: nonces.length,
  listed: [listed.status, await listed.json()],
  created: created.status,
}));
process.exit(0);
