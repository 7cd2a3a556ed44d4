/** What Node programs usually write to send a part of a file: the subjects that the broker's transfer paths are compared with. */

export const IDIOMS = {
  read: 'Node fs.read + socket.write',
  'read-sync': 'Node fs.readSync + socket.write',
  pipe: 'Node createReadStream().pipe'
} as const

export type Idiom = keyof typeof IDIOMS
