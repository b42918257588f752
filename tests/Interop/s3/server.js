// An S3-speaking server on a port of its own: node server.js PACKAGES DIRECTORY BUCKET. Prints "PORT n", then a line for each request.
const path = require('path');
const S3rver = require(path.join(process.argv[2], 'node_modules', 's3rver'));
const server = new S3rver({ port: 0, address: '127.0.0.1', silent: true, directory: process.argv[3], configureBuckets: [{ name: process.argv[4] }] });
server.middleware.unshift(async (context, next) => {
  await next();
  console.log(`${context.method} ${context.path} ${context.status} ${context.get('content-type')}`);
});
server.run().then((address) => console.log(`PORT ${address.port}`));
