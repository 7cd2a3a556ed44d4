/** The flush policy of the broker's settings in words, for whoever starts it. Topics may have their own. */
import type { BrokerConfig } from '../config/index.js'

const MIB = 1024 * 1024

export function flushPolicyText(config: BrokerConfig): string {
  const records = config.get('log.flush.interval.messages')
  const ms = config.get('log.flush.interval.ms')
  const background = config.get('sluice.flush.background.bytes')
  if (records <= 1) return 'before every answer; what is acknowledged survives a power cut'
  const often = [
    ...(records < Number.MAX_SAFE_INTEGER ? [`after every ${records} records`] : []),
    ...(ms !== null && ms < Number.MAX_SAFE_INTEGER ? [`every ${ms} ms`] : [])
  ]
  const atMost = background > 0 ? [`in the background after every ${mebibytes(background)} of a partition`] : []
  if (often.length > 0) return `${[...often, ...atMost].join(', ')}; a power cut may take what came since`
  const left = ['left to the kernel', ...atMost].join(', ')
  return `${left}; what is acknowledged survives the end of this process, not a power cut`
}

function mebibytes(bytes: number): string {
  return bytes % MIB === 0 ? `${bytes / MIB} MiB` : `${bytes} bytes`
}
