/** `sluice status`: asks once, or again and again. */
import { setTimeout as delay } from 'node:timers/promises'
import type { BrokerStatus } from '../broker/status.js'
import { readStatus } from './status-client.js'
import { rateText, statusText } from './status-text.js'

export interface StatusRequest {
  /** Log folders of one broker; the first that answers is taken. */
  readonly dirs: readonly string[]
  readonly json: boolean
  readonly watchSeconds?: number
}

const CLEAR_SCREEN = '\x1b[H\x1b[2J'

/** Returns after one look; with `watchSeconds` it goes on until `signal`. Throws NoStatus. */
export async function showStatus(
  { dirs, json, watchSeconds }: StatusRequest,
  write: (text: string) => void,
  { terminal, signal }: { terminal: boolean; signal: AbortSignal }
): Promise<void> {
  let before: BrokerStatus | undefined
  for (;;) {
    const status = await readStatus(dirs)
    if (json) write(`${JSON.stringify(status, null, watchSeconds === undefined ? 2 : 0)}\n`)
    else {
      const rates = before === undefined ? undefined : rateText(before, status)
      const clear = terminal && watchSeconds !== undefined ? CLEAR_SCREEN : ''
      write(`${clear}${rates ?? statusText(status)}${watchSeconds !== undefined && !terminal ? '\n' : ''}`)
    }
    if (watchSeconds === undefined) return
    before = status
    try {
      await delay(watchSeconds * 1000, undefined, { signal })
    } catch {
      return
    }
  }
}
