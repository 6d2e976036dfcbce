// How far trades went against us and with us, beside how they ended; both in R.

const MANY = 3000;

function scatterChart(canvas, trades, across) {
  const known = trades.filter((trade) => trade.r !== null && trade[across] !== null);
  if (known.length === 0) return;
  const bounds = (values) => [Math.max(-4, Math.min(0, ...values)), Math.min(8, Math.max(0, ...values))];
  const [left, right] = bounds(sampled(known.map((trade) => trade[across])));
  const [low, high] = bounds(sampled(known.map((trade) => trade.r)));

  function sampled(values) {
    return [Math.min(...values.slice(0, 60000)), Math.max(...values.slice(0, 60000))];
  }

  function redraw() {
    const colours = palette();
    const height = 240;
    const pen = prepared(canvas, height);
    const area = { left: 4, right: canvas.clientWidth - 38, top: 8, bottom: height - FOOT };
    const x = scale(left - 0.1, right + 0.1, area.left, area.right);
    const y = scale(low - 0.1, high + 0.1, area.bottom, area.top);
    drawValueAxis(pen, area, y, low - 0.1, high + 0.1, (v, p) => signed(v, p), colours);
    const { ticks, places } = niceTicks(left, right, Math.floor(area.right / 60));
    pen.textAlign = 'center';
    pen.textBaseline = 'top';
    for (const tick of ticks) {
      pen.fillStyle = colours.soft;
      pen.fillText(signed(tick, places), x(tick), area.bottom + 7);
      if (Math.abs(tick) > 1e-9) continue;
      pen.fillRect(Math.round(x(0)), area.top, 1, area.bottom - area.top);
    }
    pen.globalAlpha = known.length > 400 ? 0.45 : 0.75;
    pen.lineWidth = 1.2;
    for (const trade of known) dot(pen, x(clip(trade[across], left, right)), y(clip(trade.r, low, high)), trade.r, colours);
    pen.globalAlpha = 1;
  }

  function clip(value, from, to) {
    return Math.max(from, Math.min(to, value));
  }

  // Winners are filled, losers are open rings.
  function dot(pen, x, y, r, colours) {
    if (known.length > MANY) {
      pen.fillStyle = r > 0 ? colours.gain : colours.loss;
      pen.fillRect(x - 1, y - 1, 2, 2);
      return;
    }
    pen.beginPath();
    pen.arc(x, y, 2.4, 0, 7);
    if (r > 0) {
      pen.fillStyle = colours.gain;
      pen.fill();
    } else {
      pen.strokeStyle = colours.loss;
      pen.stroke();
    }
  }

  redraws.push(redraw);
  redraw();
}
