/** Calls a handler as the dispatcher does, from bytes to bytes. */
import type { BrokerServices } from '../../../src/broker/services.js'
import type { Handler } from '../../../src/handlers/handler.js'
import { deleteGroupsHandler } from '../../../src/handlers/42-delete-groups.js'
import { describeGroupsHandler } from '../../../src/handlers/15-describe-groups.js'
import { findCoordinatorHandler } from '../../../src/handlers/10-find-coordinator.js'
import { heartbeatHandler } from '../../../src/handlers/12-heartbeat.js'
import { joinGroupHandler } from '../../../src/handlers/11-join-group.js'
import { leaveGroupHandler } from '../../../src/handlers/13-leave-group.js'
import { listGroupsHandler } from '../../../src/handlers/16-list-groups.js'
import { offsetCommitHandler } from '../../../src/handlers/08-offset-commit.js'
import { offsetDeleteHandler } from '../../../src/handlers/47-offset-delete.js'
import { offsetFetchHandler } from '../../../src/handlers/09-offset-fetch.js'
import { syncGroupHandler } from '../../../src/handlers/14-sync-group.js'
import type { Api } from '../../../src/protocol/api.js'
import { decode, encode } from '../../../src/protocol/compile.js'
import { requestHeader, requestHeaderVersion, responseHeader, responseHeaderVersion } from '../../../src/protocol/header.js'
import { Reader } from '../../../src/protocol/reader.js'
import type { InputOf, MessageOf } from '../../../src/protocol/schema.js'
import { Writer } from '../../../src/protocol/writer.js'

export const groupHandlers = new Map(
  [
    deleteGroupsHandler,
    describeGroupsHandler,
    findCoordinatorHandler,
    heartbeatHandler,
    joinGroupHandler,
    leaveGroupHandler,
    listGroupsHandler,
    offsetCommitHandler,
    offsetDeleteHandler,
    offsetFetchHandler,
    syncGroupHandler
  ].map((handler) => [handler.api.name, handler as unknown as Handler<Api>])
)

/** `frame`: size, header, request. The answer likewise. */
export async function answerFrame(handler: Handler<Api>, version: number, frame: Buffer, broker: BrokerServices): Promise<Buffer> {
  const { api } = handler
  const reader = new Reader(frame, 4)
  const header = decode(requestHeader, requestHeaderVersion(api, version), reader)
  const request = decode(api.request, version, reader)
  const body = await handle(handler, version, header.clientId, request, broker)
  const writer = new Writer()
  writer.int32(0)
  encode(responseHeader, responseHeaderVersion(api, version), writer, { correlationId: header.correlationId })
  encode(api.response, version, writer, body)
  writer.patchInt32(0, writer.totalLength - 4)
  return writer.toBuffer()
}

/** With request and response as objects, but through their encoded form in this version. */
export async function call<A extends Api>(
  handler: Handler<A>,
  version: number,
  request: InputOf<A['request']>,
  broker: BrokerServices
): Promise<MessageOf<A['response']>> {
  const asked = recode(handler.api.request, version, request)
  const body = await handle(handler as unknown as Handler<Api>, version, 'client', asked, broker)
  return recode(handler.api.response, version, body) as MessageOf<A['response']>
}

function recode(schema: Api['request'], version: number, message: object): MessageOf<Api['request']> {
  const writer = new Writer()
  encode(schema, version, writer, message as never)
  return decode(schema, version, new Reader(writer.toBuffer()))
}

async function handle(handler: Handler<Api>, apiVersion: number, clientId: string | null, request: object, broker: BrokerServices) {
  const context = {
    apiVersion,
    correlationId: 1,
    clientId,
    connection: 1,
    listenerName: 'PLAINTEXT',
    clientAddress: '127.0.0.1',
    frame: undefined
  }
  return (await handler.handle(request as never, context as never, broker)) as InputOf<Api['response']>
}
