// The λ explorer: one slider over the places of two paths; pictures and table follow it together.
// It computes nothing of statistics: every number is read from the page's own data.
(() => {
  "use strict";
  const source = document.getElementById("explorer-data");
  if (!source) return;
  const data = JSON.parse(source.textContent);
  const at = (id) => document.getElementById(`explorer-${id}`);
  const slider = at("place");
  const BLUE = "#0072B2", RED = "#D55E00", INK = "#1a1a1a", GREY = "#767676";
  const COLOURS = ["#D55E00", "#0072B2", "#009E73", "#CC79A7", "#B37700", "#000000", "#3B94C4"];
  const real = (text) => text.replace("-", "−");
  const show = (value) => (value === null || value === undefined ? "withheld" : real(d3.format(".4~g")(value)));
  // As many decimals as two digits of the posterior sd have.
  const fixed = (value, sd) => {
    if (!(sd >= 1e-4 && sd < 1e5)) return real(d3.format(".3~g")(value));
    const places = Math.max(0, 1 - Math.floor(Math.log10(sd)));
    return real(d3.format(`.${places}f`)(value)).replace(/^−(0(?:\.0*)?)$/, "$1");
  };
  const tick = (value) => real(d3.format(".3~g")(value));
  const share = (value) => (value < 0.001 ? "< 0.001" : value > 0.999 ? "> 0.999" : value.toFixed(3));
  const list = (words) => new Intl.ListFormat("en").format(words);

  const path = data.points.flatMap((point) =>
    data.names.map((name, j) => ({ name, j, scale: point.scale, value: point.map ? point.map[j] : NaN })));
  const last = data.points.at(-1);
  // Of what lies within a decade of the start: far out, bands of weak priors would make points of all others.
  const home = data.points[data.start].scale;
  const near = data.points.filter((point) => Math.abs(Math.log10(point.scale / home)) <= 1);
  const values = near.flatMap((point) =>
    data.names.flatMap((_, j) => [point.map?.[j], point.lower?.[j], point.upper?.[j]].filter(Number.isFinite)));
  const range = [Math.min(0, ...values), Math.max(0, ...values)];
  const chosen = { place: data.start };

  function width(id) {
    return Math.max(260, Math.min(540, Math.floor(at(id).clientWidth || 340)));
  }

  function put(id, chart, label) {
    // The whole is one image with one label: its groups keep their kind for tests, not for screen readers.
    for (const group of chart.querySelectorAll("g[aria-label]")) {
      group.dataset.mark = group.getAttribute("aria-label");
      group.removeAttribute("aria-label");
    }
    chart.setAttribute("role", "img");
    chart.setAttribute("aria-label", label);
    at(id).replaceChildren(chart);
  }

  function drawPath(point) {
    const ends = data.names.map((name, j) => ({ name, j, value: last.map ? last.map[j] : NaN }));
    put("path", Plot.plot({
      width: width("path"), height: 300, marginLeft: 46, marginRight: 84, marginBottom: 42, marginTop: 14,
      x: { type: "log", label: `${data.scaleName} → weaker`, ticks: 4, tickFormat: "~g" },
      y: { label: null, grid: false, nice: true, tickFormat: tick },
      marks: [
        Plot.ruleY([0], { stroke: GREY }),
        Plot.ruleX(data.marks, { x: "scale", stroke: GREY, strokeDasharray: "2,3" }),
        Plot.line(path, { x: "scale", y: "value", z: "name", stroke: (d) => COLOURS[d.j % COLOURS.length], strokeWidth: 1.5 }),
        Plot.text(spread(ends), { x: () => last.scale, y: "at", text: "short", fill: (d) => COLOURS[d.j % COLOURS.length], textAnchor: "start", dx: 5 }),
        Plot.ruleX([point.scale], { stroke: INK, strokeWidth: 2 }),
        Plot.dot(path.filter((d) => d.scale === point.scale), { x: "scale", y: "value", r: 3, fill: (d) => COLOURS[d.j % COLOURS.length] }),
      ],
    }), `Penalised optimum of ${data.names.length} coefficients against the ${data.scaleName}; the line stands at ${show(point.scale)}`);
  }

  // Names at the ends of lines, moved apart: pools of neighbours, each at its mean (isotonic regression).
  function spread(ends) {
    const sorted = ends.filter((d) => Number.isFinite(d.value)).sort((a, b) => a.value - b.value);
    const low = d3.min(path, (d) => d.value), high = d3.max(path, (d) => d.value);
    const apart = ((high - low) || 1) / 244 * 13;
    const pools = [];
    sorted.forEach((d, i) => {
      let pool = { sum: d.value - i * apart, count: 1 };
      while (pools.length && pools.at(-1).sum / pools.at(-1).count >= pool.sum / pool.count) {
        const before = pools.pop();
        pool = { sum: pool.sum + before.sum, count: pool.count + before.count };
      }
      pools.push(pool);
    });
    const levels = pools.flatMap((pool) => Array(pool.count).fill(pool.sum / pool.count));
    return sorted.map((d, i) => ({ ...d, at: levels[i] + i * apart, short: shorten(d.name, 12) }));
  }

  function shorten(name, most) {
    return name.length <= most ? name : `${name.slice(0, most / 2)}…${name.slice(1 - most / 2)}`;
  }

  function drawForest(point) {
    const rows = data.names.map((name, j) => ({
      name, map: point.map ? point.map[j] : NaN, zero: point.zero ? point.zero[j] : false,
      mean: point.mean ? point.mean[j] : NaN, lower: point.lower ? point.lower[j] : NaN, upper: point.upper ? point.upper[j] : NaN,
    }));
    const there = rows.filter((d) => Number.isFinite(d.lower));
    put("forest", Plot.plot({
      width: width("forest"), height: 60 + 21 * rows.length, marginLeft: 92, marginRight: 12, marginBottom: 42,
      x: { domain: range, nice: true, label: data.unit, labelAnchor: "right", ticks: 5, tickFormat: tick },
      y: { type: "band", domain: data.names, label: null, tickFormat: (d) => shorten(d, 12), tickSize: 0 },
      marks: [
        Plot.ruleX([0], { stroke: GREY }),
        Plot.ruleY(there, { clip: true, y: "name", x1: "lower", x2: "upper", stroke: BLUE, strokeWidth: 2.5, dy: 3 }),
        Plot.dot(there, { clip: true, y: "name", x: "mean", r: 3.5, fill: "white", stroke: BLUE, strokeWidth: 1.5, dy: 3 }),
        Plot.dot(rows.filter((d) => Number.isFinite(d.map)), { clip: true, y: "name", x: "map", r: 4, symbol: "diamond", fill: (d) => (d.zero ? "white" : RED), stroke: RED, strokeWidth: 1.5, dy: -5 }),
      ],
    }), "Posterior 95 % intervals and means, and the penalised optimum, at this strength; the table below has the numbers");
  }

  function drawPlane(point) {
    if (!data.pair) return;
    const plane = point.plane, [x, y] = data.limits;
    const lines = plane.loss.flatMap((line, k) => line.path.map(([a, b]) => ({ a, b, k, level: line.level })));
    const level = (plane.penalty || []).map(([a, b]) => ({ a, b }));
    const size = width("plane");
    put("plane", Plot.plot({
      width: size, height: Math.min(380, size), marginLeft: 46, marginBottom: 42, marginRight: 12, clip: true,
      x: { domain: x, label: `${shorten(data.pair[0], 24)} →`, ticks: 5, tickFormat: tick },
      y: { domain: y, label: `↑ ${shorten(data.pair[1], 24)}`, ticks: 5, tickFormat: tick },
      marks: [
        Plot.dot(plane.draws || [], { x: "0", y: "1", r: 1.6, fill: BLUE, fillOpacity: 0.45, clip: true }),
        Plot.line(lines, { x: "a", y: "b", z: "k", stroke: GREY, strokeWidth: 1, curve: "catmull-rom", clip: true }),
        Plot.ruleX([0], { stroke: GREY, strokeOpacity: 0.5 }),
        Plot.ruleY([0], { stroke: GREY, strokeOpacity: 0.5 }),
        Plot.line(level, { x: "a", y: "b", stroke: RED, strokeWidth: 1.8, fill: RED, fillOpacity: 0.1, curve: "linear-closed", clip: true }),
        Plot.dot(plane.least ? [plane.least] : [], { x: "0", y: "1", symbol: "times", r: 4, stroke: INK, strokeWidth: 1.6, clip: true }),
        Plot.dot(plane.optimum ? [plane.optimum] : [], { x: "0", y: "1", symbol: "diamond", r: 5, fill: RED, stroke: "white", clip: true }),
      ],
    }), `Loss contours, the penalty's level through the optimum, and posterior draws, for ${data.pair[0]} and ${data.pair[1]}`);
  }

  function fillTable(point) {
    const body = at("table").tBodies[0];
    body.replaceChildren(...data.names.map((name, j) => {
      const row = document.createElement("tr"), head = document.createElement("th");
      head.scope = "row";
      head.textContent = name;
      const exact = point.zero && point.zero[j] && point.map[j] === 0;
      const cells = [
        exact ? "0" : show(point.map?.[j]),
        point.mean ? `${fixed(point.mean[j], point.sd[j])} ± ${d3.format(".1~g")(point.mcse[j])}` : "withheld",
        point.lower ? `[${fixed(point.lower[j], point.sd[j])}, ${fixed(point.upper[j], point.sd[j])}]` : "withheld",
        point.positive ? share(point.positive[j]) : "withheld",
      ];
      row.append(head, ...cells.map((text) => {
        const cell = document.createElement("td");
        cell.textContent = text;
        return cell;
      }));
      return row;
    }));
    const others = data.columns - data.names.length;
    at("table").caption.textContent = `Coefficients at this strength: ${data.unit}` + (others ? `; ${others} more columns are not shown` : "");
  }

  function say(point, place) {
    const strength = point.lambda === null ? "" : `λ = ${show(point.lambda)}, `;
    at("here").textContent = `${strength}${data.scaleName} ${show(point.scale)}`;
    const unit = data.byNoise ? " (in units of σ)" : "";
    const here = data.marks.filter((mark) => mark.at === place).map((mark) => mark.label);
    const sets = point.nonzero === null ? "The optimum is not certified here." : `The optimum keeps ${point.nonzero} of ${data.columns} coefficients.`;
    const draws = point.mean ? `Posterior draws: ${point.how}.` : `Posterior withheld: ${point.trouble}.`;
    at("said").textContent = `${strength}${data.scaleName} ${show(point.scale)}${unit}${here.length ? `: ${list(here)}` : ""}. ${sets} ${draws}`;
    slider.setAttribute("aria-valuetext", `${strength}${data.scaleName} ${show(point.scale)}${here.length ? `, ${list(here)}` : ""}`);
    for (const button of at("marks").children) button.setAttribute("aria-pressed", String(Number(button.dataset.at) === place));
  }

  function draw() {
    const point = data.points[chosen.place];
    say(point, chosen.place);
    drawPath(point);
    drawForest(point);
    drawPlane(point);
    fillTable(point);
  }

  function go(place) {
    chosen.place = place;
    slider.value = String(place);
    draw();
  }

  slider.max = String(data.points.length - 1);
  slider.addEventListener("input", () => go(Number(slider.value)));
  for (const mark of data.marks) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = mark.label;
    button.title = mark.said;
    button.dataset.at = mark.at;
    button.addEventListener("click", () => go(mark.at));
    at("marks").append(button);
    const tick = document.createElement("span");
    tick.style.left = `${100 * mark.at / (data.points.length - 1)}%`;
    at("ticks").append(tick);
  }
  if (!data.pair) at("plane-figure").remove();
  at("still").hidden = true;
  document.getElementById("explorer").hidden = false;
  let waiting = 0;
  window.addEventListener("resize", () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(draw);
  });
  go(chosen.place);
})();
