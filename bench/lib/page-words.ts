/** What the page says beside its figures: how they are to be read, and what they can not show. */
import { markup } from './markup.js'
import type { Markup } from './markup.js'
import { DISTURBED_FLOOR, DISTURBED_PERCENT, ENOUGH_ROUNDS } from './statistics.js'

export const METHOD: Markup = markup`<ul>
<li><b>Medians.</b> Every case ran once a round, its subjects directly after one another and in alternating order. A figure is the median of its rounds; the whiskers and the small numbers are the lowest and the highest round.</li>
<li><b>Ratios</b> are taken round by round, because what the machine did in a round met all subjects alike, and are the median of these. They need not equal the quotient of the medians.</li>
<li><b>A difference is claimed</b> when at least ${ENOUGH_ROUNDS} rounds have both subjects, the interval of their ratios (which covers the true median in nine of ten cases from five rounds on) excludes 1, and the ratio is off by 2 % or more; with 3 or 4 rounds it must also be farther from 1 than the rounds lie apart. Anything else is marked ≈: no difference beyond the noise, or too few rounds to tell. Among many comparisons one in some twenty may still be chance.</li>
<li><b>Disturbed rounds,</b> in which other processes used more than ${DISTURBED_PERCENT} % of the machine, or before which filling the page cache without any broker took more than ${DISTURBED_FLOOR} CPU-s/GiB (memory that a virtual machine had not touched yet), are left out when at least ${ENOUGH_ROUNDS} others remain; the tables name them.</li>
<li><b>CPU-s/GiB</b> is the CPU time, user and system, that all threads of the broker took to move a GiB. It is sturdier than MiB/s, because the load generator shares the machine. <b>Calls/GiB</b> are system calls of the broker.</li>
<li><b>Latency</b> at a given rate is counted from when a request was due, not from when it could be sent at last: a broker that stalls can not hide it. Without a given rate, the next request waits for the answer, and such latencies are only good for comparison.</li>
<li><b>Axes</b> begin at zero, or are logarithmic and say so: then equal distances are equal factors.</li>
</ul>`

export const LIMITS: Markup = markup`<ul>
<li><b>A network card.</b> Over loopback nothing leaves the memory. With sendfile or splice the pages of the file themselves are queued at the receiver, which then copies them out, page by page; that takes back part of what the sender saved, and on some machines all of it. A network card would gather those pages by itself, without CPU time. What zero-copy saves a broker on a real network is <b>not</b> measured here, and is not claimed.</li>
<li><b>The wire.</b> No bandwidth, packet loss, delay, interrupts or checksums of a network: throughput is bounded by the cores, and latency is that of the machine alone.</li>
<li><b>A machine of its own.</b> The load generator uses the same cores and caches as the broker. More throughput of one subject takes CPU from the generator, too.</li>
<li><b>Encryption.</b> TLS ends every zero-copy path unless the kernel or the card encrypts. Nothing here is encrypted.</li>
<li><b>Durability.</b> Acknowledged data is in the page cache unless the flush policy above says otherwise. A broker that waits for the disk has other figures.</li>
<li><b>Replication.</b> Single nodes only: a cluster reads and writes everything more than once.</li>
<li><b>Long runs.</b> Seconds per round: no compaction, no retention, no full disk, no memory that fills over days.</li>
<li><b>Virtual machines.</b> A host that backs memory lazily makes the first write to fresh memory cost many times the later ones, and neighbours on the host are not seen in “others used”.</li>
</ul>`
