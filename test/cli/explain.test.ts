import test from 'ava'
import { explain } from '../../src/cli/explain.js'
import { ConfigError, StorageError } from '../../src/errors.js'

test('a setting is explained with what it does', (t) => {
  t.is(
    explain(new ConfigError('num.partitions', 'Invalid value "0" for num.partitions')),
    'Invalid value "0" for num.partitions\n  num.partitions: Partitions of a topic that is created without a number.'
  )
  t.is(explain(new ConfigError('file', 'Cannot read')), 'Cannot read')
})

test('a folder is named with the reason', (t) => {
  t.is(explain(new StorageError('EACCES', '/data')), '/data: no permission (EACCES)')
  t.is(explain(new StorageError('ENOSPC', '/data')), '/data: the disk is full (ENOSPC)')
  t.is(explain(new StorageError('EBUSY', '/data', '/data is in use by process 7')), '/data is in use by process 7')
})

test('a bug keeps its stack', (t) => {
  t.regex(explain(new TypeError('x is not a function')), /TypeError: x is not a function\n\s+at /)
  t.is(explain(new Error('Sluice runs on Linux')), 'Sluice runs on Linux')
})
