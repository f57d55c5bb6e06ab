// New game: which window or known game, and how to play it.

import { get } from "../shared/api.js";
import { byId, el, setText, show } from "../shared/dom.js";
import { Windows } from "./windows.js";

const GAMES = { supertux: "SuperTux", runner: "Runner (built in)" };
const MODES = {
  auto: ["Choose for me", "Measures the policy, and freezes the game while it thinks only if it is too slow."],
  paused: ["Paused", "The game stands still while the AI thinks: no hurry, but not real time."],
  realtime: ["Real time", "The game never stands still; needs a fast machine."],
};

export class NewGame {
  constructor(app) {
    this.app = app;
    this.windows = new Windows(app);
    this.request = app.features.schemas.SessionRequest?.properties ?? {};
    byId("refresh-windows").addEventListener("click", () => app.attempt(() => this.windows.refresh()));
    byId("new-form").addEventListener("submit", (event) => {
      event.preventDefault();
      app.attempt(() => this.#start());
    });
    this.#known();
    this.#modes();
    this.#engines();
    byId("policy").placeholder = app.status.policy ?? "file of a checkpoint, or random:tiny";
    setText(byId("policy-note"), app.status.policy
      ? `Empty: ${app.status.policy}, the daemon's own.`
      : "The daemon has none of its own, so name one.");
  }

  enter() {
    this.app.attempt(() => this.windows.refresh());
    if (this.app.features.has("GET", "/policies")) this.app.attempt(() => this.#policies());
  }

  #known() {
    const names = this.request.launch?.examples ?? [];
    byId("known").replaceChildren(...names.map((name) => el("label", { class: "pick" },
      el("span", { class: "name" },
        el("input", { type: "radio", name: "game", value: `launch:${name}` }),
        el("span", {}, GAMES[name] ?? name)))));
  }

  #modes() {
    const names = this.request.mode?.enum ?? ["auto"];
    const choice = byId("mode");
    choice.replaceChildren(...names.map((name) => el("option", { value: name }, MODES[name]?.[0] ?? name)));
    choice.value = this.request.mode?.default ?? names[0];
    const explain = () => setText(byId("mode-note"), MODES[choice.value]?.[1] ?? "");
    choice.addEventListener("change", explain);
    explain();
  }

  #engines() {
    const usable = this.app.status.engines.filter((engine) => engine.available);
    const missing = this.app.status.engines.filter((engine) => !engine.available);
    const choosable = this.app.features.takes("SessionRequest", "engine");
    show(byId("engine-choice"), choosable);
    byId("engine").replaceChildren(el("option", { value: "" }, "Choose for me"),
      ...usable.map((engine) => el("option", { value: engine.name }, engine.name)));
    const words = choosable ? [] : [`Engine: the daemon takes the fastest of ${usable.map((e) => e.name).join(", ")}.`];
    setText(byId("engine-note"), words.join(" "));
    byId("engines-missing").replaceChildren(
      ...missing.map((engine) => el("li", {}, el("strong", {}, engine.name), ` ${engine.reason}`)));
    show(byId("engines-missing-box"), missing.length > 0);
  }

  async #policies() {
    const answer = await get("/api/v1/policies");
    const usable = answer.policies.filter((policy) => !policy.error);
    byId("policies").replaceChildren(...usable.map((policy) => el("option", { value: policy.name })));
  }

  #body() {
    const game = document.querySelector("input[name=game]:checked");
    if (!game) return null;
    const [kind, value] = game.value.split(":");
    const body = { mode: byId("mode").value, autoplay: byId("autostart").checked, record: byId("record").checked };
    if (kind === "window") body.window = Number(value);
    else Object.assign(body, { launch: value, headless: byId("headless").checked || undefined });
    if (byId("policy").value.trim()) body.policy = byId("policy").value.trim();
    if (byId("engine").value && this.app.features.takes("SessionRequest", "engine")) body.engine = byId("engine").value;
    if (byId("allow-start").checked) body.allow = ["start"];
    return body;
  }

  async #start() {
    const body = this.#body();
    if (!body) {
      setText(byId("start-note"), "Pick a window, or a game to start, first.");
      document.querySelector("input[name=game]")?.focus();
      return;
    }
    byId("start").disabled = true;
    setText(byId("start-note"), "Loading the policy; the first time this can take a minute.");
    try {
      const session = await this.app.ask("POST", "/api/v1/sessions", body);
      this.app.select(session.id);
      this.app.go("play");
    } finally {
      byId("start").disabled = false;
      setText(byId("start-note"), "");
    }
  }
}
