/**
 * What others measured and published, to stand beside our figures. Each entry says what was compared with what, because the baseline decides
 * the factor: reading by 4 KiB makes any other way look good.
 */

export interface PublishedSource {
  readonly name: string
  readonly year: number
  readonly url: string
}

export interface PublishedTable {
  readonly title: string
  readonly source: PublishedSource
  /** What was measured, against which baseline, and what follows for the comparison with ours. */
  readonly setting: string
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

export interface PublishedFact {
  readonly source: PublishedSource
  readonly fact: string
  readonly setting: string
}

/** Milliseconds per file: [size in MB, read and write, transferTo]. */
const IBM_MILLISECONDS: readonly (readonly [string, number, number])[] = [
  ['7 MB', 156, 45],
  ['21 MB', 337, 128],
  ['63 MB', 843, 387],
  ['98 MB', 1320, 617],
  ['200 MB', 2124, 1150],
  ['350 MB', 3631, 1762],
  ['700 MB', 13_498, 4422],
  ['1 GB', 18_399, 8537]
]

export const PUBLISHED_TABLES: readonly PublishedTable[] = [
  {
    title: 'A file sent by read and write, and by transferTo (sendfile)',
    source: {
      name: 'IBM developerWorks, “Efficient data transfer through zero copy”',
      year: 2008,
      url: 'https://developer.ibm.com/articles/j-zerocopy/'
    },
    setting:
      'Java on Linux 2.6, a client that sends one file to a server. The baseline reads and writes by 4 KiB, so that part of the factor is the number of system calls, not the copy.',
    head: ['file', 'read/write, ms', 'transferTo, ms', 'time, × read/write'],
    rows: IBM_MILLISECONDS.map(([size, copied, sent]) => [size, String(copied), String(sent), (sent / copied).toFixed(2)])
  },
  {
    title: 'Throughput per core of a block server, 64 KiB blocks',
    source: { name: 'milvus-io/talon, pull request 462', year: 2026, url: 'https://github.com/milvus-io/talon/pull/462' },
    setting:
      'Reference servers in C, over a network whose link was the limit (hence per core), file in the page cache and not. Here copying wins while the data is hot, and a header that is sent together with the payload is worth some 10 %.',
    head: ['way', 'hot, Gbit/s per core', 'cold, Gbit/s per core'],
    rows: [
      ['sendfile', '7.95', '2.78'],
      ['pread + write', '10.04', '2.37'],
      ['pread + writev (header and payload together)', '11.02', '2.75'],
      ['io_uring read + send', '9.18', '2.18']
    ]
  }
]

export const PUBLISHED_FACTS: readonly PublishedFact[] = [
  {
    source: { name: 'Linux kernel documentation, MSG_ZEROCOPY', year: 2017, url: 'https://docs.kernel.org/networking/msg_zerocopy.html' },
    fact: 'Avoiding the copy pays from writes of about 10 KB on; below, keeping account of pages costs more than copying them. Data looped to a local socket is copied after all.',
    setting: 'The reason why loopback figures of MSG_ZEROCOPY say nothing about a network.'
  },
  {
    source: {
      name: 'NGINX, “Thread Pools in NGINX Boost Performance 9x!”',
      year: 2015,
      url: 'https://www.nginx.com/blog/thread-pools-boost-performance-9x/'
    },
    fact: 'Nine times the throughput when reads that block leave the event loop.',
    setting:
      'Files larger than memory on slow disks: the factor is that of waiting, not of copying. Compare with our figures for hot work beside cold readers.'
  },
  {
    source: { name: 'phaistos-networks/TANK, issue 14', year: 2016, url: 'https://github.com/phaistos-networks/TANK/issues/14' },
    fact: 'sendfile of 2.8 MB from the page cache takes 0.3 ms, of 15 MB that are not cached 110 ms, during which the thread does nothing else.',
    setting: 'A broker of the same kind, in C++.'
  },
  {
    source: {
      name: 'Netflix, “Serving Netflix Video at 400Gb/s on FreeBSD”',
      year: 2021,
      url: 'https://papers.freebsd.org/2021/eurobsdcon/gallatin-netflix-freebsd-400gbps/'
    },
    fact: '400 Gbit/s of TLS from one server, with asynchronous sendfile and encryption in the network card.',
    setting: 'FreeBSD and special network cards: what is possible where nothing is copied at all. Memory bandwidth is the limit there.'
  }
]
