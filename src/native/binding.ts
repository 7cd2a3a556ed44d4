/**
 * The native boundary: every call that crosses it. numbers.ts has the numbers that both sides share, load-addon.ts loads what is behind it.
 *
 * Rules that hold for every call
 * - Handles (frame, segment, strand, listener, connection) are generation-tagged numbers. A handle that is unknown, closed or of
 *   another generation makes the call throw a RangeError (`ioSend` and `ioClose` return instead: a peer may go at any time).
 * - Wrong argument types and ranges outside a frame throw TypeError/RangeError. Nothing that JavaScript passes can crash the process.
 * - Nothing here blocks the calling thread on a disk. What can block takes a `ticket` and completes through `poll` as an
 *   `EventKind.completion` row. A status below 0 is `-errno`.
 * - Native keeps no pointer into JavaScript memory after a call returns: bytes given by JavaScript are copied, record bytes live in frames. Only
 *   `frameOver` keeps what it is given, and says for how long.
 */

export interface RuntimeOptions {
  /** Threads of each disk lane, at least 1, for each log folder (two above the segments): they start when they are needed. A lane's jobs wait in a queue bounded by `laneQueueLimit` (beyond: the job fails with EAGAIN). */
  readonly appendThreads: number
  readonly readThreads: number
  readonly flushThreads: number
  readonly maintenanceThreads: number
  /** Scans of segments, and surveys of whole folders. */
  readonly recoveryThreads: number
  readonly laneQueueLimit: number
  /** Segments whose files are open at a time (three each), as far as others can be closed: the least recently used ones are, when nothing of them is unflushed or on its way. */
  readonly openSegments: number
  /** Bytes of received frames that may be held at once (`sluice.request.memory.bytes`), charged as bytes arrive. */
  readonly frameMemoryBytes: number
}

export interface IoOptions {
  /** `num.network.threads` */
  readonly threads: number
  /** Small requests are read on the JavaScript thread, by `poll`, as long as the connection sends and takes nothing large; else on the I/O threads. */
  readonly inlineReceive: boolean
  /** `socket.request.max.bytes` */
  readonly maxFrameBytes: number
  /** `connections.max.idle.ms`; <= 0: never. Also closes a peer that takes no byte for so long. */
  readonly maxIdleMs: number
  /** `max.connections`: beyond it accepting pauses until one closes, as Kafka does. */
  readonly maxConnections: number
  /** `max.connections.per.ip` */
  readonly maxConnectionsPerAddress: number
  /** `socket.send.buffer.bytes`, `socket.receive.buffer.bytes`; -1: the system's. */
  readonly sendBufferBytes: number
  readonly receiveBufferBytes: number
  /** A connection is not read while it has this many delivered, unreleased frames or bytes, this many response bytes unsent, or `maxUnreleasedFrames` responses that wait to be sent. */
  readonly maxUnreleasedFrames: number
  readonly maxUnreleasedBytes: number
  readonly maxUnsentBytes: number
}

/** Live settings of the transfer path (`sluice.transfer.*`). */
export interface TransferOptions {
  readonly mode: number
  /** `auto`: below so many bytes of one response, header and data go out in one writev (the copy is free, the system calls are the cost). */
  readonly copyBelowBytes: number
  /** A response up to so many bytes, or any on a connection that is alone at work, is first tried on the calling thread, without blocking, when its queue is empty. */
  readonly inlineBelowBytes: number
}

export interface NativeRuntime {
  /** Fills `into` with whole event rows; returns how many rows. Never blocks. */
  poll(into: Float64Array): number
  /** The memory of a slab. The same for a slab id until its memory is given back: then the ArrayBuffer is detached, on the JavaScript thread, and the id may be used anew with another. */
  slab(slab: number): ArrayBuffer
  /** Drops one reference of a frame. The last one gives the memory back. */
  releaseFrame(frame: number): void
  /** Takes one more reference of a frame. */
  retainFrame(frame: number): void
  /** Copies `bytes` into a new frame with one reference (for batches that JavaScript built); `into` as of `frameView`. */
  frameFrom(bytes: Uint8Array, into: Float64Array): number
  /** A new frame over `bytes` themselves, with one reference. They are kept, and stay as they are, until it is released. It has no view. */
  frameOver(bytes: Uint8Array): number
  /** [slab, offset, length] of a frame. */
  frameView(frame: number, into: Float64Array): void

  /** A strand keeps the order of the appends, seals and cuts given to it. After a failed job it is broken: all later jobs complete with -ECANCELED, nothing of them written, until `strandReset`. */
  strandOpen(): number
  strandReset(strand: number): void
  strandClose(strand: number): void
  /** LOG_COUNTERS numbers: what was appended through the strand, and sent of the segments that were opened with it. */
  strandCounters(strand: number, into: Float64Array): void

  /**
   * Registers a segment `${path}.log/.index/.timeindex`; `path` ends in the 20-digit base offset. No system call is made here: files are
   * opened (`size` -1: created) on a disk thread by the first job that needs them. `size` is the length of `.log` that is valid.
   * What is sent of it is counted with `strand`, if one is given. `reserveBytes`: room on the disk that a new `.log` gets before its first
   * byte, where there is so much; given back by the seal. Its length is not changed by it.
   * `state` stands behind the suffixes of all three files (".cleaned"). `readOnly`: `.log` is opened for reading only, and a truncation
   * only has it taken for shorter; an index that is a symbolic link gives way to a copy before it is changed. Appends fail with EROFS.
   */
  segmentOpen(
    path: string,
    baseOffset: number,
    size: number,
    indexBytes: number,
    indexIntervalBytes: number,
    strand?: number,
    reserveBytes?: number,
    state?: string,
    readOnly?: boolean
  ): number
  /** The folder was renamed (topic deletion): later openings use the new path. */
  segmentMoved(segment: number, path: string): void
  /** Opens or creates the files now. Completes with value1 = size of `.log`. */
  segmentPrepare(segment: number, strand: number, ticket: number): void
  /** Opens the files, which stay open until segmentClose: they are about to get other names. */
  segmentKeepOpen(segment: number, ticket: number): void
  /**
   * Appends `length` bytes at `offset` of the frame: one batch, which is written with this base offset and leader epoch. The frame stays as it is.
   * Takes a reference of the frame until written. Completes when the bytes are in the page cache and the index entries published. Not durable: see segmentFlush.
   * Completion: value1 = end position. With `durable` 1 it completes after an fdatasync of the log: value2 = bytes of log that are durable; 0: nothing was tried,
   * because the files were closed; below 0: -errno of the fdatasync, where the status tells of the write alone. It breaks the strand as a failed job does.
   */
  segmentAppend(
    segment: number,
    strand: number,
    frame: number,
    offset: number,
    length: number,
    baseOffset: number,
    leaderEpoch: number,
    ticket: number,
    durable?: 0 | 1
  ): void
  /** Behind all earlier appends of the strand: cuts both indexes to their entries (and adds the last time index entry). Appends to it fail from now on. */
  segmentSeal(segment: number, strand: number, maxTimestamp: number, offsetOfMaxTimestamp: number, ticket: number): void
  /** fdatasync of the log and, with `indexes` 1, of its indexes (trimmed sizes included) as of the time it runs; value1 = bytes of log that are durable. */
  segmentFlush(segment: number, ticket: number, indexes: 0 | 1): void
  /** Behind all earlier appends of the strand: cuts log and indexes to `position`, which must be a batch boundary. Regions above it never send another byte. Runs even when the strand is broken. */
  segmentTruncate(segment: number, strand: number, position: number, ticket: number): void
  /** 1: `into` filled (see Location); 0: would have to wait for the disk: use segmentLocateLater. */
  segmentLocate(segment: number, offset: number, into: Float64Array, limit: number): number
  /** `connection`: for whom, which decides whether it waits behind those who always read from the disk; 0: nobody who could. */
  segmentLocateLater(segment: number, offset: number, limit: number, ticket: number, connection: number): void
  /** The first batch whose maxTimestamp >= timestamp, as Location; bytes 0: none in this segment. */
  segmentLocateTimestamp(segment: number, timestamp: number, ticket: number): void
  /** value1 = last offset of the first batch at or behind `position` that has an entry in the offset index; -1: none. */
  segmentIndexedOffset(segment: number, position: number, ticket: number): void
  /** Reads up to `length` bytes at `position`: value1 = frame (0 when none), value2 = bytes read. */
  segmentRead(segment: number, position: number, length: number, ticket: number): void
  /**
   * Walks whole batches from `position`, for at most `maxBytes` of file or `maxRows` rows. Status: ScanStatus (or -errno);
   * value1 = frame of rows (0 when none; SCAN_ROW_BYTES each), value2 = position after the last good batch, value3 = reason when invalid
   * (1 length, 2 magic, 3 CRC, 4 offsets not rising, 5 torn: the file ends inside the batch).
   * `rebuildIndexes` writes index entries as appending would have (a scan from position 0 empties the indexes first).
   */
  segmentScan(segment: number, position: number, maxBytes: number, maxRows: number, flags: number, ticket: number): void
  /** 0 when every check that can be made without the log passes; else a number below 0: the index must be rebuilt. */
  segmentCheckIndexes(segment: number, ticket: number): void
  segmentStat(segment: number, into: Float64Array): void
  /** Forgets the segment; files close when the last queued job and region let go. */
  segmentClose(segment: number): void

  /**
   * One compaction of one log (log_clean.h): first the newest offsets of the keys (`cleanMap*`), then the log written again (`cleanFilter*`). The map has
   * `slots` of 24 bytes and holds `mostKeys`. Calls with a ticket run on the maintenance lane, one at a time; wait for each. Dropped with `cleanDrop`.
   */
  cleanOpen(slots: number, mostKeys: number, bufferBytes: number): number
  /** Begins the first pass; offsets below `start` are not looked at. */
  cleanBeginMap(clean: number, start: number): void
  /** Aborted transactions of the part that the pass which has begun reads, each once: rows of [producer id, first offset, last offset, last stable offset]. */
  cleanAborted(clean: number, rows: Float64Array): void
  /**
   * Reads batches from `position` on, about `maxBytes`. Status: CleanStep, or -errno (-EBADMSG: no sound batch at value2). value2 = where to go on.
   * `compressed`: value1 = frame of a whole batch whose records are wanted next.
   */
  cleanMap(clean: number, segment: number, position: number, maxBytes: number, ticket: number): void
  /** The decompressed records of that batch. Status: CleanStep.end or full, or -errno. */
  cleanMapRecords(clean: number, segment: number, records: Uint8Array, ticket: number): void
  /** All below `offset` has been read, also where there was nothing. */
  cleanMapped(clean: number, offset: number): void
  /** Begins the second pass. `producers`: rows of [producer id, last offset or -1, epoch] of those that are known; their last batches stay, if need be empty. So does what ends before `endOffset`. */
  cleanBeginFilter(clean: number, nowMs: number, deleteRetentionMs: number, endOffset: number, producers: Float64Array): void
  /** As cleanMap; what stays is appended to the segment `into`. */
  cleanFilter(clean: number, segment: number, into: number, position: number, maxBytes: number, ticket: number): void
  /** As cleanMapRecords. `compressed`: value1 = frame of the batch with what stays of its records uncompressed, to be compressed and given to cleanWrite. */
  cleanFilterRecords(clean: number, into: number, records: Uint8Array, ticket: number): void
  /** Appends a batch of which only length and CRC are not right yet. */
  cleanWrite(clean: number, into: number, batch: Uint8Array, ticket: number): void
  /** Completes the indexes of a cleaned segment and makes it durable; value1 = its size. */
  cleanFinish(clean: number, into: number, ticket: number): void
  /** Rows as of cleanAborted: those whose marker was read since the last call, and that had batches in the log still. */
  cleanKeptAborted(clean: number): Float64Array
  /** See CleanFigure. */
  cleanFigures(clean: number, into: Float64Array): void
  cleanDrop(clean: number): void

  /**
   * Lists folders of `dir`, and reads small files of each. `folders` and `texts` hold names with a zero character between them.
   * value1 = frame (0: nothing was asked), in the format of native/folder_survey.h; see src/native/folders.ts.
   */
  surveyFolders(dir: string, folders: string, texts: string, ticket: number): void
  /** Writes small files of the log folder `dir`, in the format of native/folder_survey.h. -errno of the first that failed; the others are written all the same. */
  writeFiles(dir: string, files: Uint8Array, durable: boolean, ticket: number): void
  /** Makes all durable that was written to the file system of a lock (`lockFile`) of the log folder `dir`. -EOPNOTSUPP: not known to on that kind. */
  syncFileSystem(dir: string, lock: number, ticket: number): void

  /**
   * Checks the batches in a range of a frame: whole batches, lengths, magic 2, counts, CRC. Returns the number of batches,
   * or -1 length, -2 magic, -3 CRC, -4 header fields (counts, offset deltas), on the first bad one. `compacted`: there may be fewer records than offsets.
   */
  checkBatches(frame: number, offset: number, length: number, compacted?: boolean): number
  /** Recomputes the CRC of the one batch in the range and stores it (after timestamps were overwritten). */
  restampCrc(frame: number, offset: number, length: number): void

  /** Starts the I/O threads. One IoServer per runtime. */
  ioStart(options: IoOptions): void
  /** Binds and listens now (a system call, not a disk wait). Returns [listener, bound port] or a negative errno. `host` is a numeric address; "::" also takes IPv4. */
  ioListen(host: string, port: number, backlog: number): [listener: number, port: number] | number
  ioUnlisten(listener: number): void
  /**
   * Queues one whole response (4-byte length included): `bytes[0, byteLength)`, with `regionCount` file regions spliced in. `regions` rows are
   * [at, segment, position, length]: the region stands before byte `at` of `bytes`. Responses leave in the order of the calls.
   * `byteLength` 0 says that one request gets no answer (acks=0): a connection with unanswered requests is not idle.
   * Returns the connection's unsent bytes (0: it all went out on the calling thread), or -1 when the connection is gone.
   */
  ioSend(connection: number, bytes: Uint8Array, byteLength: number, regions: Float64Array, regionCount: number): number
  /**
   * Places for answers that stand, before `ioStart` and once: two numbers for each, a stamp (0 at first) and the time of the last request
   * that was given the answer, in ms of the clock whose `now` was passed in. Memory that is shared: an answer stands while its place has its stamp.
   */
  ioStandings(places: number, now: number): Float64Array
  /**
   * From now on requests on the connection that equal `request[start, end)` in all but bytes 4 to 7 (the correlation id) are given
   * `answer[0, answerLength)` (4-byte length included) with their id, without an event, while the place has `stamp`, the connection lives on this thread and
   * nothing else of it is unanswered. Replaces the one before. Nothing happens where either has more than 1024 bytes.
   */
  ioStand(
    connection: number,
    request: Uint8Array,
    start: number,
    end: number,
    answer: Uint8Array,
    answerLength: number,
    place: number,
    stamp: number
  ): void
  /**
   * Sends a region of a segment to a socket that stays JavaScript's: `fd` is a connected, non-blocking stream socket (libuv's are), duplicated for
   * the time. Nobody else may write to it until `ticket` completes: status 0, or -errno; value1 = bytes sent. Returns a connection for `ioClose`,
   * which ends it early (-ECANCELED).
   */
  ioLend(fd: number, segment: number, position: number, length: number, ticket: number): number
  /** Closes at once, or after what is queued has been sent. False when it is gone already. */
  ioClose(connection: number, afterSend: boolean): boolean
  /** Stops and resumes reading from the peer (throttling). */
  ioPause(connection: number): void
  ioResume(connection: number): void
  /** Addresses as "host:port" (IPv6 in brackets); undefined when gone. */
  ioPeer(connection: number): { remote: string; local: string } | undefined
  ioTransfer(options: TransferOptions): void
  /** Changes `maxConnections` and `maxConnectionsPerAddress`. Connections that are open stay. */
  ioLimit(maxConnections: number, maxConnectionsPerAddress: number): void
  /** Other limits of single addresses, which replace those of before: numeric ones with a zero character between them, and for each its number. */
  ioLimitAddresses(addresses: string, most: Float64Array): void
  /** So many I/O threads from now on; at most 64, or as many as at the start. Those that are too many give their connections away, and end. */
  ioThreads(threads: number): void
  /** IO_COUNTERS numbers, of one listener (also a closed one) or of all. */
  ioCounters(into: Float64Array, listener?: number): void
  /** Stops accepting and reading; what is queued may still be sent for `graceMs`; then joins the I/O threads. Completes with `ticket`. */
  ioStop(graceMs: number, ticket: number): void

  /** Lets queued disk jobs finish, joins all threads, frees everything. Frames, segments and slabs are invalid afterwards; slab memory is detached. Blocks for at most the queued jobs: call it after ioStop and after waiting for your own jobs. */
  close(): void
}

export interface Addon {
  /** `wake` is called on the JavaScript thread, once per batch, when `poll` has something to give. While it is open, a runtime keeps the event loop alive. */
  Runtime: new (options: RuntimeOptions, wake: () => void) => NativeRuntime
  /** CRC-32C of `bytes`, continuing from `seed` (default 0). */
  crc32c(bytes: Uint8Array, seed?: number): number
  /**
   * Walks the uncompressed records in `bytes[start, end)`: 0, or -1 a malformed record, -2 one whose offset delta is not its position, as
   * `walkRecords` of src/record/walk.ts, which also tells what `into` gets (4 numbers). Allocates nothing.
   */
  walkRecords(bytes: Uint8Array, start: number, end: number, count: number, into: Float64Array): number
  /**
   * Takes the lock that a Java broker takes on its `.lock` (an exclusive lock of the whole file), creating the file. Does not wait.
   * Returns a handle, or -errno; -EAGAIN: somebody holds it, in another process or in this one.
   */
  lockFile(path: string): number
  unlockFile(handle: number): void
  /** The process that holds such a lock: its id, -1 if the kernel does not name it (as for `lockFile`), 0 if nobody does. undefined: that can't be told. */
  lockHolder(path: string): number | undefined
  /** Which implementation this CPU runs. */
  readonly crc32cImplementation: 'sse4.2' | 'armv8' | 'portable'
}
