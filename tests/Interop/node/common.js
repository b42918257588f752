'use strict';
// What client.js and server.js share: the packages, which lie in the directory named first, and the service.
const path = require('path');

const from = process.argv[2];
const load = (name) => require(require.resolve(name, { paths: [from] }));
const grpc = load('@grpc/grpc-js');
const loader = load('@grpc/proto-loader');
const protos = path.join(__dirname, '..', 'protos');
const definition = loader.loadSync('test.proto', { includeDirs: [protos], keepCase: true, defaults: false });

module.exports = { grpc, testing: grpc.loadPackageDefinition(definition).grpc.testing };
