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

/** What computes: what really runs, else what was asked for. */
function engineText({ engine, wish }, usable) {
  if (engine) return `${engine.name} on ${engine.device}, ${engine.precision} – ${engine.reason}`;
  const asked = [wish.engine, wish.device, wish.precision].filter((word) => word !== "auto");
  if (asked.length) return `${asked.join(", ")}, as the settings say`;
  return `the daemon takes the fastest of ${usable.map((one) => one.name).join(", ")}`;
}

export class NewGame {
  constructor(app) {
    this.app = app;
    this.windows = new Windows(app);
    this.request = app.features.schemas.SessionRequest?.properties ?? {};
    this.touched = new Set(); // ids of what somebody set here; the rest is as the settings say
    this.settings = null;
    byId("new-form").addEventListener("input", (event) => this.touched.add(event.target.id));
    byId("refresh-windows").addEventListener("click", () => app.attempt(() => this.windows.refresh()));
    show(byId("only-record").parentElement, app.features.takes("SessionRequest", "only_record"));
    byId("new-form").addEventListener("submit", (event) => {
      event.preventDefault();
      app.attempt(() => this.#start());
    });
    this.#known();
    this.#modes();
    this.#engines(app.status);
    this.#ownPolicy(app.status.policy);
  }

  enter() {
    this.app.attempt(() => this.windows.refresh());
    this.app.attempt(() => this.#asSet());
    if (this.app.features.has("GET", "/policies")) this.app.attempt(() => this.#policies());
  }

  /** Show what the settings say, where nobody has said otherwise. */
  async #asSet() {
    const [{ settings }, status] = await Promise.all([get("/api/v1/settings"), get("/api/v1/status")]);
    this.settings = settings;
    const { play, recording } = settings;
    const untouched = (id, act) => {
      if (!this.touched.has(id)) act(byId(id));
    };
    untouched("mode", (choice) => { choice.value = play.mode; });
    untouched("autostart", (box) => { box.checked = play.autoplay; });
    untouched("record", (box) => { box.checked = recording.record; });
    untouched("allow-start", (box) => { box.checked = play.allow.includes("start"); });
    this.#explainMode();
    this.#engines(status);
    this.#ownPolicy(status.policy);
  }

  #ownPolicy(name) {
    byId("policy").placeholder = name;
    setText(byId("policy-note"), `Empty: ${name}, the daemon's own. Or name the file of a checkpoint.`);
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
    choice.addEventListener("change", () => this.#explainMode());
    this.#explainMode();
  }

  #explainMode() {
    setText(byId("mode-note"), MODES[byId("mode").value]?.[1] ?? "");
  }

  #engines(status) {
    const usable = status.engines.filter((engine) => engine.available);
    const missing = status.engines.filter((engine) => !engine.available);
    const choosable = this.app.features.takes("SessionRequest", "engine");
    show(byId("engine-choice"), choosable);
    byId("engine").replaceChildren(el("option", { value: "" }, "Choose for me"),
      ...usable.map((engine) => el("option", { value: engine.name }, engine.name)));
    setText(byId("engine-note"), choosable ? "" : `Engine: ${engineText(status, usable)}.`);
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
    const body = {};
    const touched = (id) => this.touched.has(id);
    const alone = byId("only-record").checked;
    if (touched("mode")) body.mode = byId("mode").value;
    if (touched("autostart")) body.autoplay = byId("autostart").checked;
    if (touched("record") && !alone) body.record = byId("record").checked;
    if (alone) body.only_record = true;
    if (kind === "window") body.window = Number(value);
    else Object.assign(body, { launch: value, headless: byId("headless").checked || undefined });
    if (byId("policy").value.trim() && !alone) body.policy = byId("policy").value.trim();
    if (byId("engine").value && this.app.features.takes("SessionRequest", "engine")) body.engine = byId("engine").value;
    if (touched("allow-start")) {
      const others = (this.settings?.play.allow ?? []).filter((name) => name !== "start");
      body.allow = byId("allow-start").checked ? [...others, "start"] : others;
    }
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
    setText(byId("start-note"), body.only_record
      ? "Touch your pad in the game, and recording begins."
      : "Loading the policy; the first time this can take a minute.");
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
