/** Style and behaviour of the contact sheet: what the browser gets as it stands here. */

export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #f4f3ef; --card: #fff; --ink: #1d1c1a; --soft: #69655e; --line: #e2dfd8; --accent: #b4471f; --mat: #e9e7e1;
}
@media (prefers-color-scheme: dark) {
  :root { --page: #151513; --card: #201f1d; --ink: #ebe8e2; --soft: #a09b92; --line: #34322e; --accent: #f08a5d; --mat: #0e0e0d; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 1rem/1.45 system-ui, sans-serif; }
header {
  position: sticky; top: 0; z-index: 1; display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; align-items: baseline;
  padding: .8rem clamp(1rem, 3vw, 2.5rem); background: var(--page); border-bottom: 1px solid var(--line);
}
h1 { margin: 0; font-size: 1.15rem; overflow-wrap: anywhere; }
header p { margin: 0; color: var(--soft); font-size: .9rem; }
#search {
  margin-left: auto; width: min(18rem, 100%); padding: .4rem .7rem; font: inherit; font-size: .95rem; color: inherit;
  background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
}
main {
  display: grid; gap: .9rem; grid-template-columns: repeat(auto-fill, minmax(min(27rem, 100%), 1fr));
  padding: 1.2rem clamp(1rem, 3vw, 2.5rem);
}
article {
  display: grid; grid-template-columns: 12rem 1fr; gap: .9rem; padding: .6rem; background: var(--card);
  border: 1px solid var(--line); border-radius: .8rem; content-visibility: auto; contain-intrinsic-size: auto 12rem;
  scroll-margin: 5rem;
}
article[hidden] { display: none; }
article.current { border-color: var(--accent); box-shadow: 0 0 0 1px var(--accent); }
.open { align-self: start; padding: 0; border: 0; border-radius: .4rem; background: none; cursor: zoom-in; }
.open img { display: block; width: min(100%, 15rem * var(--ratio)); height: auto; margin: auto; border-radius: .4rem; }
.words { display: flex; flex-direction: column; gap: .6rem; padding: .15rem .3rem .1rem 0; min-width: 0; overflow-wrap: anywhere; }
.words > * { margin: 0; }
.caption { font-size: 1.05rem; }
.name { margin-top: auto; color: var(--soft); font-size: .78rem; }
.before { padding: 0 0 0 .7rem; border-left: 2px solid var(--line); color: var(--soft); font-size: .88rem; list-style: none; }
.before li + li { margin-top: .25rem; }
.before::before { content: 'before'; font-size: .75rem; font-weight: 600; }
article .before li:nth-child(n + 3):not(.more), dialog .more { display: none; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
#nothing { grid-column: 1 / -1; color: var(--soft); }
footer { padding: 0 clamp(1rem, 3vw, 2.5rem) 2rem; color: var(--soft); font-size: .85rem; }
kbd { padding: 0 .35em; border: 1px solid var(--line); border-radius: .3em; font: inherit; }
html:has(dialog[open]) { overflow: hidden; }
dialog {
  width: 100vw; height: 100dvh; max-width: none; max-height: none; margin: 0; padding: 0; border: 0;
  background: var(--page); color: var(--ink);
}
dialog[open] { display: grid; grid-template: 1fr / 1fr minmax(16rem, 26rem); }
dialog > img { width: 100%; height: 100%; min-height: 0; object-fit: contain; background: var(--mat); }
dialog .side { display: flex; flex-direction: column; min-height: 0; }
dialog .words { flex: 1; gap: 1.2rem; overflow: auto; padding: 1.5rem; }
dialog .caption { font-size: 1.25rem; }
dialog .before { font-size: 1rem; }
dialog nav { display: flex; gap: .5rem; align-items: center; padding: .8rem 1.5rem; border-top: 1px solid var(--line); }
dialog nav span { flex: 1; color: var(--soft); font-size: .9rem; }
dialog nav button {
  padding: .3rem .8rem; font: inherit; color: inherit; background: var(--card); border: 1px solid var(--line);
  border-radius: .4rem; cursor: pointer;
}
@media (max-width: 44rem) {
  #search { margin-left: 0; width: 100%; }
  dialog[open] { grid-template: 55% 1fr / 1fr; }
}
@media (max-width: 30rem) { article { grid-template-columns: 1fr; } .open img { width: 100%; } }
`;

export const SCRIPT = `
const cards = [...document.querySelectorAll('article')];
const search = document.getElementById('search');
const count = document.getElementById('count');
const nothing = document.getElementById('nothing');
const view = document.querySelector('dialog');
const [large, words, place] = [view.querySelector('img'), view.querySelector('.words'), view.querySelector('nav span')];
let shown = cards;
let current = -1;

function choose(index, scroll = true) {
  if (shown.length === 0) return;
  shown[current]?.classList.remove('current');
  current = Math.max(0, Math.min(shown.length - 1, index));
  const card = shown[current];
  card.classList.add('current');
  if (scroll) card.scrollIntoView({ block: 'nearest' });
  if (view.open) fill(card);
}

function fill(card) {
  const small = card.querySelector('img');
  large.alt = small.alt;
  large.onerror = () => { large.onerror = null; large.src = small.src; };
  large.src = card.dataset.original || small.src;
  words.replaceChildren(...[...card.querySelector('.words').children].map((child) => child.cloneNode(true)));
  place.textContent = (current + 1) + ' of ' + shown.length;
}

function open(index) {
  choose(index);
  if (shown.length === 0) return;
  if (!view.open) view.showModal();
  fill(shown[current]);
}

function filter() {
  const wanted = search.value.toLowerCase().split(/\\s+/).filter(Boolean);
  shown[current]?.classList.remove('current');
  current = -1;
  shown = cards.filter((card) => {
    const text = card.querySelector('.words').textContent.toLowerCase();
    card.hidden = !wanted.every((word) => text.includes(word));
    return !card.hidden;
  });
  nothing.hidden = shown.length > 0;
  count.textContent = wanted.length === 0 ? count.dataset.all : shown.length + ' of ' + cards.length + ' pictures';
}

search.addEventListener('input', filter);
document.querySelector('main').addEventListener('click', (event) => {
  const card = event.target.closest('.open')?.closest('article');
  if (card) open(shown.indexOf(card));
});
view.querySelector('[data-go=back]').addEventListener('click', () => choose(current - 1));
view.querySelector('[data-go=on]').addEventListener('click', () => choose(current + 1));
view.querySelector('[data-go=close]').addEventListener('click', () => view.close());
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target === search) {
    if (event.key === 'Escape') { search.value = ''; filter(); search.blur(); }
    return;
  }
  const step = { j: 1, ArrowDown: 1, ArrowRight: 1, k: -1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  if (step) choose(current + step);
  else if (event.key === 'Home') choose(0);
  else if (event.key === 'End') choose(shown.length - 1);
  else if (event.key === '/') search.focus();
  else if (event.key === 'Enter' && !view.open && event.target === document.body) open(current);
  else return;
  event.preventDefault();
});
`;
