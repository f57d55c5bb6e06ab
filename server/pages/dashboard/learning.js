// Learning: a policy learns from recordings.  First how long it takes here, then the job, then what
// came of it; nothing plays with a new policy before somebody accepts it.

import { call, get } from "../shared/api.js";
import { byId, el, setText, show } from "../shared/dom.js";

const LOOK_MS = 500; // how often a job is looked at

const fileName = (path) => path?.split(/[\\/]/).slice(-1)[0] ?? "";

export class Learning {
  constructor(app) {
    this.app = app;
    this.job = null; // the id of the one that is followed
    this.wanted = null; // what was estimated, and may begin
    this.known = [];
    byId("learn-corrections").addEventListener("click", () => this.#estimate("corrections"));
    byId("learn-recordings").addEventListener("click", () => this.#estimate("recordings"));
    byId("learn-go").addEventListener("click", () => this.#run(this.wanted));
    byId("learn-cancel").addEventListener("click", () => this.#cancel());
    byId("learn-game").addEventListener("change", () => this.#choose());
    for (const id of ["learn-game", "learn-policy", "learn-minutes"]) {
      byId(id).addEventListener("input", () => this.#forget());
    }
  }

  /** Show what can be learned from, if this daemon can do that at all. */
  async enter(games) {
    const can = this.app.features.has("POST", "/improvements/accept");
    show(byId("learning"), can && games.length > 0);
    if (!can || !games.length) return;
    const before = byId("learn-game").value;
    byId("learn-game").replaceChildren(...games.map((name) => el("option", { value: name }, name)));
    if (games.includes(before)) byId("learn-game").value = before;
    this.#list(await call("POST", "/api/v1/improvements/count"));
    if (byId("learn-game").value !== before) this.#choose();
    const jobs = await get("/api/v1/jobs");
    const running = jobs.find((job) => job.kind === "improve" && job.state === "running");
    if (running && !this.job) this.app.attempt(() => this.#follow(running)); // nobody waits for it
  }

  #body(learn) {
    return {
      kind: "improve", learn, game: byId("learn-game").value,
      policy: byId("learn-policy").value.trim() || null,
      minutes: Number(byId("learn-minutes").value),
    };
  }

  #choose() {
    const known = this.known.find((one) => one.game === byId("learn-game").value);
    byId("learn-policy").value = known?.used ?? this.app.status.policy ?? "";
  }

  /** What was estimated is not what the fields say any more. */
  #forget() {
    this.wanted = null;
    show(byId("learn-go"), false);
  }

  #estimate(learn) {
    const body = this.#body(learn);
    return this.#run({ ...body, estimate: true }, () => {
      this.wanted = body;
      show(byId("learn-go"), true);
      byId("learn-go").focus();
    });
  }

  /** Begin a job, follow it, and say what came of it. */
  #run(body, after = () => {}) {
    return this.app.attempt(async () => {
      show(byId("learn-go"), false);
      if (await this.#follow(await call("POST", "/api/v1/jobs", body))) after();
    });
  }

  async #follow(begun) {
    let job = begun;
    this.job = job.id;
    this.#busy(true);
    try {
      while (job.state === "running") {
        setText(byId("learn-note"), job.step);
        byId("learn-progress").value = job.fraction;
        await new Promise((done) => { setTimeout(done, LOOK_MS); });
        job = await get(`/api/v1/jobs/${job.id}`);
      }
    } finally {
      this.job = null;
      this.#busy(false);
    }
    return this.#ended(job);
  }

  async #ended(job) {
    if (job.state !== "done") {
      const { message, hint } = job.error ?? { message: "Cancelled; nothing was changed", hint: "" };
      setText(byId("learn-note"), hint ? `${message} – ${hint}` : message);
      return false;
    }
    const { data, estimate, found } = job.result;
    setText(byId("learn-note"), found ?? `${data.recordings} recordings, ${data.takeovers} takeovers: ${estimate.text}`);
    this.#list(await get("/api/v1/improvements"));
    return true;
  }

  #busy(busy) {
    for (const id of ["learn-corrections", "learn-recordings"]) byId(id).disabled = busy;
    show(byId("learn-progress"), busy);
    show(byId("learn-cancel"), busy);
    if (busy) byId("learn-progress").value = 0;
  }

  #cancel() {
    if (this.job) this.app.attempt(() => call("DELETE", `/api/v1/jobs/${this.job}`));
  }

  #list(known) {
    this.known = known;
    byId("improvements").replaceChildren(...known.map((one) => this.#entry(one)));
  }

  #entry(one) {
    const lines = [
      `plays now: ${fileName(one.used) || "what the session names"}`,
      one.offered ? `offered: ${fileName(one.offered)}` : "",
      one.candidates.at(-1)?.found ?? "",
      ...one.played.map((played) => `${fileName(played.policy) || played.fingerprint.slice(0, 8)}: ${played.text}`),
      one.proposal ? `proposed: ${one.proposal}` : "",
    ].filter(Boolean);
    const button = (text, path, there, more = {}) => el("button", {
      type: "button", disabled: !there, "aria-label": `${text}, ${one.game}`,
      onclick: () => this.app.attempt(async () => {
        this.#list(await call("POST", `/api/v1/improvements/${path}`, { game: one.game, ...more }));
        this.#choose();
      }),
    }, text);
    const shown = one.offers.find((offer) => offer.policy === one.offered);
    const others = one.offers.filter((offer) => offer !== shown);
    return el("li", { class: "card", "data-improved": one.game },
      el("div", { class: "grow" }, el("strong", {}, one.game),
        lines.map((line) => el("div", { class: "muted" }, line))),
      button("Accept", "accept", one.offered, shown ? { offer: shown.id } : {}),
      others.map((offer) => button(`Accept ${offer.id}`, "accept", true, { offer: offer.id })),
      button("Back", "back", one.previous));
  }
}
