/** Requests of administration that are right, wrong or odd: each field by chance. */
import { configKinds } from './admin-config-requests.js'
import { lookupKinds } from './admin-lookup-requests.js'
import { topicKinds } from './admin-topic-requests.js'
import type { AdminState } from './admin-side.js'
import type { KindOf } from './rounds.js'

export const adminKinds: readonly KindOf<AdminState>[] = [...topicKinds, ...configKinds, ...lookupKinds]
