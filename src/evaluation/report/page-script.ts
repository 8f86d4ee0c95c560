/**
 * The script of the page: filters the questions and shows one when it is opened. It makes elements and sets their text,
 * never markup, and asks no server for anything. Plain JavaScript for any browser of the last five years; the page's policy
 * names it by its hash, so it is the only script that runs.
 */
import { createHash } from 'node:crypto';

const elements = String.raw`
const data = JSON.parse(document.getElementById('report-data').textContent);
const byId = (id) => document.getElementById(id);

function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

// Longest common subsequence of the words: what is left over on either side is marked.
function wordsOf(sql) {
  return sql.match(/'(?:[^']|'')*'|"[^"]*"|[\p{L}\p{N}_$]+|\s+|./gsu) || [];
}
const fold = (word) => (/^['"]/.test(word) ? word : word.toLowerCase());

function commonWords(a, b) {
  const table = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      table[i][j] = a[i] === b[j] ? table[i + 1][j + 1] + 1 : Math.max(table[i + 1][j], table[i][j + 1]);
  const common = [new Set(), new Set()];
  for (let i = 0, j = 0; i < a.length && j < b.length; )
    if (a[i] === b[j]) {
      common[0].add(i++);
      common[1].add(j++);
    } else if (table[i + 1][j] >= table[i][j + 1]) i++;
    else j++;
  return common;
}

function markedSql(sql, other, side) {
  const code = make('code', '');
  const words = wordsOf(sql);
  const [mine, theirs] = [words, wordsOf(other)].map((list) => list.filter((word) => word.trim()).map(fold));
  const isComparable = mine.length * theirs.length < 1e6 && theirs.length > 0;
  const common = isComparable ? commonWords(mine, theirs)[0] : undefined;
  let at = 0;
  for (const word of words) {
    const isDifferent = word.trim() !== '' && common !== undefined && !common.has(at);
    if (word.trim() !== '') at++;
    code.append(isDifferent ? make('mark', side, word) : word);
  }
  if (words.length === 0) code.append(make('span', 'dim', '(nothing)'));
  return code;
}

function resultTable(result, title) {
  if (!result) return make('p', 'dim', title + ': not run');
  const head = make('tr', '', ...result.columns.map((name) => make('th', '', name)));
  const rows = result.rows.map((row) =>
    make('tr', '', ...row.map((cell) => make('td', cell === null ? 'dim' : '', cell === null ? 'NULL' : cell))),
  );
  const note = result.rows.length === 0 ? 'no rows' : result.hasMore ? 'first ' + result.rows.length + ' rows' : result.rows.length + (result.rows.length === 1 ? ' row' : ' rows');
  const table = make('table', 'result', make('thead', '', head), make('tbody', '', ...rows));
  return make('div', '', make('p', 'dim', title + ': ' + note), table);
}

function answerView(question, answer) {
  const isRight = answer.outcome === 'match';
  const facts = [answer.outcome + (answer.exactMatch ? ', exact match' : '')];
  if (answer.message) facts.push(answer.message);
  if (answer.confidence !== undefined) facts.push('confidence ' + (100 * answer.confidence).toFixed(1) + '%');
  facts.push(answer.latencyMs + ' ms');
  const verdict = make('p', 'verdict ' + (isRight ? 'match' : 'wrong'), (isRight ? '✓ ' : '✗ ') + answer.label + ': ' + facts.join(' · '));
  const mistakes = answer.mistakes.map((name) => make('li', '', make('b', '', name), ' ' + (data.meanings[name] || '')));
  const sql = make('div', 'sides',
    make('div', '', make('p', 'dim', 'gold'), markedSql(question.gold, answer.sql, 'gold')),
    make('div', '', make('p', 'dim', 'prediction'), markedSql(answer.sql, question.gold, 'got')));
  const rows = make('div', 'sides',
    resultTable(question.goldResult, 'gold gives'),
    resultTable(answer.result === true ? question.goldResult : answer.result, 'prediction gives'));
  const hasRows = question.goldResult || answer.result;
  return make('div', 'answer', verdict, mistakes.length ? make('ul', 'mistakes', ...mistakes) : undefined, sql, hasRows ? rows : undefined);
}
`;

const list = String.raw`
const pageSize = 50;
let found = [];
let shown = 0;

const isRightAnswer = (answer) => answer.outcome === 'match';
function answerPasses(answer, outcome, mistake) {
  if (mistake && !answer.mistakes.includes(mistake)) return false;
  if (outcome === 'right') return isRightAnswer(answer);
  if (outcome === 'wrong') return !isRightAnswer(answer) && answer.outcome !== 'unscored';
  return !outcome || outcome === 'contested' || outcome === 'different SQL' || answer.outcome === outcome;
}

function passes(question, filter) {
  if (filter.set && question.set !== filter.set) return false;
  if (filter.feature && !question.features.includes(filter.feature)) return false;
  const right = question.answers.filter(isRightAnswer).length;
  if (filter.outcome === 'contested' && (right === 0 || right === question.answers.length)) return false;
  if (filter.outcome === 'different SQL' && !question.hasDifferentSql) return false;
  const answers = question.answers.filter((answer) => !filter.label || answer.label === filter.label);
  if (!answers.some((answer) => answerPasses(answer, filter.outcome, filter.mistake))) return false;
  if (!filter.text) return true;
  const texts = [question.id, question.question, question.gold, ...question.answers.map((answer) => answer.sql)];
  return filter.text.split(/\s+/).every((word) => texts.some((text) => text.toLowerCase().includes(word)));
}

function questionView(question) {
  const marks = question.answers.map((answer) =>
    make('span', isRightAnswer(answer) ? 'match' : 'wrong', (isRightAnswer(answer) ? '✓' : '✗') + (data.labels.length > 1 ? ' ' + answer.label : '')));
  const last = question.answers[question.answers.length - 1];
  const badge = last && last.mistakes[0] ? make('span', 'badge', last.mistakes[0]) : undefined;
  const spaced = marks.flatMap((mark) => [mark, ' ']);
  const summary = make('summary', '', ...spaced, question.question, ' ', badge, make('span', 'dim id', question.id.startsWith(question.set) ? question.id : question.set + ' ' + question.id));
  const details = make('details', 'question', summary);
  details.addEventListener('toggle', () => {
    if (details.open && details.childElementCount === 1)
      details.append(...question.answers.map((answer) => answerView(question, answer)));
  });
  return details;
}

function showMore() {
  const next = found.slice(shown, shown + pageSize);
  byId('questions').append(...next.map(questionView));
  shown += next.length;
  byId('more').hidden = shown >= found.length;
}

function update() {
  const filter = {};
  for (const name of ['text', 'set', 'label', 'outcome', 'mistake', 'feature']) {
    const control = byId('filter-' + name);
    filter[name] = control ? control.value : '';
  }
  filter.text = filter.text.trim().toLowerCase();
  found = data.questions.filter((question) => passes(question, filter));
  shown = 0;
  byId('questions').replaceChildren();
  byId('count').textContent = found.length + ' of ' + data.questions.length + ' questions';
  showMore();
}

function move(step) {
  const summaries = [...document.querySelectorAll('#questions summary')];
  const at = summaries.indexOf(document.activeElement);
  if (step > 0 && at === summaries.length - 1 && !byId('more').hidden) {
    showMore();
    return move(step);
  }
  const next = summaries[Math.max(0, at + step)];
  if (next) next.focus();
}

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const isTyping = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName);
  if (event.key === '/' && !isTyping) byId('filter-text').focus();
  else if (event.key === 'j' && !isTyping) move(1);
  else if (event.key === 'k' && !isTyping) move(-1);
  else if (event.key === 'Escape' && isTyping) document.activeElement.blur();
  else return;
  event.preventDefault();
});
document.addEventListener('click', (event) => {
  const pick = event.target.closest('[data-mistake]');
  if (!pick) return;
  byId('filters').reset();
  byId('filter-mistake').value = pick.dataset.mistake;
  update();
  byId('list').scrollIntoView();
});
byId('filters').addEventListener('input', update);
byId('filters').addEventListener('submit', (event) => event.preventDefault());
byId('filters').addEventListener('reset', () => setTimeout(update));
byId('more').addEventListener('click', showMore);
update();
`;

export const pageScript = `'use strict';\n${elements}${list}`;

/** What a content security policy calls the script by: a page that shows reports in a frame allows it and no other. */
export const pageScriptHash = `sha256-${createHash('sha256').update(pageScript).digest('base64')}`;
