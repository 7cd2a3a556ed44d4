/** The line about flushing that a start shows. */
import test from 'ava'
import { loadBrokerConfig } from '../../src/config/index.js'
import { flushPolicyText } from '../../src/storage/flush-policy.js'

const textOf = (settings: Readonly<Record<string, string>>) => flushPolicyText(loadBrokerConfig(settings).config)

test('the flush policy is told as the settings have it', (t) => {
  t.is(
    textOf({}),
    'left to the kernel, in the background after every 64 MiB of a partition; what is acknowledged survives the end of this process, not a power cut'
  )
  t.regex(textOf({ 'sluice.flush.background.bytes': '0' }), /^left to the kernel; /)
  t.is(textOf({ 'log.flush.interval.messages': '1' }), 'before every answer; what is acknowledged survives a power cut')
  t.is(
    textOf({ 'log.flush.interval.messages': '100', 'log.flush.interval.ms': '500', 'sluice.flush.background.bytes': '1000' }),
    'after every 100 records, every 500 ms, in the background after every 1000 bytes of a partition; a power cut may take what came since'
  )
})
