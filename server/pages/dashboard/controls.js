// The buttons that steer a session, and the one that lets go of all of them.

import { ApiError, call } from "../shared/api.js";
import { byId, show } from "../shared/dom.js";
import { nameOf } from "./reasons.js";

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

  update(session, lost) {
    const { features } = this.app;
    const over = Boolean(session.end);
    const attached = !over && session.state !== "attaching";
    const playing = session.state === "playing";
    const pending = session.restart?.state === "pending";
    for (const id of PER_SESSION) show(byId(id), !lost && (!over || (pending && id === "end")));
    byId("autoplay").setAttribute("aria-checked", String(playing));
    byId("autoplay").disabled = !attached;
    byId("step").disabled = !attached || playing;
    if (!features.has("POST", "/sessions/{}/step")) show(byId("step"), false);
    if (attached && !session.policy) for (const id of ["autoplay", "step"]) show(byId(id), false);
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

  /** Neutral pads and running games, all of them; whom it let go is said, and what it could not. */
  async #panic() {
    const { sessions, let_go: letGo, trouble } = await call("POST", "/api/v1/panic");
    await this.app.refresh();
    const names = sessions.filter((session) => letGo.includes(session.id)).map(nameOf);
    if (trouble.length) throw new ApiError(0, "not_let_go", trouble.join("; "), "end the game itself");
    this.app.tell(names.length
      ? `Stopped: the AI let go of ${names.join(" and ")}.`
      : "The AI was not playing, so there was nothing to stop.");
  }
}
