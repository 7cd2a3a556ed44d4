/**
 * ApiVersions (API 18).
 *
 * Version notes (+ added, - removed):
 * v1: response + throttleTimeMs
 * v3: flexible (KIP-482); request + clientSoftwareName, clientSoftwareVersion; response + supportedFeatures, finalizedFeaturesEpoch,
 *   finalizedFeatures, zkMigrationReady
 * v5: request + clusterId, nodeId
 */
import { api } from '../api.js'
import { array, bool, int16, int32, int64, message, string, struct } from '../schema.js'

export const apiVersions = api({
  key: 18,
  name: 'ApiVersions',
  stable: [0, 4],
  request: message({
    name: 'ApiVersionsRequest',
    versions: [0, 5],
    flexible: 3,
    fields: {
      clientSoftwareName: string({ since: 3, ignorable: true }),
      clientSoftwareVersion: string({ since: 3, ignorable: true }),
      clusterId: string({ since: 5, absent: null, nullable: 5, ignorable: true }),
      nodeId: int32({ since: 5, absent: -1, ignorable: true })
    }
  }),
  response: message({
    name: 'ApiVersionsResponse',
    versions: [0, 5],
    flexible: 3,
    fields: {
      errorCode: int16(),
      apiKeys: array(
        struct({
          apiKey: int16(),
          minVersion: int16(),
          maxVersion: int16()
        })
      ),
      throttleTimeMs: int32({ since: 1, absent: 0, ignorable: true }),
      supportedFeatures: array(
        struct({
          name: string(),
          minVersion: int16(),
          maxVersion: int16()
        }),
        { since: 3, tag: 0, ignorable: true }
      ),
      finalizedFeaturesEpoch: int64({ since: 3, absent: -1, tag: 1, ignorable: true }),
      finalizedFeatures: array(
        struct({
          name: string(),
          maxVersionLevel: int16(),
          minVersionLevel: int16()
        }),
        { since: 3, tag: 2, ignorable: true }
      ),
      zkMigrationReady: bool({ since: 3, absent: false, tag: 3, ignorable: true })
    }
  })
})
