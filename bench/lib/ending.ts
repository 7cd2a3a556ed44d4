/** What a benchmark started is stopped however the benchmark ends: as planned, by Ctrl-C, by an error. */

interface Ending {
  readonly stop: () => Promise<void>
  readonly kill: () => void
}

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const
/** npm passes Ctrl-C on to a program that the terminal has told already: signals so close together are one wish. */
const SAME_WISH_MS = 300

const endings = new Set<Ending>()
const interrupted = new AbortController()
let guarded = false
let taken = false

/**
 * Registers what undoes something. `stop` is the clean way; `kill`, without waiting, is taken when the process ends before.
 * The function that is returned forgets it: call it when it is undone. After an interruption `kill` is called at once, and this throws.
 */
export function atEnd(stop: () => Promise<void>, kill: () => void): () => void {
  guard()
  if (interrupted.signal.aborted) kill()
  interrupted.signal.throwIfAborted()
  const ending = { stop, kill }
  endings.add(ending)
  return () => endings.delete(ending)
}

/** Undoes everything that is registered, the newest first. */
export async function endAll(): Promise<void> {
  for (const ending of [...endings].toReversed()) {
    try {
      await ending.stop()
    } catch {
      ending.kill()
    }
    endings.delete(ending)
  }
}

/**
 * Aborted by the first SIGINT or SIGTERM. Everything registered is being stopped then, and who asked for this signal ends the program, to show
 * what was measured until then. Where nobody asked, the program ends by itself. A second signal ends it at once.
 */
export function interruption(): AbortSignal {
  guard()
  taken = true
  return interrupted.signal
}

function guard(): void {
  if (guarded) return
  guarded = true
  let firstAt: number | undefined
  const onSignal = (signal: keyof typeof EXIT_CODES): void => {
    process.exitCode = EXIT_CODES[signal]
    if (firstAt === undefined) {
      firstAt = performance.now()
      interrupted.abort(new Error('interrupted'))
      void endAll().then(() => {
        if (!taken) process.exit()
      })
    } else if (performance.now() - firstAt > SAME_WISH_MS) {
      process.exit()
    }
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  process.on('exit', () => {
    for (const { kill } of endings) kill()
  })
}
