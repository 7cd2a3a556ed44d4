/** Timers of a shard in simulated time, by their keys. */
export type Timers<Event> = Map<string, { readonly at: number; readonly event: Event }>

/** Moves `world` on by `ms`: what comes due until then is fired at its moment, also what is set meanwhile. */
export function advance<Event>(world: { now: number }, timers: Timers<Event>, ms: number, fire: (event: Event) => void): void {
  const end = world.now + ms
  for (let next = takeDue(timers, end); next; next = takeDue(timers, end)) {
    world.now = Math.max(world.now, next.at)
    fire(next.event)
  }
  world.now = end
}

/** Takes out the one that is due first, of those that are due by `end`; of several at once the one that was set first. */
function takeDue<Event>(timers: Timers<Event>, end: number): { readonly at: number; readonly event: Event } | undefined {
  let next: [string, { readonly at: number; readonly event: Event }] | undefined
  for (const timer of timers) if (timer[1].at <= end && (!next || timer[1].at < next[1].at)) next = timer
  if (next) timers.delete(next[0])
  return next?.[1]
}
