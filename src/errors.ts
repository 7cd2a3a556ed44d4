/**
 * The three exceptions of the project. Everything else that can go wrong while operating is a value: an error code of the protocol or a
 * member of a result union. A broken invariant is an assertion.
 */

/** Malformed bytes from a socket or a disk. Ends the connection (or the file) that they came from. */
export class WireError extends Error {
  override readonly name = 'WireError'
}

/** A call of the operating system on a file failed. `code` is the errno's name (`EIO`, `ENOSPC`), `path` the file or folder. */
export class StorageError extends Error {
  override readonly name = 'StorageError'
  readonly code: string
  readonly path: string

  constructor(code: string, path: string, message = `${code}: ${path}`) {
    super(message)
    this.code = code
    this.path = path
  }
}

/** A setting has a wrong name or value. `setting` is its name; the message names the value and what is allowed. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly setting: string

  constructor(setting: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.setting = setting
  }
}
