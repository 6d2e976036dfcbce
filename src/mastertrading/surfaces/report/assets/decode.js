// Whole numbers from text: base64, seven bits a byte, zigzag. The other half is encoding.py.

function unpack(text) {
  const bytes = atob(text);
  const numbers = [];
  let value = 0;
  let scale = 1;
  for (let k = 0; k < bytes.length; k++) {
    const byte = bytes.charCodeAt(k);
    value += (byte & 127) * scale;
    scale *= 128;
    if (byte < 128) {
      numbers.push(value % 2 ? -(value + 1) / 2 : value / 2);
      value = 0;
      scale = 1;
    }
  }
  return numbers;
}

function unpackRising(text) {
  let sum = 0;
  return unpack(text).map((step) => (sum += step));
}

// Bars of one instrument and level: columns t, o, h, l, c; times in ms, prices in ticks.
function unpackBars(packed, ms) {
  const first = unpackRising(packed.first);
  const count = unpack(packed.count);
  const parts = unpack(packed.bars);
  const bars = { t: [], o: [], h: [], l: [], c: [] };
  let close = 0;
  let k = 0;
  first.forEach((slot, segment) => {
    for (let n = 0; n < count[segment]; n++, k += 4) {
      const open = close + parts[k];
      close = open + parts[k + 1];
      bars.t.push((slot + n) * ms);
      bars.o.push(open);
      bars.c.push(close);
      bars.h.push(Math.max(open, close) + parts[k + 2]);
      bars.l.push(Math.min(open, close) - parts[k + 3]);
    }
  });
  return bars;
}

// Index of the first element that is not below a value.
function search(sorted, value) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
