/**
 * ApiVersions: exactly what works, derived from the list of handlers.
 *
 * Version notes: the response header is version 0 always, even where the body is flexible (KIP-511). v3 client software name and version,
 * features; leaves out supported features whose minimum is 0. v4 lists them, too.
 */
import { ErrorCode } from '../protocol/error-codes.js'
import { apiVersions } from '../protocol/messages/18-api-versions.js'
import { SUPPORTED_FEATURES } from '../metadata/features.js'
import type { Api } from '../protocol/api.js'
import { handler, type Handler } from './handler.js'

const SOFTWARE_NAME = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/
const FIRST_VERSION_WITH_SOFTWARE = 3
const FIRST_VERSION_WITH_ZERO_FEATURES = 4

interface ApiKey {
  readonly apiKey: number
  readonly minVersion: number
  readonly maxVersion: number
}

export function apiVersionsHandler(others: readonly Handler<Api>[]): Handler<typeof apiVersions> {
  let apiKeys: ApiKey[] = []
  const self = handler({
    api: apiVersions,
    minVersion: 0,
    maxVersion: 4,
    handle(request, context, broker) {
      const { apiVersion } = context
      if (apiVersion >= FIRST_VERSION_WITH_SOFTWARE) {
        const named = SOFTWARE_NAME.test(request.clientSoftwareName) && SOFTWARE_NAME.test(request.clientSoftwareVersion)
        if (!named) return { errorCode: ErrorCode.INVALID_REQUEST, apiKeys: [] }
        broker.clientMetrics.introduced(context.connection, request.clientSoftwareName, request.clientSoftwareVersion)
      }
      const { features } = broker.metadata.image
      return {
        errorCode: ErrorCode.NONE,
        apiKeys,
        supportedFeatures: SUPPORTED_FEATURES.filter(
          ({ minSupportedVersion }) => minSupportedVersion > 0 || apiVersion >= FIRST_VERSION_WITH_ZERO_FEATURES
        ).map(({ name, minSupportedVersion, maxSupportedVersion }) => ({
          name,
          minVersion: minSupportedVersion,
          maxVersion: maxSupportedVersion
        })),
        finalizedFeaturesEpoch: broker.metadata.offset,
        finalizedFeatures: [...features.all()].map(([name, level]) => ({ name, maxVersionLevel: level, minVersionLevel: level }))
      }
    }
  })
  apiKeys = [...others, self as Handler<Api>]
    .map(({ api, minVersion, advertisedMinVersion, maxVersion }) => ({
      apiKey: api.key,
      minVersion: advertisedMinVersion ?? minVersion,
      maxVersion
    }))
    .toSorted((a, b) => a.apiKey - b.apiKey)
  return self
}
