// What `nitropilot doctor` finds, for who starts here; only where the API has it.

import { call } from "../shared/api.js";
import { byId, el, setText, show } from "../shared/dom.js";

const MARKS = { ok: "✓", note: "i", problem: "!" };
const WORDS = { ok: "fine", note: "note", problem: "problem" };

export class Checkup {
  constructor(app) {
    show(byId("checkup"), app.features.has("POST", "/doctor"));
    byId("checkup-run").addEventListener("click", () => app.attempt(() => this.#run()));
  }

  async #run() {
    const button = byId("checkup-run");
    button.disabled = true;
    setText(byId("checkup-note"), "Checking…");
    try {
      const { ready, checks } = await call("POST", "/api/v1/doctor");
      setText(byId("checkup-note"), ready ? "Ready to play." : "Something stops play:");
      const order = ["problem", "note", "ok"];
      const sorted = [...checks].sort((a, b) => order.indexOf(a.level) - order.indexOf(b.level));
      byId("checkup-list").replaceChildren(...sorted.map((check) => el("li", { "data-level": check.level },
        el("span", { class: "mark", role: "img", "aria-label": WORDS[check.level] ?? check.level },
          MARKS[check.level] ?? "?"),
        el("span", {}, el("strong", {}, check.name), ` ${check.detail}`,
          check.hint ? el("span", { class: "muted" }, ` – ${check.hint}`) : null))));
    } finally {
      button.disabled = false;
    }
  }
}
