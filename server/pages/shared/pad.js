// The gamepad, drawn by us as SVG: sticks move, triggers fill, buttons light.

import { svg } from "./dom.js";
import { LAYOUTS, layoutNamed } from "./layouts.js";

export const NEUTRAL = Object.freeze({ left: [0, 0], right: [0, 0], triggers: [0, 0], buttons: [] });

const STICK_REACH = 15;
const TRIGGER = { width: 66, height: 34, y: 4 };
const FACE_OFFSETS = { a: [0, 30], b: [30, 0], x: [-30, 0], y: [0, -30] };
const DPAD = {
  dpad_up: "M-9-10V-29Q-9-32-6-32H6Q9-32 9-29V-10L0-1Z",
  dpad_down: "M-9 10V29Q-9 32-6 32H6Q9 32 9 29V10L0 1Z",
  dpad_left: "M-10-9H-29Q-32-9-32-6V6Q-32 9-29 9H-10L-1 0Z",
  dpad_right: "M10-9H29Q32-9 32-6V6Q32 9 29 9H10L1 0Z",
};

let made = 0; // clip paths need names of their own on a page with several pads

const at = ([x, y]) => `translate(${x} ${y})`;

/** A pad for one layout; `element` goes into the page, `show` takes a pad state. */
export class Pad {
  constructor(layout, label = "Gamepad") {
    this.layout = layoutNamed(layout);
    this.design = LAYOUTS[this.layout];
    this.lights = new Map();
    this.number = ++made;
    this.element = svg(
      "svg",
      { class: "pad", viewBox: "8 0 424 296", role: "img", "aria-label": label, "data-layout": this.layout },
      this.#shoulder("left", 76), this.#shoulder("right", 298),
      svg("path", { class: "pad-body", d: this.design.shape }),
      this.#dpad(), this.#faces(), this.#middle(),
    );
    this.knobs = {
      left: this.#stick("left", "left_thumb"), right: this.#stick("right", "right_thumb"),
    };
    this.show(NEUTRAL);
  }

  /** Draw a state: sticks up positive, triggers 0 to 1, names of pressed buttons. */
  show(state) {
    for (const side of ["left", "right"]) {
      const [x, y] = state[side];
      this.knobs[side].setAttribute("transform", at([x * STICK_REACH, -y * STICK_REACH]));
      this.knobs[side].classList.toggle("moved", Math.hypot(x, y) > 0.12);
    }
    state.triggers.forEach((value, index) => this.#pull(index, value));
    for (const [name, light] of this.lights) {
      light.classList.toggle("lit", state.buttons.includes(name));
    }
  }

  #pull(index, value) {
    const fill = index ? this.rightFill : this.leftFill;
    const height = Math.min(Math.max(value, 0), 1) * TRIGGER.height;
    fill.setAttribute("y", TRIGGER.y + TRIGGER.height - height);
    fill.setAttribute("height", height);
  }

  #light(name, node) {
    node.classList.add("pad-button");
    node.dataset.button = name;
    this.lights.set(name, node);
    return node;
  }

  #shoulder(side, x) {
    const { width, height, y } = TRIGGER;
    const clip = `pad-trigger-${this.number}-${side}`;
    const box = { x, y, width, height, rx: 12 };
    this[`${side}Fill`] = svg("rect", {
      class: "pad-fill", x, y: y + height, width, height: 0, "clip-path": `url(#${clip})`,
    });
    const middle = x + width / 2;
    return svg("g", {},
      svg("clipPath", { id: clip }, svg("rect", box)),
      svg("rect", { class: "pad-well", ...box }), this[`${side}Fill`],
      svg("rect", { class: "pad-edge", ...box }),
      svg("text", { class: "pad-text", x: middle, y: y + 18 }, this.design.names[`${side}_trigger`]),
      this.#light(`${side}_shoulder`, svg("g", {},
        svg("rect", { x: x - 6, y: 43, width: width + 12, height: 22, rx: 10 }),
        svg("text", { class: "pad-text", x: middle, y: 54.5 }, this.design.names[`${side}_shoulder`]),
      )),
    );
  }

  #stick(side, click) {
    const knob = svg("g", { class: "pad-knob" },
      svg("circle", { r: 20 }), svg("circle", { class: "pad-dimple", r: 11 }));
    this.element.append(
      svg("g", { transform: at(this.design.places[side]) },
        svg("circle", { class: "pad-well", r: 34 }), this.#light(click, knob)),
    );
    return knob;
  }

  #dpad() {
    const arms = Object.entries(DPAD).map(([name, d]) => this.#light(name, svg("path", { d })));
    return svg("g", { transform: at(this.design.places.dpad) }, ...arms);
  }

  #faces() {
    const faces = Object.entries(FACE_OFFSETS).map(([name, offset]) => {
      const { sign, text } = this.design.faces[name];
      const mark = sign
        ? svg("path", { class: "pad-sign", d: sign })
        : svg("text", { class: "pad-text pad-letter", y: 1 }, text);
      return this.#light(name, svg("g", { transform: at(offset), "data-face": name },
        svg("circle", { r: 16 }), mark));
    });
    return svg("g", { transform: at(this.design.places.faces) }, ...faces);
  }

  #middle() {
    const small = (name, x) => {
      const text = this.design.names[name];
      const mark = text.length === 1
        ? svg("text", { class: "pad-text pad-letter", x, y: 121 }, text)
        : svg("path", { class: "pad-mark", d: name === "start"
          ? `M${x - 5} 115.5h10M${x - 5} 120h10M${x - 5} 124.5h10`
          : `M${x - 5} 116h7v7h-7zM${x - 1} 119.5h6v6h-6z` });
      return this.#light(name, svg("g", {}, svg("circle", { cx: x, cy: 120, r: 10.5 }), mark));
    };
    const guide = this.#light("guide", svg("circle", { cx: 220, cy: 88, r: 14 }));
    return svg("g", {}, small("back", 190), guide, small("start", 250));
  }
}
