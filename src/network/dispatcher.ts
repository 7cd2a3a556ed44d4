/**
 * From frames to handlers and back: decodes a request, runs its handler, encodes the answer straight into the native send call.
 * Knows the order rules of a connection; knows nothing of sockets.
 */
import { closeConnection, type Handler, type Outcome, type RequestContext } from '../handlers/handler.js'
import type { BrokerServices } from '../broker/services.js'
import type { MayStand, Standing } from '../coordinator/standing-answers.js'
import { WireError } from '../errors.js'
import type { Frame } from '../native/runtime.js'
import type { Api } from '../protocol/api.js'
import { decode, encode } from '../protocol/compile.js'
import { ErrorCode } from '../protocol/error-codes.js'
import { requestHeaderVersion, requestHeader, responseHeaderVersion } from '../protocol/header.js'
import { apiVersions } from '../protocol/messages/18-api-versions.js'
import type { InputOf, MessageOf } from '../protocol/schema.js'
import { Reader } from '../protocol/reader.js'
import { Writer } from '../protocol/writer.js'
import type { Connection } from './connection.js'
import { throttleMs, type Throttled } from './throttle.js'

/** The way out: one whole response, its length prefix included. Implemented by the listener over the native send call. */
export interface ResponseSink {
  send(connection: Connection, response: Writer): void
  /** `response`, which was just sent, is given to the same request again as long as it stands. */
  stand(connection: Connection, request: Frame, response: Writer, standing: Standing): void
  /** A request that gets no answer (acks=0) is done: an idle connection is told by its requests without one. */
  sendNothing(connection: Connection): void
  close(connection: Connection, afterSend: boolean): void
  /** The peer is not read while it is paused; what has come is still there. */
  pause(connection: Connection, paused: boolean): void
  release(frame: Frame): void
}

type AnyHandler = Handler<Api>
type Context = RequestContext

/** Lets a large encode buffer go again, so that one big answer does not stay in memory. */
const WRITER_KEEP_BYTES = 4 * 1024 * 1024
const BUG_LOG_INTERVAL_MS = 100
const NEWEST_UNSUPPORTED_ANSWER = 0

export class Dispatcher {
  readonly #handlers: ReadonlyMap<number, AnyHandler>
  readonly #services: BrokerServices
  readonly #sink: ResponseSink
  readonly #reader = new Reader()
  readonly #writer = new Writer()

  constructor(handlers: readonly AnyHandler[], services: BrokerServices, sink: ResponseSink) {
    this.#handlers = new Map(handlers.map((h) => [h.api.key, h]))
    this.#services = services
    this.#sink = sink
  }

  /** A frame has arrived. Takes over the caller's reference of it. */
  receive(connection: Connection, frame: Frame): void {
    if (connection.closed) this.#sink.release(frame)
    else if (connection.mustWait) connection.park(frame)
    else this.#start(connection, frame)
  }

  /** Starts what waited and may run now. */
  #resume(connection: Connection): void {
    while (!connection.closed) {
      const frame = connection.nextParked()
      if (frame === undefined || !this.#start(connection, frame)) return
    }
  }

  /** Returns false when the frame has to wait. */
  #start(connection: Connection, frame: Frame): boolean {
    const reader = this.#reader
    reader.reset(frame.buffer, frame.start, frame.end)
    if (frame.end - frame.start < 8) return this.#malformed(connection, frame, 'a request without a header')
    const apiKey = reader.int16()
    const apiVersion = reader.int16()
    const handler = this.#handlers.get(apiKey)
    if (handler === undefined || apiVersion < handler.minVersion || apiVersion > handler.maxVersion) {
      return this.#unsupported(connection, frame, apiKey, apiVersion)
    }
    if (!connection.mayRun(handler.pipelined === true)) {
      connection.unpark(frame)
      return false
    }
    let context: Context
    let request: MessageOf<Api['request']>
    const started = this.#services.clock.monotonic()
    try {
      reader.reset(frame.buffer, frame.start, frame.end)
      const header = decode(requestHeader, requestHeaderVersion(handler.api, apiVersion), reader)
      context = {
        apiVersion,
        correlationId: header.correlationId,
        clientId: header.clientId,
        connection: connection.id,
        listenerName: connection.listenerName,
        clientAddress: connection.clientAddress,
        clientPort: connection.clientPort,
        frame
      }
      request = decode(handler.api.request, apiVersion, reader)
      if (reader.remaining > 0) throw new WireError(`${reader.remaining} bytes follow the request`)
    } catch (error) {
      // Anything but a WireError is a bug of the decoder: it costs the connection, not the broker.
      if (!(error instanceof WireError)) this.#services.log.limited('bug', BUG_LOG_INTERVAL_MS).error(`decoding: ${(error as Error).stack}`)
      return this.#malformed(connection, frame, `${handler.api.name} version ${apiVersion}: ${(error as Error).message}`)
    }
    this.#run(connection, handler, request, context, started)
    return true
  }

  #run(connection: Connection, handler: AnyHandler, request: MessageOf<Api['request']>, context: Context, started: number): void {
    let outcome: Outcome<Api> | Promise<Outcome<Api>>
    try {
      outcome = handler.handle(request, context, this.#services)
    } catch (error) {
      outcome = this.#failed(handler, request, context, error)
    }
    const { quotas } = this.#services
    if (quotas.active) quotas.worked(context, this.#services.clock.monotonic() - started)
    if (!(outcome instanceof Promise)) {
      this.#sink.release(context.frame)
      if (connection.mayRun(false)) this.#answer(connection, handler, context, outcome, started)
      else connection.begin(true)(() => this.#answer(connection, handler, context, outcome as Outcome<Api>, started))
      return
    }
    if (!handler.keepsFrame) this.#sink.release(context.frame)
    const settle = connection.begin(handler.pipelined === true)
    const finish = (settled: Outcome<Api>): void => {
      settle(() => this.#answer(connection, handler, context, settled, started))
      if (handler.keepsFrame) this.#sink.release(context.frame)
      this.#resume(connection)
    }
    outcome.then(finish, (error: unknown) => finish(this.#failed(handler, request, context, error)))
  }

  #answer(connection: Connection, handler: AnyHandler, context: Context, outcome: Outcome<Api>, started: number): void {
    if (!handler.parks) this.#services.slowRequests.observe(handler.api.name, context, this.#services.clock.monotonic() - started)
    if (connection.closed) return
    const { quotas, clock } = this.#services
    if (quotas.active) this.#throttle(connection, handler, context, outcome)
    if (outcome === undefined) return this.#sink.sendNothing(connection)
    if (outcome === closeConnection) return this.#sink.close(connection, true)
    try {
      const began = quotas.active ? clock.monotonic() : 0
      this.#send(connection, handler.api, context.apiVersion, context.apiVersion, context.correlationId, outcome)
      // As the time of Kafka's network threads: it counts for the next request.
      if (quotas.active) quotas.worked(context, clock.monotonic() - began)
      // What quotas count must come here.
      const { standing } = outcome as MayStand
      if (standing !== undefined && !quotas.active) this.#sink.stand(connection, context.frame, this.#writer, standing)
    } catch (error) {
      // A response that cannot be written is a bug; nothing of it was sent, and the client must not wait for it.
      this.#services.log
        .limited('bug', BUG_LOG_INTERVAL_MS)
        .error(`${handler.api.name} version ${context.apiVersion} cannot be answered: ${(error as Error).stack}`)
      this.#sink.close(connection, true)
    }
  }

  // KIP-219: the answer goes out at once and says how long the client has to wait; meanwhile its connection is not served.
  #throttle(connection: Connection, { api }: AnyHandler, context: Context, outcome: Outcome<Api>): void {
    if (outcome === closeConnection) return
    const waitMs = throttleMs(this.#services.quotas, api, context, outcome as Throttled | undefined)
    if (waitMs <= 0) return
    if (outcome !== undefined) (outcome as Throttled).throttleTimeMs = waitMs
    if (connection.mute()) this.#sink.pause(connection, true)
    this.#services.clock.schedule(waitMs, () => this.unmute(connection))
  }

  /** Takes one mute back. After the last one what waited is served. */
  unmute(connection: Connection): void {
    if (!connection.unmute() || connection.closed) return
    this.#sink.pause(connection, false)
    this.#resume(connection)
  }

  #send(
    connection: Connection,
    api: Api,
    apiVersion: number,
    bodyVersion: number,
    correlationId: number,
    body: InputOf<Api['response']>
  ): void {
    const writer = this.#writer
    writer.reset()
    writer.int32(0)
    writer.int32(correlationId)
    if (responseHeaderVersion(api, apiVersion) === 1) writer.uint8(0)
    encode(api.response, bodyVersion, writer, body)
    writer.patchInt32(0, writer.totalLength - 4)
    this.#sink.send(connection, writer)
    writer.shrink(WRITER_KEEP_BYTES)
  }

  // An ApiVersions request of a version that we lack is answered in version 0, so that the client can choose another (KIP-511). Any other ends the connection.
  #unsupported(connection: Connection, frame: Frame, apiKey: number, apiVersion: number): boolean {
    const handler = this.#handlers.get(apiVersions.key)
    if (apiKey !== apiVersions.key || handler === undefined) {
      return this.#malformed(connection, frame, `API ${apiKey} version ${apiVersion} is not supported`)
    }
    const correlationId = this.#reader.int32()
    this.#sink.release(frame)
    const body = {
      errorCode: ErrorCode.UNSUPPORTED_VERSION,
      apiKeys: [{ apiKey: apiVersions.key, minVersion: handler.minVersion, maxVersion: handler.maxVersion }]
    }
    const send = (): void => {
      if (!connection.closed) this.#send(connection, apiVersions, 0, NEWEST_UNSUPPORTED_ANSWER, correlationId, body)
    }
    if (connection.mayRun(false)) send()
    else connection.begin(true)(send)
    return true
  }

  #malformed(connection: Connection, frame: Frame, what: string): boolean {
    this.#sink.release(frame)
    this.#services.log.limited('malformed', 1000).warn(`closed the connection from ${connection.clientAddress}: ${what}`)
    this.#sink.close(connection, false)
    return true
  }

  // A bug in a handler: the client gets an error, the log the request; the connection lives on.
  #failed(handler: AnyHandler, request: MessageOf<Api['request']>, context: Context, error: unknown): Outcome<Api> {
    this.#services.log
      .limited('bug', BUG_LOG_INTERVAL_MS)
      .error(`${handler.api.name} version ${context.apiVersion} failed: ${(error as Error)?.stack ?? String(error)}`)
    return handler.failed?.(request, ErrorCode.UNKNOWN_SERVER_ERROR) ?? { errorCode: ErrorCode.UNKNOWN_SERVER_ERROR }
  }
}
