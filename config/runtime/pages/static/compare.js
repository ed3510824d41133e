"use strict";
(() => {
  const box = document.getElementById("compare");
  const said = document.getElementById("compared");
  const shown = [...document.querySelectorAll("[data-digest]")];
  const isolated = text => "\u2068" + text + "\u2069";
  const digest = async (algorithm, content) =>
    Array.from(new Uint8Array(await crypto.subtle.digest(algorithm, content)),
      octet => octet.toString(16).padStart(2, "0")).join("");
  const compared = async file => {
    let content;
    try {
      content = await file.arrayBuffer();
    } catch {
      return box.dataset.failed.replace("{file}", isolated(file.name));
    }
    const made = {};
    const same = [];
    for (const item of shown) {
      const algorithm = item.dataset.algorithm;
      made[algorithm] ??= await digest(algorithm, content);
      if (made[algorithm] === item.dataset.digest) {
        item.classList.add("same");
        same.push(isolated(item.querySelector("bdi").textContent));
      }
    }
    return (same.length ? box.dataset.same : box.dataset.none)
      .replace("{file}", () => isolated(file.name)).replace("{name}", () => same.join(", "));
  };
  document.getElementById("file").addEventListener("change", async event => {
    const lines = [];
    for (const item of shown) item.classList.remove("same");
    for (const file of event.target.files) lines.push(await compared(file));
    said.textContent = lines.join(" ");
  });
  box.hidden = !(window.crypto && crypto.subtle);
})();
