'use strict';
// The server side of the interoperability suite: node server.js PACKAGES TARGET. Prints READY when it serves.
const { grpc, testing } = require('./common.js');

const INITIAL = 'x-grpc-test-echo-initial';
const TRAILING = 'x-grpc-test-echo-trailing-bin';
const NO_COMPRESS = 2;
const zeros = (size) => ({ body: Buffer.alloc(size || 0) });

// Sends the initial metadata back and answers the trailers.
function echo(call, compress) {
  const headers = new grpc.Metadata();
  call.metadata.get(INITIAL).forEach((value) => headers.set(INITIAL, value));
  if (compress) headers.set('grpc-encoding', 'gzip');
  call.sendMetadata(headers);
  const trailers = new grpc.Metadata();
  call.metadata.get(TRAILING).forEach((value) => trailers.set(TRAILING, value));
  return trailers;
}

const refusal = (status) => ({ code: status.code, details: status.message });
const isTrue = (flag) => Boolean(flag && flag.value);

const service = {
  EmptyCall(call, callback) { callback(null, {}); },
  UnaryCall(call, callback) {
    const { request } = call;
    const trailers = echo(call, isTrue(request.response_compressed));
    if (request.response_status) callback(refusal(request.response_status));
    else callback(null, { payload: zeros(request.response_size) }, trailers, isTrue(request.response_compressed) ? 0 : NO_COMPRESS);
  },
  StreamingOutputCall(call) {
    const parameters = call.request.response_parameters || [];
    const trailers = echo(call, parameters.some((each) => isTrue(each.compressed)));
    for (const each of parameters) {
      call.write({ payload: zeros(each.size) });
    }
    call.end(trailers);
  },
  StreamingInputCall(call, callback) {
    let sum = 0;
    call.on('data', (message) => { sum += message.payload ? message.payload.body.length : 0; });
    call.on('error', () => {});
    call.on('end', () => callback(null, { aggregated_payload_size: sum }));
  },
  FullDuplexCall(call) {
    const trailers = echo(call, false);
    call.on('error', () => {});
    call.on('data', (request) => {
      if (request.response_status) call.emit('error', refusal(request.response_status));
      else for (const each of request.response_parameters || []) call.write({ payload: zeros(each.size) });
    });
    call.on('end', () => call.end(trailers));
  },
};

const server = new grpc.Server();
server.addService(Object.fromEntries(Object.entries(testing.TestService.service).filter(([name]) => service[name])), service);
server.bindAsync(process.argv[3], grpc.ServerCredentials.createInsecure(), (error) => {
  if (error) throw error;
  console.log('READY');
});
