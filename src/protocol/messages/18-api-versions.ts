/**
 * ApiVersions (API 18): Tells which APIs in which versions and which features a broker has; the first request of most clients.
 *
 * Version notes (+ field added, - field removed):
 * v1: throttle time (KIP-124); response + throttleTimeMs
 * v2: the broker answers first and throttles afterwards (KIP-219)
 * v3: the client's name and version (KIP-511); features (KIP-584); flexible (KIP-482); request + clientSoftwareName,
 *   clientSoftwareVersion; response + supportedFeatures, finalizedFeaturesEpoch, finalizedFeatures, zkMigrationReady
 * v4: features whose least version is 0 are listed, too
 * v5: the cluster and node that the client believes to talk to; request + clusterId, nodeId
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
