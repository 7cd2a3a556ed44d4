/** Tables and numbers for people. */

/** Columns are as wide as their widest cell; those in `left` begin at their left, the others (figures) end at their right. */
export function table(rows: readonly (readonly string[])[], left: readonly number[] = [0]): string {
  const widths: number[] = []
  for (const row of rows) for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length)
  const line = (row: readonly string[]): string =>
    row
      .map((cell, at) => (left.includes(at) ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!)))
      .join('  ')
      .trimEnd()
  return rows.map((row) => `${line(row)}\n`).join('')
}

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const
const THOUSAND = 1024

/** `0`, `512 B`, `1.5 KiB`, `32 KiB`, `12.3 GiB`. */
export function bytes(count: number): string {
  if (count === 0) return '0'
  let value = count
  let unit = 0
  for (; Math.abs(value) >= THOUSAND && unit < BYTE_UNITS.length - 1; unit++) value /= THOUSAND
  // 1023.96 KiB must not become 1024.0 KiB.
  if (Math.abs(value) >= THOUSAND - 0.05 && unit > 0 && unit < BYTE_UNITS.length - 1) [value, unit] = [value / THOUSAND, unit + 1]
  return `${unit === 0 ? Math.round(value) : value.toFixed(1).replace(/\.0$/, '')} ${BYTE_UNITS[unit]}`
}

/** `1,234,567`. */
export function count(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',')
}

/** `0`, `0.4 ms`, `12 ms`, `3.2 s`, `5 min 3 s`, `2 h 5 min`, `3 d 4 h`. */
export function duration(ms: number): string {
  if (ms === 0) return '0'
  if (ms < 10) return `${ms.toFixed(1)} ms`
  if (ms < 1000) return `${Math.round(ms)} ms`
  const seconds = ms / 1000
  if (seconds < 60) return `${seconds.toFixed(1)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`
  const hours = Math.floor(minutes / 60)
  return hours < 24 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** `99.7 %`; `-` of nothing. */
export function share(part: number, whole: number): string {
  if (whole === 0) return '-'
  const percent = (part / whole) * 100
  // What is not all must not look like all.
  return `${percent > 99.9 && part < whole ? '99.9' : percent.toFixed(1).replace(/\.0$/, '')} %`
}
