/**
 * DescribeConfigs (API 32): Gives the settings of topics, brokers, groups, loggers or client metrics, and where each comes from.
 *
 * Version notes (+ field added, - field removed):
 * v1: where a value comes from, and what it hides (KIP-226)
 * v2: the broker answers first and throttles afterwards (KIP-219)
 * v3: type and documentation (KIP-569); request + includeDocumentation; response + results.configs.configType,
 *   results.configs.documentation
 * v4: flexible (KIP-482)
 */
import { api } from '../api.js'
import { array, bool, int16, int32, int8, message, string, struct } from '../schema.js'

export const describeConfigs = api({
  key: 32,
  name: 'DescribeConfigs',
  stable: [1, 4],
  request: message({
    name: 'DescribeConfigsRequest',
    versions: [1, 4],
    flexible: 4,
    fields: {
      resources: array(
        struct({
          resourceType: int8(),
          resourceName: string(),
          configurationKeys: array(string(), { nullable: 0 })
        })
      ),
      includeSynonyms: bool({ absent: false }),
      includeDocumentation: bool({ since: 3, absent: false })
    }
  }),
  response: message({
    name: 'DescribeConfigsResponse',
    versions: [1, 4],
    flexible: 4,
    fields: {
      throttleTimeMs: int32({ absent: 0 }),
      results: array(
        struct({
          errorCode: int16(),
          errorMessage: string({ nullable: 0 }),
          resourceType: int8(),
          resourceName: string(),
          configs: array(
            struct({
              name: string(),
              value: string({ nullable: 0 }),
              readOnly: bool(),
              configSource: int8({ absent: -1 }),
              isSensitive: bool(),
              synonyms: array(
                struct({
                  name: string(),
                  value: string({ nullable: 0 }),
                  source: int8()
                })
              ),
              configType: int8({ since: 3, absent: 0, ignorable: true }),
              documentation: string({ since: 3, nullable: 0, ignorable: true })
            })
          )
        })
      )
    }
  })
})
