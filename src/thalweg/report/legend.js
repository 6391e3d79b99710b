// Which rules are shown. Seven have a colour, a dash and a mark of their own; the rest are grey.

const SLOTS = 7;
const PLAIN_SLOT = 6; // black on white, white on black: plain gradient descent, where it takes part
for (const [index, rule] of rules.entries()) Object.assign(rule, { index, on: false, slot: null, drawn: null });
const withPlain = rules.some((rule) => rule.plain);
let charts = [];

function freeSlot(rule) {
  if (rule.plain) return PLAIN_SLOT;
  const taken = new Set(rules.filter((other) => other.on).map((other) => other.slot));
  for (let slot = 0; slot < SLOTS; slot += 1) if (!taken.has(slot) && !(withPlain && slot === PLAIN_SLOT)) return slot;
  return null;
}

/** Switch rules on or off; the first in the list come first to a colour. */
function switchRules(list, on) {
  for (const rule of list) {
    if (rule.on === on) continue;
    rule.slot = on ? freeSlot(rule) : null;
    rule.on = on;
    if (on && rule.drawn === null) rule.drawn = charts.flatMap((chart) => chart.draw?.(rule) ?? []);
    for (const renderer of rule.drawn ?? []) renderer.visible = on;
  }
  for (const chart of charts) chart.hand_over();
  repaint();
}

function repaint() {
  for (const chart of charts) chart.paint();
  repaintKeys();
}

function repaintKeys() {
  for (const button of document.querySelectorAll("[data-rule]")) {
    const rule = rules[Number(button.dataset.rule)];
    button.setAttribute("aria-pressed", String(rule.on));
    swatch(button.querySelector("svg"), rule);
  }
  for (const svg of document.querySelectorAll("[data-shade]")) {
    const colour = theme.shades[svg.dataset.shade];
    svg.replaceChildren(colour ? shape("rect", { width: 16, height: 12, fill: colour }) : cross(theme.soft));
  }
}

function shape(kind, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", kind);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}
const cross = (colour) => shape("path", { d: "M5 3l6 6M11 3l-6 6", stroke: colour, "stroke-width": 1.6 });

const OUTLINES = {
  circle: "M17 3.5a3.5 3.5 0 1 0 .01 0z",
  triangle: "M17 3l4 7.5h-8z",
  inverted_triangle: "M17 11l4-7.5h-8z",
  square: "M13.5 3.5h7v7h-7z",
  square_pin: "M13 3q4 2 8 0q-2 4 0 8q-4-2-8 0q2-4 0-8z",
  diamond: "M17 2.2l4 4.8-4 4.8-4-4.8z",
  plus: "M15.5 2.5h3v3h3v3h-3v3h-3v-3h-3v-3h3z",
};

function swatch(svg, rule) {
  const style = styleOf({ ...rule, index: rule.index });
  const colour = rule.on ? style.colour : theme.line;
  const dash = rule.on ? style.dash.join(" ") : "";
  svg.replaceChildren(
    shape("line", { x1: 1, x2: 33, y1: 7, y2: 7, stroke: colour, "stroke-width": rule.on ? 2 : 1.2, "stroke-dasharray": dash }),
    ...(rule.on ? [shape("path", { d: OUTLINES[style.mark], fill: colour })] : []),
  );
}

function lift(rule) {
  if (lifted === rule) return;
  lifted = rule;
  for (const chart of charts) chart.paint();
}

function listenToLegend() {
  const list = document.getElementById("rules");
  const ruleOf = (event) => {
    const button = event.target.closest("[data-rule]");
    return button ? rules[Number(button.dataset.rule)] : null;
  };
  const forward = (event) => {
    const rule = ruleOf(event);
    lift(rule?.on ? rule : null);
  };
  list.addEventListener("click", (event) => {
    const rule = ruleOf(event);
    if (!rule) return;
    switchRules([rule], !rule.on);
    lift(null);
  });
  list.addEventListener("pointerover", forward);
  list.addEventListener("focusin", forward);
  list.addEventListener("pointerleave", () => lift(null));
  list.addEventListener("focusout", () => lift(null));
  const zooms = document.querySelectorAll("[data-zoom]");
  for (const button of zooms) {
    button.addEventListener("click", () => {
      for (const other of zooms) other.setAttribute("aria-pressed", String(other === button));
      for (const chart of charts) chart.zoom?.(button.dataset.zoom === "near");
    });
  }
  for (const button of document.querySelectorAll("[data-show]")) {
    button.addEventListener("click", () => {
      const kind = button.dataset.show;
      const wanted = rules.filter((rule) => kind === "all" || (kind === "few" && rule.shown));
      if (kind !== "all") switchRules(rules.filter((rule) => !wanted.includes(rule)), false);
      switchRules(wanted, true);
    });
  }
}
