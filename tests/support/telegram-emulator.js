// SPDX-License-Identifier: GPL-3.0-or-later
//
// Runs telegram-test-api, a third-party emulator of the Bot API, on loopback.
//
//   node telegram-emulator.js [PORT]
//
// PORT 0, the default, takes a free one. Prints one line, the base URL, when it is ready; ends on
// SIGTERM, SIGINT or when its standard input closes, so that it never outlives the test.
//
// A customer speaks with
//   POST URL/sendMessage {"botToken","date","from":{…},"chat":{…},"text"}   (date in seconds)
// and what the bot answered is read with
//   POST URL/getUpdates {"token","chatId"}

'use strict';

const net = require('net');
const TelegramServer = require('telegram-test-api');

// The emulator wants a port of its own choice to be told, and takes 0 for "default".
function findPort() {
  return new Promise((resolve, reject) => {
    const probe = net.createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

async function main() {
  const wanted = Number(process.argv[2] || 0);
  if (!Number.isInteger(wanted) || wanted < 0 || wanted > 65535) {
    process.stderr.write('usage: node telegram-emulator.js [PORT]\n');
    process.exit(2);
  }
  const port = wanted || await findPort();
  const Server = TelegramServer.default || TelegramServer;
  const server = new Server({ port, host: '127.0.0.1', storeTimeout: 600 });
  await server.start();

  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(0), 1000).unref();
    await server.stop();
    process.exit(0);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.stdin.on('end', stop);
  process.stdin.resume();
  process.stdout.write(`http://127.0.0.1:${port}\n`);
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
