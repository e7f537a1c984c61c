// Asks the lake's API as any client does and writes the answers down; all text goes in as text, never as markup.

const element = (id) => document.getElementById(id);
const tags = { date: "00080020", modalities: "00080061", description: "00081030", name: "00100010", patient: "00100020",
  study: "0020000D", series: "00201206", instances: "00201208" };

function value(study, tag) {
  const held = study[tag]?.Value ?? [];
  return held.map((one) => (typeof one === "object" ? one.Alphabetic ?? one.Ideographic ?? "" : one)).join(", ");
}

function cell(row, text, kind = "") {
  const added = row.insertCell();
  added.className = kind;
  added.textContent = text;
  return added;
}

function link(into, text, href) {
  const anchor = document.createElement("a");
  anchor.href = href;
  anchor.textContent = text;
  into.append(anchor, " ");
}

async function ask(path) {
  const token = element("token").value.trim();
  const headers = { Accept: "application/dicom+json, application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  const answer = await fetch(path, { headers });
  if (answer.status === 204) return [];
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(`${answer.status} ${body.message ?? answer.statusText}`);
  return body;
}

async function showStudies(base) {
  const studies = await ask(`${base}/studies?limit=100&includefield=all`);
  const rows = element("studies").tBodies[0];
  rows.replaceChildren();
  for (const study of studies) {
    const row = rows.insertRow();
    cell(row, `${value(study, tags.name)} (${value(study, tags.patient)})`);
    cell(row, value(study, tags.date));
    cell(row, value(study, tags.description));
    cell(row, value(study, tags.modalities));
    cell(row, value(study, tags.series), "number");
    cell(row, value(study, tags.instances), "number");
    const place = `${base}/studies/${value(study, tags.study)}`;
    const look = cell(row, "");
    link(look, "series", `${place}/series`);
    link(look, "metadata", `${place}/metadata`);
  }
  element("studies").hidden = studies.length === 0;
  element("studies-says").textContent = studies.length ? `the newest ${studies.length}` : "no studies yet";
}

async function showCounts(base) {
  const counts = await ask(`${base}/statistics`);
  const table = element("counts");
  table.replaceChildren();
  for (const [name, count] of Object.entries(counts)) {
    const row = table.insertRow();
    cell(row, name);
    cell(row, typeof count === "object" ? JSON.stringify(count) : String(count), "number");
  }
  element("counts-says").textContent = "";
}

async function show() {
  const { dicomweb, lake } = await ask("config.json");
  const asked = { counts: showCounts(lake), studies: showStudies(dicomweb) };
  for (const [name, answer] of Object.entries(asked)) {
    answer.catch((error) => { element(`${name}-says`).textContent = `the API answered ${error.message}`; });
  }
}

element("token").value = sessionStorage.getItem("operatorToken") ?? "";
element("token").addEventListener("change", () => {
  sessionStorage.setItem("operatorToken", element("token").value.trim());
  show();
});
element("again").addEventListener("click", show);
show();
