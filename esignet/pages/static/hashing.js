"use strict";
(() => {
  const box = document.getElementById("hashing");
  const chosen = document.getElementById("own");
  const bar = document.getElementById("hashed");
  const said = document.getElementById("told");
  const field = document.getElementById("digest");
  let working;
  const say = line => {
    said.textContent = line.replace("{file}", () => "\u2068" + chosen.files[0].name + "\u2069");
  };
  chosen.addEventListener("change", async () => {
    const file = working = chosen.files[0];
    field.value = said.textContent = "";
    bar.value = 0;
    bar.hidden = !file;
    if (!file) return;
    say(box.dataset.begun);
    let line = box.dataset.done;
    try {
      const made = await digests(file, ["SHA-256", "SHA-384", "SHA-512"], part => {
        if (file === working) bar.value = part;
      });
      if (file === working) field.value = Object.values(made).join(" ");
    } catch {
      line = box.dataset.failed;
    }
    if (file !== working) return;
    working = undefined;
    bar.hidden = true;
    say(line);
  });
  field.form.addEventListener("submit", event => {
    if (working) event.preventDefault();
  });
  box.hidden = !(window.crypto && crypto.subtle);
})();
