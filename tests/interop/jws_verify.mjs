// The jose library as a judge: reads {jws, payload (base64url), key (SPKI PEM)}, prints true or why not.
import { readFileSync } from "node:fs";
import { flattenedVerify, importSPKI } from "jose";

const { jws, payload, key } = JSON.parse(readFileSync(0, "utf8"));
const [protectedHeader, , signature] = jws.split(".");
const { alg } = JSON.parse(Buffer.from(protectedHeader, "base64url"));
try {
  await flattenedVerify(
    { protected: protectedHeader, payload: Buffer.from(payload, "base64url"), signature },
    await importSPKI(key, alg),
    { algorithms: ["ES256", "RS256"], crit: { sigD: true, srCms: true } },
  );
  console.log(true);
} catch (fault) {
  console.log(fault.code ?? fault.message);
}
