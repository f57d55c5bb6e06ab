// Recordings: what there is, and playing it back, where this daemon's API has them.

import { get } from "./api.js";
import { byId, setText } from "./dom.js";

export class Recordings {
  constructor(app) {
    this.app = app;
    byId("refresh-recordings").addEventListener("click", () => this.enter());
  }

  enter() {
    if (!this.app.features.has("GET", "/recordings")) {
      setText(byId("recordings-note"),
        "This daemon has no list of recordings. A recorded session's files are in its folder, as `nitropilot play` prints it.");
      byId("refresh-recordings").disabled = true;
      return;
    }
    this.app.attempt(() => this.#list());
  }

  async #list() {
    await get("/api/v1/recordings");
  }
}
