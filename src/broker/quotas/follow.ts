/** Keeps the quotas in force what the metadata says. */
import type { Clock } from '../../clock.js'
import type { BrokerConfig } from '../../config/broker-config.js'
import type { MetadataSource } from '../../metadata/metadata-source.js'
import { ClientQuotas } from './client-quotas.js'

const MS_PER_SECOND = 1000

export function quotasOf(config: BrokerConfig, metadata: MetadataSource, clock: Clock): ClientQuotas {
  const quotas = new ClientQuotas(clock, {
    clients: { count: config.get('quota.window.num'), sizeMs: config.get('quota.window.size.seconds') * MS_PER_SECOND },
    controller: {
      count: config.get('controller.quota.window.num'),
      sizeMs: config.get('controller.quota.window.size.seconds') * MS_PER_SECOND
    }
  })
  const apply = (): void => quotas.set(metadata.image.clientQuotas.all())
  apply()
  metadata.subscribe(({ clientQuotasChanged }) => {
    if (clientQuotasChanged) apply()
  })
  return quotas
}
