// What a platform's own backend does with Hourbank's events, without a dependency:
//   WEBHOOK_SECRET=whsec_… node receiver.mjs
import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'

const key = Buffer.from(process.env.WEBHOOK_SECRET.replace(/^whsec_/, ''), 'base64')
const [host, port] = (process.env.LISTEN_ADDR ?? '127.0.0.1:8090').split(':')
const toleranceSeconds = 5 * 60
const largestBody = 1 << 20
const seen = new Set() // a real one keeps the ids in its database

// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
function isSigned(headers, body) {
  const id = headers['webhook-id'], timestamp = headers['webhook-timestamp'], signatures = headers['webhook-signature']
  if (!id || !/^\d+$/.test(timestamp ?? '') || !signatures) return false
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > toleranceSeconds) return false
  const expected = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest()
  return signatures.split(' ').some((signature) => { // several, while a secret is rolled
    const [version, encoded] = signature.split(',')
    const given = Buffer.from(encoded ?? '', 'base64')
    return version === 'v1' && given.length === expected.length && timingSafeEqual(given, expected)
  })
}

async function receive(request, response) {
  const parts = []
  let size = 0
  for await (const part of request) {
    size += part.length
    if (size > largestBody) return response.writeHead(413).end()
    parts.push(part)
  }
  const body = Buffer.concat(parts)
  if (!isSigned(request.headers, body)) return response.writeHead(401).end()
  const id = request.headers['webhook-id']
  if (!seen.has(id)) {
    const event = JSON.parse(body)
    console.log(event.type, JSON.stringify(event.data))
    seen.add(id)
  }
  response.writeHead(204).end() // only once it is done: anything else is sent again
}

const server = createServer((request, response) => {
  receive(request, response).catch((error) => { // nothing that is sent ends the program
    console.error('not received:', error.message)
    if (response.headersSent) response.destroy()
    else response.writeHead(400).end()
  })
})
server.listen(Number(port), host, () => console.log('listening at', `${host}:${server.address().port}`))
