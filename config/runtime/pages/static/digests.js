"use strict";
const digests = async (file, algorithms, told = () => {}) => {
  const step = 4 << 20;
  const steps = Math.ceil(file.size / step) * (1 + algorithms.length) || 1;
  const octets = new Uint8Array(file.size);
  let done = 0;
  for (let at = 0; at < file.size; at += step) {
    octets.set(new Uint8Array(await file.slice(at, at + step).arrayBuffer()), at);
    told(++done / steps);
  }
  const made = {};
  for (const algorithm of algorithms) {
    made[algorithm] = Array.from(new Uint8Array(await crypto.subtle.digest(algorithm, octets)),
      octet => octet.toString(16).padStart(2, "0")).join("");
    told((done += file.size / step) / steps);
  }
  return made;
};
