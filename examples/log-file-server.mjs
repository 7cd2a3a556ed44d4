/**
 * An HTTP server of a log's segment files: a list, and each file with range requests (RFC 9110), sent by sendfile from the page cache.
 *
 *   node examples/log-file-server.mjs FOLDER TOPIC [PORT]
 *   curl -r 0-99 http://127.0.0.1:8080/segments/0
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { LogDirectory } from 'sluice/storage'

export function serve(log) {
  return createServer((request, response) => {
    answer(log, request, response).catch((error) => {
      // The peer may be gone, or part of the answer may be on its way: nothing can be said any more.
      if (response.headersSent) response.destroy()
      else response.writeHead(500).end(`${error.message}\n`)
    })
  })
}

async function answer(log, request, response) {
  // A request that came before the answer to the one before it had ended gets the socket later: what is there then counts.
  if (response.socket === null) await once(response, 'socket')
  if (request.method !== 'GET' && request.method !== 'HEAD') return response.writeHead(405, { allow: 'GET, HEAD' }).end()
  if (request.url === '/segments') {
    const list = log.segments().map(({ baseOffset, size }) => ({ url: `/segments/${baseOffset}`, size }))
    return response.setHeader('content-type', 'application/json').end(JSON.stringify(list))
  }
  const segment = log.segments().find(({ baseOffset }) => request.url === `/segments/${baseOffset}`)
  if (segment === undefined) return response.writeHead(404).end()
  // Nothing here has a validator that If-Range could match: then the whole file is asked for.
  const range = request.headers['if-range'] === undefined ? rangeOf(request.headers.range, segment.size) : undefined
  if (range === 'unsatisfiable') return response.writeHead(416, { 'content-range': `bytes */${segment.size}` }).end()
  const [first, last] = range ?? [0, segment.size - 1]
  response.writeHead(range ? 206 : 200, {
    'accept-ranges': 'bytes',
    'content-type': 'application/octet-stream',
    'content-length': last - first + 1,
    ...(range && { 'content-range': `bytes ${first}-${last}/${segment.size}` })
  })
  if (request.method === 'GET' && last >= first) {
    response.flushHeaders()
    await log.send(response.socket, { file: segment.file, position: first, length: last - first + 1 })
  }
  response.end()
}

/** [first, last] of a single range; undefined: the whole file. Of several ranges none is answered, which the standard allows. */
export function rangeOf(header, size) {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '')
  if (match === null || match[0] === 'bytes=-') return undefined
  const first = match[1] === '' ? Math.max(0, size - Number(match[2])) : Number(match[1])
  const last = match[1] === '' || match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1)
  if (match[1] !== '' && match[2] !== '' && Number(match[2]) < first) return undefined
  return first > last ? 'unsatisfiable' : [first, last]
}

async function main([folder, topic, port = '8080']) {
  const directory = await LogDirectory.open(folder)
  const log = await directory.log(topic, { create: false })
  const server = serve(log).listen(Number(port), '127.0.0.1')
  await once(server, 'listening')
  console.log(`http://127.0.0.1:${server.address().port}/segments`)
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
  server.close()
  server.closeAllConnections()
  await directory.close()
}

if (fileURLToPath(import.meta.url) === process.argv[1]) {
  if (process.argv.length < 4) {
    console.error('usage: node examples/log-file-server.mjs FOLDER TOPIC [PORT]')
    process.exitCode = 2
  } else {
    await main(process.argv.slice(2))
  }
}
