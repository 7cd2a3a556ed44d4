/** The numbers that both sides of the native boundary share: kinds and reasons, places in arrays, sizes of rows. binding.ts has the calls. */

/** The first column of an event row. A row is `EVENT_STRIDE` doubles: [kind, a, b, c, d, e]. */
export const EventKind = {
  /** A whole request frame (without its 4-byte length): [frame, connection, frame id, slab id, offset in slab, length]. JavaScript owns one reference to the frame. */
  frame: 1,
  /** [opened, connection, listener, 0, 0, 0] */
  connectionOpened: 2,
  /** [closed, connection, CloseReason, bytes received, bytes sent, 0]. No event of that connection follows. */
  connectionClosed: 3,
  /** [completion, ticket, status, value1, value2, value3] */
  completion: 4,
  /** The kernel refused an accept (EMFILE, ENFILE, ENOMEM): [acceptFailed, listener, errno, 0, 0, 0]; accepting pauses and resumes by itself. */
  acceptFailed: 5
} as const
export const EVENT_STRIDE = 6

export const CloseReason = {
  peer: 0,
  reset: 1,
  idle: 2,
  /** The length prefix was negative or above `maxFrameBytes`. */
  badFrameLength: 3,
  /** The frame memory was used up and this connection's partial frame had stalled the longest. */
  memoryPressure: 4,
  /** A file region could not be sent whole: the file was cut or an I/O error met. */
  transferFailed: 5,
  /** `ioClose` was called. */
  local: 6,
  /** `max.connections.per.ip` was reached: closed at accept, before any other event of it. */
  tooManyFromAddress: 7
} as const

/** How a file region reaches the socket. */
export const TransferMode = { auto: 0, sendfile: 1, splice: 2, mmap: 3, readwrite: 4 } as const

/**
 * Indexes into the array that `ioCounters` fills. All since start, counted by what the system calls returned:
 * `bytesSent` = `headerBytes` + the bytes of file regions by the path that moved them (sendfile, splice, mmap, readwrite), and the
 * same region bytes = `residentBytes` + `freshBytes` + `readInBytes`, by what was known of the page cache.
 */
export const IoCounter = {
  connectionsAccepted: 0,
  connectionsOpen: 1,
  framesReceived: 2,
  bytesReceived: 3,
  bytesSent: 4,
  /** Bytes of responses that stand in no file. */
  headerBytes: 5,
  inlineResponses: 6,
  queuedResponses: 7,
  /** Held now, of all listeners together; 0 for one listener. */
  frameMemoryBytes: 8,
  readPauses: 9,
  /** Of the requests, those that were given an answer that stands. */
  standingAnswers: 10,
  sendfileBytes: 11,
  spliceBytes: 12,
  mmapBytes: 13,
  readwriteBytes: 14,
  /** Found in the page cache by a probe just before. */
  residentBytes: 15,
  /** Appended a moment ago: in the page cache, no probe made. */
  freshBytes: 16,
  /** Read from the disk while the response waited. */
  readInBytes: 17,
  /** Times that a response waited for the disk, the bytes it waited for, and for how long altogether. */
  coldReads: 18,
  coldBytes: 19,
  coldMicros: 20,
  /** File regions that were sent to their end. */
  regions: 21
} as const
export const IO_COUNTERS = 22

/** Indexes into the array that `strandCounters` fills: the bytes of one log, as in `IoCounter`. */
export const LogCounter = {
  sendfileBytes: 0,
  spliceBytes: 1,
  mmapBytes: 2,
  readwriteBytes: 3,
  residentBytes: 4,
  freshBytes: 5,
  readInBytes: 6,
  coldReads: 7,
  coldBytes: 8,
  coldMicros: 9,
  regions: 10,
  /** Written to the page cache. */
  appendedBytes: 11,
  appendedBatches: 12
} as const
export const LOG_COUNTERS = 13

/** What `segmentLocate` fills, and completions of the asynchronous forms carry as value1..3 in this order. */
export const Location = {
  /** File position of the batch that holds the offset, or of the end when the offset is the end. */
  position: 0,
  /** Base offset of that batch; -1 at the end. */
  baseOffset: 1,
  /** 0 at the end; else the size of that batch in bytes or, where it is at most the `limit` asked with, how much of the limit is whole batches (large ones; else the limit). */
  bytes: 2
} as const

/** A row of a scan: position in the file (int64, big-endian), then the 61 bytes of the batch header, then 3 zero bytes. */
export const SCAN_ROW_BYTES = 72

/**
 * onlyNews: rows of batches of producers with an id and of control batches, of the first batch of each leader epoch, and, last and perhaps behind
 * their turn, of the batch with the largest timestamp and of the last batch. For each call anew.
 */
export const ScanFlag = { verifyCrc: 1, rebuildIndexes: 2, onlyIdempotent: 4, onlyNews: 8 } as const
/** Why a scan stopped: completion status. */
export const ScanStatus = { more: 1, end: 0, invalid: 2 } as const

/** How a piece of a compaction ended: completion status. `full`: the map of keys can take no further one. */
export const CleanStep = { end: 0, more: 1, compressed: 2, full: 3 } as const
/** Indexes into the array that `cleanFigures` fills. */
export const CleanFigure = {
  /** Up to it the map tells of every record; -1: it is empty. */
  latestOffset: 0,
  keys: 1,
  recordsRead: 2,
  recordsKept: 3,
  recordsWithoutKey: 4
} as const
export const CLEAN_FIGURES = 5
/** Bytes of one slot of the map of keys. */
export const CLEAN_SLOT_BYTES = 24

/** Indexes into the array that `segmentStat` fills. */
export const SegmentStat = {
  /** Bytes that are written. */
  size: 0,
  offsetIndexEntries: 1,
  timeIndexEntries: 2,
  /** Of the last time index entry; -1, base offset when empty. */
  lastIndexedTimestamp: 3,
  lastIndexedTimestampOffset: 4,
  /** Rises with every cut. */
  truncations: 5,
  /** 1: its files are open now; 0: they were never opened, or closed to save descriptors. */
  open: 6
} as const
