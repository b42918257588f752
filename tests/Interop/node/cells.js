'use strict';
// Upstream's runnable scenarios, by grpc-js and the wire definitions: node cells.js PACKAGES BINARY ROOT API MODE.
// MODE "killed" ends the daemon by SIGKILL and starts it again between every two calls. Prints "PASS scenario", "FAIL scenario reason" or "SKIP scenario reason".
const assert = require('assert');
const { spawn } = require('child_process');
const fs = require('fs');
const path = require('path');

const [packages, binary, root, api, mode] = process.argv.slice(2);
const durability = process.env.DURABILITY ? ['--durability', process.env.DURABILITY] : [];
const load = (name) => require(require.resolve(name, { paths: [packages] }));
const grpc = load('@grpc/grpc-js');
const loader = load('@grpc/proto-loader');
const wire = (file) => grpc.loadPackageDefinition(loader.loadSync(file, { includeDirs: [api], keepCase: true, defaults: false, enums: Number, longs: Number }));
const cellsWire = wire('aurae/cells/v0/cells.proto').aurae.cells.v0;
const observeWire = wire('aurae/observe/v0/observe.proto').aurae.observe.v0;

// The client's configuration, in upstream's format.
const config = fs.readFileSync(path.join(root, 'config'), 'utf8');
const setting = (key) => new RegExp(`^${key}\\s*=\\s*"(.*)"`, 'm').exec(config)[1];
const read = (key) => fs.readFileSync(setting(key));
const credentials = grpc.credentials.createSsl(read('ca_crt'), read('client_key'), read('client_crt'));
const options = { 'grpc.ssl_target_name_override': 'server.unsafe.aurae.io', 'grpc.default_authority': 'server.unsafe.aurae.io' };

let daemon;
let cells;
let observe;

async function start() {
  daemon = spawn(binary, ['run', '--root', root, ...durability], { stdio: ['ignore', 'ignore', 'pipe'] });
  daemon.log = '';
  daemon.stderr.on('data', (text) => { daemon.log += text; });
  daemon.ended = new Promise((resolve) => daemon.on('exit', resolve));
  const target = `unix:${setting('socket')}`;
  const deadline = Date.now() + 60000;
  for (;;) {
    cells = new cellsWire.CellService(target, credentials, options);
    observe = new observeWire.ObserveService(target, credentials, options);
    try {
      await new Promise((resolve, reject) => cells.waitForReady(Date.now() + 500, (error) => (error ? reject(error) : resolve())));
      return;
    } catch (error) {
      cells.close();
      observe.close();
      if (Date.now() > deadline || daemon.exitCode !== null) throw new Error(`the daemon does not answer: ${daemon.log}`);
    }
  }
}

async function kill() {
  cells.close();
  observe.close();
  daemon.kill('SIGKILL');
  await daemon.ended;
}

async function call(method, request) {
  if (mode === 'killed') {
    await kill();
    await start();
  }
  return new Promise((resolve, reject) => cells[method](request, (error, response) => (error ? reject(error) : resolve(response))));
}

const allocate = (cell) => call('Allocate', { cell });
const free = (name) => call('Free', { cell_name: name });
const run = (cell, name, command) => call('Start', { cell_name: cell, executable: { name, command, description: '' } });
const stop = (cell, name) => call('Stop', { cell_name: cell, executable_name: name });
const alive = (pid) => { try { process.kill(pid, 0); return true; } catch { return false; } };
const trees = (nodes) => (nodes || []).map((node) => ({ cell: node.cell, children: trees(node.children) })).sort((a, b) => (a.cell.name < b.cell.name ? -1 : 1));
const own = (tree) => tree.filter((node) => node.cell.name.startsWith('ae-test'));

class Skip extends Error {}

async function fails(code, text, promise) {
  const error = await promise.then(() => assert.fail(`expected status ${code}`), (failure) => failure);
  assert.strictEqual(error.code, code, error.message);
  if (text) assert.ok(error.details.includes(text), error.details);
}

// A cell with bounds, where this host can give them.
async function allocateBound(cell) {
  try {
    return await allocate(cell);
  } catch (error) {
    assert.strictEqual(error.code, grpc.status.INTERNAL, error.message);
    assert.match(error.details, /could not be allocated: .*(controller '\w+' is not available|cgroup v2)/);
    assert.deepStrictEqual(own(trees((await call('List', {})).cells)), []);
    throw new Skip(error.details);
  }
}

const scenarios = {
  async list_is_the_tree_that_was_allocated() {
    const names = ['ae-test-a', 'ae-test-a/b', 'ae-test-a/b/c', 'ae-test-d'];
    for (const name of names) assert.deepStrictEqual((await allocate({ name })).cell_name, name);
    const leaf = (name, children = []) => ({ cell: { name }, children });
    assert.deepStrictEqual(own(trees((await call('List', {})).cells)), [leaf('ae-test-a', [leaf('ae-test-a/b', [leaf('ae-test-a/b/c')])]), leaf('ae-test-d')]);
    await fails(grpc.status.ALREADY_EXISTS, "cell 'ae-test-a' already exists'", allocate({ name: 'ae-test-a' }));
    await fails(grpc.status.NOT_FOUND, "cell 'ae-test-x' not found", allocate({ name: 'ae-test-x/y' }));
    await free('ae-test-a');
    await free('ae-test-d');
    assert.deepStrictEqual(own(trees((await call('List', {})).cells)), []);
    await fails(grpc.status.NOT_FOUND, "cell 'ae-test-a' not found", free('ae-test-a'));
  },

  async present_but_empty_controllers_are_echoed() {
    await allocate({ name: 'ae-test-empty', cpu: {}, cpuset: {}, memory: {} });
    assert.deepStrictEqual(own(trees((await call('List', {})).cells))[0].cell, { name: 'ae-test-empty', cpu: {}, cpuset: {}, memory: {} });
    await free('ae-test-empty');
  },

  async validation_errors() {
    const precondition = grpc.status.FAILED_PRECONDITION;
    await fails(precondition, 'Field = cell.name', allocate({ name: 'ae-no_underscore' }));
    await fails(precondition, 'Field = cell; Required', call('Allocate', {}));
    await fails(precondition, 'Field = cell.cpu.weight; Minimum = 1 unit', allocate({ name: 'ae-test-v', cpu: { weight: 0 } }));
    await fails(precondition, 'Field = cell.cpu.weight; Maximum = 10000 units', allocate({ name: 'ae-test-v', cpu: { weight: 10001 } }));
    await fails(precondition, 'Field = executable.command; Required', run('ae-test-v', 'x', ''));
    await fails(precondition, 'Field = cell_name; Required', run('', 'x', 'true'));
    await fails(grpc.status.NOT_FOUND, "cell 'ae-test-v' not found", run('ae-test-v', 'x', 'true'));
  },

  async cells_run_nest_and_stop_what_has_exited() {
    await allocate({ name: 'ae-test-1' });
    const sleeper = await run('ae-test-1', 'ae-sleeper', '/usr/bin/sleep 42');
    assert.ok(alive(sleeper.pid));
    assert.deepStrictEqual([sleeper.uid || 0, sleeper.gid || 0], [process.getuid(), process.getgid()]);
    await fails(grpc.status.ALREADY_EXISTS, "executable 'ae-sleeper' exists", run('ae-test-1', 'ae-sleeper', 'true'));
    await allocate({ name: 'ae-test-1/ae-test-2' });
    const echo = await run('ae-test-1/ae-test-2', 'ae-echo', 'echo hello');
    while (alive(echo.pid)) await new Promise((resolve) => setTimeout(resolve, 5));
    await fails(grpc.status.ALREADY_EXISTS, "executable 'ae-echo' exists", run('ae-test-1/ae-test-2', 'ae-echo', 'true'));
    await stop('ae-test-1/ae-test-2', 'ae-echo');
    await fails(grpc.status.NOT_FOUND, "executable 'ae-echo' not found", stop('ae-test-1/ae-test-2', 'ae-echo'));
    assert.ok(alive(sleeper.pid), 'the sleeper went on');
    await free('ae-test-1/ae-test-2');
    await stop('ae-test-1', 'ae-sleeper');
    assert.ok(!alive(sleeper.pid));
    await free('ae-test-1');
  },

  async free_ends_what_runs() {
    await allocate({ name: 'ae-test-live' });
    const one = await run('ae-test-live', 'one', 'tail -f /dev/null');
    await free('ae-test-live');
    assert.ok(!alive(one.pid));
  },

  async outside_of_cells() {
    const request = { executable: { name: 'ae-test-bare', command: 'sleep 42' }, uid: 65534, gid: 65534 };
    const started = await call('Start', request);
    assert.deepStrictEqual([started.uid, started.gid], [65534, 65534]);
    assert.match(fs.readFileSync(`/proc/${started.pid}/status`, 'utf8'), /Uid:\s65534\s65534\s65534\s65534/);
    await call('Stop', { executable_name: 'ae-test-bare' });
    assert.ok(!alive(started.pid));
  },

  async quota() {
    await allocateBound({ name: 'ae-test-quota', cpu: { weight: 2, max: 400000 } });
    await run('ae-test-quota', 'busy', 'exit 0');
    await stop('ae-test-quota', 'busy');
    await free('ae-test-quota');
  },

  async memory() {
    await allocateBound({ name: 'ae-test-memory', memory: { high: 50000, max: 100000 } });
    await run('ae-test-memory', 'fill', 'tail -f /dev/null').catch((error) => assert.strictEqual(error.code, grpc.status.INTERNAL));
    await free('ae-test-memory');
  },

  async isolation() {
    try {
      await allocate({ name: 'ae-test-alone', isolate_process: true, isolate_network: true });
    } catch (error) {
      assert.match(error.details, /namespaces|mounting|process table/);
      throw new Skip(error.details);
    }
    const one = await run('ae-test-alone', 'one', 'tail -f /dev/null');
    const two = await run('ae-test-alone', 'two', 'tail -f /dev/null');
    const space = (pid, name) => fs.readlinkSync(`/proc/${pid}/ns/${name}`);
    for (const name of ['pid', 'net', 'uts', 'ipc', 'mnt']) {
      assert.notStrictEqual(space(one.pid, name), space('self', name), name);
      assert.strictEqual(space(one.pid, name), space(two.pid, name), name);
    }
    await free('ae-test-alone');
    assert.ok(!alive(one.pid) && !alive(two.pid));
  },

  async streams() {
    await allocate({ name: 'ae-test-stream' });
    const ticker = await run('ae-test-stream', 'ticker', 'while :; do echo tick; sleep 0.05; done');
    const first = (stream) => new Promise((resolve, reject) => { stream.on('data', resolve); stream.on('error', reject); });
    const output = observe.GetSubProcessStream({ process_id: ticker.pid, channel_type: 1 });
    const item = (await first(output)).item;
    output.on('error', () => {});
    output.cancel();
    assert.deepStrictEqual([item.channel, item.line], ['ticker::stdout', 'tick']);
    assert.ok(Math.abs(item.timestamp - Date.now() / 1000) < 60);
    await fails(grpc.status.NOT_FOUND, 'Failed to find any registered channels for 1', first(observe.GetSubProcessStream({ process_id: 1, channel_type: 1 })));
    await fails(grpc.status.NOT_FOUND, `Failed to find channel type Unspecified for ${ticker.pid}`, first(observe.GetSubProcessStream({ process_id: ticker.pid })));
    await fails(grpc.status.INVALID_ARGUMENT, '7 is not a valid LogChannelType', first(observe.GetSubProcessStream({ process_id: ticker.pid, channel_type: 7 })));
    const log = observe.GetAuraeDaemonLogStream({});
    log.on('metadata', () => daemon.kill('SIGHUP'));
    assert.match((await first(log)).item.line, /./);
    log.on('error', () => {});
    log.cancel();
    await free('ae-test-stream');
  },
};

(async () => {
  await start();
  for (const [name, scenario] of Object.entries(scenarios)) {
    try {
      await scenario();
      console.log(`PASS ${name}`);
    } catch (error) {
      console.log(`${error instanceof Skip ? 'SKIP' : 'FAIL'} ${name} ${String(error.message).replace(/\n/g, ' ')} ${error instanceof Skip ? '' : error.stack.split('\n').filter((line) => line.includes('cells.js')).join(' ')}`);
      for (const node of own(trees((await call('List', {})).cells))) await free(node.cell.name);
    }
  }
  await kill();
  process.exit(0);
})();
