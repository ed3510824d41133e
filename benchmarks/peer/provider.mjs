// npm's oidc-provider with its clients and one account, set up to do what Symbolon is measured at.
// Environment: PORT, REDIS_SOCKET, SETUP (JSON: issuer, clients, keys).
import { Provider } from 'oidc-provider';
import { Store } from './store.mjs';

const { issuer, clients, keys } = JSON.parse(process.env.SETUP);
const account = {
  sub: 'resident',
  name: 'Ada Okello',
  given_name: 'Ada',
  family_name: 'Okello',
  email: 'ada@example.org',
  email_verified: true,
};

const provider = new Provider(issuer, {
  adapter: Store,
  clients,
  jwks: { keys },
  clientDefaults: { id_token_signed_response_alg: 'ES256' },
  cookies: { keys: ['benchmark'] },
  claims: {
    openid: ['sub'],
    profile: ['name', 'given_name', 'family_name'],
    email: ['email', 'email_verified'],
  },
  // As here: whoever proves a key keeps its refresh token.
  rotateRefreshToken: (ctx) => !ctx.oidc.client.dpopBoundAccessTokens,
  pkce: { required: () => true },
  ttl: { AccessToken: 300, AuthorizationCode: 60, IdToken: 300, Interaction: 1800, Session: 28800, Grant: 28800 },
  features: {
    devInteractions: { enabled: false },
    introspection: { enabled: true, allowedPolicy: async () => true },
    revocation: { enabled: true, allowedPolicy: async () => true },
    pushedAuthorizationRequests: { enabled: true },
    dPoP: { enabled: true },
    clientCredentials: { enabled: true },
    ciba: {
      enabled: true,
      deliveryModes: ['poll'],
      processLoginHint: async () => account.sub,
      verifyUserCode: async () => undefined,
      validateBindingMessage: async () => undefined,
      validateRequestContext: async () => undefined,
      triggerAuthenticationDevice: async () => undefined,
    },
  },
  interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  findAccount: async () => ({ accountId: account.sub, claims: async () => account }),
});

const page = (uid, prompt) => `<!doctype html><html lang="en"><head><meta charset="utf-8">
<title>${prompt}</title></head><body><h1>${prompt}</h1>
<form method="post" action="/interaction/${uid}"><input name="individual_id">
<button name="decision" value="continue">Continue</button></form></body></html>`;

async function allow(interaction) {
  const { session, params, prompt } = interaction;
  const held = interaction.grantId ? await provider.Grant.find(interaction.grantId) : undefined;
  const grant = held ?? new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  const { missingOIDCScope, missingOIDCClaims } = prompt.details;
  if (missingOIDCScope) grant.addOIDCScope(missingOIDCScope.join(' '));
  if (missingOIDCClaims) grant.addOIDCClaims(missingOIDCClaims);
  return { consent: { grantId: await grant.save() } };
}

provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith('/interaction/')) return next();
  ctx.set('cache-control', 'no-store');
  const interaction = await provider.interactionDetails(ctx.req, ctx.res);
  if (ctx.method === 'GET') {
    ctx.type = 'html';
    ctx.body = page(interaction.uid, interaction.prompt.name);
    return undefined;
  }
  for await (const _ of ctx.req); // the form is read and believed: no factor is measured
  const result =
    interaction.prompt.name === 'login'
      ? { login: { accountId: account.sub } }
      : await allow(interaction);
  const merge = { mergeWithLastSubmission: interaction.prompt.name !== 'login' };
  await provider.interactionFinished(ctx.req, ctx.res, result, merge);
  ctx.respond = false;
  return undefined;
});

provider.listen(Number(process.env.PORT), '127.0.0.1', () => console.log('listening'));
