// Installs Apache Kafka's jars with Maven, once, into the cache folder and prints their folder.
// Exit code 3: Java or Maven is missing, or the jars cannot be had; standard error says which.
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Unavailable, cached, digestOf, printProduct, run } from '../clients/cached.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const pom = join(here, 'pom.xml')
const OLDEST_JAVA = 17

/** The folder with the jars. */
export async function installKafka() {
  requireJava()
  return cached(`kafka-${digestOf([pom])}`, (folder) => {
    run('mvn', ['-B', '-q', '-f', pom, `-DoutputDirectory=${folder}`, '-DincludeScope=runtime', 'dependency:copy-dependencies'])
  })
}

/** The arguments of `java` up to the main class. */
export function javaArguments(jars, { heap, logLevel = 'WARN', options = [] }) {
  return [
    `-Xmx${heap}`,
    ...options,
    '-Djava.awt.headless=true',
    '-Djava.net.preferIPv4Stack=true',
    `-Dlog4j2.configurationFile=${join(here, 'log4j2.properties')}`,
    `-Dsluice.log.level=${logLevel}`,
    '-cp',
    `${jars}/*`
  ]
}

function requireJava() {
  const version = Number(/^\S+ (\d+)/.exec(run('java', ['--version']))?.[1])
  if (!(version >= OLDEST_JAVA)) throw new Unavailable(`Apache Kafka needs java ${OLDEST_JAVA} or newer`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await printProduct(installKafka)
