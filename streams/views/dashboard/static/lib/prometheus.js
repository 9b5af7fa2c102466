// The text format of Prometheus, as far as our own `/metrics` uses it.

/** Samples by name: `[{ labels, value }]`. */
export function parsed(text) {
  const found = new Map();
  for (const line of text.split("\n")) {
    const match = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)/.exec(line);
    if (!match) continue;
    const [, name, labels, value] = match;
    if (!found.has(name)) found.set(name, []);
    found.get(name).push({ labels: labelsOf(labels ?? ""), value: numberOf(value) });
  }
  return found;
}

function labelsOf(text) {
  const labels = {};
  for (const [, name, value] of text.matchAll(/([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"/g)) {
    labels[name] = value.replace(/\\(.)/g, (_, letter) => (letter === "n" ? "\n" : letter));
  }
  return labels;
}

const numberOf = (text) => (text === "+Inf" ? Infinity : text === "-Inf" ? -Infinity : Number(text));

/** The sum of the samples of a name whose labels fit; null where there is none. */
export function sum(samples, name, fits = () => true) {
  const found = (samples.get(name) ?? []).filter(({ labels }) => fits(labels));
  return found.length ? found.reduce((total, { value }) => total + value, 0) : null;
}

/** Below which value a share of what a histogram has counted lies, between two looks; null where nothing was counted. */
export function quantile(before, after, name, share) {
  const grown = new Map();
  for (const [samples, sign] of [[after, 1], [before, -1]]) {
    for (const { labels, value } of samples?.get(`${name}_bucket`) ?? []) {
      const edge = numberOf(labels.le);
      grown.set(edge, (grown.get(edge) ?? 0) + sign * value);
    }
  }
  const edges = [...grown].sort(([a], [b]) => a - b);
  const all = edges.length ? edges[edges.length - 1][1] : 0;
  if (!(all > 0)) return null;
  let [low, below] = [0, 0];
  for (const [edge, count] of edges) {
    if (count >= share * all) {
      if (edge === Infinity || count === below) return low;
      return low + ((edge - low) * (share * all - below)) / (count - below);
    }
    [low, below] = [edge, count];
  }
  return low;
}
