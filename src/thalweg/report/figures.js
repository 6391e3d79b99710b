// One chart: a Bokeh figure without tools, with our axes, dressed in the colours of the page.

const data = JSON.parse(document.getElementById("chart-data").textContent);
const rules = data.rules;
const root = document.documentElement;
const FONT = getComputedStyle(root).fontFamily;
const narrow = window.innerWidth < 560;

/** The colours that the style sheet has at this moment: light, dark, or for paper. */
function colours() {
  const style = getComputedStyle(root);
  const named = (name) => style.getPropertyValue(`--${name}`).trim();
  const list = (letter, count) => Array.from({ length: count }, (_, k) => named(letter + k));
  const names = ["ink", "soft", "line", "grid", "grey", "band", "panel", "dot"];
  return { ...Object.fromEntries(names.map((name) => [name, named(name)])), series: list("c", 7), shades: list("h", 9) };
}
let theme = colours();

const number = (value) => (value === null ? NaN : value);
const numbers = (values) => values.map(number);

/** The tables write exponents with two digits. */
const exponent = (text) => text.replace(/e([-+])(\d)$/, "e$10$2");

/** A number as text: few digits, the same in every language. */
function written(value, digits = 4) {
  if (value === null || !Number.isFinite(value)) return "diverged";
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-4 || size >= 1e6)
    ? exponent(value.toExponential(digits - 1).replace(/\.?0+e/, "e"))
    : String(Number(value.toPrecision(digits)));
}

/** A loss as text: always four digits, so that losses can be compared. */
function lossText(value) {
  if (value === null || !Number.isFinite(value)) return "diverged";
  return value !== 0 && Math.abs(value) < 1e-4 ? exponent(value.toExponential(3)) : value.toPrecision(4);
}

const raised = (exponent) => "10" + String(exponent).replace(/./g, (sign) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[sign] ?? "⁻");

/** Where to mark an axis: the places, their texts, and the places between. */
function ticks([low, high], log, most) {
  if (!log) {
    const rough = (high - low) / most;
    const unit = 10 ** Math.floor(Math.log10(rough));
    const step = unit * [1, 2, 5, 10].find((factor) => factor * unit >= rough * 0.999);
    const places = [];
    for (let k = Math.ceil(low / step - 1e-9); k * step <= high * (1 + 1e-12) && places.length < 50; k += 1) places.push(k * step);
    return { places, texts: places.map((place) => written(Number(place.toPrecision(10)), 6)), between: [] };
  }
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const inside = (place) => place >= low * (1 - 1e-9) && place <= high * (1 + 1e-9);
  const decades = Math.log10(high / low);
  const all = (factors) => {
    const found = [];
    for (let k = first; k <= last; k += 1) for (const factor of factors) found.push(Number((factor * 10 ** k).toPrecision(6)));
    return found.filter(inside);
  };
  const between = decades < 9 ? all([2, 3, 4, 5, 6, 7, 8, 9]) : [];
  const apart = (places) => places.every((place, k) => !k || Math.log10(place / places[k - 1]) > (0.8 * decades) / most);
  for (const factors of [[1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8], [1, 2, 3, 5], [1, 2, 5], [1, 3]]) {
    const places = all(factors);
    if (places.length > 1 && places.length <= most && apart(places)) return { places, texts: places.map((place) => written(place)), between };
  }
  const powers = all([1]);
  const every = Math.ceil(powers.length / most);
  const places = powers.filter((place) => Math.round(Math.log10(place)) % every === 0);
  return { places, texts: places.map((place) => raised(Math.round(Math.log10(place)))), between };
}

class Chart {
  /** x, y: {range, log, label, marks (see ticks; null for none)}; wide: room for the names of rules on the left. */
  constructor(kind, { x, y, height, wide = false }) {
    this.holder = document.getElementById(`${kind}-chart`);
    this.x = x;
    this.y = y;
    this.painters = [];
    this.made = []; // glyphs that the figure does not have yet
    this.points = new Map(); // rule -> [{x, y, lines}], what the readout tells
    const range = (pair) => new Bokeh.Range1d({ start: pair[0], end: pair[1] });
    this.figure = Bokeh.Plotting.figure({
      x_axis_type: x.log ? "log" : "linear",
      y_axis_type: y.log ? "log" : "linear",
      x_range: range(x.range),
      y_range: range(y.range),
      sizing_mode: "stretch_width",
      height,
      min_width: 200,
      min_border_right: 14,
      min_border_top: 10,
      toolbar_location: null,
      tools: [],
      background_fill_color: null,
      border_fill_color: null,
      outline_line_color: null,
    });
    this.dress_axis(this.figure.xaxis, this.figure.xgrid, x);
    this.dress_axis(this.figure.yaxis, this.figure.ygrid, y);
    if (wide) for (const grid of this.figure.ygrid) grid.visible = false;
    this.painters.push(() => this.dress());
  }

  dress_axis(axes, grids, { label, marks }) {
    this.mark(axes, grids, marks);
    for (const axis of axes) {
      axis.axis_label = label ?? null;
      axis.axis_label_text_font = axis.major_label_text_font = FONT;
      axis.axis_label_text_font_style = "normal";
      axis.axis_label_text_font_size = "13px";
      axis.major_label_text_font_size = narrow ? "11px" : "12px";
      axis.major_tick_in = axis.minor_tick_out = 0;
      axis.major_tick_out = 4;
      if (marks.between.length) axis.minor_tick_out = 2;
    }
  }

  mark(axes, grids, { places, texts, between }) {
    const named = new Map(places.map((place, k) => [place, new Bokeh.PlainText({ text: texts[k] })]));
    for (const axis of axes) axis.setv({ ticker: new Bokeh.FixedTicker({ ticks: places, minor_ticks: between }), major_label_overrides: named });
    for (const grid of grids) grid.ticker = new Bokeh.FixedTicker({ ticks: places });
  }

  /** Name one place on the right. */
  mark_right(place, text) {
    const axis = new Bokeh[this.y.log ? "LogAxis" : "LinearAxis"]({ axis_line_color: null, major_tick_line_color: null, minor_tick_line_color: null });
    this.mark([axis], [], { places: [place], texts: [text], between: [] });
    axis.setv({ major_label_text_font: FONT, major_label_text_font_size: "11px", major_label_standoff: 0, major_tick_out: 2, major_tick_in: 0 });
    this.figure.add_layout(axis, "right");
    this.painters.push(() => (axis.major_label_text_color = theme.soft));
  }

  set_y(y) {
    this.y = y;
    this.figure.y_range.setv({ start: y.range[0], end: y.range[1] });
    this.mark(this.figure.left, this.figure.ygrid, y.marks);
    this.paint();
  }

  dress() {
    for (const axis of [...this.figure.below, ...this.figure.left]) {
      axis.axis_line_color = axis.major_tick_line_color = axis.minor_tick_line_color = theme.soft;
      axis.axis_label_text_color = theme.ink;
      axis.major_label_text_color = theme.soft;
    }
    for (const grid of [...this.figure.xgrid, ...this.figure.ygrid]) grid.grid_line_color = theme.grid;
  }

  /** Make glyphs: kind as Bokeh calls it, columns by name, fixed properties, and what depends on colours. */
  add(kind, columns, { level = "glyph", ...fixed }, painted) {
    const source = new Bokeh.ColumnDataSource({ data: columns });
    const fields = Object.fromEntries(Object.keys(columns).map((name) => [name, { field: name }]));
    const glyph = new Bokeh[kind]({ ...fields, ...fixed });
    const paint = () => {
      const { data: moved, ...look } = painted();
      if (moved) source.data = { ...source.data, ...moved };
      glyph.setv(look);
    };
    this.painters.push(paint);
    paint();
    const renderer = new Bokeh.GlyphRenderer({ data_source: source, glyph, level });
    this.made.push(renderer);
    return renderer;
  }

  /** Hand the figure what was made, all at once: it lays itself out anew each time. */
  hand_over() {
    if (this.made.length) this.figure.renderers = [...this.figure.renderers, ...this.made.splice(0)];
  }

  paint() {
    for (const painter of this.painters) painter();
  }

  async show() {
    this.hand_over();
    this.view = await Bokeh.Plotting.show(this.figure, this.holder);
  }

  /** Where a point of the data is in the holder, in pixels; at the edge where it lies outside. */
  place(x, y) {
    const { x_scale, y_scale, bbox } = this.view.frame;
    const down = y_scale.compute(y ?? this.strip(0.5));
    return [x_scale.compute(x), Math.min(Math.max(down, bbox.top), bbox.bottom)];
  }

  /** The chart as a drawing that scales with the paper, its colours exchanged: Bokeh would take time to change them. */
  drawing(exchanged) {
    const svg = this.view.export("svg", false).canvas;
    for (const part of svg.querySelectorAll("[fill], [stroke]")) {
      for (const name of ["fill", "stroke"]) {
        const other = exchanged.get(part.getAttribute(name));
        if (other) part.setAttribute(name, other);
      }
    }
    const { width, height } = this.view.bbox;
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.removeAttribute("width");
    svg.removeAttribute("height");
    return svg;
  }
}
