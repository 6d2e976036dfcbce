// The list of trades: filtered, sorted, a page at a time; a row leads to its candles.

const ROWS = 20;

function readTrades() {
  const packed = data.trades;
  const column = Object.fromEntries(
    ['instrument', 'side', 'held', 'entry', 'exit', 'net', 'costs', 'r', 'best', 'worst', 'reason', 'modules'].map((name) => [name, unpack(packed[name])]),
  );
  const opened = unpackRising(packed.opened);
  const real = (value) => (value === data.unknown ? null : value / 1000);
  const trades = unpackRising(packed.id).map((id, k) => ({
    id,
    instrument: column.instrument[k],
    name: data.instruments[column.instrument[k]].name,
    side: column.side[k],
    opened: opened[k],
    closed: opened[k] + column.held[k],
    held: column.held[k],
    entry: column.entry[k],
    exit: column.entry[k] + column.exit[k],
    net: column.net[k] / 100,
    costs: column.costs[k] / 100,
    r: real(column.r[k]),
    best: real(column.best[k]),
    worst: real(column.worst[k]),
    reason: packed.reasons[column.reason[k]],
    modules: packed.combinations[column.modules[k]].replaceAll('+', ' + '),
    stops: [],
    partials: [],
  }));
  const byId = new Map(trades.map((trade) => [trade.id, trade]));
  attach(byId, data.stops, (trade, row) => trade.stops.push(row));
  attach(byId, data.fills, (trade, row) => {
    if (row.reason === 'partial') trade.partials.push(row);
  });
  return trades;
}

function attach(byId, packed, add) {
  if (!packed) return;
  const t = unpackRising(packed.t);
  const px = unpack(packed.px);
  const reason = packed.reason ? unpack(packed.reason) : null;
  unpackRising(packed.trade).forEach((id, k) => {
    const trade = byId.get(id);
    if (trade) add(trade, { t: t[k], px: px[k], reason: reason && packed.reasons[reason[k]] });
  });
}

function tradeList(host, trades, showTrade) {
  if (trades.length === 0) return;
  const price = (trade, ticks) => fixed(ticks * data.instruments[trade.instrument].tick, data.instruments[trade.instrument].places);
  const side = (trade) => (trade.side > 0 ? `▲ ${words.long}` : `▼ ${words.short}`);
  const columns = [
    { key: 'id', head: '#', text: (trade) => String(trade.id), kind: 'number wide' },
    { key: 'name', head: words.instrument, text: (trade) => trade.name },
    { key: 'side', head: words.side, text: side, tone: (trade) => trade.side, kind: 'side' },
    { key: 'opened', head: words.opened, text: (trade) => moment(trade.opened), kind: 'when' },
    { key: 'held', head: words.held, text: (trade) => duration(trade.held), kind: 'number wide' },
    { key: 'entry', head: words.entry, text: (trade) => price(trade, trade.entry), kind: 'number wide' },
    { key: 'exit', head: words.exit, text: (trade) => price(trade, trade.exit), kind: 'number wide' },
    { key: 'reason', head: words.reason, text: (trade) => trade.reason, kind: 'middle' },
    { key: 'modules', head: words.modules, text: (trade) => trade.modules, kind: 'wide' },
    { key: 'costs', head: words.costs, text: (trade) => fixed(trade.costs, 2), kind: 'number wide' },
    { key: 'r', head: words.r, text: (trade) => (trade.r === null ? '–' : signed(trade.r, 2)), tone: (trade) => trade.r, kind: 'number' },
    { key: 'net', head: words.net, text: (trade) => signed(trade.net, 2), tone: (trade) => trade.net, kind: 'number' },
  ];
  const state = { sort: 'opened', down: false, page: 0, chosen: null };
  const filters = [
    ['name', words.instrument, distinct('name'), (trade) => trade.name],
    ['side', words.side, [words.long, words.short], (trade) => (trade.side > 0 ? words.long : words.short)],
    ['reason', words.reason, distinct('reason'), (trade) => trade.reason],
    ['net', words.results, [words.winners, words.losers], (trade) => (trade.net > 0 ? words.winners : words.losers)],
  ].map(([, label, values, of]) => {
    const select = make('select', { onchange: () => { state.page = 0; draw(); } }, make('option', { value: '' }, words.all));
    values.forEach((value) => select.append(make('option', { value }, value)));
    return { label: make('label', {}, label, ' ', select), fits: (trade) => select.value === '' || of(trade) === select.value };
  });
  const body = make('tbody');
  const heads = columns.map((column) => {
    const button = make('button', { type: 'button', onclick: () => sortBy(column.key) }, column.head);
    return make('th', { scope: 'col', class: column.kind }, button);
  });
  const told = make('span', { class: 'count', 'aria-live': 'polite' });
  const turn = (text, by) => make('button', { type: 'button', onclick: () => { state.page += by; draw(); } }, text);
  const [back, on] = [turn(words.previous, -1), turn(words.next, 1)];
  host.append(
    make('div', { class: 'filters' }, ...filters.map((filter) => filter.label)),
    make('table', { class: 'trades' }, make('thead', {}, make('tr', {}, ...heads)), body),
    make('div', { class: 'pager' }, back, told, on),
  );

  function distinct(key) {
    return [...new Set(trades.map((trade) => trade[key]))].sort();
  }

  function sortBy(key) {
    state.down = state.sort === key ? !state.down : key === 'net' || key === 'r';
    state.sort = key;
    state.page = 0;
    draw();
  }

  function compare(a, b) {
    const [x, y] = [a[state.sort] ?? -Infinity, b[state.sort] ?? -Infinity];
    const order = x < y ? -1 : x > y ? 1 : a.id - b.id;
    return state.down ? -order : order;
  }

  function row(trade) {
    const cells = columns.map((column) => {
      const tone = column.tone ? column.tone(trade) : 0;
      const kind = `${column.kind || ''} ${tone > 0 ? 'gain' : tone < 0 ? 'loss' : ''}`.trim();
      return make('td', { class: kind || undefined }, column.text(trade));
    });
    if (!showTrade) return make('tr', {}, ...cells);
    const act = () => { state.chosen = trade; draw(); showTrade(trade); };
    const link = make('button', { type: 'button', class: 'go', 'aria-label': words.show_candles.replace('{id}', trade.id), onclick: act }, trade.name);
    cells[1].replaceChildren(link);
    return make('tr', { class: trade === state.chosen ? 'go chosen' : 'go', onclick: (event) => { if (event.target.tagName !== 'BUTTON') act(); } }, ...cells);
  }

  function draw() {
    const fitting = trades.filter((trade) => filters.every((filter) => filter.fits(trade))).sort(compare);
    const pages = Math.max(1, Math.ceil(fitting.length / ROWS));
    state.page = Math.max(0, Math.min(pages - 1, state.page));
    const first = state.page * ROWS;
    const shown = fitting.slice(first, first + ROWS);
    body.replaceChildren(...shown.map(row));
    if (shown.length === 0) body.append(make('tr', {}, make('td', { colspan: columns.length }, words.empty)));
    heads.forEach((head, k) => {
      if (columns[k].key === state.sort) head.setAttribute('aria-sort', state.down ? 'descending' : 'ascending');
      else head.removeAttribute('aria-sort');
    });
    told.textContent = words.page.replace('{from}', Math.min(first + 1, fitting.length)).replace('{to}', first + shown.length).replace('{count}', fitting.length);
    back.disabled = state.page === 0;
    on.disabled = state.page === pages - 1;
  }
  draw();
}
