// Measures several subjects in turn, round after round, so that a machine that gets slower or faster
// does so for all of them. What counts are the ratios inside a round; their median is the result.

/** Median of numbers. */
export function median(values) {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * `subjects`: name → async function that measures once and answers a number. The first is what the
 * others are compared with. Answers rows { name, value, ratio, ratios }.
 */
export async function pairedRounds(subjects, rounds) {
  const names = Object.keys(subjects);
  const values = Object.fromEntries(names.map((name) => [name, []]));
  for (const name of names) await subjects[name]();
  for (let round = 0; round < rounds; round++) {
    // Every other round the order is turned round, so that none is always the first.
    const order = round % 2 === 0 ? names : [...names].reverse();
    for (const name of order) values[name].push(await subjects[name]());
  }
  return names.map((name) => {
    const ratios = values[name].map((value, round) => value / values[names[0]][round]);
    return { name, value: median(values[name]), ratio: median(ratios), ratios };
  });
}

/**
 * Rows of what was measured besides, the less the better: name → one number for each call of a subject. The ratio is
 * how many times less than the first each one takes. The first call warms up.
 */
export function costRows(costs) {
  const [first] = Object.keys(costs);
  return Object.entries(costs).map(([name, all]) => {
    const values = all.slice(1);
    const ratios = values.map((value, round) => costs[first][round + 1] / value);
    return { name, value: median(values), ratio: median(ratios), ratios };
  });
}
