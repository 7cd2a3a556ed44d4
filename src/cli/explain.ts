/** From an error at the start to one message that tells a user what is wrong and what to do. */
import { brokerSetting } from '../config/settings/index.js'
import { ConfigError, StorageError } from '../errors.js'

const STORAGE_REASONS: Readonly<Record<string, string>> = {
  EACCES: 'no permission',
  EPERM: 'no permission',
  ENOENT: 'it is not there',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  ENOTDIR: 'it is not a folder',
  EIO: 'the disk reports an error',
  EMFILE: 'too many open files: raise the limit (ulimit -n)',
  ENFILE: 'the system has too many open files'
}

/** One message without a stack where the cause is known; a bug keeps its stack. */
export function explain(error: unknown): string {
  if (error instanceof ConfigError) return withAbout(error)
  if (error instanceof StorageError) return explainStorage(error)
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'ListenError' || error.name === 'NoStatus') return error.message
  const { code, path, syscall } = error as NodeJS.ErrnoException
  if (code !== undefined && path !== undefined) return `${path}: ${STORAGE_REASONS[code] ?? error.message}`
  // An error of the operating system or of the addon's loading tells what is wrong; anything else is a bug, and its stack is needed.
  return code !== undefined || syscall !== undefined || !error.stack || error.constructor === Error ? error.message : error.stack
}

function withAbout(error: ConfigError): string {
  const about = brokerSetting(error.setting)?.about
  return about === undefined ? error.message : `${error.message}\n  ${error.setting}: ${about}`
}

function explainStorage(error: StorageError): string {
  const reason = STORAGE_REASONS[error.code]
  // A message of its own (a folder that is locked, or written by something else) already names the path.
  const plain = error.message === `${error.code}: ${error.path}`
  return reason !== undefined && plain ? `${error.path}: ${reason} (${error.code})` : error.message
}
