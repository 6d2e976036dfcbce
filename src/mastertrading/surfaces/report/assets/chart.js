// A chart over time on a canvas: axes, a line to read values at, zoom by dragging, a strip below that shows where one is.

const MINUTE = 60000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720].map((m) => m * MINUTE).concat([1, 2, 7, 14].map((d) => d * DAY));
const RIGHT = 58;
const FOOT = 22;
const STRIP = 34;
const redraws = [];

function make(name, options = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(options)) {
    if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== false) node.setAttribute(key, value === true ? '' : value);
  }
  node.append(...children);
  return node;
}

function pad(number) {
  return String(number).padStart(2, '0');
}

function moment(ms) {
  const d = new Date(ms);
  return `${d.getUTCFullYear()}-${pad(d.getUTCMonth() + 1)}-${pad(d.getUTCDate())} ${clock(ms)}`;
}

function clock(ms) {
  const d = new Date(ms);
  return `${pad(d.getUTCHours())}:${pad(d.getUTCMinutes())}`;
}

function duration(ms) {
  const minutes = Math.round(ms / MINUTE);
  const time = `${pad(Math.floor((minutes % 1440) / 60))}:${pad(minutes % 60)}`;
  return minutes < 1440 ? time : `${Math.floor(minutes / 1440)}d ${time}`;
}

function length(ms) {
  if (ms % DAY === 0) return `${ms / DAY}d`;
  return ms % HOUR === 0 ? `${ms / HOUR}h` : `${ms / MINUTE}m`;
}

function fixed(value, places) {
  const plain = Math.abs(value).toFixed(places);
  const [whole, decimals] = plain.split('.');
  const text = whole.replace(/\B(?=(\d{3})+$)/g, ',') + (decimals ? `.${decimals}` : '');
  return value < 0 && Number(plain) !== 0 ? `−${text}` : text;
}

function signed(value, places) {
  const text = fixed(value, places);
  return value > 0 && /[1-9]/.test(text) ? `+${text}` : text;
}

function palette() {
  const style = getComputedStyle(document.documentElement);
  const names = ['paper', 'ink', 'soft', 'faint', 'rule', 'gain', 'loss', 'wash'];
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

// A context in CSS pixels, cleared.
function prepared(canvas, height) {
  const width = canvas.clientWidth;
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.height = `${height}px`;
  const pen = canvas.getContext('2d');
  pen.scale(ratio, ratio);
  pen.clearRect(0, 0, width, height);
  pen.font = '11px system-ui, sans-serif';
  pen.lineJoin = 'round';
  return pen;
}

function scale(low, high, from, to) {
  const factor = (to - from) / (high - low || 1);
  return (value) => from + (value - low) * factor;
}

function niceTicks(low, high, count) {
  const rough = (high - low) / Math.max(1, count) || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough * 0.999);
  const ticks = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) ticks.push(k * step);
  return { ticks, places: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
}

// Even moments with labels; months where days would be too dense.
function timeTicks(from, to, count) {
  const step = STEPS.find((s) => (to - from) / s <= count);
  const ticks = [];
  if (step) {
    for (let t = Math.ceil(from / step) * step; t <= to; t += step) {
      ticks.push([t, t % DAY === 0 ? moment(t).slice(5, 10) : clock(t)]);
    }
    return ticks;
  }
  const every = [1, 2, 3, 6, 12].find((m) => (to - from) / (m * 30.4 * DAY) <= count) || 12;
  const d = new Date(from);
  for (let k = 1; k < 600; k++) {
    const month = d.getUTCMonth() + k;
    const t = Date.UTC(d.getUTCFullYear(), month, 1);
    if (t > to) break;
    if (month % every === 0) ticks.push([t, moment(t).slice(0, 7)]);
  }
  return ticks;
}

function drawTimeAxis(pen, area, view, colours) {
  const x = scale(view.from, view.to, area.left, area.right);
  pen.textAlign = 'center';
  pen.textBaseline = 'top';
  for (const [t, label] of timeTicks(view.from, view.to, Math.max(2, Math.floor((area.right - area.left) / 76)))) {
    const at = Math.round(x(t)) + 0.5;
    pen.strokeStyle = colours.rule;
    pen.beginPath();
    pen.moveTo(at, area.bottom);
    pen.lineTo(at, area.bottom + 4);
    pen.stroke();
    pen.fillStyle = colours.soft;
    const half = pen.measureText(label).width / 2;
    pen.fillText(label, Math.min(Math.max(at, area.left + half), area.right + RIGHT - half), area.bottom + 7);
  }
}

function drawValueAxis(pen, area, y, low, high, write, colours, count = 5) {
  const { ticks, places } = niceTicks(low, high, Math.min(count, Math.floor((area.bottom - area.top) / 26)));
  pen.textAlign = 'left';
  pen.textBaseline = 'middle';
  pen.lineWidth = 1;
  for (const tick of ticks) {
    const at = Math.round(y(tick)) + 0.5;
    if (at < area.top - 1 || at > area.bottom + 1) continue;
    pen.strokeStyle = Math.abs(tick) < 1e-12 ? colours.soft : colours.rule;
    pen.beginPath();
    pen.moveTo(area.left, at);
    pen.lineTo(area.right, at);
    pen.stroke();
    pen.fillStyle = colours.soft;
    pen.fillText(write(tick, places), area.right + 6, at);
  }
}

// Makes the elements and wires them. `spec`: height, limits, smallest (ms), label, draw(pen, area, view, colours),
// overview(pen, area, view, colours), read(ms) → {at, parts: [[text, class]]}.
function timeChart(host, spec) {
  const view = { from: spec.limits[0], to: spec.limits[1], at: null };
  const readout = make('p', { class: 'readout', 'aria-live': 'off' });
  const canvas = make('canvas', { class: 'plot', role: 'img', tabindex: '0', 'aria-label': spec.label });
  const strip = make('canvas', { class: 'strip', 'aria-hidden': 'true' });
  const tools = make('div', { class: 'tools' });
  host.append(readout, canvas, strip, tools);
  const area = () => ({ left: 0, right: canvas.clientWidth - RIGHT, top: 8, bottom: spec.height() - FOOT });
  const toTime = (x) => scale(area().left, area().right, view.from, view.to)(x);
  let dragged = null;

  function show(from, to) {
    const [low, high] = spec.limits;
    const span = Math.min(high - low, Math.max(to - from, spec.smallest));
    view.from = Math.max(low, Math.min(from, high - span));
    view.to = view.from + span;
    redraw();
  }

  function zoom(factor, middle = (view.from + view.to) / 2) {
    show(middle - (middle - view.from) * factor, middle + (view.to - middle) * factor);
  }

  function pan(share) {
    const by = share * (view.to - view.from);
    show(view.from + by, view.to + by);
  }

  function redraw() {
    const colours = palette();
    const pen = prepared(canvas, spec.height());
    const box = area();
    spec.draw(pen, box, view, colours);
    drawTimeAxis(pen, box, view, colours);
    const told = spec.read(view.at === null ? null : view.at);
    if (view.at !== null && told.at !== null) drawLine(pen, box, told.at, colours);
    if (dragged && Math.abs(dragged.to - dragged.from) > 4) {
      pen.fillStyle = colours.wash;
      pen.fillRect(Math.min(dragged.from, dragged.to), box.top, Math.abs(dragged.to - dragged.from), box.bottom - box.top);
    }
    readout.replaceChildren(...told.parts.map(([text, kind]) => make('span', { class: kind }, text)));
    drawStrip(colours);
  }

  function drawLine(pen, box, at, colours) {
    const x = Math.round(scale(view.from, view.to, box.left, box.right)(at)) + 0.5;
    if (x < box.left || x > box.right) return;
    pen.strokeStyle = colours.soft;
    pen.lineWidth = 1;
    pen.beginPath();
    pen.moveTo(x, box.top);
    pen.lineTo(x, box.bottom);
    pen.stroke();
  }

  function drawStrip(colours) {
    const pen = prepared(strip, STRIP);
    const box = { left: 0, right: strip.clientWidth - RIGHT, top: 3, bottom: STRIP - 3 };
    spec.overview(pen, box, { from: spec.limits[0], to: spec.limits[1] }, colours);
    const x = scale(spec.limits[0], spec.limits[1], box.left, box.right);
    const [a, b] = [x(view.from), Math.max(x(view.to), x(view.from) + 3)];
    pen.fillStyle = colours.wash;
    pen.fillRect(box.left, 0, a - box.left, STRIP);
    pen.fillRect(b, 0, box.right - b, STRIP);
    pen.strokeStyle = colours.ink;
    pen.strokeRect(Math.round(a) + 0.5, 0.5, Math.max(2, Math.round(b - a) - 1), STRIP - 1);
  }

  const place = (event) => event.clientX - event.currentTarget.getBoundingClientRect().left;
  canvas.addEventListener('pointerdown', (event) => {
    if (event.pointerType !== 'mouse' || event.button !== 0) return;
    dragged = { from: place(event), to: place(event) };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener('pointermove', (event) => {
    view.at = toTime(Math.min(place(event), area().right));
    if (dragged) dragged.to = Math.min(place(event), area().right);
    redraw();
  });
  canvas.addEventListener('pointerup', () => {
    const ends = dragged && [dragged.from, dragged.to].sort((a, b) => a - b);
    dragged = null;
    if (ends && ends[1] - ends[0] > 4) show(toTime(ends[0]), toTime(ends[1]));
    else if (spec.click && view.at !== null) spec.click(view.at);
  });
  canvas.addEventListener('pointerleave', () => {
    if (dragged) return;
    view.at = null;
    redraw();
  });
  canvas.addEventListener('pointercancel', () => { dragged = null; });
  canvas.addEventListener('dblclick', () => show(...spec.limits));
  canvas.addEventListener('keydown', (event) => {
    const step = (view.to - view.from) / 60;
    const moves = {
      ArrowLeft: () => move(-step),
      ArrowRight: () => move(step),
      Home: () => pan(-1),
      End: () => pan(1),
      '+': () => zoom(0.5, view.at ?? undefined),
      '-': () => zoom(2, view.at ?? undefined),
      0: () => show(...spec.limits),
      Escape: () => { view.at = null; redraw(); },
    };
    if (!moves[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    readout.setAttribute('aria-live', 'polite');
    moves[event.key]();
  });

  function move(step) {
    view.at = Math.max(spec.limits[0], Math.min(spec.limits[1], (view.at ?? (view.from + view.to) / 2) + step));
    if (view.at < view.from || view.at > view.to) pan(view.at < view.from ? -0.5 : 0.5);
    else redraw();
  }

  let grip = null;
  const stripTime = (event) => scale(0, strip.clientWidth - RIGHT, ...spec.limits)(place(event));
  strip.addEventListener('pointerdown', (event) => {
    const t = stripTime(event);
    const near = (10 / (strip.clientWidth - RIGHT)) * (spec.limits[1] - spec.limits[0]);
    const span = view.to - view.from;
    const whole = span > 0.98 * (spec.limits[1] - spec.limits[0]);
    if (Math.abs(t - view.from) < near && span > 2 * near) grip = { kind: 'from' };
    else if (Math.abs(t - view.to) < near && span > 2 * near) grip = { kind: 'to' };
    else if (whole) grip = { kind: 'new', start: t };
    else {
      if (t < view.from || t > view.to) show(t - span / 2, t + span / 2);
      grip = { kind: 'all', offset: t - view.from };
    }
    strip.setPointerCapture(event.pointerId);
  });
  strip.addEventListener('pointermove', (event) => {
    if (!grip) return;
    const t = stripTime(event);
    if (grip.kind === 'from') show(Math.min(t, view.to - spec.smallest), view.to);
    if (grip.kind === 'to') show(view.from, Math.max(t, view.from + spec.smallest));
    if (grip.kind === 'all') show(t - grip.offset, t - grip.offset + (view.to - view.from));
    if (grip.kind === 'new') show(Math.min(t, grip.start), Math.max(t, grip.start));
  });
  for (const name of ['pointerup', 'pointercancel']) strip.addEventListener(name, () => { grip = null; });

  const button = (text, label, act) => make('button', { type: 'button', 'aria-label': label, title: label, onclick: act }, text);
  tools.append(
    button('←', words.earlier, () => pan(-0.5)),
    button('→', words.later, () => pan(0.5)),
    button('+', words.zoom_in, () => zoom(0.5)),
    button('−', words.zoom_out, () => zoom(2)),
    button(words.reset, words.reset, () => show(...spec.limits)),
    make('span', { class: 'hint' }, words.keys),
  );
  redraws.push(redraw);
  redraw();
  return { show, redraw, view, tools };
}
