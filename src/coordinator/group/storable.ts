/**
 * Whether names fit the records, whose strings have at most 32,767 bytes. A request is held to the same, but its names may have grown: malformed
 * UTF-8 becomes replacement characters of three bytes when it is decoded, and a member id is longer than the client id in it. What does not fit
 * is refused before it can come into the state of a group.
 */
import { Buffer } from 'node:buffer'
import type { JoinContext, JoinGroupRequest } from './messages.js'

const MAX_STRING_BYTES = 0x7fff
/** Of the unique part of a member id, with its hyphen. */
const UUID_BYTES = 37

export function fitsRecord(text: string, extraBytes = 0): boolean {
  // No character takes more than three bytes a UTF-16 unit: the usual name need not be measured.
  return text.length * 3 + extraBytes <= MAX_STRING_BYTES || Buffer.byteLength(text) + extraBytes <= MAX_STRING_BYTES
}

export function canBeStored(request: JoinGroupRequest, context: JoinContext): boolean {
  return (
    fitsRecord(request.groupInstanceId ?? context.clientId, UUID_BYTES) &&
    fitsRecord(request.protocolType) &&
    request.protocols.every(({ name }) => fitsRecord(name))
  )
}
