/** Moving the log start as DeleteRecords asks for. */
import { ErrorCode } from '../protocol/error-codes.js'
import type { LogState } from './log-state.js'

export interface DeleteResult {
  readonly errorCode: number
  /** -1 with an error. */
  readonly logStartOffset: number
}

const refused = (errorCode: number): DeleteResult => ({ errorCode, logStartOffset: -1 })

/** See Log.deleteRecordsBefore. `moved`: called when readers see the new start. */
export async function deleteRecords(state: LogState, offset: number, moved: () => void): Promise<DeleteResult> {
  if (state.offline) return refused(ErrorCode.KAFKA_STORAGE_ERROR)
  if (offset < 0 || offset > state.endOffset) return refused(ErrorCode.OFFSET_OUT_OF_RANGE)
  if (offset > state.logStartOffset) {
    state.logStartOffset = offset
    moved()
  }
  // Also one that has moved already, but could not be saved then.
  if (offset > state.savedStart) {
    const start = state.logStartOffset
    try {
      await state.environment.logStartMoved()
    } catch (error) {
      state.failUnlessPassing(error)
      return refused(ErrorCode.KAFKA_STORAGE_ERROR)
    }
    state.savedStart = Math.max(state.savedStart, start)
    // Only now: the records below may come back while the new start is not on the disk, and need their epochs then.
    state.epochs.truncateFromStart(offset)
    state.saveEpochsSoon()
  }
  return { errorCode: ErrorCode.NONE, logStartOffset: state.logStartOffset }
}
