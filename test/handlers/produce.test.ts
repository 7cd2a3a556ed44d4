/** Produce: what is refused before a log sees it. The same of Apache Kafka. */
import test from 'ava'
import { ErrorCode } from '../../src/protocol/error-codes.js'
import { buildBatch } from '../../src/record/index.js'
import { startBroker } from '../support/broker.js'
import { Session } from '../takeover/session.js'

test('a batch that names its offsets itself is refused', async (t) => {
  const broker = await startBroker()
  const session = await Session.connect(broker)
  t.teardown(async () => {
    session.close()
    await broker.stop()
  })
  const topic = `produce-${Date.now()}`
  await session.createTopic(topic, 1)
  const batch = buildBatch([{ value: Buffer.from('v'), timestamp: Date.now() }])
  batch.writeBigInt64BE(77n, 0)
  t.is((await session.produce(topic, 0, batch)).errorCode, ErrorCode.INVALID_RECORD)
  batch.writeBigInt64BE(0n, 0)
  t.is(await session.send(topic, 0, batch), 0)
})
