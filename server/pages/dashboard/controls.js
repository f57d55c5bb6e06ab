// The buttons that steer a session, and the one that lets go of all of them.

import { ApiError, call, get } from "../shared/api.js";
import { byId, show } from "../shared/dom.js";

const PER_SESSION = ["autoplay", "step", "record-now", "end"];

export class Controls {
  constructor(app) {
    this.app = app;
    const on = (id, act) => byId(id).addEventListener("click", () => app.attempt(act));
    on("autoplay", () => this.#autoplay());
    on("step", () => app.ask("POST", this.#path("/step")));
    on("record-now", () => this.#record());
    on("end", () => this.#end());
    on("panic", () => this.#panic());
    byId("again").addEventListener("click", () => app.go("new"));
  }

  update(session) {
    const { features } = this.app;
    const over = Boolean(session.end);
    const attached = !over && session.state !== "attaching";
    const playing = session.state === "playing";
    const pending = session.restart?.state === "pending";
    for (const id of PER_SESSION) show(byId(id), !over || (pending && id === "end"));
    byId("autoplay").setAttribute("aria-checked", String(playing));
    byId("autoplay").disabled = !attached;
    byId("step").disabled = !attached || playing;
    if (!features.has("POST", "/sessions/{}/step")) show(byId("step"), false);
    byId("record-now").disabled = !attached;
    byId("record-now").setAttribute("aria-checked", String(Boolean(session.recording?.enabled)));
    if (!features.has("POST", "/sessions/{}/recording")) show(byId("record-now"), false);
    show(byId("again"), over && !pending);
  }

  #path(rest) {
    return `/api/v1/sessions/${this.app.chosen}${rest}`;
  }

  async #autoplay() {
    const enabled = this.app.selected().state !== "playing";
    await this.app.ask("POST", this.#path("/autoplay"), { enabled });
  }

  async #record() {
    const enabled = !this.app.selected().recording?.enabled;
    await this.app.ask("POST", this.#path("/recording"), { enabled });
  }

  async #end() {
    const path = this.#path("");
    await call("DELETE", path);
    await this.app.ask("GET", path);
  }

  /** Neutral pads and running games, all of them; what could not be let go is said. */
  async #panic() {
    let trouble = [];
    if (this.app.features.has("POST", "/panic")) {
      trouble = (await call("POST", "/api/v1/panic")).trouble;
    } else {
      const living = (await get("/api/v1/sessions")).filter((session) => !session.end);
      const done = await Promise.allSettled(living.map((session) => this.#letGo(session)));
      trouble = done.filter((one) => one.status === "rejected").map((one) => one.reason.message);
    }
    await this.app.refresh();
    this.app.say("Every game was let go");
    if (trouble.length) throw new ApiError(0, "not_let_go", trouble.join("; "), "end the game itself");
  }

  #letGo(session) {
    const path = `/api/v1/sessions/${session.id}`;
    if (session.state === "attaching") return call("DELETE", path);
    return call("POST", `${path}/autoplay`, { enabled: false });
  }
}
