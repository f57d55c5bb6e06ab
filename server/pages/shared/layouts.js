// What stands on the buttons of three families of gamepads.  Buttons are named by the place they
// have on an Xbox pad, as in the API; so "a" is the lower one, whatever is written on it.

const XBOX_FACES = {
  a: { text: "A" }, b: { text: "B" }, x: { text: "X" }, y: { text: "Y" },
};

const SIGNS = {
  cross: "M-5.4-5.4 5.4 5.4M5.4-5.4-5.4 5.4",
  square: "M-5-5H5V5H-5Z",
  triangle: "M0-6.4 6 4.2H-6Z",
  circle: "M-5.8 0A5.8 5.8 0 1 1 5.8 0A5.8 5.8 0 1 1-5.8 0Z",
};

const SHAPES = {
  xbox: "M112 66C150 54 290 54 328 66C370 70 396 122 410 192C420 244 402 280 374 277C348 274 330 242 304 222"
    + "C288 211 152 211 136 222C110 242 92 274 66 277C38 280 20 244 30 192C44 122 70 70 112 66Z",
  playstation: "M104 66C150 58 290 58 336 66C374 70 398 116 412 186C424 250 414 288 388 289C360 289 346 250 318 222"
    + "C304 210 136 210 122 222C94 250 80 289 52 289C26 288 16 250 28 186C42 116 66 70 104 66Z",
  switch: "M108 64C140 58 300 58 332 64C376 68 404 110 412 180C418 236 408 276 382 278C356 280 340 246 316 228"
    + "C296 216 144 216 124 228C100 246 84 280 58 278C32 276 22 236 28 180C36 110 64 68 108 64Z",
};

const ASYMMETRIC = { left: [118, 120], dpad: [168, 180], right: [272, 180], faces: [322, 120] };
const SYMMETRIC = { left: [166, 182], dpad: [112, 124], right: [274, 182], faces: [328, 124] };

export const LAYOUTS = {
  xbox: {
    title: "Xbox",
    shape: SHAPES.xbox,
    places: ASYMMETRIC,
    faces: XBOX_FACES,
    names: {
      left_trigger: "LT", right_trigger: "RT", left_shoulder: "LB", right_shoulder: "RB",
      left_thumb: "LS", right_thumb: "RS", start: "Menu", back: "View", guide: "Guide",
    },
  },
  playstation: {
    title: "PlayStation",
    shape: SHAPES.playstation,
    places: SYMMETRIC,
    faces: {
      a: { sign: SIGNS.cross, text: "Cross" }, b: { sign: SIGNS.circle, text: "Circle" },
      x: { sign: SIGNS.square, text: "Square" }, y: { sign: SIGNS.triangle, text: "Triangle" },
    },
    names: {
      left_trigger: "L2", right_trigger: "R2", left_shoulder: "L1", right_shoulder: "R1",
      left_thumb: "L3", right_thumb: "R3", start: "Options", back: "Share", guide: "Home",
    },
  },
  switch: {
    title: "Switch",
    shape: SHAPES.switch,
    places: ASYMMETRIC,
    faces: { a: { text: "B" }, b: { text: "A" }, x: { text: "Y" }, y: { text: "X" } },
    names: {
      left_trigger: "ZL", right_trigger: "ZR", left_shoulder: "L", right_shoulder: "R",
      left_thumb: "LS", right_thumb: "RS", start: "+", back: "−", guide: "Home",
    },
  },
};

export const DEFAULT_LAYOUT = "xbox";

/** The layout of that name, or Xbox's. */
export function layoutNamed(name) {
  return Object.hasOwn(LAYOUTS, name) ? name : DEFAULT_LAYOUT;
}

const WAYS = { dpad_up: "↑", dpad_down: "↓", dpad_left: "←", dpad_right: "→" };

/** What a button is called on a layout, in as few letters as it has there. */
export function labelOf(layout, button) {
  const { faces, names } = LAYOUTS[layoutNamed(layout)];
  return faces[button]?.text ?? names[button] ?? WAYS[button] ?? button;
}

/** The drawing on a face button, if it is one. */
export function signOf(layout, button) {
  return LAYOUTS[layoutNamed(layout)].faces[button]?.sign ?? null;
}
