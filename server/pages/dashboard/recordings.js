// Recordings: what there is, and playing it back, where this daemon's API has them.

import { call, get } from "../shared/api.js";
import { byId, el, setText, short, show } from "../shared/dom.js";
import { Learning } from "./learning.js";

function bytes(size) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let value = size;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return unit ? `${short(value)} ${units[unit]}` : `${value} B`;
}

function when(text) {
  const time = new Date(text);
  return Number.isNaN(time.valueOf()) ? "" : time.toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
}

export class Recordings {
  constructor(app) {
    this.app = app;
    this.learning = new Learning(app);
    byId("refresh-recordings").addEventListener("click", () => this.enter());
  }

  enter() {
    if (!this.app.features.has("GET", "/recordings")) {
      setText(byId("recordings-note"),
        "This daemon cannot list recordings. A recorded session's video is in the folder of that session.");
      byId("refresh-recordings").disabled = true;
      return;
    }
    this.app.attempt(() => this.#list());
  }

  async #list() {
    const answer = await get("/api/v1/recordings");
    const newest = [...answer.recordings].reverse();
    setText(byId("recordings-note"), newest.length
      ? `${newest.length} in ${answer.folder}, ${bytes(answer.total_size)} together`
      : "None yet. Tick Record when you start a game.");
    byId("recordings").replaceChildren(...newest.map((one) => this.#entry(one)));
    const whole = newest.filter((one) => one.complete && one.game);
    await this.learning.enter([...new Set(whole.map((one) => one.game))].sort());
  }

  #entry(recording) {
    const name = recording.game || recording.id;
    const facts = [when(recording.started), recording.seconds === null ? "" : short(recording.seconds, " s"),
      recording.policy ?? "", bytes(recording.size), recording.complete ? "" : "being made",
      recording.mended ? "mended after a crash" : ""];
    return el("li", { class: "card", "data-recording": recording.id },
      el("div", { class: "grow" }, el("strong", {}, name),
        el("div", { class: "muted" }, facts.filter(Boolean).join(" · "))),
      el("button", {
        type: "button", disabled: !recording.complete, "aria-label": `Play recording of ${name}, ${facts[0]}`,
        onclick: () => this.app.attempt(() => this.#play(recording, name)),
      }, "Play"),
      el("button", {
        type: "button", class: "danger-quiet", disabled: !recording.complete,
        "aria-label": `Delete recording of ${name}, ${facts[0]}`,
        onclick: (event) => this.#confirm(event.currentTarget, recording),
      }, "Delete"));
  }

  async #play(recording, name) {
    const { files } = await get(`/api/v1/recordings/${encodeURIComponent(recording.id)}`);
    const video = files.find((file) => file.name.endsWith(".mp4"));
    const path = video && video.name.split("/").map(encodeURIComponent).join("/");
    const player = video
      ? el("video", { controls: true, autoplay: true, "aria-label": `Recording of ${name}`,
        src: `/api/v1/recordings/${encodeURIComponent(recording.id)}/files/${path}` })
      : el("p", {}, "This recording has no video.");
    byId("playback").replaceChildren(player);
    show(byId("playback"), true);
    player.focus();
  }

  /** The first press asks, the second deletes: it cannot be undone. */
  #confirm(button, recording) {
    if (button.dataset.sure !== "yes") {
      button.dataset.sure = "yes";
      setText(button, "Delete for ever?");
      button.addEventListener("blur", () => {
        delete button.dataset.sure;
        setText(button, "Delete");
      }, { once: true });
      return;
    }
    this.app.attempt(async () => {
      await call("DELETE", `/api/v1/recordings/${encodeURIComponent(recording.id)}`);
      byId("playback").replaceChildren();
      show(byId("playback"), false);
      await this.#list();
      byId("title-recordings").focus();
    });
  }
}
