/** Which known word was meant: for messages that say "did you mean". */

/** The word of `known` that is nearest to `word`, when they differ by capitals or by a slip or two. */
export function closestWord(word: string, known: Iterable<string>): string | undefined {
  let closest: string | undefined;
  let least = Math.min(2, Math.floor(word.length / 3));
  for (const one of known) {
    const distance = distanceOf(word.toLowerCase(), one.toLowerCase());
    if (distance > least || (distance === least && closest !== undefined)) continue;
    closest = one;
    least = distance;
  }
  return closest;
}

/**
 * Letters to change, add, leave out or exchange with their neighbour (optimal string alignment).
 * Both are cut: nobody means so long a word.
 */
function distanceOf(from: string, to: string): number {
  const source = from.slice(0, 64);
  const target = to.slice(0, 64);
  let before: readonly number[] = [];
  let row: readonly number[] = Array.from({ length: target.length + 1 }, (_, index) => index);
  for (let index = 1; index <= source.length; index += 1) {
    const next = [index];
    for (let column = 1; column <= target.length; column += 1) {
      const change = source[index - 1] === target[column - 1] ? 0 : 1;
      const changed = at(row, column - 1) + change;
      let least = Math.min(changed, at(row, column) + 1, at(next, column - 1) + 1);
      const isExchanged =
        source[index - 1] === target[column - 2] && source[index - 2] === target[column - 1];
      if (index > 1 && column > 1 && isExchanged)
        least = Math.min(least, at(before, column - 2) + 1);
      next.push(least);
    }
    before = row;
    row = next;
  }
  return at(row, target.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? 0;
}
