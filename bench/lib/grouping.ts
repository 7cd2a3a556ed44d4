/** Sorting rows into drawers, in order of first appearance. (Node 20 has no Map.groupBy.) */

export function groupBy<Row, Key>(rows: Iterable<Row>, keyOf: (row: Row) => Key): Map<Key, Row[]> {
  const groups = new Map<Key, Row[]>()
  for (const row of rows) {
    const key = keyOf(row)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [row])
    else group.push(row)
  }
  return groups
}

/** One string for a pair of texts, whatever they hold. */
export function pairKey(first: string, second: string): string {
  return JSON.stringify([first, second])
}
