/** What a benchmark says while it runs: one line that is rewritten on a terminal, plain lines elsewhere. It goes to stderr. */

export interface Progress {
  /** Tells how many steps are to come; may be called again when more turn up. */
  begin(steps: number): void
  /** A step begins: "round 2 of 5 · fetch, hot · 64 KiB, 4 consumers · sendfile". The step before it is over. */
  step(text: string): void
  /** A line that stays: what was left out, what a broker was started with. */
  note(text: string): void
  /** The line is cleared; nothing may be told afterwards. */
  end(): void
}

/** The part of a stream that is needed, so that tests can look at what was written. */
export interface ProgressStream {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

const REFRESH_MS = 1000
const CLEAR_LINE = '\r\u001b[2K'

/** Progress on a terminal: share done, time that is left (from the mean of the steps so far), the step at hand. */
export function terminalProgress(stream: ProgressStream = process.stderr, now: () => number = () => performance.now()): Progress {
  const started = now()
  let steps = 0
  let begun = 0
  let text = ''
  let timer: NodeJS.Timeout | undefined
  const rewrites = stream.isTTY === true

  function show(): void {
    const line = [share(begun, steps), text, remaining(begun, steps, now() - started)].filter((part) => part !== '').join('  ')
    const columns = stream.columns ?? 120
    stream.write(CLEAR_LINE + (line.length < columns ? line : `${line.slice(0, Math.max(1, columns - 2))}…`))
  }

  return {
    begin(count) {
      steps = count
    },
    step(next) {
      begun++
      text = next
      if (!rewrites) {
        stream.write(`${share(begun, steps)}  ${next}\n`)
        return
      }
      show()
      // The clock of the line goes on during long steps; it never keeps the process alive.
      timer ??= setInterval(show, REFRESH_MS).unref()
    },
    note(line) {
      stream.write(`${rewrites ? CLEAR_LINE : ''}${line}\n`)
      if (rewrites && text !== '') show()
    },
    end() {
      clearInterval(timer)
      timer = undefined
      text = ''
      if (rewrites) stream.write(CLEAR_LINE)
    }
  }
}

/** Says nothing. */
export const silentProgress: Progress = { begin() {}, step() {}, note() {}, end() {} }

function share(begun: number, steps: number): string {
  if (steps === 0) return `[${begun}]`
  const width = String(steps).length
  return `[${String(begun).padStart(width)}/${steps}]`
}

/** The step at hand counts as half done. */
function remaining(begun: number, steps: number, elapsedMs: number): string {
  if (begun < 2 || begun > steps) return ''
  const done = begun - 0.5
  const seconds = Math.round(((steps - done) * elapsedMs) / done / 1000)
  return seconds < 90 ? `about ${seconds} s left` : `about ${Math.round(seconds / 60)} min left`
}
