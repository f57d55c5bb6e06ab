// Tokens: make, list, revoke, and the address for OBS with one in it.

import { call, get } from "../shared/api.js";
import { byId, el, setText, show } from "../shared/dom.js";

const MAY = { overlay: "look", deck: "look, switch, end", admin: "everything" };

const day = (text) => (text ? new Date(text).toLocaleString([], { dateStyle: "medium", timeStyle: "short" }) : "never");

export class Tokens {
  constructor(app) {
    this.app = app;
    byId("token-form").addEventListener("submit", (event) => {
      event.preventDefault();
      app.attempt(() => this.#create());
    });
    byId("obs-form").addEventListener("submit", (event) => {
      event.preventDefault();
      app.attempt(() => this.#overlay());
    });
    byId("secret-copy").addEventListener("click", () => this.#copy());
    byId("secret-hide").addEventListener("click", () => this.#hide());
  }

  enter() {
    this.app.attempt(() => this.#list());
  }

  async #list() {
    const tokens = await get("/api/v1/tokens");
    setText(byId("tokens-note"), tokens.length ? "" : "None yet.");
    show(byId("tokens"), tokens.length > 0);
    document.querySelector("#tokens tbody").replaceChildren(...tokens.map((token) => el("tr", {},
      el("td", {}, token.name), el("td", {}, MAY[token.scope] ?? token.scope),
      el("td", {}, day(token.created)), el("td", {}, day(token.last_used)),
      el("td", {}, el("button", {
        type: "button", class: "danger-quiet", "aria-label": `Revoke ${token.name}`,
        onclick: () => this.app.attempt(() => this.#revoke(token)),
      }, "Revoke")))));
  }

  async #make(name, scope) {
    const made = await call("POST", "/api/v1/tokens", { name, scope });
    await this.#list();
    return made.secret;
  }

  async #create() {
    const name = byId("token-name").value.trim();
    const secret = await this.#make(name, byId("token-scope").value);
    byId("token-name").value = "";
    this.#reveal(`Token “${name}”`, secret);
  }

  async #overlay() {
    const secret = await this.#make(`OBS overlay ${new Date().toLocaleDateString()}`, "overlay");
    const shown = [...document.querySelectorAll("input[name=obs-show]:checked")].map((box) => box.value);
    const query = new URLSearchParams({ layout: byId("obs-layout").value, theme: byId("obs-theme").value,
      scale: byId("obs-scale").value || "1" });
    // The token goes behind #: browsers never send that part to any server.
    const address = `${location.origin}/overlay?${query}&show=${shown.join(",")}#token=${secret}`;
    this.#reveal("Address for a browser source", address);
    await this.#copy();
  }

  #reveal(label, value) {
    setText(byId("secret-label"), label);
    byId("secret-value").value = value;
    setText(byId("secret-note"), "");
    show(byId("secret"), true);
    byId("title-secret").focus();
  }

  async #copy() {
    const field = byId("secret-value");
    try {
      await navigator.clipboard.writeText(field.value);
      setText(byId("secret-note"), "Copied.");
    } catch {
      field.focus();
      field.select();
      setText(byId("secret-note"), "The browser does not let this page copy: press Ctrl+C.");
    }
  }

  #hide() {
    byId("secret-value").value = "";
    show(byId("secret"), false);
  }

  async #revoke(token) {
    await call("DELETE", `/api/v1/tokens/${token.id}`);
    await this.#list();
    this.app.say(`Revoked ${token.name}`);
    byId("title-access").focus();
  }
}
