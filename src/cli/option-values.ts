/** Values of options that several commands have. */
import { InvalidArgumentError } from 'commander'

export const DEFAULT_HOST = '127.0.0.1'
export const DEFAULT_PORT = 9092

export function parsePort(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65535) throw new InvalidArgumentError('A port is a number from 0 to 65535.')
  return port
}

export function collectSetting(text: string, settings: Readonly<Record<string, string>> = {}): Record<string, string> {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('A setting is name=value.')
  return { ...settings, [text.slice(0, at).trim()]: text.slice(at + 1).trim() }
}
