/** LeaderChangeMessage. */
import { array, int16, int32, message, struct, uuid } from '../../schema.js'

const voterFields = {
  voterId: int32(),
  voterDirectoryId: uuid({ since: 1 })
}

export const leaderChangeMessage = message({
  name: 'LeaderChangeMessage',
  versions: [0, 1],
  flexible: 0,
  fields: {
    version: int16(),
    leaderId: int32(),
    voters: array(struct(voterFields)),
    grantingVoters: array(struct(voterFields))
  }
})
