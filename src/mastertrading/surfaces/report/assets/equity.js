// The account's curve in per cent, the market beside it, and the distance from the peak below.

function equityChart(host) {
  const t = unpackRising(data.curve.t);
  const nav = unpackRising(data.curve.nav).map((v) => v / 1e6);
  const money = unpackRising(data.curve.equity);
  const held = data.curve.held === null ? null : unpackRising(data.curve.held).map((v) => v / 1e6);
  let peak = 1;
  const depth = nav.map((value) => value / (peak = Math.max(peak, value)) - 1);
  const narrow = () => host.clientWidth < 600;
  const height = () => (narrow() ? 330 : 430);
  const limits = [data.from, Math.max(data.to, data.from + data.base)];
  if (t.length === 0) return null;
  let withMarket = held !== null;
  let band = null;

  function line(pen, x, y, values, from, to) {
    pen.beginPath();
    for (let k = from; k < to; k++) pen.lineTo(x(t[k]), y(values[k]));
    pen.stroke();
  }

  // The rows of a view, one more at each side so that lines reach the edges.
  function rows(view) {
    return [Math.max(0, search(t, view.from) - 1), Math.min(t.length, search(t, view.to) + 2)];
  }

  function extent(values, [from, to]) {
    let low = Infinity;
    let high = -Infinity;
    for (let k = from; k < to; k++) {
      low = Math.min(low, values[k]);
      high = Math.max(high, values[k]);
    }
    return [low, high];
  }

  function draw(pen, area, view, colours) {
    const split = area.top + (area.bottom - area.top) * 0.68;
    const seen = rows(view);
    const x = scale(view.from, view.to, area.left, area.right);
    const ends = [extent(nav, seen), withMarket ? extent(held, seen) : [1, 1]];
    const low = Math.min(1, ends[0][0], ends[1][0]) - 1;
    const high = Math.max(1, ends[0][1], ends[1][1]) - 1;
    const room = (high - low || 0.01) * 0.06;
    const top = { ...area, bottom: split };
    const y = scale(low - room, high + room, top.bottom, top.top);
    drawValueAxis(pen, top, y, low - room, high + room, (v, p) => percent(v, p), colours);
    const growth = (v) => y(v - 1);
    pen.save();
    pen.beginPath();
    pen.rect(area.left, area.top, area.right - area.left, area.bottom - area.top);
    pen.clip();
    if (band) {
      pen.fillStyle = colours.wash;
      pen.fillRect(x(band[0]), area.top, Math.max(2, x(band[1]) - x(band[0])), area.bottom - area.top);
    }
    if (withMarket) {
      pen.strokeStyle = colours.soft;
      pen.lineWidth = 1;
      pen.setLineDash([4, 3]);
      line(pen, x, growth, held, ...seen);
      pen.setLineDash([]);
    }
    pen.strokeStyle = colours.ink;
    pen.lineWidth = 1.6;
    line(pen, x, growth, nav, ...seen);
    pen.restore();
    drawDepth(pen, { ...area, top: split + 18 }, view, x, seen, colours);
  }

  function drawDepth(pen, area, view, x, seen, colours) {
    const [deepest] = extent(depth, seen);
    const low = Math.min(deepest, -1e-4) * 1.08;
    const y = scale(low, 0, area.bottom, area.top);
    drawValueAxis(pen, area, y, low, 0, (v, p) => percent(v, p), colours, 3);
    pen.save();
    pen.beginPath();
    pen.rect(area.left, area.top - 1, area.right - area.left, area.bottom - area.top + 2);
    pen.clip();
    pen.beginPath();
    pen.moveTo(x(t[seen[0]]), y(0));
    for (let k = seen[0]; k < seen[1]; k++) pen.lineTo(x(t[k]), y(depth[k]));
    pen.lineTo(x(t[seen[1] - 1]), y(0));
    pen.globalAlpha = 0.22;
    pen.fillStyle = colours.loss;
    pen.fill();
    pen.globalAlpha = 1;
    pen.strokeStyle = colours.loss;
    pen.lineWidth = 1;
    line(pen, x, y, depth, ...seen);
    pen.restore();
  }

  function percent(value, places) {
    return `${signed(value * 100, Math.max(0, places - 2))} %`;
  }

  function overview(pen, area, view, colours) {
    const x = scale(view.from, view.to, area.left, area.right);
    const [low, high] = extent(nav, [0, t.length]);
    pen.strokeStyle = colours.soft;
    pen.lineWidth = 1;
    line(pen, x, scale(low, high, area.bottom, area.top), nav, 0, t.length);
  }

  function read(at) {
    const k = at === null ? t.length - 1 : Math.max(0, Math.min(t.length - 1, search(t, at)));
    const parts = [
      [moment(t[k]), 'when'],
      [`${words.strategy} ${signed((nav[k] - 1) * 100, 2)} %`, 'key-strategy'],
    ];
    if (withMarket) parts.push([`${words.market} ${signed((held[k] - 1) * 100, 2)} %`, 'key-market']);
    parts.push([`${words.drawdown} ${fixed(-depth[k] * 100, 2)} %`, 'key-drawdown']);
    parts.push([`${words.equity} ${fixed(money[k] / 100, 2)} USDT`, '']);
    return { at: t[k], parts };
  }

  const label = `${words.equity}, ${words.drawdown}. ${read(null).parts.map((part) => part[0]).join(', ')}. ${words.keys}`;
  const chart = timeChart(host, { height, limits, smallest: 20 * data.base, label, draw, overview, read });
  if (held) chart.tools.insertBefore(marketButton(), chart.tools.lastChild);
  chart.shade = (from, to) => {
    band = [from, to];
    chart.redraw();
  };
  return chart;

  function marketButton() {
    const button = make('button', { type: 'button', 'aria-pressed': 'true' }, words.market);
    button.addEventListener('click', () => {
      withMarket = !withMarket;
      button.setAttribute('aria-pressed', String(withMarket));
      chart.redraw();
    });
    return button;
  }
}
