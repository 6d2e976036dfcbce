// Candles of one instrument with what was traded on them: entries, partial closes, exits, and where the stop rested.

const CROWD = 200; // so many trades in sight are dots

function candleChart(host, trades) {
  const cache = new Map();
  const select = make('select', { 'aria-label': words.instrument });
  data.instruments.forEach((item, k) => select.append(make('option', { value: k }, item.name)));
  const heading = make('p', { class: 'pick' }, select, make('span', { class: 'legend' }, words.legend));
  host.append(heading);
  let which = 0;
  let chosen = null;
  const tick = () => data.instruments[which].tick;
  const price = (ticks) => fixed(ticks * tick(), data.instruments[which].places);
  const height = () => (host.clientWidth < 600 ? 320 : 440);

  function bars(level) {
    const key = `${level}/${which}`;
    if (!cache.has(key)) cache.set(key, unpackBars(data.candles[level].of[which], data.candles[level].ms));
    return cache.get(key);
  }

  // The finest level that is not too dense and has (nearly) every bar of the view; else the coarsest.
  function levelFor(view, width) {
    const wanted = (view.to - view.from) / (width / 4.5);
    for (let k = data.candles.length - 1; k > 0; k--) {
      const { ms, whole } = data.candles[k];
      if (ms < wanted * 0.999) continue;
      if (whole) return k;
      const { t } = bars(k);
      const there = search(t, view.to) - search(t, view.from);
      const span = Math.min(view.to, data.to) - Math.max(view.from, data.from);
      if (there >= 0.9 * (span / ms) - 1) return k;
    }
    return 0;
  }

  function draw(pen, area, view, colours) {
    const level = levelFor(view, area.right - area.left);
    const { ms } = data.candles[level];
    const all = bars(level);
    const from = Math.max(0, search(all.t, view.from - ms));
    const to = search(all.t, view.to);
    const mine = trades.filter((trade) => trade.instrument === which && trade.closed >= view.from && trade.opened <= view.to);
    if (from >= to) {
      pen.fillStyle = colours.soft;
      pen.fillText(words.no_bars, area.left + 8, (area.top + area.bottom) / 2);
      return;
    }
    const [low, high] = extent(all, from, to, mine);
    const room = (high - low || 1) * 0.07;
    const y = scale(low - room, high + room, area.bottom, area.top);
    const x = scale(view.from, view.to, area.left, area.right);
    const places = data.instruments[which].places;
    const inPrices = (p) => y(p / tick());
    drawValueAxis(pen, area, inPrices, (low - room) * tick(), (high + room) * tick(), (v, p) => fixed(v, Math.min(places, p)), colours, 6);
    pen.save();
    pen.beginPath();
    pen.rect(area.left, area.top - 6, area.right - area.left, area.bottom - area.top + 6);
    pen.clip();
    if (chosen && chosen.instrument === which) {
      pen.fillStyle = colours.wash;
      pen.fillRect(x(chosen.opened), area.top, x(chosen.closed) - x(chosen.opened), area.bottom - area.top);
    }
    drawBars(pen, all, from, to, ms, x, y, colours);
    for (const trade of mine) drawTrade(pen, trade, x, y, colours, mine.length);
    pen.restore();
  }

  function extent(all, from, to, mine) {
    let low = Infinity;
    let high = -Infinity;
    for (let k = from; k < to; k++) {
      low = Math.min(low, all.l[k]);
      high = Math.max(high, all.h[k]);
    }
    if (mine.length <= 3) {
      for (const trade of mine) {
        for (const stop of trade.stops) {
          low = Math.min(low, stop.px);
          high = Math.max(high, stop.px);
        }
      }
    }
    return [low, high];
  }

  function drawBars(pen, all, from, to, ms, x, y, colours) {
    const step = x(ms) - x(0);
    const wide = Math.max(1, Math.min(11, step * 0.68));
    pen.strokeStyle = colours.soft;
    pen.lineWidth = 1;
    for (let k = from; k < to; k++) {
      const middle = x(all.t[k] + ms / 2);
      const [top, bottom] = [y(Math.max(all.o[k], all.c[k])), y(Math.min(all.o[k], all.c[k]))];
      pen.beginPath();
      pen.moveTo(middle, y(all.h[k]));
      pen.lineTo(middle, top);
      pen.moveTo(middle, bottom);
      pen.lineTo(middle, y(all.l[k]));
      pen.stroke();
      const tall = Math.max(1, bottom - top);
      if (all.c[k] < all.o[k]) {
        pen.fillStyle = colours.soft;
        pen.fillRect(middle - wide / 2, top, wide, tall);
      } else if (wide < 3) {
        pen.strokeRect(middle - wide / 2, top, wide, tall);
      } else {
        pen.fillStyle = colours.paper;
        pen.fillRect(middle - wide / 2, top, wide, tall);
        pen.strokeRect(middle - wide / 2, top, wide, tall);
      }
    }
  }

  function drawTrade(pen, trade, x, y, colours, crowd) {
    const colour = trade.side > 0 ? colours.gain : colours.loss;
    const strong = !chosen || chosen === trade || chosen.instrument !== which;
    if (crowd > CROWD && trade !== chosen) {
      pen.fillStyle = colour;
      pen.fillRect(x(trade.opened) - 1, y(trade.entry) - 1, 2, 2);
      return;
    }
    const mark = crowd > 60 ? 4 : 6;
    pen.globalAlpha = strong ? 1 : 0.55;
    pen.strokeStyle = colour;
    pen.lineWidth = 1.2;
    pen.beginPath();
    pen.moveTo(x(trade.opened), y(trade.entry));
    pen.lineTo(x(trade.closed), y(trade.exit));
    pen.stroke();
    if (x(trade.closed) - x(trade.opened) > 12) drawStops(pen, trade, x, y, colours);
    pen.fillStyle = colour;
    triangle(pen, x(trade.opened), y(trade.entry), mark, trade.side);
    for (const fill of trade.partials) {
      pen.beginPath();
      pen.arc(x(fill.t), y(fill.px), mark * 0.65, 0, 7);
      pen.fillStyle = colours.paper;
      pen.fill();
      pen.stroke();
    }
    cross(pen, x(trade.closed), y(trade.exit), mark * 0.75);
    pen.globalAlpha = 1;
  }

  function drawStops(pen, trade, x, y, colours) {
    if (trade.stops.length === 0) return;
    pen.strokeStyle = colours.ink;
    pen.lineWidth = 1;
    pen.setLineDash([3, 3]);
    pen.beginPath();
    trade.stops.forEach((stop, k) => {
      const next = trade.stops[k + 1];
      if (k > 0) pen.lineTo(x(stop.t), y(stop.px));
      else pen.moveTo(x(stop.t), y(stop.px));
      pen.lineTo(x(next ? Math.min(next.t, trade.closed) : trade.closed), y(stop.px));
    });
    pen.stroke();
    pen.setLineDash([]);
    pen.strokeStyle = trade.side > 0 ? colours.gain : colours.loss;
    pen.lineWidth = 1.2;
  }

  // Points up for a long entry, from below the price; down for a short one, from above.
  function triangle(pen, x, y, size, side) {
    pen.beginPath();
    pen.moveTo(x, y + side);
    pen.lineTo(x - size, y + side * (1 + size * 1.8));
    pen.lineTo(x + size, y + side * (1 + size * 1.8));
    pen.closePath();
    pen.fill();
  }

  function cross(pen, x, y, size) {
    pen.lineWidth = 1.8;
    pen.beginPath();
    pen.moveTo(x - size, y - size);
    pen.lineTo(x + size, y + size);
    pen.moveTo(x - size, y + size);
    pen.lineTo(x + size, y - size);
    pen.stroke();
  }

  // When trades were open, longs above the line and shorts below.
  function overview(pen, area, view, colours) {
    const x = scale(view.from, view.to, area.left, area.right);
    const middle = (area.top + area.bottom) / 2;
    pen.fillStyle = colours.rule;
    pen.fillRect(area.left, middle - 0.5, area.right - area.left, 1);
    for (const trade of trades) {
      if (trade.instrument !== which) continue;
      pen.fillStyle = trade.side > 0 ? colours.gain : colours.loss;
      const wide = Math.max(1.5, x(trade.closed) - x(trade.opened));
      pen.fillRect(x(trade.opened), trade.side > 0 ? middle - 9 : middle + 1, wide, 8);
    }
  }

  function read(at) {
    const level = levelFor(chart ? chart.view : { from: limits[0], to: limits[1] }, Math.max(100, host.clientWidth - RIGHT));
    const { ms } = data.candles[level];
    const all = bars(level);
    const told = words.bars.replace('{length}', length(ms));
    if (at === null || all.t.length === 0) return { at: null, parts: [[told, 'when'], ...(chosen && chosen.instrument === which ? describe(chosen) : [])] };
    const k = Math.max(0, Math.min(all.t.length, search(all.t, at + 1)) - 1);
    const columns = [['open', all.o], ['high', all.h], ['low', all.l], ['close', all.c]];
    const parts = [[moment(all.t[k]), 'when'], ...columns.map(([name, values]) => [`${words[name]} ${price(values[k])}`, ''])];
    const open = trades.find((trade) => trade.instrument === which && trade.opened <= at && at <= trade.closed);
    return { at: all.t[k] + ms / 2, parts: open ? parts.concat(describe(open, at)) : parts };
  }

  function describe(trade, at = null) {
    const name = `${words.trade.replace('{id}', trade.id)} ${trade.side > 0 ? words.long : words.short}`;
    const parts = [[`${name} ${price(trade.entry)} → ${price(trade.exit)}`, trade.side > 0 ? 'key-long' : 'key-short']];
    const stop = at === null ? null : trade.stops.filter((item) => item.t <= at).pop();
    if (stop) parts.push([`${words.stop} ${price(stop.px)}`, '']);
    parts.push([`${trade.r === null ? '' : `${signed(trade.r, 2)} R · `}${signed(trade.net, 2)} USDT · ${trade.reason}`, '']);
    return parts;
  }

  const limits = [Math.min(data.from, firstBar()), Math.max(data.to, data.from + data.base)];
  function firstBar() {
    const { t } = bars(data.candles.length - 1);
    return t.length ? Math.min(data.from, Math.max(t[0], data.from - 12 * HOUR)) : data.from;
  }

  let chart = null;
  chart = timeChart(host, { height, limits, smallest: 20 * data.base, label: `${words.instrument}. ${words.keys}`, draw, overview, read });
  select.addEventListener('change', () => {
    which = Number(select.value);
    chart.redraw();
  });

  // Shows a trade with some room at both sides.
  function showTrade(trade) {
    which = trade.instrument;
    select.value = String(which);
    chosen = trade;
    const room = Math.max(0.35 * (trade.closed - trade.opened), 30 * data.base);
    chart.show(trade.opened - room, trade.closed + room);
  }
  return { showTrade };
}
