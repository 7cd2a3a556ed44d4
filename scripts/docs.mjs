// Writes the documents that are made from tables in the code: docs/configuration.md, docs/api.md. `npm run docs`; the tests check that they are up to date.
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { root } from './build.mjs'

const INTRO = `# Configuration

This page is made from the table of settings in \`src/config/settings\` by \`npm run docs\`.

Names, types, defaults and bounds are those of Apache Kafka 4.3.1, so its \`server.properties\` is accepted. Settings come, the later ones
stronger, from the defaults, the file given to \`sluice start\`, its \`--set name=value\`, and what IncrementalAlterConfigs changed while the broker
runs: for all brokers, then for this one. A topic setting wins over the broker setting behind it.

- A wrong value, an unknown name that begins with \`sluice.\`, and anything about TLS, SASL or authorization other than its default end the start with
  a message that names the setting, its value and what is allowed.
- Other unknown names get one warning: they may belong to a plug-in.
- "No effect" marks settings that are accepted and listed, and that nothing here depends on.
- "How": *start* is read at the start only, *live* may be changed while the broker runs, *live, one broker* only for a single one.
`

const API_INTRO = `# APIs

This page is made from the list of handlers in \`src/handlers/index.ts\` by \`npm run docs\`. ApiVersions answers the same list: what is not served is not
advertised, and a request for it closes the connection.

"Kafka" holds the versions that Apache Kafka 4.3.1 serves.
`

/** The text of docs/api.md. */
export async function apiPage() {
  const { handlers } = await import(join(root, 'dist/src/handlers/index.js'))
  const served = new Map(handlers.map((handler) => [handler.api.key, handler]))
  const parts = [API_INTRO, '\n## Served\n\n| key | API | versions | Kafka |\n| ---: | --- | --- | --- |\n']
  for (const { api, minVersion, maxVersion } of [...served.values()].toSorted((a, b) => a.api.key - b.api.key)) {
    parts.push(`| ${api.key} | ${api.name} | ${range([minVersion, maxVersion])} | ${range(api.stable)} |\n`)
  }
  const missing = (await allApis()).filter((api) => !served.has(api.key) && api.stable)
  if (missing.length === 0) return parts.join('')
  parts.push(
    '\n## Not served yet\n\nIncludes those that only brokers and controllers send to each other.\n\n| key | API | Kafka |\n| ---: | --- | --- |\n'
  )
  for (const api of missing) parts.push(`| ${api.key} | ${api.name} | ${range(api.stable)} |\n`)
  return parts.join('')
}

async function allApis() {
  const folder = join(root, 'dist/src/protocol/messages')
  const names = readdirSync(folder).filter(
    (name) => /^\d+-.*\.js$/.test(name) && existsSync(join(root, 'src/protocol/messages', name.replace(/\.js$/, '.ts')))
  )
  const modules = await Promise.all(names.map((name) => import(join(folder, name))))
  const apis = modules
    .flatMap((module) => Object.values(module))
    .filter((value) => typeof value?.key === 'number' && value.request && value.response)
  return apis.toSorted((a, b) => a.key - b.key)
}

function range(versions) {
  if (!versions) return '–'
  return versions[0] === versions[1] ? `${versions[0]}` : `${versions[0]}–${versions[1]}`
}

/** The text of docs/configuration.md. */
export async function configurationPage() {
  const dist = join(root, 'dist/src/config')
  const { settingAreas } = await import(join(dist, 'settings/index.js'))
  const { allowedValues } = await import(join(dist, 'values.js'))
  const parts = [INTRO]
  for (const { title, rows } of settingAreas) {
    const topic = title === 'Topics'
    parts.push(
      `\n## ${title}\n\n| setting | default | allowed | ${topic ? 'falls back to' : 'how'} | about |\n| --- | --- | --- | --- | --- |\n`
    )
    for (const [name, setting] of Object.entries(rows)) {
      const cells = [
        `\`${name}\``,
        defaultText(setting),
        escape(allowedValues(setting)),
        topic ? synonymText(setting) : howText(setting),
        aboutText(setting)
      ]
      parts.push(`| ${cells.join(' | ')} |\n`)
    }
  }
  return parts.join('')
}

function defaultText(setting) {
  if (setting.default === null) return 'unset'
  return setting.default === '' ? 'empty' : `\`${setting.default}\``
}

function howText(setting) {
  return { 'read-only': 'start', 'per-broker': 'live, one broker', 'cluster-wide': 'live', topic: 'live' }[setting.change]
}

function synonymText(setting) {
  return (setting.synonyms ?? []).map(({ name, factor }) => `\`${name}\`${factor === 1 ? '' : ` × ${factor}`}`).join(', ') || '–'
}

function aboutText(setting) {
  const flags = [
    setting.ignored ? '**No effect.**' : '',
    setting.refused ? '**Only the default is allowed.**' : '',
    setting.internal ? 'Internal.' : ''
  ]
  return [escape(setting.about), ...flags].filter(Boolean).join(' ')
}

function escape(text) {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('*', '\\*')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (!existsSync(join(root, 'dist/src/config/values.js'))) {
    process.stderr.write('Build first: npm run build\n')
    process.exit(1)
  }
  writeFileSync(join(root, 'docs/configuration.md'), await configurationPage())
  writeFileSync(join(root, 'docs/api.md'), await apiPage())
}
