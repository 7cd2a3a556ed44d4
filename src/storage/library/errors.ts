/** What a program gets when a log refuses. */
import { ErrorCode } from '../../protocol/error-codes.js'

type ErrorName = keyof typeof ErrorCode

/** A refusal of the log, by the name that Apache Kafka gives it, such as OFFSET_OUT_OF_RANGE. Nothing was changed. */
export class LogError extends Error {
  override readonly name = 'LogError'
  readonly code: ErrorName

  constructor(code: ErrorName, message: string) {
    super(`${code}: ${message}`)
    this.code = code
  }
}

/** Throws unless `errorCode` is 0. */
export function refuse(errorCode: number, message: string): void {
  if (errorCode !== ErrorCode.NONE) throw refusal(errorCode, message)
}

/** Of an error code that is not 0. */
export function refusal(errorCode: number, message: string): LogError {
  const names = Object.keys(ErrorCode) as ErrorName[]
  return new LogError(names.find((name) => ErrorCode[name] === errorCode) ?? 'UNKNOWN_SERVER_ERROR', message)
}
