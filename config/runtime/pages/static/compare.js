"use strict";
(() => {
  const box = document.getElementById("compare");
  const said = document.getElementById("compared");
  const shown = [...document.querySelectorAll("[data-digest]")];
  const algorithms = [...new Set(shown.map(item => item.dataset.algorithm))];
  const isolated = text => "\u2068" + text + "\u2069";
  const compared = async file => {
    let made;
    try {
      made = await digests(file, algorithms);
    } catch {
      return box.dataset.failed.replace("{file}", () => isolated(file.name));
    }
    const same = shown.filter(item => made[item.dataset.algorithm] === item.dataset.digest);
    for (const item of same) item.classList.add("same");
    const names = same.map(item => isolated(item.querySelector("bdi").textContent));
    return (same.length ? box.dataset.same : box.dataset.none)
      .replace("{file}", () => isolated(file.name)).replace("{name}", () => names.join(", "));
  };
  document.getElementById("file").addEventListener("change", async event => {
    const lines = [];
    for (const item of shown) item.classList.remove("same");
    for (const file of event.target.files) lines.push(await compared(file));
    said.textContent = lines.join(" ");
  });
  box.hidden = !(window.crypto && crypto.subtle);
})();
