'use strict';
// The client side of the interoperability suite: node client.js PACKAGES TARGET [CA]. Prints "PASS case" or "FAIL case reason" for each.
const assert = require('assert');
const fs = require('fs');
const { grpc, testing } = require('./common.js');

const target = process.argv[3];
const ca = process.argv[4];
const credentials = ca ? grpc.credentials.createSsl(fs.readFileSync(ca)) : grpc.credentials.createInsecure();
const GZIP = 2;
const NO_COMPRESS = 2;
const plain = new testing.TestService(target, credentials);
const gzip = new testing.TestService(target, credentials, { 'grpc.default_compression_algorithm': GZIP });
const zeros = (size) => ({ body: Buffer.alloc(size) });
const large = { response_size: 314159, payload: zeros(271828) };

// Resolves with the response, the headers and the trailers; rejects with the status.
function unary(client, method, request, metadata = new grpc.Metadata(), options = {}) {
  return new Promise((resolve, reject) => {
    const seen = {};
    const call = client[method](request, metadata, options, (error, response) => {
      if (error) reject(error);
      else setImmediate(() => resolve({ response, ...seen }));
    });
    call.on('metadata', (headers) => { seen.headers = headers; });
    call.on('status', (status) => { seen.trailers = status.metadata; });
  });
}

// Resolves with all messages, the headers and the status of a call with a response stream.
function collect(call, onData = () => {}) {
  return new Promise((resolve) => {
    const seen = { messages: [] };
    call.on('data', (message) => { seen.messages.push(message); onData(message, seen.messages.length); });
    call.on('metadata', (headers) => { seen.headers = headers; });
    call.on('error', () => {});
    call.on('status', (status) => { seen.status = status; resolve(seen); });
  });
}

async function fails(code, promise) {
  try {
    await promise;
  } catch (error) {
    assert.strictEqual(error.code, code, error.message);
    return error;
  }
  assert.fail(`expected status ${code}`);
}

function upload(client, write) {
  return new Promise((resolve, reject) => {
    const call = client.StreamingInputCall((error, response) => (error ? reject(error) : resolve(response)));
    write(call);
  });
}

const cases = {
  async empty_unary() {
    assert.deepStrictEqual((await unary(plain, 'EmptyCall', {})).response, {});
  },
  async large_unary() {
    assert.strictEqual((await unary(plain, 'UnaryCall', large)).response.payload.body.length, 314159);
  },
  async client_compressed_unary() {
    await fails(grpc.status.INVALID_ARGUMENT, unary(plain, 'UnaryCall', { ...large, expect_compressed: { value: true } }));
    const { response } = await unary(gzip, 'UnaryCall', { ...large, expect_compressed: { value: true } });
    assert.strictEqual(response.payload.body.length, 314159);
    await unary(plain, 'UnaryCall', { ...large, expect_compressed: { value: false } });
  },
  async server_compressed_unary() {
    for (const value of [true, false]) {
      const { response } = await unary(plain, 'UnaryCall', { ...large, response_compressed: { value } });
      assert.strictEqual(response.payload.body.length, 314159);
    }
  },
  async client_compressed_streaming() {
    await fails(grpc.status.INVALID_ARGUMENT, upload(plain, (call) => {
      call.write({ payload: zeros(27182), expect_compressed: { value: true } });
      call.end();
    }));
    const response = await upload(gzip, (call) => {
      call.write({ payload: zeros(27182), expect_compressed: { value: true } }, () => {
        // The stream has no way to say "not this message"; the call beneath it has.
        const second = { payload: zeros(45904), expect_compressed: { value: false } };
        call.call.sendMessageWithContext({ flags: NO_COMPRESS, callback: () => call.end() }, second);
      });
    });
    assert.strictEqual(response.aggregated_payload_size, 73086);
  },
  async server_compressed_streaming() {
    const response_parameters = [{ size: 31415, compressed: { value: true } }, { size: 92653, compressed: { value: false } }];
    const { messages, status } = await collect(plain.StreamingOutputCall({ response_parameters }));
    assert.strictEqual(status.code, grpc.status.OK);
    assert.deepStrictEqual(messages.map((message) => message.payload.body.length), [31415, 92653]);
  },
  async client_streaming() {
    const response = await upload(plain, (call) => {
      for (const size of [27182, 8, 1828, 45904]) call.write({ payload: zeros(size) });
      call.end();
    });
    assert.strictEqual(response.aggregated_payload_size, 74922);
  },
  async server_streaming() {
    const sizes = [31415, 9, 2653, 58979];
    const { messages } = await collect(plain.StreamingOutputCall({ response_parameters: sizes.map((size) => ({ size })) }));
    assert.deepStrictEqual(messages.map((message) => message.payload.body.length), sizes);
  },
  async ping_pong() {
    const asks = [[27182, 31415], [8, 9], [1828, 2653], [45904, 58979]];
    const call = plain.FullDuplexCall();
    const send = (index) => call.write({ payload: zeros(asks[index][0]), response_parameters: [{ size: asks[index][1] }] });
    const all = collect(call, (message, count) => (count < asks.length ? send(count) : call.end()));
    send(0);
    const { messages, status } = await all;
    assert.strictEqual(status.code, grpc.status.OK);
    assert.deepStrictEqual(messages.map((message) => message.payload.body.length), asks.map((ask) => ask[1]));
  },
  async empty_stream() {
    const call = plain.FullDuplexCall();
    const all = collect(call);
    call.end();
    const { messages, status } = await all;
    assert.strictEqual(status.code, grpc.status.OK);
    assert.strictEqual(messages.length, 0);
  },
  async custom_metadata() {
    const metadata = new grpc.Metadata();
    metadata.set('x-grpc-test-echo-initial', 'test_initial_metadata_value');
    metadata.set('x-grpc-test-echo-trailing-bin', Buffer.from('ababab', 'hex'));
    const check = (headers, trailers) => {
      assert.deepStrictEqual(headers.get('x-grpc-test-echo-initial'), ['test_initial_metadata_value']);
      assert.strictEqual(trailers.get('x-grpc-test-echo-trailing-bin')[0].toString('hex'), 'ababab');
    };
    const { headers, trailers } = await unary(plain, 'UnaryCall', large, metadata);
    check(headers, trailers);
    const call = plain.FullDuplexCall(metadata);
    const all = collect(call);
    call.write({ payload: zeros(271828), response_parameters: [{ size: 314159 }] });
    call.end();
    const seen = await all;
    check(seen.headers, seen.status.metadata);
  },
  async status_code_and_message() {
    const response_status = { code: 2, message: 'test status message' };
    const error = await fails(grpc.status.UNKNOWN, unary(plain, 'UnaryCall', { response_status }));
    assert.strictEqual(error.details, 'test status message');
    const call = plain.FullDuplexCall();
    const all = collect(call);
    call.write({ response_status });
    call.end();
    const { status } = await all;
    assert.strictEqual(status.code, 2);
    assert.strictEqual(status.details, 'test status message');
  },
  async special_status_message() {
    const message = '\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n';
    const error = await fails(grpc.status.UNKNOWN, unary(plain, 'UnaryCall', { response_status: { code: 2, message } }));
    assert.strictEqual(error.details, message);
  },
  async unimplemented_method() {
    await fails(grpc.status.UNIMPLEMENTED, unary(plain, 'UnimplementedCall', {}));
  },
  async unimplemented_service() {
    await fails(grpc.status.UNIMPLEMENTED, unary(new testing.UnimplementedService(target, credentials), 'UnimplementedCall', {}));
  },
  async cancel_after_begin() {
    await fails(grpc.status.CANCELLED, upload(plain, (call) => setImmediate(() => call.cancel())));
  },
  async cancel_after_first_response() {
    const call = plain.FullDuplexCall();
    const all = collect(call, () => call.cancel());
    call.write({ payload: zeros(27182), response_parameters: [{ size: 31415 }] });
    const { status, messages } = await all;
    assert.strictEqual(status.code, grpc.status.CANCELLED);
    assert.strictEqual(messages.length, 1);
  },
  async timeout_on_sleeping_server() {
    const call = plain.FullDuplexCall(new grpc.Metadata(), { deadline: Date.now() + 1 });
    const all = collect(call);
    call.write({ payload: zeros(27182) });
    assert.strictEqual((await all).status.code, grpc.status.DEADLINE_EXCEEDED);
  },
};

(async () => {
  for (const [name, run] of Object.entries(cases)) {
    try {
      await run();
      console.log(`PASS ${name}`);
    } catch (error) {
      console.log(`FAIL ${name} ${String(error.message).replace(/\s+/g, ' ')}`);
    }
  }
  process.exit(0);
})();
