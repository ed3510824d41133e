// What oidc-provider stores, in Redis: one JSON string a record, an index for what must be revoked.
import Redis from 'ioredis';

const redis = new Redis(process.env.REDIS_SOCKET);
const REVOCABLE = new Set(['AccessToken', 'AuthorizationCode', 'RefreshToken']);

export class Store {
  constructor(model) {
    this.model = model;
  }

  #name(id) {
    return `peer:${this.model}:${id}`;
  }

  async upsert(id, record, seconds) {
    const unit = redis.pipeline();
    const expiry = seconds ? ['EX', seconds] : [];
    unit.set(this.#name(id), JSON.stringify(record), ...expiry);
    if (record.uid) unit.set(`peer:uid:${record.uid}`, id, ...expiry);
    if (record.grantId && REVOCABLE.has(this.model)) {
      unit.sadd(`peer:grant:${record.grantId}`, this.#name(id));
      if (seconds) unit.expire(`peer:grant:${record.grantId}`, 86400);
    }
    await unit.exec();
  }

  async find(id) {
    const text = await redis.get(this.#name(id));
    return text ? JSON.parse(text) : undefined;
  }

  async findByUid(uid) {
    const id = await redis.get(`peer:uid:${uid}`);
    return id ? this.find(id) : undefined;
  }

  async findByUserCode() {
    return undefined;
  }

  async consume(id) {
    const record = await this.find(id);
    if (!record) return;
    record.consumed = Math.floor(Date.now() / 1000);
    await redis.set(this.#name(id), JSON.stringify(record), 'KEEPTTL');
  }

  async destroy(id) {
    await redis.del(this.#name(id));
  }

  async revokeByGrantId(grantId) {
    const names = await redis.smembers(`peer:grant:${grantId}`);
    await redis.del(`peer:grant:${grantId}`, ...names);
  }
}
