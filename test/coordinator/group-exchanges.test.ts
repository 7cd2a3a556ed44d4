/** What a real broker 4.3.1 answered to requests about groups, one after the other: the handlers answer the same bytes. */
import test from 'ava'
import { decode } from '../../src/protocol/compile.js'
import { responseHeader, responseHeaderVersion } from '../../src/protocol/header.js'
import { Reader } from '../../src/protocol/reader.js'
import { jsonLines } from '../support/fixtures.js'
import { answerFrame, groupHandlers } from './support/call.js'
import { GroupNode } from './support/group-services.js'

interface Exchange {
  step: number
  note: string
  api: string
  version: number
  request: string
  response: string
  responseJson: { memberId?: string; groups?: { groupId: string }[]; coordinators?: { errorCode: number }[]; errorCode?: number }
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

test('recorded exchanges of groups are answered bit for bit', async (t) => {
  const exchanges = jsonLines<Exchange>('onwire/exchanges-4.3.1.jsonl.gz').filter(({ api }) => groupHandlers.has(api))
  // The unique part of the member id that the real broker gave.
  let uuid = ''
  const node = new GroupNode(() => uuid)
  let answered = 0
  for (const { step, note, api, version, request, response, responseJson } of exchanges) {
    const where = `step ${step}: ${api} version ${version}, ${note}`
    // The real broker asks clients to come back while it makes its topic; ours makes them wait. Transactions are not the groups' own.
    const comesLater = (responseJson.coordinators?.[0] ?? responseJson).errorCode === 15 && (note === 'group' || note === 'transaction')
    if (comesLater || note.includes('transaction is open')) continue
    uuid = UUID.exec(responseJson.memberId ?? '')?.[0] ?? ''
    const handler = groupHandlers.get(api)!
    const answer = answerFrame(handler, version, Buffer.from(request, 'hex'), node.services)
    await node.clock.advance(0)
    // As a Java map orders it.
    if (api === 'ListGroups') t.deepEqual(listed(await answer, version), listed(Buffer.from(response, 'hex'), version), where)
    else t.is(masked(await answer, response), response, where)
    answered++
  }
  t.true(answered > 110)
  t.log(`${answered} exchanges`)
  await node.groups.close()
})

/** Texts of errors were masked with as many `*`. */
function masked(answer: Buffer, expected: string): string {
  const bytes = Buffer.from(expected, 'hex')
  for (let at = 0; at < Math.min(answer.length, bytes.length); at++) if (bytes[at] === 0x2a) answer[at] = 0x2a
  return answer.toString('hex')
}

function listed(frame: Buffer, version: number): unknown {
  const { api } = groupHandlers.get('ListGroups')!
  const reader = new Reader(frame, 4)
  decode(responseHeader, responseHeaderVersion(api, version), reader)
  const { groups, ...rest } = decode(api.response, version, reader) as unknown as { groups: { groupId: string }[] }
  return { ...rest, groups: groups.toSorted((a, b) => a.groupId.localeCompare(b.groupId)) }
}
