// Sends requests with the CloudEvents SDK for JavaScript and reads the answers with
// it: judge.mjs URL PICTURE. It ends with 1, and says why, where one is not as the
// SDK's users would want it.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

const { CloudEvent, HTTP } = createRequire(process.cwd() + '/')('cloudevents');
const [url, picturePath] = process.argv.slice(2);
const picture = await readFile(picturePath);

async function send({ headers, body }) {
  const resp = await fetch(url, { method: 'POST', headers, body });
  const answer = Buffer.from(await resp.arrayBuffer()).toString();
  assert.equal(resp.status, 200, `status ${resp.status}: ${answer}`);
  return HTTP.toEvent({ headers: Object.fromEntries(resp.headers), body: answer });
}

function request(id, more) {
  return new CloudEvent({
    id, source: '/judge', type: 'dev.saccade.detect.v1', subject: 'gate', function: 'eye',
    traceparent: '00-1-2-01', ...more,
  });
}

function check(event, id, mode) {
  assert.equal(event.type, 'dev.saccade.detected.v1', mode);
  assert.equal(event.causationid, id, mode);
  assert.equal(event.subject, 'gate', mode);
  assert.equal(event.traceparent, '00-1-2-01', mode);
  assert.notEqual(event.id, id, mode);
  assert.equal(String(event.coldstart), 'false', mode);
  const reply = typeof event.data === 'string' ? JSON.parse(event.data) : event.data;
  assert.equal(reply.detections[0].class, 'cat', mode);
  assert.ok(event.validate(), mode);
}

const inPicture = { datacontenttype: 'image/png', data: picture };
const inJSON = { datacontenttype: 'application/json', data: { image: { base64: picture.toString('base64') }, min_score: 0.4 } };
for (const [name, more] of [['a picture', inPicture], ['JSON', inJSON]]) {
  check(await send(HTTP.binary(request('b', more))), 'b', `binary, ${name}`);
  check(await send(HTTP.structured(request('s', more))), 's', `structured, ${name}`);
}
check(await send(HTTP.structured(request('o', { ...inJSON, specversion: '0.3' }))), 'o', 'structured, 0.3');
check(await send(HTTP.binary(request('p', { ...inJSON, specversion: '0.3' }))), 'p', 'binary, 0.3');

const batch = await send({
  headers: { 'content-type': 'application/cloudevents-batch+json; charset=UTF-8' },
  body: JSON.stringify([request('1', inJSON), request('2', { ...inJSON, function: 'ear' }), request('3', inPicture)]),
});
assert.equal(batch.length, 3);
check(batch[0], '1', 'batched');
assert.equal(batch[1].type, 'dev.saccade.failed.v1');
assert.equal(batch[1].causationid, '2');
assert.equal(batch[1].data.status, 422);
check(batch[2], '3', 'batched');
console.log('judged 9 answers');
