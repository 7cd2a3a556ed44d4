// Writes the documents that are made from tables in the code: docs/configuration.md, the APIs in README.md. `npm run docs`; the tests check that they are up to date.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { root } from './build.mjs'

const INTRO = `# Configuration

This page is made from the table of settings in \`src/config/settings\` by \`npm run docs\`.

Names, types, defaults and bounds are those of Apache Kafka 4.3.1, so its \`server.properties\` is accepted. Settings come, the later ones
stronger, from the defaults, the file given to \`sluice start\`, its \`--set name=value\`, and what IncrementalAlterConfigs changed while the broker
runs: for all brokers, then for this one. A topic setting wins over the broker setting behind it.

- A wrong value, and anything about TLS, SASL or authorization other than its default end the start with a message that names the setting, its value and
  what is allowed.
- Unknown names get one warning, with what may be meant: they may belong to a plug-in. In \`sluice/storage\` they are errors.
- "No effect" marks settings that are accepted and listed, and that nothing here depends on.
- "How": *start* is read at the start only, *live* may be changed while the broker runs, *live, one broker* only for a single one.
`

const README_TABLE = /(<!-- apis: made by npm run docs -->\n)[\s\S]*?(<!-- \/apis -->)/

/** What the table says of a served API other than that it works. `refused`: every request is, as Apache Kafka does in the same place. */
export const API_STATES = {
  17: 'refused: no SASL',
  29: 'refused: no authorizer',
  30: 'refused: no authorizer',
  31: 'refused: no authorizer',
  36: 'refused: no SASL',
  38: 'refused: no authentication',
  39: 'refused: no authentication',
  40: 'refused: no authentication',
  41: 'refused: no authentication',
  45: 'works; one node has nowhere to move to',
  51: 'works: kept, but no listener asks for them',
  71: 'works (Kafka: with a plug-in)',
  72: 'works (Kafka: with a plug-in)',
  80: 'refused: one voter',
  81: 'refused: one voter'
}

/** Those that no broker of Apache Kafka 4.3.1 offers to clients. */
const CONTROLLERS_ONLY = new Set([52, 53, 54, 56, 58, 59, 62, 63, 67, 70, 73, 82])

/** README.md with its table of APIs as it should be. */
export async function readmeText() {
  const { handlers } = await import(join(root, 'dist/src/handlers/index.js'))
  const served = new Map(handlers.map((handler) => [handler.api.key, handler]))
  const rows = (await allApis())
    .filter((api) => api.stable)
    .map((api) => {
      const handler = served.get(api.key)
      const missing = CONTROLLERS_ONLY.has(api.key) ? 'between controllers and brokers only' : 'not yet'
      const versions = handler ? range([handler.minVersion, handler.maxVersion]) : '–'
      return `| ${api.key} | ${api.name} | ${versions} | ${range(api.stable)} | ${handler ? (API_STATES[api.key] ?? 'works') : missing} |\n`
    })
  const table = ['| key | API | versions | Kafka 4.3.1 | state |\n| ---: | --- | --- | --- | --- |\n', ...rows].join('')
  return readFileSync(join(root, 'README.md'), 'utf8').replace(README_TABLE, (_, before, after) => `${before}\n${table}\n${after}`)
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
  const { resourceAreas } = await import(join(dist, 'settings/resources.js'))
  for (const { title, rows } of [...settingAreas, ...resourceAreas]) {
    const topic = title === 'Topics' || title.startsWith('One ')
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
  writeFileSync(join(root, 'README.md'), await readmeText())
}
