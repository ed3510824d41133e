// A client with a token bound to its key lists credentials and asks for a signature (oauth4webapi).
import './webcrypto.mjs';
import * as oauth from 'oauth4webapi';

const { issuer, service, gate, clientId, secret } = JSON.parse(process.argv[2]);
const through = {
  [oauth.customFetch]: (url, options) => {
    const asked = new URL(url);
    const headers = new Headers(options.headers);
    headers.set('x-host', asked.host);
    return fetch(gate + asked.pathname + asked.search, { ...options, headers });
  },
};
const client = { client_id: clientId };
const nonces = [];

// Sends a request, and once more when the server asks for a nonce.
async function twice(send) {
  try {
    return await send();
  } catch (refusal) {
    if (!oauth.isDPoPNonceError(refusal)) throw refusal;
    nonces.push(refusal.cause.map(({ scheme, parameters }) => ({ scheme, ...parameters })));
    return send();
  }
}

const discovered = await oauth.discoveryRequest(new URL(issuer), { algorithm: 'oidc', ...through });
const as = await oauth.processDiscoveryResponse(new URL(issuer), discovered);
const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'));
const proving = { DPoP, ...through };
const asked = new URLSearchParams({ scope: 'signatures service', resource: service });
const authentication = oauth.ClientSecretBasic(secret);
let tokens;
for (let turn = 0; tokens === undefined; turn += 1) {
  const answer = await oauth.clientCredentialsGrantRequest(
    as, client, authentication, asked, proving,
  );
  try {
    tokens = await oauth.processClientCredentialsResponse(as, client, answer);
  } catch (refusal) {
    if (turn > 0 || !oauth.isDPoPNonceError(refusal)) throw refusal;
  }
}
const json = new Headers({ 'content-type': 'application/json' });
function ask(path, body) {
  return twice(() => oauth.protectedResourceRequest(
    tokens.access_token, 'POST', new URL(service + path), json, JSON.stringify(body), proving,
  ));
}
const listed = await ask('/csc/v2/credentials/list', {});
const digest = Buffer.alloc(32, 7).toString('base64url');
const documents = [{ name: 'a.txt', media_type: 'text/plain', digest }];
const created = await ask('/signature-requests', { format: 'cades', level: 'B-B', documents });
console.log();
console.log(JSON.stringify({
  token_type: tokens.token_type,
  nonces,
  listed: [listed.status, await listed.json()],
  created: created.status,
}));
process.exit(0);
