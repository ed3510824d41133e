// The cose-js library as a judge: reads {cose, x, y} in hex, prints the payload in hex or why not.
import { readFileSync } from "node:fs";
import cose from "cose-js";

const { cose: message, x, y } = JSON.parse(readFileSync(0, "utf8"));
const hex = (text) => Buffer.from(text, "hex");
try {
  const payload = await cose.sign.verify(hex(message), { key: { x: hex(x), y: hex(y) } });
  console.log(payload.toString("hex"));
} catch (fault) {
  console.log(`refused: ${fault.message}`);
}
