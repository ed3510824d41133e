// A fetch that shows a client certificate: Node's own cannot without a package of its own.
import { readFileSync } from 'node:fs';
import { request } from 'node:https';

export function certifiedFetch({ certificate, key, ca }) {
  const shown = { cert: readFileSync(certificate), key: readFileSync(key), ca: readFileSync(ca) };
  return (url, options = {}) => {
    const address = new URL(url);
    if (address.protocol !== 'https:') return fetch(url, options);
    return new Promise((resolve, reject) => {
      const headers = Object.fromEntries(new Headers(options.headers));
      const body = options.body === undefined || options.body === null ? '' : `${options.body}`;
      if (options.body instanceof URLSearchParams) {
        headers['content-type'] ??= 'application/x-www-form-urlencoded;charset=UTF-8';
      }
      if (body) headers['content-length'] = Buffer.byteLength(body);
      const asked = request(address, { ...shown, method: options.method, headers }, (answer) => {
        const pieces = [];
        answer.on('data', (piece) => pieces.push(piece));
        answer.on('end', () => {
          const kept = Object.entries(answer.headers).map(([name, value]) => [name, `${value}`]);
          resolve(new Response(Buffer.concat(pieces), {
            status: answer.statusCode, headers: kept,
          }));
        });
      });
      asked.on('error', reject);
      asked.end(body);
    });
  };
}
