/** One family, one monospaced for what a machine said; colour only for new, good, needs a person and wrong. */
export const STYLE = `
:root{color-scheme:light dark;--bg:#f6f6f3;--card:#fff;--ink:#1c1e20;--dim:#63696f;--line:#e0e0da;
--good:#1d7048;--good-bg:#e5f2eb;--wait:#8a5c00;--wait-bg:#fcf1d4;--bad:#ab231c;--bad-bg:#fae7e5;--new:#2b59c3;--new-bg:#e7edfb}
@media (prefers-color-scheme:dark){:root{--bg:#121416;--card:#1a1d20;--ink:#e7e9eb;--dim:#9aa0a7;--line:#2c3034;
--good:#62c999;--good-bg:#18302a;--wait:#e3b548;--wait-bg:#342b15;--bad:#f08a81;--bad-bg:#3a2020;--new:#8dabff;--new-bg:#1f2b47}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif;font-variant-numeric:tabular-nums}
header{display:flex;gap:1.5rem;align-items:baseline;padding:.9rem 1.6rem;border-bottom:1px solid var(--line);background:var(--card)}
header span{margin-left:auto;color:var(--dim);font-size:.87rem}
main{max-width:1180px;margin:0 auto;padding:1.6rem 1.6rem 4rem}
h1{font-size:1.8rem;line-height:1.25;font-weight:600;margin:.3rem 0;overflow-wrap:anywhere}
h2{font-size:.87rem;font-weight:600;color:var(--dim);margin:2rem 0 .5rem}
p{margin:.3rem 0}.dim{color:var(--dim)}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:1rem 1.2rem;overflow-x:auto}
table{border-collapse:collapse;width:100%}
th{font-size:.83rem;font-weight:600;color:var(--dim);text-align:left;padding:0 .8rem .3rem 0}
td{padding:.5rem .8rem .5rem 0;border-top:1px solid var(--line);vertical-align:top;overflow-wrap:break-word}
.tight{white-space:nowrap}td pre{max-width:44rem}
code,pre{font:.87rem/1.5 ui-monospace,SFMono-Regular,Menlo,monospace}
pre{margin:.3rem 0;white-space:pre-wrap;overflow-wrap:anywhere}
.mark{display:inline-block;border-radius:1rem;padding:0 .6rem;font-size:.83rem;font-weight:600;white-space:nowrap}
.mark.good{color:var(--good);background:var(--good-bg)}.mark.wait{color:var(--wait);background:var(--wait-bg)}
.mark.new{color:var(--new);background:var(--new-bg)}.mark.bad{color:var(--bad);border:1.5px solid}
.mark.away{color:var(--dim);border:1.5px dashed}
.back{border-color:var(--bad)}h2.red{color:var(--bad)}
#silent{background:var(--bad-bg);color:var(--bad);padding:.5rem 1.6rem}
`;

/**
 * Looks every two seconds whether anything is new, and takes the new page in. When Belay does not answer, it says so
 * and leaves what was there.
 */
export const SCRIPT = `
let seen;
const silent = document.getElementById("silent");
async function look() {
  try {
    const { version } = await (await fetch("/v1/status")).json();
    if (seen !== undefined && version !== seen) {
      const text = await (await fetch("/")).text();
      const next = new DOMParser().parseFromString(text, "text/html");
      document.querySelector("main").replaceWith(next.querySelector("main"));
      document.title = next.title;
    }
    seen = version;
    silent.hidden = true;
  } catch {
    if (silent.hidden) silent.textContent = "Belay has not answered since " + new Date().toLocaleTimeString() + ". This is what it said before. Traffic goes on without it.";
    silent.hidden = false;
  }
}
setInterval(look, 2000);
look();
`;
