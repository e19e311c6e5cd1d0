#!/usr/bin/env node
// The web page in Debian's Chromium, as somebody uses it.
//
//   node page.mjs OPEN-URL PRIVATE-URL TOKEN SLEEP SERVER-PID
//
// OPEN-URL has builds of good (b1), broken (b2), hostile (b3) and slow (b4), which is at `sleep SLEEP`.
// Prints "ok TEXT" or "not ok TEXT" for each thing that is looked for. The server of OPEN-URL is ended at
// the end. Modules come from the folder in TEST_MODULES.
import { execFileSync } from 'child_process';
import { createRequire } from 'module';

const require = createRequire(process.env.TEST_MODULES + '/');
const { chromium } = require('playwright-core');
const [open, closed, token, sleep, server] = process.argv.slice(2);
const PATIENCE = { timeout: 30000 };

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: process.getuid() === 0 ? ['--no-sandbox'] : [],
});
const seen = [];
const page = await browser.newPage({ viewport: { width: 1200, height: 800 } });
page.on('console', (message) => seen.push(message.text()));
page.on('pageerror', (error) => seen.push(error.message));
page.on('dialog', (dialog) => seen.push('dialog ' + dialog.message()) && dialog.dismiss());
page.on('request', (request) => {
  if (!request.url().startsWith(open + '/') && !request.url().startsWith(closed + '/') &&
      !request.url().startsWith('data:')) seen.push('request to ' + request.url());
});

async function step(text, run) {
  try {
    const problem = await run();
    console.log((problem ? 'not ok ' : 'ok ') + text + (problem ? ': ' + String(problem).replace(/\s+/g, ' ') : ''));
  } catch (error) {
    console.log('not ok ' + text + ': ' + error.message.replace(/\s+/g, ' '));
  }
}
const differs = (have, want) => (have === want ? '' : `"${have}", not "${want}"`);
const lacks = async (locator, text) => {
  await locator.filter({ hasText: text }).first().waitFor(PATIENCE);
};
const main = page.locator('main');
const row = (text) => main.locator('tbody tr').filter({ hasText: text });

await step('the builds, newest first', async () => {
  await page.goto(open + '/');
  await row('b1').waitFor(PATIENCE);
  return differs((await main.locator('tbody tr th').allTextContents()).join(), 'b4,b3,b2,b1');
});
await step('how each of them is', async () => {
  await lacks(row('b1'), 'succeeded');
  await lacks(row('b2'), 'failed');
  await lacks(row('b4'), /running|queued/);
});
await step('what the service does', () => lacks(page.locator('#service'), /version .* running/));
await step('a build and why it failed', async () => {
  await row('b2').getByRole('link', { name: 'b2' }).click();
  await lacks(main.locator('h1'), 'broken@1.0.0');
  await lacks(row('x86_64-linux-gnu'), /unknown type name/);
});
await step('its log', async () => {
  await row('x86_64-linux-gnu').getByRole('link', { name: 'log' }).click();
  await lacks(main.locator('pre'), /error: unknown type name/);
});
await step('back to the build', async () => {
  await page.goBack();
  await lacks(main.locator('h1'), 'broken@1.0.0');
});
await step('a hostile package is only text', async () => {
  await page.goto(open + '/#/builds/b3');
  await lacks(main, '<script>alert(1)</script>');
  await row('x86_64-linux-gnu').getByRole('link', { name: 'log' }).click();
  await lacks(main.locator('pre'), '<img src=x onerror=alert(2)>');
  return differs(await main.locator('script, img').count(), 0);
});
await step('a build as it goes, without a reload', async () => {
  await page.goto(open + '/#/builds/b4');
  await lacks(row('x86_64-linux-gnu'), 'running');
  execFileSync('pkill', ['-f', '--', '^sleep ' + sleep]);
  await lacks(row('x86_64-linux-gnu'), 'succeeded');
  await lacks(main.locator('dd'), 'succeeded');
});
await step('its audit report', async () => {
  await row('x86_64-linux-gnu').getByRole('link', { name: 'report' }).click();
  await lacks(main.locator('pre'), '"verdict": "pass"');
});
await step('a package by its name: what there is and what has loaded it', async () => {
  await page.getByRole('link', { name: 'Packages' }).click();
  await page.getByLabel('Package').fill('good');
  await page.getByRole('button', { name: 'Show' }).click();
  await lacks(main.locator('h2'), '1.0.0');
  await lacks(row('x86_64-linux-gnu'), /succeeded.*node \d+/);
});
await step('the targets', async () => {
  await page.getByRole('link', { name: 'Targets' }).click();
  await lacks(row('x86_64-linux-gnu'), /linux-x64.*yes/);
});
await step('nothing went wrong, and nobody else was asked', () => seen.splice(0).join('; '));
await step('what is not there', async () => {
  await page.goto(open + '/#/builds/b99');
  await lacks(page.getByRole('alert'), 'there is no build b99');
});
await step('on a narrow screen nothing but tables is wider', async () => {
  await page.setViewportSize({ width: 360, height: 640 });
  await page.goto(open + '/#/targets');
  await row('x86_64-linux-gnu').waitFor(PATIENCE);
  return differs(await page.evaluate(() => document.documentElement.scrollWidth), 360);
});

await step('a private service asks for a token', async () => {
  await page.goto(closed + '/');
  await page.getByLabel('Token').fill('wrong');
  await page.getByRole('button', { name: 'Go on' }).click();
  await lacks(main.locator('h1'), 'asks for a token');
  return differs(await page.getByLabel('Token').inputValue(), '');
});
await step('… and shows what there is with one', async () => {
  await page.getByLabel('Token').fill(token);
  await page.getByRole('button', { name: 'Go on' }).click();
  await lacks(main, 'Nothing was asked for yet');
  return differs(page.url().includes(token), false);
});
await step('a service that has gone is told', async () => {
  await page.goto(open + '/#/targets');
  await row('x86_64-linux-gnu').waitFor(PATIENCE);
  process.kill(Number(server));
  while (await fetch(open + '/healthz').catch(() => null)) await new Promise((r) => setTimeout(r, 100));
  await page.getByRole('link', { name: 'Packages' }).click();
  await lacks(page.getByRole('alert'), 'cannot be reached');
});
await browser.close();
