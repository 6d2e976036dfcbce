// Puts the page together. Everything is drawn from the one JSON of the page.

const data = JSON.parse(document.getElementById('data').textContent);
const words = data.words;
const root = document.documentElement;

function redrawAll() {
  redraws.forEach((redraw) => redraw());
}

function setTheme(theme) {
  root.dataset.theme = theme;
  redrawAll();
}

function isDark() {
  if (root.dataset.theme) return root.dataset.theme === 'dark';
  return matchMedia('(prefers-color-scheme: dark)').matches;
}

function start() {
  const trades = readTrades();
  const curve = document.getElementById('chart-equity');
  const equity = curve && equityChart(curve);
  const field = document.getElementById('chart-candles');
  const candles = field && data.candles && data.candles.length ? candleChart(field, trades) : null;
  for (const [name, across] of [['against', 'worst'], ['with', 'best']]) {
    const canvas = document.getElementById(`chart-${name}`);
    if (canvas) scatterChart(canvas, trades, across);
  }
  const show = candles && ((trade) => {
    candles.showTrade(trade);
    if (equity) equity.shade(trade.opened, trade.closed);
    field.scrollIntoView({ block: 'nearest' });
  });
  tradeList(document.getElementById('trade-list'), trades, show);
  if (candles && trades.length) candles.showTrade(trades.reduce((a, b) => (b.opened < a.opened ? b : a)));
}

start();
document.getElementById('theme').addEventListener('click', () => setTheme(isDark() ? 'light' : 'dark'));
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redrawAll);
let waiting = 0;
addEventListener('resize', () => {
  cancelAnimationFrame(waiting);
  waiting = requestAnimationFrame(redrawAll);
});
let themeBefore;
addEventListener('beforeprint', () => {
  themeBefore = root.dataset.theme;
  setTheme('light');
});
addEventListener('afterprint', () => {
  if (themeBefore) setTheme(themeBefore);
  else {
    delete root.dataset.theme;
    redrawAll();
  }
});
root.dataset.ready = 'true';
root.dataset.openedMs = String(Math.round(performance.now()));
root.dataset.scrollWidth = String(root.scrollWidth);
root.dataset.innerWidth = String(innerWidth);
